/** Step 1: a set of simulations, read and shown. */
import { count } from '../../views/format.js';
import * as setinfo from '../../views/setinfo.js';
import { drawn } from '../blocks.js';
import { chooser } from '../files.js';

const SHOWN_ROWS = 8;

/** @param {object} page what app.js shares: client, state, say, tell, openFile */
export function mountSimulations(page) {
  const el = document.querySelector('#set-info');
  let shown = {};
  let [taken, refused] = [null, null]; // files, whose arrays are shown
  let seed = 0;
  const info = setinfo.mount(el, { onAssign: (assign, isRefused) => readSet(isRefused ? refused : taken, assign) });
  for (const id of ['choose-set', 'simulate-run']) document.querySelector(`#${id}`).disabled = false;
  chooser(document.querySelector('#choose-set'), document.querySelector('#set-file'), page.openFile);

  document.querySelector('#simulate').addEventListener('submit', async (event) => {
    event.preventDefault();
    const task = document.querySelector('#simulate-task').value;
    const n = document.querySelector('#simulate-n').valueAsNumber;
    const button = document.querySelector('#simulate-run');
    button.disabled = true;
    try {
      // Others every time, so that a model can be checked on what it was not trained on.
      const name = `${task}${seed ? `-seed${seed}` : ''}.npz`;
      // By way of a file, so that a simulated set is held, restored and moved between devices like any other.
      await readSet(new File([await page.client.simulate(task, n, seed)], name));
      seed += 1;
    } catch (error) {
      page.fail(error, task);
    } finally {
      button.disabled = false;
      if (document.activeElement === document.body) button.focus();
    }
  });

  /** Reads `file` as a set; the one before stays where this fails. */
  async function readSet(file, assign) {
    if (page.state.training) {
      page.say(
        'error',
        `${file.name} was not read: training is running on the set that is here. Finish or cancel it first.`,
      );
      return;
    }
    el.setAttribute('aria-busy', 'true');
    try {
      const summary = await page.client.readSet(file.name, file, assign);
      const rows = [];
      const step = Math.max(1, Math.floor(summary.n / SHOWN_ROWS));
      for (let i = 0; i < summary.n && rows.length < SHOWN_ROWS; i += step) {
        rows.push(drawn((await page.client.setRow(i)).observation));
      }
      page.state.set = summary;
      page.state.heldOut = null;
      taken = file;
      shown = { summary, rows };
      info.update(shown);
      page.tell('set');
      page.say('note', `${file.name}: ${count(summary.n)} simulations read.`);
    } catch (error) {
      refuse(file, error);
    } finally {
      el.removeAttribute('aria-busy');
    }
  }

  function refuse(file, error) {
    // A file that could be read but is no set may be one observed spectrum.
    const asObservation =
      page.state.model &&
      (error.code === 'array' || (error.code === 'file' && file.size > 0 && /\.csv$/i.test(file.name)));
    page.fail(
      error,
      file.name,
      asObservation ? { label: 'Use it as an observation', run: () => page.readObservation(file) } : undefined,
    );
    if (!error.arrays?.length) return;
    refused = file;
    info.update({ ...shown, refused: { arrays: error.arrays, file: file.name } });
  }

  return { readSet };
}
