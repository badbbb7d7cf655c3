/** One worker, and the calls that wait for its answers. This module does not know of models or devices. */
/** @import { FlowglassError } from './index.d.ts' */
import { CRASH, failure, fromPlain } from './protocol.js';

/** @typedef {{resolve: (value: any) => void, reject: (error: unknown) => void, onEvent?: (event: any) => void}} Waiting */

export class Connection {
  #worker;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #nextId = 1;
  /** @type {FlowglassError|null} */
  #ended = null;

  /**
   * @param {Worker} worker
   * @param {(error: FlowglassError) => void} onCrash called once, when the worker cannot be used any more
   */
  constructor(worker, onCrash) {
    this.onCrash = onCrash;
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#crash(event.message || 'the worker could not be started');
    };
    worker.onmessageerror = () => this.#crash('a message could not be read');
  }

  /** Whether a call waits for its answer. */
  get busy() {
    return this.#waiting.size > 0;
  }

  /**
   * Calls `method` in the worker.
   * @param {string} method
   * @param {unknown[]} args
   * @param {(event: any) => void} [onEvent] is called with each event before the answer
   * @returns {Promise<any>}
   */
  call(method, args = [], onEvent = undefined) {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject, onEvent });
      try {
        this.#worker.postMessage({ id, method, args });
      } catch (error) {
        this.#waiting.delete(id);
        reject(error);
      }
    });
  }

  /** Ends the worker; calls that wait are rejected with `error`. */
  end(error = failure('state', 'The engine was closed.')) {
    if (this.#ended) return;
    this.#ended = error;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** @param {{id: number, event?: any, result?: any, error?: import('./protocol.js').PlainError}} message */
  #receive({ id, event, result, error }) {
    const call = this.#waiting.get(id);
    if (!call) return;
    if (event) return void call.onEvent?.(event);
    if (error?.code === CRASH) return this.#crash(error.message);
    this.#waiting.delete(id);
    if (error) call.reject(fromPlain(error));
    else call.resolve(result);
  }

  /** @param {string} reason */
  #crash(reason) {
    if (this.#ended) return;
    const error = failure(CRASH, `The engine stopped (${reason}).`);
    this.end(error);
    this.onCrash(error);
  }
}
