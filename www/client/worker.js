/** The module worker: an engine in this thread, and messages in and out. No logic of its own. */
import { LocalFlowglass } from './engine.js';
import { CREATE, STEER, TRAIN, toPlain, transferables } from './protocol.js';

/** @type {LocalFlowglass} */
let flowglass;
let run = null;

async function answer(id, method, args) {
  switch (method) {
    case CREATE:
      flowglass = await LocalFlowglass.create(...args);
      return flowglass.info;
    case TRAIN: {
      run = flowglass.train(args[0], { onEvent: (event) => postMessage({ id, event }) });
      const ended = await run.done;
      // The client keeps the bytes, so that the model outlives this worker.
      return { ...ended, model: ended.summary ? await flowglass.saveModel() : null };
    }
    case STEER:
      return run?.[args[0]]();
    default:
      return flowglass[method](...args);
  }
}

addEventListener('message', async ({ data: { id, method, args } }) => {
  try {
    const result = await answer(id, method, args);
    postMessage({ id, result }, transferables(result));
  } catch (error) {
    postMessage({ id, error: toPlain(error) });
  }
});
