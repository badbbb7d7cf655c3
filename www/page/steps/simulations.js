/** Step 1: a set of simulations, read and shown. */
/** @import { Assignment, FlowglassError, SetSummary } from '../../client/index.js' */
/** @import { Page } from '../types.d.ts' */
/** @import { Spectrum } from '../../views/types.d.ts' */

import { h } from '../../views/dom.js';
import { counted } from '../../views/format.js';
import * as setinfo from '../../views/setinfo.js';
import { drawn } from '../blocks.js';
import { button, element, input, onSubmit } from '../elements.js';
import { codeOf } from '../errors.js';
import { chooser } from '../files.js';

const SHOWN_ROWS = 8;

/** @param {Page} page */
export function mountSimulations(page) {
  const el = element('set-info');
  /** @type {{summary?: SetSummary, rows?: Spectrum[]}} */
  let shown = {};
  /** @type {File[]} the files whose arrays are shown: the set's file, and a file that was refused */
  let [taken, refused] = [];
  const info = setinfo.mount(el, { onAssign: (assign, isRefused) => readSet(isRefused ? refused : taken, assign) });
  button('choose-set').disabled = false;
  chooser(button('choose-set'), input('set-file'), (file) => page.openFile(file, 'set'));
  onSubmit(element('simulate'), simulate);
  listSimulators(page);

  async function simulate() {
    const task = input('simulate-task').value;
    const n = input('simulate-n').valueAsNumber;
    const run = button('simulate-run');
    run.disabled = true;
    page.tell('wanted');
    try {
      // New simulations every time, after a reload too, so that a model can be checked on simulations that it was not
      // trained on. The name of the file says how to make them again.
      const [seed] = crypto.getRandomValues(new Uint32Array(1));
      const name = `${task}-seed${seed}.npz`;
      const bytes = /** @type {BlobPart} */ (await page.client.simulate(task, n, seed));
      // As a file, so that a simulated set is kept, restored and moved between devices like any other.
      await readSet(new File([bytes], name));
    } catch (error) {
      page.fail(error, task);
    } finally {
      run.disabled = false;
      if (document.activeElement === document.body) run.focus();
    }
  }

  /**
   * Reads a file as a set. If this fails, the previous set stays.
   * @param {File} file
   * @param {Assignment} [assign]
   */
  async function readSet(file, assign) {
    if (page.state.training) {
      page.say(
        'error',
        `${file.name} was not read: training is running on the set that is here. Finish or cancel it first.`,
      );
      return;
    }
    page.tell('wanted');
    el.setAttribute('aria-busy', 'true');
    try {
      const summary = await page.client.readSet(file.name, file, assign);
      const rows = [];
      const step = Math.max(1, Math.floor(summary.n / SHOWN_ROWS));
      for (let i = 0; i < summary.n && rows.length < SHOWN_ROWS; i += step) {
        rows.push(drawn((await page.client.setRow(i)).observation));
      }
      Object.assign(page.state, { set: summary, heldOut: null });
      taken = file;
      shown = { summary, rows };
      info.update(shown);
      page.tell('set');
      page.say('note', `${file.name}: ${counted(summary.n, 'simulation')} read.`);
    } catch (error) {
      refuse(file, /** @type {FlowglassError} */ (error));
    } finally {
      el.removeAttribute('aria-busy');
    }
  }

  /**
   * @param {File} file
   * @param {FlowglassError} error
   */
  function refuse(file, error) {
    // A file that can be read but is not a set may be one observed spectrum.
    const mayBeOne = error.code === 'array' || (error.code === 'file' && file.size > 0 && /\.csv$/i.test(file.name));
    const action = { label: 'Use it as an observation', run: () => page.readObservation(file) };
    page.fail(error, file.name, page.state.model && mayBeOne ? action : undefined);
    if (!error.arrays?.length) return;
    refused = file;
    info.update({ ...shown, refused: { arrays: error.arrays, file: file.name } });
  }

  return { readSet };
}

/**
 * Fills the menu of simulators, and lets them be run.
 * @param {Page} page
 */
async function listSimulators(page) {
  try {
    const simulators = await page.client.simulators();
    element('simulate-task').replaceChildren(
      ...simulators.map(({ name, title }) => h('option', { value: name }, title)),
    );
    button('simulate-run').disabled = false;
  } catch (error) {
    if (codeOf(error) !== 'crash') page.fail(error, 'The list of simulators');
  }
}
