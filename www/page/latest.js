/** Does one piece of work at a time, always for the newest request. */

/**
 * Wraps `work`: while it runs, only the newest request waits, and older ones are dropped.
 * @template R
 * @param {(request: R) => Promise<unknown>} work
 * @returns {(request: R) => Promise<void>}
 */
export function latest(work) {
  let running = false;
  /** @type {{request: R}|null} */
  let waiting = null;
  return async function ask(request) {
    waiting = { request };
    if (running) return;
    running = true;
    try {
      while (waiting) {
        const { request: next } = waiting;
        waiting = null;
        await work(next);
      }
    } finally {
      running = false;
    }
  };
}
