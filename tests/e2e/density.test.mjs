/** What the corner plot's regions hold, by pure functions: no browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contourRings } from '../../www/views/contours.js';
import { cornerData } from '../../www/views/corner-data.js';
import { estimate } from '../../www/views/corner-panels.js';
import { axisRange, binIndices, binsFor, credible } from '../../www/views/density.js';
import { LEVELS, summarize } from '../../www/views/summary.js';
import { gaussian } from './helpers.mjs';

const N = 10000;

/** Each makes one draw of two parameters; `bounds` are what a prior would say of them. */
const SHAPES = {
  'a uniform box': {
    draw: ({ uniform }) => [uniform(), uniform()],
    bounds: [
      [0, 1],
      [0, 1],
    ],
  },
  'a uniform box whose bounds are not known': { draw: ({ uniform }) => [uniform(), uniform()] },
  'a Gaussian': { draw: ({ normal }) => [normal(), normal()] },
  'a Gaussian cut at its mean': {
    draw: ({ normal }) => [Math.abs(normal()), normal()],
    bounds: [
      [0, 9],
      [-9, 9],
    ],
  },
  'a Gaussian cut at two bounds': {
    draw: ({ normal }) => [Math.abs(normal()), -Math.abs(normal())],
    bounds: [
      [0, 9],
      [-9, 0],
    ],
  },
  'a narrow ridge': {
    draw: ({ normal }) => {
      const a = normal();
      return [a, a + 0.1 * normal()];
    },
  },
};

function drawn({ draw, bounds = [] }, n = N) {
  const random = gaussian(11);
  const pairs = Array.from({ length: n }, () => draw(random));
  const columns = [0, 1].map((j) => Float64Array.from(pairs, (pair) => pair[j]));
  const ranges = columns.map((values, j) => axisRange(summarize(values), undefined, bounds[j]));
  const bins = binsFor(n);
  const indices = columns.map((values, j) => binIndices(values, ranges[j], bins));
  return { n, columns, ranges, bins, regions: credible(...indices, bins, n) };
}

/** The outline that is drawn at `level`, as rings in units of cells. */
const outline = ({ bins, regions }, level) => contourRings(regions.grid, bins, bins, level);

/** The share of the draws inside rings that are filled by the even-odd rule. */
function shareInside({ n, columns, ranges, bins }, rings) {
  let count = 0;
  for (let i = 0; i < n; i++) {
    const [x, y] = columns.map((values, j) => ((values[i] - ranges[j][0]) / (ranges[j][1] - ranges[j][0])) * bins);
    count += rings.reduce((odd, ring) => odd ^ crossings(ring, x, y), 0);
  }
  return count / n;
}

function crossings(ring, x, y) {
  let odd = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const [xi, yi, xj, yj] = [ring[i], ring[i + 1], ring[j], ring[j + 1]];
    if (yi > y !== yj > y && x < xi + ((xj - xi) * (y - yi)) / (yj - yi)) odd ^= 1;
  }
  return odd;
}

for (const [name, shape] of Object.entries(SHAPES)) {
  for (const n of [2000, N]) {
    test(`the 68 % and 95 % regions of ${name} hold that share of ${n} draws`, () => {
      const plot = drawn(shape, n);
      plot.regions.levels.forEach((level, i) => {
        const share = shareInside(plot, outline(plot, level));
        assert.ok(Math.abs(share - LEVELS[i]) < 0.02, `${share} of the draws inside, expected ${LEVELS[i]}`);
      });
    });
  }
}

test('an axis ends only on a bound that draws come close to', () => {
  const {
    ranges: [[low, high], [left, right]],
  } = drawn(SHAPES['a Gaussian cut at its mean']);
  assert.equal(low, 0);
  assert.ok(high > 3 && high < 5, `${high}`);
  assert.ok(left > -5 && left < -3 && right > 3 && right < 5, `${left} to ${right}`);
});

test('draws beyond a bound are on the axis', () => {
  const values = Float64Array.from({ length: 1000 }, (_, i) => i / 999);
  assert.ok(axisRange(summarize(values), undefined, [0.5, 2])[0] <= 0.002);
});

