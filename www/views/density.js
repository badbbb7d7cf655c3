/** From draws to what a corner plot shows: axes, histograms, smoothed densities, regions of highest density. */
/** @import { Range, Regions, Statistics } from './types.d.ts' */
import { LEVELS, quantile } from './summary.js';

/**
 * Chooses the axis of one parameter: nearly all draws, with a margin, but not beyond what draws can reach. An axis
 * that reaches the prior's bound ends there, where the density ends too, so that smoothing can mirror there. Without a
 * known bound, the outermost draw takes its place.
 * @param {Statistics} statistics
 * @param {number} [truth]
 * @param {Range} bounds of the prior, infinite if it has none
 * @returns {Range}
 */
export function axisRange({ sorted, low95, high95 }, truth, bounds = [-Infinity, Infinity]) {
  const [first, last] = [sorted[0], sorted[sorted.length - 1]];
  const [least, most] = [
    Number.isFinite(bounds[0]) ? Math.min(bounds[0], first) : first,
    Number.isFinite(bounds[1]) ? Math.max(bounds[1], last) : last,
  ];
  let low = quantile(sorted, 0.002);
  let high = quantile(sorted, 0.998);
  const margin = 0.08 * (high - low) || 0.05 * Math.abs(high) || 1;
  const width = high95 - low95 || margin;
  low = Math.max(low - margin, least);
  high = Math.min(high + margin, most);
  // The axis follows a distant truth only as far as the plot stays readable; the table has its number.
  if (truth !== undefined && Number.isFinite(truth)) {
    if (truth < low && low - truth < 2 * width) low = Math.max(truth - margin, Math.min(truth, bounds[0]));
    if (truth > high && truth - high < 2 * width) high = Math.min(truth + margin, Math.max(truth, bounds[1]));
  }
  return high > low ? [low, high] : [low - margin, low + margin];
}

/**
 * Number of bins of an axis for `n` draws.
 * @param {number} n
 */
export const binsFor = (n) => (n >= 8000 ? 44 : n >= 1500 ? 32 : 24);

/**
 * The bin of each value within a range, whose upper end is included; -1 outside.
 * @param {Float64Array} values
 * @param {Range} range
 * @param {number} bins
 */
export function binIndices(values, [low, high], bins) {
  const out = new Int16Array(values.length);
  const scale = bins / (high - low);
  for (let i = 0; i < values.length; i++) {
    const at = (values[i] - low) * scale;
    out[i] = values[i] >= low && values[i] <= high ? Math.min(bins - 1, Math.floor(at)) : -1;
  }
  return out;
}

/**
 * Draws in each bin.
 * @param {Int16Array} indices
 * @param {number} bins
 */
export function histogram(indices, bins) {
  const out = new Float64Array(bins);
  for (const i of indices) if (i >= 0) out[i] += 1;
  return out;
}

/**
 * Draws in each cell of a pair of parameters, row by row: `y` chooses the row.
 * @param {Int16Array} xs
 * @param {Int16Array} ys
 * @param {number} bins
 */
export function histogram2d(xs, ys, bins) {
  const out = new Float64Array(bins * bins);
  for (let i = 0; i < xs.length; i++) {
    if (xs[i] >= 0 && ys[i] >= 0) out[ys[i] * bins + xs[i]] += 1;
  }
  return out;
}

/**
 * The weights of a Gaussian with a standard deviation of `width` bins, from -`reach` to `reach` bins.
 * @param {number} width
 */
function kernel(width) {
  const reach = Math.ceil(2.5 * width);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / width) ** 2));
  const total = weights.reduce((a, b) => a + b);
  return { reach, weights: weights.map((w) => w / total) };
}

/**
 * Smooths along lines of values. Mass that would pass an edge is mirrored back: none is lost, and a density that ends at
 * the edge does not fall off before it.
 * @param {Float64Array} from
 * @param {Float64Array} to
 * @param {{lines: number, length: number, stride: number, between: number}} layout number of `lines`, and `length` of
 *   each; two values of a line are `stride` apart, and the first values of two lines are `between` apart
 * @param {ReturnType<typeof kernel>} kernel
 */
function smoothLines(from, to, { lines, length, stride, between }, { reach, weights }) {
  for (let line = 0; line < lines; line++) {
    const start = line * between;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let k = -reach; k <= reach; k++) {
        let j = i + k;
        if (j < 0) j = -1 - j;
        else if (j >= length) j = 2 * length - 1 - j;
        sum += weights[k + reach] * from[start + j * stride];
      }
      to[start + i * stride] = sum;
    }
  }
}

/**
 * A smoothed copy of a histogram.
 * @param {Float64Array} values
 * @param {number} width standard deviation in bins
 */
export function smooth(values, width) {
  const out = new Float64Array(values.length);
  smoothLines(values, out, { lines: 1, length: values.length, stride: 1, between: 0 }, kernel(width));
  return out;
}

/**
 * A smoothed copy of a square histogram.
 * @param {Float64Array} grid
 * @param {number} bins
 * @param {number} width standard deviation in bins
 */
export function smooth2d(grid, bins, width) {
  const k = kernel(width);
  const half = new Float64Array(grid.length);
  const out = new Float64Array(grid.length);
  smoothLines(grid, half, { lines: bins, length: bins, stride: 1, between: bins }, k);
  smoothLines(half, out, { lines: bins, length: bins, stride: bins, between: 1 }, k);
  return out;
}

/**
 * Finds the densities above which the shares `masses` of all `n` draws lie (highest-density regions). It counts draws
 * instead of integrating the smoothed density, because smoothing moves a part of the density out of the region.
 * @param {Float64Array} density the smoothed histogram
 * @param {Float64Array} counts the histogram as it was
 * @param {number} n
 * @param {readonly number[]} masses
 */
export function levelsFor(density, counts, n, masses = LEVELS) {
  const cells = Uint16Array.from(density.keys()).sort((a, b) => density[b] - density[a]);
  /** @type {number[]} */
  const levels = [];
  let sum = 0;
  let i = 0;
  for (const mass of masses) {
    while (i < cells.length - 1 && sum + counts[cells[i]] < mass * n) sum += counts[cells[i++]];
    levels.push(density[cells[i]]);
  }
  return levels;
}

/**
 * Smoothed density of a pair of parameters, and the levels of its 68 % and 95 % regions.
 * @param {Int16Array} xs bins of the draws
 * @param {Int16Array} ys bins of the draws
 * @param {number} bins
 * @param {number} n number of draws
 * @returns {Regions}
 */
export function credible(xs, ys, bins, n) {
  const counts = histogram2d(xs, ys, bins);
  const grid = smooth2d(counts, bins, bins / (n >= 8000 ? 29 : n >= 1500 ? 21 : 15));
  return { grid, bins, levels: levelsFor(grid, counts, n).map((level) => Math.max(level, 1e-9)) };
}
