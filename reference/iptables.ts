/**
 * Reads and removes rules that the reference's plugins wrote with iptables, by iptables itself: the kernel returns such a
 * rule as bytes that only iptables can interpret, and legacy tables are not in nf_tables at all. Only this file starts
 * iptables, and only if a chain of those plugins exists, or legacy tables are in use.
 */
import { readFileSync } from "node:fs";
import type { Attachment } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import { addressBits, type Family, familyOf } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { getChain } from "../netlink/nft/chain.ts";
import { family } from "../netlink/nft/message.ts";
import { mayBlock } from "../sys/sharedProcess.ts";
import { acceptChain, masqueradeChain, portChains } from "./names.ts";

/** The plugin that wrote the rules. */
export type Part = "masquerade" | "portmap" | "firewall";

export interface Rules {
  readonly attachment: Attachment;
  /** The container's, without prefix length; empty if unknown. */
  readonly addresses: readonly string[];
  readonly parts: readonly Part[];
}

const programs = { 4: "iptables", 6: "ip6tables" } as const;
const theirs = "the rules of an attachment that another plugin made";
const families = { 4: family.ipv4, 6: family.ipv6 } as const;

/** Another DEL may change the tables between reading and writing them. */
const triesMost = 5;

export function removeRules(rules: Rules, kernel: Kernel): void {
  for (const version of [4, 6] as const) {
    const addresses = rules.addresses.filter((address) => familyOf(address) === version);
    if (addresses.length === 0 && rules.addresses.length > 0) continue;
    const mine = { ...rules, addresses };
    if (mayBeThere(mine, version, kernel)) kernel.at<void>("host", () => removeFamily(mine, version));
  }
}

/** True if nf_tables has a chain with one of the names, or if legacy tables are in use. */
function mayBeThere({ attachment, addresses, parts }: Rules, version: Family, kernel: Kernel): boolean {
  const has = (table: string, chain: string) =>
    getChain(kernel.netfilter, { family: families[version], name: table }, chain) !== undefined;
  return (
    kernel.at<boolean>("host", () => hasLegacyTables(version)) ||
    (parts.includes("masquerade") && has("nat", masqueradeChain(attachment))) ||
    (parts.includes("portmap") && portChains(attachment).some((chain) => has("nat", chain))) ||
    (parts.includes("firewall") && addresses.length > 0 && has("filter", acceptChain))
  );
}

/** True if the thread's namespace has tables of iptables-legacy, which nf_tables does not show. */
export function hasLegacyTables(version: Family): boolean {
  try {
    return readFileSync(`/proc/thread-self/net/${version === 4 ? "ip" : "ip6"}_tables_names`, "utf8").trim() !== "";
  } catch {
    return false;
  }
}

function removeFamily(rules: Rules, version: Family): void {
  for (let tries = 1; ; tries++) {
    const saved = savedText(version);
    if (saved === undefined) return; // without the program there are no rules of it
    const script = removalOf(saved, rules);
    if (script === "") return;
    try {
      start(`${programs[version]}-restore`, ["--noflush"], `remove ${theirs}`, script);
      return;
    } catch (error) {
      if (tries === triesMost) throw error;
    }
  }
}

/** The host's rules of one table as iptables-save prints them; undefined if there is no such program. */
export function savedRules(version: Family, table: string, kernel: Kernel): string | undefined {
  return kernel.at<string | undefined>("host", () => savedText(version, table));
}

function savedText(version: Family, table?: string): string | undefined {
  return start(`${programs[version]}-save`, table ? ["-t", table] : [], `read ${theirs}`);
}

/** The input of iptables-restore that removes the attachment's rules, by the output of iptables-save; "" if there are none. */
export function removalOf(saved: string, { attachment, addresses, parts }: Rules): string {
  const chains = [
    ...(parts.includes("masquerade") ? [masqueradeChain(attachment)] : []),
    ...(parts.includes("portmap") ? portChains(attachment) : []),
  ];
  const isJump = (rule: string) => chains.some((chain) => rule.endsWith(` -j ${chain}`));
  const accepted = parts.includes("firewall") ? addresses.flatMap(acceptRules) : [];
  const tables: string[] = [];
  for (const section of saved.split(/^(?=\*)/m)) {
    const lines = section.split("\n");
    const deleted = lines.filter((line) => line.startsWith("-A ") && (isJump(line) || accepted.includes(line)));
    const emptied = chains.filter((chain) => lines.some((line) => line.startsWith(`:${chain} `)));
    if (deleted.length + emptied.length === 0) continue;
    tables.push(
      lines[0]!,
      ...deleted.map((rule) => rule.replace("-A", "-D")),
      ...emptied.map((chain) => `-F ${chain}`),
      ...emptied.map((chain) => `-X ${chain}`),
      "COMMIT\n",
    );
  }
  return tables.join("\n");
}

function acceptRules(address: string): string[] {
  const cidr = `${address}/${addressBits(familyOf(address))}`;
  return [
    `-A ${acceptChain} -d ${cidr} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-A ${acceptChain} -s ${cidr} -j ACCEPT`,
  ];
}

/** Folders of distributions, because the runtime's PATH may lack them. */
const programFolders = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";

/**
 * Makes the chain of an attachment's NAT without rules, unless it has some: the DEL of the reference's bridge fails at a
 * chain that is missing, and removes an empty one. False without the program, as for the reference.
 */
export function makeMasqueradeChain(attachment: Attachment, version: Family, kernel: Kernel): boolean {
  return kernel.at<boolean>("host", () => {
    const chain = masqueradeChain(attachment);
    const saved = savedText(version, "nat");
    if (saved?.split("\n").some((line) => line.startsWith(`:${chain} `))) return true;
    const script = `*nat\n:${chain} - [0:0]\nCOMMIT\n`;
    return start(`${programs[version]}-restore`, ["--noflush"], `make the chain ${chain}`, script) !== undefined;
  });
}

/** Removes that chain if it is still without rules, and no rule leads to it. True if it did. */
export function removeEmptyMasqueradeChain(attachment: Attachment, version: Family, kernel: Kernel): boolean {
  return kernel.at<boolean>("host", () => {
    const chain = masqueradeChain(attachment);
    const lines = savedText(version, "nat")?.split("\n") ?? [];
    const isUsed = lines.some((line) => line.startsWith(`-A ${chain} `) || line.endsWith(` -j ${chain}`));
    if (isUsed || !lines.some((line) => line.startsWith(`:${chain} `))) return false;
    const script = `*nat\n-X ${chain}\nCOMMIT\n`;
    return start(`${programs[version]}-restore`, ["--noflush"], `remove the chain ${chain}`, script) !== undefined;
  });
}

/** The program's output; undefined if it does not exist. Throws Fault with its message if it fails. */
function start(name: string, args: readonly string[], purpose: string, stdin = ""): string | undefined {
  const PATH = `${process.env["PATH"] ?? ""}:${programFolders}`;
  const program = Bun.which(name, { PATH });
  if (program === null) return undefined;
  mayBlock(`run ${name}`);
  const { exitCode, stdout, stderr } = Bun.spawnSync([program, ...args], { env: { PATH }, stdin: Buffer.from(stdin) });
  if (exitCode === 0) return stdout.toString();
  throw new Fault(
    code.kernel,
    `Cannot ${purpose}: ${name} failed: ${stderr.toString().trim()}`,
    `Run ${name} by hand to see what is the matter with it, then try again`,
  );
}
