/** A kernel setting, written only when it differs. */
import type { Where } from "../kernel.ts";
import { differences, type Kind } from "./step.ts";
import { shellWord } from "./words.ts";

export interface SysctlStep {
  readonly kind: "sysctl";
  readonly where: Where;
  /** Below /proc/sys: `net/ipv4/ip_forward`. */
  readonly path: string;
  readonly value: string;
  readonly netns: string;
  /** What it was before, to be put back; absent: others may count on it by then. */
  readonly was?: string;
  /** A kernel that has no such setting needs none. */
  readonly ifThere?: true;
}

export const sysctl: Kind<SysctlStep> = {
  apply({ where, path, value, was, ifThere }, kernel) {
    const is = kernel.readSysctl(where, path);
    if (is === value || (ifThere && is === undefined)) return false;
    kernel.writeSysctl(where, path, value);
    return was !== undefined;
  },

  undo({ where, path, was }, kernel) {
    if (was === undefined || (where === "pod" && !kernel.netns)) return;
    // A setting of a link goes with the link.
    const is = kernel.readSysctl(where, path);
    if (is !== undefined && is !== was) kernel.writeSysctl(where, path, was);
  },

  check({ where, path, value, ifThere }, kernel) {
    const is = kernel.readSysctl(where, path);
    return ifThere && is === undefined ? [] : differences(`sysctl ${path}`, { value }, { value: is });
  },

  print(step, kernel) {
    const { where, path, value, netns } = step;
    if (kernel && where === "host" && sysctl.check(step, kernel).length === 0) return [];
    const name = path.replaceAll(".", "\0").replaceAll("/", ".").replaceAll("\0", "/");
    const set = `sysctl -w ${shellWord(`${name}=${value}`)}`;
    return [where === "host" ? set : `nsenter ${shellWord(`--net=${netns}`)} ${set}`];
  },
};
