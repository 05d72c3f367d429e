/** A diagram in the language of Graphviz. */
import { type Diagram, type Edge, type HostNode, onHost, type PodNode, type Verdict } from "./diagram.ts";
import { addressText, hostLines, networkLines, podLines } from "./lines.ts";

export function dot(diagram: Diagram): string {
  const { lab, outside, underlay, hosts, pods, edges } = diagram;
  return [
    `graph ${quoted(lab)} {`,
    `  graph [label=${quoted(lab)}, labelloc=t, fontname=Helvetica, compound=true, ranksep=0.7]`,
    '  node [shape=box, style="rounded,filled", fillcolor=white, fontname=Helvetica, fontsize=11, color="#8a8883"]',
    '  edge [fontname=Helvetica, fontsize=9, color="#8a8883"]',
    ...(outside
      ? [`  ${node(outside.id, ["outside", ...outside.addresses], { shape: "ellipse", ...colourOf(outside.verdict) })}`]
      : []),
    ...(underlay ? [`  ${node(underlay.id, [underlay.name, ...underlay.notes], networkAttributes)}`] : []),
    ...hosts.flatMap((host) => clusterOf(host, diagram)),
    ...edges.map((one) => `  ${edgeOf(one)}`),
    ...pods.flatMap(joinOf).map((line) => `  ${line}`),
    ...(outside ? pods.flatMap(publishedOf) : []).map((line) => `  ${line}`),
    "}",
    "",
  ].join("\n");
}

type Attributes = Readonly<Record<string, string>>;

function clusterOf(host: HostNode, { networks, pods }: Diagram): string[] {
  return [
    `  subgraph ${quoted(`cluster_${host.id}`)} {`,
    `    graph [label=${quoted(host.name)}, style=rounded, color="#b5b3ad"]`,
    `    ${node(host.id, hostLines(host), { shape: "hexagon", ...colourOf(host.verdict) })}`,
    ...onHost(networks, host).map((one) => `    ${node(one.id, networkLines(one), networkAttributes)}`),
    ...onHost(pods, host).map((one) => `    ${node(one.id, podLines(one), podAttributes(one))}`),
    "  }",
  ];
}

const networkAttributes: Attributes = { style: "filled", fillcolor: "#e6eef8", color: "#3b6ea8" };

function podAttributes({ isRouter, isDead, verdict }: PodNode): Attributes {
  return {
    ...(isRouter ? { shape: "octagon", style: "filled" } : {}),
    ...colourOf(verdict),
    ...(isDead ? { style: "dashed", color: red, fontcolor: "#8a8883" } : {}),
  };
}

const [green, red, amber] = ["#2f8f5b", "#cf3f3f", "#c27a12"];

function colourOf(verdict: Verdict): Attributes {
  if (verdict === "failed") return { color: red, penwidth: "2" };
  return verdict === "passed" ? { color: green } : {};
}

function edgeOf({ kind, ends: [one, other], impairments, isDown }: Edge): string {
  return edge(one.node, other.node, {
    ...(impairments.length > 0 ? { label: impairments.join("\n"), color: amber, fontcolor: amber } : {}),
    ...(kind === "gateway" ? { label: one.addresses.join("\n") } : {}),
    ...(kind === "link" ? { taillabel: addressText(one), headlabel: addressText(other), penwidth: "2" } : {}),
    ...(isDown ? { style: "dashed", color: red, fontcolor: red } : {}),
  });
}

const joinOf = ({ id, joins }: PodNode) =>
  joins === undefined ? [] : [edge(joins, id, { style: "dotted", label: "shares its network" })];

const publishedOf = ({ id, publishes }: PodNode) =>
  publishes.length === 0
    ? []
    : [edge("outside", id, { style: "dotted", dir: "forward", constraint: "false", label: publishes.join("\n") })];

const node = (id: string, lines: readonly string[], attributes: Attributes) =>
  `${quoted(id)} ${listOf({ label: lines.join("\n"), ...attributes })}`;

const edge = (one: string, other: string, attributes: Attributes) =>
  `${quoted(one)} -- ${quoted(other)} ${listOf(attributes)}`.trimEnd();

function listOf(attributes: Attributes): string {
  const all = Object.entries(attributes).map(([name, value]) => `${name}=${quoted(value)}`);
  return all.length > 0 ? `[${all.join(", ")}]` : "";
}

/** A string of the language: a line ends by `\n`. */
const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
