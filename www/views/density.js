/** From draws to what a corner plot shows: quantiles, histograms, smoothed densities, credible levels. */

/** The probabilities of a Gaussian within 1 and 2 sigma of its mean, as the page's 68 % and 95 %. */
export const MASS = [0.6827, 0.9545];

/** Column `j` of row-major `draws`. */
export function column(draws, n, d, j) {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = draws[i * d + j];
  return out;
}

/** The `p` quantile of ascending values, linear between neighbors (NumPy's default). */
export function quantile(sorted, p) {
  const at = p * (sorted.length - 1);
  const i = Math.floor(at);
  const next = Math.min(i + 1, sorted.length - 1);
  return sorted[i] + (at - i) * (sorted[next] - sorted[i]);
}

/** The share of ascending values that are below `value`. */
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

/** Median, 68 % and 95 % intervals (between quantiles) of one column. */
export function summarize(values) {
  const sorted = values.slice().sort();
  const [low95, low68, median, high68, high95] = [
    (1 - MASS[1]) / 2,
    (1 - MASS[0]) / 2,
    0.5,
    (1 + MASS[0]) / 2,
    (1 + MASS[1]) / 2,
  ].map((p) => quantile(sorted, p));
  return { sorted, median, low68, high68, low95, high95 };
}

/**
 * The axis for one parameter: nearly all draws, with a margin, but no further than draws can lie. An axis that ends on
 * the prior's bound ends where the density does, so that smoothing can mirror there; where no bound is known, the
 * outermost draw stands for it.
 * @param {[number, number]} bounds the prior's, infinite where it has none
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
  // A truth far outside says so in the table; the axis follows it only as far as the plot stays readable.
  if (Number.isFinite(truth)) {
    if (truth < low && low - truth < 2 * width) low = Math.max(truth - margin, Math.min(truth, bounds[0]));
    if (truth > high && truth - high < 2 * width) high = Math.min(truth + margin, Math.max(truth, bounds[1]));
  }
  return high > low ? [low, high] : [low - margin, low + margin];
}

/** Bins per axis for `n` draws. */
export const binsFor = (n) => (n >= 8000 ? 44 : n >= 1500 ? 32 : 24);

/** The bin of each value within `range`, its upper end included; -1 outside. */
export function binIndices(values, [low, high], bins) {
  const out = new Int16Array(values.length);
  const scale = bins / (high - low);
  for (let i = 0; i < values.length; i++) {
    const at = (values[i] - low) * scale;
    out[i] = values[i] >= low && values[i] <= high ? Math.min(bins - 1, Math.floor(at)) : -1;
  }
  return out;
}

/** Draws per bin. */
export function histogram(indices, bins) {
  const out = new Float64Array(bins);
  for (const i of indices) if (i >= 0) out[i] += 1;
  return out;
}

/** Draws per cell of a pair of parameters, row by row: `y` chooses the row. */
export function histogram2d(xs, ys, bins) {
  const out = new Float64Array(bins * bins);
  for (let i = 0; i < xs.length; i++) {
    if (xs[i] >= 0 && ys[i] >= 0) out[ys[i] * bins + xs[i]] += 1;
  }
  return out;
}

/** A Gaussian of standard deviation `width` bins, and its reach. */
function kernel(width) {
  const reach = Math.ceil(2.5 * width);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / width) ** 2));
  const total = weights.reduce((a, b) => a + b);
  return { reach, weights: weights.map((w) => w / total) };
}

/**
 * Smooths along lines of `length` values that lie `stride` apart. What leaves an edge is folded back: no mass is lost,
 * and a density that ends there does not fall off towards it.
 */
function smoothLines(from, to, lines, length, stride, between, { reach, weights }) {
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

/** A smoothed copy of a histogram. */
export function smooth(values, width) {
  const out = new Float64Array(values.length);
  smoothLines(values, out, 1, values.length, 1, 0, kernel(width));
  return out;
}

/** A smoothed copy of a square histogram. */
export function smooth2d(grid, bins, width) {
  const k = kernel(width);
  const half = new Float64Array(grid.length);
  const out = new Float64Array(grid.length);
  smoothLines(grid, half, bins, bins, 1, bins, k);
  smoothLines(half, out, bins, bins, bins, 1, k);
  return out;
}

/**
 * The densities above which `masses` of all `n` draws lie: highest-density regions. The draws themselves are counted,
 * since smoothing widens what it smooths: the mass of the smoothed density inside is less than that of the draws.
 * @param {Float64Array} density the smoothed histogram
 * @param {Float64Array} counts the histogram as it was
 */
export function levelsFor(density, counts, n, masses = MASS) {
  const cells = Uint16Array.from(density.keys()).sort((a, b) => density[b] - density[a]);
  const levels = [];
  let sum = 0;
  let i = 0;
  for (const mass of masses) {
    while (i < cells.length - 1 && sum + counts[cells[i]] < mass * n) sum += counts[cells[i++]];
    levels.push(density[cells[i]]);
  }
  return levels;
}

/** Smoothed density of a pair of parameters, and the levels of its 68 % and 95 % regions. */
export function credible(xs, ys, bins, n) {
  const counts = histogram2d(xs, ys, bins);
  const grid = smooth2d(counts, bins, bins / (n >= 8000 ? 29 : n >= 1500 ? 21 : 15));
  return { grid, bins, levels: levelsFor(grid, counts, n).map((level) => Math.max(level, 1e-9)) };
}
