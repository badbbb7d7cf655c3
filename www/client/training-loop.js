/** A training run in the engine's own thread, pulled step by step. */
/** @import { DeviceInfo, FlowglassError, TrainingOptions, TrainingRun } from './index.d.ts' */
/** @import { LocalTrainHooks } from './engine.d.ts' */
/** @import { Engine } from './wasm.d.ts' */
import { openStore } from './checkpoints.js';
import { typed } from './convert.js';
import { loaded } from './likelihood.js';
import { EVENT, failure, STATUS } from './protocol.js';
import { offBy } from './self-test.js';
import { turns } from './turns.js';

/** Milliseconds of one pull of training or of a check: a pause or a cancel waits no longer than this. */
export const PULL_MS = 40;
/** Milliseconds between two checkpoints, unless the caller says otherwise. */
const CHECKPOINT_MS = 3000;
/** Largest share of the time for checkpoints: if one takes long, the next one comes later. */
const CHECKPOINT_SHARE = 0.02;

/** @typedef {<T>(work: (engine: Engine) => T|Promise<T>) => Promise<T>} Exclusive does one piece of work at a time */

export class TrainingLoop {
  #exclusive;
  #hooks;
  #checkpointEveryMs;
  #pauseMs;
  #paused;
  /** @type {'stopped'|'cancelled'|null} */
  #ending;
  #wake = () => {};

  /**
   * @param {Exclusive} exclusive
   * @param {{checkpointEveryMs?: number, pauseMs?: number}} options
   * @param {LocalTrainHooks} hooks
   */
  constructor(
    exclusive,
    { checkpointEveryMs = CHECKPOINT_MS, pauseMs = 0 },
    { paused = false, ending = null, ...hooks },
  ) {
    this.#exclusive = exclusive;
    this.#hooks = hooks;
    this.#checkpointEveryMs = checkpointEveryMs;
    this.#pauseMs = pauseMs;
    this.#paused = paused;
    this.#ending = ending;
  }

  /**
   * Pauses, resumes or ends the run. Resolves when the pull that was under way has ended.
   * @param {{paused?: boolean, ending?: 'stopped'|'cancelled'}} change
   */
  steer({ paused = this.#paused, ending }) {
    this.#paused = paused;
    this.#ending = ending ?? this.#ending;
    this.#wake();
    return this.#exclusive(() => {});
  }

  /**
   * @param {TrainingOptions|undefined} config
   * @param {DeviceInfo} info what computes
   * @returns {TrainingRun['done']}
   */
  async run(config, info) {
    const { onEvent = () => {}, from: given, likelihood, fromModel } = this.#hooks;
    const directory = config?.checkpoint_directory;
    const store = directory ? await openStore(directory, config.checkpoint_backend) : null;
    const from = given ?? (config?.resume_from_checkpoint ? await store?.read() : null);
    const compute = await loaded(likelihood);
    const started = await this.#exclusive(async (engine) => {
      if (info.device === 'webgpu' && !info.timings?.gpu) {
        const ofModel = fromModel == null ? {} : (await engine.modelSummary())?.config;
        await holdToCpu(engine, { ...ofModel, ...config });
      }
      return engine.trainStart(config, from ?? undefined, compute, fromModel ?? undefined);
    });
    onEvent(started);
    let worthKeeping = started.step >= started.steps_per_epoch;
    const keep = this.#keeper(store);
    const { rest, end } = turns(this.#pauseMs);
    try {
      for (let over = false; !over && !this.#ending; ) {
        if (this.#paused) {
          await new Promise((resolve) => {
            this.#wake = () => resolve(null);
          });
          continue;
        }
        const { events, done } = await this.#exclusive((engine) => engine.trainRun(PULL_MS));
        for (const event of events) onEvent(event);
        worthKeeping ||= events.some((event) => event.kind === EVENT.EPOCH);
        over = done;
        await keep(done);
        await rest();
      }
      if (this.#ending === STATUS.CANCELLED) {
        await this.#exclusive((engine) => engine.trainCancel());
        return { status: STATUS.CANCELLED, summary: null };
      }
      const summary = typed(await this.#exclusive((engine) => engine.trainFinish()));
      return { status: this.#ending ?? STATUS.FINISHED, summary };
    } catch (thrown) {
      const error = /** @type {FlowglassError} */ (thrown);
      if (error.code === 'likelihood' && worthKeeping) {
        error.summary = typed(await this.#exclusive((engine) => engine.trainFinish()));
      } else {
        await this.#exclusive((engine) => engine.trainCancel()).catch(() => {});
      }
      throw error;
    } finally {
      end();
    }
  }

  /**
   * Makes the function that saves checkpoints: from time to time, and at the end of a run that the browser stores.
   * @param {Awaited<ReturnType<typeof openStore>>|null} store
   * @returns {(done: boolean) => Promise<void>}
   */
  #keeper(store) {
    const { onCheckpoint } = this.#hooks;
    if (!onCheckpoint && !store) return async () => {};
    const every = this.#checkpointEveryMs;
    let next = performance.now() + every;
    return async (done) => {
      const began = performance.now();
      if (began < next && !(done && store)) return;
      const bytes = await this.#exclusive((engine) => engine.trainCheckpoint());
      await store?.write(bytes);
      onCheckpoint?.(bytes);
      const took = performance.now() - began;
      next = performance.now() + Math.max(every, took / CHECKPOINT_SHARE);
    };
  }
}

/**
 * Refuses a GPU that computes a flow of this kind differently from the CPU. A GPU that was timed has been compared
 * already.
 * @param {Engine} engine
 * @param {TrainingOptions|undefined} config
 */
async function holdToCpu(engine, config) {
  const test = await engine.selfTest(config);
  if (test.ok) return;
  throw failure(
    'device',
    `the GPU computes a flow of this kind differently from the CPU: ${offBy(test)}. Choose the CPU as device.`,
  );
}
