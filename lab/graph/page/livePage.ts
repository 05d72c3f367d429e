/** The page of a lab that is up, which its server keeps as the lab is; and its parts, each as markup by the id of its place. */
import type { Diagram } from "../diagram.ts";
import type { Live } from "../live.ts";
import { hostLinkIdOf } from "../rates.ts";
import { tag } from "../svg/box.ts";
import { countsOf } from "../svg/picture.ts";
import explainScript from "./explain.mjs" with { type: "text" };
import { type Facts, factsOf, pageOf } from "./html.ts";
import liveScript from "./live.mjs" with { type: "text" };
import { matrix, pictures, podsTable, rateCells, testsList } from "./parts.ts";

const run = `<section id="run"><h2>Who reaches whom</h2>
<div class="row"><button type="button" data-run="test">Run the tests</button>
<button type="button" data-run="ping">Ping all pairs</button> <span id="progress" role="status"></span></div>
<div id="matrix"></div></section>`;
const hosts = `<section><h2>Hosts</h2><div id="hosts"></div></section>`;

/** Empty places, which `partsOf` fills as soon as the page asks. */
export async function livePage(diagram: Diagram): Promise<{ readonly html: string; readonly policy: string }> {
  return pageOf(diagram, { pings: [], scripts: [liveScript, explainScript], live: { before: run, after: hosts } });
}

/** Markup by the id of its place. */
export type Parts = Readonly<Record<string, string>>;

export interface Changed {
  readonly parts: Parts;
  readonly facts: Facts;
}

export async function changedOf(diagram: Diagram, { pings, hostLinks }: Live): Promise<Changed> {
  const pairs = pings?.results ?? [];
  return {
    parts: {
      counts: countsOf(diagram),
      picture: await pictures(diagram),
      tests: testsList(diagram),
      pods: podsTable(diagram),
      matrix: matrix(pairs),
      hosts: hostsTable(hostLinks),
    },
    facts: factsOf(diagram, pairs),
  };
}

function hostsTable(links: Live["hostLinks"]): string {
  const head = ["host", "interface", "received", "sent"].map((title) => tag("th", { scope: "col" }, title));
  const rows = links.map(({ host, name, isUplink }) =>
    tag(
      "tr",
      {},
      tag("td", {}, host),
      tag("td", {}, name, isUplink ? "<small> to outside</small>" : ""),
      ...rateCells(hostLinkIdOf(host, name)),
    ),
  );
  return tag("table", { class: "pods" }, tag("thead", {}, tag("tr", {}, ...head)), tag("tbody", {}, ...rows));
}
