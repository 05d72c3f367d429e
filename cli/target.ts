/** The namespace that a person names, and the attachment's names derived from it. */
import { lstatSync } from "node:fs";
import { code, Fault } from "../conf/fault.ts";
import defer * as containers from "../explain/containers/find.ts";
import { netnsFolder, netnsPathOf } from "../sys/netns.ts";

export interface Target {
  /** As given. */
  readonly spec: string;
  readonly path: string;
  /** CNI_CONTAINERID. The same word gives the same one, so that del finds what add created. */
  readonly container: string;
  /** The name in /run/netns, if it is one: only such namespaces are created and deleted. */
  readonly name: string | undefined;
  /** The process that was named, by its number or as a container. */
  readonly pid?: number;
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const nameLengthMax = 100;

/** A Kubernetes pod, as `ls` shows it: its attachments know the namespace of the kernel. */
const podPattern = /^[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9.-]*$/;

const containerPrefix = "container:";
const isContainer = (spec: string) => spec.startsWith(containerPrefix) && spec !== containerPrefix;

/**
 * `web`, `/run/netns/web`, `/proc/42/ns/net`, `pid:42`, `container:NAME`, and `default/web` for a Kubernetes pod. Throws
 * Fault for any other word, and for a container that does not run.
 */
export function targetOf(spec: string): Target {
  if (isContainer(spec)) {
    const { id, pid } = containers.findContainer(spec.slice(containerPrefix.length));
    return { spec, path: netnsPathOf(`pid:${pid}`), container: id, name: undefined, pid };
  }
  const pid = /^(?:pid:|\/proc\/)(\d+)(?:\/ns\/net)?$/.exec(spec)?.[1];
  if (pid !== undefined)
    return { spec, path: netnsPathOf(`pid:${pid}`), container: `pid-${pid}`, name: undefined, pid: Number(pid) };
  if (podPattern.test(spec)) return { spec, path: "", container: spec, name: undefined };
  const below = /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(spec)?.[1] ?? (spec.includes("/") ? undefined : spec);
  if (below === undefined && spec.startsWith("/")) {
    return {
      spec,
      path: spec,
      container: `path-${new Bun.CryptoHasher("sha256").update(spec).digest("hex").slice(0, 16)}`,
      name: undefined,
    };
  }
  if (below === undefined || below.length > nameLengthMax || !namePattern.test(below)) {
    throw new Fault(
      code.environment,
      `Cannot use ${JSON.stringify(spec)} as a namespace`,
      `Give a name (a file in ${netnsFolder}: letters, digits, "-", "_", ".", at most ${nameLengthMax} of them), an absolute path, pid:NUMBER, container:NAME, or NAMESPACE/POD`,
    );
  }
  return { spec, path: `${netnsFolder}/${below}`, container: below, name: below };
}

/** As `targetOf`, but also for a container that has stopped or was removed: its attachments may be left. */
export function targetToRemove(spec: string): Target {
  if (!isContainer(spec)) return targetOf(spec);
  const words = spec.slice(containerPrefix.length);
  const [first, second] = containers.containersNamed(words);
  if (first?.pid !== undefined || second !== undefined) return targetOf(spec);
  return { spec, path: "", container: first?.id ?? words, name: undefined };
}

/** The shortest word that commands take for the namespace of an attachment. */
export function shortName(netnsPath: string, container: string): string {
  const short = netnsPath.replace(/^(?:\/var)?\/run\/netns\//, "").replace(/^\/proc\/(\d+)\/ns\/net$/, "pid:$1");
  return short || container;
}

/** True if the path exists, also if this user may not follow it: opening it reports that. */
export function isThere({ path }: Pick<Target, "path">): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

export const defaultIfname = "eth0";

/** Where plugins for addresses are, as CNI_PATH has it. */
export const pluginFolders = () => process.env["CNI_PATH"] ?? "/opt/cni/bin:/usr/lib/cni";

/** CNI's environment for a call by hand. */
export function environmentFor(
  command: string,
  { container, path }: Target,
  ifname: string,
  args: string,
): Record<string, string | undefined> {
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: container,
    CNI_NETNS: path,
    CNI_IFNAME: ifname,
    CNI_PATH: pluginFolders(),
    CNI_ARGS: args || undefined,
  };
}

export function stdinOf(configuration: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(configuration));
}
