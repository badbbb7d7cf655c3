/** Messages of the page: errors stay until they are dismissed, notes go by themselves. */
/** @import { View } from './types.d.ts' */
import { claim, h, nextFrame } from './dom.js';

const MOST = 4;
/** Milliseconds that a note stays. They begin again when pointer and focus have left it. */
const NOTE_MS = 6000;

const CONTROLS = 'a[href], button, input, select, summary';
/** Edges of the window, by preference; the style sheet knows these words. */
const PLACES = ['bottom', 'bottom left', 'bottom right', 'top', 'top left', 'top right'];

/** @typedef {{kind: 'error'|'note', text: string, action?: {label: string, run: () => unknown}}} Message */

/**
 * A board of messages; each update adds one.
 * @param {HTMLElement} el
 * @returns {View<Message>}
 */
export function mount(el) {
  const release = claim(el, 'messages');
  // Two live regions that are there from the start: a region added together with its text is often not read out.
  const errors = h('div', { role: 'alert' });
  const notes = h('div', { role: 'status' });
  el.replaceChildren(errors, notes);
  // The page leaves as much room at its end (`--messages`), so that its end can be scrolled away from under them.
  const room = new ResizeObserver(() => document.body.style.setProperty('--messages', `${el.offsetHeight}px`));
  room.observe(el);

  /** @param {Message} message */
  async function update({ kind, text, action }) {
    // First the page draws its changes, so that the message can avoid controls that have moved.
    await nextFrame();
    await nextFrame();
    const region = kind === 'error' ? errors : notes;
    const same = [...region.children].find((m) => m.getAttribute('data-text') === text);
    same?.remove();
    const act = () => {
      message.remove();
      action?.run();
    };
    const message = h(
      'div',
      { class: `message ${kind}`, 'data-text': text },
      h('p', {}, text),
      action && h('button', { type: 'button', class: 'quiet', onclick: act }, action.label),
      h('button', { type: 'button', class: 'dismiss', 'aria-label': 'Dismiss', onclick: () => message.remove() }, '×'),
    );
    region.prepend(message);
    while (region.children.length > MOST) region.lastElementChild?.remove();
    if (kind !== 'error') passing(message);
    place(el);
  }
  return {
    update,
    destroy() {
      room.disconnect();
      release();
    },
  };
}

/**
 * Removes a message after `NOTE_MS`, but not while the pointer or the focus is on it.
 * @param {HTMLElement} message
 */
function passing(message) {
  const held = new Set();
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const wait = () => {
    clearTimeout(timer);
    if (held.size === 0) timer = setTimeout(() => message.remove(), NOTE_MS);
  };
  for (const [begin, end] of [
    ['pointerenter', 'pointerleave'],
    ['focusin', 'focusout'],
  ]) {
    message.addEventListener(begin, () => {
      held.add(begin);
      wait();
    });
    message.addEventListener(end, () => {
      held.delete(begin);
      wait();
    });
  }
  wait();
}

/**
 * Puts the messages where they cover none of the page's controls, or the fewest.
 * @param {HTMLElement} el
 */
function place(el) {
  // A control inside a closed fold has a box too, but is not visible.
  const controls = [...document.querySelectorAll(CONTROLS)]
    .filter((control) => !el.contains(control) && control.checkVisibility())
    .map((control) => control.getBoundingClientRect());
  const covered = PLACES.map((where) => {
    el.dataset.place = where;
    const box = el.getBoundingClientRect();
    return controls.filter((c) => c.left < box.right && c.right > box.left && c.top < box.bottom && c.bottom > box.top)
      .length;
  });
  el.dataset.place = PLACES[covered.indexOf(Math.min(...covered))];
}
