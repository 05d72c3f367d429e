/** The steps of links and of routes through them. Pure. */
import { contains, formatAddress, formatCidr } from "../../ip/address.ts";
import type { Step } from "../../step/index.ts";
import type { Lab, Link, LinkEnd, Pod } from "../model/lab.ts";
import { defaultOf, macOf } from "./configuration.ts";

/** A link is a veth pair between two pods. In its steps the first pod is the host, and the second the container. */
export function linkSteps(lab: Lab, { ends: [one, other], mtu }: Link): Step[] {
  const mac = ({ pod, name }: LinkEnd) => macOf(`${lab.name} ${pod} ${name}`);
  return [
    { kind: "veth", host: one.name, hostMac: mac(one), ifname: other.name, mac: mac(other), mtu, group: 0 },
    ...endSteps(one, "host"),
    ...endSteps(other, "container"),
  ];
}

function endSteps({ name, addresses }: LinkEnd, where: "host" | "container"): Step[] {
  return [
    ...addresses.map(
      (one): Step => ({
        ...{ kind: "address", where, link: name, address: formatCidr(one) },
        ...{ detectDuplicates: false, replaces: [] },
      }),
    ),
    { kind: "up", where, link: name },
  ];
}

/** A pod's routes whose gateways are at the other ends of these links. The plugin makes those through networks. */
export function linkRouteSteps(ends: readonly LinkEnd[], pod: Pod, where: "host" | "container" = "container"): Step[] {
  return pod.routes.flatMap(({ destination, gateway }): Step[] => {
    const end = ends.find(({ addresses }) => addresses.some((own) => contains(own, gateway)));
    if (end === undefined) return [];
    const dst = destination === "default" ? defaultOf[gateway.family] : formatCidr(destination);
    return [{ kind: "route", where, link: end.name, dst, gw: formatAddress(gateway) }];
  });
}
