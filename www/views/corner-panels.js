/** The drawing of a corner plot: its panels, and the axes and names around them. */
/** @import { CornerData, Pair } from './corner-data.js' */
/** @import { cornerLayout } from './corner-layout.js' */
/** @import { Range, Regions, Statistics } from './types.d.ts' */
import { contourRings, ringsPath } from './contours.js';
import { fitName } from './corner-layout.js';
import { smooth } from './density.js';
import { svg } from './dom.js';
import { counted, interval, ofPosterior } from './format.js';
import { tenth } from './plot.js';

/** @typedef {ReturnType<typeof cornerLayout>} Layout */

/**
 * Where a value lies on an axis, from 0 to 1.
 * @param {number} value
 * @param {Range} range
 */
const fraction = (value, [low, high]) => (value - low) / (high - low);

/** @param {number} f */
const isInside = (f) => f >= 0 && f <= 1;

/**
 * A panel below the diagonal: the regions that hold 68 % and 95 % of the draws, and the true values.
 * @param {CornerData} data
 * @param {Layout} layout
 * @param {Pair} pair
 */
export function pairPanel({ truth, ranges }, { at, size }, { row, col, regions, reference }) {
  const [x, y] = at(row, col);
  const outline = (/** @type {Regions} */ { grid, bins }, /** @type {number} */ level) =>
    ringsPath(contourRings(grid, bins, bins, level), bins, bins, { x, y, width: size, height: size });
  const filled = regions.levels.map((level, i) =>
    svg('path', { class: `region mass${i + 1}`, 'fill-rule': 'evenodd', d: outline(regions, level) }),
  );
  const others = reference?.levels.map((level) => outline(reference, level)).join('');
  return svg(
    'g',
    {},
    svg('rect', { class: 'panel', x, y, width: size, height: size }),
    filled.reverse(),
    others !== undefined && svg('path', { class: 'reference', d: others }),
    truthLines([truth[col], truth[row]], [ranges[col], ranges[row]], [x, y], size),
  );
}

/**
 * @param {(number|undefined)[]} truth of the x and of the y axis
 * @param {Range[]} ranges
 * @param {number[]} corner
 * @param {number} size
 */
function truthLines([tx, ty], [rangeX, rangeY], [x, y], size) {
  if (tx === undefined || ty === undefined) return null;
  const [fx, fy] = [fraction(tx, rangeX), fraction(ty, rangeY)];
  const [px, py] = [x + fx * size, y + (1 - fy) * size];
  const d = (isInside(fx) ? `M${px} ${y}v${size}` : '') + (isInside(fy) ? `M${x} ${py}h${size}` : '');
  return [
    svg('path', { class: 'truth', d }),
    isInside(fx) &&
      isInside(fy) &&
      svg('rect', { class: 'truth-point', x: px - 2.5, y: py - 2.5, width: 5, height: 5 }),
  ];
}

/**
 * A panel of the diagonal: histogram, median, 68 % interval and true value of parameter `j`.
 * @param {CornerData} data
 * @param {Layout} layout
 * @param {number} j
 */
export function diagonalPanel(data, { at, size, titles }, j) {
  const [x, y] = at(j, j);
  const range = data.ranges[j];
  const places = data.places[j];
  const truth = data.truth[j];
  const line = (/** @type {number} */ value, /** @type {string} */ name) => {
    const f = fraction(value, range);
    return isInside(f) ? svg('path', { class: name, d: `M${x + f * size} ${y}v${size}` }) : null;
  };
  const histogram = (/** @type {Float64Array} */ counts, /** @type {string} */ name) =>
    svg('path', { class: name, d: histogramPath(smooth(counts, counts.length / 60), x, y, size) });
  const [low, high] = [places.low68, places.high68].map((v) => Math.min(1, Math.max(0, fraction(v, range))));
  return svg(
    'g',
    {},
    svg('rect', { class: 'panel', x, y, width: size, height: size }),
    svg('rect', { class: 'interval', x: x + low * size, y, width: Math.max(0, high - low) * size, height: size }),
    histogram(data.histograms[j], 'histogram'),
    data.references && histogram(data.references[j], 'reference'),
    line(places.median, 'median'),
    truth !== undefined && Number.isFinite(truth) && line(truth, 'truth'),
    // Name and estimate lie in the empty half of the plot, so they may run on to the right.
    svg('text', { class: 'name strong', x, y: y - 5 - (titles - 1) * 14 }, data.names[j]),
    titles > 1 && svg('text', { class: 'estimate', x, y: y - 5 }, estimate(data.statistics[j], data.logarithmic[j])),
  );
}

