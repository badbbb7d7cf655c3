/** Rests between two pieces of work, so that messages are handled and other threads have the processor. */

/**
 * Makes a function that rests for `ms` milliseconds, and at least until all waiting messages are handled. Without a
 * pause it uses a message channel, because a nested `setTimeout` would take 4 ms or more.
 * @param {number} ms
 * @returns {{rest: () => Promise<void>, end: () => void}}
 */
export function turns(ms = 0) {
  if (ms > 0) return { rest: () => new Promise((resolve) => setTimeout(resolve, ms)), end: () => {} };
  const { port1, port2 } = new MessageChannel();
  /** @type {(() => void)[]} */
  const waiting = [];
  port1.onmessage = () => waiting.shift()?.();
  return {
    rest: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        port2.postMessage(0);
      }),
    end: () => port1.close(),
  };
}
