/** A pod as a card: its name and verdict, a line for each address, its ports, and the pods that share its network. */
import type { PodNode, Port } from "../diagram.ts";
import { type Box, classes, tag } from "./box.ts";
import { shortened } from "./textWidth.ts";
import {
  fonts,
  type Label,
  labelGap,
  labelHeight,
  labelLines,
  labelsAt,
  labelWidth,
  lineWidth,
  markAt,
  markRoom,
  text,
  widthOf,
} from "./words.ts";

const padding = 10;
const nameHeight = 20;
const lineHeight = 16;
const nameWidthMax = 220;
const labelsWidthMin = 130;
const columnGap = 8;
const joinedHeight = 26;

/** By pod and width: a picture is tried in several widths, and most cards are the same in each. */
const cards = new WeakMap<PodNode, Map<number, Box>>();

/** `joining` are the pods that share its network. A card of a grid is given the width of its column. */
export function podCard(pod: PodNode, joining: readonly PodNode[], widthMin = 0): Box {
  const known = cards.get(pod) ?? new Map<number, Box>();
  cards.set(pod, known);
  const card = known.get(widthMin) ?? draw(pod, joining, widthMin);
  known.set(widthMin, card);
  return card;
}

function draw(pod: PodNode, joining: readonly PodNode[], widthMin: number): Box {
  const rows = [nameRow(pod), ...pod.interfaces.flatMap((port) => portRows(port, pod)), ...joining.map(joinedRow)];
  const inside = Math.max(widthMin - 2 * padding, ...rows.map(({ width }) => width));
  const ports = portLabels(pod, Math.max(inside, labelsWidthMin));
  const content = Math.max(inside, ...ports.map(({ width }) => width));
  const [beforeJoined, joined] = [
    rows.slice(0, rows.length - joining.length),
    rows.slice(rows.length - joining.length),
  ];
  let y = padding - 2;
  const markup = [...beforeJoined, ...ports, ...joined].map((row) => {
    const drawn = row.draw(y, content);
    y += row.height;
    return drawn;
  });
  const [width, height] = [content + 2 * padding, y + padding - 4];
  const card = tag("rect", { class: "card", width, height, rx: pod.isRouter ? 14 : 7 });
  return { width, height, plugs: [], markup: podGroup(pod, card, ...markup) };
}

/** A person chooses it: by pointer, or by Tab and Enter. */
function podGroup(pod: PodNode, ...content: readonly string[]): string {
  const kind = classes("pod", pod.verdict, pod.isDead && "dead", pod.isRouter && "is-router");
  return tag("g", { id: pod.id, class: kind, "data-pod": pod.name }, tag("title", {}, describe(pod)), ...content);
}

/** The card in words, for those who hear it. */
function describe({ name, isRouter, isDead, verdict, interfaces, run }: PodNode): string {
  const tested = { passed: "its tests passed", failed: "a test failed", untested: "", none: "" }[verdict];
  const own = interfaces.map((one) => [one.name, ...one.addresses, ...one.impairments].join(" "));
  const state = [isDead ? "dead" : "", run === "failed" ? "its command failed" : "", tested];
  return [`${isRouter ? "router" : "pod"} ${name}`, ...own, ...state].filter(Boolean).join(", ");
}

interface Row {
  readonly width: number;
  readonly height: number;
  draw(y: number, width: number): string;
}

function nameRow(pod: PodNode): Row {
  const name = shortened(pod.name, fonts.name, nameWidthMax);
  const labels: Label[] = [
    ...(pod.isRouter ? [{ kind: "router", content: "router" }] : []),
    ...(pod.isDead ? [{ kind: "down", content: "dead" }] : []),
    ...(pod.run === "failed" && !pod.isDead ? [{ kind: "down", content: "failed" }] : []),
  ];
  const own = markRoom(pod.verdict) + widthOf("name", name);
  const [labelsAfter] = labelLines(labels, Number.POSITIVE_INFINITY);
  const besides = labelsAfter ? columnGap + lineWidth(labelsAfter) : 0;
  return {
    width: own + besides,
    height: nameHeight,
    draw: (y, width) =>
      markAt(padding, y + 9, pod.verdict) +
      text("name", padding + markRoom(pod.verdict), y + 13.5, name) +
      (labelsAfter ? labelsAt(padding + width - lineWidth(labelsAfter), y, labelsAfter) : ""),
  };
}

/** The name of the interface beside its first address; then what impairs it. */
function portRows(port: Port, { interfaces }: PodNode): Row[] {
  const column = Math.max(...interfaces.map(({ name }) => widthOf("address", name))) + columnGap;
  const addresses = port.addresses.length > 0 ? port.addresses : [""];
  const labels = port.impairments.map((content) => ({ kind: content === "down" ? "down" : "impaired", content }));
  return [
    ...addresses.map((address, i) => ({
      width: column + widthOf("address", address),
      height: lineHeight,
      draw: (y: number) =>
        (i === 0 ? text("address", padding, y + 12, port.name, { class: "faint" }) : "") +
        (address === "" ? "" : text("address", padding + column, y + 12, address)),
    })),
    ...labelLines(labels, labelsWidthMin).map((line) => labelRow(line)),
  ];
}

const labelRow = (labels: readonly Label[]): Row => ({
  width: lineWidth(labels),
  height: labelHeight + labelGap,
  draw: (y) => labelsAt(padding, y + 2, labels),
});

function portLabels({ serves, publishes }: PodNode, widthMax: number): Row[] {
  const labels = [
    ...publishes.map((content) => ({ kind: "publish", content })),
    ...serves.map((content) => ({ kind: "serve", content })),
  ];
  return labelLines(labels, Math.max(widthMax, ...labels.map(labelWidth))).map(labelRow);
}

/** A pod inside of the one whose network it shares. */
function joinedRow(pod: PodNode): Row {
  const name = shortened(pod.name, fonts.name, nameWidthMax);
  const word = pod.isDead ? "dead" : pod.run === "failed" ? "failed" : "joins";
  const own = markRoom(pod.verdict) + widthOf("name", name) + columnGap;
  return {
    width: own + widthOf("label", word) + 16,
    height: joinedHeight + 4,
    draw(y, width) {
      const card = tag("rect", { class: "card", x: padding, y: y + 3, width, height: joinedHeight, rx: 6 });
      return podGroup(
        pod,
        card,
        markAt(padding + 8, y + 16, pod.verdict),
        text("name", padding + 8 + markRoom(pod.verdict), y + 20.5, name),
        text("label", padding + width - 8, y + 20, word, { class: "faint", "text-anchor": "end" }),
      );
    },
  };
}
