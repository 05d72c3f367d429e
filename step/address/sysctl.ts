/** A kernel setting, written only when it differs. */

import type { Where } from "../../kernel/kernel.ts";
import { differences, isStep, type Kind } from "../kind.ts";
import { shellWord, sysctlName } from "../shellWords.ts";
import defer * as raRouters from "./raRouters.ts";

export interface SysctlStep {
  readonly kind: "sysctl";
  readonly where: Where;
  /** LowerLink /proc/sys: `net/ipv4/ip_forward`. */
  readonly path: string;
  readonly value: string;
  /** What it was before, to be put back; absent: others may count on it by then. */
  readonly was?: string | undefined;
  /** A kernel that has no such setting needs none. */
  readonly ifThere?: true | undefined;
  /** It makes the host a router, which must not cost it its own routers. */
  readonly keepsRouters?: true;
}

/** Of several numbers the kernel has tabs between, and a person blanks. */
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
    // A setting of a link goes with the link.
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

  print(step, { kernel, netns }) {
    const { where, path, value, ifThere, keepsRouters } = step;
    if (kernel && where === "host") {
      const is = kernel.readSysctl(where, path);
      // Of a link that is yet to be made: the kernel will have it if it has it for any.
      const forAny = path.replace(/(?<=^net\/ipv6\/conf\/)[^/]+/, "default");
      const isUnknown = ifThere && is === undefined && kernel.readSysctl(where, forAny) === undefined;
      if (isSame(is, value) || isUnknown) return [];
    }
    const set = `sysctl -w ${shellWord(`${sysctlName(path)}=${value}`)}`;
    const before = kernel && keepsRouters ? raRouters.keepingCommands(kernel) : [];
    return [...before, where === "host" ? set : `nsenter ${shellWord(`--net=${netns}`)} ${set}`];
  },
};
