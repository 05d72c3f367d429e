/**
 * The host for the faults: the sandbox's own namespaces, a network on it, and the plugin, called as a runtime calls it.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Verb } from "../conf/request.ts";

export const plugin = join(import.meta.dirname, "../dist/ns-net");
export const folder = "/run/torture";
export const bridge = "tor0";
export const network = "torture";
const pluginPath = "/usr/lib/cni";

export interface Answer {
  readonly code: number | null;
  readonly signal: string | number | undefined;
  readonly stdout: string;
}

/** Runs a program that must succeed. Answers its output. */
export function must(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  return stdout.toString();
}

interface HostOptions {
  readonly subnet?: string;
  readonly more?: object;
  readonly program?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export class Host {
  readonly dataDir: string;
  readonly subnet: string;

  /** Further keys of its configuration. */
  more: object;
  /** The executable that is called, and variables of its own. */
  readonly #program: string;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(
    name: string,
    { subnet = "10.66.0.0/24", more = {}, program = plugin, environment = {} }: HostOptions = {},
  ) {
    this.dataDir = join(folder, name);
    this.subnet = subnet;
    this.more = more;
    this.#program = program;
    this.#environment = environment;
    mkdirSync(folder, { recursive: true });
  }

  get storePath(): string {
    return join(this.dataDir, "ns-net.sqlite");
  }

  get config(): object {
    return {
      cniVersion: "1.1.0",
      name: network,
      type: "ns-net",
      bridge,
      isDefaultGateway: true,
      ipMasq: true,
      dataDir: this.dataDir,
      ipam: { type: "host-local", ranges: [[{ subnet: this.subnet }]] },
      ...this.more,
    };
  }

  program(verb: Verb, container: string): { env: Record<string, string>; stdin: Buffer } {
    const env = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: container,
      CNI_NETNS: `/run/netns/${container}`,
      CNI_IFNAME: "eth0",
      CNI_PATH: pluginPath,
      ...this.#environment,
    };
    const more = verb === "GC" ? { "cni.dev/valid-attachments": [] } : {};
    return { env, stdin: Buffer.from(JSON.stringify({ ...this.config, ...more })) };
  }

  call(verb: Verb, container = "", before: readonly string[] = []): Answer {
    const { exitCode, signalCode, stdout } = Bun.spawnSync([...before, this.#program], this.program(verb, container));
    return { code: exitCode, signal: signalCode ?? undefined, stdout: stdout.toString() };
  }

  /** As `call`, without waiting: for many at once, and to kill. */
  start(verb: Verb, container: string) {
    return Bun.spawn([this.#program], { ...this.program(verb, container), stdout: "ignore", stderr: "ignore" });
  }

  addPod(container: string): void {
    must("ip", "netns", "add", container);
  }

  deletePod(container: string): void {
    Bun.spawnSync(["ip", "netns", "del", container]);
  }

  /** Restores the state before the first ADD: no store, no bridge, no rules. */
  clear(): void {
    Bun.spawnSync(["ip", "link", "del", bridge]);
    Bun.spawnSync(["nft", "flush", "ruleset"]);
    for (const name of linkNames()) Bun.spawnSync(["ip", "link", "del", name]);
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** An interface of the host, which containers share as their master or get as a device. */
export const uplink = "tor1";

export function haveUplink(): void {
  must("ip", "link", "add", uplink, "up", "type", "veth", "peer", "name", "tor2");
}

/** The host's ends of attachments. */
export function linkNames(): string[] {
  const links: { ifname: string }[] = JSON.parse(must("ip", "-j", "link"));
  return links.map(({ ifname }) => ifname).filter((name) => name.startsWith("nsv"));
}

const bootIdPath = "/proc/sys/kernel/random/boot_id";
let boots = 0;

/**
 * Simulates a reboot: only the store is left. Another boot id is mounted over the kernel's, in this mount namespace
 * alone.
 */
export function reboot(host: Host, pods: readonly string[]): void {
  for (const pod of pods) host.deletePod(pod);
  Bun.spawnSync(["ip", "link", "del", bridge]);
  Bun.spawnSync(["nft", "flush", "ruleset"]);
  for (const name of linkNames()) Bun.spawnSync(["ip", "link", "del", name]);
  boots++;
  const file = join(folder, `boot-${boots}`);
  writeFileSync(file, `00000000-0000-4000-8000-${String(boots).padStart(12, "0")}\n`);
  must("mount", "--bind", file, bootIdPath);
}
