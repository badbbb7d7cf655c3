/** What was read of a simulation set: its arrays, its parameters, and a few of its observations. */
/** @import { Spectrum, View } from './types.d.ts' */
import { dataTable } from './data-table.js';
import { claim, h, onResize, perFrame, svg } from './dom.js';
import { counted, interval, isNumber, significant } from './format.js';
import { extent, linePath, plotFrame } from './plot.js';

/** The roles that the menus offer. */
const ROLES = ['theta', 'x', 'sigma', 'wavelengths'];

/** @typedef {{name: string, shape: ArrayLike<number>, dtype: string, role: string|null}} ArrayInfo */
/** @typedef {{kind: string, low?: number|null, high?: number|null, mean?: number|null, std?: number|null}} Prior */
/** @typedef {{below: number, above: number}} Fit rows outside of the prior */
/**
 * `range`: smallest and largest value.
 * @typedef {{name: string, range: [number, number]|null, prior: Prior, fit: Fit}} Parameter
 */

/**
 * What is shown of a set.
 * @typedef {object} Summary
 * @property {string} file
 * @property {number} n
 * @property {number} parameter_dim
 * @property {number} n_wavelengths 0 if there is only photometry
 * @property {number|null} [n_bands] of the photometry
 * @property {boolean} has_sigma
 * @property {boolean} has_mask
 * @property {boolean} has_wavelengths
 * @property {number} dropped_rows
 * @property {string[]} notes
 * @property {ArrayInfo[]} arrays
 * @property {Parameter[]} parameters
 */

/**
 * @typedef {object} Shown
 * @property {Summary} [summary] of the set
 * @property {Spectrum[]} [rows] some of its observations
 * @property {{arrays: ArrayInfo[], file: string}} [refused] a file that could not be used as it is, but whose arrays
 *   are known
 */

/**
 * Roles are assigned by menus, to the arrays of the set or of the file that was refused.
 * @param {HTMLElement} el
 * @param {{onAssign?: (assign: Record<string, string>, isRefused: boolean) => void}} options
 * @returns {View<Shown>}
 */
export function mount(el, { onAssign = () => {} } = {}) {
  const release = claim(el, 'setinfo');
  const spectra = h('div', {});
  /** @type {Shown} */
  let data = {};
  const drawSpectra = perFrame(() => {
    if (data.rows?.length) spectra.replaceChildren(handful(data.rows, spectra.clientWidth));
  });
  const stop = onResize(el, () => drawSpectra(null));

  return {
    update(next) {
      data = next;
      const { summary, refused } = data;
      const roles = (/** @type {string} */ file, /** @type {ArrayInfo[]} */ arrays, /** @type {boolean} */ isRefused) =>
        h(
          'details',
          { open: isRefused },
          h('summary', {}, `Arrays in ${file} (${arrays.length})`),
          arrayTable(arrays, (assign) => onAssign(assign, isRefused)),
        );
      const ofSet = summary
        ? [
            headline(summary),
            parameterTable(summary.parameters),
            spectra,
            ...notes(summary),
            roles('the file', summary.arrays, false),
          ]
        : [];
      el.replaceChildren(...ofSet, ...(refused ? [roles(refused.file, refused.arrays, true)] : []));
      drawSpectra(null);
    },
    destroy() {
      stop();
      release();
    },
  };
}

/** @param {Summary} summary */
function headline({ file, n, parameter_dim: d, n_wavelengths, n_bands, has_sigma, has_mask, has_wavelengths }) {
  const extra = [
    has_sigma ? ', with uncertainties' : '',
    has_mask ? ', with a mask' : '',
    has_wavelengths ? ', on a wavelength grid' : '',
  ];
  const points = n_wavelengths > 0 && counted(n_wavelengths, 'data point');
  const bands = n_bands && counted(n_bands, 'band');
  const sizes = [counted(n, 'simulation'), counted(d, 'parameter'), points, bands];
  const facts = `${sizes.filter(Boolean).join(' · ')}${extra.join('')}`;
  return h('p', { class: 'headline' }, h('strong', {}, file), h('br'), facts);
}

/** @param {Summary} summary */
function notes({ dropped_rows: dropped, notes: list }) {
  const lines = dropped ? [`${counted(dropped, 'row')} dropped because of a number that is not finite`, ...list] : list;
  // The reader may have noted the dropped rows itself; once is enough.
  const unique = dropped && list.some((n) => /drop/i.test(n)) ? list : lines;
  const items = unique.map((line) => h('li', {}, line));
  return items.length > 0 ? [h('ul', { class: 'notes' }, items)] : [];
}

