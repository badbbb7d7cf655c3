/** Which parameters a corner plot shows. */
import { h } from './dom.js';

/** With more parameters than these, panels are too small to read. A reader can choose other parameters. */
const MOST_PARAMETERS = 10;

/**
 * Checkboxes, folded away; at first all parameters are chosen, or the first ten.
 * @param {() => void} onChange is called when other parameters are chosen
 * @returns {{root: HTMLElement, chosen: (names: string[]) => number[]}}
 */
export function parameterChoice(onChange) {
  const list = h('div', { class: 'choices', role: 'group', 'aria-label': 'Parameters in the plot' });
  const summary = h('summary', {});
  const root = h('details', {}, summary, list);
  /** @type {HTMLInputElement[]} */
  let boxes = [];
  let known = '';
  const label = () => {
    summary.textContent = `Parameters in the plot (${boxes.filter((b) => b.checked).length} of ${boxes.length})`;
  };
  return {
    root,
    chosen(names) {
      if (names.join() !== known) {
        known = names.join();
        boxes = names.map((_, j) => h('input', { type: 'checkbox', checked: j < MOST_PARAMETERS, onchange: changed }));
        list.replaceChildren(...names.map((name, j) => h('label', {}, boxes[j], name)));
        root.hidden = names.length < 3;
        label();
      }
      return boxes.flatMap((box, j) => (box.checked ? [j] : []));
    },
  };
  /** @param {Event} event */
  function changed({ target }) {
    // One parameter at least stays in the plot.
    if (!boxes.some((box) => box.checked)) /** @type {HTMLInputElement} */ (target).checked = true;
    label();
    onChange();
  }
}
