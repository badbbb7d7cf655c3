/** Which device computes, why, and the menu to choose another. */
/** @import { View } from './types.d.ts' */
import { claim, h } from './dom.js';

/** What computes, and why: `reason` is the end of a sentence after "because", or 'chosen by hand', or ''. */
/** @typedef {{device: string, label: string, threads: number, reason: string}} Device */

/**
 * @typedef {object} Changes to what is shown; what is absent stays as it was
 * @property {Device|null} [info]
 * @property {string} [wanted] the choice in the menu
 * @property {boolean} [busy] a device is being opened; false if absent
 * @property {string|null} [testing] what is being tried; null when that has ended
 * @property {boolean} [loadedAgain] the page can use several threads once it is loaded again
 */

/**
 * @param {HTMLElement} el
 * @param {{names: Record<string, string>, about?: string, wanted: string, onChoose: (device: string) => void}} options
 *   `names`: the devices of the menu; `about`: what the names mean, as a tooltip
 * @returns {View<Changes>}
 */
export function mount(el, { names, about, wanted, onChoose }) {
  const release = claim(el, 'device');
  const menu = h(
    'select',
    { id: 'device', title: about, onchange: () => onChoose(menu.value), 'aria-describedby': 'device-why' },
    h('option', { value: 'auto' }, 'Automatic'),
    Object.entries(names).map(([device, name]) => h('option', { value: device }, name)),
  );
  const why = h('p', { id: 'device-why', class: 'why', 'aria-live': 'polite' });
  el.replaceChildren(h('label', { for: 'device' }, 'Computes on'), menu, why);
  /** @type {Required<Changes>} */
  const state = { info: null, wanted, busy: false, testing: null, loadedAgain: false };

  /** @param {Changes} changes */
  function update(changes) {
    Object.assign(state, { busy: false }, changes);
    const { info, busy } = state;
    menu.disabled = busy;
    menu.value = state.wanted;
    why.textContent = busy || !info ? 'Starting the engine…' : sentence(info, state, names[info.device] ?? info.device);
  }
  update({});
  return { update, destroy: release };
}

/**
 * @param {Device} info
 * @param {{testing: string|null, loadedAgain: boolean}} state
 * @param {string} name
 */
function sentence({ device, label, threads, reason }, { testing, loadedAgain }, name) {
  const several = threads > 1 ? `, on ${threads} threads` : '';
  const what = device === 'webgpu' && label && label !== name ? `${name}, ${label}` : `${name}${several}`;
  if (testing) return `${what} now; ${testing}…`;
  const more = loadedAgain && device !== 'webgpu' ? ' Reload the page to use several threads.' : '';
  if (!reason) return `${what}.${more}`;
  return `${what}, ${reason === 'chosen by hand' ? reason : `because ${reason}`}.${more}`;
}
