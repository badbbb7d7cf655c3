/**
 * Flowglass in a worker, with the same interface as `LocalFlowglass`. If a worker dies, the supervisor starts another
 * one. This side keeps the last checkpoint of a training run, from which the next worker resumes the run.
 */
/** @import { ClientOptions, EngineOptions, FlowglassError, Session } from './index.d.ts' */
/** @import { CheckOptions, CheckProgress, CheckRun } from './index.d.ts' */
/** @import { LocalCheckHooks, LocalCheckOptions, LocalCheckRun, ObservationInput } from './index.d.ts' */
/** @import { TrainHooks, TrainingOptions, TrainingRun } from './index.d.ts' */
/** @import { Connection } from './connection.js' */
/** @import { Opened } from './supervisor.js' */
import { buildsAt, moduleWorker } from './builds.js';
import { portable } from './likelihood.js';
import { moveTo } from './move.js';
import { ASK, Asking, asBlob, CHECK, CHECK_AT, CHECKPOINT, CRASH, failure, STATUS, STEER, TRAIN } from './protocol.js';
import { openWorker, Supervisor } from './supervisor.js';

/** Milliseconds that a cancel may go unanswered; after that the worker is ended. */
const CANCEL_MS = 2000;
/** Milliseconds between two looks whether the old device has answered all calls, during a move to another one. */
const IDLE_MS = 15;

/**
 * A training run, as this side knows it.
 * @typedef {object} Run
 * @property {boolean} over whether it has ended
 * @property {boolean} cancelled
 * @property {boolean} paused
 * @property {'stopped'|null} ending what the next worker is to do with it
 * @property {Uint8Array|null} checkpoint the latest
 * @property {Uint8Array|null|undefined} began the checkpoint that the last worker began with
 * @property {boolean} lost whether it died again without getting further
 * @property {ReturnType<typeof portable>} likelihood
 * @property {string|null} fromModel
 */

/** @implements {Session} */
class Client extends Asking {
  /** @type {Run|null} */
  #run = null;
  /** @type {object|null} the check that runs */
  #checking = null;
  /** @type {object|null} the latest change of device */
  #move = null;
  #supervisor;

