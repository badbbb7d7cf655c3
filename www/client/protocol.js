/** Both sides of the worker's border: what may be called, what may happen, and how values cross. */

/** Everything that can happen in a training run, as `event.kind`. */
export const EVENT = Object.freeze({
  STARTED: 'started', // step, steps_per_epoch, total_steps, num_parameters, n_train, n_validation, validation_rows
  PROGRESS: 'progress', // step, total_steps, epoch, num_epochs, train_loss, steps_per_second
  EPOCH: 'epoch', // epoch, train_loss, validation_loss, best, learning_rate, gradient_norm, skipped
  SKIPPED: 'skipped', // step, count: a batch with a number that was not finite
  FINISHED: 'finished', // reason, best_epoch, best_validation_loss, passed_over
});

/** How a training run or a check ended, as `(await run.done).status`. */
export const STATUS = Object.freeze({ FINISHED: 'finished', STOPPED: 'stopped', CANCELLED: 'cancelled' });

/** The engine's calls, one to one; the client and the engine in-thread both have a method for each. */
export const CALLS = Object.freeze([
  'selfTest',
  'timeDevice',
  'options',
  'simulate',
  'readSet',
  'setRow',
  'readObservation',
  'checkObservation',
  'interpolateObservation',
  'saveModel',
  'loadModel',
  'fromMetadata',
  'metadata',
  'modelSummary',
  'encodeObservation',
  'batchEncodeObservation',
  'samplePosterior',
  'batchSamplePosterior',
  'importance',
  'logProb',
  'batchLogProb',
  'convert',
  'drawsFile',
]);

/** The worker's own calls besides: begin on a device, train, check, and steer what of these is under way. */
export const CREATE = 'create';
export const TRAIN = 'train';
export const CHECK = 'check';
export const STEER = 'steer';

/** How a worker sends a checkpoint, among the events of a run; the client keeps it to itself. */
export const CHECKPOINT = 'checkpoint';

/** The code of an error after which the worker is of no further use. */
export const CRASH = 'crash';

/** An error as every caller sees it: `code` for programs, `message` for people. */
export function failure(code, message, extra = {}) {
  return Object.assign(new Error(message), { code, ...extra });
}

/** An error as a plain object that can cross. A wasm trap means the instance is dead: its code is `crash`. */
export function toPlain(error) {
  const dead = error instanceof WebAssembly.RuntimeError || error?.code === CRASH;
  return {
    code: dead ? CRASH : (error?.code ?? 'internal'),
    message: String(error?.message ?? error),
    arrays: error?.arrays, // of a set that was refused
    summary: error?.summary, // of the model that a failed training leaves, and its bytes
    model: error?.model,
  };
}

/** The way back. */
export function fromPlain({ code, message, ...extra }) {
  return failure(code, message, Object.fromEntries(Object.entries(extra).filter(([, value]) => value)));
}

/** The buffers inside a result, so that big arrays cross without a copy. */
export function transferables(value, found = new Set()) {
  if (ArrayBuffer.isView(value)) {
    // A view into wasm memory must be copied instead: transferring it would take the engine's memory away.
    const whole = value.byteOffset === 0 && value.byteLength === value.buffer.byteLength;
    if (whole && value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (Array.isArray(value)) {
    // Lists hold small things (histories, names), unless their first element says otherwise.
    if (typeof value[0] === 'object') for (const item of value) transferables(item, found);
  } else if (value && typeof value === 'object') {
    for (const item of Object.values(value)) transferables(item, found);
  }
  return [...found];
}
