/** The page: connects the client with the steps, decides which step gets a file, and shows errors. */
/** @import { Flowglass } from '../client/index.js' */
/** @import { Page } from './types.d.ts' */
import * as messages from '../views/messages.js';
import { button, element } from './elements.js';
import { messageOf } from './errors.js';
import { dropAnywhere, holdFiles } from './files.js';
import { mountCheck } from './steps/check.js';
import { mountCheckAt } from './steps/check-at.js';
import { mountDevice } from './steps/device.js';
import { mountPosterior } from './steps/posterior.js';
import { mountSimulations } from './steps/simulations.js';
import { mountTrain } from './steps/train.js';
import { themeButton } from './theme-button.js';

const DEMO = new URL('models/demo.safetensors', document.baseURI);

const board = messages.mount(element('messages'));
const hub = new EventTarget();

/** Stands for a function of a step until that step is mounted. */
const notYet = async () => {};

/** @type {Page} */
const page = {
  client: /** @type {any} */ (null), // the device step makes it, before any other step is mounted
  state: { set: null, model: null, observed: null, origin: '', heldOut: null, training: false, unsaved: false },
  say: (kind, text, action) => board.update({ kind, text, action }),
  fail(error, about, action) {
    const message = messageOf(error);
    const text = !about || message.includes(about) ? message : `${about}: ${message}`;
    board.update({ kind: 'error', text, action });
  },
  on: (event, work) => hub.addEventListener(event, work),
  tell: (event) => hub.dispatchEvent(new Event(event)),
  setModel(summary, origin) {
    Object.assign(page.state, { model: summary, origin });
    page.tell('model');
  },
  async openFile(file, as) {
    const { holds } = await page.client.whatIs(file.name, file).catch(() => ({ holds: 'unknown' }));
    if (holds === 'model') return openModel(file, file.name);
    const told = holds === 'observation' && page.state.model ? 'observation' : 'set';
    return (as ?? told) === 'observation' ? page.readObservation(file) : page.readSet(file);
  },
  readSet: notYet,
  readObservation: notYet,
  chooseDevice: notYet,
};

/**
 * @param {Uint8Array|Blob} data
 * @param {string} name
 * @returns {Promise<boolean>} whether it is the model now
 */
async function openModel(data, name, origin = name) {
  try {
    const summary = await page.client.loadModel(name, data);
    Object.assign(page.state, { heldOut: null, unsaved: false });
    page.setModel(summary, origin);
    return true;
  } catch (error) {
    page.fail(error, name);
    return false;
  }
}

/** @param {Promise<Response|null>} fetched */
async function openDemo(fetched) {
  const answer = await fetched;
  const bytes = answer?.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
  if (page.state.model) return; // the reader has opened a model before the download ended
  if (!bytes || !(await openModel(bytes, 'demo.safetensors', 'the demonstration'))) page.tell('no-model');
}

/**
 * Shows a message when a worker has died.
 * @param {Flowglass} client
 * @param {Awaited<ReturnType<typeof mountDevice>>['menu']} menu
 */
function watchClient(client, menu) {
  client.addEventListener('restarted', ({ detail: { reason, model, set, said, training, info } }) => {
    const kept = [model && 'the model', set && 'the simulations'].filter(Boolean).join(' and ');
    const runs = { resumed: ' Training goes on from its last checkpoint.', lost: ' The training run is lost.' };
    const run = training ? runs[training] : '';
    const lost = page.state.set && !set ? ` The simulations must be loaded again.${said ? ` ${said}` : ''}` : '';
    page.say('error', `${reason} It was started again${kept ? ` with ${kept} as before` : ''}.${run}${lost}`);
    menu.update({ info });
  });
  client.addEventListener('failed', ({ detail }) => page.say('error', detail.reason));
}

async function main() {
  themeButton(button('theme'));
  holdFiles();
  addEventListener('beforeunload', (event) => {
    if (page.state.training || page.state.unsaved) event.preventDefault();
  });
  const fetched = fetch(DEMO).catch(() => null);
  let device;
  try {
    device = await mountDevice(page);
  } catch (error) {
    page.fail(error);
    page.tell('no-model');
    for (const id of ['model-line', 'device-why']) element(id).textContent = 'The engine could not be started.';
    for (const skeleton of document.querySelectorAll('.skeleton')) skeleton.remove();
    return;
  }
  // For tests, and for use in the console of a browser.
  Object.assign(window, { __flowglass: { client: page.client } });
  watchClient(page.client, device.menu);

  page.chooseDevice = device.choose;
  page.readSet = mountSimulations(page).readSet;
  page.readObservation = mountPosterior(page).readObservation;
  mountCheck(page);
  mountCheckAt(page);
  dropAnywhere({
    hint: element('drop-hint'),
    describe: (over) => (over ? 'Drop an observation or a model' : 'Drop simulations or a model'),
    onFile: (file, overPosterior) => page.openFile(file, overPosterior ? 'observation' : undefined),
  });
  await Promise.all([openDemo(fetched), mountTrain(page), device.seekGpu(), device.seekThreads()]);
}

main();
