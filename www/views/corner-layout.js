/** The places of a corner plot's panels, tick numbers and names, so that nothing overlaps at any width. */
/** @import { Range } from './types.d.ts' */
/** @import { Tick } from './format.js' */
import { logTicks, ticks } from './format.js';

const CHAR = 7; // widest digit of the tick numbers in the widest of the system fonts
const NAME_CHAR = 7.3;
const LINE = 13;
const ESTIMATE_ROOM = 86; // a panel at least this wide has median and interval over it
const MIN_PANEL = 34;
const MAX_PANEL = 260;

/**
 * @param {string} text
 * @param {number} char
 */
const textWidth = (text, char = CHAR) => text.length * char;

/**
 * A name cut to its room.
 * @param {string} name
 * @param {number} room in pixels
 */
export function fitName(name, room) {
  const most = Math.max(1, Math.floor(room / NAME_CHAR));
  return name.length <= most ? name : `${name.slice(0, Math.max(1, most - 1))}…`;
}

/**
 * @param {number} width room for the whole plot
 * @param {string[]} names
 * @param {Range[]} ranges
 * @param {string[]} estimates the line over each diagonal panel, if panels are wide enough for it
 * @param {boolean[]} logarithmic whether an axis is logarithmic
 */
export function cornerLayout(width, names, ranges, estimates, logarithmic = []) {
  const d = names.length;
  const gap = width / d < 70 ? 3 : 6;
  let left = 0;
  let right = 0;
  /** @type {Axis[]} */
  let axes = [];
  let size = 0;
  let titles = 1;
  let leaning = false; // names under the panels lean if they do not fit
  const lastName = textWidth(names[d - 1], NAME_CHAR);
  const lastEstimate = textWidth(estimates[d - 1]);
  // The panels' size depends on the widest tick number, and how many numbers there are depends on the size.
  for (let pass = 0, room = 46; pass < 3; pass++) {
    left = room + (leaning ? 4 : LINE + 6);
    const plain = (width - left - 6 - gap * (d - 1)) / d;
    titles = plain >= ESTIMATE_ROOM ? 2 : 1;
    right = Math.max(6, (titles > 1 ? Math.max(lastEstimate, lastName) : lastName) - plain);
    size = Math.floor((width - left - right - gap * (d - 1)) / d);
    size = Math.max(MIN_PANEL, Math.min(MAX_PANEL, size));
    leaning = names.some((name) => textWidth(name, NAME_CHAR) > size + gap);
    axes = ranges.map((range, j) => axisTicks(range, size, gap, logarithmic[j] ? logTicks : ticks));
    room = 6 + Math.max(...axes.slice(1).flatMap((a) => a.vertical.map((t) => textWidth(t.label))), 12);
  }
  // Numbers under the panels lie flat if at least two fit under each panel; otherwise they stand up.
  const upright = axes.some((a) => a.horizontal.length < 2);
  const below = axes.flatMap((a) => (upright ? a.vertical : a.horizontal));
  const numbers = upright ? Math.max(...below.map((t) => textWidth(t.label))) : LINE;
  const longest = Math.min(90, Math.max(...names.map((name) => textWidth(name, NAME_CHAR))));
  const top = 4 + titles * (LINE + 1);
  const plot = d * size + (d - 1) * gap;
  const nameAt = top + plot + 8 + numbers + 4;
  return {
    size,
    gap,
    left,
    top,
    upright,
    leaning,
    titles,
    nameAt,
    width: left + plot + right,
    height: nameAt + (leaning ? 0.72 * longest + 8 : LINE + 2),
    axes: axes.map((a) => ({ x: upright ? a.vertical : a.horizontal, y: a.vertical })),
    /** @type {(row: number, col: number) => [number, number]} the upper left corner of a panel */
    at: (row, col) => [left + col * (size + gap), top + row * (size + gap)],
  };
}

/** @typedef {{vertical: Tick[], horizontal: Tick[]}} Axis the tick numbers beside a panel and below it */

/**
 * The tick numbers of one axis that fit beside and below a panel.
 * @param {Range} range
 * @param {number} size of the panel
 * @param {number} gap between two panels
 * @param {typeof ticks} ticksOf makes at most so many ticks
 * @returns {Axis}
 */
function axisTicks([low, high], size, gap, ticksOf) {
  const inside = (/** @type {Tick[]} */ list, /** @type {number} */ half = 0) =>
    list.filter(({ value, label }) => {
      const at = ((value - low) / (high - low)) * size;
      const reach = half || textWidth(label) / 2;
      return at - reach >= -gap / 2 - 1 && at + reach <= size + gap / 2 + 1;
    });
  /** @type {Tick[]} */
  let vertical = [];
  // One number does not show the scale: if fewer than two fit, closer ticks are tried, as close as the text allows.
  for (let most = Math.max(2, Math.min(5, Math.floor(size / 24))); most <= size / (LINE - 1); most++) {
    const list = inside(ticksOf(low, high, most), LINE / 2);
    if (list.length > vertical.length) vertical = list;
    if (vertical.length >= 2) break;
  }
  /** @type {Tick[]} */
  let horizontal = [];
  for (let most = 4; most >= 2 && horizontal.length === 0; most--) {
    const list = inside(ticksOf(low, high, most));
    const step = list.length > 1 ? ((list[1].value - list[0].value) / (high - low)) * size : 0;
    if (list.length >= 2 && list.every((t) => textWidth(t.label) + 5 <= step)) horizontal = list;
  }
  return { vertical, horizontal };
}
