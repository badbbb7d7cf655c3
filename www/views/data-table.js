/** A table that scrolls sideways if it is wider than its place. */
/** @import { Children } from './dom.js' */
import { h } from './dom.js';

/**
 * @param {string} label what the table is, for screen readers
 * @param {string[]} head names of the columns
 * @param {Children[][]} rows the cells of each row; the first one is its heading
 */
export function dataTable(label, head, rows) {
  const heads = head.map((text) => h('th', { scope: 'col' }, text));
  const body = rows.map(([heading, ...cells]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, heading),
      cells.map((cell) => h('td', {}, cell)),
    ),
  );
  return h(
    'div',
    { class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': label },
    h('table', {}, h('thead', {}, h('tr', {}, heads)), h('tbody', {}, body)),
  );
}
