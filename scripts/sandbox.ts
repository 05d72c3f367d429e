/**
 * Runs everything that touches the kernel in its own network and mount namespace, so that the machine is never changed.
 * There /run and /var/lib are empty and /etc is writable. All of it ends with the last process.
 */
import { findProgram } from "./setup/tools.mjs";

/** Set inside the sandbox: programs there may change everything. */
export const sandboxMark = "NSNET_SANDBOX";

const unshare = ["unshare", "--net", "--mount", "--propagation", "private"];

/** The same in a user namespace, for users other than root. The kernel or a distribution may forbid it. */
const unshareAsUser = [...unshare, "--user", "--map-root-user"];

/** Ends by executing the command. Some containers forbid the optional parts (a fresh /sys, a writable /etc). */
const prepare = `
set -e
here=$(pwd)
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
# A checkout below one of the two is covered now, but still the current folder.
case "$here" in /run/*|/var/lib/*) mkdir -p "$here"; mount --no-canonicalize --bind . "$here"; cd "$here";; esac
mkdir -p /run/netns /run/etc/upper /run/etc/work /var/lib/ns-net /var/lib/cni
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work overlay /etc 2>/dev/null || true
mount -t sysfs sysfs /sys 2>/dev/null || true
ip link set lo up
exec "$@"`;

export type Sandbox =
  | { readonly works: true; readonly asUser: boolean; wrap(command: readonly string[]): string[] }
  | { readonly works: false; readonly reason: string };

const environment = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin` };

/** The environment of programs inside. */
export const sandboxEnvironment = { ...environment, [sandboxMark]: "1" };

const wrap = (kind: readonly string[], command: readonly string[]) => [
  ...kind,
  "sh",
  "-c",
  prepare,
  "sandbox",
  ...command,
];

/**
 * Tries to create a sandbox. There is no other test: root without CAP_SYS_ADMIN, seccomp, AppArmor and sysctls may all
 * forbid it.
 */
export function findSandbox(): Sandbox {
  if (findProgram("unshare") === undefined) return { works: false, reason: "it needs unshare (Debian: util-linux)" };
  if (findProgram("ip") === undefined) return { works: false, reason: "it needs ip (Debian: iproute2)" };
  const asUser = process.getuid?.() !== 0;
  const kind = asUser ? unshareAsUser : unshare;
  const tried = Bun.spawnSync(wrap(kind, ["true"]), { env: sandboxEnvironment, stdin: null });
  if (tried.exitCode === 0) return { works: true, asUser, wrap: (command) => wrap(kind, command) };
  const said = tried.stderr.toString().trim().split("\n").at(-1);
  const cure = asUser ? "run it as root, or allow user namespaces" : "it needs CAP_SYS_ADMIN";
  return { works: false, reason: `${said} (${cure})` };
}
