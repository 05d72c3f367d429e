/**
 * What an attachment is, as a list of steps. Pure: the kernel was read before, in `facts`, and is written after, by
 * `commit`. Every verb is a reading of this list.
 */
import { type Cidr, formatCidr, networkOf, overlaps, parseAddress, parseCidr } from "../conf/address.ts";
import { type Attachment, attachmentText } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import type { NetworkConfig, Route } from "../conf/network.ts";
import type { Lease, LeasedAddress } from "../ipam/ipam.ts";
import type { Facts } from "./facts.ts";
import { aliasOf, bridgeGroup, hostLinkName, linkGroup, macOf, macOfOwner } from "./names.ts";
import type { Removal, Step } from "./step/index.ts";

export interface PlanInput {
  readonly attachment: Attachment;
  /** Path of the container's namespace, for printing. */
  readonly netns: string;
  readonly config: NetworkConfig;
  readonly lease: Lease;
  readonly facts: Facts;
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly hostLink: string;
  readonly hostMac: string;
  readonly mac: string;
  readonly mtu: number;
  readonly bridgeMac: string;
  readonly routes: readonly Route[];
}

/** The steps of ADD, in order. Throws Fault (code.config) for what the host as it is cannot bear. */
export function plan(input: PlanInput): Plan {
  const { attachment, config, lease, facts, netns } = input;
  const addresses = lease.addresses.map((leased) => ({ ...leased, cidr: parseCidr(leased.address)! }));
  const mtu = facts.uplinkMtu;
  const hostLink = hostLinkName(attachment);
  const mac = config.mac ?? (addresses[0] ? macOf(addresses[0].cidr) : macOfOwner(hostLink));
  const hostMac = macOfOwner("host", hostLink);
  const gateways = config.isGateway ? gatewaysOf(lease.addresses) : [];
  const bridgeMac = facts.bridge?.mac ?? (gateways[0] ? macOf(gateways[0]) : macOfOwner("bridge", config.bridge));
  const routes = routesOf(config, lease);
  const steps: Step[] = [
    ...bridgeSteps(input, mtu, bridgeMac, gateways),
    ...(config.ipMasq && addresses.length > 0
      ? [
          {
            kind: "masquerade",
            network: attachment.network,
            subnets: distinct(addresses.map(({ cidr }) => formatCidr(networkOf(cidr)))),
          } as const,
        ]
      : []),
    {
      kind: "veth",
      host: hostLink,
      hostMac,
      ifname: attachment.ifname,
      mac,
      mtu,
      bridge: config.bridge,
      group: linkGroup(attachment.network),
      netns,
    },
    { kind: "silent", where: "host", link: hostLink, netns },
    { kind: "bridgePort", link: hostLink, hairpin: config.hairpinMode, isolated: config.portIsolation },
    { kind: "up", where: "host", link: hostLink, netns, alias: aliasOf(attachment) },
    ...containerSteps(input, routes),
  ];
  return { steps, hostLink, hostMac, mac, mtu, bridgeMac, routes };
}

/** What DEL removes: derived from the attachment's name, so that neither a lease nor a namespace nor a configuration is needed. */
export function removals(attachment: Attachment): readonly Removal[] {
  return [{ kind: "veth", host: hostLinkName(attachment) }];
}

function bridgeSteps({ config, facts, netns }: PlanInput, mtu: number, mac: string, gateways: readonly Cidr[]): Step[] {
  const families = new Set(gateways.map(({ family }) => family));
  return [
    ...(families.has(4)
      ? [{ kind: "sysctl", where: "host", path: "net/ipv4/ip_forward", value: "1", netns } as const]
      : []),
    ...(families.has(6)
      ? [{ kind: "sysctl", where: "host", path: "net/ipv6/conf/all/forwarding", value: "1", netns } as const]
      : []),
    { kind: "bridge", name: config.bridge, mac, mtu, group: bridgeGroup(config.name), promiscuous: config.promiscMode },
    ...(families.has(6) && !facts.bridge?.addresses.some(({ family }) => family === 6)
      ? bridgeIpv6(config).map(([key, value]): Step => {
          return { kind: "sysctl", where: "host", path: `net/ipv6/conf/${config.bridge}/${key}`, value, netns };
        })
      : []),
    ...gateways.map(
      (gateway): Step => ({
        kind: "address",
        where: "host",
        link: config.bridge,
        address: formatCidr(gateway),
        detectDuplicates: false,
        netns,
        replaces: replacedBy(gateway, config, facts),
      }),
    ),
  ];
}

/**
 * Settings of a bridge that is to get its first IPv6 address. The machine may switch IPv6 off for new links. And while
 * the bridge's link-local address is tentative, the kernel solicits no neighbour for a packet that it forwards: what
 * comes from outside would be lost for the first second or two.
 */
function bridgeIpv6({ enabledad }: NetworkConfig): [key: string, value: string][] {
  return [["disable_ipv6", "0"], ...(enabledad ? [] : [["accept_dad", "0"] as [string, string]])];
}

