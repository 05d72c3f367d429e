/** `vrf`: the interface as a port of a VRF in the container, so that it is routed by a table of its own. */

import { code, Fault } from "../../conf/fault.ts";
import { formatCidr } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { containerLinkGroup } from "../../kernel/ownership.ts";
import { vrf as vrfData, vrfKind } from "../../netlink/route/kind/vrf.ts";
import { type Link, listLinks } from "../../netlink/route/link.ts";
import type { Step } from "../../step/index.ts";
import type { ChainedInput, ChainedType } from "../chain.ts";
import { containerRoutes } from "./containerRoutes.ts";

export const vrf: ChainedType = {
  plan(input) {
    const { attachment, config, prev, kernel } = input;
    const { ifname, network } = attachment;
    const name = config.link!.vrfName!;
    refuseMember(input, name);
    const table = tableFor(name, config.link!.table, kernel);
    const steps: Step[] = [
      { kind: "vrf", name, table, group: containerLinkGroup(network) },
      // Entering, the interface is taken down and up, which costs it its IPv6 addresses and its routes by gateways.
      { kind: "member", link: ifname, master: name },
      ...kernel
        .addresses("container", ifname)
        .filter(({ family }) => family === 6)
        .map((address): Step => {
          const text = formatCidr(address);
          return {
            kind: "address",
            where: "container",
            link: ifname,
            address: text,
            detectDuplicates: false,
            replaces: [],
          };
        }),
      ...containerRoutes(ifname, kernel)
        .filter(({ gw }) => gw !== undefined)
        .map((route): Step => ({ ...route, table })),
    ];
    return { steps, result: prev };
  },
};

function refuseMember({ attachment: { ifname }, kernel }: ChainedInput, name: string): void {
  const link = kernel.link("container", ifname);
  const master = link?.master === undefined ? undefined : kernel.linkByIndex(link.master, "container")?.name;
  if (link && (master === undefined || master === name)) return;
  throw new Fault(
    code.config,
    `Cannot put ${ifname} into the VRF ${name}: ${link ? `it is a port of ${master}` : "the container has no such interface"}`,
    "Name vrf after the plugin that makes the interface",
  );
}

/** The VRF's own where it stands, else the one asked for, else the first that no VRF has. */
function tableFor(name: string, asked: number | undefined, kernel: Kernel): number {
  const standing = kernel.link("container", name);
  const has = standing && tableOf(standing);
  if (standing && has === undefined) {
    throw new Fault(
      code.config,
      `Cannot use vrfname = ${JSON.stringify(name)}: the container's link of that name is a ${standing.info?.kind ?? "device"}, no VRF`,
      "vrfname must be the name of a VRF, or one that no link has",
    );
  }
  if (has !== undefined && asked !== undefined && has !== asked) {
    throw new Fault(
      code.config,
      `Cannot use table = ${asked}: the VRF ${name} has table ${has}`,
      "Leave table out, or name another VRF",
    );
  }
  return has ?? asked ?? freeTable(kernel);
}

function tableOf({ info }: Link): number | undefined {
  return info?.kind === vrfKind && info.data ? vrfData.get(info.data).table : undefined;
}

function freeTable(kernel: Kernel): number {
  const taken = new Set(listLinks(kernel.route("container")).map(tableOf));
  let table = 1;
  while (taken.has(table)) table++;
  return table;
}
