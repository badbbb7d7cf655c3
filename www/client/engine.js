/** Flowglass in the calling thread. The worker runs it; a test or a notebook's widget may use it directly. */
/** @import { Assignment, CheckOptions, CheckProgress, CheckRun, DeviceInfo } from './index.d.ts' */
/** @import { EngineOptions, LocalCheckHooks, LocalCheckOptions, LocalCheckRun } from './index.d.ts' */
/** @import { ObservationInput, Session, TrainingOptions } from './index.d.ts' */
/** @import { LocalTrainHooks } from './engine.d.ts' */
/** @import { Engine } from './wasm.d.ts' */
import { buildsAt } from './builds.js';
import { arraysOf, bytesOf, typed } from './convert.js';
import { openEngine } from './devices.js';
import { moveTo } from './move.js';
import { ASK, Asking, asBlob, failure, STATUS } from './protocol.js';
import { PULL_MS, TrainingLoop } from './training-loop.js';
import { turns } from './turns.js';

export { PULL_MS } from './training-loop.js';

/** @implements {Session} */
class Local extends Asking {
  /** @type {Engine} */
  #engine;
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();
  /** @type {[string, Blob, Assignment|undefined]|null} */
  #set = null;
  /** @type {TrainingLoop|null} */
  #training = null;
  /** @type {object|null} */
  #checking = null;
  #options;
  /** @type {DeviceInfo} */
  info;

  /**
   * @param {{threads: number|null, at: string, checkpointEveryMs?: number, pauseMs?: number}} options `at`: where the
   *   builds are
   * @param {Awaited<ReturnType<typeof openEngine>>} opened
   */
  constructor(options, opened) {
    super();
    this.#options = options;
    this.#engine = opened.engine;
    this.info = opened.info;
    this.#adopt(opened);
  }

  /** @param {EngineOptions} [options] */
  static async create({ device = 'auto', threads = null, baseUrl, ...rest } = {}) {
    const options = { ...rest, threads, at: buildsAt(baseUrl) };
    return new Local(options, await openEngine(device, options));
  }

  /** @param {Awaited<ReturnType<typeof openEngine>>} opened */
  #adopt({ engine, info, lost }) {
    this.#engine = engine;
    this.info = info;
    lost?.then((reason) => {
      // Another engine may have taken over; then the loss does not matter.
      if (this.#engine === engine) this.dispatchEvent(new CustomEvent('lost', { detail: { reason } }));
    });
  }

