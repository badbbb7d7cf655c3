/**
 * The corner plot. Diagonal: histogram, median and 68 % interval. Below it: regions that hold 68 % and 95 % of the
 * draws, by smoothed density. Truths as lines, where they are known.
 */
import { contourRings, ringsPath } from './contours.js';
import { cornerLayout, fitName } from './corner-layout.js';
import { axisRange, binIndices, binsFor, column, credible, histogram, smooth, summarize } from './density.js';
import { breather, claim, h, onResize, svg } from './dom.js';
import { withScale } from './format.js';
import { parameterChoice } from './parameter-choice.js';

/**
 * @param {HTMLElement} el
 * @returns {{update: (data: object) => Promise<void>, destroy: () => void}}
 * `data`: {draws: Float64Array (n, d), n, d, names, bounds?: [low, high][] that the priors set, truth?: number[],
 * reference?: draws of another run to compare with, {draws, n}, drawn as outlines; keepAxes?: true while the
 * observation is dragged}
 */
export function mount(el) {
  const release = claim(el, 'corner');
  const readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
  const scroll = h('div', { class: 'scroll-x' });
  const choice = parameterChoice(() => data && update(data));
  el.replaceChildren(readout, scroll, choice.root);

  let data = null;
  let shown = null; // what the hover reads: layout, ranges, statistics, grids
  let ranges = null;
  let job = 0;

  async function update(next) {
    data = next;
    const mine = ++job;
    const breathe = breather();
    const { draws, n, reference } = data;
    // From here on the parameters are those that are chosen: `of[j]` is the j-th one's column in the draws.
    const of = choice.chosen(data.names);
    const d = of.length;
    const names = of.map((k) => data.names[k]);
    const truth = data.truth && of.map((k) => data.truth[k]);

    const columns = [];
    const stats = [];
    for (let j = 0; j < d; j++) {
      columns.push(column(draws, n, data.d, of[j]));
      stats.push(summarize(columns[j]));
      await breathe();
      if (mine !== job) return;
    }
    const fresh = stats.map((s, j) => axisRange(s, truth?.[j], data.bounds?.[of[j]]));
    const same = shown?.names.join() === names.join();
    ranges = data.keepAxes && same ? ranges.map((r, j) => stretched(r, fresh[j])) : fresh;

    const layout = cornerLayout(Math.max(240, scroll.clientWidth), names, ranges, stats.map(estimate));
    const bins = binsFor(n);
    const indices = columns.map((values, j) => binIndices(values, ranges[j], bins));
    const other = reference && {
      bins: binsFor(reference.n),
      indices: of.map((k, j) =>
        binIndices(column(reference.draws, reference.n, data.d, k), ranges[j], binsFor(reference.n)),
      ),
    };
    await breathe();

    const panels = [];
    const grids = new Map();
    for (let row = 0; row < d; row++) {
      for (let col = 0; col < row; col++) {
        const [x, y] = layout.at(row, col);
        const regions = credible(indices[col], indices[row], bins, n);
        grids.set(row * d + col, regions);
        const outline = other && credible(other.indices[col], other.indices[row], other.bins, reference.n);
        panels.push(
          svg(
            'g',
            {},
            svg('rect', { class: 'panel', x, y, width: layout.size, height: layout.size }),
            regions.levels
              .map((level, i) =>
                svg('path', {
                  class: `region mass${i + 1}`,
                  'fill-rule': 'evenodd',
                  d: outlinePath(regions, level, x, y, layout.size),
                }),
              )
              .reverse(),
            outline &&
              svg('path', {
                class: 'reference',
                d: outline.levels.map((l) => outlinePath(outline, l, x, y, layout.size)).join(''),
              }),
            truthLines(truth, ranges, col, row, x, y, layout.size),
          ),
        );
        await breathe();
        if (mine !== job) return;
      }
      const [x, y] = layout.at(row, row);
      panels.push(
        diagonal(row, x, y, {
          layout,
          range: ranges[row],
          stats: stats[row],
          truth: truth?.[row],
          counts: histogram(indices[row], bins),
          otherCounts: other && histogram(other.indices[row], other.bins),
          name: names[row],
        }),
      );
    }
    await breathe();
    if (mine !== job) return;
    shown = { names, layout, stats, grids, bins, picture: picture(layout, names, ranges, panels, stats, n) };
    scroll.replaceChildren(shown.picture.root);
  }

  function hover(event) {
    if (!shown) return;
    const {
      names,
      layout,
      picture: { root, cross },
      grids,
      bins,
      stats,
    } = shown;
    const box = root.getBoundingClientRect();
    const pitch = layout.size + layout.gap;
    const px = event.clientX - box.left - layout.left;
    const py = event.clientY - box.top - layout.top;
    const col = Math.floor(px / pitch);
    const row = Math.floor(py / pitch);
    const fx = (px - col * pitch) / layout.size;
    const fy = 1 - (py - row * pitch) / layout.size;
    const d = names.length;
    if (col < 0 || row < col || row >= d || fx < 0 || fx > 1 || fy < 0 || fy > 1) return leave();
    const value = (j, f) => {
      const [low, high] = ranges[j];
      return `${names[j]} = ${withScale(low + f * (high - low), stats[j].high68 - stats[j].low68)}`;
    };
    const [x, y] = layout.at(row, col);
    cross.setAttribute(
      'd',
      `M${x + fx * layout.size} ${layout.at(col, col)[1]}V${layout.top + d * pitch - layout.gap}` +
        (row === col ? '' : `M${layout.left} ${y + (1 - fy) * layout.size}H${layout.at(row, row)[0] + layout.size}`),
    );
    if (row === col) {
      readout.textContent = value(col, fx);
    } else {
      const { grid, levels } = grids.get(row * d + col);
      const cell = (f) => Math.min(bins - 1, Math.floor(f * bins));
      const density = grid[cell(fy) * bins + cell(fx)];
      const where = density >= levels[0] ? 'inside 68 %' : density >= levels[1] ? 'inside 95 %' : 'outside 95 %';
      readout.textContent = `${value(col, fx)}   ${value(row, fy)}   ${where}`;
    }
  }
  function leave() {
    readout.textContent = '';
    shown?.picture.cross.setAttribute('d', '');
  }
  scroll.addEventListener('pointermove', hover);
  scroll.addEventListener('pointerleave', leave);
  const stop = onResize(el, () => data && update({ ...data, keepAxes: true }));

  return {
    update,
    destroy: () => {
      job++;
      stop();
      release();
    },
  };
}

