/** One piece of work at a time, always with the newest request; those it overtook are never begun. */
export function latest(work) {
  let running = false;
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
