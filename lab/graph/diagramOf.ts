/** A lab, and what is known of it while it runs, as a diagram. Pure. */
import { formatAddress, formatCidr } from "../../ip/address.ts";
import { blockOf, uplink } from "../model/hosts.ts";
import type { Block, Host, Lab, Network, Pod } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { bridgeOf } from "../plan/configuration.ts";
import { unimpaired } from "../plan/impair.ts";
import { type Impaired, impairedBy, keyOfTarget } from "../plan/impaired.ts";
import { publishesOf, servesOf } from "../plan/texts.ts";
import type { Diagram, Edge, EdgeEnd, HostNode, NetworkNode, PodNode, Port } from "./diagram.ts";
import { hostIdOf, networkIdOf, outsideId, podIdOf, portIdOf, underlayId } from "./ids.ts";
import { impairmentTexts, saysDown } from "./impairments.ts";
import type { Live } from "./live.ts";
import { testLinesOf, verdictsOf } from "./verdicts.ts";

/** Without `live` the picture is that of the file. */
export function diagramOf(lab: Lab, live?: Live): Diagram {
  const tests = testLinesOf(lab, live && (live.tests?.results ?? null));
  const verdictOf = verdictsOf(tests, live ? "untested" : "none");
  const facts = new Facts(lab, live);
  return {
    lab: lab.name,
    isUp: live !== undefined,
    outside: lab.outside && {
      id: outsideId,
      name: "outside",
      addresses: lab.outside.addresses.map(formatAddress),
      verdict: verdictOf(outsideId),
    },
    underlay: lab.underlay && {
      id: underlayId,
      name: "underlay",
      notes: [acrossWords[lab.underlay.across], `mtu ${lab.underlay.mtu}`],
    },
    hosts: lab.hosts.map((host) => hostNode(lab, host, facts, verdictOf)),
    networks: lab.networks.flatMap((network) => network.blocks.map((block) => networkNode(network, block))),
    pods: lab.pods.map((pod) => podNode(lab, pod, facts, verdictOf)),
    edges: [...uplinksOf(lab, facts), ...gatewaysOf(lab), ...attachmentsOf(lab, facts), ...linksOf(lab, facts)],
    tests,
  };
}

const acrossWords = { vxlan: "VXLAN", routes: "routes" } as const;

type VerdictOf = ReturnType<typeof verdictsOf>;

function hostNode({ networks }: Lab, { name, addresses }: Host, facts: Facts, verdictOf: VerdictOf): HostNode {
  const id = hostIdOf(name);
  const own = networks.filter((network) => (blockOf(network, name)?.gateways.length ?? 0) > 0);
  return {
    ...{ id, name, addresses: addresses.map(formatAddress), verdict: verdictOf(id) },
    impairments: facts.stateOf(name, uplink).impairments,
    notes: [...(own.length > 0 ? ["forwards"] : []), ...(own.some(masquerades) ? ["NAT"] : [])],
  };
}

const masquerades = ({ masquerade, internal }: Network) => masquerade && !internal;

function networkNode(network: Network, { host, subnets, gateways }: Block): NetworkNode {
  const { name, isolate, internal, mtu } = network;
  return {
    id: networkIdOf(name, host),
    name,
    host: hostIdOf(host),
    bridge: bridgeOf(name),
    subnets: subnets.map((subnet, i) => ({
      subnet: formatCidr(subnet),
      gateway: gateways[i] && formatAddress(gateways[i]),
    })),
    notes: [
      ...(gateways.length === 0 ? ["no gateway"] : []),
      ...(gateways.length > 0 && masquerades(network) ? ["NAT"] : []),
      ...(internal ? ["internal"] : []),
      ...(isolate === "networks" ? ["isolated"] : []),
      ...(isolate === "pods" ? ["pods isolated"] : []),
      ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
    ],
  };
}

function podNode(lab: Lab, pod: Pod, facts: Facts, verdictOf: VerdictOf): PodNode {
  const id = podIdOf(pod.name);
  const status = facts.statusOf(pod.name);
  const networks: Port[] = pod.interfaces.map(({ name, addresses }) => ({
    ...facts.stateOf(pod.name, name),
    addresses: addresses.map(formatAddress),
  }));
  const links: Port[] = endsOf(lab.links, pod.name).map(({ name, addresses }) => ({
    ...facts.stateOf(pod.name, name),
    addresses: addresses.map(formatCidr),
  }));
  return {
    id,
    name: pod.name,
    host: hostIdOf(pod.host),
    isRouter: pod.forwards,
    joins: pod.joins === undefined ? undefined : podIdOf(pod.joins),
    interfaces: [...networks, ...links],
    serves: servesOf(pod),
    publishes: publishesOf(pod).map((text) => text.replace(/:(?=[^:]*$)/, " → ")),
    verdict: verdictOf(id),
    isDead: status?.alive === false,
    run: status?.run?.state,
  };
}

