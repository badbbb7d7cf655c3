/** Draws in numbers, by the same definitions as `summarize` of the engine; a test compares the two. */
/** @import { Statistics } from './types.d.ts' */

/** Credibilities of the central intervals and of the regions that the views show. */
export const LEVELS = /** @type {const} */ ([0.68, 0.95]);

/**
 * Column `j` of row-major draws.
 * @param {ArrayLike<number>} draws (n, d)
 * @param {number} n
 * @param {number} d
 * @param {number} j
 */
export function column(draws, n, d, j) {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = draws[i * d + j];
  return out;
}

/**
 * The `p` quantile of ascending values, linear between neighbors (NumPy's default).
 * @param {ArrayLike<number>} sorted
 * @param {number} p
 */
export function quantile(sorted, p) {
  const at = p * (sorted.length - 1);
  const i = Math.floor(at);
  const next = Math.min(i + 1, sorted.length - 1);
  return sorted[i] + (at - i) * (sorted[next] - sorted[i]);
}

/**
 * The share of ascending values that are below `value`.
 * @param {ArrayLike<number>} sorted
 * @param {number} value
 */
export function rank(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}

/**
 * Median and central intervals of one parameter's draws.
 * @param {Float64Array} values
 * @returns {Statistics}
 */
export function summarize(values) {
  const sorted = values.slice().sort();
  const [[low68, high68], [low95, high95]] = LEVELS.map((level) => [
    quantile(sorted, (1 - level) / 2),
    quantile(sorted, (1 + level) / 2),
  ]);
  return { sorted, median: quantile(sorted, 0.5), low68, high68, low95, high95 };
}
