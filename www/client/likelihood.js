/**
 * The caller's likelihood on its way to the engine. A function cannot be sent to a worker, so its source is sent instead,
 * or the address of a module.
 */
/** @import { Likelihood } from './index.d.ts' */
import { failure, messageOf } from './protocol.js';

/** @typedef {{source: string, url?: undefined}|{url: string, source?: undefined}} Portable what can be sent to a worker */

/**
 * Turns a likelihood into what can be sent to a worker.
 * @param {Likelihood|URL|string|Portable|null} [likelihood]
 * @returns {Portable|null}
 */
export function portable(likelihood) {
  if (likelihood == null) return null;
  if (typeof likelihood === 'function') return { source: String(likelihood) };
  if (likelihood instanceof URL) return { url: likelihood.href };
  if (typeof likelihood === 'string') return { url: new URL(likelihood, location.href).href };
  if (likelihood.source || likelihood.url) return likelihood;
  throw failure('likelihood', `likelihood: a ${typeof likelihood}: expected a function or the address of a module`);
}

/**
 * Turns a likelihood into a function.
 * @param {Likelihood|URL|string|Portable|null} [likelihood]
 * @returns {Promise<Likelihood|undefined>}
 */
export async function loaded(likelihood) {
  if (likelihood == null) return undefined;
  if (typeof likelihood === 'function') return likelihood;
  const { source, url } = portable(likelihood) ?? {};
  return source ? fromSource(source) : fromModule(String(url));
}

/**
 * @param {string} url
 * @returns {Promise<Likelihood>}
 */
async function fromModule(url) {
  const { default: likelihood } = await import(url).catch((error) => {
    throw failure('likelihood', `likelihood: the module ${url} could not be loaded (${messageOf(error)})`);
  });
  if (typeof likelihood === 'function') return likelihood;
  throw failure('likelihood', `likelihood: the module ${url}: expected one whose default export is a function`);
}

/**
 * @param {string} source
 * @returns {Promise<Likelihood>}
 */
async function fromSource(source) {
  // The source of a method, `likelihood(theta, observation) { … }`, is not an expression by itself.
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

/**
 * Wraps a likelihood: the error of a name that is not found explains that nothing outside of the function exists.
 * @type {(likelihood: Likelihood) => Likelihood}
 */
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
