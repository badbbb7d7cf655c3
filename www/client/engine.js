/** Flowglass in the calling thread: what the worker runs inside, and what a test or a widget may use directly. */
import { isCpuByHand, isFaster } from './timing.js';
import { openStore } from './checkpoints.js';
import { openEngine } from './devices.js';
import { loaded } from './likelihood.js';
import { fromHdf5, isHdf5 } from './hdf5.js';
import { CALLS, EVENT, STATUS, failure } from './protocol.js';

/** How long one pull of training or of a check may take: a pause or a cancel waits no longer than this. */
export const PULL_MS = 40;
/** How often a run is kept, and how much of the time that may take: what is lost with a worker or a GPU is less. */
const CHECKPOINT_MS = 3000;
const CHECKPOINT_SHARE = 0.02;

/** A file beyond this cannot be held twice (as bytes and as arrays) in 32-bit wasm memory. */
const MAX_FILE_BYTES = 1.75 * 2 ** 30;

/** Lets every message that already waits be handled, without the 4 ms that a nested setTimeout costs. */
const { port1, port2 } = new MessageChannel();
const waiting = [];
port1.onmessage = () => waiting.shift()?.();
const yieldToMessages = () =>
  new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(0);
  });

/** Bytes of a Uint8Array, Blob or File. */
async function bytesOf(fileName, data) {
  if (!(data instanceof Blob)) return data;
  if (data.size > MAX_FILE_BYTES) {
    throw failure(
      'file',
      `${fileName}: ${(data.size / 2 ** 30).toFixed(1)} GiB; a browser can read files of up to ` +
        `${MAX_FILE_BYTES / 2 ** 30} GiB. The command line reads larger ones.`,
    );
  }
  try {
    return new Uint8Array(await data.arrayBuffer());
  } catch {
    throw failure('file', `${fileName}: could not be read; it may have been moved or changed since it was chosen`);
  }
}

/** Bytes of a file that the engine reads arrays from. */
async function arraysOf(fileName, data) {
  const bytes = await bytesOf(fileName, data);
  return isHdf5(bytes) ? fromHdf5(fileName, bytes, { transfer: bytes !== data }) : bytes;
}

/** The arrays of a block of an observation as typed ones, those that there are. */
const block = ({ values, sigma, mask, wavelengths, bands }) => ({
  ...(values && { values: Float32Array.from(values) }),
  ...(sigma && { sigma: Float32Array.from(sigma) }),
  ...(mask && { mask: Uint8Array.from(mask) }),
  ...(wavelengths && { wavelengths: Float64Array.from(wavelengths) }),
  ...(bands && { bands: typeof bands[0] === 'number' ? Float64Array.from(bands) : bands }),
});

/**
 * A model's summary with its many numbers as typed arrays, and without nulls: it comes as plain JSON, while
 * observations elsewhere are typed.
 */
function typed(summary) {
  const { example, wavelengths } = summary ?? {};
  if (wavelengths) summary.wavelengths = Float64Array.from(wavelengths);
  if (example) {
    const { photometry, ...spectrum } = example.observation;
    example.theta = Float64Array.from(example.theta);
    example.observation = { ...block(spectrum), ...(photometry && { photometry: block(photometry) }) };
  }
  return summary;
}

/** The same interface as `Flowglass` in index.js, without a worker. Event: `lost` (detail: {reason}), of the GPU. */
export class LocalFlowglass extends EventTarget {
  #engine;
  #last = Promise.resolve();
  #set = null;
  #training = null;
  #checking = null;
  #threads = null;
  info;

  /** @param {{device?: 'auto'|'cpu'|'webgpu'|'flex'|'ndarray', threads?: number|null}} options see `openEngine` */
  static async create({ device = 'auto', threads = null } = {}) {
    const made = new LocalFlowglass();
    made.#threads = threads;
    made.#adopt(await made.#open(device));
    return made;
  }

  /** `info.because`: the reason apart from timings; `info.tested`: whether this is a GPU that passed its self-test. */
  async #open(device) {
    const opened = await openEngine(device, this.#threads);
    const { info } = opened;
    Object.assign(info, { because: info.reason, tested: device === 'auto' && info.device === 'webgpu' });
    return opened;
  }

  #adopt({ engine, info, lost }) {
    this.#engine = engine;
    this.info = info;
    lost?.then((reason) => {
      // Not of interest any more where another engine has taken over.
      if (this.#engine === engine) this.dispatchEvent(new CustomEvent('lost', { detail: { reason } }));
    });
  }

