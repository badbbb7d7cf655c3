/** The builds of the Rust code, each in a folder of its own below pkg/, loaded when it is wanted. */
import { failure } from './protocol.js';

/**
 * @param {string} folder below pkg/
 * @param {string} name what the build is for, in messages
 * @returns {Promise<object>} its module, ready for calls
 */
export async function loadBuild(folder, name) {
  const url = new URL(`../pkg/${folder}/flowglass.js`, import.meta.url);
  try {
    const module = await import(url.href);
    await module.default();
    return module;
  } catch (error) {
    const answer = await fetch(url, { method: 'HEAD' }).catch(() => null);
    if (answer?.ok) throw failure('device', `The build for ${name} did not start: ${error.message ?? error}`);
    throw failure(
      'device',
      answer
        ? `The build for ${name} is not on this site yet; try again in a few minutes.`
        : `The build for ${name} could not be fetched; is the connection still there?`,
    );
  }
}
