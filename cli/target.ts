/** The namespace a person means, and the attachment's names that follow from it. */
import { lstatSync } from "node:fs";
import { code, Fault } from "../conf/fault.ts";
import { netnsFolder, netnsPathOf } from "../sys/netns.ts";

export interface Target {
  /** As given. */
  readonly spec: string;
  readonly path: string;
  /** CNI_CONTAINERID: the same namespace spec gives the same one, so that del finds what add made. */
  readonly container: string;
  /** LowerLink /run/netns, where it is a name; such a one can be made and deleted. */
  readonly name: string | undefined;
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const nameLengthMax = 100;

/** `web`, `/run/netns/web`, `/proc/42/ns/net`, `pid:42`. Throws Fault for what can be none of them. */
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
      `Cannot take ${JSON.stringify(spec)} for a namespace`,
      `Give a name (a file in ${netnsFolder}: letters, digits, "-", "_", ".", at most ${nameLengthMax} of them), an absolute path, or pid:NUMBER`,
    );
  }
  return { spec, path: `${netnsFolder}/${below}`, container: below, name: below };
}

/** True where the path has a file, also one that this user may not follow: then opening it says so. */
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
