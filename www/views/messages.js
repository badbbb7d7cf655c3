/** What the page has to say: errors stay until they are dismissed, notes go by themselves. */
import { h } from './dom.js';

const MOST = 4;
const NOTE_MS = 8000;

/** `update({kind: 'error'|'note', text, action?: {label, run}})` adds a message. */
export function mount(el) {
  // Two live regions that are there from the start: a region added together with its text is often not read out.
  const errors = h('div', { role: 'alert' });
  const notes = h('div', { role: 'status' });
  el.replaceChildren(errors, notes);

  function update({ kind, text, action }) {
    const region = kind === 'error' ? errors : notes;
    const same = [...region.children].find((m) => m.dataset.text === text);
    same?.remove();
    const message = h('div', { class: `message ${kind}`, 'data-text': text },
      h('p', {}, text),
      action && h('button', { type: 'button', class: 'quiet', onclick: () => { message.remove(); action.run(); } }, action.label),
      h('button', { type: 'button', class: 'dismiss', 'aria-label': 'Dismiss', onclick: () => message.remove() }, '×'));
    region.prepend(message);
    while (region.children.length > MOST) region.lastChild.remove();
    if (kind !== 'error') setTimeout(() => message.remove(), NOTE_MS);
  }
  return { update, destroy() { el.replaceChildren(); } };
}
