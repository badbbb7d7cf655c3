/** What the sliders of the page make of an observation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adjusted, UNCHANGED } from '../../www/page/adjust.js';

const POINTS = 4000;
const OBSERVATION = { values: new Float32Array(POINTS), sigma: new Float32Array(POINTS).fill(0.5) };
const NO_BUMPS = new Float64Array(POINTS);

test('noise that is added belongs to the uncertainty', () => {
  const noise = 2;
  // The observation has no noise of its own, so its values scatter by noise * sigma, and what the slider adds is all of it.
  const { values, sigma } = adjusted(OBSERVATION, { ...UNCHANGED, noise }, NO_BUMPS);
  const scatter = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / POINTS);
  const added = Math.sqrt(sigma[0] ** 2 - OBSERVATION.sigma[0] ** 2);
  // Five standard errors of a standard deviation: 5 / sqrt(2 n).
  assert.ok(Math.abs(scatter / added - 1) < 5 / Math.sqrt(2 * POINTS), `${scatter} beside ${added}`);
});

test('without noise the uncertainty stays', () => {
  const { sigma } = adjusted(OBSERVATION, { ...UNCHANGED, shift: 1 }, NO_BUMPS);
  assert.deepEqual(sigma, OBSERVATION.sigma);
});

test('an observation without uncertainties gets none', () => {
  const { sigma } = adjusted({ values: OBSERVATION.values }, { ...UNCHANGED, noise: 1 }, NO_BUMPS);
  assert.equal(sigma, undefined);
});
