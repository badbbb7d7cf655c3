/** Step 3: an observation, its posterior in pictures and numbers, and the files to take away. */
/** @import { Draws } from '../../client/index.js' */
/** @import { Base, Page } from '../types.d.ts' */
/** @import { Posterior } from '../../views/types.d.ts' */
import { h } from '../../views/dom.js';
import { count, counted, duration, significant } from '../../views/format.js';
import { button, element, input, onSubmit } from '../elements.js';
import { codeOf } from '../errors.js';
import { chooser, extension, save, saveFigure, stem } from '../files.js';
import { gridUnknown, kinship } from '../kinship.js';
import { latest } from '../latest.js';
import { describeModel } from '../model-line.js';
import { wholeNumber } from '../numbers.js';
import { PosteriorViews, SLIDERS } from '../posterior-views.js';
import { Subject } from '../subject.js';

/** Draws while something is dragged: enough to see the shape, and few enough to be made as fast as the pointer moves. */
const LIVE_DRAWS = 2000;

/** The buttons that choose an observation. The one that was used last is marked. */
const SOURCES = ['use-example', 'row', 'random-row', 'choose-observation'];

/** @typedef {{n: number, seed: number, live: boolean, keepAxes: boolean}} Request `live`: while something is dragged */
/** @typedef {Posterior & {file: string}} Result `file`: the name of files made of it */

/** @param {Page} page */
export function mountPosterior(page) {
  const step = new PosteriorStep(page);
  const guarded = (/** @type {() => unknown} */ work) => async () => {
    try {
      await work();
    } catch (error) {
      page.fail(error, 'The observation');
    }
  };
  const onClick = (/** @type {string} */ id, /** @type {() => unknown} */ work) =>
    button(id).addEventListener('click', guarded(work));
  const readObservation = (/** @type {File} */ file) => step.readObservation(file);
  onClick('use-example', () => step.showExample());
  onClick('random-row', () => step.showRow(step.randomRow()));
  input('row').addEventListener(
    'change',
    guarded(() => step.showRow(wholeNumber(page, 'row'))),
  );
  chooser(button('choose-observation'), input('observation-file'), readObservation);
  chooser(button('choose-model'), input('model-file'), page.openFile);
  onSubmit(element('sampling'), () => step.sample());
  for (const name of SLIDERS) {
    input(name).addEventListener('input', () => step.slide(name, Number(input(name).value)));
    input(name).addEventListener('change', () => step.sample());
  }
  onClick('reset', () => step.reset());
  onClick('save-draws', () => step.saveDraws());
  onClick('save-model', () => step.saveModel());
  onClick('save-figure', () => step.saveFigure());
  return { readObservation };
}