  /** One engine call at a time: an asynchronous one holds the engine until it ends. */
  #exclusive(work) {
    const result = this.#last.then(() => work(this.#engine));
    this.#last = result.catch(() => {});
    return result;
  }

  async readSet(fileName, data, assign) {
    const bytes = await arraysOf(fileName, data);
    const summary = await this.#exclusive((engine) => engine.readSet(fileName, bytes, assign));
    this.#set = [fileName, data instanceof Blob ? data : new Blob([data]), assign];
    return summary;
  }

  async readObservation(fileName, data) {
    const bytes = await arraysOf(fileName, data);
    return this.#exclusive((engine) => engine.readObservation(fileName, bytes));
  }

  async loadModel(fileName, data) {
    const bytes = await bytesOf(fileName, data);
    return typed(await this.#exclusive((engine) => engine.loadModel(fileName, bytes)));
  }

  /** A model with its initial weights from the header of another, as `metadata` gives it or as its JSON. */
  async fromMetadata(metadata) {
    return typed(await this.#exclusive((engine) => engine.fromMetadata(metadata)));
  }

  async modelSummary() {
    return typed(await this.#exclusive((engine) => engine.modelSummary()));
  }

  /**
   * Moves to another device; model and set move along. `auto`: a GPU that passes its self-test and the CPU are timed,
   * and the faster is taken.
   * @param {object} config for `auto`: what is to be trained, as for `train`
   */
  async setDevice(device, config) {
    if (this.#training) throw failure('state', 'Training is running: finish or cancel it before changing the device.');
    if (this.#checking) throw failure('state', 'A check is running: cancel it before changing the device.');
    const model = await this.#exclusive(async (e) => (e.modelSummary() ? e.saveModel() : null));
    if (device === 'auto' && isCpuByHand(this.info)) await this.setDevice('cpu');
    const tested = device === 'auto' && this.info.tested;
    const other = await this.#exclusive(() => this.#open(tested ? 'cpu' : device));
    if (device === 'auto' && other.info.device === this.info.device) {
      other.engine.free();
      const { reason, because } = other.info;
      Object.assign(this.info, { reason, because, tested: other.info.tested });
      return other.info.tested ? this.setDevice(device, config) : this.info;
    }
    if (model) await other.engine.loadModel('model', model);
    if (this.#set) {
      const [fileName, data, assign] = this.#set;
      other.engine.readSet(fileName, await arraysOf(fileName, data), assign);
    }
    const moves =
      !(tested || other.info.tested) ||
      (await this.#exclusive((engine) => {
        const timed = (info, on) => ({ info, timeDevice: (what) => on.timeDevice(what) });
        return isFaster(timed(this.info, engine), timed(other.info, other.engine), config);
      }));
    if (moves) await this.#exclusive(() => this.#adopt(other));
    else other.engine.free();
    return this.info;
  }

  /**
   * Trains. `done` gives `{status, summary}` and rejects where training failed. Where it is the likelihood that failed
   * (`error.code` is 'likelihood') and an epoch had ended, the best weights are the model, `error.summary` its summary.
   * @param {object} config options by name; those left out have their defaults
   * @param {{onEvent?: (event: object) => void, onCheckpoint?: (bytes: Uint8Array) => void, from?: Uint8Array,
   *   likelihood?: import('./likelihood.js').Likelihood|URL|string, paused?: boolean, ending?: string}} options
   *   `onCheckpoint` is given the run as it goes; `from`: one of these, to go on with, with the same `likelihood`;
   *   `likelihood`: of your own, where `training_objective` is elbo, as a function or the address of a module whose
   *   default export it is. Before training its gradient is held against differences of its value; `paused`, `ending`:
   *   begin as if that had been asked for
   */
  train(config, { onEvent = () => {}, onCheckpoint, from, likelihood, paused = false, ending = null } = {}) {
    if (this.#training) throw failure('state', 'Training is already running.');
    const run = { paused, ending, wake: () => {}, onEvent, onCheckpoint, from, likelihood };
    const steer = (change) => {
      Object.assign(run, change);
      run.wake();
      return this.#exclusive(() => {}); // resolves when the pull that was under way has ended
    };
    this.#training = run;
    const done = this.#loop(run, config).finally(() => {
      this.#training = null;
    });
    return {
      pause: () => steer({ paused: true }),
      resume: () => steer({ paused: false }),
      /** Ends now and keeps the best weights so far. */
      finish: () => steer({ ending: STATUS.STOPPED }),
      /** Ends now; the model stays what it was. */
      cancel: async () => {
        await steer({ ending: STATUS.CANCELLED });
        await done.catch(() => {});
      },
      done,
    };
  }

  async #loop(run, config) {
    const { onEvent } = run;
    const store = config?.checkpoint_directory ? await openStore(config) : null;
    const from = run.from ?? (config?.resume_from_checkpoint ? await store?.read() : null);
    const likelihood = await loaded(run.likelihood);
    const started = await this.#exclusive(async (engine) => {
      await this.#holdToCpu(engine, config);
      return engine.trainStart(config, from ?? undefined, likelihood);
    });
    onEvent(started);
    let worthKeeping = started.step >= started.steps_per_epoch;
    const keep = this.#keeper(run, store);
    try {
      for (let over = false; !over && !run.ending; ) {
        if (run.paused) {
          await new Promise((resolve) => {
            run.wake = resolve;
          });
          continue;
        }
        const { events, done } = await this.#exclusive((engine) => engine.trainRun(PULL_MS));
        events.forEach(onEvent);
        worthKeeping ||= events.some((event) => event.kind === EVENT.EPOCH);
        over = done;
        await keep(done);
        await yieldToMessages();
      }
      if (run.ending === STATUS.CANCELLED) {
        await this.#exclusive((engine) => engine.trainCancel());
        return { status: STATUS.CANCELLED, summary: null };
      }
      const summary = typed(await this.#exclusive((engine) => engine.trainFinish()));
      return { status: run.ending ?? STATUS.FINISHED, summary };
    } catch (error) {
      if (error.code === 'likelihood' && worthKeeping) {
        error.summary = typed(await this.#exclusive((engine) => engine.trainFinish()));
      } else {
        await this.#exclusive((engine) => engine.trainCancel()).catch(() => {});
      }
      throw error;
    }
  }

  /** A GPU that was chosen by hand computes a flow of the kind that is to be trained as the CPU does, or does not train it. */
  async #holdToCpu(engine, config) {
    // Where it was timed it was held to the CPU too.
    if (this.info.device !== 'webgpu' || this.info.timings?.gpu) return;
    const test = await engine.selfTest(config);
    if (test.ok) return;
    throw failure(
      'device',
      'the GPU computes a flow of this kind otherwise than the CPU: its self-test was off by ' +
        `${test.max_abs_error.toExponential(1)} (allowed: ${test.tolerance.toExponential(1)}). Choose the CPU as device.`,
    );
  }

  /** Keeps the run from time to time, and at its end, for whoever wants it. */
  #keeper(run, store) {
    if (!run.onCheckpoint && !store) return () => {};
    let next = performance.now() + CHECKPOINT_MS;
    return async (done) => {
      const began = performance.now();
      if (began < next && !(done && store)) return;
      const bytes = await this.#exclusive((engine) => engine.trainCheckpoint());
      await store?.write(bytes);
      run.onCheckpoint?.(bytes);
      const took = performance.now() - began;
      next = performance.now() + Math.max(CHECKPOINT_MS, took / CHECKPOINT_SHARE);
    };
  }

  /**
   * Checks the model on the set, both as they are now. `done` gives `{status, report, html}`: the report as `flowglass
   * check -o` writes it, and as a page of its own with plots; both null where the check was cancelled.
   * @param {{n_simulations?: number, n_draws?: number, seed?: number, simulator?: string}} options the first
   *   `n_simulations` of the set, all unless said otherwise; 1000 draws for each; `simulator`: the built-in one that
   *   predicts observations, by itself where the set has its parameters and wavelengths
   * @param {{onProgress?: (at: {done: number, n_simulations: number}) => void}} heard
   */
  check(options, { onProgress = () => {} } = {}) {
    if (this.#checking) throw failure('state', 'A check is already running.');
    const run = { cancelled: false };
    this.#checking = run;
    const done = this.#checked(run, options, onProgress).finally(() => {
      this.#checking = null;
    });
    return {
      cancel: async () => {
        run.cancelled = true;
        await done.catch(() => {});
      },
      done,
    };
  }

  async #checked(run, options, onProgress) {
    try {
      let at = await this.#exclusive((engine) => engine.checkStart(options));
      while (!run.cancelled && at.done < at.n_simulations) {
        at = await this.#exclusive((engine) => engine.checkRun(PULL_MS));
        onProgress(at);
        await yieldToMessages();
      }
      if (!run.cancelled) {
        return { status: STATUS.FINISHED, ...(await this.#exclusive((engine) => engine.checkFinish())) };
      }
      await this.#exclusive((engine) => engine.checkCancel());
      return { status: STATUS.CANCELLED, report: null, html: null };
    } catch (error) {
      await this.#exclusive((engine) => engine.checkCancel()).catch(() => {});
      throw error;
    }
  }

  /** Frees the engine. */
  async close() {
    await this.#exclusive((engine) => engine.free?.());
  }

  // The remaining calls have nothing to prepare: each is the engine's own.
  static {
    for (const name of CALLS) {
      this.prototype[name] ??= function call(...args) {
        return this.#exclusive((engine) => engine[name](...args));
      };
    }
  }
}
