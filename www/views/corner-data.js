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
 * @property {Statistics[]} statistics
 * @property {Range[]} ranges of the axes
 * @property {(number|undefined)[]} truth
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
  const truth = shown.map((k) => posterior.truth?.[k]);
  const columns = [];
  const statistics = [];
  for (const k of shown) {
    const values = column(draws, n, d, k);
    columns.push(values);
    statistics.push(summarize(values));
    if (!(await mayGoOn())) return null;
  }
  const fresh = statistics.map((s, j) => axisRange(s, truth[j], bounds?.[shown[j]]));
  const same = before?.names.join() === names.join();
  const ranges = before && keepAxes && same ? before.ranges.map((range, j) => stretched(range, fresh[j])) : fresh;

  const own = binned(columns, ranges);
  const other = reference
    ? binned(
        shown.map((k) => column(reference.draws, reference.n, d, k)),
        ranges,
      )
    : null;
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
    ranges,
    truth,
    histograms: own.histograms,
    references: other?.histograms ?? null,
    pairs,
  };
}

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
