/**
 * The posterior in numbers: for each parameter the median, the 68 % and 95 % intervals, and the true value where known.
 */
/** @import { Posterior, Statistics, View } from './types.d.ts' */
import { dataTable } from './data-table.js';
import { breather, claim, h } from './dom.js';
import { interval, ofPosterior, plainOfPosterior } from './format.js';
import { column, rank, summarize } from './summary.js';

const HEAD = ['parameter', 'median', '68 % interval', '95 % interval'];

/**
 * `rank`: the share of draws below the true value.
 * @typedef {Statistics & {name: string, logarithmic: boolean, truth?: {value: number, rank: number}}} Row
 */

/** Digits of the width of an interval that a copied table shows: one more than the page, for programs. */
const COPIED_DIGITS = 3;

/**
 * @param {HTMLElement} el
 * @param {{onCopied?: (done: boolean) => void}} options `onCopied` is told whether the table is on the clipboard
 * @returns {View<Posterior>}
 */
export function mount(el, { onCopied = () => {} } = {}) {
  const release = claim(el, 'table');
  let tsv = '';
  let job = 0;
  const onclick = async () => onCopied(await toClipboard(tsv));
  const copy = h('button', { type: 'button', class: 'quiet', onclick }, 'Copy table');
  return {
    async update({ draws, n, d, names, truth, logarithmic }) {
      const mine = ++job;
      const breathe = breather();
      /** @type {Row[]} */
      const rows = [];
      for (const [j, name] of names.entries()) {
        const s = summarize(column(draws, n, d, j));
        const known = truth ? { value: truth[j], rank: rank(s.sorted, truth[j]) } : undefined;
        rows.push({ name, ...s, logarithmic: logarithmic?.[j] ?? false, truth: known });
        await breathe();
        if (mine !== job) return;
      }
      tsv = asTsv(rows);
      const head = truth ? [...HEAD, 'truth', 'draws below truth'] : HEAD;
      el.replaceChildren(dataTable('Posterior in numbers', head, rows.map(cells)), copy);
    },
    destroy() {
      job++;
      release();
    },
  };
}

/** @param {Row} row */
function cells({ name, median, low68, high68, low95, high95, logarithmic, truth }) {
  const show = (/** @type {number} */ value) => ofPosterior(value, { low68, high68 }, logarithmic);
  const range = (/** @type {number} */ low, /** @type {number} */ high) => interval(show(low), show(high));
  const known = truth ? [show(truth.value), where(truth.rank)] : [];
  return [name, show(median), range(low68, high68), range(low95, high95), ...known];
}

/**
 * Where the true value falls among the draws: a number, and a small scale with the two intervals on it.
 * @param {number} below the share of draws below it
 */
function where(below) {
  const mark = h('span', { class: 'where-mark', style: { left: `${(below * 100).toFixed(1)}%` } });
  const scale = h('span', { class: 'where-scale', 'aria-hidden': 'true' }, mark);
  return h('span', { class: 'where' }, scale, `${(below * 100).toFixed(0)} %`);
}

/** @param {Row[]} rows */
function asTsv(rows) {
  const known = rows[0]?.truth ? ['truth', 'rank'] : [];
  const head = ['parameter', 'median', 'low_68', 'high_68', 'low_95', 'high_95', ...known];
  const lines = rows.map(({ name, median, low68, high68, low95, high95, logarithmic, truth }) => {
    const show = (/** @type {number} */ v) => plainOfPosterior(v, { low68, high68 }, logarithmic, COPIED_DIGITS);
    const numbers = [median, low68, high68, low95, high95].map(show);
    return [name, ...numbers, ...(truth ? [String(truth.value), truth.rank.toFixed(4)] : [])].join('\t');
  });
  return [head.join('\t'), ...lines, ''].join('\n');
}

/** @param {string} text */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that are not served securely, or whose user said no, have no clipboard.
    return false;
  }
}
