/** The files of /etc that a pod has for itself, each mounted over the machine's: names resolve inside as the lab says. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../sys/namespaces/startRequest.ts";
import { mountFlag } from "../../sys/sysRare.ts";
import { hostsFileOf, type Names } from "../plan/names.ts";

/** The address of the DNS server in each pod, as systemd-resolved has it. */
export const dnsAddress = "127.0.0.53";

/** One attempt of a second: the server answers at once, or there is none (resolv.conf(5)). */
const resolverOptions = "options timeout:1 attempts:1\n";

/** Readable for every program of the pod, whatever the umask of the person. */
const fileMode = 0o644;

/** Writes the files of pods, and answers their mounts. */
export class PodFiles {
  readonly #folder: string;
  readonly #hosts = new Map<Names, string>();
  /** The files that this machine has, because a bind mount needs a place. */
  readonly #targets = ["/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"].filter((file) => existsSync(file));
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
      "/etc/hosts": this.#hostsOf(names),
      "/etc/resolv.conf": `${hasServer ? `nameserver ${dnsAddress}\n` : ""}${resolverOptions}`,
      "/etc/nsswitch.conf": this.#nameServices,
    };
    return this.#targets.map((target) => {
      const source = join(this.#folder, `${name}${target.replaceAll("/", ".")}`);
      writeFileSync(source, texts[target]!);
      chmodSync(source, fileMode);
      return { source, target, type: "none", flags: mountFlag.bind };
    });
  }

  /** Pods with the same names have the same text, which is long in a large lab. */
  #hostsOf(names: Names): string {
    const text = this.#hosts.get(names) ?? hostsFileOf(names);
    this.#hosts.set(names, text);
    return text;
  }
}

/** Names come from /etc/hosts and DNS alone: the machine's own resolver (nss-resolve) would answer from outside of the lab. */
function withPlainHosts(text: string): string {
  const others = text.split("\n").filter((line) => !/^\s*hosts\s*:/.test(line));
  return [...others, "hosts: files dns", ""].join("\n");
}
