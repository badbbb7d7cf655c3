/** Step 2: settings, a training run, its losses. */
import { EVENT, STATUS } from '../../client/protocol.js';
import * as losses from '../../views/losses.js';
import * as progress from '../../views/progress.js';
import * as settings from '../../views/settings.js';
import { h } from '../../views/dom.js';
import { count, duration, significant } from '../../views/format.js';

/** Losses between epochs are thinned beyond this many. */
const MOST_POINTS = 600;

/** Buttons that fill in the settings: what the summary of a set calls them, and what is said. */
const FILLED = {
  quick: {
    config: 'config',
    text: () => 'Filled in: the defaults, one flow and a few epochs. Seconds for thousands of simulations.',
  },
  accurate: {
    config: 'accurate',
    text: ({ accurate, n }) =>
      `Filled in: for ${count(n)} simulations, ${accurate.ensemble_size} flows, up to ` +
      `${accurate.num_epochs} epochs each. This takes minutes.`,
  },
};

const REASONS = {
  epochs: 'all epochs done',
  early_stopping: 'stopped early, since the validation loss no longer fell',
  diverged: 'stopped, since the loss was no longer finite; the best weights before that were kept',
};

/** @param {object} page what app.js shares */
export async function mountTrain(page) {
  const $ = (id) => document.querySelector(`#${id}`);
  const form = settings.mount($('settings'), { options: await page.client.options() });
  const curve = losses.mount($('losses'));
  let run = null;
  let bar = null;
  const at = {};

  page.on('set', () => {
    $('train-empty').hidden = true;
    $('train-body').hidden = false;
    if (!run) fill('quick');
  });
  for (const name of Object.keys(FILLED)) $(`settings-${name}`).addEventListener('click', () => fill(name));
  $('train-start').addEventListener('click', start);
  $('settings').addEventListener('submit', (event) => {
    event.preventDefault();
    start();
  });

  /** Settings made for the set; what was typed over them is lost. */
  function fill(name) {
    form.update({ values: page.state.set[FILLED[name].config] });
    $('settings-which').textContent = FILLED[name].text(page.state.set);
  }

  function enable(on) {
    form.enable(on);
    for (const name of Object.keys(FILLED)) $(`settings-${name}`).disabled = !on;
  }

  const say = (...parts) => $('train-status').replaceChildren(...parts);

  function show(changes) {
    Object.assign(at, changes);
    bar?.update(at);
  }

  async function start() {
    if (run || $('train-start').disabled) return;
    const { config, problems } = form.read();
    if (problems.length) return page.say('error', problems.map((p) => p.message).join('. '));
    $('train-start').disabled = true;
    say('Timing this on the GPU and on the CPU…');
    await page.chooseDevice(config);
    $('train-start').disabled = false;
    const epochs = [];
    const points = [];
    let finished = null;
    let skipped = 0;
    let plan = '';
    let compiling = false;
    const began = performance.now();

    const onEvent = (event) => {
      switch (event.kind) {
        case EVENT.STARTED:
          at.steps_per_epoch = event.steps_per_epoch;
          // A run that goes on after a crash repeats what came after its last checkpoint.
          drop(points, (p) => p.step > event.step);
          drop(epochs, (e) => e.step > event.step);
          page.state.nextHeldOut = event.validation_rows;
          show({
            state: at.state === 'paused' ? 'paused' : 'running',
            total_steps: event.total_steps,
            step: event.step,
          });
          plan =
            `${count(event.num_parameters)} weights; trains on ${count(event.n_train)} simulations, ` +
            `validates on ${count(event.n_validation)}.`;
          compiling = page.client.info.device === 'webgpu';
          say(compiling ? `${plan} The GPU compiles its kernels; the first step takes longer…` : plan);
          break;
        case EVENT.PROGRESS:
          if (compiling) say(plan);
          compiling = false;
          points.push({ step: event.step, at: event.step / at.steps_per_epoch, train_loss: event.train_loss });
          if (points.length > MOST_POINTS) thin(points);
          show({ ...event, kind: undefined });
          curve.update({ points, epochs, total: event.num_epochs });
          break;
        case EVENT.EPOCH:
          epochs.push({ ...event, step: at.step });
          curve.update({ points, epochs, total: at.num_epochs });
          break;
        case EVENT.SKIPPED:
          skipped += event.count;
          break;
        case EVENT.FINISHED:
          finished = event;
          break;
      }
    };

    begin();
    try {
      run = page.client.train(config, { onEvent });
      const { status, summary } = await run.done;
      const took = duration((performance.now() - began) / 1000);
      if (status === STATUS.CANCELLED) {
        say('Cancelled; the model is what it was.');
      } else {
        const [flows, asked] = [summary.config.ensemble_size, config.ensemble_size ?? 1];
        const ofFlows = asked > 1 ? ` of ${flows} of ${asked} flows` : '';
        const why =
          status === STATUS.STOPPED
            ? `stopped by hand, best weights${ofFlows} kept`
            : (REASONS[finished?.reason] ?? 'done');
        const lowest = losses.bestOf(epochs);
        const best = lowest ? `; best validation loss ${significant(lowest.validation_loss, 4)}` : '';
        const left = skipped ? `; ${count(skipped)} batches skipped for numbers that were not finite` : '';
        const passed = finished?.passed_over;
        const over = passed
          ? `; epoch ${passed.epoch} had a lower loss (${significant(passed.loss, 4)}) but broke a ` +
            'stable_… threshold, and the best stable epoch is kept'
          : '';
        say(`Trained in ${took}: ${why}${best}${left}${over}. `, h('a', { href: '#posterior' }, 'To the posterior'));
        page.state.heldOut = page.state.nextHeldOut;
        page.setModel(summary, 'your training');
        page.state.unsaved = true;
      }
    } catch (error) {
      say('');
      // A crash has been told about by the client's own event.
      if (error.code !== 'crash') page.fail(error, 'Training');
    } finally {
      end();
    }
  }

  function begin() {
    page.state.training = true;
    page.tell('training');
    enable(false);
    $('settings-fold').open = false;
    $('train-start').hidden = true;
    $('train-progress').hidden = false;
    $('losses-legend').hidden = false;
    say('Starting…');
    bar = progress.mount($('train-progress'), {
      onPause: async () => {
        show({ state: 'paused' });
        await run.pause();
        page.tell('paused');
      },
      onResume: async () => {
        show({ state: 'running' });
        await run.resume();
      },
      onFinish: () => {
        show({ state: 'ending' });
        run.finish();
      },
      onCancel: () => {
        show({ state: 'ending' });
        run.cancel();
      },
    });
    for (const key of Object.keys(at)) delete at[key];
    show({ state: 'starting' });
    $('train-progress').querySelector('button')?.focus();
  }

  function end() {
    run = null;
    bar.destroy();
    bar = null;
    page.state.training = false;
    enable(true);
    $('train-progress').hidden = true;
    $('train-start').hidden = false;
    $('train-start').textContent = 'Train again';
    if (document.activeElement === document.body) $('train-start').focus();
    page.tell('training');
  }
}

/** Takes out what `gone` says. */
const drop = (list, gone) => list.splice(0, list.length, ...list.filter((item) => !gone(item)));

/** Every second point goes, from the older half. */
function thin(points) {
  const half = points.length >> 1;
  const kept = points.slice(0, half).filter((_, i) => i % 2 === 0);
  points.splice(0, half, ...kept);
}
