/** Step 4, second part: is the model right at the observation of step 3? */
/** @import { AtObservation, LocalCheckRun } from '../../client/index.js' */
/** @import { Page } from '../types.d.ts' */
import { dataTable } from '../../views/data-table.js';
import { button, element } from '../elements.js';
import { codeOf } from '../errors.js';

const HEAD = ['parameter', 'move by', 'widen by', 'the posterior is'];

/** @param {Page} page */
export function mountCheckAt(page) {
  const [start, cancel] = [button('check-at-start'), button('check-at-cancel')];
  /** @type {LocalCheckRun|null} */
  let run = null;

  const say = (/** @type {string} */ text) => {
    element('check-at-status').textContent = text;
  };

  const refresh = () => {
    const { set, model, observed } = page.state;
    start.disabled = Boolean(run) || !set || !model || !observed;
    cancel.hidden = !run;
  };

  async function check() {
    const { observed } = page.state;
    if (run || !observed) return;
    element('check-at-table').replaceChildren();
    try {
      const onProgress = (/** @type {{done: number, steps: number}} */ { done, steps }) =>
        say(`${((100 * done) / steps).toFixed(0)} %`);
      run = page.client.checkAt(observed.observation, {}, { onProgress });
      refresh();
      const { report } = await run.done;
      say('Cancelled.');
      if (!report) return;
      const [found] = report.observations;
      say([`${observed.label}: ${inWords(found)}`, ...report.notes].join('. ').concat('.'));
      element('check-at-table').replaceChildren(table(found));
    } catch (error) {
      say('');
      // A crash has been told about by the client's own event.
      if (codeOf(error) !== 'crash') page.fail(error, 'Check');
    } finally {
      run = null;
      refresh();
    }
  }

  start.addEventListener('click', check);
  cancel.addEventListener('click', () => run?.cancel());
  for (const event of /** @type {const} */ (['set', 'model', 'no-model', 'sampled'])) page.on(event, refresh);
}

/** @param {AtObservation} found */
function inWords({ p_value: p }) {
  const verdict = p <= 0.05 ? 'the posterior looks wrong here' : 'no fault of the posterior was found here';
  return `${verdict} (p = ${p.toFixed(3)})`;
}

/** @param {AtObservation} found */
function table({ parameters }) {
  const rows = parameters.map(({ name, shift, shift_error, width, width_error, says }) => [
    name,
    `${shift > 0 ? '+' : ''}${shift.toFixed(2)} ± ${shift_error.toFixed(2)} standard deviations`,
    `× ${width.toFixed(2)} ± ${width_error.toFixed(2)}`,
    says.join(', ') || '–',
  ]);
  return dataTable('What is wrong at the observation', HEAD, rows);
}
