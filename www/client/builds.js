/** Loads the builds of the Rust code. Each has a folder of its own, and is loaded when it is needed. */
/** @import { Build } from './wasm.d.ts' */
import { failure, messageOf } from './protocol.js';

/** The folder of the builds, beside the client's folder. */
const BESIDE = new URL('../pkg/', import.meta.url).href;

/**
 * The address of the folder of the builds: the caller's, or the one beside the client.
 * @param {URL|string} [given] relative to the page
 * @returns {string} its address, with a slash at its end
 */
export const buildsAt = (given) => (given ? new URL(given, location.href).href.replace(/\/*$/, '/') : BESIDE);

/**
 * Loads a build.
 * @param {string} folder
 * @param {string} at where the builds are
 * @param {string} name what the build is for, in messages
 * @returns {Promise<Build>} its module, ready for calls
 */
export async function loadBuild(folder, at, name) {
  const url = new URL(`${folder}/flowglass.js`, at);
  try {
    const module = await import(url.href);
    await module.default();
    return module;
  } catch (error) {
    const answer = await fetch(url, { method: 'HEAD' }).catch(() => null);
    if (answer?.ok) throw failure('device', `The build for ${name} did not start: ${messageOf(error)}`);
    throw failure(
      'device',
      answer
        ? `The build for ${name} is not on this site yet; try again in a few minutes.`
        : `The build for ${name} could not be fetched; is the connection still there?`,
    );
  }
}

/**
 * Starts a module worker with a script of the client. A browser starts no worker with a script of another origin. So if
 * the client lies on another origin, the worker gets a script of the page's origin, which imports the client's.
 * @param {URL} url
 */
export function moduleWorker(url) {
  if (url.origin === location.origin) return new Worker(url, { type: 'module' });
  const script = new Blob([`import ${JSON.stringify(url.href)};`], { type: 'text/javascript' });
  const address = URL.createObjectURL(script);
  const worker = new Worker(address, { type: 'module' });
  // The worker fetches its script later, so the address is never revoked.
  return worker;
}
