/**
 * The corner plot. Diagonal: histogram, median and 68 % interval. Below it: regions that hold 68 % and 95 % of the
 * draws, by smoothed density. True values are lines, if they are known.
 */
/** @import { CornerData } from './corner-data.js' */
/** @import { Layout } from './corner-panels.js' */
/** @import { Posterior } from './types.d.ts' */
import { cornerData } from './corner-data.js';
import { cornerLayout } from './corner-layout.js';
import { diagonalPanel, estimate, pairPanel, picture } from './corner-panels.js';
import { breather, claim, h, onResize } from './dom.js';
import { ofPosterior } from './format.js';
import { parameterChoice } from './parameter-choice.js';

/** @typedef {{data: CornerData, layout: Layout, root: SVGSVGElement, cross: SVGPathElement}} Shown what is on the screen */

/**
 * @param {HTMLElement} el
 * @returns {{update: (posterior: Posterior) => Promise<void>, destroy: () => void}}
 */
export function mount(el) {
  const release = claim(el, 'corner');
  const readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
  const scroll = h('div', { class: 'scroll-x' });
  const choice = parameterChoice(() => posterior && update(posterior));
  el.replaceChildren(readout, scroll, choice.root);

  /** @type {Posterior|null} */
  let posterior = null;
  /** @type {Shown|null} */
  let shown = null;
  let job = 0;

  /** @param {Posterior} next */
  async function update(next) {
    posterior = next;
    const mine = ++job;
    const breathe = breather();
    const mayGoOn = async () => {
      await breathe();
      return mine === job;
    };
    const data = await cornerData(next, choice.chosen(next.names), shown?.data ?? null, mayGoOn);
    if (!data) return;
    const { names, ranges, statistics, logarithmic } = data;
    const estimates = statistics.map((s, j) => estimate(s, logarithmic[j]));
    const layout = cornerLayout(Math.max(240, scroll.clientWidth), names, ranges, estimates, logarithmic);
    const panels = [];
    for (const pair of data.pairs) {
      panels.push(pairPanel(data, layout, pair));
      if (!(await mayGoOn())) return;
    }
    panels.push(...names.map((_, j) => diagonalPanel(data, layout, j)));
    if (!(await mayGoOn())) return;
    shown = { data, layout, ...picture(data, layout, panels) };
    scroll.replaceChildren(shown.root);
  }

  const leave = () => {
    readout.textContent = '';
    shown?.cross.setAttribute('d', '');
  };
  scroll.addEventListener('pointermove', (event) => {
    const place = shown && placeAt(shown, event);
    if (!shown || !place) return leave();
    shown.cross.setAttribute('d', crossPath(shown, place));
    readout.textContent = words(shown.data, place);
  });
  scroll.addEventListener('pointerleave', leave);
  const stop = onResize(el, () => posterior && update({ ...posterior, keepAxes: true }));

  return {
    update,
    destroy: () => {
      job++;
      stop();
      release();
    },
  };
}

/** @typedef {{row: number, col: number, fx: number, fy: number}} Place a panel, and where in it, from 0 to 1 */

/**
 * The panel under the pointer.
 * @param {Shown} shown
 * @param {PointerEvent} event
 * @returns {Place|null}
 */
function placeAt({ root, layout, data }, event) {
  const box = root.getBoundingClientRect();
  const pitch = layout.size + layout.gap;
  const px = event.clientX - box.left - layout.left;
  const py = event.clientY - box.top - layout.top;
  const [col, row] = [Math.floor(px / pitch), Math.floor(py / pitch)];
  const fx = (px - col * pitch) / layout.size;
  const fy = 1 - (py - row * pitch) / layout.size;
  const isPanel = col >= 0 && row >= col && row < data.names.length;
  return isPanel && fx >= 0 && fx <= 1 && fy >= 0 && fy <= 1 ? { row, col, fx, fy } : null;
}

/**
 * Lines through the place and all panels of its column and row.
 * @param {Shown} shown
 * @param {Place} place
 */
function crossPath({ layout, data }, { row, col, fx, fy }) {
  const [x, y] = layout.at(row, col);
  const end = layout.top + data.names.length * (layout.size + layout.gap) - layout.gap;
  const vertical = `M${x + fx * layout.size} ${layout.at(col, col)[1]}V${end}`;
  if (row === col) return vertical;
  return `${vertical}M${layout.left} ${y + (1 - fy) * layout.size}H${layout.at(row, row)[0] + layout.size}`;
}

/**
 * The values of both parameters at a place, and the region that the place lies in, in words.
 * @param {CornerData} data
 * @param {Place} place
 */
function words({ names, ranges, statistics, logarithmic, pairs }, { row, col, fx, fy }) {
  const value = (/** @type {number} */ j, /** @type {number} */ f) => {
    const [low, high] = ranges[j];
    const place = low + f * (high - low);
    return `${names[j]} = ${ofPosterior(logarithmic[j] ? 10 ** place : place, statistics[j], logarithmic[j])}`;
  };
  const pair = pairs.find((p) => p.row === row && p.col === col);
  if (!pair) return value(col, fx);
  const { grid, levels, bins } = pair.regions;
  const cell = (/** @type {number} */ f) => Math.min(bins - 1, Math.floor(f * bins));
  const density = grid[cell(fy) * bins + cell(fx)];
  const where = density >= levels[0] ? 'inside 68 %' : density >= levels[1] ? 'inside 95 %' : 'outside 95 %';
  return `${value(col, fx)}   ${value(row, fy)}   ${where}`;
}
