/** The files of /etc that a pod has for itself, each mounted over the machine's: names resolve inside as the lab says. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../sys/namespaces/startRequest.ts";
import { mountFlag } from "../../sys/sysRare.ts";
import { hostsFileOf, type Names } from "../plan/names.ts";

/** The address of the DNS server in each pod, as systemd-resolved has it. */
export const dnsAddress = "127.0.0.53";

/** One attempt of a second: the server answers at once, or there is none (resolv.conf(5)). */
const resolverOptions = "options timeout:1 attempts:1\n";

const hostsFile = "/etc/hosts";

/** Readable for every program of the pod, whatever the umask of the person. */
const fileMode = 0o644;

/** Writes the files of pods, and answers their mounts. */
export class PodFiles {
  readonly #folder: string;
  readonly #hosts = new WeakMap<Names, string>();
  /** The lines of /etc/hosts that each has from here. */
  readonly #written = new Map<string, string>();
  /** The files that this machine has, because a bind mount needs a place. */
  readonly #targets = [hostsFile, "/etc/resolv.conf", "/etc/nsswitch.conf"].filter((file) => existsSync(file));
  readonly #nameServices = withPlainHosts(
    existsSync("/etc/nsswitch.conf") ? readFileSync("/etc/nsswitch.conf", "utf8") : "",
  );

  constructor(labFolder: string) {
    this.#folder = join(labFolder, "etc");
    mkdirSync(this.#folder, { recursive: true });
  }

  /** For a pod, the host or outside. Each has files of its own, which it may change. */
  mountsFor(name: string, names: Names, hasServer: boolean): Mount[] {
    const texts: Readonly<Record<string, string>> = {
      [hostsFile]: this.#hostsOf(names),
      "/etc/resolv.conf": `${hasServer ? `nameserver ${dnsAddress}\n` : ""}${resolverOptions}`,
      "/etc/nsswitch.conf": this.#nameServices,
    };
    this.#written.set(name, texts[hostsFile]!);
    return this.#targets.map((target) => {
      const source = this.#fileOf(name, target);
      writeFileSync(source, texts[target]!);
      chmodSync(source, fileMode);
      return { source, target, type: "none", flags: mountFlag.bind };
    });
  }

  /**
   * Writes the names that are known now into /etc/hosts of what runs, in place: the mount is of that very file. Lines
   * that the pod added below them stay.
   */
  rename(name: string, names: Names): void {
    const [old = "", text] = [this.#written.get(name), this.#hostsOf(names)];
    if (old === text || !this.#targets.includes(hostsFile)) return;
    overwrite(this.#fileOf(name, hostsFile), old, text);
    this.#written.set(name, text);
  }

  /** For a pod that has ended. */
  remove(name: string): void {
    for (const target of this.#targets) rmSync(this.#fileOf(name, target), { force: true });
  }

  #fileOf(name: string, target: string): string {
    return join(this.#folder, `${name}${target.replaceAll("/", ".")}`);
  }

  /** Pods with the same names have the same text, which is long in a large lab. */
  #hostsOf(names: Names): string {
    const text = this.#hosts.get(names) ?? hostsFileOf(names);
    this.#hosts.set(names, text);
    return text;
  }
}

/** Replaces the text at the beginning. The file is not emptied first: programs read it at any moment. */
function overwrite(file: string, old: string, text: string): void {
  const descriptor = openSync(file, "r+");
  try {
    const isAsWritten = fstatSync(descriptor).size === old.length;
    const found = isAsWritten ? old : readFileSync(descriptor, "utf8");
    const bytes = Buffer.from(found.startsWith(old) ? text + found.slice(old.length) : text);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at, at);
    if (bytes.length < found.length) ftruncateSync(descriptor, bytes.length);
  } finally {
    closeSync(descriptor);
  }
}

/** Names come from /etc/hosts and DNS alone: the machine's own resolver (nss-resolve) would answer from outside of the lab. */
function withPlainHosts(text: string): string {
  const others = text.split("\n").filter((line) => !/^\s*hosts\s*:/.test(line));
  return [...others, "hosts: files dns", ""].join("\n");
}
