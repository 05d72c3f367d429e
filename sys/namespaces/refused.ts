/** Why this host lets a user create no user namespace, in one sentence with a cure. */
import { readFileSync } from "node:fs";
import { errno } from "../errors.ts";

/** The host's settings or its sandbox forbid the namespace. */
export class NamespaceRefused extends Error {
  readonly cure: string;

  constructor(why: string, cure: string) {
    super(`Cannot create a user namespace: ${why}`);
    this.name = "NamespaceRefused";
    this.cure = cure;
  }
}

/**
 * The refusal of a failed step of start.c, if the step concerns a user namespace of its own; else undefined. A user
 * namespace may be created, and yet give no right: so does AppArmor, and then a later step fails.
 */
export function refusedBy(step: string, error: number): NamespaceRefused | undefined {
  if (step === "create user") return refusal(error);
  if ((step === "map users" || step === "map groups") && (error === errno.EPERM || error === errno.EACCES))
    return refusal(errno.EPERM);
  return undefined;
}

function refusal(error: number): NamespaceRefused {
  // user_namespaces(7): the limit of namespaces, or 33 levels of them
  if (error === errno.ENOSPC || settingAt("user/max_user_namespaces") === "0")
    return bySetting("user.max_user_namespaces", "15000", "this host allows no more of them");
  if (settingAt("kernel/unprivileged_userns_clone") === "0")
    return bySetting("kernel.unprivileged_userns_clone", "1", "this host allows them to root alone");
  if (settingAt("kernel/apparmor_restrict_unprivileged_userns") === "1")
    return bySetting("kernel.apparmor_restrict_unprivileged_userns", "0", "AppArmor gives no rights in them");
  if (error === errno.EINVAL)
    return new NamespaceRefused("this kernel has none (CONFIG_USER_NS)", "Run it as root, or use another kernel");
  return new NamespaceRefused(
    "not permitted, and no setting of this host forbids it: a sandbox around this process does (seccomp, chroot)",
    "Run it outside of the container or chroot, or as root",
  );
}

function bySetting(name: string, value: string, why: string): NamespaceRefused {
  const now = settingAt(name.replace(".", "/"));
  return new NamespaceRefused(
    `${why} (${name} is ${now})`,
    `Run it as root, or allow them: sudo sysctl -w ${name}=${value}`,
  );
}

/** A sysctl of this host by its path below /proc/sys; undefined if this kernel has none. */
function settingAt(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, "utf8").trim();
  } catch {
    return undefined;
  }
}
