/**
 * A host for a test: a namespace that plays it, containers, a folder for the store, and short calls. Its view of the
 * kernel and the store comes from `ip`, `bridge`, `nft` and SQLite.
 */
import { Database } from "bun:sqlite";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Verb } from "../../conf/request.ts";
import { type Answer, type Call, runPlugin } from "./plugin.ts";
import { freshNetns, type Netns } from "./sandbox.ts";

export type Config = object;
export type CallOptions = Partial<Omit<Call, "command" | "config" | "host">>;

export interface World extends Disposable {
  readonly host: Netns;
  readonly dataDir: string;
  /** A network with a gateway on 10.7.0.0/24, with changes for the test. */
  network(change?: Config): Config;
  /** A fresh namespace that lives as long as the world. */
  netns(label?: string): Netns;
  call(command: Verb, config: Call["config"], options?: CallOptions): Answer;
  /** As `call`, but must succeed. Answers the JSON that it printed. */
  // biome-ignore lint/suspicious/noExplicitAny: results differ by version; assertions say what is expected.
  must(command: Verb, config: Call["config"], options?: CallOptions): any;
  /** Rows of the store's table of attachments; none without a store. */
  rows(): Row[];
  /** `container/ifname address …` of every row, in order of their creation. */
  leases(): string[];
  /** The state of the host that a refused call must not change, for assert.deepEqual. */
  snapshot(...pods: readonly Netns[]): object;
}

export interface Row {
  readonly network: string;
  readonly container: string;
  readonly ifname: string;
  readonly state: string;
  readonly addresses: string;
  readonly host_link: string;
}

export const ranges = (...subnets: readonly string[]) => ({
  type: "ns-net",
  ranges: subnets.map((subnet) => [{ subnet }]),
});

export const dualStack = ranges("10.7.0.0/24", "fd07::/64");

export function freshWorld(): World {
  const host = freshNetns("host");
  const namespaces = [host];
  const folder = mkdtempSync(join(tmpdir(), "ns-net-test-"));
  const dataDir = join(folder, "data");
  const call: World["call"] = (command, config, options = {}) => runPlugin({ ...options, command, config, host });
  const world: World = {
    host,
    dataDir,
    network: (change = {}) => ({
      ...{ cniVersion: "1.1.0", name: "podnet", type: "ns-net", bridge: "br0", isDefaultGateway: true, dataDir },
      ipam: ranges("10.7.0.0/24"),
      ...change,
    }),
    netns(label = "pod") {
      const ns = freshNetns(label);
      namespaces.push(ns);
      return ns;
    },
    call,
    must(command, config, options) {
      const { code, stdout, stderr, json } = call(command, config, options);
      if (code !== 0) throw new Error(`${command} failed (${code}): ${stdout}${stderr}`);
      return json;
    },
    rows: () => rowsOf(join(dataDir, "ns-net.sqlite")),
    leases: () =>
      world
        .rows()
        .map(({ container, ifname, addresses }) =>
          [`${container}/${ifname}`, ...JSON.parse(addresses).map((one: { address: string }) => one.address)].join(" "),
        ),
    snapshot: (...pods) => ({
      namespaces: [host, ...pods].map(pictureOf),
      firewall: host.nft("list", "ruleset"),
      ports: JSON.parse(host.run("bridge", "-j", "link")).map((port: { ifname: string }) => port.ifname),
      forwarding: host.run("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"),
      rows: world.rows(),
    }),
    [Symbol.dispose]() {
      for (const ns of namespaces) ns[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}

function rowsOf(path: string): Row[] {
  if (!existsSync(path)) return [];
  using database = new Database(path, { readwrite: true });
  database.run("PRAGMA busy_timeout = 5000"); // a plugin may be shortening the log
  return database.prepare("SELECT * FROM attachment ORDER BY id").all() as Row[];
}

/** Without what changes by itself: carrier, timers, link-local addresses and the progress of their detection. */
function pictureOf(ns: Netns): object {
  return {
    links: ns.ip("address").map(({ ifname, ifindex, mtu, address, master, group, flags, addr_info }) => ({
      ...{ ifname, ifindex, mtu, address, master, group, up: flags.includes("UP") },
      addresses: addr_info
        .filter((one: { scope: string }) => one.scope !== "link")
        .map((one: { local: string; prefixlen: number }) => `${one.local}/${one.prefixlen}`),
    })),
    routes: ns.ip("route", "show", "table", "main").map(({ dst, gateway, dev }) => [dst, gateway, dev]),
  };
}

/** Names of the links of a namespace that look like ours: host ends of attachments. */
export const ourLinks = (ns: Netns): string[] =>
  ns
    .ip("link")
    .map(({ ifname }) => ifname as string)
    .filter((name) => name.startsWith("nsv"));
