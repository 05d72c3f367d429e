/**
 * Whether one pod reaches an address of another, by the file alone: a packet is followed from hop to hop by the routes
 * that each node has, and then the answer. Pure.
 */
import { type Address, type Cidr, contains } from "../../ip/address.ts";
import type { Lab, Network, Pod } from "../model/lab.ts";
import { defaultGatewaysOf } from "./configuration.ts";
import { netOwnerOf } from "./names.ts";

/** The lab's host, in place of a pod. */
const host = Symbol("host");
type Node = Pod | typeof host;

/** An interface of a node: its address, and the network or link that it is on. */
interface Port {
  readonly on: string;
  readonly own: Cidr;
}

interface Arrival {
  /** The source of the packet when it arrived: that of the sender, or of the host by masquerade. */
  readonly source: Address;
  readonly isMasqueraded: boolean;
}

export function isReachable(lab: Lab, isDown: IsDown, from: Pod, to: Pod, address: Address): boolean {
  const topology = new Topology(lab, isDown);
  const arrival = topology.follow(from, to, address, false);
  if (arrival === undefined) return false;
  if (!arrival.isMasqueraded) return topology.follow(to, from, arrival.source, true) !== undefined;
  return topology.follow(to, host, arrival.source, true) !== undefined;
}

/** Whether nothing passes an interface of a pod. */
type IsDown = (at: { readonly pod: string; readonly ifname: string }) => boolean;

const hopsMax = 64;

class Topology {
  readonly #lab: Lab;
  readonly #isDown: IsDown;
  readonly #networks: ReadonlyMap<string, Network>;
  readonly #ports = new Map<Node, readonly Port[]>();

  constructor(lab: Lab, isDown: IsDown) {
    this.#lab = lab;
    this.#isDown = isDown;
    this.#networks = new Map(lab.networks.map((one) => [one.name, one]));
  }

  /** The arrival of a packet; undefined if it does not arrive. Isolation lets answers in. */
  follow(from: Node, to: Node, address: Address, isAnswer: boolean): Arrival | undefined {
    let node = from;
    let cameOn: string | undefined;
    let source: Address | undefined;
    let isMasqueraded = false;
    for (let hop = 0; hop < hopsMax; hop++) {
      if (this.#portsOf(node).some(({ own }) => isSame(own, address)))
        return node === to ? { source: source ?? address, isMasqueraded } : undefined;
      if (node !== from && !this.#forwards(node)) return undefined;
      const next = this.#nextHop(node, address);
      if (next === undefined) return undefined;
      if (node === host && cameOn !== undefined && !this.#mayPass(cameOn, next.port.on, isAnswer)) return undefined;
      if (node !== host && next.node !== host && !isAnswer && this.#networks.get(next.port.on)?.isolate === "pods")
        return undefined;
      source ??= next.port.own;
      if (node === host && !isAnswer && this.#masquerades(cameOn, source)) {
        source = next.port.own;
        isMasqueraded = true;
      }
      cameOn = next.port.on;
      node = next.node;
    }
    return undefined;
  }

  #forwards(node: Node): boolean {
    return node === host ? this.#lab.networks.some(({ gateways }) => gateways.length > 0) : node.forwards;
  }

  /** Whether the host forwards from one network to another. */
  #mayPass(from: string, to: string, isAnswer: boolean): boolean {
    const [source, target] = [this.#networks.get(from), this.#networks.get(to)];
    if (source?.internal || target?.internal) return false;
    return isAnswer || from === to || target?.isolate === "none";
  }

  /** The host masquerades what comes from addresses of a network and leaves it. */
  #masquerades(cameOn: string | undefined, source: Address): boolean {
    const network = this.#networks.get(cameOn ?? "");
    return network?.masquerade === true && !network.internal && network.subnets.some((one) => contains(one, source));
  }

  #portsOf(node: Node): readonly Port[] {
    const known = this.#ports.get(node) ?? this.#readPorts(node);
    this.#ports.set(node, known);
    return known;
  }

  #readPorts(node: Node): Port[] {
    if (node === host)
      return this.#lab.networks.flatMap(({ name, gateways, subnets }) =>
        gateways.map((gateway, i) => ({ on: name, own: { ...gateway, prefixLength: subnets[i]!.prefixLength } })),
      );
    const { interfaces } = netOwnerOf(node, this.#lab);
    const isUp = ({ name }: { readonly name: string }) => !this.#isDown({ pod: node.name, ifname: name });
    const onLinks = this.#lab.links.flatMap(({ ends }, i) =>
      ends.filter((end) => end.pod === node.name && isUp(end)).map(({ addresses }) => ({ on: `link ${i}`, addresses })),
    );
    const onNetworks = interfaces.filter(isUp).map(({ network, addresses }) => ({ on: network, addresses }));
    return [...onNetworks, ...onLinks].flatMap(({ on, addresses }) => addresses.map((own) => ({ on, own })));
  }

  /** The neighbour that a node sends a packet to, by the longest prefix, and the node's own end. */
  #nextHop(node: Node, address: Address): { readonly node: Node; readonly port: Port } | undefined {
    const ports = this.#portsOf(node);
    const via = [...this.#routesOf(node)]
      .filter(({ to }) => to.family === address.family && contains(to, address))
      .sort((a, b) => b.to.prefixLength - a.to.prefixLength)[0];
    const connected = ports
      .filter(({ own }) => contains(own, address))
      .sort((a, b) => b.own.prefixLength - a.own.prefixLength)[0];
    const isDirect = connected && connected.own.prefixLength >= (via?.to.prefixLength ?? -1);
    const neighbour = isDirect ? address : via?.gateway;
    const port = isDirect ? connected : ports.find(({ own }) => neighbour && contains(own, neighbour));
    if (neighbour === undefined || port === undefined) return undefined;
    const nodes: Node[] = [host, ...this.#lab.pods.filter(({ joins }) => joins === undefined)];
    const found = nodes.find((one) =>
      this.#portsOf(one).some(({ on, own }) => on === port.on && isSame(own, neighbour)),
    );
    return found === undefined || found === node ? undefined : { node: found, port };
  }

  /** The routes besides those of its own subnets. */
  #routesOf(node: Node): { readonly to: Cidr; readonly gateway: Address }[] {
    if (node === host) return [];
    const everywhere = (gateway: Address): Cidr => ({ family: gateway.family, value: 0n, prefixLength: 0 });
    return [
      ...node.routes.map(({ destination, gateway }) => ({
        to: destination === "default" ? everywhere(gateway) : destination,
        gateway,
      })),
      ...defaultGatewaysOf(node, this.#networks).map(({ gateway }) => ({ to: everywhere(gateway), gateway })),
    ];
  }
}

const isSame = (a: Address, b: Address) => a.family === b.family && a.value === b.value;
