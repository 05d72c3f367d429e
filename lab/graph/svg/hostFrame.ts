/** A host as a frame around its bridges and pods. */
import { type Diagram, type Edge, type HostNode, onHost, type PodNode } from "../diagram.ts";
import { at, type Box, classes, tag } from "./box.ts";
import { comb, indent } from "./comb.ts";
import { component, type Joint, lineAttributes, type Member } from "./component.ts";
import { grouped } from "./grouped.ts";
import { hueClass, networkPanel, panelWidthMin } from "./networkPanel.ts";
import { podCard } from "./podCard.ts";
import { type Label, labelsAt, markAt, markRoom, text, widthOf } from "./words.ts";

type Dagre = typeof import("@dagrejs/dagre");

const padding = 16;
const headHeight = 40;
const uplinkX = 46;

/** How wide the networks of a host may be together, in a frame of this width. */
export const roomIn = (width: number): number => width - padding - indent;

/** `widthMax` is that of the frame, `panelWidthMax` of each network in it. */
export function hostFrame(
  dagre: Dagre,
  diagram: Diagram,
  host: HostNode,
  widths: { readonly widthMax: number; readonly panelWidthMax: number },
): Box {
  const boxes = partsOf(dagre, diagram, host, widths.panelWidthMax);
  const head = headOf(host);
  const teeth = comb(boxes, widths.widthMax - padding, { class: "line host-bus" });
  const width = Math.max(head.width, teeth.width + padding);
  const height = headHeight + teeth.height + (boxes.length > 0 ? padding : 0);
  const uplink = diagram.edges.find(({ kind, ends }) => kind === "uplink" && ends[1].node === host.id);
  return {
    width,
    height,
    plugs: uplink ? [{ x: uplinkX, line: lineAttributes(uplink, undefined) }] : [],
    markup: tag(
      "g",
      { id: host.id, class: classes("host", host.verdict) },
      tag("rect", { class: "frame", width, height, rx: 14 }),
      head.markup,
      at(0, headHeight - 8, teeth.markup),
    ),
  };
}

function headOf({ name, addresses, notes, impairments, verdict }: HostNode): {
  readonly width: number;
  readonly markup: string;
} {
  const labels: Label[] = [
    ...notes.map((content) => ({ kind: "note", content })),
    ...impairments.map((content) => ({ kind: content === "down" ? "down" : "impaired", content })),
  ];
  let x = padding - 2;
  const parts = [markAt(x, 20, verdict)];
  x += markRoom(verdict);
  parts.push(text("name", x, 24.5, name));
  x += widthOf("name", name) + 12;
  for (const address of addresses) {
    parts.push(text("address", x, 24, address, { class: "faint" }));
    x += widthOf("address", address) + 10;
  }
  for (const label of labels) {
    parts.push(labelsAt(x, 11.5, [label]));
    x += widthOf("label", label.content) + 18;
  }
  return { width: x + padding, markup: parts.join("") };
}

/** A box for all that hangs together, in the order of the file. */
function partsOf(dagre: Dagre, diagram: Diagram, host: HostNode, panelWidthMax: number): Box[] {
  const networks = onHost(diagram.networks, host);
  const pods = onHost(diagram.pods, host).filter(({ joins }) => joins === undefined);
  const ids = new Set([...networks, ...pods].map(({ id }) => id));
  const edges = diagram.edges.filter(({ ends }) => ends.every(({ node }) => ids.has(node)));
  const joiningOf = (pod: PodNode) => diagram.pods.filter(({ joins }) => joins === pod.id);
  const edgesOf = grouped(
    edges.flatMap((edge) => edge.ends.map(({ node }) => ({ node, edge }))),
    ({ node }) => node,
  );
  const own = (id: string) => edgesOf.get(id)?.map(({ edge }) => edge) ?? [];

  const groups = groupsOf(pods, own);
  // A network has the same colour on every host.
  const names = [...new Set(diagram.networks.map(({ name }) => name))];
  const hues = new Map(diagram.networks.map(({ id, name }) => [id, names.indexOf(name)]));
  const gatewayOf = (id: string) => diagram.edges.find(({ kind, ends }) => kind === "gateway" && ends[1].node === id);
  const members: Member[] = [
    ...networks.map((network) => {
      const cards = cardsOf(groups.get(network.id)?.pods ?? [], joiningOf, (pod) => own(pod.id)[0]);
      const settings = { hue: hues.get(network.id)!, widthMax: panelWidthMax, gateway: gatewayOf(network.id) };
      return { id: network.id, box: networkPanel(network, cards, settings) };
    }),
    ...[...groups.values()]
      .filter(({ on }) => on.length !== 1)
      .flatMap(({ id, pods, on }): Member[] =>
        pods.length >= gridPodsMin && on.length > 0
          ? [
              {
                id,
                box: grid(
                  cardsOf(pods, joiningOf, () => undefined),
                  panelWidthMax,
                ),
              },
            ]
          : pods.map((pod) => ({ id: pod.id, box: podCard(pod, joiningOf(pod)) })),
      ),
  ];
  const joints = jointsOf(members, edges, groups, hues);
  return connected(members, joints).map((one) => component(dagre, one.members, one.joints));
}

