/** Which device computes, why, and the menu to choose another. */
import { h } from './dom.js';

/**
 * @param {{devices: Record<string, {name: string}>, wanted: string, onChoose: (device: string) => void}} options
 * `update({info?: {device, label, threads, reason}, wanted?, busy?, testing?})`; `testing` says what is
 * being tried, until it is taken back
 */
export function mount(el, { devices, wanted, onChoose }) {
  const menu = h('select', { id: 'device', onchange: () => onChoose(menu.value), 'aria-describedby': 'device-why' },
    h('option', { value: 'auto' }, 'Automatic'),
    Object.entries(devices).map(([device, { name }]) => h('option', { value: device }, name)));
  const why = h('p', { id: 'device-why', class: 'why', 'aria-live': 'polite' });
  el.replaceChildren(h('label', { for: 'device' }, 'Computes on'), menu, why);
  const state = { info: null, wanted, testing: null };

  function update(changes) {
    Object.assign(state, { busy: false }, changes);
    menu.disabled = state.busy;
    menu.value = state.wanted;
    why.textContent = state.busy || !state.info ? 'Starting the engine…'
      : sentence(state.info, devices[state.info.device]?.name ?? state.info.device, state.testing);
  }
  update({});
  return { update, destroy() { el.replaceChildren(); } };
}

function sentence({ device, label, threads, reason }, name, testing) {
  const several = threads > 1 ? `, on ${threads} threads` : '';
  const what = device === 'webgpu' && label && label !== name ? `${name}, ${label}` : `${name}${several}`;
  if (testing) return `${what} now; ${testing}…`;
  if (!reason) return `${what}.`;
  return reason === 'chosen by hand' ? `${what}, chosen by hand.` : `${what}, because ${reason}.`;
}
