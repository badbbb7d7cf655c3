/**
 * HDF5 files. A separate build converts them and is fetched with the first such file, so that the engine that every
 * visitor downloads stays small.
 */
import { moduleWorker } from './builds.js';
import { CRASH, failure, fromPlain } from './protocol.js';

const MAGIC = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** @param {Uint8Array} bytes */
export const isHdf5 = (bytes) => MAGIC.every((byte, i) => bytes[i] === byte);

/**
 * Converts an HDF5 file to a `.safetensors` file, which the engine reads with the same messages.
 *
 * Each conversion has a worker of its own, because the memory of WebAssembly never shrinks. Its 4 GiB must hold the file
 * and its unpacked arrays, and the engine needs as much for itself. If the memory does not suffice, only that worker ends.
 * @param {string} fileName
 * @param {Uint8Array} bytes
 * @param {{at: string, transfer?: boolean}} options where the builds are, and whether `bytes` may be taken away from
 *   the caller
 * @returns {Promise<Uint8Array>}
 */
export async function fromHdf5(fileName, bytes, { at, transfer = false }) {
  const worker = moduleWorker(new URL('./hdf5-worker.js', import.meta.url));
  try {
    const { result, error } = await new Promise((resolve, reject) => {
      const stopped = (/** @type {string} */ why) =>
        reject(failure('file', `${fileName}: the conversion from HDF5 stopped (${why})`));
      worker.onmessage = ({ data }) => resolve(data);
      worker.onmessageerror = () => stopped('a message could not be read');
      worker.onerror = (event) => {
        event.preventDefault();
        stopped(event.message || 'its worker could not be started');
      };
      worker.postMessage({ fileName, bytes, at }, transfer ? [bytes.buffer] : []);
    });
    if (!error) return result;
    throw error.code !== CRASH
      ? fromPlain(error)
      : failure(
          'file',
          `${fileName}: the conversion from HDF5 stopped ` +
            `(${error.message}); the file may be too large for a browser's memory. The command line reads larger ones.`,
        );
  } finally {
    worker.terminate();
  }
}
