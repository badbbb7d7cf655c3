/**
 * Flowglass in a worker: the same interface as `LocalFlowglass`, with a promise per call.
 *
 * What is lost when a worker dies is what only the worker had. So this side keeps what the last model came from, the file
 * of the last set and the last checkpoint of the run, and gives them to the next worker, which goes on with the run.
 */
import { isCpuByHand, isFaster } from './timing.js';
import { Connection } from './connection.js';
import { portable } from './likelihood.js';
import { CALLS, CHECK, CHECKPOINT, CRASH, CREATE, STATUS, STEER, TRAIN, failure } from './protocol.js';

export { isFor } from './timing.js';
export { DEVICES } from './devices.js';
export { affine, autoregressive, neuralAutoregressive, spline } from './families.js';
export { EVENT, STATUS } from './protocol.js';

/** How long a cancel may go unanswered before the worker is ended. */
const CANCEL_MS = 2000;
/** Crashes closer together than this are one story; after the third the client gives up. */
const CRASH_WINDOW_MS = 30000;
/** How often a move to another device looks whether the old one has answered all calls. */
const IDLE_MS = 15;

/**
 * Events: `restarted` (detail: {reason, model, set, training, info}; `training`: 'resumed', 'lost' or null), `failed`
 * (detail: {reason}).
 */
export class Flowglass extends EventTarget {
  #connection;
  #ready;
  #model = null; // the call that gives it: ['loadModel', [fileName, bytes]] or ['fromMetadata', [json]]
  #set = null; // [fileName, data, assign]
  #run = null;
  #checking = null;
  #move = null; // the latest change of device
  #crashes = [];
  #threads = null;
  info;

  /**
   * @param {{device?: 'auto'|'cpu'|'webgpu'|'flex'|'ndarray', threads?: number|null}} options `threads`: on the CPU, at
   *   most; as many as there are cores unless said otherwise. One where the page is not cross-origin isolated
   */
  static async create({ device = 'auto', threads = null } = {}) {
    const made = new Flowglass();
    made.#threads = threads;
    made.#ready = made.#open(device).then(({ connection, info }) => made.#adopt(connection, info));
    await made.#ready;
    return made;
  }

