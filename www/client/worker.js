/** The module worker: an engine in this thread, and messages in and out. No logic of its own. */
import { LocalFlowglass } from './engine.js';
import { CHECK, CHECKPOINT, CRASH, CREATE, STEER, TRAIN, failure, toPlain, transferables } from './protocol.js';

/** @type {LocalFlowglass} */
let flowglass;
/** Training and check, the latest of each. */
const runs = {};

async function answer(id, method, args) {
  switch (method) {
    case CREATE:
      flowglass = await LocalFlowglass.create(...args);
      // Uncaught, which ends this worker for the client: nothing more can be had from a device that is gone.
      flowglass.addEventListener('lost', ({ detail }) => {
        throw new Error(detail.reason);
      });
      return flowglass.info;
    case TRAIN: {
      const [config, how] = args;
      const run = flowglass.train(config, {
        ...how,
        onEvent: (event) => postMessage({ id, event }),
        onCheckpoint: (bytes) => postMessage({ id, event: { kind: CHECKPOINT, bytes } }, transferables(bytes)),
      });
      runs[TRAIN] = run;
      // The client keeps the bytes, so that the model outlives this worker.
      const withModel = async (ended) =>
        Object.assign(ended, { model: ended.summary && (await flowglass.saveModel()) });
      return run.done.then(withModel, async (error) => {
        throw await withModel(error);
      });
    }
    case CHECK:
      runs[CHECK] = flowglass.check(args[0], { onProgress: (event) => postMessage({ id, event }) });
      return runs[CHECK].done;
    case STEER: {
      const [which, verb] = args;
      return runs[which]?.[verb]();
    }
    default:
      return flowglass[method](...args);
  }
}

addEventListener('message', async ({ data: { id, method, args } }) => {
  try {
    const result = await answer(id, method, args);
    postMessage({ id, result }, transferables(result));
  } catch (error) {
    // A graphics device that failed once is not asked again.
    const gone = error?.code === 'device' && flowglass?.info.device === 'webgpu';
    const plain = toPlain(gone ? failure(CRASH, error.message) : error);
    postMessage({ id, error: plain }, transferables(plain));
  }
});
