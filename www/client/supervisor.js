/**
 * Replaces a worker that dies. Its model and its set are lost with it. So this side keeps the call that gave the model,
 * and the file of the set, and gives both to the next worker.
 */
/** @import { Assignment, DeviceChoice, DeviceInfo, EngineOptions, FlowglassError } from './index.d.ts' */
import { Connection } from './connection.js';
import { CRASH, CREATE, failure } from './protocol.js';

/** Milliseconds within which crashes are counted together. After the fourth of them, no worker is started again. */
const CRASH_WINDOW_MS = 30000;

/** @typedef {{connection: Connection, info: DeviceInfo}} Opened a worker with an engine on a device */
/** @typedef {{model: boolean, set: boolean, said: string|null}} Arrived what a new worker has, and why the set is not there */

/**
 * Functions of the owner, which hear what happens to workers.
 * @typedef {object} Listener
 * @property {(reason: string) => (arrived: Arrived) => void} crashed called when a worker died; the function that it
 *   returns is called when another one has taken its place
 * @property {(reason: string) => void} failed called when no other worker could be started
 */

export class Supervisor {
  /** @type {[string, unknown[]]|null} the call that gives the model: `loadModel` or `fromMetadata` */
  model = null;
  /** @type {[string, Blob, Assignment|undefined]|null} the arguments that give the set */
  set = null;
  /** @type {Promise<unknown>} resolves when there is a worker */
  ready = Promise.resolve();
  /** @type {DeviceInfo} */
  info;
  /** @type {number[]} when workers died */
  #crashes = [];
  /** @type {Connection} */
  #connection;
  #worker;
  #options;
  #listener;

  /**
   * @param {() => Worker} worker makes a worker
   * @param {Omit<EngineOptions, 'device'>} options
   * @param {Opened} opened the first worker
   * @param {Listener} listener
   */
  constructor(worker, options, { connection, info }, listener) {
    this.#worker = worker;
    this.#options = options;
    this.#listener = listener;
    this.#connection = connection;
    this.info = info;
    this.adopt({ connection, info });
  }

  /** The worker that computes now. */
  get connection() {
    return this.#connection;
  }

  /**
   * Calls `method` in the worker, once there is one.
   * @param {string} method
   * @param {unknown[]} args
   * @param {(event: any) => void} [onEvent]
   */
  async call(method, args, onEvent) {
    await this.ready;
    return this.#connection.call(method, args, onEvent);
  }

  /**
   * Starts another worker, which does not yet take the place of the current one.
   * @param {DeviceChoice} device
   */
  open(device) {
    return openWorker(this.#worker, { ...this.#options, device });
  }

  /**
   * Lets a worker compute from now on.
   * @param {Opened} opened
   */
  adopt({ connection, info }) {
    this.#connection = connection;
    this.info = info;
    connection.onCrash = (error) => this.restart(error.message);
  }

  /**
   * Gives the model and the set to a new worker.
   * @param {Connection} connection
   * @returns {Promise<Arrived>}
   */
  async restore(connection) {
    /** @type {Arrived} */
    const arrived = { model: false, set: false, said: null };
    if (this.model) {
      await connection.call(...this.model);
      arrived.model = true;
    }
    if (this.set) {
      try {
        await connection.call('readSet', this.set);
        arrived.set = true;
      } catch (thrown) {
        const error = /** @type {FlowglassError} */ (thrown);
        if (error.code === CRASH) throw error;
        arrived.said = error.message;
      }
    }
    return arrived;
  }

  /**
   * Starts another worker in the place of one that died.
   * @param {string} reason why it died
   */
  restart(reason) {
    const now = Date.now();
    this.#crashes = [...this.#crashes.filter((t) => now - t < CRASH_WINDOW_MS), now];
    const restarted = this.#listener.crashed(reason);
    // A graphics device that was lost is not asked again.
    const device = this.info.device === 'webgpu' ? 'flex' : this.info.device;
    this.ready = this.#reopen(device).then(restarted);
    this.ready.catch((error) => this.#listener.failed(error.message));
  }

  /**
   * @param {'flex'|'ndarray'} device
   * @returns {Promise<Arrived>}
   */
  async #reopen(device) {
    if (this.#crashes.length > 3) {
      throw failure(CRASH, 'The engine stopped several times in a row and was not started again. Reload the page.');
    }
    const { connection, info } = await this.open(device);
    const moved = device !== this.info.device;
    const { reason, because, timings } = this.info;
    Object.assign(info, moved ? { reason: 'the graphics device stopped working' } : { reason, because, timings });
    try {
      const arrived = await this.restore(connection);
      this.adopt({ connection, info });
      return arrived;
    } catch (error) {
      connection.end();
      if (/** @type {FlowglassError} */ (error).code !== CRASH) throw error;
      // The set ended the new worker too, most likely because the memory did not suffice: go on without the set.
      this.#crashes.push(Date.now());
      this.set = null;
      return this.#reopen(device);
    }
  }
}

/**
 * Starts a worker and has it make an engine.
 * @param {() => Worker} worker
 * @param {EngineOptions} options
 * @returns {Promise<Opened>}
 */
export async function openWorker(worker, options) {
  const connection = new Connection(worker(), () => {});
  try {
    return { connection, info: await connection.call(CREATE, [options]) };
  } catch (error) {
    connection.end();
    throw error;
  }
}
