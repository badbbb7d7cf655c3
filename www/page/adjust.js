/** Changes an observation as the sliders and the drag say. Pure functions: numbers in, a new observation out. */

/** @import { Spectrum } from '../views/types.d.ts' */

/** How wide a drag reaches, as a fraction of the data points. */
const DRAG_WIDTH = 0.04;

/** @typedef {{shift: number, scale: number, noise: number}} Change */

/** @type {Readonly<Change>} */
export const UNCHANGED = Object.freeze({ shift: 0, scale: 1, noise: 0 });

/**
 * Standard normal numbers, the same for the same seed (mulberry32, Box and Muller).
 * @param {number} n
 * @param {number} seed
 */
export function normals(n, seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Float64Array.from(
    { length: n },
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

/**
 * Adds a bump of height `dy` around the fraction `from` of the data points.
 * @param {Float64Array} bumps
 * @param {number} from
 * @param {number} dy
 */
export function addBump(bumps, from, dy) {
  const center = from * (bumps.length - 1);
  const width = Math.max(0.6, DRAG_WIDTH * bumps.length);
  return bumps.map((b, i) => b + dy * Math.exp(-0.5 * ((i - center) / width) ** 2));
}

/**
 * The observation as it is after a change. Noise that is added belongs to the uncertainty: with noise of n uncertainties,
 * the values have sqrt(1 + n^2) of the uncertainty that they had.
 * @param {Spectrum} observation
 * @param {Change} change `shift` is in standard deviations of the values, `scale` is about their mean, `noise` is in
 *   uncertainties (or in tenths of a standard deviation if there are none)
 * @param {Float64Array} bumps what dragging has added to each value
 * @returns {Spectrum}
 */
export function adjusted(observation, { shift, scale, noise }, bumps, noiseSeed = 1) {
  const { values, sigma, mask } = observation;
  const seen = values.filter((_, i) => !mask?.[i]);
  const mean = seen.reduce((a, b) => a + b, 0) / (seen.length || 1);
  const std = Math.sqrt(seen.reduce((a, b) => a + (b - mean) ** 2, 0) / (seen.length || 1)) || 1;
  const eps = noise ? normals(values.length, noiseSeed) : null;
  return {
    ...observation,
    ...(sigma && { sigma: sigma.map((s) => s * Math.hypot(1, noise)) }),
    values: values.map(
      (v, i) =>
        mean + scale * (v - mean) + shift * std + bumps[i] + (eps ? noise * eps[i] * (sigma?.[i] ?? 0.1 * std) : 0),
    ),
  };
}
