/** The hosts of a lab: their addresses on the underlay, which pods they run, and their blocks of each network. */
import { type Address, type Cidr, contains, formatAddress, formatCidr, networkOf } from "../../ip/address.ts";
import type { HostEntry, LabFile, NetworkEntry, PodEntry } from "../file/labFile.ts";
import { type Mistake, positionOf, type Source } from "../file/mistakes.ts";
import { suggested } from "../file/reader.ts";
import type { Block, Host, Network, Outside, Underlay } from "./lab.ts";
import { isLargeEnough, nthOf, outsideSubnets, partsOf } from "./subnets.ts";

/** The only host of a lab without `hosts`. */
export const onlyHost = "host";

/** The interface of a host on the underlay, and that of outside. */
export const uplink = "eth0";
/** The VXLAN device of a host. */
export const vxlanLink = "vxlan0";

const mtuDefault = 1500;
/** The outer IPv4, UDP and VXLAN headers, and the inner Ethernet header (RFC 7348, section 5). */
const vxlanOverhead = 50;
const underlayPrefixLength = 24;

/** The subnets between the hosts and outside: those for documentation, or the /24 of the hosts' addresses. */
export function underlaySubnets({ hosts, networks }: LabFile): Cidr[] {
  const hasIpv6 = networks.some(({ subnets }) => subnets.some(({ value }) => value.family === 6));
  const [first] = hosts;
  const ofIpv4 = first ? networkOf({ ...first.address.value, prefixLength: underlayPrefixLength }) : outsideSubnets[0]!;
  return [ofIpv4, ...(hasIpv6 ? [outsideSubnets[1]!] : [])];
}

/** At least one host. The addresses of a lab's only host lead to outside. */
export function hostsOf(file: LabFile): Host[] {
  const [, ofIpv6] = underlaySubnets(file);
  const given = file.hosts.map(({ name, address, mtu = mtuDefault }, i) => ({
    name: name.value,
    addresses: [{ ...address.value, prefixLength: underlayPrefixLength }, ...nth(ofIpv6, BigInt(i + 2))],
    mtu,
  }));
  if (given.length > 0) return given;
  const addresses = file.outside === "none" ? [] : underlaySubnets(file).flatMap((subnet) => nth(subnet, 2n));
  return [{ name: onlyHost, addresses, mtu: mtuDefault }];
}

const nth = (subnet: Cidr | undefined, n: bigint): Cidr[] =>
  subnet ? [{ ...nthOf(subnet, n), prefixLength: subnet.prefixLength }] : [];

/** Outside has the last free IPv4 address of the hosts' underlay. */
export function outsideOf(file: LabFile): Outside | undefined {
  if (file.outside === "none") return undefined;
  const [ofIpv4, ofIpv6] = underlaySubnets(file);
  if (file.hosts.length === 0) return { addresses: [...nth(ofIpv4, 1n), ...nth(ofIpv6, 1n)] };
  const taken = new Set(file.hosts.map(({ address }) => address.value.value));
  for (let n = 254n; n > 0n; n--) {
    const [address] = nth(ofIpv4, n);
    if (!taken.has(address!.value)) return { addresses: [address!, ...nth(ofIpv6, 1n)] };
  }
  return undefined;
}

/** Undefined without `hosts`. */
export function underlayOf(file: LabFile): Underlay | undefined {
  if (file.hosts.length === 0) return undefined;
  const across = file.across?.value ?? "vxlan";
  const mtu = Math.min(...file.hosts.map((one) => one.mtu ?? mtuDefault));
  return { across, mtu, podMtu: across === "vxlan" ? mtu - vxlanOverhead : mtu };
}

/** The name of the host that a pod runs on. A pod that joins another runs where that one does. */
export function hostNameOf(pod: PodEntry, { hosts, pods }: Pick<LabFile, "hosts" | "pods">): string {
  const target = pod.joins && pods.find(({ name }) => name.value === pod.joins!.value);
  return (target ?? pod).host?.value ?? hosts[0]?.name.value ?? onlyHost;
}

/** The hosts that have pods on a network, with their parts of it. Without a gateway one host has it whole. */
export function blocksOf({ name, subnets, gateway }: NetworkEntry, file: LabFile): Block[] {
  const hosts = file.hosts.length > 0 ? file.hosts.map((one) => one.name.value) : [onlyHost];
  const used = (host: string) =>
    file.hosts.length === 0 ||
    file.pods.some(
      (pod) => hostNameOf(pod, file) === host && pod.networks.some(({ network }) => network.value === name.value),
    );
  return hosts.flatMap((host, i) => {
    if (!used(host)) return [];
    const own = subnets.map(({ value }) => (gateway ? partsOf(value, hosts.length)[i]! : value));
    return [{ host, subnets: own, gateways: gateway ? own.map((part) => nthOf(part, 1n)) : [] }];
  });
}