test('an axis that follows a truth does not go beyond the bound', () => {
  const values = Float64Array.from({ length: 1000 }, (_, i) => 0.5 + i / 999);
  assert.equal(axisRange(summarize(values), 0.05, [0, 2])[0], 0);
});

test('draws on the ends of the axis are counted', () => {
  assert.deepEqual([...binIndices(Float64Array.of(0, 0.5, 1, 1.1, -0.1), [0, 1], 4)], [0, 2, 3, -1, -1]);
});

test('a region cut by a bound closes along it', () => {
  const plot = drawn(SHAPES['a Gaussian cut at its mean']);
  for (const level of plot.regions.levels) {
    const rings = outline(plot, level);
    const ring = rings.sort((a, b) => b.length - a.length)[0];
    const points = Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i], ring[2 * i + 1]]);
    const onBound = points.filter(([x]) => x === 0).map(([, y]) => y);
    assert.ok(onBound.length > 10, 'the outline lies on the bound');
    assert.ok(
      points.every(([x]) => x === 0 || x >= 0.5),
      'no point turns away just before it',
    );
    // A line arrives at a right angle: at the centers of the outermost cells it is as high as on the bound.
    for (const end of [Math.min(...onBound), Math.max(...onBound)]) {
      assert.ok(
        points.some(([x, y]) => x === 0.5 && Math.abs(y - end) < 1e-9),
        `no line arrives at ${end}`,
      );
    }
  }
});

test('a density that is even up to a bound is even after smoothing', () => {
  const {
    regions: { grid },
    bins,
  } = drawn(SHAPES['a Gaussian cut at its mean']);
  const middle = Math.floor(bins / 2) * bins;
  const ratio = grid[middle] / grid[middle + 3];
  assert.ok(ratio > 0.9 && ratio < 1.2, `at the bound the density is ${ratio} of that beside it`);
});

/** A corner plot of one parameter, even in its logarithm from 1e-6 to 1e-2. */
function ofLogarithmic({ logarithmic = [true], first = 1e-5 } = {}) {
  const draws = Float64Array.from({ length: N }, (_, i) => (i === 0 ? first : 10 ** (-6 + (4 * (i + 0.5)) / N)));
  const posterior = { draws, n: N, d: 1, names: ['P'], bounds: [[1e-6, 1e-2]], truth: [1e-4], logarithmic };
  return cornerData(posterior, [0], null, async () => true);
}

test('a parameter with a prior of its logarithm has a logarithmic axis, and its quantiles stay quantiles', async () => {
  const { ranges, histograms, places, statistics, truth } = await ofLogarithmic();
  assert.deepEqual(ranges[0], [-6, -2]);
  assert.equal(truth[0], -4);
  for (const end of ['median', 'low68', 'high95']) assert.equal(places[0][end], Math.log10(statistics[0][end]));
  // Even in the logarithm: every bin has the same share, up to the draws on the border of two bins.
  const [least, most] = [Math.min(...histograms[0]), Math.max(...histograms[0])];
  assert.ok(most - least <= 3, `${least} to ${most}`);
  const linear = await ofLogarithmic({ logarithmic: [false] });
  assert.ok(Math.max(...linear.histograms[0]) > N / 3, 'on a linear axis most draws are in one bin');
});

test('a draw that has no logarithm keeps the axis linear, so that it is shown', async () => {
  const { logarithmic, ranges } = await ofLogarithmic({ first: -1e-3 });
  assert.deepEqual(logarithmic, [false]);
  assert.ok(ranges[0][0] < 1e-6);
});

test('the estimate over a panel has the digits of its interval', () => {
  const interval = { median: 5.2361, low68: 4.4321, high68: 6.1234 };
  assert.equal(estimate(interval, false), '5.24 +0.89 \u22120.80');
  assert.equal(estimate({ median: 1.234e-4, low68: 3.21e-6, high68: 0.00234 }, true), '3.2×10⁻⁶ to 0.0023');
});
