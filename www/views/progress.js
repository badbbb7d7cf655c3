/** How far a training run is, and its buttons. */
/** @import { View } from './types.d.ts' */
import { claim, h, perFrame } from './dom.js';
import { count, duration, significant } from './format.js';

/**
 * How far a run is; what is not known yet is absent.
 * @typedef {object} Progress
 * @property {'starting'|'running'|'paused'|'ending'} state
 * @property {number} [step]
 * @property {number} [total_steps]
 * @property {number} [epoch]
 * @property {number} [num_epochs]
 * @property {number} [member] of the ensemble, from 1
 * @property {number} [ensemble_size]
 * @property {number|null} [train_loss]
 * @property {number} [steps_per_second]
 */

const UNKNOWN = '–';

/** The facts that are shown, each by its name. */
const FACTS = /** @type {const} */ (['epoch', 'step', 'loss', 'steps per second', 'time left']);

/**
 * @param {HTMLElement} el
 * @param {{onPause: () => void, onResume: () => void, onFinish: () => void, onCancel: () => void}} options
 * @returns {View<Progress>}
 */
export function mount(el, { onPause, onResume, onFinish, onCancel }) {
  const release = claim(el, 'progress');
  const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Training' });
  let state = 'starting';
  const toggle = h('button', { type: 'button', onclick: () => (state === 'paused' ? onResume() : onPause()) }, 'Pause');
  /** @type {(text: string, onclick: () => void, title: string) => HTMLButtonElement} */
  const button = (text, onclick, title) => h('button', { type: 'button', class: 'quiet', onclick, title }, text);
  const finish = button('Finish now', onFinish, 'Ends training and keeps the best weights so far');
  const cancel = button('Cancel', onCancel, 'Ends training and leaves the model unchanged');

  const values = FACTS.map(() => h('dd', {}, UNKNOWN));
  const facts = FACTS.map((name, i) => h('div', {}, h('dt', {}, name), values[i]));
  el.replaceChildren(bar, h('dl', { class: 'facts' }, facts), h('div', { class: 'buttons' }, toggle, finish, cancel));

  /** @type {(progress: Progress) => void} */
  const draw = perFrame((progress) => {
    const { step = 0, total_steps: total } = progress;
    bar.value = total ? step / total : 0;
    for (const [i, text] of words(progress).entries()) values[i].textContent = text;
  }, 100);

  return {
    update(progress) {
      state = progress.state;
      toggle.textContent = state === 'paused' ? 'Resume' : 'Pause';
      toggle.disabled = state === 'ending' || state === 'starting';
      finish.disabled = state === 'ending' || state === 'starting';
      cancel.disabled = state === 'ending';
      draw(progress);
    },
    destroy: release,
  };
}

/**
 * The facts in words, in the order of `FACTS`.
 * @param {Progress} progress
 */
function words({ state, epoch = 0, num_epochs, step = 0, total_steps, train_loss, steps_per_second, ...ensemble }) {
  const { member, ensemble_size: members = 1 } = ensemble;
  const flow = members > 1 ? `, flow ${member} of ${members}` : '';
  const left = steps_per_second && total_steps ? duration((total_steps - step) / steps_per_second) : UNKNOWN;
  return [
    num_epochs ? `${Math.min(epoch, num_epochs)} of ${num_epochs}${flow}` : UNKNOWN,
    total_steps ? `${count(step)} of ${count(total_steps)}` : UNKNOWN,
    typeof train_loss === 'number' && Number.isFinite(train_loss) ? significant(train_loss, 4) : UNKNOWN,
    steps_per_second ? significant(steps_per_second, 3) : UNKNOWN,
    state === 'paused' ? 'paused' : left,
  ];
}
