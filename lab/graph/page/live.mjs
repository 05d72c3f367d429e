// @ts-check
/**
 * The live part of a page: its server sends what changed as markup, and what passes each interface. Buttons run tests and
 * pings. All answers about the way between two chosen pods are added to the panel here.
 */

/**
 * @typedef {{ packets: number, bytes: number }} Counted
 * @typedef {{ id: string, received: Counted, sent: Counted }} Rate
 */

const news = /** @type {HTMLElement} */ (document.getElementById("news"));
const progress = /** @type {HTMLElement} */ (document.getElementById("progress"));

/** @param {string} id @param {string} markup */
function replace(id, markup) {
  const place = document.getElementById(id);
  if (place === null || place.dataset.markup === markup) return;
  const focused = place.contains(document.activeElement) ? keyOf(document.activeElement) : undefined;
  place.dataset.markup = markup;
  place.innerHTML = markup;
  if (focused) [...place.querySelectorAll(focused)].find(isShown)?.focus();
}

/** How what has the focus is found again. @param {Element | null} element */
function keyOf(element) {
  for (const name of ["data-node", "data-choose", "data-test"]) {
    const value = element?.getAttribute(name);
    if (value) return `[${name}="${CSS.escape(value)}"]`;
  }
  return undefined;
}

/** @param {Element} element @returns {element is HTMLElement} */
const isShown = (element) => element.getClientRects().length > 0;

/** @param {Rate[]} rates */
function showTraffic(rates) {
  for (const { id, received, sent } of rates) {
    for (const [way, counted] of Object.entries({ received, sent }))
      for (const cell of document.querySelectorAll(`[data-rate="${CSS.escape(`${id} ${way}`)}"]`))
        cell.textContent = rateText(counted);
    const isBusy = received.packets + sent.packets > 0;
    for (const line of document.querySelectorAll(`[data-edge="${CSS.escape(id)}"]`))
      line.classList.toggle("is-busy", isBusy);
  }
}

/** @param {Counted} counted */
function rateText({ packets, bytes }) {
  if (packets === 0) return "–";
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}/s\n${packets} p/s`;
}

const events = new EventSource("/events");
/** @param {string} name @param {(detail: any) => void} use */
const on = (name, use) => events.addEventListener(name, ({ data }) => use(JSON.parse(data)));
on("changed", ({ parts, facts }) => {
  for (const [id, markup] of Object.entries(parts)) replace(id, markup);
  document.dispatchEvent(new CustomEvent("picture"));
  document.dispatchEvent(new CustomEvent("facts", { detail: facts }));
});
on("traffic", showTraffic);
on("news", (text) => {
  news.textContent = text;
});
on("progress", (text) => {
  if (isBusy()) progress.textContent = text; // it may come after the answer
});
events.addEventListener("error", () => {
  news.textContent = "The server of this page has ended. Start it again: ns-net lab ui";
});
events.addEventListener("open", () => {
  news.textContent = "";
});

const isBusy = () => document.querySelector("[data-run]:disabled") !== null;

/** @param {string} path @param {HTMLElement} button */
async function run(path, button) {
  button.setAttribute("disabled", "");
  try {
    const answer = await fetch(path, { method: "POST" });
    const said = await answer.text();
    return answer.ok ? said : `✕ ${said}`;
  } catch {
    return "✕ no answer";
  } finally {
    button.removeAttribute("disabled");
  }
}

for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-run]")))
  button.addEventListener("click", async () => {
    progress.textContent = "…";
    progress.textContent = await run(`/${button.dataset.run}`, button);
  });

document.addEventListener("pair", (event) => {
  const { from, to, panel, arePods } = /** @type {CustomEvent} */ (event).detail;
  if (!arePods) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Ping";
  const said = document.createElement("span");
  const row = document.createElement("div");
  row.className = "row";
  row.append(button, said);
  panel.append(row);
  button.addEventListener("click", async () => {
    said.textContent = await run(`/ping/${encodeURIComponent(from)}/${encodeURIComponent(to)}`, button);
  });
});
