/** A VRF in the container, created if it does not exist. Undo deletes it unless it has ports. */

import { vrf as vrfData, vrfKind } from "../../netlink/route/kind/vrf.ts";
import { createLink, deleteLink, linkFlag, listLinks } from "../../netlink/route/link.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import type { RouteStep } from "../address/route.ts";
import { differences, isStep, type Kind, missing } from "../kind.ts";
import { ipWord, linkWord } from "../shellWords.ts";

export interface VrfStep {
  readonly kind: "vrf";
  readonly name: string;
  /** Routing table of its ports. */
  readonly table: number;
  readonly group: number;
}

export const vrf: Kind<VrfStep> = {
  apply({ name, table, group }, kernel) {
    if (kernel.link("container", name)) return false;
    const info = { kind: vrfKind, data: vrfData.put({ table }) };
    kernel.request("container", createLink({ name, group, set: linkFlag.up, info }));
    kernel.forget("container", name);
    return true;
  },

  undo({ name, group }, kernel) {
    if (!kernel.netns) return;
    const found = kernel.link("container", name);
    if (found?.group !== group || found.info?.kind !== vrfKind) return;
    if (listLinks(kernel.route("container"), { master: found.index }).length > 0) return;
    tolerating(() => kernel.request("container", deleteLink(name)), errno.ENODEV);
    kernel.forget("container", name);
  },

  check({ name, table }, kernel) {
    const found = kernel.link("container", name);
    if (!found) return missing(`vrf ${name} in the container`);
    const { kind, data } = found.info ?? {};
    const has = kind === vrfKind && data ? vrfData.get(data).table : undefined;
    const state = found.flags & linkFlag.up ? "up" : "down";
    return differences(`vrf ${name}`, { kind: vrfKind, table, state: "up" }, { kind, table: has, state });
  },

  // The routes of its ports are in its own table.
  supersede: (_, earlier) => (isStep<RouteStep>("route", earlier) ? undefined : earlier),

  reason: ({ name }) => `The VRF ${name} has a routing table of its own.`,

  print({ name, table, group }, { netns }) {
    const ip = ipWord("container", netns);
    return [`${ip} link add ${linkWord(name)} up group ${group} type vrf table ${table}`];
  },
};
