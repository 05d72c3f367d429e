/** A diagram as one page: picture, tests and pods. It needs no server, and no script to be read. */
import type { Pair } from "../../tests/everyPair.ts";
import type { Diagram } from "../diagram.ts";
import { tag } from "../svg/box.ts";
import { countsOf } from "../svg/picture.ts";
import { style as pictureStyle } from "../svg/style.ts";
import choose from "./choose.mjs" with { type: "text" };
import { pictures, podsTable, testsList } from "./parts.ts";
import pageStyle from "./style.css" with { type: "text" };
import zoom from "./zoom.mjs" with { type: "text" };

export const html = async (diagram: Diagram): Promise<string> => (await pageOf(diagram, alone)).html;

export interface Shown {
  /** The last pings between pods. */
  readonly pings: readonly Pair[];
  /** Further modules, each as text. */
  readonly scripts: readonly string[];
  /** Markup that a live page has besides, before and after the tests and pods. */
  readonly live: { readonly before: string; readonly after: string } | undefined;
}

const alone: Shown = { pings: [], scripts: [], live: undefined };

/** The page, and its Content-Security-Policy, which a server sends once more. */
export async function pageOf(
  diagram: Diagram,
  { pings, scripts, live }: Shown,
): Promise<{ readonly html: string; readonly policy: string }> {
  const style = `${pictureStyle}\n${pageStyle}`;
  const all = [zoom, choose, ...scripts];
  const policy = policyOf(style, all, live !== undefined);
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${tag("x", {}, `${diagram.lab} · ns-net`).slice(3, -4)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${diagram.lab}</h1>
<p id="counts">${countsOf(diagram)}</p>
<p id="news" role="status"></p>
<nav id="zoom" aria-label="Size of the picture" hidden>
<button type="button" data-zoom="out" aria-label="Smaller">−</button>
<button type="button" data-zoom="fit">fit</button>
<button type="button" data-zoom="in" aria-label="Larger">+</button>
</nav>
</header>
<main>
<div id="picture" tabindex="0" role="region" aria-label="The picture of the lab">${await pictures(diagram)}</div>
<aside>
<section id="choice" aria-live="polite" hidden></section>
${live?.before ?? ""}
<section><h2>Tests</h2><div id="tests">${testsList(diagram)}</div></section>
<section><h2>Pods</h2><div id="pods">${podsTable(diagram)}</div></section>
${live?.after ?? ""}
</aside>
</main>
<script type="application/json" id="facts">${jsonInMarkup(factsOf(diagram, pings))}</script>
${all.map((text) => `<script type="module">${text}</script>`).join("\n")}
</body>
</html>
`;
  return { html, policy };
}

/** The facts for scripts. */
export type Facts = ReturnType<typeof factsOf>;

export const factsOf = ({ isUp, pods, tests }: Diagram, pings: readonly Pair[]) => ({ isUp, pods, tests, pings });

/** JSON in which no text ends the element around it. */
const jsonInMarkup = (value: unknown) => JSON.stringify(value).replaceAll("<", "\\u003c");

/** Only these scripts and styles, by their hashes; a live page may ask its own server, and no page anything else. */
function policyOf(style: string, scripts: readonly string[], isLive: boolean): string {
  const hash = (text: string) => `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
  return [
    "default-src 'none'",
    `style-src ${hash(style)}`,
    `script-src ${scripts.map(hash).join(" ")}`,
    ...(isLive ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}
