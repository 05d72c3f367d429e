/** The files of /etc that a pod has for itself, each mounted over the machine's: names resolve inside as the lab says. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../sys/namespaces/startRequest.ts";
import { mountFlag } from "../../sys/sysRare.ts";
import { hostsFileOf, type Names } from "../plan/names.ts";

/** The address of the DNS server in each pod, as systemd-resolved has it. */
export const dnsAddress = "127.0.0.53";

/** One attempt of a second: the server answers at once, or there is none (resolv.conf(5)). */
const resolverOptions = "options timeout:1 attempts:1\n";

/** Writes files of a lab that pods with the same names share, and answers the mounts of a pod. */
export class PodFiles {
  readonly #folder: string;
  readonly #written = new Map<Names, string>();
  readonly #shared: readonly Mount[];
  readonly #withServer: readonly Mount[];
  readonly #withoutServer: readonly Mount[];

  constructor(labFolder: string) {
    this.#folder = join(labFolder, "etc");
    mkdirSync(this.#folder, { recursive: true });
    this.#shared = this.#over("/etc/nsswitch.conf", withPlainHosts(textOf("/etc/nsswitch.conf")));
    this.#withServer = this.#over("/etc/resolv.conf", `nameserver ${dnsAddress}\n${resolverOptions}`, "resolv.conf");
    this.#withoutServer = this.#over("/etc/resolv.conf", resolverOptions, "resolv.conf-without-server");
  }

  mountsFor(names: Names, hasServer: boolean): Mount[] {
    const hosts = this.#written.get(names) ?? this.#write(`hosts-${this.#written.size}`, hostsFileOf(names));
    this.#written.set(names, hosts);
    return [
      ...(existsSync("/etc/hosts") ? [boundOver("/etc/hosts", hosts)] : []),
      ...(hasServer ? this.#withServer : this.#withoutServer),
      ...this.#shared,
    ];
  }

  /** None if this machine has no such file, for a bind mount needs a place. */
  #over(target: string, text: string, name = "nsswitch.conf"): Mount[] {
    return existsSync(target) ? [boundOver(target, this.#write(name, text))] : [];
  }

  #write(name: string, text: string): string {
    const file = join(this.#folder, name);
    writeFileSync(file, text);
    return file;
  }
}

const boundOver = (target: string, source: string): Mount => ({ source, target, type: "none", flags: mountFlag.bind });

/** Names come from /etc/hosts and DNS alone: the machine's own resolver (nss-resolve) would answer from outside of the lab. */
function withPlainHosts(text: string): string {
  const others = text.split("\n").filter((line) => !/^\s*hosts\s*:/.test(line));
  return [...others, "hosts: files dns", ""].join("\n");
}

const textOf = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "");