class PosteriorStep {
  #page;
  #views;
  #ask = latest((/** @type {Request} */ request) => this.#sample(request));
  /** @type {Subject|null} */
  #subject = null;
  /** The button that chose the observation. */
  #source = '';
  /** @type {Result|null} what is shown */
  #result = null;
  /** @type {Result|null} the draws for the observation before any change, to compare with while it is changed */
  #before = null;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    const copied = 'The table is on the clipboard, tab-separated.';
    const refused = 'The browser did not allow copying; select the table instead.';
    this.#views = new PosteriorViews(
      ({ from, dy, done }) => this.#drag(from, dy, done),
      (done) => page.say(done ? 'note' : 'error', done ? copied : refused),
    );
    page.on('set', () => this.#enable());
    page.on('model', () => this.#takeModel());
    page.on('no-model', () => {
      element('model-line').textContent = 'No model yet: train one in step 2, or load a .safetensors file.';
      this.#clear();
      this.#enable();
    });
  }

  /** Whether the rows of the set are observations of this model. */
  get #kinship() {
    const { set, model } = this.#page.state;
    return set && model ? kinship(set, model) : null;
  }

  /** Whether the page may show a row of the set before the reader asks for one. */
  get #setFits() {
    return ['own', 'kin'].includes(this.#kinship?.is ?? '');
  }

  #enable() {
    const { set, model, heldOut } = this.#page.state;
    button('use-example').disabled = !model?.example;
    const kin = this.#kinship;
    for (const id of ['row', 'random-row']) button(id).disabled = !kin || kin.is === 'other';
    element('row-why').textContent = kin?.why ?? '';
    element('row-why').hidden = !kin?.why;
    button('random-row').textContent = heldOut?.length ? 'Random held-out' : 'Random';
    input('row').max = set ? String(set.n - 1) : '';
    for (const id of ['choose-observation', 'save-model']) button(id).disabled = !model;
    button('choose-model').disabled = false;
    button('sample').disabled = !model || !this.#subject;
    for (const id of ['save-draws', 'save-figure']) button(id).disabled = !this.#result;
  }

  /**
   * Shows the posterior of the new model for an observation: the reader's own observation if it fits, else one of the set,
   * else the model's example.
   */
  async #takeModel() {
    const { model, origin, heldOut } = this.#page.state;
    if (!model) return;
    const own = this.#source === 'choose-observation' ? this.#subject?.base : null;
    this.#result = this.#before = this.#subject = this.#page.state.observed = null;
    element('model-line').replaceChildren(...describeModel(model, origin));
    this.#enable();
    if (own && (own.observation.values?.length ?? 0) === model.n_wavelengths) {
      await this.#choose({ ...own, remark: gridUnknown(own.observation, model) }, this.#source);
    } else if (this.#setFits && heldOut?.length) await this.showRow(heldOut[0]);
    else if (model.example) await this.showExample();
    else if (this.#setFits) await this.showRow(0);
    else {
      this.#clear();
      const line = 'Choose an observation: drop a file here, or load simulations in step 1.';
      element('observation-line').textContent = line;
    }
    this.#enable();
  }

  /** Removes the plots and the table, which belong to a model. */
  #clear() {
    this.#views.clear();
    /** @type {HTMLFieldSetElement} */ (element('adjust')).disabled = true;
    element('sample-line').textContent = '';
  }

  /**
   * Offers to interpolate a spectrum on another grid.
   * @param {Base} next
   * @param {string} source
   */
  #offer(next, source) {
    const { wavelengths } = next.observation;
    if (!wavelengths || !this.#page.state.model?.wavelengths || next.interpolated) return undefined;
    const run = async () => {
      try {
        const observation = await this.#page.client.interpolateObservation(next.observation);
        const [from, to] = [counted(wavelengths.length, 'point'), count(observation.wavelengths?.length ?? 0)];
        const label =
          `${next.label}, ${from} interpolated to ${to}: ` +
          'noise of neighboring points is correlated, so intervals may be too narrow';
        await this.#choose({ ...next, observation, interpolated: true, label }, source);
      } catch (error) {
        this.#page.fail(error, next.file);
      }
    };
    return { label: 'Interpolate it onto the model\u2019s grid', run };
  }

  /**
   * Shows an observation and its posterior. If the observation does not fit the model, the previous one stays.
   * @param {Base} next
   * @param {string} source the button that chose it
   */
  async #choose(next, source) {
    let far;
    try {
      far = await this.#page.client.checkObservation(next.observation);
    } catch (error) {
      return this.#page.fail(error, next.file, this.#offer(next, source));
    }
    this.#subject = new Subject(next);
    this.#source = source;
    this.#before = null;
    const said = [next.remark, far].filter(Boolean).join(' ');
    element('observation-line').replaceChildren(next.label, said ? h('span', { class: 'warning' }, `. ${said}`) : '');
    /** @type {HTMLFieldSetElement} */ (element('adjust')).disabled = false;
    for (const id of SOURCES) element(id).classList.toggle('chosen', id === source);
    this.#views.showObservation(this.#subject);
    await this.sample(false);
  }

  /** @param {Request} request */
  async #sample({ n, seed, live, keepAxes }) {
    const { client, state } = this.#page;
    const [model, subject] = [state.model, this.#subject];
    if (!subject || !model) return;
    const { observation, truth, isChanged, base } = subject;
    const began = performance.now();
    element('corner').setAttribute('aria-busy', 'true');
    try {
      const [misfit, drawn] = await Promise.all([
        client.misfit(observation),
        client.samplePosterior(observation, n, seed),
      ]);
      const { draws, n: got, d, seed: used } = drawn;
      if (model !== state.model) return;
      this.#views.showMisfit(misfit);
      const took = duration((performance.now() - began) / 1000);
      const summaries = await client.summarize(draws, d);
      if (model !== state.model) return;
      const result = {
        ...{ draws, n: got, d, truth },
        names: model.parameters.map(({ name }) => name),
        bounds: model.parameters.map(({ prior }) => boundsOf(prior)),
        logarithmic: model.parameters.map(({ prior }) => prior.kind.startsWith('log_')),
        learned: model.parameters.map(({ prior }, j) => summaries[j].learned ?? whyNot(prior)),
        file: `posterior of ${base.name}${isChanged ? ' changed' : ''}`,
      };
      this.#result = result;
      state.observed = { observation, label: isChanged ? `${base.label}, changed` : base.label };
      if (!isChanged && !live) this.#before = result;
      element('sample-line').textContent = `${counted(got, 'draw')} in ${took}, seed ${used}${doubts(drawn)}`;
      await this.#views.showDraws({ ...result, reference: isChanged ? this.#before : null, keepAxes });
      this.#enable();
    } catch (error) {
      if (codeOf(error) !== 'crash') this.#page.fail(error, 'Sampling');
    } finally {
      element('corner').removeAttribute('aria-busy');
      this.#page.tell('sampled');
    }
  }

  /** Makes as many draws as the form says. */
  async sample(keepAxes = this.#subject?.isChanged ?? false) {
    const n = wholeNumber(this.#page, 'draws');
    const seed = wholeNumber(this.#page, 'seed');
    if (n !== null && seed !== null) await this.#ask({ n, seed, live: false, keepAxes });
  }

  /** Shows a change while it is still being made. */
  #live() {
    if (this.#subject) this.#views.showObservation(this.#subject);
    const seed = Math.max(0, Math.floor(Number(input('seed').value)) || 0);
    this.#ask({ n: LIVE_DRAWS, seed, live: true, keepAxes: true });
  }

  /**
   * @param {'shift'|'scale'|'noise'} name
   * @param {number} value
   */
  slide(name, value) {
    if (!this.#subject) return;
    this.#subject.change[name] = value;
    this.#live();
  }

  /**
   * @param {number} from
   * @param {number} dy
   * @param {boolean} done
   */
  #drag(from, dy, done) {
    if (!this.#subject || !this.#page.state.model) return;
    if (!done) {
      this.#subject.drag(from, dy);
      this.#live();
    } else if (this.#subject.drop()) this.sample();
  }

  reset() {
    if (!this.#subject) return;
    this.#subject.reset();
    this.#views.showObservation(this.#subject);
    return this.sample(false);
  }

  /** @param {number|null} row */
  async showRow(row) {
    const { client, state } = this.#page;
    if (row === null || !state.set) return;
    const { theta, observation } = await client.setRow(row);
    const { file } = state.set;
    const seen = state.heldOut?.includes(row) ? ', held out from training' : ', seen in training';
    input('row').value = String(row);
    const label = `Simulation ${row} of ${file}${state.heldOut ? seen : ''}`;
    const name = `row ${row} of ${stem(file)}`;
    await this.#choose({ observation, truth: theta, file, name, label, remark: this.#kinship?.why }, 'row');
  }

  /** A random row of the set; a held-out one if there are any. */
  randomRow() {
    const { set, heldOut } = this.#page.state;
    const k = Math.floor(Math.random() * (heldOut?.length || (set?.n ?? 0)));
    return heldOut?.length ? heldOut[k] : k;
  }

  async showExample() {
    const example = this.#page.state.model?.example;
    if (!example) return;
    const label = 'A simulation held out from training, kept with the model';
    await this.#choose(
      { observation: example.observation, truth: example.theta, name: 'example', label },
      'use-example',
    );
  }

  /** @param {File} file */
  async readObservation(file) {
    const { client, state } = this.#page;
    if (!state.model) {
      return this.#page.say('error', `${file.name}: an observation needs a model; train one or load one first.`);
    }
    try {
      const observation = await client.readObservation(file.name, file);
      const { name } = file;
      const remark = gridUnknown(observation, state.model);
      const base = { observation, truth: null, file: name, name: stem(name), label: name, remark };
      await this.#choose(base, 'choose-observation');
    } catch (error) {
      const mayBeSet = input('set-file').accept.split(',').includes(extension(file.name));
      const action = { label: 'Read it as simulations', run: () => this.#page.readSet(file) };
      this.#page.fail(error, file.name, mayBeSet ? action : undefined);
    }
  }

  async saveDraws() {
    if (!this.#result) return;
    const format = /** @type {Parameters<import('../../client/index.js').Flowglass['drawsFile']>[0]} */ (
      input('draws-format').value
    );
    save(`${this.#result.file}.${format}`, await this.#page.client.drawsFile(format, this.#result.draws));
  }

  async saveModel() {
    save('flowglass.safetensors', await this.#page.client.saveModel());
    this.#page.state.unsaved = false;
  }

  saveFigure() {
    const { figure } = this.#views;
    if (figure && this.#result) saveFigure(`${this.#result.file}.svg`, figure);
  }
}

/**
 * What is wrong with draws, if anything.
 * @param {Draws} draws
 */
function doubts({ n, clamped, rejected, outside, notes }) {
  const inside = significant((100 * n) / (n + rejected), 2);
  const parts = [
    clamped && `, ${count(clamped)} of them not finite and replaced by extreme values`,
    // Fewer would be "100 % lie inside"; a model with mirrors draws a few in ten thousand anew.
    rejected >= 0.005 * n &&
      `; ${inside} % of the draws of the flow lie inside of the priors, the others were drawn anew`,
    outside && `; ${count(outside)} draws lie outside, because fewer than 1 % lie inside`,
    ...notes.map((note) => `; ${note}`),
  ];
  return parts.filter(Boolean).join('');
}

/**
 * Why it is not known what the data told of a parameter.
 * @param {{kind: string}} prior
 */
const whyNot = (prior) => (prior.kind === 'none' ? 'no prior' : 'too few different draws');

/**
 * The bounds of a prior; infinite if it has none.
 * @param {{low?: number|null, high?: number|null}} [prior]
 * @returns {[number, number]}
 */
const boundsOf = (prior) => [prior?.low ?? -Infinity, prior?.high ?? Infinity];