  /**
   * Runs one engine call at a time: an asynchronous call holds the engine until it ends.
   * @template T
   * @param {(engine: Engine) => T|Promise<T>} work
   * @returns {Promise<T>}
   */
  #exclusive(work) {
    const result = this.#last.then(() => work(this.#engine));
    this.#last = result.catch(() => {});
    return result;
  }

  /**
   * Makes a call that needs no preparation.
   * @param {keyof Engine} method
   * @param {unknown[]} args
   */
  [ASK](method, args) {
    return this.#exclusive((engine) => /** @type {any} */ (engine)[method](...args));
  }

  /** @type {Session['whatIs']} */
  async whatIs(fileName, data) {
    const bytes = await bytesOf(fileName, data);
    return this.#exclusive((engine) => engine.whatIs(fileName, bytes));
  }

  /** @type {Session['readSet']} */
  async readSet(fileName, data, assign) {
    const bytes = await arraysOf(fileName, data, this.#options.at);
    const summary = await this.#exclusive((engine) => engine.readSet(fileName, bytes, assign));
    this.#set = [fileName, asBlob(data), assign];
    return summary;
  }

  /** @type {Session['readObservation']} */
  async readObservation(fileName, data) {
    const bytes = await arraysOf(fileName, data, this.#options.at);
    return this.#exclusive((engine) => engine.readObservation(fileName, bytes));
  }

  /** @type {Session['loadModel']} */
  async loadModel(fileName, data) {
    const bytes = await bytesOf(fileName, data);
    return typed(await this.#exclusive((engine) => engine.loadModel(fileName, bytes)));
  }

  /** @type {Session['fromMetadata']} */
  async fromMetadata(metadata) {
    return typed(await this.#exclusive((engine) => engine.fromMetadata(metadata)));
  }

  /** @type {Session['modelSummary']} */
  async modelSummary() {
    return typed(await this.#exclusive((engine) => engine.modelSummary()));
  }

  /** @type {Session['setDevice']} */
  async setDevice(device, config) {
    const check = () => {
      if (this.#training)
        throw failure('state', 'Training is running: finish or cancel it before changing the device.');
      if (this.#checking) throw failure('state', 'A check is running: cancel it before changing the device.');
    };
    check();
    return moveTo(
      {
        info: () => this.info,
        open: async (wanted) => {
          const opened = await this.#exclusive(() => openEngine(wanted, this.#options));
          const { engine } = opened;
          return { ...opened, timeDevice: async (what) => engine.timeDevice(what), end: () => engine.free() };
        },
        timeDevice: (what) => this.#exclusive((engine) => engine.timeDevice(what)),
        held: () => [this.#set],
        restore: ({ engine }) => this.#restore(engine),
        rest: async () => {
          await this.#exclusive(check);
        },
        check,
        adopt: (other) => this.#adopt(other),
      },
      device,
      config,
    );
  }

  /**
   * Gives the model and the set to another engine.
   * @param {Engine} other
   */
  async #restore(other) {
    const model = await this.#exclusive(async (engine) => ((await engine.modelSummary()) ? engine.saveModel() : null));
    if (model) await other.loadModel('model', model);
    if (!this.#set) return;
    const [fileName, data, assign] = this.#set;
    await other.readSet(fileName, await arraysOf(fileName, data, this.#options.at), assign);
  }

  /**
   * @param {TrainingOptions} [config]
   * @param {LocalTrainHooks} [hooks]
   */
  train(config, hooks = {}) {
    if (this.#training) throw failure('state', 'Training is already running.');
    const loop = new TrainingLoop((work) => this.#exclusive(work), this.#options, hooks);
    this.#training = loop;
    const done = loop.run(config, this.info).finally(() => {
      this.#training = null;
    });
    return {
      pause: () => loop.steer({ paused: true }),
      resume: () => loop.steer({ paused: false }),
      finish: () => loop.steer({ ending: STATUS.STOPPED }),
      cancel: async () => {
        await loop.steer({ ending: STATUS.CANCELLED });
        await done.catch(() => {});
      },
      done,
    };
  }

  /**
   * @param {CheckOptions} [options]
   * @param {{onProgress?: (at: CheckProgress) => void}} [hooks]
   * @returns {CheckRun}
   */
  check(options, { onProgress = () => {} } = {}) {
    return this.#check((engine) => engine.checkStart(options), onProgress);
  }

  /**
   * @param {ObservationInput|ObservationInput[]} observations
   * @param {LocalCheckOptions} [options]
   * @param {LocalCheckHooks} [hooks]
   * @returns {LocalCheckRun}
   */
  checkAt(observations, options, { onProgress = () => {} } = {}) {
    const list = Array.isArray(observations) ? observations : [observations];
    return this.#check(
      (engine) => engine.checkAtStart(list, options),
      ({ done, n_simulations: steps }) => onProgress({ done, steps }),
    );
  }

  /**
   * Runs a check of either kind.
   * @param {(engine: Engine) => CheckProgress} start
   * @param {(at: CheckProgress) => void} onProgress
   * @returns {any}
   */
  #check(start, onProgress) {
    if (this.#checking) throw failure('state', 'A check is already running.');
    const run = { cancelled: false, finished: false };
    this.#checking = run;
    const done = this.#checked(run, start, onProgress).finally(() => {
      this.#checking = null;
    });
    return {
      cancel: async () => {
        run.cancelled = true;
        await done.catch(() => {});
      },
      finish: async () => {
        run.finished = true;
      },
      done,
    };
  }

  /**
   * @param {{cancelled: boolean, finished: boolean}} run
   * @param {(engine: Engine) => CheckProgress} start
   * @param {(at: CheckProgress) => void} onProgress
   */
  async #checked(run, start, onProgress) {
    const { rest, end } = turns();
    try {
      let at = await this.#exclusive(start);
      // A report needs two simulations.
      const goesOn = () => !run.cancelled && at.done < at.n_simulations && !(run.finished && at.done > 1);
      while (goesOn()) {
        at = await this.#exclusive((engine) => engine.checkRun(PULL_MS));
        onProgress(at);
        await rest();
      }
      if (!run.cancelled) {
        const status = at.done < at.n_simulations ? STATUS.STOPPED : STATUS.FINISHED;
        return { status, ...(await this.#exclusive((engine) => engine.checkFinish())) };
      }
      await this.#exclusive((engine) => engine.checkCancel());
      return { status: STATUS.CANCELLED, report: null, html: null };
    } catch (error) {
      await this.#exclusive((engine) => engine.checkCancel()).catch(() => {});
      throw error;
    } finally {
      end();
    }
  }

  /** Frees the engine. */
  async close() {
    await this.#exclusive((engine) => engine.free?.());
  }
}

/** @type {{create: (options?: EngineOptions) => Promise<Session>}} */
const checked = Local;
/** Only `addEventListener` differs: the platform's types do not know these events. */
export const LocalFlowglass = /** @type {typeof import('./engine.d.ts').LocalFlowglass} */ (checked);
