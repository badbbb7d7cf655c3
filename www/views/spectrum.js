/** An observation: values with their uncertainties against wavelength or index. It can be dragged. */
/** @import { Range, Scale, Spectrum, View } from './types.d.ts' */
import { claim, h, onResize, perFrame, svg } from './dom.js';
import { counted, interval, significant } from './format.js';
import { extent, linePath, plotFrame } from './plot.js';

const HEIGHT = 210;
/** With more points than these, only the line is drawn. */
const MOST_DOTS = 120;

/**
 * What is shown.
 * @typedef {object} Shown
 * @property {Spectrum} observation
 * @property {Spectrum|null} [original] drawn behind, where the observation was changed
 * @property {string} [label]
 */

/**
 * How far the spectrum has been dragged.
 * @typedef {object} Drag
 * @property {number} from the fraction of the x axis where the drag began
 * @property {number} dy how far it has gone, in units of the values
 * @property {boolean} done whether it has ended
 */

/** @typedef {ReturnType<typeof plotFrame> & {xs: ArrayLike<number>, xRange: Range, yRange: Range}} Frame what is drawn in */

/**
 * @param {HTMLElement} el
 * @param {{onDrag?: (drag: Drag) => void}} options
 * @returns {View<Shown>}
 */
export function mount(el, { onDrag } = {}) {
  const release = claim(el, 'spectrum');
  const readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
  const picture = h('div', { class: onDrag ? 'draggable' : null });
  el.replaceChildren(picture, readout);
  /** @type {Shown|null} */
  let data = null;
  /** @type {Frame|null} */
  let frame = null;
  /** @type {Range|null} the y axis stays put while dragging */
  let held = null;

  const draw = perFrame(() => {
    if (!data) return;
    const { observation, original } = data;
    held = drag.isOn() && held ? held : extent(bounds(observation, original), 0.06);
    frame = drawn(data, Math.max(200, picture.clientWidth), held);
    picture.replaceChildren(frame.root);
  });
  const redraw = () => draw(null);
  const drag = dragging(picture, () => frame, onDrag, redraw);

  picture.addEventListener('pointermove', (event) => {
    if (!frame || !data || drag.isOn()) return;
    readout.textContent = wordsAt(data.observation, frame, fractionAt(frame, event));
  });
  picture.addEventListener('pointerleave', () => {
    readout.textContent = '';
  });
  const stop = onResize(el, redraw);
  return {
    update(next) {
      data = next;
      redraw();
    },
    destroy() {
      stop();
      release();
    },
  };
}

/**
 * Where the pointer is, as a fraction of the x axis.
 * @param {Frame} frame
 * @param {PointerEvent} event
 */
function fractionAt({ root, inner: { left, right } }, event) {
  return (event.clientX - root.getBoundingClientRect().left - left) / (right - left);
}

/**
 * Follows the pointer while it drags the picture.
 * @param {HTMLElement} picture
 * @param {() => Frame|null} frame
 * @param {((drag: Drag) => void)|undefined} onDrag
 * @param {() => void} redraw
 */
