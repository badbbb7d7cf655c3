/** The block of an observation that is drawn and changed: its spectrum, or its photometry if it has no spectrum. */
/** @import { Observation } from '../client/index.js' */
/** @import { Spectrum } from '../views/types.d.ts' */

/**
 * The block as it is drawn. Bands with central wavelengths have these as their grid.
 * @param {Observation} observation
 * @returns {Spectrum}
 */
export function drawn({ values, sigma, mask, wavelengths, photometry }) {
  if (values) return { values, sigma, mask, wavelengths };
  if (!photometry) throw new TypeError('an observation has a spectrum or photometry');
  const { bands, ...block } = photometry;
  return { ...block, ...(bands instanceof Float64Array && { wavelengths: bands }) };
}

/**
 * The observation with other values and uncertainties in that block.
 * @param {Observation} observation
 * @param {Pick<Spectrum, 'values'|'sigma'>} changed
 * @returns {Observation}
 */
export function withBlock(observation, { values, sigma }) {
  const changed = { values, ...(sigma && { sigma }) };
  return observation.photometry && !observation.values
    ? { ...observation, photometry: { ...observation.photometry, ...changed } }
    : { ...observation, ...changed };
}
