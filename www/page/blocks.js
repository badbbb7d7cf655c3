/** What of an observation is drawn and changed: its spectrum, or its photometry where it has no spectrum. */

/** @returns {{values: Float32Array, sigma?: Float32Array, mask?: Uint8Array, wavelengths?: Float64Array}} */
export function drawn(observation) {
  if (observation.values) return observation;
  const { bands, ...block } = observation.photometry;
  return { ...block, ...(bands instanceof Float64Array && { wavelengths: bands }) };
}

/** The observation with other values in what is drawn of it. */
export const withValues = (observation, { values }) =>
  observation.values
    ? { ...observation, values }
    : { ...observation, photometry: { ...observation.photometry, values } };
