/** One worker and the calls that wait for its answers. Knows nothing of models or devices. */
import { CRASH, failure, fromPlain } from './protocol.js';

export class Connection {
  #worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  #waiting = new Map();
  #nextId = 1;
  #ended = null;

  /** @param {(error: Error) => void} onCrash called once, when the worker is of no further use */
  constructor(onCrash) {
    this.onCrash = onCrash;
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#crash(event.message || 'the worker could not be started');
    };
    this.#worker.onmessageerror = () => this.#crash('a message could not be read');
  }

  /** Whether a call waits for its answer. */
  get busy() {
    return this.#waiting.size > 0;
  }

  /** Calls `method` in the worker; `onEvent` hears what happens before the answer. */
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

  #receive({ id, event, result, error }) {
    const call = this.#waiting.get(id);
    if (!call) return;
    if (event) return void call.onEvent?.(event);
    if (error?.code === CRASH) return this.#crash(error.message);
    this.#waiting.delete(id);
    if (error) call.reject(fromPlain(error));
    else call.resolve(result);
  }

  #crash(reason) {
    if (this.#ended) return;
    const error = failure(CRASH, `The engine stopped (${reason}).`);
    this.end(error);
    this.onCrash(error);
  }
}