/** @param {Parameter[]} parameters */
const parameterTable = (parameters) =>
  dataTable(
    'Parameters',
    ['parameter', 'range in the set', 'prior', 'prior covered'],
    parameters.map(({ name, range, prior, fit }) => {
      const [min, max] = range ?? [NaN, NaN];
      const shown = range ? interval(significant(min), significant(max)) : 'no finite number';
      return [name, shown, priorText(prior), range ? coverage(min, max, prior, fit) : ''];
    }),
  );

/**
 * A prior in words.
 * @param {Prior} [prior]
 */
export function priorText(prior) {
  if (!prior || prior.kind === 'none') return 'none given';
  const kind = prior.kind.replace('_', '-');
  const { low, high, mean, std } = prior;
  if (isNumber(low) && isNumber(high)) return `${kind}, ${interval(significant(low), significant(high))}`;
  const variable = prior.kind === 'log_normal' ? 'ln = ' : '';
  if (isNumber(mean) && isNumber(std)) return `${kind}, ${variable}${significant(mean)} ± ${significant(std)}`;
  return kind;
}

/**
 * How much of the prior the set covers, as a small bar; or a warning if the set leaves the prior.
 * @param {number} min
 * @param {number} max
 * @param {Prior} prior
 * @param {Fit} fit
 */
function coverage(min, max, prior, fit) {
  const { kind, low, high } = prior;
  if (fit.below + fit.above > 0) return h('span', { class: 'warning' }, 'outside the prior');
  if (!isNumber(low) || !isNumber(high)) return '';
  const f = kind === 'log_uniform' ? Math.log : (/** @type {number} */ v) => v;
  const at = (/** @type {number} */ v) => (f(v) - f(low)) / (f(high) - f(low));
  const [a, b] = [at(min), at(max)];
  const bar = h(
    'span',
    { class: 'cover', title: `covers ${Math.round((b - a) * 100)} % of the prior` },
    h('span', { style: { left: `${a * 100}%`, width: `${(b - a) * 100}%` } }),
  );
  return bar;
}

/**
 * The arrays of a file, with a menu for the role of each.
 * @param {ArrayInfo[]} arrays
 * @param {(roles: Record<string, string>) => void} assign
 */
function arrayTable(arrays, assign) {
  const menus = arrays.map(({ name, role }) => {
    const roles = ['', ...new Set([...ROLES, ...(role ? [role] : [])])];
    const options = roles.map((r) => h('option', { value: r, selected: r === (role ?? '') }, r || 'not used'));
    return h('select', { 'aria-label': `Role of ${name}` }, options);
  });
  const chosen = () => menus.map((menu, i) => [menu.value, arrays[i].name]).filter(([role]) => ROLES.includes(role));
  const onclick = () => assign(Object.fromEntries(chosen()));
  return [
    dataTable(
      'Arrays in the file',
      ['array', 'shape', 'type', 'used as'],
      arrays.map(({ name, shape, dtype }, i) => [name, `(${Array.from(shape).join(', ')})`, dtype, menus[i]]),
    ),
    h('button', { type: 'button', class: 'quiet', onclick }, 'Use these roles'),
  ];
}

/**
 * A few spectra over each other.
 * @param {Spectrum[]} rows
 * @param {number} width
 */
function handful(rows, width) {
  const first = rows[0];
  const xs = first.wavelengths ?? Float64Array.from(first.values, (_, i) => i);
  const ys = rows.flatMap(({ values, mask }) => Array.from(values).filter((_, i) => !mask?.[i]));
  const { root, content, sx, sy } = plotFrame({
    width: Math.max(200, width),
    height: 150,
    x: extent(xs, 0.01),
    y: extent(ys, 0.05),
    xLabel: first.wavelengths ? 'wavelength' : 'index of data point',
    yLabel: 'value',
  });
  for (const [i, { values, mask }] of rows.entries()) {
    const seen = Array.from(values, (v, k) => (mask?.[k] ? NaN : v));
    content.append(svg('path', { class: `sample s${i % 4}`, d: linePath(xs, seen, sx, sy) }));
  }
  root.setAttribute('aria-label', `${counted(rows.length, 'observation')} of the set, drawn over each other`);
  return root;
}