/** While the observation is dragged, axes only ever grow, so that what moves is the posterior. */
const stretched = ([low, high], [newLow, newHigh]) => [Math.min(low, newLow), Math.max(high, newHigh)];

const outlinePath = ({ grid, bins }, level, x, y, size) =>
  ringsPath(contourRings(grid, bins, bins, level), bins, bins, x, y, size, size);

const fraction = (value, [low, high]) => (value - low) / (high - low);

function truthLines(truth, ranges, col, row, x, y, size) {
  if (!truth) return null;
  const fx = fraction(truth[col], ranges[col]);
  const fy = fraction(truth[row], ranges[row]);
  const inX = fx >= 0 && fx <= 1;
  const inY = fy >= 0 && fy <= 1;
  const d = (inX ? `M${x + fx * size} ${y}v${size}` : '') + (inY ? `M${x} ${y + (1 - fy) * size}h${size}` : '');
  return [
    svg('path', { class: 'truth', d }),
    inX &&
      inY &&
      svg('rect', { class: 'truth-point', x: x + fx * size - 2.5, y: y + (1 - fy) * size - 2.5, width: 5, height: 5 }),
  ];
}

/** A histogram as a path of steps, or smoothed as a line. */
function histogramPath(counts, most, x, y, size) {
  const step = size / counts.length;
  const height = (c) => Math.round((y + size - (c / most) * 0.92 * size) * 10) / 10;
  let d = `M${x} ${y + size}`;
  counts.forEach((c, i) => {
    d += `V${height(c)}H${Math.round((x + (i + 1) * step) * 10) / 10}`;
  });
  return `${d}V${y + size}`;
}

