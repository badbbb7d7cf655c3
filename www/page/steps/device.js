/** The device that computes: the CPU at once, and the GPU once it has passed its self-test, if it is the faster. */
/** @import { ClientOptions, DeviceChoice, DeviceName, Flowglass, OptionDescription, TrainingOptions } from '../../client/index.js' */
/** @import { Page } from '../types.d.ts' */
import { Flowglass as Client, DEVICES, isTimedFor, whyNoWebGpu } from '../../client/index.js';
import * as menuView from '../../views/device.js';
import { element } from '../elements.js';
import { codeOf, messageOf } from '../errors.js';

/** Milliseconds that a run waits for the choice of its device. */
const CHOICE_MS = 10000;

/**
 * Devices as the menu names them.
 * @type {Record<DeviceName, string>}
 */
const NAMES = { webgpu: 'GPU (WebGPU)', flex: 'CPU (flex)', ndarray: 'CPU (ndarray)' };

/** What the names mean. */
const ABOUT = 'flex is the fast way to compute on the CPU; ndarray is slower and works in older browsers too';

const TESTING = 'testing the GPU and compiling its kernels';

/**
 * What the address of the page says: `?device=flex`, `?threads=1`; and, for tests, `checkpointEveryMs` and `pauseMs`.
 * @returns {ClientOptions}
 */
function asked() {
  const query = new URLSearchParams(location.search);
  const device = DEVICES.find((name) => name === query.get('device'));
  const numbers = ['threads', 'checkpointEveryMs', 'pauseMs'].map((name) => [name, Number(query.get(name))]);
  return { device, ...Object.fromEntries(numbers.filter(([, value]) => value)) };
}

/**
 * Makes the page's client.
 * @param {Page} page
 */
export async function mountDevice(page) {
  const { device, ...options } = asked();
  /** @type {Flowglass|undefined} */
  let client;
  /** @type {DeviceChoice} */
  let chosen = device ?? 'auto';
  const step = new DeviceStep(page, chosen);
  if (chosen !== 'auto') {
    try {
      client = await Client.create({ device: chosen, ...options });
    } catch (error) {
      page.fail(error);
      chosen = 'auto';
    }
  }
  page.client = client ?? (await Client.create({ device: 'cpu', ...options }));
  step.begin(chosen);
  return {
    menu: step.menu,
    choose: (/** @type {TrainingOptions} */ config) => step.chooseInTime(config),
    seekGpu: () => step.seekGpu(),
    seekThreads: () => step.seekThreads(options.threads ?? null),
  };
}

class DeviceStep {
  #page;
  /** @type {DeviceChoice} */
  #chosen;
  /** @type {OptionDescription[]|null} */
  #options = null;
  /** @type {Promise<void>} the latest choice of a device; choices are made one after another */
  #choosing = Promise.resolve();
  /** Resolves with the first posterior. All work that can wait begins after it. */
  #first;

  /**
   * @param {Page} page
   * @param {DeviceChoice} chosen
   */
  constructor(page, chosen) {
    this.#page = page;
    this.#chosen = chosen;
    const onChoose = (/** @type {string} */ device) => this.#change(/** @type {DeviceChoice} */ (device));
    this.menu = menuView.mount(element('device-menu'), { names: NAMES, about: ABOUT, wanted: chosen, onChoose });
    this.#first = new Promise((resolve) => {
      page.on('sampled', () => resolve(null));
      page.on('no-model', () => resolve(null));
    });
  }

  /** @param {DeviceChoice} chosen */
  begin(chosen) {
    this.#chosen = chosen;
    this.#show();
    this.#page.on('training', () => this.#show());
    this.#page.on('set', () => this.#choose(this.#page.state.set?.config ?? {}));
  }

  /** @param {Parameters<typeof this.menu.update>[0]} [more] */
  #show(more) {
    this.menu.update({ info: this.#page.client.info, wanted: this.#chosen, ...more });
  }

  /** @param {DeviceChoice} next */
  async #change(next) {
    const before = this.#chosen;
    this.#chosen = next;
    this.#page.tell('wanted');
    this.menu.update({ busy: true, wanted: next, testing: null });
    try {
      await this.#page.client.setDevice(next);
    } catch (error) {
      this.#chosen = before;
      this.#page.fail(error);
    }
    this.#show();
  }

  /**
   * Times CPU and GPU again and chooses the faster, if `config` differs from what they were timed at.
   * @param {TrainingOptions} config
   */
  #choose(config) {
    this.#choosing = this.#choosing.then(async () => {
      const { client, state } = this.#page;
      const { timings } = client.info;
      if (this.#chosen !== 'auto' || state.training || !timings || !state.set) return;
      try {
        this.#options ??= await client.options();
        if (isTimedFor(timings, config, state.set, this.#options)) return;
        this.#show({ testing: 'timing the GPU and the CPU' });
        await client.setDevice('auto', config);
      } catch (error) {
        // Training has begun, or the reader chose a device, or an option is refused. Training reports a refused option.
        if (codeOf(error) !== 'state' && codeOf(error) !== 'option') {
          delete client.info.timings; // so that a timing that failed is not tried again before every run
          this.#page.fail(error, 'Timing the devices');
        }
      }
      this.#show({ testing: null });
    });
    return this.#choosing;
  }

  /**
   * Chooses before a run with `config`. If the choice takes too long, the run begins on the device that computes now.
   * @param {TrainingOptions} config
   */
  chooseInTime(config) {
    const late = new Promise((resolve) => setTimeout(resolve, CHOICE_MS));
    return Promise.race([this.#choose(config), late]);
  }

  /** Resolves when nothing trains. */
  #rest() {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.#page.state.training) resolve(null);
      };
      this.#page.on('training', look);
      look();
    });
  }

  /** Moves to the GPU, if there is one, after the first posterior and after a training run that has begun by then. */
  async seekGpu() {
    const { client, state } = this.#page;
    if (this.#chosen !== 'auto') return;
    const why = await whyNoWebGpu();
    if (why) {
      client.info.reason = [why, client.info.reason].filter(Boolean).join(', and ');
      return this.#show();
    }
    this.#show({ testing: TESTING });
    await this.#first;
    for (let over = false; !over && this.#chosen === 'auto'; ) {
      if (state.training) {
        client.info.reason = 'training has begun; the GPU is tried after it';
        this.#show({ testing: null });
        await this.#rest();
      }
      this.#show({ testing: TESTING });
      try {
        await client.setDevice('auto');
        over = true;
      } catch (error) {
        // Training has begun, or the reader chose a device.
        over = codeOf(error) !== 'state';
        if (over) client.info.reason = `the GPU could not take over (${messageOf(error)})`;
      }
    }
    if (this.#chosen !== 'auto') return;
    this.#show({ testing: null });
    if (state.set) this.#choose(state.set.config);
  }

  /**
   * Registers a service worker if the host does not send the headers that several threads need. From the next visit on,
   * the service worker adds them. It would not help a page inside another one, because the outer page needs them too.
   * @param {number|null} most threads that were asked for
   */
  async seekThreads(most) {
    const { serviceWorker } = navigator;
    const helps = !crossOriginIsolated && serviceWorker && !serviceWorker.controller && window.top === window;
    if (!helps || most === 1 || navigator.hardwareConcurrency === 1) return;
    await this.#first;
    try {
      await serviceWorker.register('isolation.js');
      await serviceWorker.ready;
      this.#show({ loadedAgain: true });
    } catch {
      // Not allowed here: the page goes on with one thread.
    }
  }
}
