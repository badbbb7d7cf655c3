/** How far a training run is, and its buttons. */
import { claim, h, perFrame } from './dom.js';
import { count, duration, significant } from './format.js';

/**
 * @param {{onPause: Function, onResume: Function, onFinish: Function, onCancel: Function}} options
 * `update({state: 'starting'|'running'|'paused'|'ending', step, total_steps, epoch, num_epochs, train_loss,
 *   steps_per_second})`
 */
export function mount(el, { onPause, onResume, onFinish, onCancel }) {
  const release = claim(el, 'progress');
  const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Training' });
  const facts = h('dl', { class: 'facts' });
  let state = 'starting';
  const toggle = h('button', { type: 'button', onclick: () => (state === 'paused' ? onResume() : onPause()) }, 'Pause');
  const finish = h(
    'button',
    {
      type: 'button',
      class: 'quiet',
      onclick: () => onFinish(),
      title: 'Ends training and keeps the best weights so far',
    },
    'Stop and keep',
  );
  const cancel = h(
    'button',
    { type: 'button', class: 'quiet', onclick: () => onCancel(), title: 'Ends training; the model stays what it was' },
    'Cancel',
  );
  el.replaceChildren(bar, facts, h('div', { class: 'buttons' }, toggle, finish, cancel));

  const values = {};
  for (const name of ['epoch', 'step', 'loss', 'steps per second', 'time left']) {
    values[name] = h('dd', {}, '–');
    facts.append(h('div', {}, h('dt', {}, name), values[name]));
  }

  const draw = perFrame((data) => {
    bar.value = data.total_steps ? data.step / data.total_steps : 0;
    const flow = data.ensemble_size > 1 ? `, flow ${data.member} of ${data.ensemble_size}` : '';
    values.epoch.textContent = data.num_epochs
      ? `${Math.min(data.epoch, data.num_epochs)} of ${data.num_epochs}${flow}`
      : '–';
    values.step.textContent = data.total_steps ? `${count(data.step)} of ${count(data.total_steps)}` : '–';
    values.loss.textContent = Number.isFinite(data.train_loss) ? significant(data.train_loss, 4) : '–';
    values['steps per second'].textContent = data.steps_per_second ? significant(data.steps_per_second, 3) : '–';
    values['time left'].textContent =
      data.state === 'paused'
        ? 'paused'
        : data.steps_per_second
          ? duration((data.total_steps - data.step) / data.steps_per_second)
          : '–';
  }, 100);

  return {
    update(data) {
      state = data.state;
      toggle.textContent = state === 'paused' ? 'Resume' : 'Pause';
      toggle.disabled = state === 'ending' || state === 'starting';
      finish.disabled = state === 'ending' || state === 'starting';
      cancel.disabled = state === 'ending';
      draw(data);
    },
    destroy: release,
  };
}
