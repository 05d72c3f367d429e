/** `vrf`: makes the interface a port of a VRF in the container, so that it has its own routing table. */

import { code, Fault } from "../../conf/fault.ts";
import { formatCidr } from "../../ip/address.ts";
import { containerLinkGroup } from "../../kernel/ownership.ts";
import type { Step } from "../../step/index.ts";
import type { ChainedInput, ChainedType } from "../chain.ts";
import type { VrfFacts } from "../facts.ts";

export const vrf: ChainedType<VrfFacts> = {
  plan(input) {
    const { attachment, config, prev, facts } = input;
    const { ifname: link, network } = attachment;
    const { table: asked } = config.link!;
    const name = config.link!.vrfName!;
    refuseMember(input, name);
    const table = tableFor(name, asked, facts);
    const steps: Step[] = [
      { kind: "vrf", name, table, group: containerLinkGroup(network) },
      // The kernel takes the interface down and up when it becomes a port: it loses IPv6 addresses and routes by gateways.
      { kind: "member", link, master: name },
      ...facts.addresses
        .filter(({ family }) => family === 6)
        .map((cidr): Step => {
          const address = formatCidr(cidr);
          return { kind: "address", where: "container", link, address, detectDuplicates: false, replaces: [] };
        }),
      ...facts.routes.filter(({ gw }) => gw !== undefined).map((route): Step => ({ ...route, table })),
    ];
    return { steps, result: prev };
  },
};

function refuseMember(
  { attachment: { ifname }, facts: { isPresent, master } }: ChainedInput<VrfFacts>,
  name: string,
): void {
  if (isPresent && (master === undefined || master === name)) return;
  throw new Fault(
    code.config,
    `Cannot put ${ifname} into the VRF ${name}: ${isPresent ? `it is a port of ${master}` : "the container has no such interface"}`,
    "Name vrf after the plugin that makes the interface",
  );
}

/** The table of the existing VRF, else the configured one, else the first that no VRF has. */
function tableFor(name: string, asked: number | undefined, { named, takenTables }: VrfFacts): number {
  if (named && named.table === undefined) {
    throw new Fault(
      code.config,
      `Cannot use vrfname = ${JSON.stringify(name)}: the container's link of that name is a ${named.kind}, no VRF`,
      "vrfname must be the name of a VRF, or one that no link has",
    );
  }
  const has = named?.table;
  if (has !== undefined && asked !== undefined && has !== asked) {
    throw new Fault(
      code.config,
      `Cannot use table = ${asked}: the VRF ${name} has table ${has}`,
      "Leave table out, or name another VRF",
    );
  }
  if (has !== undefined || asked !== undefined) return (has ?? asked)!;
  let table = 1;
  while (takenTables.has(table)) table++;
  return table;
}
