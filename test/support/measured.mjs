/** Where the labels and boxes of the visible picture are. It runs in the browser; the last expression is the answer. */
(() => {
  const picture = [...document.querySelectorAll("svg")].find((one) => one.getBoundingClientRect().width > 0);
  const rectOf = (element, what = element.textContent) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { what, left, top, right, bottom };
  };
  const texts = [...picture.querySelectorAll("text")];
  // Texts that leave the box in which they are.
  const leaving = texts.flatMap((text) => {
    const box = text.parentElement.querySelector(":scope > rect");
    if (!box) return [];
    const [inner, outer] = [rectOf(text), rectOf(box)];
    return inner.left < outer.left || inner.right > outer.right || inner.bottom > outer.bottom + 1 ? [inner.what] : [];
  });
  const { width, height } = picture.getBoundingClientRect();
  return {
    texts: texts.map((one) => rectOf(one)),
    cards: [...picture.querySelectorAll("[data-pod] > .card")].map((one) => rectOf(one, one.parentElement.dataset.pod)),
    bars: [...picture.querySelectorAll(".bar")].map((one) => rectOf(one)),
    leaving,
    width,
    height,
    pageWidth: document.documentElement.scrollWidth,
  };
})();
