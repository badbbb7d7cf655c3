/**
 * The posterior in numbers: for each parameter the median, the 68 % and 95 % intervals, how much the data told, and the
 * true value where known.
 */
/** @import { Posterior, Statistics, View } from './types.d.ts' */
import { dataTable } from './data-table.js';
import { breather, claim, h } from './dom.js';
import { bits, interval, ofPosterior, plainOfPosterior } from './format.js';
import { column, rank, summarize } from './summary.js';

const HEAD = ['parameter', 'median', '68 % interval', '95 % interval'];

const TOLD = 'how much the data told';

/** @typedef {NonNullable<Posterior['learned']>[number]} Learned */
/**
 * `rank`: the share of draws below the true value.
 * @typedef {Statistics & {name: string, logarithmic: boolean, learned?: Learned, truth?: {value: number, rank: number}}} Row
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
    async update({ draws, n, d, names, truth, logarithmic, learned }) {
      const mine = ++job;
      const breathe = breather();
      /** @type {Row[]} */
      const rows = [];
      for (const [j, name] of names.entries()) {
        const s = summarize(column(draws, n, d, j));
        const known = truth ? { value: truth[j], rank: rank(s.sorted, truth[j]) } : undefined;
        rows.push({ name, ...s, logarithmic: logarithmic?.[j] ?? false, learned: learned?.[j], truth: known });
        await breathe();
        if (mine !== job) return;
      }
      tsv = asTsv(rows);
      const head = [...HEAD, ...(learned ? [TOLD] : []), ...(truth ? ['truth', 'draws below truth'] : [])];
      el.replaceChildren(dataTable('Posterior in numbers', head, rows.map(cells)), copy);
    },
    destroy() {
      job++;
      release();
    },
  };
}

/** @param {Row} row */
function cells({ name, median, low68, high68, low95, high95, logarithmic, learned, truth }) {
  const show = (/** @type {number} */ value) => ofPosterior(value, { low68, high68 }, logarithmic);
  const range = (/** @type {number} */ low, /** @type {number} */ high) => interval(show(low), show(high));
  const told = learned === undefined ? [] : [bits(learned)];
  const known = truth ? [show(truth.value), where(truth.rank)] : [];
  return [name, show(median), range(low68, high68), range(low95, high95), ...told, ...known];
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
  const told = rows[0]?.learned === undefined ? [] : ['gain_bits'];
  const head = ['parameter', 'median', 'low_68', 'high_68', 'low_95', 'high_95', ...told, ...known];
  const lines = rows.map(({ name, median, low68, high68, low95, high95, logarithmic, learned, truth }) => {
    const show = (/** @type {number} */ v) => plainOfPosterior(v, { low68, high68 }, logarithmic, COPIED_DIGITS);
    const numbers = [median, low68, high68, low95, high95].map(show);
    const gain = learned === undefined ? [] : [typeof learned === 'string' ? learned : learned.gain.toFixed(3)];
    return [name, ...numbers, ...gain, ...(truth ? [String(truth.value), truth.rank.toFixed(4)] : [])].join('\t');
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
