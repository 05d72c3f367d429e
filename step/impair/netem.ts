/** Impairs what leaves a link: delay, jitter, loss, duplication, reordering, corruption and rate, by the qdisc netem. */
import { deleteNetem, getNetem, type Impairment, replaceNetem } from "../../netlink/route/netem.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

export interface NetemStep extends Impairment {
  readonly kind: "netem";
  /** A link of the host. */
  readonly link: string;
}

export const netem: Kind<NetemStep> = {
  apply(step, kernel) {
    kernel.request("host", replaceNetem(kernel.indexOf("host", step.link), step.link, step));
    return true;
  },

  undo({ link }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return;
    tolerating(() => kernel.request("host", deleteNetem(index, link)), errno.ENOENT, errno.EINVAL);
  },

  check({ link, kind: _, ...wanted }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return missing(`link ${link}`);
    const found = getNetem(kernel.route("host"), index);
    if (found === undefined) return missing(`netem of ${link}`);
    return differences(`netem of ${link}`, rounded(wanted), rounded(found));
  },

  reason: ({ link }) => `What leaves ${link} is impaired.`,

  print({ link, ...wanted }) {
    return [`tc qdisc replace dev ${shellWord(link)} root netem ${wordsOf(wanted).join(" ")}`];
  },
};

const partsDigits = 6;

/** The kernel keeps shares in 32 bits. */
function rounded(values: Impairment): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "number" && value < 1 ? Number(value.toFixed(partsDigits)) : value,
    ]),
  );
}

const nsPerMs = 1e6;
const bitsPerByte = 8;
const percent = (part: number) => `${Number((part * 100).toFixed(4))}%`;

function wordsOf({ bytesPerSecond, delayNs, jitterNs, loss, duplicate, reorder, corrupt }: Impairment): string[] {
  const delay = delayNs ? [`delay ${delayNs / nsPerMs}ms${jitterNs ? ` ${jitterNs / nsPerMs}ms` : ""}`] : [];
  const parts = Object.entries({ loss, duplicate, corrupt, reorder }).flatMap(([name, part]) =>
    part ? [`${name} ${percent(part)}`] : [],
  );
  return [...delay, ...parts, ...(bytesPerSecond ? [`rate ${bytesPerSecond * bitsPerByte}bit`] : [])];
}
