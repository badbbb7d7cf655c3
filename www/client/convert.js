/** Conversions at the engine's border: files become bytes, and numbers of a summary become typed arrays. */
/** @import { ModelSummary } from './index.d.ts' */
import { fromHdf5, isHdf5 } from './hdf5.js';
import { failure } from './protocol.js';

/** A file beyond this cannot be held twice (as bytes and as arrays) in 32-bit wasm memory. */
const MAX_FILE_BYTES = 1.75 * 2 ** 30;

/**
 * The bytes of a file.
 * @param {string} fileName
 * @param {Uint8Array|Blob} data
 */
export async function bytesOf(fileName, data) {
  if (!(data instanceof Blob)) return data;
  if (data.size > MAX_FILE_BYTES) {
    const gibibytes = (/** @type {number} */ bytes) => bytes / 2 ** 30;
    throw failure(
      'file',
      `${fileName}: ${gibibytes(data.size).toFixed(1)} GiB; a browser can read files of up to ` +
        `${gibibytes(MAX_FILE_BYTES)} GiB. The command line reads larger ones.`,
    );
  }
  try {
    return new Uint8Array(await data.arrayBuffer());
  } catch {
    throw failure('file', `${fileName}: could not be read; it may have been moved or changed since it was chosen`);
  }
}

/**
 * The bytes of a file that the engine reads arrays from. An HDF5 file is converted first.
 * @param {string} fileName
 * @param {Uint8Array|Blob} data
 * @param {string} at where the builds are
 */
export async function arraysOf(fileName, data, at) {
  const bytes = await bytesOf(fileName, data);
  return isHdf5(bytes) ? fromHdf5(fileName, bytes, { at, transfer: bytes !== data }) : bytes;
}

/**
 * The arrays of a block of an observation as typed ones.
 * @param {any} block a plain object; what it lacks is null or absent
 */
const typedBlock = ({ values, sigma, mask, wavelengths, bands }) => ({
  ...(values && { values: Float32Array.from(values) }),
  ...(sigma && { sigma: Float32Array.from(sigma) }),
  ...(mask && { mask: Uint8Array.from(mask) }),
  ...(wavelengths && { wavelengths: Float64Array.from(wavelengths) }),
  ...(bands && { bands: typeof bands[0] === 'number' ? Float64Array.from(bands) : bands }),
});

/**
 * Turns the long lists of a model's summary into typed arrays. The engine gives the summary as plain JSON, while
 * observations have typed arrays everywhere else.
 * @template {ModelSummary|null} S
 * @param {S} summary changed in place
 */
export function typed(summary) {
  if (!summary) return summary;
  const { example, wavelengths } = summary;
  if (wavelengths) summary.wavelengths = Float64Array.from(wavelengths);
  if (example) {
    const { photometry, ...spectrum } = example.observation;
    example.theta = Float64Array.from(example.theta);
    example.observation = {
      ...typedBlock(spectrum),
      ...(photometry && { photometry: /** @type {any} */ (typedBlock(photometry)) }),
    };
  }
  return summary;
}
