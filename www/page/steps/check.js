/** Step 4: the model against simulations that it was not trained on. After training, this begins by itself. */
/** @import { CheckOptions, CheckRun, ModelSummary, Report } from '../../client/index.js' */
/** @import { Page } from '../types.d.ts' */
import { STATUS } from '../../client/index.js';
import { count, counted, duration } from '../../views/format.js';
import * as report from '../../views/report.js';
import { button, element, input, onSubmit } from '../elements.js';
import { codeOf } from '../errors.js';
import { save, stem } from '../files.js';
import { kinship } from '../kinship.js';

/** Simulations in the form at first: enough to show what is wrong, within seconds. */
const N_SIMULATIONS = 500;

/** The check after training: at most so many held-out rows and draws for each, within about so many milliseconds. */
const OWN = { n_simulations: 1000, n_draws: 500, ms: 10000 };

/** @typedef {{report: Report, html: string, name: string}} Found `name`: for files */
/** @typedef {{run: CheckRun, isOwn: boolean, over: Promise<void>}} Running `isOwn`: begun by the page, not by the reader */

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
  /** @type {Running|null} */
  #running = null;
  /** Whether the page is to check the model that was just trained. */
  #isDue = false;
  /** @type {Found|null} what is shown */
  #found = null;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    page.on('set', () => {
      const n = page.state.set?.n ?? 0;
      input('check-n').max = String(n);
      input('check-n').value = String(Math.min(N_SIMULATIONS, n));
      this.#giveWay();
      this.#refresh();
    });
    page.on('model', () => {
      this.#giveWay();
      this.#refresh();
      if (this.#found) this.#say('The report below is of an earlier model.');
    });
    page.on('wanted', () => this.#giveWay());
    page.on('trained', () => {
      this.#isDue = true;
    });
    // The posterior comes first.
    page.on('sampled', () => {
      if (this.#isDue && !page.state.training) this.#startOwn();
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
    button('check-start').disabled = !ready || this.#running?.isOwn === false;
    element('check-progress').hidden = !this.#running;
    const rows = set && model ? whichRows(kinship(set, model)) : '';
    element('check-rows').textContent = rows;
    element('check-rows').hidden = !rows;
  }

  /** Ends a check that the page began, or is about to begin: the reader wants something else. */
  async #giveWay() {
    this.#isDue = false;
    const running = this.#running;
    if (!running?.isOwn) return;
    running.run.cancel();
    await running.over;
  }

  /** Checks the held-out rows of the set after training. */
  async #startOwn() {
    const held = this.#page.state.heldOut?.length ?? 0;
    this.#isDue = false;
    if (held < 2 || this.#running) return;
    const { ms, n_simulations, n_draws } = OWN;
    const timer = setTimeout(() => this.#running?.run.finish().catch(() => {}), ms);
    await this.#start({ n_simulations: Math.min(n_simulations, held), n_draws }, true);
    clearTimeout(timer);
  }

  /** Checks as many simulations as the form says. */
  async start() {
    await this.#giveWay();
    if (!this.#running) await this.#start(asked(), false);
  }

  /**
   * @param {CheckOptions} options
   * @param {boolean} isOwn
   */
  async #start(options, isOwn) {
    const { set, model } = this.#page.state;
    if (!set) return;
    const began = performance.now();
    const bar = /** @type {HTMLProgressElement} */ (element('check-bar'));
    const rows = isOwn ? 'held-out row' : 'simulation';
    let end = () => {};
    try {
      const run = this.#page.client.check(options, {
        onProgress: ({ done, n_simulations: all }) => {
          bar.value = done / all;
          this.#say(`${count(done)} of ${counted(all, rows)}`);
        },
      });
      const over = new Promise((resolve) => {
        end = () => resolve(undefined);
      });
      this.#running = { run, isOwn, over };
      bar.value = 0;
      button('check-cancel').disabled = false;
      this.#say(isOwn ? 'Checking the held-out rows…' : 'Starting…');
      this.#refresh();
      const { status, report: numbers, html } = await run.done;
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
      this.#running = null;
      this.#refresh();
      end();
    }
  }

  /**
   * @param {Found} found
   * @param {number} began
   * @param {ModelSummary|null} model the model that was checked
   */
  #show(found, began, model) {
    const { options, held_out, left_out } = found.report;
    const took = duration((performance.now() - began) / 1000);
    const rows = counted(options.n_simulations, held_out ? 'held-out row' : 'simulation');
    const others = left_out && !held_out ? ` ${counted(left_out, 'training row')} left out.` : '';
    const older = this.#page.state.model === model ? '' : ' The report below is of an earlier model.';
    this.#say(`${rows} with ${counted(options.n_draws, 'draw')} each, in ${took}.${others}${older}`);
    this.#found = found;
    this.#view.update({ html: found.html });
    element('check-save').hidden = false;
  }

  cancel() {
    button('check-cancel').disabled = true;
    this.#running?.run.cancel();
  }

  savePage() {
    if (this.#found) save(`${this.#found.name}.html`, this.#found.html, 'text/html');
  }

  saveNumbers() {
    if (this.#found) save(`${this.#found.name}.json`, JSON.stringify(this.#found.report), 'application/json');
  }
}

/**
 * Says which rows of a set a check uses, or why the check may not mean much.
 * @param {ReturnType<typeof kinship>} kinship
 */
const whichRows = ({ is, why }) =>
  is === 'own' ? 'The model was trained on these simulations: its held-out rows are checked.' : why;

/**
 * What the form asks for; an empty field stands for the default.
 * @returns {CheckOptions}
 */
function asked() {
  const fields = { n_simulations: 'check-n', n_draws: 'check-draws', seed: 'check-seed' };
  const numbers = Object.entries(fields).map(([name, id]) => [name, input(id).valueAsNumber]);
  return Object.fromEntries(numbers.filter(([, value]) => !Number.isNaN(value)));
}
