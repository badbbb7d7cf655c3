/** Step 2: settings, a training run, its losses. */
/** @import { Config, ModelSummary, SetSummary } from '../../client/index.js' */
/** @import { TrainingEvent, TrainingOptions, TrainingRun } from '../../client/index.js' */
/** @import { Page } from '../types.d.ts' */
/** @import { Progress } from '../../views/progress.js' */
import { EVENT, STATUS } from '../../client/index.js';
import { h } from '../../views/dom.js';
import { counted } from '../../views/format.js';
import * as losses from '../../views/losses.js';
import * as progress from '../../views/progress.js';
import * as settings from '../../views/settings.js';
import { button, element, onSubmit } from '../elements.js';
import { codeOf } from '../errors.js';
import { kinship } from '../kinship.js';
import { latest } from '../latest.js';
import { RunLog } from '../run-log.js';

/** The button whose settings train on from the model. */
const TUNE = 'tune';

/**
 * Buttons that fill in the settings: the options that they choose for a set and a model, and the sentence that is then
 * shown.
 * @type {Record<string, {config: (set: SetSummary, model: ModelSummary) => Config, text: (set: SetSummary) => string}>}
 */
const FILLED = {
  quick: {
    config: (set) => set.config,
    text: () =>
      'Filled in: the defaults, with one flow and a few epochs. This takes seconds for thousands of simulations.',
  },
  accurate: {
    config: (set) => set.accurate,
    text: ({ accurate, n }) =>
      `Filled in: for ${counted(n, 'simulation')}, ${counted(accurate.ensemble_size, 'flow')}, up to ` +
      `${counted(accurate.num_epochs, 'epoch')} each. This takes minutes.`,
  },
  [TUNE]: {
    config: (_, model) => model.tuning,
    text: () =>
      'Filled in: the options of the model. Training starts from its weights. What shapes its networks and scales ' +
      'its data cannot change.',
  },
};

/** @param {Page} page */
export async function mountTrain(page) {
  const options = await page.client.options();
  const form = settings.mount(element('settings'), {
    options,
    onChange: latest(async (/** @type {TrainingOptions} */ config) => form.dim(await withoutEffect(page, config))),
  });
  const step = new TrainStep(page, form, Object.fromEntries(options.map((option) => [option.name, option.default])));
  for (const name of Object.keys(FILLED)) button(`settings-${name}`).addEventListener('click', () => step.fill(name));
  button('train-start').addEventListener('click', () => step.start());
  onSubmit(element('settings'), () => step.start());
}

/**
 * The options that have no effect with these settings.
 * @param {Page} page
 * @param {TrainingOptions} config
 * @returns {Promise<string[]>}
 */
async function withoutEffect(page, config) {
  try {
    return await page.client.optionsWithoutEffect(config);
  } catch {
    // The page reports a refused value when training starts, and an engine that died without being asked.
    return [];
  }
}

class TrainStep {
  #page;
  #form;
  #defaults;
  /** Whether the settings were filled in to train on from the model. */
  #tunes = false;
  #curve = losses.mount(element('losses'));
  /** @type {TrainingRun|null} */
  #run = null;
  /** @type {ReturnType<typeof progress.mount>|null} */
  #bar = null;
  /** @type {Progress} */
  #at = { state: 'starting' };

  /**
   * @param {Page} page
   * @param {ReturnType<typeof settings.mount>} form
   * @param {TrainingOptions} defaults of all options
   */
  constructor(page, form, defaults) {
    this.#page = page;
    this.#form = form;
    this.#defaults = defaults;
    page.on('set', () => {
      element('train-empty').hidden = true;
      element('train-body').hidden = false;
      this.#offer();
      if (!this.#run) this.fill('quick');
    });
    page.on('model', () => this.#offer());
  }

  /** Offers to train on from the model if it can read the set. Settings for another model are replaced. */
  #offer() {
    const { set, model } = this.#page.state;
    const fits = set && model && kinship(set, model).is !== 'other';
    button(`settings-${TUNE}`).hidden = !fits;
    if (this.#tunes) this.fill(fits ? TUNE : 'quick');
  }

  /**
   * Fills in settings that are made for the set; what was typed over them is lost.
   * @param {string} name of the button
   */
  fill(name) {
    const { set, model } = this.#page.state;
    if (!set) return;
    this.#tunes = name === TUNE;
    this.#form.update({ values: FILLED[name].config(set, /** @type {ModelSummary} */ (model)) });
    element('settings-which').textContent = FILLED[name].text(set);
  }

  /**
   * Allows or forbids changes of the settings.
   * @param {boolean} on
   */
  #enable(on) {
    this.#form.enable(on);
    for (const name of Object.keys(FILLED)) button(`settings-${name}`).disabled = !on;
  }

  /**
   * Replaces the line about the run.
   * @param {(Node|string)[]} parts
   */
  #say(...parts) {
    element('train-status').replaceChildren(...parts);
  }

