/**
 * Cures of a question about a lab that is asked from outside of it. The command that answers runs on the lab's host, and a
 * person types the cure in a shell of the machine. So each cure is written with the command that leads into the lab.
 */
import { shellWord } from "../../step/shellWords.ts";
import { netnsFolder } from "../../sys/netns.ts";

/** The person who asks, as the command inside of the lab has to know them. */
export interface Asker {
  /** The word after `--lab`. */
  readonly at: string;
  /** The lab's host that answers. */
  readonly host: string;
  /** The words that name the lab to `ns-net lab`, or none if it is found without them. */
  readonly option: readonly string[];
  /** Pods, other hosts and outside: `ns-net lab exec` knows them. */
  readonly holders: readonly string[];
  /** The folder of the host's attachments. */
  readonly dataDir: string;
  /** By the command inside of the lab that undoes it: the place of a `lab impair --down`. */
  readonly down: Readonly<Record<string, string>>;
}

/** The environment variable that has it, as JSON. */
export const askerVariable = "NSNET_LAB_ASKER";

/** None for a person who asks on the lab's host, or about the machine. */
function asker(): Asker | undefined {
  const text = process.env[askerVariable];
  return text === undefined ? undefined : (JSON.parse(text) as Asker);
}

/** The cure as this person types it. */
export function typedCure(cure: string): string {
  const who = asker();
  return who === undefined ? cure : cureFor(who, cure);
}

/** The option of another question about the same place, with a blank before it. */
export function labWords(): string {
  const who = asker();
  return who === undefined ? "" : ` --lab ${who.at}`;
}

/** An answer of `explain` whose cure can be typed. */
export function withTypedCure<A extends { readonly cause: { readonly cure: string } | null }>(answer: A): A {
  const { cause } = answer;
  return cause === null ? answer : { ...answer, cause: { ...cause, cure: typedCure(cause.cure) } };
}

/** Settings that all network namespaces share: only the machine's first one can change them. */
const ofMachine = /^sysctl -w net\.(?:netfilter\.nf_conntrack_max|ipv[46]\.neigh\.default\.gc_thresh)/;
const programs = /^(?:ip|bridge|nft|sysctl|nsenter|sh|ns-net) /;

export function cureFor(asker: Asker, cure: string): string {
  // `If no program needs br9: ip link delete br9`
  const [, condition, rest] = /^([A-Z][^:]*: )(.*)$/.exec(cure) ?? [];
  if (condition !== undefined && rest !== undefined) return `${condition}${commandFor(asker, rest)}`;
  return commandFor(asker, cure);
}

function commandFor({ host, option, holders, dataDir, down }: Asker, cure: string): string {
  const inLab = (name: string, words: string) => ["ns-net lab", name, ...option, words].join(" ").trimEnd();
  if (!programs.test(cure) || ofMachine.test(cure)) return cure;
  const place = down[cure];
  if (place !== undefined) return inLab(`impair ${place}`, "--up");
  const [, lost = ""] = /^(?:ns-net del \S+ && )?ns-net add (\S+)/.exec(cure) ?? [];
  if (holders.includes(lost)) return inLab(`restart ${lost}`, "");
  const [, pod = "", words = ""] = /^nsenter --net=(\S+) (.*)$/.exec(cure) ?? [];
  const holder = holders.find((one) => pod === `${netnsFolder}/${one}`);
  if (holder !== undefined) return inLab(`exec ${holder}`, `-- ${words}`);
  const known = cure.replaceAll(/\bns-net (repair|gc|add|del)\b(?! --data-dir)/g, `ns-net $1 --data-dir ${dataDir}`);
  const isOfShell = /&&/.test(known.replaceAll(/'[^']*'/g, ""));
  return inLab(`exec ${host}`, `-- ${isOfShell ? `sh -c ${shellWord(known)}` : known}`);
}
