/** Which device computes, why, and the menu to choose another. */
import { h } from './dom.js';

/**
 * @param {{devices: Record<string, {name: string}>, wanted: string, onChoose: (device: string) => void}} options
 * `update({info?: {device, label, reason}, wanted?, busy?})`
 */
export function mount(el, { devices, wanted, onChoose }) {
  const menu = h('select', { id: 'device', onchange: () => onChoose(menu.value), 'aria-describedby': 'device-why' },
    h('option', { value: 'auto' }, 'Automatic'),
    Object.entries(devices).map(([device, { name }]) => h('option', { value: device }, name)));
  menu.value = wanted;
  const why = h('p', { id: 'device-why', class: 'why', 'aria-live': 'polite' }, 'Starting the engine…');
  el.replaceChildren(h('label', { for: 'device' }, 'Computes on'), menu, why);
  return {
    update({ info, wanted: chosen, busy = false }) {
      menu.disabled = busy;
      if (chosen) menu.value = chosen;
      if (busy) why.textContent = 'Starting the engine…';
      else if (info) why.textContent = sentence(info, devices[info.device]?.name ?? info.device);
    },
    destroy() { el.replaceChildren(); },
  };
}

function sentence({ device, label, reason }, name) {
  const what = device === 'webgpu' && label && label !== 'webgpu' ? `${name}, ${label}` : name;
  return reason === 'chosen by hand' ? `${what}, chosen by hand.` : `${what}, because ${reason}.`;
}