/**
 * A histogram as a path of steps.
 * @param {Float64Array} counts
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function histogramPath(counts, x, y, size) {
  const most = Math.max(...counts) || 1;
  const step = size / counts.length;
  const height = (/** @type {number} */ c) => tenth(y + size - (c / most) * 0.92 * size);
  let d = `M${x} ${y + size}`;
  counts.forEach((c, i) => {
    d += `V${height(c)}H${tenth(x + (i + 1) * step)}`;
  });
  return `${d}V${y + size}`;
}

/**
 * Median and distances to the ends of the 68 % interval, as they are written in papers. Over a logarithmic axis, the
 * interval itself: distances from a median say little there.
 * @param {Statistics} statistics
 * @param {boolean} logarithmic
 */
export function estimate(statistics, logarithmic) {
  const { median, low68, high68 } = statistics;
  const show = (/** @type {number} */ value) => ofPosterior(value, statistics, logarithmic);
  if (logarithmic) return interval(show(low68), show(high68));
  return `${show(median)} +${show(high68 - median)} \u2212${show(median - low68)}`;
}

/**
 * The whole plot: panels, axes, names, and the cross that follows the pointer.
 * @param {CornerData} data
 * @param {Layout} layout
 * @param {SVGElement[]} panels
 */
export function picture({ names, ranges, statistics, logarithmic, n }, layout, panels) {
  const marks = names.map((name, j) => [
    marksBelow(name, ranges[j], layout, j, names.length),
    j > 0 && marksBeside(name, ranges[j], layout, j),
  ]);
  const words = names.map((name, j) => `${name}: ${estimate(statistics[j], logarithmic[j])}`).join('; ');
  const cross = svg('path', { class: 'cross' });
  const attributes = {
    class: 'corner',
    role: 'img',
    width: layout.width,
    height: Math.ceil(layout.height),
    'aria-label': `Corner plot of ${counted(n, 'draw')}. ${words}. The table gives the same in numbers.`,
  };
  return { root: svg('svg', attributes, panels, marks, cross), cross };
}

/**
 * Tick numbers and the name below column `j`.
 * @param {string} name
 * @param {Range} range
 * @param {Layout} layout
 * @param {number} j
 * @param {number} d number of parameters
 */
function marksBelow(name, range, { size, at, axes, upright, leaning, nameAt }, j, d) {
  const [x, bottom] = [at(0, j)[0], at(d - 1, 0)[1] + size];
  const ticks = axes[j].x.map(({ value, label }) => {
    const tx = x + fraction(value, range) * size;
    const place = upright
      ? { transform: `translate(${tx + 3.5} ${bottom + 7}) rotate(-90)`, 'text-anchor': 'end' }
      : { x: tx, y: bottom + 15, 'text-anchor': 'middle' };
    return [svg('path', { class: 'tick', d: `M${tx} ${bottom}v4` }), svg('text', { class: 'number', ...place }, label)];
  });
  const place = leaning
    ? { transform: `translate(${x + size / 2 + 4} ${nameAt + 4}) rotate(-45)`, 'text-anchor': 'end' }
    : { x: x + size / 2, y: nameAt + 9, 'text-anchor': 'middle' };
  return [ticks, svg('text', { class: 'name', ...place }, fitName(name, 90), svg('title', {}, name))];
}

/**
 * Tick numbers and the name beside row `j`. If names lean, there is no room for them on this side; they stand on the
 * diagonal.
 * @param {string} name
 * @param {Range} range
 * @param {Layout} layout
 * @param {number} j
 */
function marksBeside(name, range, { size, at, axes, leaning }, j) {
  const [left, top] = at(j, 0);
  const ticks = axes[j].y.map(({ value, label }) => {
    const ty = top + size - fraction(value, range) * size;
    return [
      svg('path', { class: 'tick', d: `M${left} ${ty}h-4` }),
      svg('text', { class: 'number', x: left - 6, y: ty + 3.8, 'text-anchor': 'end' }, label),
    ];
  });
  const transform = `translate(11 ${top + size / 2}) rotate(-90)`;
  return [ticks, !leaning && svg('text', { class: 'name', transform, 'text-anchor': 'middle' }, name)];
}
