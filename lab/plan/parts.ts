/**
 * The parts of a lab's file, and what a change of each restarts. `differences` decides by it, and the help of `lab apply` is
 * printed from it. The compiler refuses a part of the model that is not here.
 */
import { formatAddress, formatCidr } from "../../ip/address.ts";
import type { Host, Network, Pod } from "../model/lab.ts";
import { publishesOf, servesOf } from "./texts.ts";

interface Part<Whole> {
  /** The key of the file. */
  readonly key: string;
  /** True if pods must be started again to get it: the pod itself, or the pods on the network. */
  readonly restarts: boolean;
  /** The words of the file, in short. Absent: the difference is too long to be shown. */
  text?(whole: Whole): string;
  /** Absent: by the values of the part itself. */
  isSame?(before: Whole, after: Whole): boolean;
}

type Parts<Whole> = { readonly [Name in keyof Omit<Whole, "name">]-?: Part<Whole> };

/** A process of the pod would not notice these, or the plugin decides on them when it attaches the pod. */
export const podParts: Parts<Pod> = {
  forwards: { key: "pods or routers", restarts: true, text: ({ forwards }) => (forwards ? "a router" : "no router") },
  host: { key: "host", restarts: true, text: ({ host }) => host },
  interfaces: { key: "networks", restarts: true, text: networksText },
  publish: { key: "publish", restarts: true, text: (pod) => publishesOf(pod).join(", ") },
  hostname: { key: "hostname", restarts: true, text: ({ hostname }) => hostname },
  sysctls: { key: "sysctls", restarts: true },
  routes: { key: "routes", restarts: true },
  run: { key: "run", restarts: true },
  env: { key: "env", restarts: true },
  joins: { key: "joins", restarts: true, text: ({ joins }) => joins ?? "" },
  dns: { key: "dns", restarts: true, text: ({ dns }) => String(dns) },
  serve: { key: "serve", restarts: false, text: (pod) => servesOf(pod).join(", ") },
};

export const networkParts: Parts<Network> = {
  subnets: { key: "subnets", restarts: true, text: ({ subnets }) => subnets.map(formatCidr).join(", ") },
  blocks: {
    key: "gateway",
    restarts: true,
    text: (network) => String(hasGateway(network)),
    // Addresses of gateways follow from subnets and hosts. A network without pods has no block.
    isSame: (before, after) =>
      [before, after].some(({ blocks }) => blocks.length === 0) || hasGateway(before) === hasGateway(after),
  },
  masquerade: { key: "masquerade", restarts: true, text: ({ masquerade }) => String(masquerade) },
  internal: { key: "internal", restarts: true, text: ({ internal }) => String(internal) },
  isolate: { key: "isolate", restarts: true, text: ({ isolate }) => isolate },
  mtu: { key: "mtu", restarts: true, text: ({ mtu }) => (mtu === undefined ? "" : String(mtu)) },
  config: { key: "config", restarts: true },
};

export const hostParts: Parts<Host> = {
  addresses: { key: "address", restarts: true, text: ({ addresses }) => addresses.map(formatAddress).join(", ") },
  mtu: { key: "mtu", restarts: true, text: ({ mtu }) => String(mtu) },
};

const hasGateway = ({ blocks }: Network) => blocks.some(({ gateways }) => gateways.length > 0);

function networksText({ interfaces }: Pod): string {
  return interfaces.map(({ network, addresses }) => [network, ...addresses.map(formatAddress)].join(" ")).join(", ");
}

/** The parts in which two of a kind differ. */
export function changedParts<Whole extends object>(parts: Parts<Whole>, before: Whole, after: Whole) {
  return Object.entries<Part<Whole>>(parts).flatMap(([name, part]) => {
    const key = name as keyof Whole;
    if (part.isSame ? part.isSame(before, after) : Bun.deepEquals(before[key], after[key])) return [];
    const [old, now] = [part.text?.(before), part.text?.(after)];
    const text =
      old === now || old === undefined || now === undefined
        ? `${part.key} changed`
        : `${part.key}: ${old || "none"} → ${now || "none"}`;
    return [{ restarts: part.restarts, text }];
  });
}

/** For help: what is restarted, and the changes of the file that do it. */
export function effects(): { readonly restarts: string; readonly change: string }[] {
  const keys = <Whole>(parts: Parts<Whole>, restarts: boolean) =>
    Object.values<Part<Whole>>(parts)
      .filter((part) => part.restarts === restarts)
      .map(({ key }) => key)
      .join(", ");
  return [
    { restarts: "the pod, and those that join it", change: `of a pod: ${keys(podParts, true)}` },
    { restarts: "the pods on it", change: `of a network: ${keys(networkParts, true)}` },
    { restarts: "the host, and the pods on it", change: `of a host: ${keys(hostParts, true)}` },
    { restarts: "all hosts and pods", change: "across, and the mtu that follows from it" },
    { restarts: "outside", change: "the first IPv6 network, and the last; several hosts, too" },
    {
      restarts: "nothing",
      change: `${keys(podParts, false)} of a pod; links, impair, tests; a pod or a network more or less`,
    },
  ];
}
