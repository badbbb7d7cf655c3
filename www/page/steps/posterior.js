/** Step 3: an observation, its posterior in pictures and numbers, and the files to take away. */
import * as corner from '../../views/corner.js';
import * as spectrum from '../../views/spectrum.js';
import * as table from '../../views/table.js';
import { h, markInvalid } from '../../views/dom.js';
import { count, duration } from '../../views/format.js';
import { UNCHANGED, addBump, adjusted } from '../adjust.js';
import { drawn, withValues } from '../blocks.js';
import { chooser, extension, save, saveFigure, stem } from '../files.js';
import { latest } from '../latest.js';
import { describeModel } from '../model-line.js';

/** Draws while something is dragged: enough for a shape, few enough to follow the hand. */
const LIVE_DRAWS = 2000;
const SLIDERS = ['shift', 'scale', 'noise'];

const $ = (id) => document.querySelector(`#${id}`);

/** @param {object} page what app.js shares */
export function mountPosterior(page) {
  const { state } = page;
  const views = {};
  let base = null; // {observation, truth, label}: what was chosen, before any change
  let change = { ...UNCHANGED };
  let bumps = null;
  let dragged = null; // bumps with the drag that is under way
  let result = null; // what is shown
  let before = null; // the draws for `base`, to compare with while it is changed

  const isDragged = () => Boolean((dragged ?? bumps)?.some((b) => b !== 0));
  const isChanged = () => SLIDERS.some((s) => change[s] !== UNCHANGED[s]) || isDragged();
  const observation = () =>
    isChanged()
      ? withValues(base.observation, adjusted(drawn(base.observation), change, dragged ?? bumps))
      : base.observation;
  // Noise alone leaves the parameters true; any other change makes an observation that no parameters are known for.
  const truth = () =>
    change.shift !== UNCHANGED.shift || change.scale !== UNCHANGED.scale || isDragged() ? null : base.truth;

  function view(name, module, options) {
    views[name] ??= module.mount($(name), options);
    return views[name];
  }

  function drawObservation() {
    view('spectrum', spectrum, { onDrag }).update({
      observation: drawn(observation()),
      label: base.label,
      original: isChanged() ? drawn(base.observation) : null,
    });
    for (const s of SLIDERS) {
      $(s).value = change[s];
      document.querySelector(`output[for=${s}]`).textContent =
        s === 'scale'
          ? `×${change.scale.toFixed(2)}`
          : `${change[s].toFixed(2).replace('-', '\u2212')} ${s === 'shift' ? 'sd' : 'σ'}`;
    }
  }

  /** For a spectrum on another grid: what the reader may ask for. */
  function offer(next, button) {
    const { wavelengths } = next.observation;
    if (!wavelengths || !state.model.wavelengths || next.interpolated) return undefined;
    return {
      label: 'Interpolate it onto the model\u2019s grid',
      run: async () => {
        try {
          const observation = await page.client.interpolateObservation(next.observation);
          const label =
            `${next.label}, ${count(wavelengths.length)} points interpolated to ` +
            `${count(observation.wavelengths.length)}: noise of neighbours is correlated, so intervals may be too narrow`;
          await choose({ ...next, observation, interpolated: true, label }, button);
        } catch (error) {
          page.fail(error, next.file);
        }
      },
    };
  }

  /** Shows `next` and samples it; what was there stays where it does not fit the model. */
  async function choose(next, button) {
    let far;
    try {
      far = await page.client.checkObservation(next.observation);
    } catch (error) {
      return page.fail(error, next.file, offer(next, button));
    }
    base = { ...next, button };
    change = { ...UNCHANGED };
    bumps = new Float64Array(drawn(next.observation).values.length);
    dragged = null;
    before = null;
    $('observation-line').replaceChildren(base.label, far ? h('span', { class: 'warning' }, `. ${far}`) : '');
    $('adjust').disabled = false;
    for (const id of ['use-example', 'row', 'random-row', 'choose-observation']) {
      $(id).classList.toggle('chosen', id === button);
    }
    drawObservation();
    await sampleAll({ keepAxes: false });
  }

  const ask = latest(async ({ n, seed, live, keepAxes }) => {
    if (!base || !state.model) return;
    const model = state.model;
    const asked = { observation: observation(), truth: truth(), changed: isChanged(), name: base.name };
    const began = performance.now();
    $('corner').setAttribute('aria-busy', 'true');
    try {
      const { draws, n: got, d, seed: used, clamped } = await page.client.samplePosterior(asked.observation, n, seed);
      if (model !== state.model) return;
      const seconds = (performance.now() - began) / 1000;
      result = {
        draws,
        n: got,
        d,
        seed: used,
        names: model.parameters.map((p) => p.name),
        bounds: model.parameters.map(({ prior }) => [prior?.low ?? -Infinity, prior?.high ?? Infinity]),
        truth: asked.truth,
        file: `posterior of ${asked.name}${asked.changed ? ' changed' : ''}`,
      };
      if (!asked.changed && !live) before = result;
      const reference = asked.changed ? before : null;
      $('sample-line').textContent =
        `${count(got)} draws in ${duration(seconds)}, seed ${used}` +
        (clamped ? `; ${count(clamped)} were not finite and were clamped` : '');
      document.querySelector('.truth-key').hidden = !asked.truth;
      document.querySelector('.reference-key').hidden = !reference;
      await Promise.all([
        view('corner', corner).update({ ...result, reference, keepAxes }),
        view('table', table, { onCopied }).update(result),
      ]);
      enable();
    } catch (error) {
      if (error.code !== 'crash') page.fail(error, 'Sampling');
    } finally {
      $('corner').removeAttribute('aria-busy');
      page.tell('sampled');
    }
  });

  /** As many draws as the form says. */
  function sampleAll({ keepAxes = isChanged() } = {}) {
    const n = wholeNumber('draws');
    const seed = wholeNumber('seed');
    if (n === null || seed === null) return null;
    return ask({ n, seed, live: false, keepAxes });
  }

  function wholeNumber(id) {
    const input = $(id);
    const value = Number(input.value);
    const [min, max] = [Number(input.min), input.max === '' ? Number.MAX_SAFE_INTEGER : Number(input.max)];
    const fits = input.value !== '' && Number.isSafeInteger(value) && value >= min && value <= max;
    markInvalid(input, !fits);
    if (!fits) {
      page.say(
        'error',
        `${id} = ${input.value || '(empty)'}: expected a whole number ${
          input.max === '' ? `of at least ${min}` : `from ${min} to ${max}`
        }`,
      );
    }
    return fits ? value : null;
  }

  const live = () => {
    drawObservation();
    const seed = Math.max(0, Math.floor(Number($('seed').value)) || 0);
    return ask({ n: LIVE_DRAWS, seed, live: true, keepAxes: true });
  };

  function onDrag({ from, dy, done }) {
    if (!base || !state.model) return;
    if (done) {
      if (!dragged) return;
      bumps = dragged;
      dragged = null;
      sampleAll();
    } else {
      dragged = addBump(bumps, from, dy);
      live();
    }
  }

  async function showRow(row) {
    const { theta, observation: seen } = await page.client.setRow(row);
    const heldOut = state.heldOut && (state.heldOut.includes(row) ? ', held out from training' : ', seen in training');
    $('row').value = row;
    await choose(
      {
        observation: seen,
        truth: theta,
        file: state.set.file,
        name: `row ${row} of ${stem(state.set.file)}`,
        label: `Simulation ${row} of ${state.set.file}${heldOut ?? ''}`,
      },
      'row',
    );
  }

  function randomRow() {
    const rows = state.heldOut?.length ? state.heldOut : { length: state.set.n };
    const k = Math.floor(Math.random() * rows.length);
    return state.heldOut?.length ? rows[k] : k;
  }

  async function readObservation(file) {
    if (!state.model) {
      return page.say('error', `${file.name}: an observation needs a model; train one or load one first.`);
    }
    try {
      const read = await page.client.readObservation(file.name, file);
      await choose(
        { observation: read, truth: null, file: file.name, name: stem(file.name), label: file.name },
        'choose-observation',
      );
    } catch (error) {
      page.fail(
        error,
        file.name,
        $('set-file').accept.split(',').includes(extension(file.name))
          ? { label: 'Read it as simulations', run: () => page.readSet(file) }
          : undefined,
      );
    }
  }

  const showExample = () =>
    choose(
      {
        observation: state.model.example.observation,
        truth: state.model.example.theta,
        name: 'example',
        label: 'A simulation held out from training, kept with the model',
      },
      'use-example',
    );

  const setFits = () =>
    Boolean(
      state.set &&
        state.model &&
        state.set.n_wavelengths === state.model.n_wavelengths &&
        state.set.parameter_dim === state.model.parameters.length,
    );

  function enable() {
    $('use-example').disabled = !state.model?.example;
    $('row').disabled = $('random-row').disabled = !setFits();
    $('random-row').textContent = state.heldOut?.length ? 'Random held-out' : 'Random';
    $('row').max = state.set ? state.set.n - 1 : '';
    for (const id of ['choose-observation', 'save-model']) $(id).disabled = !state.model;
    $('choose-model').disabled = false;
    $('sample').disabled = !state.model || !base;
    for (const id of ['save-draws', 'save-figure']) $(id).disabled = !result;
  }

  page.on('set', enable);
  page.on('model', async () => {
    const own = base?.button === 'choose-observation' ? base : null;
    result = null;
    before = null;
    base = null;
    $('model-line').replaceChildren(...describeModel(state.model, state.origin));
    enable();
    if (own && (own.observation.values?.length ?? 0) === state.model.n_wavelengths) await choose(own, own.button);
    else if (setFits() && state.heldOut?.length) await showRow(state.heldOut[0]);
    else if (state.model.example) await showExample();
    else if (setFits()) await showRow(0);
    else {
      clear();
      $('observation-line').textContent = 'Choose an observation: drop a file here, or load simulations in step 1.';
    }
    enable();
  });
  page.on('no-model', () => {
    $('model-line').textContent = 'No model yet: train one in step 2, or load a .safetensors file.';
    clear();
    enable();
  });

  /** Takes down what belongs to no model. */
  function clear() {
    for (const id of ['spectrum', 'corner', 'table']) {
      views[id]?.destroy();
      delete views[id];
      $(id).replaceChildren();
    }
    $('adjust').disabled = true;
    $('sample-line').textContent = '';
  }

  const guarded =
    (work) =>
    async (...args) => {
      try {
        await work(...args);
      } catch (error) {
        page.fail(error, 'The observation');
      }
    };
  $('use-example').addEventListener('click', guarded(showExample));
  $('random-row').addEventListener(
    'click',
    guarded(() => showRow(randomRow())),
  );
  $('row').addEventListener(
    'change',
    guarded(async () => {
      const row = wholeNumber('row');
      if (row !== null) await showRow(row);
    }),
  );
  chooser($('choose-observation'), $('observation-file'), readObservation);
  chooser($('choose-model'), $('model-file'), page.openFile);
  $('sampling').addEventListener('submit', (event) => {
    event.preventDefault();
    sampleAll();
  });
  for (const s of SLIDERS) {
    $(s).addEventListener('input', () => {
      change[s] = Number($(s).value);
      live();
    });
    $(s).addEventListener('change', () => sampleAll());
  }
  $('reset').addEventListener('click', () => {
    change = { ...UNCHANGED };
    bumps = new Float64Array(bumps.length);
    drawObservation();
    sampleAll({ keepAxes: false });
  });
  $('save-draws').addEventListener(
    'click',
    guarded(async () => {
      const format = $('draws-format').value;
      save(`${result.file}.${format}`, await page.client.drawsFile(format, result.draws));
    }),
  );
  $('save-model').addEventListener(
    'click',
    guarded(async () => {
      save('flowglass.safetensors', await page.client.saveModel());
      state.unsaved = false;
    }),
  );
  $('save-figure').addEventListener('click', () => saveFigure(`${result.file}.svg`, $('corner').querySelector('svg')));
  const onCopied = (done) =>
    page.say(
      done ? 'note' : 'error',
      done
        ? 'The table is on the clipboard, tab-separated.'
        : 'The browser did not allow copying; select the table instead.',
    );

  return { readObservation };
}
