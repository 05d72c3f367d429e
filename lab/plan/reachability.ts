/**
 * Whether one pod reaches an address of another, by the file alone: a packet is followed from hop to hop by the routes
 * that each node has, and then the answer. Pure.
 */
import { type Address, type Cidr, contains } from "../../ip/address.ts";
import { blockOf, uplink } from "../model/hosts.ts";
import type { Host, Lab, Network, Pod } from "../model/lab.ts";
import { defaultGatewaysOf, isIn, routesToParts } from "./configuration.ts";
import { netOwnerOf } from "./names.ts";

type Node = Pod | Host;

/** An interface of a node: its address, and what it is on. */
interface Port {
  /** A bridge, a link or the underlay: ports of the same one are neighbours. */
  readonly on: string;
  /** The network whose bridge it is. */
  readonly network: Network | undefined;
  readonly own: Cidr;
}

/** A route besides those of the node's own subnets. */
interface Way {
  readonly to: Cidr;
  /** Absent: the destination itself is a neighbour. */
  readonly gateway: Address | undefined;
  /** Absent: by the port whose subnet has the gateway. */
  readonly on: string | undefined;
}

interface Arrival {
  /** The source of the packet when it arrived: that of the sender, or of a host by masquerade. */
  readonly source: Address;
  readonly masqueradedBy: Host | undefined;
}

export function isReachable(lab: Lab, isDown: IsDown, from: Pod, to: Pod, address: Address): boolean {
  const topology = new Topology(lab, isDown);
  const arrival = topology.follow(from, to, address, false);
  if (arrival === undefined) return false;
  return topology.follow(to, arrival.masqueradedBy ?? from, arrival.source, true) !== undefined;
}

/** Whether nothing passes an interface of a pod or a host. */
type IsDown = (at: { readonly pod: string; readonly ifname: string }) => boolean;

const hopsMax = 64;
const underlay = "underlay";

class Topology {
  readonly #lab: Lab;
  readonly #isDown: IsDown;
  readonly #ports = new Map<Node, readonly Port[]>();

  constructor(lab: Lab, isDown: IsDown) {
    this.#lab = lab;
    this.#isDown = isDown;
  }

  /** The arrival of a packet; undefined if it does not arrive. Isolation lets answers in. */
  follow(from: Node, to: Node, address: Address, isAnswer: boolean): Arrival | undefined {
    let node = from;
    let cameBy: Port | undefined;
    let source: Address | undefined;
    let masqueradedBy: Host | undefined;
    for (let hop = 0; hop < hopsMax; hop++) {
      if (this.#portsOf(node).some(({ own }) => isSame(own, address)))
        return node === to ? { source: source ?? address, masqueradedBy } : undefined;
      if (node !== from && !this.#forwards(node)) return undefined;
      const next = this.#nextHop(node, address);
      if (next === undefined) return undefined;
      source ??= next.port.own;
      if (isHost(node)) {
        if (cameBy && !this.#mayPass(cameBy, next.port, { source, address, isAnswer })) return undefined;
        if (!isAnswer && this.#masquerades(cameBy?.network, source, address)) {
          source = next.port.own;
          masqueradedBy = node;
        }
      } else if (!isHost(next.node) && !isAnswer && next.port.network?.isolate === "pods") return undefined;
      cameBy = next.port;
      node = next.node;
    }
    return undefined;
  }

  #forwards(node: Node): boolean {
    if (!isHost(node)) return node.forwards;
    return this.#lab.networks.some((network) => (blockOf(network, node.name)?.gateways.length ?? 0) > 0);
  }

  /** Whether a host forwards from one of its ports to another. */
  #mayPass(from: Port, to: Port, { source, address, isAnswer }: Packet): boolean {
    const isSeveral = this.#lab.underlay !== undefined;
    if (from.network?.internal && !(isSeveral && has(from.network, address))) return false;
    if (to.network?.internal && !(isSeveral && has(to.network, source))) return false;
    if (isAnswer) return true;
    // The host that sends to another knows the network of the packet.
    if (to.on === underlay && from.network)
      return this.#lab.networks.every(
        (one) => one.isolate === "none" || !has(one, address) || (one === from.network && one.isolate === "networks"),
      );
    return from.on === to.on || from.on === underlay || (to.network?.isolate ?? "none") === "none";
  }

