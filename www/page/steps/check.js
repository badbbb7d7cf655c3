/** Step 4: the model against simulations that it was not trained on. */
/** @import { CheckOptions, CheckRun, ModelSummary, Report } from '../../client/index.js' */
/** @import { Page } from '../types.d.ts' */
import { STATUS } from '../../client/index.js';
import { count, counted, duration } from '../../views/format.js';
import * as report from '../../views/report.js';
import { button, element, input, onSubmit } from '../elements.js';
import { codeOf } from '../errors.js';
import { save, stem } from '../files.js';

/** Simulations in the form at first: enough to show what is wrong, within seconds. */
const N_SIMULATIONS = 500;

/** @typedef {{report: Report, html: string, name: string}} Found `name`: for files */

/** @param {Page} page */
export function mountCheck(page) {
  const step = new CheckStep(page);
  onSubmit(element('check-form'), () => step.start());
  button('check-cancel').addEventListener('click', () => step.cancel());
  button('check-save-page').addEventListener('click', () => step.savePage());
  button('check-save-json').addEventListener('click', () => step.saveNumbers());
}

class CheckStep {
  #page;
  #view = report.mount(element('check-report'));
  /** @type {CheckRun|null} */
  #run = null;
  /** @type {Found|null} what is shown */
  #found = null;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    page.on('set', () => {
      const n = page.state.set?.n ?? 0;
      input('check-n').max = String(n);
      input('check-n').value = String(Math.min(N_SIMULATIONS, n));
      this.#refresh();
    });
    page.on('model', () => {
      this.#refresh();
      if (this.#found) this.#say('The report below is of an earlier model.');
    });
  }

  /** @param {string} text */
  #say(text) {
    element('check-status').textContent = text;
  }

  #refresh() {
    const { set, model } = this.#page.state;
    const ready = Boolean(set && model);
    element('check-empty').hidden = ready;
    element('check-body').hidden = !ready;
    button('check-start').disabled = !ready || Boolean(this.#run);
    element('check-progress').hidden = !this.#run;
  }

  async start() {
    const { set, model } = this.#page.state;
    if (this.#run || !set) return;
    const began = performance.now();
    const bar = /** @type {HTMLProgressElement} */ (element('check-bar'));
    try {
      this.#run = this.#page.client.check(asked(), {
        onProgress: ({ done, n_simulations: all }) => {
          bar.value = done / all;
          this.#say(`${count(done)} of ${counted(all, 'simulation')}`);
        },
      });
      bar.value = 0;
      button('check-cancel').disabled = false;
      this.#say('Starting…');
      this.#refresh();
      const { status, report: numbers, html } = await this.#run.done;
      if (status === STATUS.CANCELLED || !numbers || !html) {
        this.#say(this.#found ? 'Cancelled. The report below is of the check before.' : 'Cancelled.');
      } else {
        this.#show({ report: numbers, html, name: `check of ${stem(set.file)}` }, began, model);
      }
    } catch (error) {
      this.#say('');
      // A crash has been told about by the client's own event.
      if (codeOf(error) !== 'crash') this.#page.fail(error, 'Check');
    } finally {
      this.#run = null;
      this.#refresh();
    }
  }

  /**
   * @param {Found} found
   * @param {number} began
   * @param {ModelSummary|null} model the model that was checked
   */
  #show(found, began, model) {
    const { n_simulations: m, n_draws: n } = found.report.options;
    const took = duration((performance.now() - began) / 1000);
    const older = this.#page.state.model === model ? '' : ' The report below is of an earlier model.';
    this.#say(`${counted(m, 'simulation')} with ${counted(n, 'draw')} each, in ${took}.${older}`);
    this.#found = found;
    this.#view.update({ html: found.html });
    element('check-save').hidden = false;
  }

  cancel() {
    button('check-cancel').disabled = true;
    this.#run?.cancel();
  }

  savePage() {
    if (this.#found) save(`${this.#found.name}.html`, this.#found.html, 'text/html');
  }

  saveNumbers() {
    if (this.#found) save(`${this.#found.name}.json`, JSON.stringify(this.#found.report), 'application/json');
  }
}

/**
 * What the form asks for; an empty field stands for the default.
 * @returns {CheckOptions}
 */
function asked() {
  const fields = { n_simulations: 'check-n', n_draws: 'check-draws', seed: 'check-seed' };
  const numbers = Object.entries(fields).map(([name, id]) => [name, input(id).valueAsNumber]);
  return Object.fromEntries(numbers.filter(([, value]) => !Number.isNaN(value)));
}
