/** What the page's thread and the worker share: names of calls and events, and the form in which values cross. */
/** @import { EngineCalls, ErrorCode, FlowglassError } from './index.d.ts' */

/** Everything that can happen in a training run, as `event.kind`; `training.d.ts` has what each event says. */
export const EVENT = Object.freeze({
  STARTED: 'started',
  PROGRESS: 'progress',
  EPOCH: 'epoch',
  SKIPPED: 'skipped',
  FINISHED: 'finished',
});

/** How a training run or a check ended, as `(await run.done).status`. */
export const STATUS = Object.freeze({ FINISHED: 'finished', STOPPED: 'stopped', CANCELLED: 'cancelled' });

/**
 * The engine's calls. The compiler compares this list with `EngineCalls`.
 * @type {Record<keyof EngineCalls, true>}
 */
const ENGINE_CALLS = {
  selfTest: true,
  timeDevice: true,
  options: true,
  optionsWithoutEffect: true,
  simulators: true,
  simulate: true,
  whatIs: true,
  readSet: true,
  setRow: true,
  readObservation: true,
  checkObservation: true,
  misfit: true,
  interpolateObservation: true,
  saveModel: true,
  loadModel: true,
  fromMetadata: true,
  metadata: true,
  modelSummary: true,
  encodeObservation: true,
  batchEncodeObservation: true,
  samplePosterior: true,
  batchSamplePosterior: true,
  importance: true,
  logProb: true,
  batchLogProb: true,
  convert: true,
  summarize: true,
  intervalLevels: true,
  drawsFile: true,
};

/** The worker's other calls: start on a device, train, check, and steer a run. */
export const CREATE = 'create';
export const TRAIN = 'train';
export const CHECK = 'check';
export const CHECK_AT = 'checkAt';
export const STEER = 'steer';

/** The kind of the event by which a worker sends a checkpoint to the client; callers do not see it. */
export const CHECKPOINT = 'checkpoint';

/** The code of an error after which the worker cannot be used any more. */
export const CRASH = 'crash';

/** The name of the method by which a class that extends `Asking` makes a call. */
export const ASK = Symbol('ask');

/**
 * The base of the client and of the engine: it has a method for each of the engine's calls, which hands its name and
 * its arguments to `[ASK]`. A class that extends it overrides the calls that need preparation.
 * @type {new () => EventTarget & EngineCalls}
 */
export const Asking = /** @type {any} */ (class extends EventTarget {});
for (const name of Object.keys(ENGINE_CALLS)) {
  Asking.prototype[name] = function call(/** @type {unknown[]} */ ...args) {
    return this[ASK](name, args);
  };
}

/**
 * An error as every caller sees it: `code` for programs, `message` for people.
 * @param {string} code
 * @param {string} message
 * @param {object} [extra] further properties
 * @returns {FlowglassError}
 */
export function failure(code, message, extra = {}) {
  return Object.assign(new Error(message), { code: /** @type {ErrorCode} */ (code), ...extra });
}

/**
 * The message of whatever was thrown.
 * @param {any} error
 * @returns {string}
 */
export const messageOf = (error) => String(error?.message ?? error);

/**
 * A plain object that crosses in the place of an error.
 * @typedef {{code: ErrorCode, message: string, arrays?: unknown, summary?: unknown, model?: Uint8Array}} PlainError
 *   `arrays`: of a set that was refused; `summary` and `model`: of the model that a failed training leaves
 */

/**
 * An error as a plain object that can cross. After a WebAssembly trap the instance is dead: the code is `crash`.
 * @param {any} error whatever was thrown
 * @returns {PlainError}
 */
export function toPlain(error) {
  const dead = error instanceof WebAssembly.RuntimeError || error?.code === CRASH;
  return {
    code: dead ? CRASH : (error?.code ?? 'internal'),
    message: messageOf(error),
    arrays: error?.arrays,
    summary: error?.summary,
    model: error?.model,
  };
}

/**
 * The error that a plain object stands for.
 * @param {PlainError} plain
 */
export function fromPlain({ code, message, ...extra }) {
  return failure(code, message, Object.fromEntries(Object.entries(extra).filter(([, value]) => value)));
}

/**
 * A file's data as a Blob, which the browser may keep on disk.
 * @param {Uint8Array|Blob} data
 * @returns {Blob}
 */
export const asBlob = (data) => (data instanceof Blob ? data : new Blob([/** @type {BlobPart} */ (data)]));

/**
 * The buffers inside a result, so that big arrays cross without a copy.
 * @param {unknown} value
 * @param {Set<ArrayBuffer>} found the buffers that were found so far
 * @returns {ArrayBuffer[]}
 */
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
