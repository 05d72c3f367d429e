/** Counts what must not be left after a fault and the runtime's next call. Witnesses: ip, nft and SQLite itself. */
import { Database } from "bun:sqlite";
import { existsSync, readdirSync } from "node:fs";
import { type Host, linkNames, must, network } from "./host.ts";

export interface Losses {
  /** Faults that occurred. */
  faults: number;
  links: number;
  leases: number;
  rules: number;
  namespaces: number;
  doubles: number;
  /** The next ADD did not succeed, or a DEL did not. */
  refused: number;
  readonly stories: string[];
}

export const noLosses = (): Losses => ({
  ...{ faults: 0, links: 0, leases: 0, rules: 0, namespaces: 0, doubles: 0, refused: 0 },
  stories: [],
});

export const kinds = ["links", "leases", "rules", "namespaces", "doubles", "refused"] as const;

export const lossCount = (losses: Losses): number => kinds.reduce((sum, kind) => sum + losses[kind], 0);

function count(losses: Losses, kind: (typeof kinds)[number], many: number, story: string): void {
  losses[kind] += many;
  if (many > 0) losses.stories.push(`${kind}: ${story}`);
}

export function refused(losses: Losses, story: string): void {
  count(losses, "refused", 1, story);
}

/** Counts everything that is left of an attachment although nothing is attached. */
export function countLeft(host: Host, pods: readonly string[], losses: Losses, after: string): void {
  const links = linkNames();
  count(losses, "links", links.length, `${links.join(", ")} after ${after}`);
  for (const pod of pods) {
    const inside = linksIn(pod).filter((name) => name !== "lo");
    count(losses, "links", inside.length, `${inside.join(", ")} in ${pod} after ${after}`);
  }
  const away = uplinksAway(host);
  count(losses, "links", away.length, `${away.join(", ")} is not back after ${after}`);
  const rows = storeRows(host);
  count(losses, "leases", rows.attachments + rows.leases, `${JSON.stringify(rows)} after ${after}`);
  if (rows.integrity !== "ok") refused(losses, `the store is broken (${rows.integrity}) after ${after}`);
  // One chain a network may exist; more would have accumulated.
  const chains = [...must("nft", "list", "ruleset").matchAll(/chain (\S+)/g)].map(([, name]) => name!);
  const surplus = chains.filter((name) => !name.startsWith(`masquerade-${network}-`)).length + chains.length - 1;
  count(losses, "rules", chains.length === 0 ? 0 : surplus, `${chains.join(", ")} after ${after}`);
  const strange = readdirSync("/run/netns").filter((name) => !pods.includes(name));
  count(losses, "namespaces", strange.length, `${strange.join(", ")} after ${after}`);
}

/** The host's interface that this network uses, if the host no longer has it. */
function uplinksAway({ config }: Host): string[] {
  const { master, device } = config as { master?: string; device?: string };
  return [master, device].flatMap((name) => {
    return name === undefined || Bun.spawnSync(["ip", "link", "show", name]).exitCode === 0 ? [] : [name];
  });
}

/** Names of links; none if the namespace no longer exists. */
function linksIn(pod: string): string[] {
  const { exitCode, stdout } = Bun.spawnSync(["ip", "-n", pod, "-j", "link"]);
  if (exitCode !== 0) return [];
  return JSON.parse(stdout.toString() || "[]").map(({ ifname }: { ifname: string }) => ifname);
}

/** Counts addresses, read in each pod, that two pods have. */
export function countDoubles(pods: readonly string[], losses: Losses, after: string): void {
  const seen = new Map<string, string>();
  for (const pod of pods) {
    for (const address of addressesOf(pod)) {
      const other = seen.get(address);
      if (other !== undefined) count(losses, "doubles", 1, `${address} in ${other} and ${pod} after ${after}`);
      seen.set(address, pod);
    }
  }
}

export function addressesOf(pod: string): string[] {
  const { exitCode, stdout } = Bun.spawnSync(["ip", "-n", pod, "-4", "-j", "address", "show", "scope", "global"]);
  if (exitCode !== 0) return [];
  const links: { addr_info: { local: string }[] }[] = JSON.parse(stdout.toString() || "[]");
  return links.flatMap(({ addr_info }) => addr_info.map(({ local }) => local));
}

/** The state of a pod's attachment in the store. */
export function stateOf({ storePath }: Host, pod: string): unknown {
  if (!existsSync(storePath)) return undefined;
  using database = new Database(storePath, { readwrite: true });
  return database.prepare("SELECT state FROM attachment WHERE container = ?").values(pod)[0]?.[0];
}

function storeRows({ storePath }: Host): { attachments: number; leases: number; integrity: string } {
  if (!existsSync(storePath)) return { attachments: 0, leases: 0, integrity: "ok" };
  using database = new Database(storePath, { readwrite: true });
  const value = (sql: string) => database.prepare(sql).values()[0]?.[0];
  return {
    attachments: Number(value("SELECT count(*) FROM attachment")),
    leases: Number(value("SELECT count(*) FROM lease")),
    integrity: String(value("PRAGMA integrity_check(1)")),
  };
}
