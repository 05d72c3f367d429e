/** A network: the bridge as a bar, and on it the pods that have no other interface. */
import type { Edge, NetworkNode } from "../diagram.ts";
import { at, type Box, classes, tag } from "./box.ts";
import { comb, indent } from "./comb.ts";
import { shortened } from "./textWidth.ts";
import { fonts, type Label, labelLines, labelsAt, lineWidth, text, widthOf } from "./words.ts";

const padding = 12;
const headHeight = 26;
const lineHeight = 16;
const nameWidthMax = 240;
const gatewayX = 40;

/** `hue` is the number of its colour; `gateway` the edge to the host, if it has an address here. */
export function networkPanel(
  network: NetworkNode,
  pods: readonly Box[],
  { hue, widthMax, gateway }: { readonly hue: number; readonly widthMax: number; readonly gateway: Edge | undefined },
): Box {
  const name = shortened(network.name, fonts.name, nameWidthMax);
  const labels: Label[] = network.notes.map((content) => ({ kind: "note", content }));
  const lines = network.subnets.map(({ subnet, gateway }) => ({ subnet, gateway: gateway && `gateway ${gateway}` }));
  const subnetColumn = Math.max(0, ...lines.map(({ subnet }) => widthOf("address", subnet))) + 10;
  const textWidthMax = Math.max(
    widthOf("name", name),
    ...lines.map(({ gateway }) => subnetColumn + (gateway ? widthOf("label", gateway) : 0)),
  );
  const besideName = widthOf("name", name) + 12;
  const oneLine = lineWidth(labels) + besideName <= Math.max(textWidthMax, widthMax * 0.6);
  const noteLines =
    labels.length === 0 ? [] : oneLine ? [[...labels]] : labelLines(labels, Math.max(textWidthMax, 150));
  const barContent = Math.max(
    textWidthMax,
    oneLine && labels.length > 0 ? besideName + lineWidth(labels) : 0,
    ...noteLines.map(lineWidth),
  );
  const notesBelow = oneLine ? 0 : noteLines.length * 21;
  const barHeight = headHeight + lines.length * lineHeight + notesBelow + 6;
  const teeth = comb(pods, widthMax - padding, { class: classes("line", "bus") });
  const width = Math.max(barContent + 2 * padding, pods.length > 0 ? teeth.width + padding : 0);
  const height = barHeight + (pods.length > 0 ? teeth.height + padding : 0);
  const markup = [
    tag("title", {}, `network ${network.name}, bridge ${network.bridge}`),
    tag("rect", { class: "panel", width, height, rx: 10 }),
    tag("rect", { class: "bar", width, height: barHeight, rx: 10 }),
    text("name", padding, 19, name),
    oneLine && labels.length > 0 ? labelsAt(width - padding - lineWidth(labels), 6, labels) : "",
    ...lines.map(({ subnet, gateway }, i) => {
      const y = headHeight + i * lineHeight + 11;
      return (
        text("address", padding, y, subnet) +
        (gateway ? text("label", padding + subnetColumn, y, gateway, { class: "faint" }) : "")
      );
    }),
    ...(oneLine
      ? []
      : noteLines.map((line, i) => labelsAt(padding, headHeight + lines.length * lineHeight + i * 21, line))),
    pods.length > 0 ? at(0, barHeight, teeth.markup) : "",
  ];
  return {
    width,
    height,
    markup: tag("g", { id: network.id, class: classes("network", hueClass(hue)) }, ...markup),
    plugs: gateway ? [{ x: gatewayX, line: { class: "line gateway", "data-edge": gateway.id } }] : [],
  };
}

export const hueClass = (hue: number) => `hue${hue % hueCount}`;
export const hueCount = 8;

/** The narrowest useful panel: one card beside its line. */
export const panelWidthMin = indent + padding;
