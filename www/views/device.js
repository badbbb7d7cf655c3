/** Which device computes, why, and the menu to choose another. */
import { claim, h } from './dom.js';

/**
 * @param {{devices: Record<string, {name: string}>, wanted: string, onChoose: (device: string) => void}} options
 * `update({info?: {device, label, threads, reason}, wanted?, busy?, testing?, loadedAgain?})`; `testing` says what is
 * being tried, until it is taken back; `loadedAgain`, that the page can use several threads once it is
 */
export function mount(el, { devices, wanted, onChoose }) {
  const release = claim(el, 'device');
  const menu = h(
    'select',
    { id: 'device', onchange: () => onChoose(menu.value), 'aria-describedby': 'device-why' },
    h('option', { value: 'auto' }, 'Automatic'),
    Object.entries(devices).map(([device, { name }]) => h('option', { value: device }, name)),
  );
  const why = h('p', { id: 'device-why', class: 'why', 'aria-live': 'polite' });
  el.replaceChildren(h('label', { for: 'device' }, 'Computes on'), menu, why);
  const state = { info: null, wanted, testing: null, loadedAgain: false };

  function update(changes) {
    Object.assign(state, { busy: false }, changes);
    menu.disabled = state.busy;
    menu.value = state.wanted;
    why.textContent =
      state.busy || !state.info
        ? 'Starting the engine…'
        : sentence(state, devices[state.info.device]?.name ?? state.info.device);
  }
  update({});
  return { update, destroy: release };
}

function sentence({ info: { device, label, threads, reason }, testing, loadedAgain }, name) {
  const several = threads > 1 ? `, on ${threads} threads` : '';
  const what = device === 'webgpu' && label && label !== name ? `${name}, ${label}` : `${name}${several}`;
  if (testing) return `${what} now; ${testing}…`;
  const more = loadedAgain && device !== 'webgpu' ? ' Loaded again, the page can use several threads.' : '';
  if (!reason) return `${what}.${more}`;
  return `${what}, ${reason === 'chosen by hand' ? reason : `because ${reason}`}.${more}`;
}
