/** A diagram in the language of Mermaid (flowchart), which GitHub and others draw from Markdown. */
import {
  type Diagram,
  type Edge,
  type HostNode,
  type NetworkNode,
  onHost,
  type PodNode,
  type Verdict,
} from "./diagram.ts";
import { addressText, hostLines, networkLines, podLines } from "./lines.ts";

export function mermaid(diagram: Diagram): string {
  const { outside, underlay, hosts, pods, edges } = diagram;
  const drawn = [...edges.map(edgeOf), ...pods.flatMap(joinOf), ...(outside ? pods.flatMap(publishedOf) : [])];
  return [
    "flowchart TB",
    `  %% ${diagram.lab}, drawn by: ns-net lab graph --mermaid`,
    ...(outside ? [`  ${outside.id}(["${text(["outside", ...outside.addresses])}"])`] : []),
    ...(underlay ? [`  ${underlay.id}[/"${text([underlay.name, ...underlay.notes])}"/]`] : []),
    ...hosts.flatMap((host) => groupOf(host, diagram)),
    ...drawn.map((line) => `  ${line}`),
    ...classes.map((line) => `  classDef ${line}`),
    ...classLines(diagram),
    ...edges.flatMap(({ isDown, impairments }, i) =>
      isDown || impairments.length > 0 ? [`  linkStyle ${i} ${isDown ? styleDown : styleImpaired}`] : [],
    ),
    "",
  ].join("\n");
}

function groupOf(host: HostNode, { networks, pods }: Diagram): string[] {
  return [
    `  subgraph group_${host.id}["${text([host.name])}"]`,
    `    ${host.id}{{"${text(hostLines(host))}"}}`,
    ...onHost(networks, host).map((one: NetworkNode) => `    ${one.id}[/"${text(networkLines(one))}"/]`),
    ...onHost(pods, host).map(nodeOf),
    "  end",
  ];
}

function nodeOf(pod: PodNode): string {
  const [begin, end] = pod.isRouter ? ["[[", "]]"] : ["(", ")"];
  return `    ${pod.id}${begin}"${text(podLines(pod))}"${end}`;
}

function edgeOf({ kind, ends: [one, other], impairments, isDown }: Edge): string {
  const label =
    kind === "link" ? [one, other].map(addressText).filter(Boolean) : kind === "gateway" ? one.addresses : [];
  const all = [...label, ...impairments];
  const line = isDown ? "-.-" : kind === "link" ? "===" : "---";
  return `${one.node} ${line}${all.length > 0 ? `|"${text(all)}"|` : ""} ${other.node}`;
}

const joinOf = ({ id, joins }: PodNode) => (joins === undefined ? [] : [`${joins} -.-|"shares its network"| ${id}`]);

const publishedOf = ({ id, publishes }: PodNode) =>
  publishes.length > 0 ? [`outside -.->|"${text(publishes)}"| ${id}`] : [];

/** Lines of a label. Mermaid reads `#quot;` as a quotation mark. */
const text = (lines: readonly string[]) => lines.map((line) => line.replaceAll('"', "#quot;")).join("<br>");

/** Only outlines, so that the same text serves on light and dark pages. */
const classes = [
  "network stroke:#3b6ea8,stroke-width:2px",
  "passed stroke:#2f8f5b,stroke-width:2px",
  "failed stroke:#cf3f3f,stroke-width:3px",
  "dead stroke:#cf3f3f,stroke-dasharray:4 3,opacity:0.6",
] as const;
const styleDown = "stroke:#cf3f3f,stroke-dasharray:4 3";
const styleImpaired = "stroke:#c27a12,stroke-width:2px";

function classLines({ outside, hosts, networks, pods }: Diagram): string[] {
  const verdicts = [...(outside ? [outside] : []), ...hosts, ...pods.filter(({ isDead }) => !isDead)];
  const withVerdict = (verdict: Verdict) => verdicts.filter((one) => one.verdict === verdict).map(({ id }) => id);
  const members = {
    network: networks.map(({ id }) => id),
    passed: withVerdict("passed"),
    failed: withVerdict("failed"),
    dead: pods.filter(({ isDead }) => isDead).map(({ id }) => id),
  };
  return Object.entries(members).flatMap(([name, ids]) => (ids.length > 0 ? [`  class ${ids.join(",")} ${name}`] : []));
}