  /**
   * Updates the progress bar.
   * @param {Partial<Progress>} changes
   */
  #show(changes) {
    Object.assign(this.#at, changes);
    this.#bar?.update(this.#at);
  }

  async start() {
    if (this.#run || button('train-start').disabled) return;
    const { config: changed, problems } = this.#form.read();
    // What is left out would be the model's, and not the default that the form shows.
    const config = this.#tunes ? { ...this.#defaults, ...changed } : changed;
    if (problems.length) return this.#page.say('error', problems.map((p) => p.message).join('. '));
    button('train-start').disabled = true;
    this.#page.tell('wanted');
    this.#say('Choosing the device…');
    await this.#page.chooseDevice(config);
    button('train-start').disabled = false;
    this.#begin();
    try {
      await this.#train(config, new RunLog());
    } catch (error) {
      this.#say('');
      // A crash has been told about by the client's own event.
      if (codeOf(error) !== 'crash') this.#page.fail(error, 'Training');
    } finally {
      this.#end();
    }
  }

  /**
   * @param {TrainingOptions} config
   * @param {RunLog} log
   */
  async #train(config, log) {
    const { client, state } = this.#page;
    const fromModel = this.#tunes ? state.origin : null;
    this.#run = client.train(config, { fromModel, onEvent: (event) => this.#hear(event, log) });
    const { status, summary } = await this.#run.done;
    if (status === STATUS.CANCELLED || !summary) return this.#say('Cancelled. The model has not changed.');
    const link = h('a', { href: '#posterior' }, 'To the posterior');
    this.#say(log.ending(status, summary, config.ensemble_size ?? 1), link);
    state.heldOut = log.started?.validation_rows ?? null;
    this.#page.setModel(summary, 'your training');
    state.unsaved = true;
    this.#page.tell('trained');
  }

  /**
   * @param {TrainingEvent} event
   * @param {RunLog} log
   */
  #hear(event, log) {
    log.add(event);
    switch (event.kind) {
      case EVENT.STARTED: {
        const compiles = this.#page.client.info.device === 'webgpu';
        const { step, total_steps } = event;
        this.#show({ state: this.#at.state === 'paused' ? 'paused' : 'running', step, total_steps });
        const wait = 'The GPU compiles its kernels; the first step takes longer…';
        this.#say(compiles ? `${log.plan()} ${wait}` : log.plan());
        break;
      }
      case EVENT.PROGRESS: {
        if (log.points.length === 1) this.#say(log.plan());
        const { kind, ...at } = event;
        this.#show(at);
        this.#curve.update({ points: log.points, epochs: log.epochs, total: event.num_epochs });
        break;
      }
      case EVENT.EPOCH:
        this.#curve.update({ points: log.points, epochs: log.epochs, total: this.#at.num_epochs });
        break;
    }
  }

  #begin() {
    this.#page.state.training = true;
    this.#page.tell('training');
    this.#enable(false);
    /** @type {HTMLDetailsElement} */ (element('settings-fold')).open = false;
    button('train-start').hidden = true;
    element('train-progress').hidden = false;
    element('losses-legend').hidden = false;
    this.#say('Starting…');
    this.#bar = progress.mount(element('train-progress'), {
      onPause: async () => {
        this.#show({ state: 'paused' });
        await this.#run?.pause();
        this.#page.tell('paused');
      },
      onResume: async () => {
        this.#show({ state: 'running' });
        await this.#run?.resume();
      },
      onFinish: () => {
        this.#show({ state: 'ending' });
        this.#run?.finish();
      },
      onCancel: () => {
        this.#show({ state: 'ending' });
        this.#run?.cancel();
      },
    });
    this.#at = { state: 'starting' };
    this.#show({});
    element('train-progress').querySelector('button')?.focus();
  }

  #end() {
    this.#run = null;
    this.#bar?.destroy();
    this.#bar = null;
    this.#page.state.training = false;
    this.#enable(true);
    element('train-progress').hidden = true;
    const start = button('train-start');
    start.hidden = false;
    start.textContent = 'Train again';
    if (document.activeElement === document.body) start.focus();
    this.#page.tell('training');
  }
}
