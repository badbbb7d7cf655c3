/** Makes elements, and limits updates of views to the frame rate. */

const SVG = 'http://www.w3.org/2000/svg';

/** @typedef {Node|string|number|null|undefined|false} Child a node or text; the last three are left out */
/** @typedef {Child|Children[]} Children */
/** @typedef {Record<string, any>} Attributes `on…` are listeners, `style` is an object; null, undefined and false are left out */

/**
 * @template {HTMLElement|SVGElement} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {Children[]} children
 * @returns {E}
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  const list = /** @type {any[]} */ (children).flat(Infinity);
  element.append(...list.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * An HTML element. Children are elements or text; text is never read as markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} attributes
 * @param {Children[]} children
 */
export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} attributes
 * @param {Children[]} children
 * @returns {SVGElementTagNameMap[T]}
 */
export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/**
 * Marks `el` as the place of the view `name`, with the classes that the rules of views.css ask for.
 * @param {HTMLElement} el
 * @param {string} name
 * @returns a function that empties `el` and removes the classes
 */
export function claim(el, name) {
  const classes = [`view-${name}`, ...(el.closest('.flowglass') ? [] : ['flowglass'])];
  el.classList.add(...classes);
  return () => {
    el.replaceChildren();
    el.classList.remove(...classes);
  };
}

/**
 * Resolves at the next frame, or after 200 ms if no frame is drawn (a tab in the background).
 * @returns {Promise<void>}
 */
export const nextFrame = () =>
  new Promise((resolve) => {
    let timer = 0;
    const frame = requestAnimationFrame(() => {
      clearTimeout(timer);
      resolve();
    });
    timer = setTimeout(() => {
      cancelAnimationFrame(frame);
      resolve();
    }, 200);
  });

/**
 * Calls `draw` at most once a frame, and at most once in `pause` ms, with the latest argument.
 * @template T
 * @param {(value: T) => void} draw
 * @returns {(value: T) => void}
 */
export function perFrame(draw, pause = 0) {
  /** @type {T} */
  let latest;
  let asked = false;
  let last = -Infinity;
  return (value) => {
    latest = value;
    if (asked) return;
    asked = true;
    const wait = last + pause - performance.now();
    const ready = wait > 0 ? new Promise((resolve) => setTimeout(resolve, wait)) : Promise.resolve();
    ready.then(nextFrame).then(() => {
      asked = false;
      last = performance.now();
      draw(latest);
    });
  };
}

/**
 * Calls `redraw` when the width of an element has changed.
 * @param {HTMLElement} element
 * @param {() => void} redraw
 * @returns a function that stops it
 */
export function onResize(element, redraw) {
  let width = element.clientWidth;
  const once = perFrame(() => redraw());
  const observer = new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    once(null);
  });
  observer.observe(element);
  return () => observer.disconnect();
}

/**
 * Marks an input as refused, or removes the mark. The value of the attribute is a word, since browsers take an empty one
 * for "false".
 * @param {Element} input
 * @param {boolean} isInvalid
 */
export function markInvalid(input, isInvalid) {
  if (isInvalid) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

/**
 * A clock for work in pieces: `await breathe()`, between two pieces, waits for the next frame if more than `budget` ms
 * have passed since the last wait.
 */
export function breather(budget = 10) {
  let start = performance.now();
  return async () => {
    if (performance.now() - start < budget) return;
    await nextFrame();
    start = performance.now();
  };
}
