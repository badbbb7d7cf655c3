/** The page: wires the client to the steps, routes files, and tells of errors. */
import * as messages from '../views/messages.js';
import { mountCheck } from './steps/check.js';
import { mountDevice } from './steps/device.js';
import { dropAnywhere, extension, holdFiles } from './files.js';
import { mountPosterior } from './steps/posterior.js';
import { mountSimulations } from './steps/simulations.js';
import { mountTrain } from './steps/train.js';

const DEMO = new URL('models/demo.safetensors', document.baseURI);

const board = messages.mount(document.querySelector('#messages'));
const hub = new EventTarget();

/** What the steps share. */
const page = {
  client: null,
  state: { set: null, model: null, origin: '', heldOut: null, training: false, unsaved: false },
  say: (kind, text, action) => board.update({ kind, text, action }),
  /** Tells of an error, with the name of what it is about unless the message has it already. */
  fail(error, about, action) {
    const text = !about || error.message.includes(about) ? error.message : `${about}: ${error.message}`;
    board.update({ kind: 'error', text, action });
  },
  on: (event, work) => hub.addEventListener(event, work),
  tell: (event) => hub.dispatchEvent(new Event(event)),
  setModel(summary, origin) {
    Object.assign(page.state, { model: summary, origin });
    page.tell('model');
  },
};

/** Where a file goes is in its name, and in where it was dropped. */
page.openFile = async (file, overPosterior = false) => {
  const kind = extension(file.name);
  if (kind === '.safetensors' && (await isModel(file))) return openModel(file, file.name);
  if (overPosterior || kind === '.txt' || kind === '.dat') return page.readObservation(file);
  return page.readSet(file);
};

/** A model says so at the start of its header; any other .safetensors may be a set. */
async function isModel(file) {
  return (await file.slice(0, 256).text()).includes('"flowglass"');
}

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

async function openDemo(fetched) {
  const answer = await fetched;
  const bytes = answer?.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
  if (page.state.model) return; // someone was quicker than the download
  if (!bytes || !(await openModel(bytes, 'demo.safetensors', 'the demonstration'))) page.tell('no-model');
}

function themeButton(button) {
  const root = document.documentElement;
  const modes = ['system', 'light', 'dark'];
  const show = () => {
    const mode = root.dataset.theme ?? 'system';
    button.textContent = `◐ ${mode}`;
    button.setAttribute('aria-label', `Color theme: ${mode}`);
  };
  button.addEventListener('click', () => {
    const next = modes[(modes.indexOf(root.dataset.theme ?? 'system') + 1) % modes.length];
    if (next === 'system') delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      localStorage.setItem('flowglass-theme', next);
    } catch {
      // No storage: the choice lasts as long as the page.
    }
    show();
  });
  show();
}

function watchClient(client, device) {
  client.addEventListener('restarted', ({ detail }) => {
    const kept = [detail.model && 'the model', detail.set && 'the simulations'].filter(Boolean).join(' and ');
    const runs = { resumed: ' Training goes on from where it was last kept.', lost: ' The training run is lost.' };
    const run = runs[detail.training] ?? '';
    const said = detail.said ? ` ${detail.said}` : '';
    const set = page.state.set && !detail.set ? ` The simulations must be loaded again.${said}` : '';
    page.say(
      'error',
      `${detail.reason} It was started again` + `${kept ? ` with ${kept} as before` : ''}.${run}${set}`,
    );
    device.update({ info: detail.info });
  });
  client.addEventListener('failed', ({ detail }) => page.say('error', detail.reason));
}

async function main() {
  themeButton(document.querySelector('#theme'));
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
    for (const id of ['model-line', 'device-why']) {
      document.querySelector(`#${id}`).textContent = 'The engine could not be started.';
    }
    for (const skeleton of document.querySelectorAll('.skeleton')) skeleton.remove();
    return;
  }
  window.__flowglass = { client: page.client };
  watchClient(page.client, device.menu);

  page.readSet = mountSimulations(page).readSet;
  page.readObservation = mountPosterior(page).readObservation;
  mountCheck(page);
  dropAnywhere({
    hint: document.querySelector('#drop-hint'),
    describe: (over) => (over ? 'Drop an observation or a model' : 'Drop simulations or a model'),
    onFile: page.openFile,
  });
  await Promise.all([openDemo(fetched), mountTrain(page), device.seekGpu(), device.seekThreads()]);
}

main();
