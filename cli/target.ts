/** The namespace that a person names, and the attachment's names derived from it. */
import { lstatSync } from "node:fs";
import { code, Fault } from "../conf/fault.ts";
import { netnsFolder, netnsPathOf } from "../sys/netns.ts";

export interface Target {
  /** As given. */
  readonly spec: string;
  readonly path: string;
  /** CNI_CONTAINERID. The same word gives the same one, so that del finds what add created. */
  readonly container: string;
  /** The name in /run/netns, if it is one: only such namespaces are created and deleted. */
  readonly name: string | undefined;
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const nameLengthMax = 100;

/** `web`, `/run/netns/web`, `/proc/42/ns/net`, `pid:42`. Throws Fault for any other word. */
export function targetOf(spec: string): Target {
  const pid = /^(?:pid:|\/proc\/)(\d+)(?:\/ns\/net)?$/.exec(spec)?.[1];
  if (pid !== undefined) return { spec, path: netnsPathOf(`pid:${pid}`), container: `pid-${pid}`, name: undefined };
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
      `Give a name (a file in ${netnsFolder}: letters, digits, "-", "_", ".", at most ${nameLengthMax} of them), an absolute path, or pid:NUMBER`,
    );
  }
  return { spec, path: `${netnsFolder}/${below}`, container: below, name: below };
}

/** True if the path exists, also if this user may not follow it: opening it reports that. */
export function isThere({ path }: Target): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

export const defaultIfname = "eth0";

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
    CNI_PATH: process.env["CNI_PATH"] ?? "/opt/cni/bin:/usr/lib/cni",
    CNI_ARGS: args || undefined,
  };
}

export function stdinOf(configuration: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(configuration));
}