  /** A host masquerades what comes from addresses of a network and leaves it. */
  #masquerades(network: Network | undefined, source: Address, address: Address): boolean {
    return network?.masquerade === true && !network.internal && has(network, source) && !has(network, address);
  }

  #portsOf(node: Node): readonly Port[] {
    const known = this.#ports.get(node) ?? this.#readPorts(node);
    this.#ports.set(node, known);
    return known;
  }

  #readPorts(node: Node): Port[] {
    if (isHost(node)) return this.#portsOfHost(node);
    const { interfaces } = netOwnerOf(node, this.#lab);
    const isUp = ({ name }: { readonly name: string }) => !this.#isDown({ pod: node.name, ifname: name });
    const onLinks = this.#lab.links.flatMap(({ ends }, i) =>
      ends
        .filter((end) => end.pod === node.name && isUp(end))
        .map(({ addresses }) => ({ on: `link ${i}`, network: undefined, addresses })),
    );
    const onNetworks = interfaces.filter(isUp).map(({ network, addresses }) => ({
      ...{ on: bridgeOn(network, node.host), network: this.#networkCalled(network), addresses },
    }));
    return [...onNetworks, ...onLinks].flatMap(({ addresses, ...port }) => addresses.map((own) => ({ ...port, own })));
  }

  #portsOfHost(host: Host): Port[] {
    const onBridges = this.#lab.networks.flatMap((network) => {
      const { gateways, subnets } = blockOf(network, host.name) ?? { gateways: [], subnets: [] };
      return gateways.map((gateway, i) => ({
        ...{ on: bridgeOn(network.name, host.name), network },
        own: { ...gateway, prefixLength: subnets[i]!.prefixLength },
      }));
    });
    if (this.#lab.underlay === undefined) return onBridges;
    if (this.#isDown({ pod: host.name, ifname: uplink })) return onBridges;
    return [...onBridges, ...host.addresses.map((own) => ({ on: underlay, network: undefined, own }))];
  }

  /** The neighbour that a node sends a packet to, by the longest prefix, and the node's own end. */
  #nextHop(node: Node, address: Address): { readonly node: Node; readonly port: Port } | undefined {
    const ports = this.#portsOf(node);
    const way = this.#waysOf(node)
      .filter(({ to }) => to.family === address.family && contains(to, address))
      .sort((a, b) => b.to.prefixLength - a.to.prefixLength)[0];
    const connected = ports
      .filter(({ own }) => contains(own, address))
      .sort((a, b) => b.own.prefixLength - a.own.prefixLength)[0];
    const isDirect = connected && connected.own.prefixLength >= (way?.to.prefixLength ?? -1);
    const neighbour = isDirect || way?.gateway === undefined ? address : way.gateway;
    const by = ({ on, own }: Port) =>
      way?.on ? on === way.on && own.family === address.family : contains(own, neighbour);
    const port = isDirect ? connected : way && ports.find(by);
    if (port === undefined) return undefined;
    const nodes: Node[] = [...this.#lab.hosts, ...this.#lab.pods.filter(({ joins }) => joins === undefined)];
    const found =
      nodes.find((one) => this.#portsOf(one).some(({ on, own }) => on === port.on && isSame(own, neighbour))) ??
      this.#proxyFor(port, neighbour);
    return found === undefined || found === node ? undefined : { node: found, port };
  }

  /** The host that answers for an address of its part which a pod of another host has. */
  #proxyFor({ on }: Port, address: Address): Host | undefined {
    return this.#lab.hosts.find((host) => {
      const isHere = this.#portsOf(host).some((one) => one.on === on && contains(one.own, address));
      return isHere && this.#waysOfHost(host).some(({ to, on: by }) => by === underlay && isSame(to, address));
    });
  }

  #waysOf(node: Node): Way[] {
    if (isHost(node)) return this.#waysOfHost(node);
    const onBridge = (network: string) => bridgeOn(network, node.host);
    return [
      ...node.routes.map(({ destination, gateway }) => ({
        ...{ to: destination === "default" ? everywhere(gateway) : destination, gateway, on: undefined },
      })),
      ...defaultGatewaysOf(node, this.#lab).map(({ through, gateway }) => ({
        ...{ to: everywhere(gateway), gateway, on: onBridge(through.network) },
      })),
      ...node.interfaces.flatMap((one) =>
        routesToParts(node, one, this.#lab).map((way) => ({ ...way, on: onBridge(one.network) })),
      ),
    ];
  }

  /** To the parts of networks on other hosts, and to addresses outside of the parts. */
  #waysOfHost(host: Host): Way[] {
    const { hosts, networks, pods, underlay: several } = this.#lab;
    if (several === undefined) return [];
    const gatewayOf = (other: Host, { family }: Address) => other.addresses.find((one) => one.family === family);
    const parts = hosts
      .filter((other) => other !== host)
      .flatMap((other) =>
        networks
          .flatMap((network) => blockOf(network, other.name)?.subnets ?? [])
          .map((to) => ({ to, gateway: gatewayOf(other, to), on: underlay })),
      );
    const strays = pods.flatMap((pod) =>
      pod.interfaces.flatMap(({ network, addresses }) =>
        addresses
          .filter((address) => !isIn(blockOf(this.#networkCalled(network), pod.host)!, address))
          .map((to) =>
            pod.host === host.name
              ? { to, gateway: undefined, on: bridgeOn(network, host.name) }
              : { to, gateway: gatewayOf(hosts.find(({ name }) => name === pod.host)!, to), on: underlay },
          ),
      ),
    );
    return [...parts, ...strays];
  }

  #networkCalled(name: string): Network {
    return this.#lab.networks.find((one) => one.name === name)!;
  }
}

interface Packet {
  readonly source: Address;
  readonly address: Address;
  readonly isAnswer: boolean;
}

const isHost = (node: Node): node is Host => !("interfaces" in node);

/** The bridge of a network on a host. */
const bridgeOn = (network: string, host: string) => `${network} on ${host}`;

const has = ({ subnets }: Network, address: Address) => subnets.some((one) => contains(one, address));

const everywhere = ({ family }: Address): Cidr => ({ family, value: 0n, prefixLength: 0 });

const isSame = (a: Address, b: Address) => a.family === b.family && a.value === b.value;