function diagonal(j, x, y, { layout, range, stats, truth, counts, otherCounts, name }) {
  const { size, titles } = layout;
  const smoothed = smooth(counts, counts.length / 60);
  const most = Math.max(...smoothed) || 1;
  const line = (value, cls) => {
    const f = fraction(value, range);
    return f >= 0 && f <= 1 ? svg('path', { class: cls, d: `M${x + f * size} ${y}v${size}` }) : null;
  };
  const [low, high] = [stats.low68, stats.high68].map((v) => Math.min(1, Math.max(0, fraction(v, range))));
  const otherMost = otherCounts && (Math.max(...smooth(otherCounts, otherCounts.length / 60)) || 1);
  return svg(
    'g',
    {},
    svg('rect', { class: 'panel', x, y, width: size, height: size }),
    svg('rect', { class: 'interval', x: x + low * size, y, width: Math.max(0, high - low) * size, height: size }),
    svg('path', { class: 'histogram', d: histogramPath(smoothed, most, x, y, size) }),
    otherCounts &&
      svg('path', {
        class: 'reference',
        d: histogramPath(smooth(otherCounts, otherCounts.length / 60), otherMost, x, y, size),
      }),
    line(stats.median, 'median'),
    Number.isFinite(truth) && line(truth, 'truth'),
    // Both lie in the empty half of the plot, so they may run on to the right.
    svg('text', { class: 'name strong', x, y: y - 5 - (titles - 1) * 14 }, name),
    titles > 1 && svg('text', { class: 'estimate', x, y: y - 5 }, estimate(stats)),
  );
}

/** Median and distances to the ends of the 68 % interval, as they are written in papers. */
export function estimate({ median, low68, high68 }) {
  const scale = Math.min(high68 - median, median - low68) || high68 - low68;
  return `${withScale(median, scale)} +${withScale(high68 - median, scale)} \u2212${withScale(median - low68, scale)}`;
}

function picture(layout, names, ranges, panels, stats, n) {
  const { size, at, axes, upright, leaning, nameAt } = layout;
  const d = names.length;
  const marks = [];
  for (let j = 0; j < d; j++) {
    const [x, bottom] = [at(0, j)[0], at(d - 1, 0)[1] + size];
    for (const { value, label } of axes[j].x) {
      const tx = x + fraction(value, ranges[j]) * size;
      marks.push(
        svg('path', { class: 'tick', d: `M${tx} ${bottom}v4` }),
        svg(
          'text',
          upright
            ? { class: 'number', transform: `translate(${tx + 3.5} ${bottom + 7}) rotate(-90)`, 'text-anchor': 'end' }
            : { class: 'number', x: tx, y: bottom + 15, 'text-anchor': 'middle' },
          label,
        ),
      );
    }
    marks.push(
      svg(
        'text',
        leaning
          ? {
              class: 'name',
              transform: `translate(${x + size / 2 + 4} ${nameAt + 4}) rotate(-45)`,
              'text-anchor': 'end',
            }
          : { class: 'name', x: x + size / 2, y: nameAt + 9, 'text-anchor': 'middle' },
        fitName(names[j], 90),
        title(names[j]),
      ),
    );
    if (j === 0) continue;
    const [left, top] = at(j, 0);
    for (const { value, label } of axes[j].y) {
      const ty = top + size - fraction(value, ranges[j]) * size;
      marks.push(
        svg('path', { class: 'tick', d: `M${left} ${ty}h-4` }),
        svg('text', { class: 'number', x: left - 6, y: ty + 3.8, 'text-anchor': 'end' }, label),
      );
    }
    if (layout.leaning) continue; // no room for names on this side; they stand on the diagonal
    marks.push(
      svg(
        'text',
        { class: 'name', transform: `translate(11 ${top + size / 2}) rotate(-90)`, 'text-anchor': 'middle' },
        names[j],
      ),
    );
  }
  const words = names.map((name, j) => `${name}: ${estimate(stats[j])}`).join('; ');
  const cross = svg('path', { class: 'cross' });
  const root = svg(
    'svg',
    {
      class: 'corner',
      role: 'img',
      width: layout.width,
      height: Math.ceil(layout.height),
      'aria-label': `Corner plot of ${n} draws. ${words}. The table gives the same in numbers.`,
    },
    panels,
    marks,
    cross,
  );
  return { root, cross };
}

const title = (text) => svg('title', {}, text);
