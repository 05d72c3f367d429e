/**
 * The lab as a person would type it: one process a command. And its removal. The settings are those of
 * lab/world/pods/pods.ts. Pure.
 */
import { type Plan, prefixLength } from "./plan.ts";

export const table = "lab";

const settings = [
  "net.ipv6.conf.all.forwarding=0",
  "net.ipv4.conf.all.rp_filter=0",
  "net.ipv4.conf.default.rp_filter=0",
  "'net.ipv4.ping_group_range=0 0'",
].join(" ");

export const hostSettings = `net.ipv4.ip_forward=1 ${settings}`;
export const podSettings = `net.ipv4.ip_forward=0 ${settings}`;

/** The commands of nft(8) for the masquerading of each network. */
export function masqueradingOf({ networks }: Plan): string[] {
  return [
    `add table ip ${table}`,
    `add chain ip ${table} postrouting { type nat hook postrouting priority srcnat; }`,
    ...networks.map(
      ({ subnet }) => `add rule ip ${table} postrouting ip saddr ${subnet} ip daddr != ${subnet} masquerade`,
    ),
  ];
}

/** A script for sh(1) that makes the lab in the network namespace that it runs in. */
export function scriptOf(plan: Plan): string {
  return lines([
    `sysctl -qw ${hostSettings}`,
    ...plan.networks.flatMap(({ name, gateway }) => [
      `ip link add ${name} type bridge`,
      `ip address add ${gateway}/${prefixLength} dev ${name}`,
      `ip link set ${name} up`,
    ]),
    ...masqueradingOf(plan).map((command) => `nft '${command}'`),
    ...plan.pods.flatMap(({ namespace, network, address }, i) => [
      `ip netns add ${namespace}`,
      `ip netns exec ${namespace} sysctl -qw ${podSettings}`,
      `ip link add veth${i} type veth peer name peer${i}`,
      `ip link set peer${i} netns ${namespace} name eth0`,
      `ip link set veth${i} master ${network.name} up`,
      `ip -n ${namespace} address add ${address}/${prefixLength} dev eth0`,
      `ip -n ${namespace} link set lo up`,
      `ip -n ${namespace} link set eth0 up`,
      `ip -n ${namespace} route add default via ${network.gateway}`,
    ]),
  ]);
}

/** The kernel deletes a veth pair with the namespace of one end. */
export function removalScriptOf({ networks, pods }: Plan): string {
  return lines([
    ...pods.map(({ namespace }) => `ip netns del ${namespace}`),
    ...networks.map(({ name }) => `ip link del ${name}`),
    `nft delete table ip ${table}`,
  ]);
}

const lines = (commands: readonly string[]) => `${["set -e", ...commands].join("\n")}\n`;