/** Pods on the same networks, without links, are drawn as one. */
interface Group {
  readonly id: string;
  /** The networks. A pod with links is alone in its group, which has none. */
  readonly on: readonly string[];
  readonly pods: readonly PodNode[];
}

/** As many pods on the same several networks are drawn in rows of their own. */
const gridPodsMin = 5;

/** By their id; that of a group on one network is the network's. */
function groupsOf(pods: readonly PodNode[], own: (id: string) => readonly Edge[]): Map<string, Group> {
  const found = new Map<string, Group & { readonly pods: PodNode[] }>();
  for (const pod of pods) {
    const edges = own(pod.id);
    const hasLink = edges.some(({ kind }) => kind === "link");
    const on = hasLink ? [] : [...new Set(edges.map(({ ends }) => ends[0].node))].sort();
    const id = on.length === 0 ? pod.id : on.length === 1 ? on[0]! : `group ${on.join(" ")}`;
    const group = found.get(id) ?? { id, on, pods: [] };
    group.pods.push(pod);
    found.set(id, group);
  }
  return found;
}

/** Cards of equal width, so that they make columns. */
function cardsOf(
  pods: readonly PodNode[],
  joiningOf: (pod: PodNode) => readonly PodNode[],
  edgeOf: (pod: PodNode) => Edge | undefined,
): Box[] {
  const widest = Math.max(0, ...pods.map((pod) => podCard(pod, joiningOf(pod)).width));
  return pods.map((pod) => {
    const edge = edgeOf(pod);
    const card = podCard(pod, joiningOf(pod), widest);
    return edge ? { ...card, plugs: [{ x: card.width / 2, line: lineAttributes(edge, undefined) }] } : card;
  });
}

function grid(cards: readonly Box[], widthMax: number): Box {
  const rows = comb(cards, Math.max(widthMax, panelWidthMin), {});
  const frame = tag("rect", { class: "group", width: rows.width + padding, height: rows.height + padding, rx: 10 });
  return { width: rows.width + padding, height: rows.height + padding, plugs: [], markup: frame + rows.markup };
}

/** Edges between members, away from those that the host has an address on, so that the host is above and the far is below. */
function jointsOf(
  members: readonly Member[],
  edges: readonly Edge[],
  groups: ReadonlyMap<string, Group>,
  hues: ReadonlyMap<string, number>,
): Joint[] {
  const ids = new Set(members.map(({ id }) => id));
  const memberOf = new Map<string, string>();
  for (const { id, pods } of groups.values())
    for (const pod of pods) memberOf.set(pod.id, ids.has(pod.id) ? pod.id : id);
  const between = edges.map((edge) => ({ edge, ends: edge.ends.map(({ node }) => memberOf.get(node) ?? node) }));
  const drawn = between.filter(({ ends: [one, other] }) => one !== other);
  // The pods of a grid share the lines to their networks.
  const unique = [...new Map(drawn.map((one) => [keyOf(one), one])).values()];
  const distance = distancesFrom(
    members,
    unique.map(({ ends }) => ends),
  );
  return unique.map(({ edge, ends }) => {
    const [from, to] = ends.toSorted((a, b) => distance.get(a)! - distance.get(b)!);
    const hue = hues.get(edge.ends[0].node);
    return { from: from!, to: to!, edge, hue: hue === undefined ? undefined : hueClass(hue) };
  });
}

const keyOf = ({ edge, ends }: { readonly edge: Edge; readonly ends: readonly string[] }) =>
  ends[1]!.startsWith("group ") ? ends.join(" ") : edge.id;

/** How many joints away from the host's networks each member is; without one, from the first member of its component. Ties differ by a little. */
function distancesFrom(members: readonly Member[], joints: readonly (readonly string[])[]): Map<string, number> {
  const found = new Map<string, number>();
  const spread = (starts: readonly string[]) => {
    const queue = [...starts];
    for (const one of queue) found.set(one, 0);
    for (const one of queue)
      for (const ends of joints.filter((ends) => ends.includes(one)))
        for (const next of ends.filter((end) => !found.has(end))) {
          found.set(next, Math.floor(found.get(one)!) + 1 + members.findIndex(({ id }) => id === next) / 1e6);
          queue.push(next);
        }
  };
  spread(members.filter(({ box }) => box.plugs.length > 0).map(({ id }) => id));
  for (const { id } of members) if (!found.has(id)) spread([id]);
  return found;
}

interface Part {
  readonly members: readonly Member[];
  readonly joints: readonly Joint[];
}

function connected(members: readonly Member[], joints: readonly Joint[]): Part[] {
  const parts: Part[] = [];
  const left = new Set(members.map(({ id }) => id));
  for (const { id } of members) {
    if (!left.delete(id)) continue;
    const ids = new Set([id]);
    for (const one of ids) for (const { from, to } of joints) if (from === one || to === one) ids.add(from).add(to);
    for (const one of ids) left.delete(one);
    parts.push({
      members: members.filter((one) => ids.has(one.id)),
      joints: joints.filter(({ from }) => ids.has(from)),
    });
  }
  return parts;
}
