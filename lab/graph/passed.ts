/** Where in a diagram a packet passes, by the account that `explain` gives of its way. Pure. */
import type { Diagram, Edge } from "./diagram.ts";
import { hostIdOf, outsideId, podIdOf } from "./ids.ts";

/** A hop of `ns-net explain --json`. */
export interface HopSeen {
  /** `host`, or `namespace NAME`. */
  readonly where: string;
  readonly what: string;
  readonly verdict: "pass" | "rewrite" | "drop" | "unknown";
  /** The ends of the link that it passes to another namespace. */
  readonly crossing?: { readonly from: string; readonly to: string; readonly into: string };
}

export interface Passed {
  /** The ids of edges, there and back. */
  readonly edges: readonly string[];
  /** The id of the node where it ends, if it does not arrive. */
  readonly end: { readonly node: string; readonly verdict: "drop" | "unknown" } | undefined;
}

/** `host`: the name of the one that is `host` in the hops. */
export function passedBy(diagram: Diagram, host: string, hops: readonly HopSeen[]): Passed {
  const edges = new Set<string>();
  /** The network through which the packet came, or will leave. */
  let network: string | undefined;
  /** The host that routes it. */
  let router: string | undefined;
  for (const { where, what, crossing } of hops) {
    const node = nodeOf(diagram, host, where);
    if (what === "route" && diagram.hosts.some(({ id }) => id === node)) {
      router = node;
      addGateway(edges, diagram, router, network);
    }
    if (crossing === undefined) continue;
    const edge =
      edgeAt(diagram, node, crossing.from) ?? edgeAt(diagram, nodeOf(diagram, host, crossing.into), crossing.to);
    if (edge === undefined) continue;
    edges.add(edge.id);
    network = edge.kind === "attachment" ? edge.ends[0].node : undefined;
    addGateway(edges, diagram, router, network);
    router = undefined;
  }
  const last = hops.find(({ verdict }) => verdict === "drop") ?? hops.find(({ verdict }) => verdict === "unknown");
  const node = last && nodeOf(diagram, host, last.where);
  if (last === undefined || node === undefined) return { edges: [...edges], end: undefined };
  return { edges: [...edges], end: { node, verdict: last.verdict === "drop" ? "drop" : "unknown" } };
}

function nodeOf({ pods, hosts, outside, underlay }: Diagram, host: string, where: string): string | undefined {
  if (where === "host") return hostIdOf(host);
  const name = where.replace(/^namespace /, "");
  if (outside && name === outside.name) return outsideId;
  if (underlay && name === underlay.name) return underlay.id;
  const ids = [podIdOf(name), hostIdOf(name)];
  return [...pods, ...hosts].find(({ id }) => ids.includes(id))?.id;
}

/** The edge that an interface of a node is an end of. A host's end of a pod's veth belongs to its bridge. */
const edgeAt = ({ edges }: Diagram, node: string | undefined, ifname: string): Edge | undefined =>
  edges.find(({ ends, kind }) => kind !== "gateway" && ends.some((end) => end.node === node && end.ifname === ifname));

/** The host is on the way between its bridge and elsewhere. */
function addGateway(
  edges: Set<string>,
  { edges: all }: Diagram,
  router: string | undefined,
  network: string | undefined,
) {
  const found = all.find(
    ({ kind, ends: [own, bridge] }) => kind === "gateway" && own.node === router && bridge.node === network,
  );
  if (found) edges.add(found.id);
}
