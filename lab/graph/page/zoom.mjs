// @ts-check
/** The size of the picture: by buttons, by + - 0 while it has the focus, by the wheel with Ctrl; and moved by the pointer. */

const picture = /** @type {HTMLElement} */ (document.getElementById("picture"));
const nav = /** @type {HTMLElement} */ (document.getElementById("zoom"));
const step = 1.25;
const [least, most] = [0.2, 4];

/** Undefined: as the style says, not wider than the window. */
let /** @type {number | undefined} */ scale;

function shown() {
  const all = [...picture.querySelectorAll("svg")];
  return all.find((svg) => svg.getBoundingClientRect().width > 0) ?? all[0];
}

/** @param {SVGSVGElement} svg */
const scaleOf = (svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;

function draw() {
  for (const svg of picture.querySelectorAll("svg")) {
    const { width, height } = svg.viewBox.baseVal;
    svg.setAttribute("width", String(width * (scale ?? 1)));
    svg.setAttribute("height", String(height * (scale ?? 1)));
  }
  picture.classList.toggle("is-zoomed", scale !== undefined);
}

/** @param {string | undefined} how */
function zoom(how) {
  const svg = shown();
  if (svg === undefined) return;
  const now = scaleOf(svg);
  if (how === "fit") scale = undefined;
  else scale = Math.min(most, Math.max(least, how === "in" ? now * step : now / step));
  draw();
}

nav.hidden = false;
nav.addEventListener("click", ({ target }) => {
  if (target instanceof HTMLElement) zoom(target.dataset.zoom);
});
picture.addEventListener("keydown", (event) => {
  const how = { "+": "in", "=": "in", "-": "out", 0: "fit" }[event.key];
  if (how === undefined || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  zoom(how);
});
picture.addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? "in" : "out");
  },
  { passive: false },
);
document.addEventListener("picture", draw);

/** The pointer takes the paper along; what can be chosen stays a button. */
picture.addEventListener("pointerdown", (down) => {
  const target = /** @type {Element} */ (down.target);
  if (down.pointerType !== "mouse" || down.button !== 0 || target.closest("[data-pod]")) return;
  const [left, top] = [picture.scrollLeft + down.clientX, window.scrollY + down.clientY];
  const move = (/** @type {PointerEvent} */ event) => {
    picture.scrollLeft = left - event.clientX;
    window.scrollTo(window.scrollX, top - event.clientY);
  };
  picture.addEventListener("pointermove", move);
  window.addEventListener("pointerup", () => picture.removeEventListener("pointermove", move), { once: true });
});
