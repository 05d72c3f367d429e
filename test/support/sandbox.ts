/**
 * Network namespaces for tests on the real kernel. The witnesses are other programs: `ip`, `nft`, traffic. Tests run in
 * a sandbox already (scripts/sandbox.ts); each creates its own namespaces inside it.
 */
import { sandboxMark } from "../../scripts/sandbox.ts";
import { skip } from "./skip.ts";
import { createNetns, deleteNetns, type Ended, spawnInside } from "./spawn.ts";
import { endAgentOf } from "./throughAgent.ts";

class CommandFailed extends Error {}

/** Runs a program and answers its output. Throws with its output if it fails. */
export function run(command: readonly string[], input?: string | Uint8Array): string {
  const stdin = input === undefined ? "ignore" : Buffer.from(input);
  return outputOf(command, Bun.spawnSync([...command], { stdin }));
}

function outputOf(command: readonly string[], { exitCode, stdout, stderr, signalCode }: Said): string {
  if (exitCode === 0) return stdout.toString();
  throw new CommandFailed(`${command.join(" ")}: ${stderr.toString().trim() || signalCode || `exit code ${exitCode}`}`);
}

type Said = Pick<Ended, "exitCode" | "stdout" | "stderr"> & { readonly signalCode?: string | number | undefined };

/** Skips with a message unless the tests may change the kernel. */
export function needsSandbox(context: Mocha.Context): void {
  if (process.env[sandboxMark] === undefined) {
    skip(context, `no sandbox: ${process.env.NSNET_NO_SANDBOX ?? "run it with `npm test`"}`);
  }
}

export interface Netns extends Disposable {
  readonly name: string;
  /** The value of CNI_NETNS. */
  readonly path: string;
  /** A command line that runs `command` inside. */
  inside(command: readonly string[]): string[];
  /** Runs a program inside. */
  run(...command: string[]): string;
  /** `ip -j …`, parsed: `ns.ip("link", "show", "eth0")`. Commands that print nothing answer an empty list. */
  // biome-ignore lint/suspicious/noExplicitAny: what ip prints differs by command and version; assertions say what is expected of it.
  ip(...args: string[]): any[];
  /** Runs an nft script; with `-j` first, a command whose JSON is answered as text. */
  nft(...args: string[]): string;
  /** Reads a sysctl of the namespace: `ns.sysctl("net/ipv4/ip_forward")`. */
  sysctl(key: string): string;
}

let count = 0;

/** A new namespace with `lo` up, deleted at the end of the block: `using web = freshNetns()`. */
export function freshNetns(label = "t"): Netns {
  const name = `${label}-${process.pid}-${++count}`;
  createNetns(name);
  return namedNetns(name);
}

/** An existing namespace by its name in /run/netns. Disposing of it twice, or after it is gone, is allowed. */
export function namedNetns(name: string): Netns {
  const path = `/run/netns/${name}`;
  const inside = (command: readonly string[]) => ["nsenter", `--net=${path}`, "--", ...command];
  const runInside = (...command: string[]) => outputOf(command, spawnInside(path, command));
  const ns: Netns = {
    name,
    path,
    inside,
    run: runInside,
    ip: (...args) => JSON.parse(runInside("ip", "-j", "-d", ...args) || "[]"),
    nft: (...args) => runInside("nft", ...args),
    sysctl: (key) => runInside("cat", `/proc/sys/${key}`).trim(),
    [Symbol.dispose]() {
      endAgentOf(path);
      deleteNetns(name);
    },
  };
  return ns;
}

/** The names of all namespaces of the sandbox, for tests that check for remains. */
export const netnsNames = (): string[] => run(["ls", "/run/netns"]).split("\n").filter(Boolean);

/** The interfaces of a namespace by name, each as `ip -d -j` describes it, its addresses in `addr_info`. */
// biome-ignore lint/suspicious/noExplicitAny: as for Netns.ip
export const links = (ns: Netns): Map<string, any> => new Map(ns.ip("address").map((link) => [link.ifname, link]));

/** A cable between two namespaces; `cidrs` are added to both ends without duplicate address detection, and both are up. */
export function cable(
  a: { ns: Netns; ifname: string; cidrs?: readonly string[] },
  b: { ns: Netns; ifname: string; cidrs?: readonly string[] },
): void {
  a.ns.ip("link", "add", a.ifname, "type", "veth", "peer", "name", b.ifname, "netns", b.ns.name);
  for (const { ns, ifname, cidrs } of [a, b]) {
    for (const cidr of cidrs ?? []) {
      ns.ip("address", "add", cidr, "dev", ifname, ...(cidr.includes(":") ? ["nodad"] : []));
    }
    ns.ip("link", "set", ifname, "up");
  }
}
