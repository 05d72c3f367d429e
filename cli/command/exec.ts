/** `ns-net exec <netns> -- command`: replaces this process by the command. */
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { openContainerNetns } from "../../kernel/namespace.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { namespaceKind } from "../../sys/libc.ts";
import { enterNetns } from "../../sys/netns.ts";
import { execute, mount, mountFlag, newNamespace, unmount } from "../../sys/sysRare.ts";
import { entriesOf } from "../attachments.ts";
import { command, NotRun, UsageError } from "../command.ts";
import { meantNamespace } from "../suggest.ts";
import { isThere, type Target, targetOf } from "../target.ts";

export default command({
  about: "Run a command inside a namespace. Exits as the command does.",
  usage: "<netns> -- <command> [arguments]",
  operands: [1, 1],
  options: {},
  more: `
As with "ip netns exec", files in /etc/netns/<name>/ (resolv.conf, hosts) are mounted over those in /etc,
and /sys shows the namespace's own devices.

  ns-net exec web -- ip address
  ns-net exec web -- sh`,

  run({ operands, rest }) {
    const [name] = rest;
    if (name === undefined) throw new UsageError("usage: ns-net exec <netns> -- <command> [arguments]");
    const target = targetOf(operands[0]!);
    const path = pathOf(target);
    const program = findProgram(name);
    enterNetns(openContainerNetns(path, true));
    changeFiles(target);
    return become(program, rest);
  },
});

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

/** Creates a mount namespace: /sys of the network namespace, and its files over those of /etc. */
function changeFiles({ name }: Target): void {
  newNamespace(namespaceKind.mount);
  mount("", "/", "none", mountFlag.slave | mountFlag.recursive);
  mountSys();
  if (name === undefined) return;
  const folder = join("/etc/netns", name);
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder)) {
    const place = join("/etc", file);
    if (existsSync(place)) mount(join(folder, file), place, "none", mountFlag.bind);
    else process.stderr.write(`ns-net: ${join(folder, file)} is not used: there is no ${place} to put it over\n`);
  }
}

/** As in ip-netns(8): unmounts /sys first, because the kernel does not mount a file system over itself (EBUSY). */
function mountSys(): void {
  unmount("/sys");
  try {
    mount("sysfs", "/sys", "sysfs", 0);
  } catch (error) {
    if (isKernelError(error, errno.EBUSY)) return; // another /sys of this namespace was below
    // In a container: /sys may be covered but not unmounted; a read-only one may be covered only by a read-only one.
    if (!isKernelError(error, errno.EPERM)) throw error;
    mount("sysfs", "/sys", "sysfs", mountFlag.readOnly);
  }
}

/** Executes the command. A script without "#!" runs in the shell, as with execvp(3) and in shells. */
function become(program: string, words: readonly string[]): never {
  try {
    return execute(program, words, process.env);
  } catch (error) {
    if (isKernelError(error, errno.ENOEXEC)) return execute(shell, [shell, program, ...words.slice(1)], process.env);
    if (!isKernelError(error, errno.ENOENT)) throw error;
    throw cannotRun(
      program,
      "the interpreter that its first line names is not there",
      "Correct that line, or install it",
    );
  }
}

const shell = "/bin/sh";

/** Exit codes as in shells. */
const [notExecutable, notFound] = [126, 127];

function findProgram(name: string): string {
  const candidates =
    name.includes("/") || name === ""
      ? [name]
      : (process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin").split(":").map((folder) => join(folder, name));
  let refusal: NotRun | undefined;
  for (const candidate of candidates) {
    const found = refusalOf(candidate);
    if (found === "none") return candidate;
    refusal ??= found;
  }
  throw (
    refusal ??
    new NotRun(notFound, `Cannot find the command ${JSON.stringify(name)}`, "Give its path, or add its folder to PATH")
  );
}

/** Why a file cannot be executed; "none" if it can, and undefined if it does not exist. */
function refusalOf(path: string): NotRun | "none" | undefined {
  try {
    if (statSync(path).isDirectory()) return cannotRun(path, "it is a folder", "Give the path of a program");
  } catch {
    return undefined;
  }
  try {
    accessSync(path, constants.X_OK);
    return "none";
  } catch {
    return cannotRun(path, "it is not executable", `Run it by its interpreter (sh ${path}), or: chmod +x ${path}`);
  }
}

function cannotRun(path: string, why: string, cure: string): NotRun {
  return new NotRun(notExecutable, `Cannot run ${path}: ${why}`, cure);
}