function dragging(picture, frame, onDrag, redraw) {
  /** @type {{from: number, y: number}|null} */
  let drag = null;
  const dyOf = (/** @type {PointerEvent} */ event, /** @type {number} */ y) => {
    const { inner, yRange } = /** @type {Frame} */ (frame());
    return ((y - event.clientY) / (inner.bottom - inner.top)) * (yRange[1] - yRange[0]);
  };
  if (onDrag) {
    picture.addEventListener('pointerdown', (event) => {
      const on = frame();
      if (!on || event.button !== 0) return;
      drag = { from: fractionAt(on, event), y: event.clientY };
      picture.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    picture.addEventListener('pointermove', (event) => {
      if (drag) onDrag({ from: drag.from, dy: dyOf(event, drag.y), done: false });
    });
    const end = (/** @type {PointerEvent} */ event) => {
      if (!drag) return;
      const { from, y } = drag;
      drag = null;
      onDrag({ from, dy: dyOf(event, y), done: true });
      redraw();
    };
    picture.addEventListener('pointerup', end);
    picture.addEventListener('pointercancel', end);
  }
  return { isOn: () => drag !== null };
}

/**
 * Draws an observation.
 * @param {Shown} shown
 * @param {number} width
 * @param {Range} yRange
 * @returns {Frame}
 */
function drawn({ observation, original, label = 'Observation' }, width, yRange) {
  const { values, sigma, mask, wavelengths } = observation;
  const xs = wavelengths ?? Float64Array.from(values, (_, i) => i);
  const xRange = extent(xs, 0.015);
  const xLabel = wavelengths ? 'wavelength' : 'index of data point';
  const frame = plotFrame({ width, height: HEIGHT, x: xRange, y: yRange, yLabel: 'value', xLabel });
  const { root, content, sx, sy } = frame;
  const seen = Float64Array.from(values, (v, i) => (mask?.[i] ? NaN : v));
  const path = (/** @type {string} */ name, /** @type {string} */ d) => content.append(svg('path', { class: name, d }));
  if (sigma) path('band', bandPath(xs, seen, sigma, sx, sy));
  if (original && original !== observation) path('reference', linePath(xs, original.values, sx, sy));
  path('line', linePath(xs, seen, sx, sy));
  if (values.length <= MOST_DOTS) path('points', dots(xs, seen, sx, sy));
  let masked = 0;
  for (const [i, value] of values.entries()) {
    if (!mask?.[i]) continue;
    masked += 1;
    const place = { cx: sx(xs[i]), cy: sy(value), r: 2.6 };
    if (Number.isFinite(value)) content.append(svg('circle', { class: 'masked', ...place }));
  }
  const range = interval(significant(Math.min(...values)), significant(Math.max(...values)));
  const words = `${label}: ${counted(values.length, 'data point')} from ${range}${masked ? `, ${masked} masked` : ''}`;
  root.setAttribute('aria-label', words);
  return { ...frame, xs, xRange, yRange };
}

/**
 * The point nearest to a fraction of the x axis, in words.
 * @param {Spectrum} observation
 * @param {Frame} frame
 * @param {number} fraction
 */
function wordsAt({ values, sigma, mask }, { xs, xRange: [low, high] }, fraction) {
  const x = low + fraction * (high - low);
  let i = 0;
  for (let k = 1; k < xs.length; k++) if (Math.abs(xs[k] - x) < Math.abs(xs[i] - x)) i = k;
  const error = sigma ? ` ± ${significant(sigma[i], 2)}` : '';
  return `${significant(xs[i], 5)}: ${significant(values[i], 4)}${error}${mask?.[i] ? ' (masked)' : ''}`;
}

/**
 * Every y that must be visible: the values and their uncertainties; masked points do not stretch the axis.
 * @param {Spectrum} observation
 * @param {Spectrum|null} [original]
 * @returns {Generator<number>}
 */
function* bounds({ values, sigma, mask }, original) {
  for (let i = 0; i < values.length; i++) {
    if (mask?.[i]) continue;
    const s = sigma?.[i] ?? 0;
    yield values[i] - s;
    yield values[i] + s;
  }
  if (original) yield* original.values.filter((_, i) => !original.mask?.[i]);
}

/**
 * The band of one uncertainty around the values, with gaps where these are not finite.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} values
 * @param {ArrayLike<number>} sigma
 * @param {Scale} sx
 * @param {Scale} sy
 */
function bandPath(xs, values, sigma, sx, sy) {
  let d = '';
  let start = -1;
  const point = (/** @type {number} */ i, /** @type {number} */ sign) =>
    `${sx(xs[i]).toFixed(1)} ${sy(values[i] + sign * sigma[i]).toFixed(1)}`;
  const close = (/** @type {number} */ end) => {
    if (start < 0) return;
    for (let i = start; i < end; i++) d += `${i === start ? 'M' : 'L'}${point(i, 1)}`;
    for (let i = end - 1; i >= start; i--) d += `L${point(i, -1)}`;
    d += 'Z';
    start = -1;
  };
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) close(i);
    else if (start < 0) start = i;
  }
  close(values.length);
  return d;
}

/**
 * Points as one path: lines of no length with round ends.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} values
 * @param {Scale} sx
 * @param {Scale} sy
 */
function dots(xs, values, sx, sy) {
  let d = '';
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) d += `M${sx(xs[i]).toFixed(1)} ${sy(values[i]).toFixed(1)}h0`;
  }
  return d;
}
