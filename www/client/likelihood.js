/**
 * A likelihood of the user's own on its way to the engine. A worker cannot be handed a function: what crosses is the
 * function's source, or the address of a module.
 */
import { failure } from './protocol.js';

/**
 * ln p(x | theta) up to a constant, and its gradient with respect to theta, for one theta and one observation.
 * @callback Likelihood
 * @param {Float64Array} theta (D), in physical units
 * @param {{values: Float32Array, sigma?: Float32Array, mask?: Uint8Array, wavelengths?: Float64Array}} observation (W)
 *   each, as the set has it: zero with the uncertainty one where it is masked (`mask` is 1)
 * @returns {{value: number, gradient: ArrayLike<number>}} `gradient`: (D). Where a number is not finite, the step of
 *   training is skipped
 */

/**
 * What a worker can be sent of it.
 * @param {Likelihood|URL|string|null} [likelihood] a function that uses nothing from outside of itself, or the address
 *   of a module whose default export is the function
 * @returns {{source: string}|{url: string}|null}
 */
export function portable(likelihood) {
  if (likelihood == null) return null;
  if (typeof likelihood === 'function') return { source: String(likelihood) };
  if (likelihood instanceof URL) return { url: likelihood.href };
  if (typeof likelihood === 'string') return { url: new URL(likelihood, location.href).href };
  if (likelihood.source || likelihood.url) return likelihood;
  throw failure('likelihood', `likelihood: a ${typeof likelihood}: expected a function or the address of a module`);
}

/** The function itself, of all that `portable` takes or returns. @returns {Promise<Likelihood|undefined>} */
export async function loaded(likelihood) {
  if (likelihood == null) return undefined;
  if (typeof likelihood === 'function') return likelihood;
  const { source, url } = portable(likelihood);
  return source ? fromSource(source) : fromModule(url);
}

async function fromModule(url) {
  const { default: likelihood } = await import(url).catch((error) => {
    throw failure('likelihood', `likelihood: the module ${url} could not be loaded (${error.message})`);
  });
  if (typeof likelihood === 'function') return likelihood;
  throw failure('likelihood', `likelihood: the module ${url}: expected one whose default export is a function`);
}

async function fromSource(source) {
  // A method, `{ likelihood(theta, observation) { … } }`, is no expression by itself.
  for (const expression of [`(${source}\n)`, `Object.values({ ${source}\n })[0]`]) {
    const url = URL.createObjectURL(new Blob([`export default ${expression};`], { type: 'text/javascript' }));
    try {
      return selfContained((await import(url)).default);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    } finally {
      URL.revokeObjectURL(url);
    }
  }
  throw failure(
    'likelihood',
    'likelihood: a function whose source cannot be handed to a worker: expected one written ' +
      'out in full, or the address of a module',
  );
}

/** Says what a name that is not found means here. */
const selfContained = (likelihood) => (theta, observation) => {
  try {
    return likelihood(theta, observation);
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new ReferenceError(
      `${error.message} (the function runs in a worker, where nothing outside of it exists; a ` +
        'module may import and define what it needs)',
    );
  }
};
