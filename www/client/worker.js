/** The module worker: an engine in this thread, and messages in and out. */
/** @import { CheckRun, EngineOptions, FlowglassError, LocalCheckRun, TrainingRun } from './index.d.ts' */
import { LocalFlowglass } from './engine.js';
import {
  CHECK,
  CHECK_AT,
  CHECKPOINT,
  CRASH,
  CREATE,
  failure,
  STEER,
  TRAIN,
  toPlain,
  transferables,
} from './protocol.js';

/** @type {LocalFlowglass} */
let flowglass;

/**
 * Training and check, the latest of each.
 * @type {{train?: TrainingRun, check?: CheckRun|LocalCheckRun}}
 */
const runs = {};

/**
 * Sends a message to the client; its buffers go along without a copy.
 * @param {object} message
 */
const post = (message) => postMessage(message, { transfer: transferables(message) });

/**
 * Trains. The client is sent the model as bytes, so that the model outlives this worker.
 * @param {number} id the call
 * @param {any[]} args
 */
async function train(id, [config, hooks]) {
  const run = flowglass.train(config, {
    ...hooks,
    onEvent: (event) => postMessage({ id, event }),
    onCheckpoint: (bytes) => post({ id, event: { kind: CHECKPOINT, bytes } }),
  });
  runs.train = run;
  const withModel = async (/** @type {any} */ ended) =>
    Object.assign(ended, { model: ended.summary && (await flowglass.saveModel()) });
  const ended = await run.done.catch(async (error) => {
    throw await withModel(error);
  });
  return withModel(ended);
}

/**
 * @param {number} id the call
 * @param {string} method
 * @param {any[]} args
 */
async function answer(id, method, args) {
  switch (method) {
    case CREATE:
      flowglass = await LocalFlowglass.create(/** @type {EngineOptions} */ (args[0]));
      // An uncaught error ends this worker for the client: a lost device computes nothing more.
      flowglass.addEventListener('lost', ({ detail }) => {
        throw new Error(detail.reason);
      });
      return flowglass.info;
    case TRAIN:
      return train(id, args);
    case CHECK:
      runs.check = flowglass.check(args[0], { onProgress: (event) => postMessage({ id, event }) });
      return runs.check.done;
    case CHECK_AT:
      runs.check = flowglass.checkAt(args[0], args[1], { onProgress: (event) => postMessage({ id, event }) });
      return runs.check.done;
    case STEER: {
      const [which, verb] = args;
      return /** @type {any} */ (runs)[which]?.[verb]();
    }
    default:
      return /** @type {any} */ (flowglass)[method](...args);
  }
}

addEventListener('message', async ({ data: { id, method, args } }) => {
  try {
    post({ id, result: await answer(id, method, args) });
  } catch (thrown) {
    const error = /** @type {FlowglassError} */ (thrown);
    // A graphics device that failed once is not used again.
    const gone = error?.code === 'device' && flowglass?.info.device === 'webgpu';
    post({ id, error: toPlain(gone ? failure(CRASH, error.message) : error) });
  }
});
