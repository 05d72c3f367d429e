/** The parts of a page that change while a lab runs, each as markup. */
import type { Pair } from "../../tests/everyPair.ts";
import type { Diagram, PodNode, TestLine } from "../diagram.ts";
import { podIdOf } from "../ids.ts";
import { classes, escaped, tag } from "../svg/box.ts";
import { svgElement } from "../svg/svg.ts";

/** The same picture for screens and for phones; the page's style shows one of them. */
export async function pictures(diagram: Diagram): Promise<string> {
  const forms = { wide: 900, narrow: 440 } as const;
  const drawn = Object.entries(forms).map(([name, widthMax]) =>
    svgElement(diagram, { widthMax, hasTitle: false }, { class: name, role: "group" }),
  );
  // Two elements of a page may not have the same id.
  return (await Promise.all(drawn)).join("").replaceAll(/<g id="/g, '<g data-node="');
}

const words = { passed: "passed", failed: "failed", untested: "not run yet", none: "not run" } as const;

export function testsList({ tests }: Diagram): string {
  if (tests.length === 0) return tag("p", { class: "quiet" }, "The file has no tests.");
  return tag("ul", { class: "tests" }, ...tests.map(testItem));
}

function testItem({ test, verdict, why }: TestLine, place: number): string {
  return tag(
    "li",
    { class: verdict },
    tag("button", { type: "button", "data-test": place }, escaped(test)),
    tag("span", { class: "verdict" }, words[verdict]),
    why === undefined ? "" : tag("small", {}, escaped(why)),
  );
}

/** A line for each interface. */
export function podsTable({ pods, networks, edges, isUp }: Diagram): string {
  const networkOf = new Map(
    edges
      .filter(({ kind }) => kind === "attachment")
      .map(({ id, ends }) => [id, networks.find((one) => one.id === ends[0].node)?.name]),
  );
  const traffic = isUp ? ["received", "sent"] : [];
  const head = ["pod", "interface", "address", ...traffic].map((title) => tag("th", { scope: "col" }, title));
  const rows = pods.flatMap((pod) => {
    const ports = pod.interfaces.length > 0 ? pod.interfaces : [undefined];
    return ports.map((port, i) =>
      tag(
        "tr",
        {},
        i === 0 ? tag("th", { scope: "row", rowspan: ports.length }, podCell(pod, pods)) : "",
        tag("td", {}, port ? `${port.name}${quiet(networkOf.get(port.id) ?? "link")}` : "\u2013"),
        tag("td", {}, port ? [...port.addresses, ...port.impairments.map(mark)].join("<br>") : "\u2013"),
        ...(isUp ? rateCells(port?.id) : []),
      ),
    );
  });
  return tag("table", { class: "pods" }, tag("thead", {}, tag("tr", {}, ...head)), tag("tbody", {}, ...rows));
}

/** For what passes an interface in a second: a live page writes it there. */
export const rateCells = (id: string | undefined): string[] =>
  ["received", "sent"].map((way) => tag("td", { class: "rate", "data-rate": id && `${id} ${way}` }, "\u2013"));

const quiet = (text: string) => tag("small", {}, ` ${text}`);
const mark = (text: string) => tag("mark", { class: classes(text === "down" && "down") }, text);

function podCell({ id, name, joins, isDead, run, serves, publishes }: PodNode, pods: readonly PodNode[]): string {
  const owner = pods.find((one) => one.id === joins)?.name;
  const state = isDead ? "dead" : run === "failed" ? "its command failed" : undefined;
  const more = [...(owner === undefined ? [] : [`joins ${owner}`]), ...publishes, ...serves];
  return [
    tag("button", { type: "button", "data-choose": id }, name),
    state === undefined ? "" : tag("mark", { class: "down" }, state),
    more.length > 0 ? tag("small", {}, more.join(", ")) : "",
  ].join(" ");
}

/** Who reaches whom: a line for each sender. A pair that is not as the networks say is marked. */
export function matrix(pairs: readonly Pair[]): string {
  if (pairs.length === 0) return "";
  const names = [...new Set(pairs.flatMap(({ from, to }) => [from, to]))];
  const found = new Map(pairs.map((one) => [`${one.from} ${one.to}`, one]));
  const head = names.map((name) => tag("th", { scope: "col" }, tag("span", {}, name)));
  const rows = names.map((from) =>
    tag(
      "tr",
      {},
      tag("th", { scope: "row" }, from),
      ...names.map((to) => pairCell(found.get(`${from} ${to}`), from, to)),
    ),
  );
  return tag(
    "table",
    { class: "matrix" },
    tag("thead", {}, tag("tr", {}, "<td></td>", ...head)),
    tag("tbody", {}, ...rows),
  );
}

function pairCell(pair: Pair | undefined, from: string, to: string): string {
  if (pair === undefined) return tag("td", {}, "\u00a0");
  const { reached, expected, ms } = pair;
  const isExpected = reached === expected;
  const said = `${from} → ${to}: ${reached ? `${ms} ms` : "no answer"}${isExpected ? "" : `, expected ${expected ? "an answer" : "none"}`}`;
  const kind = classes(reached ? "reached" : "silent", !isExpected && "wrong");
  return tag(
    "td",
    { class: kind, title: said, "data-pair": `${podIdOf(from)} ${podIdOf(to)}` },
    `${reached ? "✓" : "·"}${isExpected ? "" : "!"}`,
  );
}