  async #open(device) {
    const connection = new Connection(() => {});
    try {
      return { connection, info: await connection.call(CREATE, [{ device, threads: this.#threads }]) };
    } catch (error) {
      connection.end();
      throw error;
    }
  }

  #adopt(connection, info) {
    this.#connection = connection;
    this.info = info;
    connection.onCrash = (error) => this.#restart(error.message);
  }

  async #call(method, args, onEvent) {
    await this.#ready;
    return this.#connection.call(method, args, onEvent);
  }

  /** Gives model and set to a new worker. @returns which of them arrived, and what was said where one did not */
  async #restore(connection) {
    const arrived = { model: false, set: false, said: null };
    if (this.#model) {
      await connection.call(...this.#model);
      arrived.model = true;
    }
    if (this.#set) {
      try {
        await connection.call('readSet', this.#set);
        arrived.set = true;
      } catch (error) {
        if (error.code === CRASH) throw error;
        arrived.said = error.message;
      }
    }
    return arrived;
  }

  #restart(reason) {
    const now = Date.now();
    this.#crashes = [...this.#crashes.filter((t) => now - t < CRASH_WINDOW_MS), now];
    const training = this.#afterCrash(this.#run);
    // A graphics device that was lost is not asked again.
    const device = this.info.device === 'webgpu' ? 'flex' : this.info.device;
    this.#ready = this.#reopen(device).then((arrived) => {
      this.#tell('restarted', { reason, training, info: this.info, ...arrived });
    });
    this.#ready.catch((error) => this.#tell('failed', { reason: error.message }));
  }

  async #reopen(device) {
    if (this.#crashes.length > 3) {
      throw failure(CRASH, 'The engine stopped several times in a row and was not started again. Reload the page.');
    }
    const { connection, info } = await this.#open(device);
    const moved = device !== this.info.device;
    const { reason, because, timings } = this.info;
    Object.assign(info, moved ? { reason: 'the graphics device stopped working' } : { reason, because, timings });
    try {
      const arrived = await this.#restore(connection);
      this.#adopt(connection, info);
      return arrived;
    } catch (error) {
      connection.end();
      if (error.code !== CRASH) throw error;
      // The set brought the new worker down too, most likely for want of memory: go on without it.
      this.#crashes.push(Date.now());
      this.#set = null;
      return this.#reopen(device);
    }
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  /**
   * Reads a simulation set.
   * @param {Uint8Array|Blob} data
   * @param {object} [assign] names of arrays by role (`{ x: 'clean' }`), where their names do not say it; and `priors` by
   *   the names of parameters, `{ T: { kind: 'uniform', low: 500, high: 3000 } }`, in place of those the file has or lacks:
   *   uniform and log_uniform have low and high, normal and log_normal have mean and std
   */
  async readSet(fileName, data, assign) {
    const summary = await this.#call('readSet', [fileName, data, assign]);
    // A Blob need not lie in memory.
    this.#set = [fileName, data instanceof Blob ? data : new Blob([data]), assign];
    return summary;
  }

  async loadModel(fileName, data) {
    const bytes = data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : data;
    const summary = await this.#call('loadModel', [fileName, bytes]);
    this.#model = ['loadModel', [fileName, bytes]];
    return summary;
  }

  /**
   * A model with its initial weights from the header of another, which becomes the model; the one that was there stays if
   * this fails.
   * @param {object|string} metadata as `metadata` gives it, or as `flowglass info MODEL --json` prints it
   */
  async fromMetadata(metadata) {
    // As it is now, whatever becomes of the object.
    const args = [typeof metadata === 'string' ? metadata : JSON.stringify(metadata)];
    const summary = await this.#call('fromMetadata', args);
    this.#model = ['fromMetadata', args];
    return summary;
  }

  /**
   * Moves to another device; model and set move along. The old device goes on meanwhile, and it stays where that fails,
   * where training has begun by then, or where it is the best there is (`auto`): a GPU that passes its self-test and the
   * CPU are timed, and the faster is taken. `info.timings` has what they took.
   * @param {object} config for `auto`: what is to be trained, as for `train`; else the defaults for the set, or what the
   *   model was trained with
   */
  async setDevice(device, config) {
    if (device === 'auto' && isCpuByHand(this.info)) await this.setDevice('cpu');
    const move = {};
    this.#move = move;
    const check = () => {
      if (this.#run) throw failure('state', 'Training is running: finish or cancel it before changing the device.');
      if (this.#move !== move) throw failure('state', 'Another device was chosen meanwhile.');
    };
    await this.#ready;
    check();
    const tested = device === 'auto' && this.info.tested;
    const { connection, info } = await this.#open(tested ? 'cpu' : device);
    try {
      check();
      if (device === 'auto' && info.device === this.info.device) {
        connection.end();
        const { reason, because } = info;
        Object.assign(this.info, { reason, because, tested: info.tested });
        return info.tested ? this.setDevice(device, config) : this.info;
      }
      let undecided = tested || info.tested;
      let moved;
      do {
        moved = [this.#model, this.#set];
        await this.#restore(connection);
        await this.#idle(check);
        if (undecided) {
          undecided = false;
          const timed = (on, of) => ({ info: of, timeDevice: (what) => on.call('timeDevice', [what]).finally(check) });
          if (!(await isFaster(timed(this.#connection, this.info), timed(connection, info), config))) {
            connection.end();
            return this.info;
          }
          await this.#idle(check);
        }
      } while (moved[0] !== this.#model || moved[1] !== this.#set);
    } catch (error) {
      connection.end();
      throw error;
    }
    this.#connection.end();
    this.#adopt(connection, info);
    return info;
  }

  /** Resolves when no call waits for an answer, so that none is lost; `check` throws where there is no sense in it. */
  async #idle(check) {
    await this.#ready;
    for (check(); this.#connection.busy; check())
      await new Promise((resolve) => {
        setTimeout(resolve, IDLE_MS);
      });
  }

  /** What becomes of a run whose worker died: a run that did not get beyond where it began is not begun again. */
  #afterCrash(run) {
    if (!run || run.cancelled) return null;
    run.lost = run.checkpoint === run.began;
    run.began = run.checkpoint;
    return run.lost ? 'lost' : 'resumed';
  }

  /** The run, in as many workers as it takes. */
  async #train(run, config, heard) {
    for (;;) {
      try {
        const { paused, ending, likelihood } = run;
        const how = { from: run.checkpoint ?? undefined, paused, ending, likelihood };
        return await this.#call(TRAIN, [config, how], heard);
      } catch (error) {
        if (error.code !== CRASH || run.cancelled || run.lost) throw error;
        await this.#ready; // the next worker
      }
    }
  }

  /**
   * Trains; see `LocalFlowglass.train`. A `likelihood` that is a function must not use anything from outside of itself,
   * since it runs in the worker; a module may.
   */
  train(config, { onEvent = () => {}, onCheckpoint = () => {}, from = null, likelihood = null } = {}) {
    if (this.#run) throw failure('state', 'Training is already running.');
    const run = {
      over: false,
      cancelled: false,
      paused: false,
      ending: null,
      checkpoint: from,
      began: undefined,
      lost: false,
      likelihood: portable(likelihood),
    };
    this.#run = run;
    const heard = (event) => {
      if (run.cancelled) return;
      if (event.kind !== CHECKPOINT) return void onEvent(event);
      run.checkpoint = event.bytes;
      onCheckpoint(event.bytes);
    };
    const keep = (model) => {
      if (model) this.#model = ['loadModel', ['trained model', model]];
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
    // Also kept here: a worker that dies is followed by one that knows nothing of it.
    const steer = (verb, change) => {
      Object.assign(run, change);
      return this.#call(STEER, [TRAIN, verb]);
    };
    return {
      pause: () => steer('pause', { paused: true }),
      resume: () => steer('resume', { paused: false }),
      finish: () => steer('finish', { ending: STATUS.STOPPED }),
      cancel: () => this.#cancel(run, () => steer('cancel'), done),
      done,
    };
  }

  /** Checks the model on the set; see `LocalFlowglass.check`. A move to another device waits for its end. */
  check(options, { onProgress = () => {} } = {}) {
    if (this.#checking) throw failure('state', 'A check is already running.');
    const run = { over: false, cancelled: false };
    this.#checking = run;
    const heard = (at) => {
      if (!run.cancelled) onProgress(at);
    };
    const done = this.#call(CHECK, [options], heard)
      .catch((error) => {
        if (run.cancelled && error.code === CRASH) return { status: STATUS.CANCELLED, report: null, html: null };
        throw error;
      })
      .finally(() => {
        run.over = true;
        this.#checking = null;
      });
    return { cancel: () => this.#cancel(run, () => this.#call(STEER, [CHECK, 'cancel']), done), done };
  }

  async #cancel(run, steer, done) {
    if (run.over) return;
    run.cancelled = true;
    const connection = this.#connection;
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CANCEL_MS, 'late');
    });
    const first = await Promise.race([steer().catch(() => {}), late]);
    clearTimeout(timer);
    if (first === 'late' && !run.over) {
      const reason = 'it did not answer a cancel within 2 s';
      connection.end(failure(CRASH, `The engine was ended: ${reason}.`));
      this.#restart(reason);
    }
    await done.catch(() => {});
  }

  /** Ends the worker. */
  close() {
    this.#connection?.end();
  }

  // The remaining calls have nothing to remember: each is the engine's own, in the worker.
  static {
    for (const name of CALLS) {
      this.prototype[name] ??= function call(...args) {
        return this.#call(name, args);
      };
    }
  }
}
