// What `browser.py` asks of a page.

// What lies outside the window, does not show, or comes from elsewhere.
function shape() {
  const found = [];
  const excess = document.documentElement.scrollWidth - innerWidth;
  if (excess > 0) {
    const outside = (one) => one.getBoundingClientRect().right > innerWidth + 1;
    const first = [...document.querySelectorAll("article *")].find(outside);
    const where = first ? `, at ${first.tagName} ${first.textContent.trim().slice(0, 40)}` : "";
    found.push(`scrolls sideways by ${excess} px${where}`);
  }
  for (const image of document.images)
    if (image.complete && !image.naturalWidth) found.push(`does not show ${image.src}`);
  for (const one of performance.getEntriesByType("resource"))
    if (/^https?:/.test(one.name)) found.push(`fetches ${one.name}`);
  return found;
}

// Text of less contrast than WCAG 2.1, 1.4.3 (AA) asks for: 4.5 to 1, and 3 to 1 for letters of
// 24 px, or of 18.66 px in bold. One of each kind of element is told.
function pale(theme) {
  document.documentElement.dataset.theme = theme;
  const told = new Map();
  const seen = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    const words = texts.currentNode.data.trim();
    const visible = { visibilityProperty: true, opacityProperty: true };
    if (!words || seen.has(one) || !one.checkVisibility(visible)) continue;
    seen.add(one);
    const style = getComputedStyle(one);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = contrast(style.color, ground(one));
    const kind = `${one.tagName}.${one.className}`;
    if (ratio < (large ? 3 : 4.5) && !told.has(kind))
      told.set(kind, `${theme}: contrast ${ratio.toFixed(2)} of ${kind} "${words.slice(0, 30)}"`);
  }
  return [...told.values()];
}

// Red, green, blue and opacity of a colour of CSS, as it is painted.
const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const painted = {};
function colour(text) {
  if (!(text in painted)) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    painted[text] = [red, green, blue, alpha / 255];
  }
  return painted[text];
}

function over(upper, lower) {
  return [0, 1, 2].map((i) => upper[i] * upper[3] + lower[i] * (1 - upper[3])).concat(1);
}

// The colour behind an element's text.
function ground(one) {
  if (!one) return [255, 255, 255, 1];
  const own = colour(getComputedStyle(one).backgroundColor);
  return own[3] === 1 ? own : over(own, ground(one.parentElement));
}

function contrast(text, behind) {
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const both = [luminance(over(colour(text), behind)), luminance(behind)];
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}
