/**
 * A network and mount namespace of its own for everything that touches the kernel, so that the machine is never changed.
 * Inside, /run and /var/lib are empty and /etc can be written to; all of it is gone when the last process is.
 */
import { findProgram } from "./setup/tools.mjs";

/** Set inside, so that what runs there knows that it may do as it likes. */
export const sandboxMark = "NSNET_SANDBOX";

const unshare = ["unshare", "--net", "--mount", "--propagation", "private"];

/** The same in a user namespace, for whoever is not root; the kernel or a distribution may forbid it. */
const unshareAsUser = [...unshare, "--user", "--map-root-user"];

/** Ends by becoming the command. What is optional (a fresh /sys, a writable /etc) some containers refuse. */
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

/** Environment for what runs inside. */
export const sandboxEnvironment = { ...environment, [sandboxMark]: "1" };

const wrap = (kind: readonly string[], command: readonly string[]) => [
  ...kind,
  "sh",
  "-c",
  prepare,
  "sandbox",
  ...command,
];

/** Tries it, because there is no other way to know: root without CAP_SYS_ADMIN, seccomp, AppArmor, sysctls. */
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
