/** The device that computes: the CPU at once, and the GPU once it has passed its self-test, if it is the faster. */
import { whyNoWebGpu } from '../../client/devices.js';
import { DEVICES, Flowglass, isFor } from '../../client/index.js';
import * as menuView from '../../views/device.js';

/** How long a run waits for the choice of its device. */
const CHOICE_MS = 10000;

/**
 * Makes the page's client.
 * @param {object} page what app.js shares
 * @returns the menu, and `seekGpu()`, to be called when the page listens
 */
export async function mountDevice(page) {
  const query = new URLSearchParams(location.search);
  const [asked, threads] = [query.get('device'), Number(query.get('threads')) || null];
  let chosen = Object.hasOwn(DEVICES, asked) ? asked : 'auto';
  const menu = menuView.mount(document.querySelector('#device-menu'), {
    devices: DEVICES,
    wanted: chosen,
    onChoose: change,
  });
  const show = (more) => menu.update({ info: page.client.info, wanted: chosen, ...more });
  /** What can wait waits for the first posterior. */
  const first = new Promise((resolve) => {
    for (const event of ['sampled', 'no-model']) page.on(event, resolve);
  });

  if (chosen !== 'auto') {
    try {
      page.client = await Flowglass.create({ device: chosen, threads });
    } catch (error) {
      page.fail(error);
      chosen = 'auto';
    }
  }
  page.client ??= await Flowglass.create({ device: 'cpu', threads });
  show();
  page.on('training', () => show());

  async function change(next) {
    const before = chosen;
    chosen = next;
    menu.update({ busy: true, wanted: next, testing: null });
    try {
      await page.client.setDevice(next);
    } catch (error) {
      chosen = before;
      page.fail(error);
    }
    show();
  }

  let defaults = null;
  let choosing = Promise.resolve();

  /** Chooses between the CPU and a GPU that was timed before, where `config` is not what they were timed at. */
  function choose(config) {
    choosing = choosing.then(async () => {
      const { timings } = page.client.info;
      if (chosen !== 'auto' || page.state.training || !timings) return;
      try {
        defaults ??= Object.fromEntries((await page.client.options()).map((option) => [option.name, option.default]));
        if (isFor(timings, { ...defaults, ...config }, page.state.set)) return;
        show({ testing: 'timing the GPU and the CPU' });
        await page.client.setDevice('auto', config);
      } catch (error) {
        // Training has begun, or somebody chose by hand; or training will say what is wrong with its options.
        if (error.code !== 'state' && error.code !== 'option') {
          delete page.client.info.timings; // what failed once is not tried before every run
          page.fail(error, 'Timing the devices');
        }
      }
      show({ testing: null });
    });
    return choosing;
  }

  /** Before a run with `config`. What takes too long is not waited for: the run begins where it is. */
  page.chooseDevice = (config) => {
    const late = new Promise((resolve) => {
      setTimeout(resolve, CHOICE_MS);
    });
    return Promise.race([choose(config), late]);
  };
  page.on('set', () => choose(page.state.set.config));

  /** Resolves when nothing trains. */
  const rest = () =>
    new Promise((resolve) => {
      const look = () => {
        if (!page.state.training) resolve();
      };
      page.on('training', look);
      look();
    });

  /** Moves to the GPU, where there is one, after the first posterior; a run that came first is waited for. */
  async function seekGpu() {
    if (chosen !== 'auto') return;
    const why = await whyNoWebGpu();
    if (why) {
      page.client.info.reason = [why, page.client.info.reason].filter(Boolean).join(', and ');
      return show();
    }
    show({ testing: 'testing the GPU and compiling its kernels' });
    await first;
    for (let over = false; !over && chosen === 'auto'; ) {
      if (page.state.training) {
        page.client.info.reason = 'training has begun; the GPU is tried after it';
        show({ testing: null });
        await rest();
      }
      show({ testing: 'testing the GPU and compiling its kernels' });
      try {
        await page.client.setDevice('auto');
        over = true;
      } catch (error) {
        // Training has begun, or somebody chose by hand.
        over = error.code !== 'state';
        if (over) page.client.info.reason = `the GPU could not take over (${error.message})`;
      }
    }
    if (chosen !== 'auto') return;
    show({ testing: null });
    if (page.state.set) choose(page.state.set.config);
  }

  /**
   * Where the host does not let the page use several threads, a service worker does from the next visit on. Not within other
   * pages, which would have to be isolated themselves.
   */
  async function seekThreads() {
    const { serviceWorker } = navigator;
    const helps = !crossOriginIsolated && serviceWorker && !serviceWorker.controller && window.top === window;
    if (!helps || threads === 1 || navigator.hardwareConcurrency === 1) return;
    await first;
    try {
      await serviceWorker.register('isolation.js');
      await serviceWorker.ready;
      show({ loadedAgain: true });
    } catch {
      // Not allowed here: one thread it is.
    }
  }

  return { menu, seekGpu, seekThreads };
}