/** A host's part of a network; undefined if no pod of the host is on it. */
export const blockOf = ({ blocks }: Pick<Network, "blocks">, host: string): Block | undefined =>
  blocks.find((one) => one.host === host);

/** Reports hosts, and pods on hosts, that cannot be. */
export function refuseHosts(file: LabFile, source: Source, mistakes: Mistake[]): void {
  const { hosts, across, pods, networks } = file;
  if (across && hosts.length === 0)
    mistakes.push({
      at: across.at,
      message: "across is for a lab with several hosts",
      suggestion: "write hosts:, or leave across out",
    });
  refuseAddresses(hosts, source, mistakes);
  const known = hosts.map(({ name }) => name.value);
  for (const { name, host } of pods) {
    if (host === undefined || known.includes(host.value)) continue;
    mistakes.push({
      at: host.at,
      message: hosts.length > 0 ? `there is no host ${host.value}` : "this lab has no hosts",
      suggestion: hosts.length > 0 ? suggested(host.value, known) : `write hosts:, or leave host of ${name.value} out`,
    });
  }
  for (const network of networks) {
    if (!network.gateway) refuseSpreading(network, file, mistakes);
    refuseSmallParts(network, hosts.length, mistakes);
    refuseLargeMtu(network, file, mistakes);
  }
}

/** The addresses are on one underlay: IPv4, of the same /24, each of one host. */
function refuseAddresses(hosts: readonly HostEntry[], { text }: Source, mistakes: Mistake[]): void {
  const [first] = hosts;
  const seen: HostEntry[] = [];
  for (const host of hosts) {
    const { address } = host;
    const subnet = networkOf({ ...first!.address.value, prefixLength: underlayPrefixLength });
    const twin = seen.find((one) => one.address.value.value === address.value.value);
    const refusal = refusalOf(address.value, subnet);
    if (refusal) mistakes.push({ at: address.at, ...refusal });
    else if (twin)
      mistakes.push({
        at: address.at,
        message: `${formatAddress(address.value)} is ${twin.name.value}'s already, in line ${positionOf(text, twin.address.at[0]).line}`,
        suggestion: "give each host an address of its own",
      });
    seen.push(host);
  }
}

function refusalOf(address: Address, subnet: Cidr): Omit<Mistake, "at"> | undefined {
  if (address.family === 6)
    return { message: "the underlay of the hosts is IPv4", suggestion: "write an address such as 192.168.50.1" };
  if (!contains(subnet, address))
    return {
      message: `${formatAddress(address)} is not on the underlay ${formatCidr(subnet)} of the first host`,
      suggestion: `write an address of ${formatCidr(subnet)}`,
    };
  const last = address.value & 0xffn;
  if (last !== 0n && last !== 0xffn) return undefined;
  const what = last === 0n ? "the network's own" : "the broadcast address";
  return { message: `${formatAddress(address)} is ${what}`, suggestion: "choose another one" };
}

/** Without a gateway nothing leads to another host. */
function refuseSpreading({ name }: NetworkEntry, file: LabFile, mistakes: Mistake[]): void {
  let first: { readonly pod: string; readonly host: string } | undefined;
  for (const pod of file.pods) {
    const joined = pod.networks.find(({ network }) => network.value === name.value);
    if (!joined) continue;
    const host = hostNameOf(pod, file);
    first ??= { pod: pod.name.value, host };
    if (host !== first.host)
      mistakes.push({
        at: joined.network.at,
        message: `${name.value} has no gateway, so it is on one host: ${first.pod} is on ${first.host}, and ${pod.name.value} on ${host}`,
        suggestion: `give ${name.value} a gateway, or put its pods on one host`,
      });
  }
}

function refuseSmallParts({ name, subnets, gateway }: NetworkEntry, hosts: number, mistakes: Mistake[]): void {
  if (!gateway || hosts <= 1) return;
  for (const { value, at } of subnets) {
    if (isLargeEnough(partsOf(value, hosts)[0]!)) continue;
    mistakes.push({
      at,
      message: `${formatCidr(value)} of ${name.value} is too small for ${hosts} hosts`,
      suggestion: "give it a larger subnet",
    });
  }
}

function refuseLargeMtu({ name, mtu }: NetworkEntry, file: LabFile, mistakes: Mistake[]): void {
  const underlay = underlayOf(file);
  if (underlay === undefined || mtu === undefined || mtu.value <= underlay.podMtu) return;
  mistakes.push({
    at: mtu.at,
    message: `mtu ${mtu.value} of ${name.value} does not fit between hosts: ${underlay.podMtu} at most`,
    suggestion: "leave it out, or give the hosts a larger mtu",
  });
}
