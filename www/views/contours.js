/** Lines of equal density on a grid, by marching squares. Outside of the grid the density is taken to be zero. */
import { tenth } from './plot.js';

/**
 * For each of the 16 corner patterns (bits: top-left 8, top-right 4, bottom-right 2, bottom-left 1), the cell edges
 * that a line enters and leaves by: 0 top, 1 right, 2 bottom, 3 left; '23 01' is two lines. The region above the level
 * is on the left. Saddles (5 and 10) are taken as two separate corners.
 */
const LINES = [
  ['', '23', '12', '13'],
  ['01', '01 23', '02', '03'],
  ['30', '20', '30 12', '10'],
  ['31', '21', '32', ''],
]
  .flat()
  .map((pattern) => (pattern ? pattern.split(' ') : []).map((line) => Array.from(line, Number)));

/**
 * Closed rings around the regions in which `grid` is at least `level`.
 * @param {Float64Array} grid `rows * columns` values, row by row, at the cells' centers
 * @param {number} columns
 * @param {number} rows
 * @param {number} level
 * @returns {number[][]} rings as [x0, y0, x1, y1, ...] in units of cells, (0, 0) the corner of the first cell
 */
export function contourRings(grid, columns, rows, level) {
  // The outermost cells are repeated once around the grid, and beyond them the density is zero. So lines run straight
  // on to the edge, and regions close along it.
  const at = (/** @type {number} */ x, /** @type {number} */ y) =>
    x < -1 || y < -1 || x > columns || y > rows ? 0 : grid[clamp(y, rows - 1) * columns + clamp(x, columns - 1)];
  const width = columns + 4;
  /** @type {Map<number, number>} from one point of a line to the next, by their keys */
  const next = new Map();
  /** @type {Map<number, [number, number]>} */
  const point = new Map();

  /**
   * The key of the point where a line crosses an edge of the cell at (x, y).
   * @param {number} x
   * @param {number} y
   * @param {number} edge
   */
  const crossing = (x, y, edge) => {
    // The key of an edge: 2 * index of the grid point it starts from, + 1 if it is vertical.
    const px = edge === 1 ? x + 1 : x;
    const py = edge === 2 ? y + 1 : y;
    const vertical = edge & 1;
    const key = 2 * ((py + 2) * width + px + 2) + vertical;
    if (!point.has(key)) {
      const a = at(px, py);
      const b = vertical ? at(px, py + 1) : at(px + 1, py);
      const t = (level - a) / (b - a);
      const cx = vertical ? px : px + t;
      const cy = vertical ? py + t : py;
      // A point in the border around the grid is drawn on the grid's edge.
      point.set(key, [clamp(cx + 0.5, columns), clamp(cy + 0.5, rows)]);
    }
    return key;
  };

  for (let y = -2; y <= rows; y++) {
    for (let x = -2; x <= columns; x++) {
      const pattern =
        (at(x, y) >= level ? 8 : 0) +
        (at(x + 1, y) >= level ? 4 : 0) +
        (at(x + 1, y + 1) >= level ? 2 : 0) +
        (at(x, y + 1) >= level ? 1 : 0);
      for (const [from, to] of LINES[pattern]) next.set(crossing(x, y, from), crossing(x, y, to));
    }
  }

  /** @type {number[][]} */
  const rings = [];
  for (const [start] of next) {
    /** @type {number[]} */
    const ring = [];
    let key = start;
    for (let following = next.get(key); following !== undefined; following = next.get(key)) {
      ring.push(.../** @type {[number, number]} */ (point.get(key)));
      next.delete(key);
      key = following;
    }
    rings.push(ring);
  }
  return rings;
}

/**
 * @param {number} value
 * @param {number} most
 */
const clamp = (value, most) => Math.min(most, Math.max(0, value));

/**
 * Rings as the `d` of a path, scaled to a box in pixels, with a y axis that points up.
 * @param {number[][]} rings as `contourRings` gives them
 * @param {number} columns
 * @param {number} rows
 * @param {{x: number, y: number, width: number, height: number}} box
 */
export function ringsPath(rings, columns, rows, { x: x0, y: y0, width, height }) {
  let d = '';
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      const x = tenth(x0 + (ring[i] / columns) * width);
      const y = tenth(y0 + height - (ring[i + 1] / rows) * height);
      d += `${i ? 'L' : 'M'}${x} ${y}`;
    }
    d += 'Z';
  }
  return d;
}
