/** Step 4: the model against simulations that it was not trained on. */
import { STATUS } from '../../client/protocol.js';
import * as report from '../../views/report.js';
import { count, duration } from '../../views/format.js';
import { save, stem } from '../files.js';

/** Simulations that are checked unless more are asked for: enough to see what is wrong, within seconds. */
const N_SIMULATIONS = 500;

/** @param {object} page what app.js shares */
export function mountCheck(page) {
  const $ = (id) => document.querySelector(`#check-${id}`);
  const view = report.mount($('report'));
  const { state } = page;
  let run = null;
  let found = null; // {report, html, name}: what is shown

  const say = (text) => {
    $('status').textContent = text;
  };
  const refresh = () => {
    const ready = Boolean(state.set && state.model);
    $('empty').hidden = ready;
    $('body').hidden = !ready;
    $('start').disabled = !ready || Boolean(run);
  };

  function show(next) {
    found = next;
    view.update({ html: found?.html });
    $('save').hidden = !found;
  }

  page.on('set', () => {
    $('n').max = state.set.n;
    $('n').value = Math.min(N_SIMULATIONS, state.set.n);
    refresh();
  });
  page.on('model', () => {
    refresh();
    if (found) say('Of the model before this one:');
  });
  $('form').addEventListener('submit', (event) => {
    event.preventDefault();
    start();
  });
  $('cancel').addEventListener('click', () => {
    $('cancel').disabled = true;
    run?.cancel();
  });
  $('save-page').addEventListener('click', () => save(`${found.name}.html`, found.html, 'text/html'));
  $('save-json').addEventListener('click', () =>
    save(`${found.name}.json`, JSON.stringify(found.report), 'application/json'),
  );

  async function start() {
    if (run) return;
    const began = performance.now();
    const { model } = state;
    const options = {
      n_simulations: $('n').valueAsNumber,
      n_draws: $('draws').valueAsNumber,
      seed: $('seed').valueAsNumber,
    };
    // An empty field is the default.
    for (const [name, value] of Object.entries(options)) if (Number.isNaN(value)) delete options[name];
    const name = `check of ${stem(state.set.file)}`;
    try {
      run = page.client.check(options, {
        onProgress: ({ done, n_simulations: all }) => {
          $('bar').value = done / all;
          say(`${count(done)} of ${count(all)} simulations`);
        },
      });
      Object.assign($('bar'), { value: 0 });
      $('progress').hidden = false;
      $('cancel').disabled = false;
      say('Starting…');
      refresh();
      const { status, ...result } = await run.done;
      if (status === STATUS.CANCELLED) {
        say(found ? 'Cancelled; the check before it:' : 'Cancelled.');
      } else {
        const { n_simulations: m, n_draws: n } = result.report.options;
        const older = state.model === model ? '' : ' Of the model before this one:';
        say(
          `${count(m)} simulations with ${count(n)} draws each, in ${duration((performance.now() - began) / 1000)}.` +
            older,
        );
        show({ ...result, name });
      }
    } catch (error) {
      say('');
      // A crash has been told about by the client's own event.
      if (error.code !== 'crash') page.fail(error, 'Check');
    } finally {
      run = null;
      $('progress').hidden = true;
      refresh();
    }
  }
}
