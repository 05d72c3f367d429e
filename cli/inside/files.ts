/** The files that a program in a network namespace sees: /sys of that namespace, and /etc/netns/NAME over /etc. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errno, isKernelError } from "../../sys/errors.ts";
import { namespaceKind } from "../../sys/libc.ts";
import { mount, mountFlag, newNamespace, unmount } from "../../sys/sysRare.ts";

/** Creates a mount namespace: /sys of the network namespace, and its files over those of /etc. */
export function changeFiles(name: string | undefined): void {
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
