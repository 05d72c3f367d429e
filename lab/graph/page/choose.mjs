// @ts-check
/**
 * Two pods are chosen, from and to: in the picture or in the table, by pointer or by Tab and Enter. The panel shows what is
 * known of them, and what tests and pings found between them. A live page adds to the panel (the event `pair`).
 */

/**
 * @typedef {{ id: string, name: string, addresses: string[], impairments: string[], isDown: boolean }} Port
 * @typedef {{ id: string, name: string, isRouter: boolean, joins?: string, interfaces: Port[], serves: string[],
 *   publishes: string[], isDead: boolean, run?: string }} Pod
 * @typedef {{ test: string, from?: string, to?: string, verdict: string, why?: string }} Test
 * @typedef {{ from: string, to: string, reached: boolean, expected: boolean, ms: number | null }} Pair
 * @typedef {{ isUp: boolean, pods: Pod[], tests: Test[], pings: Pair[] }} Facts
 */

const picture = /** @type {HTMLElement} */ (document.getElementById("picture"));
const panel = /** @type {HTMLElement} */ (document.getElementById("choice"));
const factsElement = /** @type {HTMLElement} */ (document.getElementById("facts"));
let /** @type {Facts} */ facts = JSON.parse(factsElement.textContent ?? "");
/** The ids of nodes, at most two. */
let /** @type {string[]} */ chosen = [];

/** @param {string} id */
const podOf = (id) => facts.pods.find((pod) => pod.id === id);
/** @param {string} id */
const nameOf = (id) => podOf(id)?.name ?? id;

/** @param {string} name @param {string} [text] @param {string} [kind] */
function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind !== undefined) made.className = kind;
  return made;
}

/** @param {string} id */
function choose(id) {
  if (chosen.includes(id)) chosen = chosen.filter((one) => one !== id);
  else chosen = chosen.length === 2 ? [id] : [...chosen, id];
  show();
}

/** Makes what can be chosen a button, for the keyboard and for readers of the screen. */
function prepare() {
  for (const pod of picture.querySelectorAll("[data-pod]")) {
    pod.setAttribute("tabindex", "0");
    pod.setAttribute("role", "button");
    const title = pod.querySelector("title")?.textContent;
    pod.setAttribute("aria-label", title ?? pod.getAttribute("data-pod") ?? "");
  }
  mark();
}

function mark() {
  for (const node of picture.querySelectorAll("[data-node]")) {
    const place = chosen.indexOf(node.getAttribute("data-node") ?? "");
    node.classList.toggle("is-from", place === 0);
    node.classList.toggle("is-to", place === 1);
    if (node.hasAttribute("role")) node.setAttribute("aria-pressed", String(place >= 0));
  }
  for (const button of document.querySelectorAll("[data-choose]"))
    button.setAttribute("aria-pressed", String(chosen.includes(button.getAttribute("data-choose") ?? "")));
}

function show() {
  mark();
  const hadFocus = panel.contains(document.activeElement);
  panel.hidden = chosen.length === 0;
  panel.replaceChildren(...(chosen.length === 2 ? pairParts() : chosen.flatMap(podParts)));
  if (chosen.length !== 2) {
    document.dispatchEvent(new CustomEvent("none"));
    return;
  }
  const [from, to] = chosen.map(nameOf);
  const arePods = chosen.every((id) => podOf(id) !== undefined && podOf(id)?.joins === undefined);
  document.dispatchEvent(new CustomEvent("pair", { detail: { from, to, panel, arePods } }));
  if (hadFocus) /** @type {HTMLElement | null} */ (panel.querySelector(".row button"))?.focus();
}

/** @param {string} id */
function podParts(id) {
  const pod = podOf(id);
  const close = closeButton();
  if (pod === undefined) return [element("h2", nameOf(id)), close, element("p", "Choose a second one.", "quiet")];
  const list = element("dl");
  const add = (/** @type {string} */ term, /** @type {string} */ text) => {
    if (text !== "") list.append(element("dt", term), element("dd", text));
  };
  for (const { name, addresses, impairments } of pod.interfaces) add(name, [...addresses, ...impairments].join(", "));
  add("joins", pod.joins === undefined ? "" : nameOf(pod.joins));
  add("serves", pod.serves.join(", "));
  add("published", pod.publishes.join(", "));
  add("command", pod.run ?? "");
  add("state", pod.isDead ? "dead: its first process has ended" : "");
  const hint = element("p", "Choose a second pod, to see what is known of the way there.", "quiet");
  return [element("h2", pod.name), close, list, hint];
}

function pairParts() {
  const [from = "", to = ""] = chosen;
  const title = element("h2", `${nameOf(from)} → ${nameOf(to)}`);
  const list = element("ul", undefined, "found");
  for (const [one, other] of [
    [from, to],
    [to, from],
  ])
    for (const line of linesOf(one, other)) list.append(line);
  if (list.childElementCount === 0)
    list.append(
      element("li", facts.isUp ? "No test and no ping between these two yet." : "The file has no test of these two."),
    );
  return [title, closeButton(), list];
}

/** @param {string | undefined} from @param {string | undefined} to */
function linesOf(from = "", to = "") {
  const ping = facts.pings.find((pair) => pair.from === nameOf(from) && pair.to === nameOf(to));
  const tests = facts.tests.filter((test) => test.from === from && test.to === to);
  return [
    ...(ping ? [element("li", pingText(ping), ping.reached === ping.expected ? "passed" : "failed")] : []),
    ...tests.map(({ test, verdict, why }) => element("li", why === undefined ? test : `${test}: ${why}`, verdict)),
  ];
}

/** @param {Pair} pair */
function pingText({ from, to, reached, expected, ms }) {
  const found = reached ? `answers in ${ms} ms` : "no answer";
  const wanted =
    reached === expected ? (expected ? "" : ", as expected") : `, expected ${expected ? "an answer" : "none"}`;
  return `ping ${from} → ${to}: ${found}${wanted}`;
}

function closeButton() {
  const button = element("button", "×", "close");
  button.setAttribute("type", "button");
  button.setAttribute("aria-label", "Choose none");
  button.addEventListener("click", () => {
    chosen = [];
    show();
  });
  return button;
}

picture.addEventListener("click", ({ target }) => {
  const node = /** @type {Element} */ (target).closest("[data-pod]")?.getAttribute("data-node");
  if (node) choose(node);
});
picture.addEventListener("keydown", (event) => {
  const node = /** @type {Element} */ (event.target).closest("[data-pod]")?.getAttribute("data-node");
  if (!node || (event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  choose(node);
});
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || chosen.length === 0) return;
  chosen = [];
  show();
});
document.addEventListener("click", ({ target }) => {
  const { choose: id, test: place, pair } = /** @type {HTMLElement} */ (target).dataset ?? {};
  if (pair !== undefined) {
    chosen = pair.split(" ");
    show();
  }
  if (id !== undefined) choose(id);
  const test = place === undefined ? undefined : facts.tests[Number(place)];
  if (test === undefined) return;
  chosen = [test.from, test.to].filter((one) => one !== undefined);
  show();
});
document.addEventListener("picture", prepare);
document.addEventListener("facts", (event) => {
  facts = /** @type {CustomEvent<Facts>} */ (event).detail;
  if (chosen.length > 0) show();
});
prepare();
