/** What was understood of a simulation set: its arrays, its parameters, and a handful of its observations. */
import { claim, h, onResize, perFrame, svg } from './dom.js';
import { count, interval, significant } from './format.js';
import { extent, linePath, plotFrame } from './plot.js';

const ROLES = ['theta', 'x', 'sigma', 'wavelengths'];

/**
 * `update({summary?, rows?: observations, refused?: {arrays, file}})`: a set, and a file that could not be used as it is but
 * whose arrays are known. Roles are assigned by menus, to the arrays of either.
 * @param {{onAssign?: (assign: object, isRefused: boolean) => void}} options
 */
export function mount(el, { onAssign = () => {} } = {}) {
  const release = claim(el, 'setinfo');
  const spectra = h('div', {});
  let data = null;
  const drawSpectra = perFrame(() => {
    if (data?.rows?.length) spectra.replaceChildren(handful(data.rows, spectra.clientWidth));
  });
  const stop = onResize(el, drawSpectra);

  return {
    update(next) {
      data = next;
      const { summary, refused } = data;
      const roles = (file, arrays, isRefused) =>
        h(
          'details',
          { open: isRefused },
          h('summary', {}, `Arrays in ${file} (${arrays.length})`),
          arrayTable(arrays, (assign) => onAssign(assign, isRefused)),
        );
      el.replaceChildren(
        ...[
          summary && headline(summary),
          summary && parameterTable(summary.parameters),
          summary && spectra,
          summary && notes(summary),
          summary && roles('the file', summary.arrays, false),
          refused && roles(refused.file, refused.arrays, true),
        ].filter(Boolean),
      );
      drawSpectra();
    },
    destroy() {
      stop();
      release();
    },
  };
}

function headline(s) {
  const extra = [
    s.has_sigma && 'with uncertainties',
    s.has_mask && 'with a mask',
    s.has_wavelengths && 'on a wavelength grid',
  ];
  return h(
    'p',
    { class: 'headline' },
    h('strong', {}, s.file),
    h('br'),
    `${count(s.n)} simulations · ${s.parameter_dim} ${s.parameter_dim === 1 ? 'parameter' : 'parameters'} · `,
    `${count(s.n_wavelengths)} data points${extra
      .filter(Boolean)
      .map((e) => `, ${e}`)
      .join('')}`,
  );
}

function notes({ dropped_rows: dropped, notes: list }) {
  const [rows, them] = dropped === 1 ? ['row was', 'it'] : ['rows were', 'them'];
  const lines = dropped ? [`${count(dropped)} ${rows} dropped: a number in ${them} was not finite.`, ...list] : list;
  // The reader may have said it itself; once is enough.
  const unique = dropped && list.some((n) => /drop/i.test(n)) ? list : lines;
  return unique.length
    ? h(
        'ul',
        { class: 'notes' },
        unique.map((line) => h('li', {}, line)),
      )
    : null;
}

function parameterTable(parameters) {
  return h(
    'div',
    { class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': 'Parameters' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['parameter', 'range in the set', 'prior', 'covered'].map((t) => h('th', { scope: 'col' }, t)),
        ),
      ),
      h(
        'tbody',
        {},
        parameters.map(({ name, range: [min, max], prior }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, name),
            h('td', {}, interval(significant(min), significant(max))),
            h('td', {}, priorText(prior)),
            h('td', {}, coverage(min, max, prior)),
          ),
        ),
      ),
    ),
  );
}

/** A prior in words. */
export function priorText(prior) {
  if (!prior || prior.kind === 'none') return 'none given';
  const kind = prior.kind.replace('_', '-');
  const { low, high, mean, std } = prior;
  if (low !== undefined && low !== null) return `${kind}, ${interval(significant(low), significant(high))}`;
  if (mean !== undefined && mean !== null) return `${kind}, ${significant(mean)} ± ${significant(std)}`;
  return kind;
}

/** How much of the prior the set covers, as a small bar; a set that leaves it says so. */
function coverage(min, max, prior) {
  if (!Number.isFinite(prior?.low) || !Number.isFinite(prior?.high)) return '';
  const f = prior.kind === 'log_uniform' ? Math.log : (v) => v;
  const at = (v) => (f(v) - f(prior.low)) / (f(prior.high) - f(prior.low));
  const [a, b] = [at(min), at(max)];
  if (a < -1e-6 || b > 1 + 1e-6) return h('span', { class: 'warning' }, 'beyond the prior');
  const bar = h(
    'span',
    { class: 'cover', title: `covers ${Math.round((b - a) * 100)} % of the prior` },
    h('span', { style: { left: `${a * 100}%`, width: `${(b - a) * 100}%` } }),
  );
  return bar;
}

function arrayTable(arrays, assign) {
  const menus = arrays.map(({ name, role }) =>
    h(
      'select',
      { 'aria-label': `Role of ${name}` },
      ['', ...new Set([...ROLES, ...(role ? [role] : [])])].map((r) =>
        h('option', { value: r, selected: r === (role ?? '') }, r || 'not used'),
      ),
    ),
  );
  const roles = () =>
    Object.fromEntries(menus.map((menu, i) => [menu.value, arrays[i].name]).filter(([role]) => ROLES.includes(role)));
  const apply = h('button', { type: 'button', class: 'quiet', onclick: () => assign(roles()) }, 'Use these roles');
  return [
    h(
      'div',
      { class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': 'Arrays in the file' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['array', 'shape', 'type', 'used as'].map((t) => h('th', { scope: 'col' }, t)),
          ),
        ),
        h(
          'tbody',
          {},
          arrays.map(({ name, shape, dtype }, i) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, name),
              h('td', {}, `(${Array.from(shape).join(', ')})`),
              h('td', {}, dtype),
              h('td', {}, menus[i]),
            ),
          ),
        ),
      ),
    ),
    apply,
  ];
}

/** A few spectra over each other. */
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
  root.setAttribute('aria-label', `${rows.length} observations of the set, drawn over each other`);
  return root;
}