  /**
   * @param {() => Worker} worker
   * @param {Omit<EngineOptions, 'device'>} options
   * @param {Opened} opened
   */
  constructor(worker, options, opened) {
    super();
    /** @type {(kind: string, detail: object) => void} */
    const tell = (kind, detail) => this.dispatchEvent(new CustomEvent(kind, { detail }));
    this.#supervisor = new Supervisor(worker, options, opened, {
      crashed: (reason) => {
        const training = afterCrash(this.#run);
        return (arrived) => tell('restarted', { reason, training, info: this.info, ...arrived });
      },
      failed: (reason) => tell('failed', { reason }),
    });
  }

  /** @param {ClientOptions} [options] */
  static async create({ device = 'auto', worker = ownWorker, baseUrl, ...rest } = {}) {
    const options = { ...rest, baseUrl: buildsAt(baseUrl) };
    return new Client(worker, options, await openWorker(worker, { ...options, device }));
  }

  /** What computes, and why. */
  get info() {
    return this.#supervisor.info;
  }

  /**
   * Makes a call that needs no preparation.
   * @param {string} method
   * @param {unknown[]} args
   */
  [ASK](method, args) {
    return this.#supervisor.call(method, args);
  }

  /** @type {Session['readSet']} */
  async readSet(fileName, data, assign) {
    const summary = await this.#supervisor.call('readSet', [fileName, data, assign]);
    this.#supervisor.set = [fileName, asBlob(data), assign];
    return summary;
  }

  /** @type {Session['loadModel']} */
  async loadModel(fileName, data) {
    const bytes = data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : data;
    const summary = await this.#supervisor.call('loadModel', [fileName, bytes]);
    this.#supervisor.model = ['loadModel', [fileName, bytes]];
    return summary;
  }

  /** @type {Session['fromMetadata']} */
  async fromMetadata(metadata) {
    // As text: the caller may change the object later.
    const args = [typeof metadata === 'string' ? metadata : JSON.stringify(metadata)];
    const summary = await this.#supervisor.call('fromMetadata', args);
    this.#supervisor.model = ['fromMetadata', args];
    return summary;
  }

  /**
   * The old device keeps computing until the new one takes over, and stays if training has begun by then.
   * @type {Session['setDevice']}
   */
  async setDevice(device, config) {
    const move = {};
    this.#move = move;
    const check = () => {
      if (this.#run) throw failure('state', 'Training is running: finish or cancel it before changing the device.');
      if (this.#move !== move) throw failure('state', 'Another device was chosen meanwhile.');
    };
    /** @type {(connection: Connection) => (config?: TrainingOptions) => Promise<any>} */
    const timer = (connection) => (what) => connection.call('timeDevice', [what]).finally(check);
    const supervisor = this.#supervisor;
    await supervisor.ready;
    check();
    return moveTo(
      {
        info: () => supervisor.info,
        open: async (wanted) => {
          const { connection, info } = await supervisor.open(wanted);
          return { connection, info, timeDevice: timer(connection), end: () => connection.end() };
        },
        timeDevice: (what) => timer(supervisor.connection)(what),
        held: () => [supervisor.model, supervisor.set],
        restore: ({ connection }) => supervisor.restore(connection),
        rest: () => this.#idle(check),
        check,
        adopt: (other) => {
          supervisor.connection.end();
          supervisor.adopt(other);
        },
      },
      device,
      config,
    );
  }

  /**
   * Resolves when no call waits for an answer. A move to another device then loses no answer.
   * @param {() => void} check throws if waiting has become pointless
   */
  async #idle(check) {
    await this.#supervisor.ready;
    for (check(); this.#supervisor.connection.busy; check())
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  }

  /**
   * Trains. If a worker dies, the next one goes on from the last checkpoint.
   * @param {Run} run
   * @param {TrainingOptions|undefined} config
   * @param {(event: any) => void} heard
   */
  async #train(run, config, heard) {
    for (;;) {
      try {
        const { paused, ending, likelihood, fromModel } = run;
        const how = { from: run.checkpoint ?? undefined, paused, ending, likelihood, fromModel };
        return await this.#supervisor.call(TRAIN, [config, how], heard);
      } catch (error) {
        if (/** @type {FlowglassError} */ (error).code !== CRASH || run.cancelled || run.lost) throw error;
        await this.#supervisor.ready; // the next worker
      }
    }
  }

  /**
   * @param {TrainingOptions} [config]
   * @param {TrainHooks} [hooks]
   * @returns {TrainingRun}
   */
  train(config, { onEvent = () => {}, onCheckpoint = () => {}, ...given } = {}) {
    if (this.#run) throw failure('state', 'Training is already running.');
    const { from = null, likelihood = null, fromModel = null } = given;
    /** @type {Run} */
    const run = {
      over: false,
      cancelled: false,
      paused: false,
      ending: null,
      checkpoint: from,
      began: undefined,
      lost: false,
      likelihood: portable(likelihood),
      fromModel,
    };
    this.#run = run;
    const heard = (/** @type {any} */ event) => {
      if (run.cancelled) return;
      if (event.kind !== CHECKPOINT) return void onEvent(event);
      run.checkpoint = event.bytes;
      onCheckpoint(event.bytes);
    };
    const keep = (/** @type {Uint8Array|undefined} */ model) => {
      if (model) this.#supervisor.model = ['loadModel', ['trained model', model]];
    };
    const done = this.#train(run, config, heard)
      .then(
        ({ status, summary, model }) => {
          keep(model);
          return { status, summary };
        },
        (error) => {
          keep(error.model);
          delete error.model;
          if (run.cancelled && error.code === CRASH) return { status: STATUS.CANCELLED, summary: null };
          throw error;
        },
      )
      .finally(() => {
        run.over = true;
        this.#run = null;
      });
    // This side keeps each change too, because the next worker would not know it.
    /** @type {(verb: string, change?: Partial<Run>) => Promise<void>} */
    const steer = (verb, change = {}) => {
      Object.assign(run, change);
      return this.#supervisor.call(STEER, [TRAIN, verb]);
    };
    return {
      pause: () => steer('pause', { paused: true }),
      resume: () => steer('resume', { paused: false }),
      finish: () => steer('finish', { ending: STATUS.STOPPED }),
      cancel: () => this.#cancel(run, () => steer('cancel'), done),
      done,
    };
  }

  /**
   * A move to another device waits for the check's end.
   * @param {CheckOptions} [options]
   * @param {{onProgress?: (at: CheckProgress) => void}} [hooks]
   * @returns {CheckRun}
   */
  check(options, { onProgress = () => {} } = {}) {
    return this.#check(CHECK, [options], onProgress);
  }

  /**
   * @param {ObservationInput|ObservationInput[]} observations
   * @param {LocalCheckOptions} [options]
   * @param {LocalCheckHooks} [hooks]
   * @returns {LocalCheckRun}
   */
  checkAt(observations, options, { onProgress = () => {} } = {}) {
    return this.#check(CHECK_AT, [observations, options], onProgress);
  }

  /**
   * Runs a check of either kind.
   * @param {string} call
   * @param {unknown[]} args
   * @param {(at: any) => void} onProgress
   * @returns {any}
   */
  #check(call, args, onProgress) {
    if (this.#checking) throw failure('state', 'A check is already running.');
    const run = { over: false, cancelled: false };
    this.#checking = run;
    const heard = (/** @type {any} */ at) => {
      if (!run.cancelled) onProgress(at);
    };
    const done = this.#supervisor
      .call(call, args, heard)
      .catch((error) => {
        if (run.cancelled && error.code === CRASH) return { status: STATUS.CANCELLED, report: null, html: null };
        throw error;
      })
      .finally(() => {
        run.over = true;
        this.#checking = null;
      });
    const steer = (/** @type {string} */ verb) => this.#supervisor.call(STEER, [CHECK, verb]);
    return { cancel: () => this.#cancel(run, () => steer('cancel'), done), finish: () => steer('finish'), done };
  }

  /**
   * Cancels a run; a worker that does not answer in time is ended.
   * @param {{over: boolean, cancelled: boolean}} run
   * @param {() => Promise<unknown>} steer
   * @param {Promise<unknown>} done
   */
  async #cancel(run, steer, done) {
    if (run.over) return;
    run.cancelled = true;
    const { connection } = this.#supervisor;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CANCEL_MS, 'late');
    });
    const first = await Promise.race([steer().catch(() => {}), late]);
    clearTimeout(timer);
    if (first === 'late' && !run.over) {
      const reason = 'it did not answer a cancel within 2 s';
      connection.end(failure(CRASH, `The engine was ended: ${reason}.`));
      this.#supervisor.restart(reason);
    }
    await done.catch(() => {});
  }

  /** Ends the worker. */
  async close() {
    this.#supervisor.connection.end();
  }
}

/** The worker that the client brings along. */
const ownWorker = () => moduleWorker(new URL('./worker.js', import.meta.url));

/**
 * Decides what becomes of a run whose worker died. A run that made no checkpoint since its worker began is given up: it
 * would most likely end the next worker too.
 * @param {Run|null} run
 */
function afterCrash(run) {
  if (!run || run.cancelled) return null;
  run.lost = run.checkpoint === run.began;
  run.began = run.checkpoint;
  return run.lost ? 'lost' : 'resumed';
}

/** @type {{create: (options?: ClientOptions) => Promise<Session>}} */
const checked = Client;
/** Only `addEventListener` differs: the platform's types do not know these events. */
export const Flowglass = /** @type {typeof import('./index.d.ts').Flowglass} */ (checked);