/** Addresses of the bridge in the gateway's subnet that are not the gateway: a leftover to replace, or a conflict. */
function replacedBy(gateway: Cidr, config: NetworkConfig, facts: Facts): string[] {
  const wanted = formatCidr(gateway);
  const others = (facts.bridge?.addresses ?? [])
    .filter((other) => overlaps(other, gateway) && formatCidr(other) !== wanted)
    .map(formatCidr);
  if (others.length === 0 || config.forceAddress) return others;
  throw new Fault(
    code.config,
    `Cannot give bridge ${config.bridge} the gateway address ${wanted}: it has ${others.join(", ")} in the same subnet`,
    `Set forceAddress to replace it, choose another bridge or subnet, or remove it with: ip address del ${others[0]} dev ${config.bridge}`,
  );
}

function containerSteps({ attachment, config, lease, facts, netns }: PlanInput, routes: readonly Route[]): Step[] {
  const link = attachment.ifname;
  if (config.disableContainerInterface) return [];
  const hasIpv6 = lease.addresses.some(({ address }) => address.includes(":"));
  return [
    ...(facts.isLoopbackUp ? [] : [{ kind: "up", where: "pod", link: "lo", netns } as const]),
    ...(hasIpv6
      ? [{ kind: "sysctl", where: "pod", path: `net/ipv6/conf/${link}/disable_ipv6`, value: "0", netns } as const]
      : [{ kind: "silent", where: "pod", link, netns } as const]),
    ...lease.addresses.map(
      ({ address }): Step => ({
        kind: "address",
        where: "pod",
        link,
        address,
        detectDuplicates: config.enabledad,
        netns,
        replaces: [],
      }),
    ),
    { kind: "up", where: "pod", link, netns },
    ...routes.map((route): Step => ({ kind: "route", ...route, link, netns })),
    { kind: "forwarding", link: hostLinkName(attachment) },
  ];
}

/** The gateway of each address with the length of its subnet, each once. */
function gatewaysOf(addresses: readonly LeasedAddress[]): Cidr[] {
  const gateways = new Map<string, Cidr>();
  for (const { address, gateway } of addresses) {
    const found = parseAddress(gateway ?? "");
    if (!found) continue;
    const cidr = { ...found, prefixLength: parseCidr(address)!.prefixLength };
    gateways.set(formatCidr(cidr), cidr);
  }
  return [...gateways.values()];
}

const defaultRoutes = { 4: "0.0.0.0/0", 6: "::/0" } as const;

/** The lease's routes, each with a gateway, and with isDefaultGateway a default route for each family that has none. */
function routesOf(config: NetworkConfig, lease: Lease): Route[] {
  const routes: Route[] = [];
  for (const route of lease.routes) {
    const gw = route.gw ?? (route.scope === undefined ? gatewayOf(lease, route.dst.includes(":")) : undefined);
    routes.push(gw === undefined ? route : { ...route, gw });
  }
  if (!config.isDefaultGateway) return routes;
  for (const family of [4, 6] as const) {
    const dst = defaultRoutes[family];
    const gw = gatewayOf(lease, family === 6);
    let isGiven = gw === undefined;
    for (const route of lease.routes) isGiven ||= route.dst === dst;
    if (!isGiven) routes.push({ dst, gw: gw! });
  }
  return routes;
}

/** The gateway of the first address of a family that has one. */
function gatewayOf({ addresses }: Lease, isIpv6: boolean): string | undefined {
  for (const { address, gateway } of addresses) {
    if (gateway !== undefined && address.includes(":") === isIpv6) return gateway;
  }
  return undefined;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** Refuses, before anything is touched, what would fail half-way. Throws Fault. */
export function refuseImpossible(attachment: Attachment, config: NetworkConfig, facts: Facts): void {
  refuseUnserved(config);
  if (facts.isIfnameTaken) {
    throw new Fault(
      code.environment,
      `Cannot attach ${attachmentText(attachment)}: the container has an interface ${attachment.ifname} already`,
      "Delete the attachment first (CNI DEL, or 'ns-net del'), or ask for another CNI_IFNAME",
    );
  }
  if (facts.bridge && facts.bridge.kind !== "bridge") {
    throw new Fault(
      code.config,
      `Cannot use bridge = ${JSON.stringify(config.bridge)}: the host's link of that name is a ${facts.bridge.kind ?? "device"}, no bridge`,
      `bridge must be the name of a bridge, or one that no link has; see: ip -d link show ${config.bridge}`,
    );
  }
}

/** Keys that are understood and not served yet. Without a word, a container would be on the wrong network or unprotected. */
function refuseUnserved({ vlan, vlanTrunk, macspoofchk }: NetworkConfig): void {
  const [key, value] =
    Object.entries({ vlan, vlanTrunk, macspoofchk }).find(([, given]) =>
      Array.isArray(given) ? given.length > 0 : given,
    ) ?? [];
  if (key === undefined) return;
  throw new Fault(
    code.unsupportedField,
    `Cannot use ${key} = ${JSON.stringify(value)}: this version of ns-net does not serve it`,
    `Leave ${key} out, or use the reference's bridge plugin for this network`,
  );
}
