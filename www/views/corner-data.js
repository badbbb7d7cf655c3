/** The numbers that a corner plot shows; corner-panels.js draws them. */
/** @import { Posterior, Range, Regions, Statistics } from './types.d.ts' */
import { axisRange, binIndices, binsFor, credible, histogram } from './density.js';
import { column, summarize } from './summary.js';

/**
 * A pair of parameters: `col` on the x axis and `row` on the y axis.
 * @typedef {object} Pair
 * @property {number} row
 * @property {number} col
 * @property {Regions} regions
 * @property {Regions|null} reference regions of the draws to compare with
 */

/**
 * A corner plot of d parameters in numbers; lists have one item for each parameter.
 * @typedef {object} CornerData
 * @property {string[]} names
 * @property {number} n number of draws
 * @property {Statistics[]} statistics in the units of the draws
 * @property {boolean[]} logarithmic whether an axis is logarithmic. Its places are logarithms to base ten
 * @property {Statistics[]} places the statistics as places on the axes
 * @property {Range[]} ranges of the axes
 * @property {(number|undefined)[]} truth as places on the axes
 * @property {Float64Array[]} histograms
 * @property {Float64Array[]|null} references histograms of the draws to compare with
 * @property {Pair[]} pairs row by row
 */

/**
 * Computes a corner plot.
 * @param {Posterior} posterior
 * @param {number[]} shown the parameters to show, by their columns in the draws
 * @param {CornerData|null} before the plot before, whose axes are kept if `keepAxes` is set
 * @param {() => Promise<boolean>} mayGoOn says, between two pieces of work, whether the result is still wanted. Its
 *   promise may resolve later, so that the page can do other things
 * @returns {Promise<CornerData|null>} null if the result is no longer wanted
 */
export async function cornerData(posterior, shown, before, mayGoOn) {
  const { draws, n, d, reference, bounds, keepAxes } = posterior;
  const names = shown.map((k) => posterior.names[k]);
  /** @type {Float64Array[]} */
  const columns = [];
  /** @type {Statistics[]} */
  const statistics = [];
  for (const k of shown) {
    const values = column(draws, n, d, k);
    columns.push(values);
    statistics.push(summarize(values));
    if (!(await mayGoOn())) return null;
  }
  // A flow over physical coordinates may draw numbers that have no logarithm. Their axis stays linear, to show them.
  const logarithmic = shown.map((k, j) => Boolean(posterior.logarithmic?.[k]) && statistics[j].sorted[0] > 0);
  const truth = shown.map((k, j) => placeOf(posterior.truth?.[k], logarithmic[j]));
  const places = statistics.map((s, j) => placesOf(s, logarithmic[j]));
  const fresh = places.map((s, j) => axisRange(s, truth[j], axisBounds(bounds?.[shown[j]], logarithmic[j])));
  const same = before?.names.join() === names.join() && before?.logarithmic.join() === logarithmic.join();
  const ranges = before && keepAxes && same ? before.ranges.map((range, j) => stretched(range, fresh[j])) : fresh;

  const onAxes = (/** @type {Float64Array[]} */ all) =>
    all.map((values, j) => (logarithmic[j] ? values.map(Math.log10) : values));
  const own = binned(onAxes(columns), ranges);
  const other = reference ? binned(onAxes(shown.map((k) => column(reference.draws, reference.n, d, k))), ranges) : null;
  if (!(await mayGoOn())) return null;
  /** @type {Pair[]} */
  const pairs = [];
  for (let row = 0; row < shown.length; row++) {
    for (let col = 0; col < row; col++) {
      pairs.push({ row, col, regions: own.regions(col, row), reference: other?.regions(col, row) ?? null });
      if (!(await mayGoOn())) return null;
    }
  }
  return {
    names,
    n,
    statistics,
    logarithmic,
    places,
    ranges,
    truth,
    histograms: own.histograms,
    references: other?.histograms ?? null,
    pairs,
  };
}

/**
 * The place of a number on its axis.
 * @template {number|undefined} T
 * @param {T} value
 * @param {boolean} isLogarithmic
 * @returns {T}
 */
const placeOf = (value, isLogarithmic) =>
  isLogarithmic && value !== undefined ? /** @type {T} */ (Math.log10(value)) : value;

/**
 * Statistics as places on an axis. They are those of the draws, because a quantile keeps its rank.
 * @param {Statistics} statistics
 * @param {boolean} isLogarithmic
 * @returns {Statistics}
 */
function placesOf(statistics, isLogarithmic) {
  if (!isLogarithmic) return statistics;
  const { sorted, median, low68, high68, low95, high95 } = statistics;
  const [m, a, b, c, d] = [median, low68, high68, low95, high95].map(Math.log10);
  return { sorted: sorted.map(Math.log10), median: m, low68: a, high68: b, low95: c, high95: d };
}

/**
 * The bounds of a prior as places on an axis. A log-normal prior has none.
 * @param {Range|undefined} bounds
 * @param {boolean} isLogarithmic
 * @returns {Range|undefined}
 */
const axisBounds = (bounds, isLogarithmic) =>
  bounds && isLogarithmic ? [logOrNone(bounds[0]), logOrNone(bounds[1], Infinity)] : bounds;

/** @param {number} bound */
const logOrNone = (bound, none = -Infinity) => (bound > 0 ? Math.log10(bound) : none);

/**
 * Draws sorted into the bins of their axes.
 * @param {Float64Array[]} columns
 * @param {Range[]} ranges
 */
function binned(columns, ranges) {
  const n = columns[0]?.length ?? 0;
  const bins = binsFor(n);
  const indices = columns.map((values, j) => binIndices(values, ranges[j], bins));
  return {
    histograms: indices.map((of) => histogram(of, bins)),
    regions: (/** @type {number} */ x, /** @type {number} */ y) => credible(indices[x], indices[y], bins, n),
  };
}

/**
 * The axis while the observation is dragged: it only grows, so that the posterior moves and not the axis.
 * @param {Range} before
 * @param {Range} fresh
 * @returns {Range}
 */
const stretched = ([low, high], [newLow, newHigh]) => [Math.min(low, newLow), Math.max(high, newHigh)];
