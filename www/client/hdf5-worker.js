/** The module worker that converts one HDF5 file: see hdf5.js. */
import { loadBuild } from './builds.js';
import { failure, toPlain } from './protocol.js';

addEventListener('message', async ({ data: { fileName, bytes, at } }) => {
  try {
    const { hdf5ToSafetensors } = await loadBuild('hdf5', at, 'HDF5').catch(({ message }) => {
      throw failure('file', `${fileName}: ${message}`);
    });
    const result = hdf5ToSafetensors(fileName, bytes);
    postMessage({ result }, { transfer: [result.buffer] });
  } catch (error) {
    postMessage({ error: toPlain(error) });
  }
});
