/** Runs a program inside a namespace, for `exec` and `shell`. */
import { code, Fault } from "../../conf/fault.ts";
import { openContainerNetns } from "../../kernel/namespace.ts";
import { namespaceKinds } from "../../sys/namespaces/kinds.ts";
import { enterNetns } from "../../sys/netns.ts";
import { newNamespace, setHostname } from "../../sys/sysRare.ts";
import { entriesOf } from "../attachments.ts";
import { UsageError } from "../command.ts";
import { meantNamespace } from "../suggest.ts";
import { isThere, type Target } from "../target.ts";
import { runInAll } from "./allNamespaces.ts";
import { changeFiles } from "./files.ts";
import { runWithOwnPids } from "./ownPids.ts";
import { become, findProgram } from "./programs.ts";

export const insideOptions = {
  hostname: { type: "string", value: "NAME", about: "with this hostname, in a UTS namespace of its own" },
  pid: { type: "boolean", about: "in a PID namespace of its own, with its own /proc: ps shows only what runs inside" },
  all: {
    type: "boolean",
    about: "in all namespaces of the process or container, as nsenter --all: its files, hostname and processes, too",
  },
} as const;

interface Inside {
  readonly hostname?: string;
  readonly pid?: boolean;
  readonly all?: boolean;
}

/**
 * Runs the words of a command line. Replaces this process by the program, or waits for it if it must be a child.
 * Answers its exit code. Throws Fault, NotRun, UsageError.
 */
export function runInside(target: Target, words: readonly string[], { hostname, pid, all }: Inside): number {
  if (all && (hostname !== undefined || pid))
    throw new UsageError(
      "--all enters the namespaces of a container, and --hostname and --pid make new ones: give either",
    );
  if (hostname !== undefined && !hostnamePattern.test(hostname))
    throw new UsageError(`--hostname = ${JSON.stringify(hostname)}: give letters, digits, "-" and ".", at most 64`);
  const path = pathOf(target);
  if (all) return runInAll(target, path, words);
  const program = findProgram(words[0]!);
  enterNetns(openContainerNetns(path, true));
  changeFiles(target.name);
  if (hostname !== undefined) {
    newNamespace(namespaceKinds.uts);
    setHostname(hostname);
  }
  return pid ? runWithOwnPids(program, words) : become(program, words);
}

/** hostname(7) */
const hostnamePattern = /^[a-zA-Z0-9][a-zA-Z0-9.-]{0,63}$/;

/** The path of the namespace, or of the one that something is attached to under this name. */
function pathOf(target: Target): string {
  const path = isThere(target) ? target.path : entriesOf(target, {})[0]?.netnsPath;
  if (path !== undefined) return path;
  const meant = meantNamespace(target, undefined);
  throw new Fault(
    code.unknownContainer,
    `There is no namespace ${target.spec}: no file ${target.path}, and nothing is attached under that name`,
    `${meant}${meant && " "}See what there is with: ns-net ls, ip netns`,
  );
}