const whole = { impairments: [], isDown: false } as const;

/** From outside to the only host, or over the underlay to each. */
function uplinksOf({ outside, underlay, hosts }: Lab, facts: Facts): Edge[] {
  const between = (upper: EdgeEnd, lower: EdgeEnd): Edge => ({
    ...{ ...whole, id: `${upper.node}-${lower.node}`, kind: "uplink", ends: [upper, lower] },
  });
  const ofOutside = outside && { node: outsideId, ifname: "eth0", addresses: outside.addresses.map(formatAddress) };
  const above = underlay ? { node: underlayId, ifname: undefined, addresses: [] } : ofOutside;
  const ofHosts = hosts.map(({ name, addresses }) => ({
    state: facts.stateOf(name, uplink),
    end: { node: hostIdOf(name), ifname: underlay && uplink, addresses: addresses.map(formatAddress) },
  }));
  return [
    ...(ofOutside && underlay ? [between(ofOutside, above!)] : []),
    ...(above
      ? ofHosts.map(({ end, state: { impairments, isDown } }) => ({ ...between(above, end), impairments, isDown }))
      : []),
  ];
}

function gatewaysOf({ networks }: Lab): Edge[] {
  return networks.flatMap(({ name, blocks }) =>
    blocks
      .filter(({ gateways }) => gateways.length > 0)
      .map(({ host, gateways }): Edge => {
        const [node, ifname, bridge] = [hostIdOf(host), bridgeOf(name), networkIdOf(name, host)];
        const own = { node, ifname, addresses: gateways.map(formatAddress) };
        return {
          ...whole,
          id: `${node}-${bridge}`,
          kind: "gateway",
          ends: [own, { node: bridge, ifname, addresses: [] }],
        };
      }),
  );
}

function attachmentsOf({ pods }: Lab, facts: Facts): Edge[] {
  return pods.flatMap((pod) =>
    pod.interfaces.map(({ name, network, addresses }): Edge => {
      const { id, impairments, isDown } = facts.stateOf(pod.name, name);
      const ends = [
        {
          node: networkIdOf(network, pod.host),
          ifname: facts.of(pod.name, name)?.hostLink ?? undefined,
          addresses: [],
        },
        { node: podIdOf(pod.name), ifname: name, addresses: addresses.map(formatAddress) },
      ] as const;
      return { id, kind: "attachment", ends, impairments, isDown };
    }),
  );
}

function linksOf({ links }: Lab, facts: Facts): Edge[] {
  return links.map(({ ends }): Edge => {
    const states = ends.map(({ pod, name }) => facts.stateOf(pod, name));
    const [one, other] = ends.map(({ pod, name, addresses }) => ({
      ...{ node: podIdOf(pod), ifname: name, addresses: addresses.map(formatCidr) },
    }));
    return {
      ...{ id: states[0]!.id, kind: "link", ends: [one!, other!] },
      impairments: [...new Set(states.flatMap(({ impairments }) => impairments))],
      isDown: states.some(({ isDown }) => isDown),
    };
  });
}

type InterfaceNow = Live["interfaces"][number];

/** The state of pods and interfaces: of a lab that is up by its supervisor, else by the file. */
class Facts {
  readonly #inFile: ReadonlyMap<string, Impaired>;
  readonly #statuses: ReadonlyMap<string, Live["pods"][number]>;
  readonly #interfaces: ReadonlyMap<string, InterfaceNow>;

  constructor(lab: Lab, live: Live | undefined) {
    this.#inFile = live ? new Map() : impairedBy(lab);
    this.#statuses = new Map(live?.pods.map((one) => [one.name, one]));
    this.#interfaces = new Map(live?.interfaces.map((one) => [keyOfTarget(one), one]));
  }

  statusOf(pod: string) {
    return this.#statuses.get(pod);
  }

  of(pod: string, ifname: string): InterfaceNow | undefined {
    return this.#interfaces.get(keyOfTarget({ pod, ifname }));
  }

  stateOf(pod: string, ifname: string): Omit<Port, "addresses"> {
    const live = this.of(pod, ifname);
    const settings = live?.impairments ?? this.#inFile.get(keyOfTarget({ pod, ifname }))?.settings ?? unimpaired;
    const isDown = live?.isDown ?? saysDown(settings);
    return {
      ...{ id: portIdOf(pod, ifname), name: ifname, isDown },
      impairments: [...impairmentTexts(settings), ...(isDown ? ["down"] : [])],
    };
  }
}
