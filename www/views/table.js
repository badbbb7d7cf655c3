/** The posterior in numbers: per parameter the median, the 68 % and 95 % intervals, and the truth where known. */
import { column, rank, summarize } from './density.js';
import { breather, claim, h } from './dom.js';
import { decimalsFor, interval, withScale } from './format.js';

const HEAD = ['parameter', 'median', '68 % interval', '95 % interval'];

/** `update({draws, n, d, names, truth?})` */
export function mount(el, { onCopied = () => {} } = {}) {
  const release = claim(el, 'table');
  let tsv = '';
  let job = 0;
  const copy = h(
    'button',
    { type: 'button', class: 'quiet', onclick: async () => onCopied(await toClipboard(tsv)) },
    'Copy table',
  );
  return {
    async update({ draws, n, d, names, truth }) {
      const mine = ++job;
      const breathe = breather();
      const rows = [];
      for (let j = 0; j < d; j++) {
        const s = summarize(column(draws, n, d, j));
        rows.push({ name: names[j], ...s, truth: truth?.[j], below: truth ? rank(s.sorted, truth[j]) : null });
        await breathe();
        if (mine !== job) return;
      }
      tsv = asTsv(rows, Boolean(truth));
      const head = truth ? [...HEAD, 'truth', 'draws below truth'] : HEAD;
      el.replaceChildren(
        h(
          'div',
          { class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': 'Posterior in numbers' },
          h(
            'table',
            {},
            h(
              'thead',
              {},
              h(
                'tr',
                {},
                head.map((text) => h('th', { scope: 'col' }, text)),
              ),
            ),
            h(
              'tbody',
              {},
              rows.map((row) => tableRow(row, Boolean(truth))),
            ),
          ),
        ),
        copy,
      );
    },
    destroy() {
      job++;
      release();
    },
  };
}

function tableRow(row, hasTruth) {
  const scale = (row.high68 - row.low68) / 2;
  const show = (value) => withScale(value, scale);
  const range = (low, high) => interval(show(low), show(high));
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, row.name),
    h('td', {}, show(row.median)),
    h('td', {}, range(row.low68, row.high68)),
    h('td', {}, range(row.low95, row.high95)),
    hasTruth && h('td', {}, show(row.truth)),
    hasTruth && h('td', {}, where(row)),
  );
}

/** Where the truth falls among the draws: a number, and a small scale with the two intervals on it. */
function where({ below }) {
  return h(
    'span',
    { class: 'where' },
    h(
      'span',
      { class: 'where-scale', 'aria-hidden': 'true' },
      h('span', { class: 'where-mark', style: { left: `${(below * 100).toFixed(1)}%` } }),
    ),
    `${(below * 100).toFixed(0)} %`,
  );
}

function asTsv(rows, hasTruth) {
  const head = [
    'parameter',
    'median',
    'low_68',
    'high_68',
    'low_95',
    'high_95',
    ...(hasTruth ? ['truth', 'rank'] : []),
  ];
  const lines = rows.map((row) => {
    const decimals = Math.min(20, decimalsFor((row.high68 - row.low68) / 2, 3));
    const numbers = [row.median, row.low68, row.high68, row.low95, row.high95].map((v) => v.toFixed(decimals));
    return [row.name, ...numbers, ...(hasTruth ? [String(row.truth), row.below.toFixed(4)] : [])].join('\t');
  });
  return [head.join('\t'), ...lines, ''].join('\n');
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that are not served securely, or whose user said no, have no clipboard.
    return false;
  }
}
