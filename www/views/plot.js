/** The frame of a small x-y plot: axes with round numbers, and the scales to draw in. */
/** @import { Range, Scale } from './types.d.ts' */
import { svg } from './dom.js';
import { ticks } from './format.js';

const CHAR = 7; // widest digit

/**
 * Lowest and highest of finite values, with a margin as a fraction of the range.
 * @param {Iterable<number>} values
 * @returns {Range}
 */
export function extent(values, margin = 0.05) {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (!(high >= low)) return [0, 1];
  const room = (high - low) * margin || Math.abs(high) * 0.05 || 0.5;
  return [low - room, high + room];
}

/**
 * @param {{width: number, height: number, x: Range, y: Range, xLabel?: string, yLabel?: string}} options
 * @returns scales in pixels; whatever is put into `content` is clipped to the frame
 */
export function plotFrame({ width, height, x, y, xLabel = '', yLabel = '' }) {
  const yTicks = ticks(y[0], y[1], Math.max(2, Math.floor(height / 38)));
  const left = 10 + (yLabel ? 15 : 0) + Math.max(12, ...yTicks.map((t) => t.label.length * CHAR));
  const top = 8;
  const right = width - 10;
  const bottom = height - (xLabel ? 36 : 20);
  /** @type {Scale} */
  const sx = (v) => left + ((v - x[0]) / (x[1] - x[0])) * (right - left);
  /** @type {Scale} */
  const sy = (v) => bottom - ((v - y[0]) / (y[1] - y[0])) * (bottom - top);
  const xTicks = ticks(x[0], x[1], Math.max(2, Math.floor((right - left) / 62)));
  const content = svg('svg', {
    x: left,
    y: top,
    width: Math.max(1, right - left),
    height: Math.max(1, bottom - top),
    viewBox: `${left} ${top} ${Math.max(1, right - left)} ${Math.max(1, bottom - top)}`,
  });
  const root = svg(
    'svg',
    { class: 'plot', role: 'img', width, height },
    yTicks.map((t) => svg('path', { class: 'grid', d: `M${left} ${sy(t.value)}H${right}` })),
    content,
    svg('path', { class: 'axis', d: `M${left} ${top}V${bottom}H${right}` }),
    xTicks.map((t) => [
      svg('path', { class: 'tick', d: `M${sx(t.value)} ${bottom}v4` }),
      svg('text', { class: 'number', x: sx(t.value), y: bottom + 15, 'text-anchor': 'middle' }, t.label),
    ]),
    yTicks.map((t) =>
      svg('text', { class: 'number', x: left - 6, y: sy(t.value) + 3.8, 'text-anchor': 'end' }, t.label),
    ),
    xLabel && svg('text', { class: 'name', x: (left + right) / 2, y: height - 5, 'text-anchor': 'middle' }, xLabel),
    yLabel &&
      svg(
        'text',
        { class: 'name', transform: `translate(11 ${(top + bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle' },
        yLabel,
      ),
  );
  return { root, content, sx, sy, inner: { left, right, top, bottom } };
}

/**
 * A coordinate to a tenth of a pixel, which is all that a path needs.
 * @param {number} v in pixels
 */
export const tenth = (v) => Math.round(v * 10) / 10;

/**
 * A line through the points whose coordinates are finite; gaps elsewhere.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number|null>} ys
 * @param {Scale} sx
 * @param {Scale} sy
 */
export function linePath(xs, ys, sx, sy) {
  let d = '';
  let open = false;
  for (let i = 0; i < ys.length; i++) {
    const y = ys[i];
    if (y === null || !Number.isFinite(y)) {
      open = false;
      continue;
    }
    d += `${open ? 'L' : 'M'}${tenth(sx(xs[i]))} ${tenth(sy(y))}`;
    open = true;
  }
  return d;
}
