/** Diagrams as text for other programs. The witnesses are graphviz and Mermaid itself in a browser. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { diagramOf } from "../../../lab/graph/diagramOf.ts";
import { dot } from "../../../lab/graph/dot.ts";
import { mermaid } from "../../../lab/graph/mermaid.ts";
import { asked, openBrowser, openPage } from "../../support/browser.ts";
import { needs } from "../../support/needs.ts";
import { run } from "../../support/sandbox.ts";
import { exampleFiles } from "../person.ts";
import { crowd, example, rich } from "./labs.ts";

const diagrams = [rich, crowd(100, 3), ...exampleFiles.map((file) => example(file.replace(".yaml", "")))].map((lab) =>
  diagramOf(lab),
);

interface Graphviz {
  readonly objects: readonly { readonly name: string; readonly label?: string; readonly nodes?: readonly number[] }[];
  readonly edges: readonly { readonly tail: number; readonly head: number; readonly label?: string }[];
}

describe("Graphviz", () => {
  before(function () {
    needs(this, "dot");
  });

  it("reads every pod, network, host and edge, each pod in its host's cluster", () => {
    for (const diagram of diagrams) {
      const { objects, edges }: Graphviz = JSON.parse(run(["dot", "-Tdot_json"], dot(diagram)));
      const name = (place: number) => objects[place]!.name;
      for (const { id, ends } of diagram.edges) {
        const found = edges.some(({ tail, head }) => name(tail) === ends[0].node && name(head) === ends[1].node);
        assert.ok(found, `${diagram.lab}: ${id}`);
      }
      for (const pod of diagram.pods) {
        const place = objects.findIndex((one) => one.name === pod.id);
        const cluster = objects.find((one) => one.name === `cluster_${pod.host}`)!;
        assert.ok(cluster.nodes!.includes(place), pod.name);
        for (const { addresses } of pod.interfaces)
          for (const address of addresses) assert.ok(objects[place]!.label!.includes(address));
      }
    }
  });

  it("sees published ports and impairments", () => {
    const { edges }: Graphviz = JSON.parse(run(["dot", "-Tdot_json"], dot(diagramOf(rich))));
    const labels = edges.map(({ label }) => label);
    for (const text of ["8080 → 80\\n127.0.0.1:53 → 53/udp", "in: rate 10mbit\\nin: loss 1%", "down"])
      assert.ok(labels.includes(text), `${text} in ${labels}`);
  });
});

/** Debian has no package of it; this is the whole program in one file for browsers. */
const mermaidScript = join(import.meta.dirname, "../../../node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js");

describe("Mermaid", function () {
  this.timeout(60_000);
  let browser: Browser;
  let page: Page;
  before(async function () {
    needs(this, "chromium");
    browser = await openBrowser();
    page = await openPage(browser, { width: 1400, height: 900 });
    await page.addScriptTag({ path: mermaidScript });
  });
  after(() => browser?.close());

  const parsed = (text: string) =>
    asked<string>(page, `mermaid.parse(${JSON.stringify(text)}).then(({ diagramType }) => diagramType, String)`);

  it("reads the pictures of all examples, and of a hundred pods", async () => {
    for (const diagram of diagrams) assert.equal(await parsed(mermaid(diagram)), "flowchart-v2", diagram.lab);
    assert.match(await parsed(mermaid(diagrams[0]!).replace('"]', '"')), /Parse error/);
  });

  it("draws every node with its addresses, and every edge", async () => {
    const diagram = diagramOf(rich);
    const text = JSON.stringify(mermaid(diagram));
    await page.evaluate(`mermaid.render("drawn", ${text}).then(({ svg }) => { document.body.innerHTML = svg; })`);
    const nodes = await asked<string[]>(page, '[...document.querySelectorAll(".node")].map((one) => one.textContent)');
    assert.equal(nodes.length, diagram.pods.length + diagram.networks.length + diagram.hosts.length + 1);
    for (const { name, interfaces } of diagram.pods) {
      const own = nodes.find((node) => node.trim().startsWith(name))!;
      for (const { addresses } of interfaces) for (const address of addresses) assert.ok(own.includes(address), own);
    }
    const edges = await asked<number>(page, 'document.querySelectorAll(".edgePaths path").length');
    const [joins, published] = [1, 1];
    assert.equal(edges, diagram.edges.length + joins + published);
  });
});
