// @ts-check
/**
 * Why one of two chosen pods reaches the other or not: the hops of `ns-net explain` in the panel, and in the picture the
 * lines that the packet passes. The question is asked again when the lab changes.
 */

/**
 * @typedef {{ where: string, what: string, says: string, verdict: "pass" | "rewrite" | "drop" | "unknown" }} Hop
 * @typedef {{ code: string, where: string, what: string, cure: string }} Cause
 * @typedef {{ words: string, to: string, verdict: "reachable" | "blocked" | "unsure", cause: Cause | null, hops: Hop[],
 *   edges: string[], end?: { node: string, verdict: string } }} Explained
 * @typedef {{ from: string, to: string, port: string }} Asked
 */

/** The panel shows it. @type {{ asked: Asked, explained?: Explained, refusal?: string } | undefined} */
let shown;
/** The port that was asked last: the next pair is probably asked about the same one. */
let port = "";
/** The questions so far: answers may come in another order. */
let count = 0;
let /** @type {HTMLElement | undefined} */ place;

/** @param {string} name @param {string} [kind] @param {string} [text] */
function made(name, kind, text) {
  const element = document.createElement(name);
  if (kind !== undefined) element.className = kind;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** @param {Asked} asked */
async function ask(asked) {
  if (shown?.asked !== asked) shown = { asked };
  const own = ++count;
  const { from, to } = asked;
  const query = asked.port === "" ? "" : `?port=${encodeURIComponent(asked.port)}`;
  const path = `/explain/${encodeURIComponent(from)}/${encodeURIComponent(to)}${query}`;
  try {
    const answer = await fetch(path, { method: "POST" });
    const found = answer.ok ? { explained: await answer.json() } : { refusal: await answer.text() };
    if (shown?.asked !== asked || own !== count) return; // another one was asked meanwhile
    shown = { asked, ...found };
  } catch {
    if (shown?.asked === asked && own === count) shown = { asked, refusal: "The server of this page does not answer" };
  }
  draw();
}

function draw() {
  markPicture();
  if (place === undefined || shown === undefined) return;
  const { explained, refusal } = shown;
  if (explained) place.replaceChildren(...partsOf(explained));
  else place.replaceChildren(...(refusal === undefined ? [] : [made("p", "verdict blocked", refusal)]));
}

const marks = { pass: "✓", rewrite: "↻", drop: "✕", unknown: "?" };

/** @param {Explained} explained */
function partsOf({ words, verdict, cause, hops }) {
  const parts = [made("p", `verdict ${verdict}`, cause === null ? verdict : `${verdict}: ${cause.what}`)];
  if (cause !== null) parts.push(made("p", "quiet", `${cause.code}, ${cause.where}`));
  if (cause?.cure) {
    const cure = made("p", "cure", "cure ");
    cure.append(made("code", undefined, cause.cure));
    parts.push(cure);
  }
  const list = made("ol", "hops");
  let before = "";
  for (const { where, what, says, verdict: one } of hops) {
    const isBack = says.startsWith("back: ");
    const title = isBack ? `${where}, the way back` : where;
    if (title !== before) list.append(made("li", "where", title));
    before = title;
    const item = made("li", one);
    const mark = made("span", "mark", marks[one]);
    mark.setAttribute("aria-label", one);
    item.append(mark, made("b", undefined, what), made("span", undefined, isBack ? says.slice(6) : says));
    list.append(item);
  }
  const command = made("p", "quiet");
  command.append(made("code", undefined, words));
  return [...parts, list, command];
}

const classOf = { drop: "is-dropped", unknown: "is-unsure" };

function markPicture() {
  const { edges = [], end } = shown?.explained ?? {};
  for (const line of document.querySelectorAll("[data-edge]"))
    line.classList.toggle("is-passed", edges.includes(line.getAttribute("data-edge") ?? ""));
  for (const node of document.querySelectorAll("[data-node]"))
    for (const [verdict, kind] of Object.entries(classOf))
      node.classList.toggle(kind, end?.verdict === verdict && end.node === node.getAttribute("data-node"));
}

document.addEventListener("pair", (event) => {
  const { from, to, panel } = /** @type {CustomEvent} */ (event).detail;
  const form = /** @type {HTMLFormElement} */ (made("form", "row"));
  const input = /** @type {HTMLInputElement} */ (made("input"));
  Object.assign(input, { name: "port", placeholder: "80 or 53/udp", value: port, size: 10, autocomplete: "off" });
  input.pattern = "[0-9]+(/(tcp|udp))?";
  const label = made("label", undefined, "port ");
  label.append(input);
  const button = /** @type {HTMLButtonElement} */ (made("button", undefined, "Explain"));
  button.type = "submit";
  form.append(button, label);
  input.addEventListener("input", () => {
    port = input.value;
  });
  form.addEventListener("submit", async (submitted) => {
    submitted.preventDefault();
    button.disabled = true;
    await ask({ from, to, port });
    button.disabled = false;
  });
  place = made("div", "explained");
  panel.append(form, place);
  if (shown !== undefined && (shown.asked.from !== from || shown.asked.to !== to)) shown = undefined;
  draw();
});
document.addEventListener("none", () => {
  shown = undefined;
  place = undefined;
  markPicture();
});
document.addEventListener("picture", markPicture);
/** The kernel notices a carrier up to a second later, which changes no fact of the page. */
const settledMs = 1500;
let /** @type {number | undefined} */ settled;

function askAgain() {
  if (shown?.explained) void ask(shown.asked);
}

document.addEventListener("facts", () => {
  askAgain();
  clearTimeout(settled);
  settled = setTimeout(askAgain, settledMs);
});
