/** Parts shared by the types whose interface is created in, or moved into, the container and leaves nothing on the host. Pure. */

import type { NetworkConfig } from "../conf/config/config.ts";
import { badConfig, code, Fault } from "../conf/fault.ts";
import { type Family, familyOf } from "../ip/address.ts";
import { hostLinkName } from "../kernel/linkNames.ts";
import { aliasOf, containerLinkGroup } from "../kernel/ownership.ts";
import type { Step } from "../step/index.ts";
import type { Settings } from "../step/link/linkSettings.ts";
import { containerSteps, routesOf } from "./container.ts";
import type { Facts, LowerLink } from "./facts.ts";
import type { InterfacePlan, PlanInput } from "./plan.ts";

/** `making` creates the interface; then come addresses, up and routes. `isLent`: the alias is the device's own name. */
export function containerLinkPlan(
  input: PlanInput,
  making: readonly Step[],
  mac: string,
  isLent = false,
): InterfacePlan {
  const { attachment, config, lease, facts, netns } = input;
  const { ifname } = attachment;
  const mtu = facts.interfaceMtu;
  const routes = routesOf(config, lease);
  const own = { isOnNetwork: true, alias: isLent ? undefined : aliasOf(attachment, config.dataDir) } as const;
  const steps = [...making, ...announcing(input), ...containerSteps(input, routes, own)];
  return { steps, mac, interfaces: [{ name: ifname, mac, mtu, sandbox: netns }], routes };
}

/** Announces the addresses, so that other machines on the network update their neighbour caches at once. */
function announcing({ attachment, lease }: PlanInput): Step[] {
  const has = (family: Family) => lease.addresses.some(({ address }) => familyOf(address) === family);
  const settings = [
    ...(has(4) ? [`net/ipv4/conf/${attachment.ifname}/arp_notify`] : []),
    ...(has(6) ? [`net/ipv6/conf/${attachment.ifname}/ndisc_notify`] : []),
  ];
  return settings.map((path): Step => ({ kind: "sysctl", where: "container", path, value: "1" }));
}

/** Creates an interface of that kind, on top of its lower link if the type has one. */
export function making(input: PlanInput, settings: Settings, mac: string, inheritsMac = false): Step {
  const { attachment, facts } = input;
  const { lower } = facts;
  return {
    kind: "containerLink",
    ifname: attachment.ifname,
    temporary: hostLinkName(attachment),
    settings,
    master: lower && { name: lower.name!, where: lower.where },
    mac,
    inheritsMac: inheritsMac || undefined,
    mtu: facts.interfaceMtu,
    group: containerLinkGroup(attachment.network),
  };
}

/** Throws Fault for a master that does not exist, that cannot be one, or whose MTU is less than the configured one. */
export function refuseMaster({ link: keys, mtu }: NetworkConfig, { lower }: Facts, mayBePort = false): void {
  const { name, where, link } = lower!;
  const place = where === "host" ? "the host" : "the container";
  if (name === undefined) {
    throw new Fault(
      code.config,
      `Cannot find a master: ${place} has no default route whose interface could be it`,
      "master must be the name of the interface that the new one is to be on top of",
    );
  }
  const asked = `Cannot use master = ${JSON.stringify(name)}${keys!.master ? "" : " (found by itself)"}`;
  if (!link) {
    throw new Fault(code.config, `${asked}: ${place} has no interface of that name`, `See: ip link (in ${place})`);
  }
  const isOfBridge = !mayBePort && link.info?.portKind !== undefined && link.info.portKind !== "vrf";
  if (isOfBridge) {
    throw new Fault(
      code.config,
      `${asked}: it is a port of a ${link.info!.portKind}, which gets all that comes in by it`,
      `Use that ${link.info!.portKind} itself as master; see: ip -d link show ${name}`,
    );
  }
  refuseMtu(mtu, lower!);
}

function refuseMtu(mtu: number | undefined, { name, link }: LowerLink): void {
  const most = link?.mtu ?? 0;
  if (mtu !== undefined && mtu > most) throw badConfig("mtu", mtu, `at most ${most}, that of its master ${name}`);
}
