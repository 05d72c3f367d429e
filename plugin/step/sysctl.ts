/** A kernel setting, written only when it differs. */
import type { Where } from "../kernel.ts";
import { differences, type Kind } from "./step.ts";

export interface SysctlStep {
  readonly kind: "sysctl";
  readonly where: Where;
  /** Below /proc/sys: `net/ipv4/ip_forward`. */
  readonly path: string;
  readonly value: string;
  readonly netns: string;
}

export const sysctl: Kind<SysctlStep> = {
  apply({ where, path, value }, kernel) {
    if (kernel.readSysctl(where, path) !== value) kernel.writeSysctl(where, path, value);
    return false;
  },

  check({ where, path, value }, kernel) {
    return differences(`sysctl ${path}`, { value }, { value: kernel.readSysctl(where, path) });
  },

  print({ where, path, value, netns }) {
    const set = `sysctl -w ${path.replaceAll(".", "\0").replaceAll("/", ".").replaceAll("\0", "/")}=${value}`;
    return [where === "host" ? set : `nsenter --net=${netns} ${set}`];
  },
};
