/** Networks and pods that hang together by pods on several networks, routers and links: placed by dagre. */
import type { Edge } from "../diagram.ts";
import { type Attributes, at, type Box, classes, type Plug, rounded, tag } from "./box.ts";
import { grouped } from "./grouped.ts";

/** A box with its place among the others. */
export interface Member {
  readonly id: string;
  readonly box: Box;
}

/** From the upper to the lower member. */
export interface Joint {
  readonly from: string;
  readonly to: string;
  readonly edge: Edge;
  /** The class of its colour. */
  readonly hue: string | undefined;
}

type Dagre = typeof import("@dagrejs/dagre");

export const nodeGap = 34;
const rankGap = 46;
const root = "host";

/** Members whose boxes are plugged into the host come first. Throws if a joint names no member. */
export function component(dagre: Dagre, members: readonly Member[], joints: readonly Joint[]): Box {
  const graph = new dagre.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: nodeGap, ranksep: rankGap, rankalign: "top" });
  // Where two orders are as good, dagre takes the later.
  for (const { id, box } of members.toReversed()) graph.setNode(id, { width: box.width, height: box.height });
  const plugged = members.filter(({ box }) => box.plugs.length > 0);
  if (plugged.length > 0) graph.setNode(root, { width: 1, height: 1 });
  for (const { id } of plugged.toReversed()) graph.setEdge(root, id, { weight: 20 });
  for (const { from, to, edge } of joints.toReversed()) graph.setEdge(from, to, { weight: 1 }, edge.id);
  dagre.layout(graph);
  const places = members.map(({ id, box }) => {
    const { x = 0, y = 0 } = graph.node(id);
    return { id, box, x: x - box.width / 2, y: y - box.height / 2 };
  });
  const [left, top] = [Math.min(...places.map(({ x }) => x)), Math.min(...places.map(({ y }) => y))];
  const placed = places.map((one) => ({ ...one, x: one.x - left, y: one.y - top }));
  const bends = new Map(
    joints.map(({ from, to, edge }) => {
      const { points = [] } = graph.edge(from, to, edge.id);
      return [edge.id, points.slice(2, -2).map(({ x, y }: Point) => ({ x: x - left, y: y - top }))];
    }),
  );
  const plugs: Plug[] = placed.flatMap(({ box, x }) => box.plugs.map((plug) => ({ ...plug, x: plug.x + x })));
  return {
    width: Math.max(...placed.map(({ box, x }) => x + box.width)),
    height: Math.max(...placed.map(({ box, y }) => y + box.height)),
    markup: [...linesOf(placed, joints, bends), ...placed.map(({ box, x, y }) => at(x, y, box.markup))].join(""),
    plugs: plugs.sort((a, b) => a.x - b.x),
  };
}

interface Placed extends Member {
  readonly x: number;
  readonly y: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function linesOf(placed: readonly Placed[], joints: readonly Joint[], bends: ReadonlyMap<string, Point[]>): string[] {
  const byId = new Map(placed.map((one) => [one.id, one]));
  const towards = (joint: Joint, end: "from" | "to") => {
    const bend = bends.get(joint.edge.id)!.at(end === "from" ? 0 : -1);
    return bend?.x ?? centreOf(byId.get(joint[end === "from" ? "to" : "from"])!);
  };
  const starts = attachments(joints, "from", byId, towards);
  const ends = attachments(joints, "to", byId, towards);
  // Members side by side begin at the same height and end at different ones: a line first leaves them all.
  const bottoms = new Map<number, number>();
  for (const { y, box } of placed) bottoms.set(rounded(y), Math.max(bottoms.get(rounded(y)) ?? 0, y + box.height));
  return joints.map((joint) => {
    const [from, to] = [byId.get(joint.from)!, byId.get(joint.to)!];
    const x = starts.get(joint)!;
    const points = [
      { x, y: from.y + from.box.height },
      { x, y: bottoms.get(rounded(from.y))! },
      ...bends.get(joint.edge.id)!,
      { x: ends.get(joint)!, y: to.y },
    ];
    return tag("path", { ...lineAttributes(joint.edge, joint.hue), d: curve(points) });
  });
}

export function lineAttributes(edge: Edge, hue: string | undefined): Attributes {
  const state = edge.isDown ? "is-down" : edge.impairments.length > 0 ? "is-impaired" : undefined;
  return { class: classes("line", edge.kind, hue, state), "data-edge": edge.id };
}

const centreOf = ({ x, box }: Placed) => x + box.width / 2;
const margin = 16;

/** Where lines meet a side: straight below or above their other end if they can, and apart from each other. */
function attachments(
  joints: readonly Joint[],
  end: "from" | "to",
  byId: ReadonlyMap<string, Placed>,
  towards: (joint: Joint, end: "from" | "to") => number,
): Map<Joint, number> {
  const found = new Map<Joint, number>();
  for (const [id, own] of grouped(joints, (joint) => joint[end])) {
    const { x, box } = byId.get(id)!;
    const sorted = own.toSorted((a, b) => towards(a, end) - towards(b, end));
    const [first, last] = [x + margin, x + box.width - margin];
    const isWide = box.width > wide;
    for (const [i, joint] of sorted.entries()) {
      const share = first + ((last - first) * (i + 1)) / (sorted.length + 1);
      const direct = Math.min(last, Math.max(first, towards(joint, end)));
      found.set(joint, isWide ? direct : share);
    }
  }
  return found;
}

const wide = 160;

/** Leaves and arrives vertically, and passes each point so. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  let before = first!;
  const parts = [`M${rounded(before.x)} ${rounded(before.y)}`];
  for (const point of rest) {
    const middle = rounded((before.y + point.y) / 2);
    parts.push(
      Math.abs(point.x - before.x) < 1
        ? `L${rounded(point.x)} ${rounded(point.y)}`
        : `C${rounded(before.x)} ${middle} ${rounded(point.x)} ${middle} ${rounded(point.x)} ${rounded(point.y)}`,
    );
    before = point;
  }
  return parts.join("");
}
