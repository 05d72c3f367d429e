/** A sysctl, written only if it differs. */

import type { Where } from "../../kernel/kernel.ts";
import { differences, isStep, type Kind } from "../kind.ts";
import { shellWord, sysctlName } from "../shellWords.ts";
import defer * as raRouters from "./raRouters.ts";
import defer * as sysctlReason from "./sysctlReason.ts";

export interface SysctlStep {
  readonly kind: "sysctl";
  readonly where: Where;
  /** Below /proc/sys: `net/ipv4/ip_forward`. */
  readonly path: string;
  readonly value: string;
  /** The value before, which undo restores. Absent: undo keeps the new value, because other attachments may need it. */
  readonly was?: string | undefined;
  /** Succeeds on a kernel without this sysctl. */
  readonly ifThere?: true | undefined;
  /** It makes the host a router: its routes from router advertisements are kept first. */
  readonly keepsRouters?: true;
}

/** The kernel separates several numbers by tabs, a person by blanks. */
function isSame(found: string | undefined, wanted: string): boolean {
  return found === wanted || found?.replace(/\s+/g, " ") === wanted.trim().replace(/\s+/g, " ");
}

export const sysctl: Kind<SysctlStep> = {
  apply({ where, path, value, was, ifThere, keepsRouters }, kernel) {
    const is = kernel.readSysctl(where, path);
    if (isSame(is, value) || (ifThere && is === undefined)) return false;
    if (keepsRouters) raRouters.keepRouters(kernel);
    kernel.writeSysctl(where, path, value);
    return was !== undefined;
  },

  undo({ where, path, was }, kernel) {
    if (was === undefined || (where === "container" && !kernel.netns)) return;
    // A sysctl of a link ends with the link.
    const is = kernel.readSysctl(where, path);
    if (is !== undefined && !isSame(is, was)) kernel.writeSysctl(where, path, was);
  },

  check({ where, path, value, ifThere }, kernel) {
    const is = kernel.readSysctl(where, path);
    if (isSame(is, value) || (ifThere && is === undefined)) return [];
    return differences(`sysctl ${path}`, { value }, { value: is });
  },

  supersede({ where, path }, earlier) {
    const isIt = isStep<SysctlStep>("sysctl", earlier) && earlier.where === where && earlier.path === path;
    return isIt ? undefined : earlier;
  },

  reason: ({ path, value }) => sysctlReason.reasonOf(path, value),

  print(step, { kernel, netns }) {
    const { where, path, value, ifThere, keepsRouters } = step;
    if (kernel && where === "host") {
      const is = kernel.readSysctl(where, path);
      // For a link that does not exist yet, `default` says whether the kernel has such a sysctl.
      const forAny = path.replace(/(?<=^net\/ipv6\/conf\/)[^/]+/, "default");
      const isUnknown = ifThere && is === undefined && kernel.readSysctl(where, forAny) === undefined;
      if (isSame(is, value) || isUnknown) return [];
    }
    const ignore = ifThere && !kernel ? " -e" : ""; // a kernel without it needs none
    const set = `sysctl${ignore} -w ${shellWord(`${sysctlName(path)}=${value}`)}`;
    const before = kernel && keepsRouters ? raRouters.keepingCommands(kernel) : [];
    return [...before, where === "host" ? set : `nsenter ${shellWord(`--net=${netns}`)} ${set}`];
  },
};
