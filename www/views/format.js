/** Numbers as people read them. */

const MINUS = '\u2212';
const SUPERSCRIPT = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** Stands for NaN and infinities, which not every reader knows. */
const NOT_FINITE = 'not finite';

/** @typedef {{value: number, label: string}} Tick a round number on an axis */

/** @param {string} text */
const signed = (text) => text.replace(/^-/, MINUS);

/** @param {number|string} n */
const superscript = (n) =>
  String(n)
    .replace('-', '⁻')
    .replace(/\d/g, (digit) => SUPERSCRIPT[Number(digit)]);

/**
 * The power of ten of the first digit.
 * @param {number} value
 */
const exponentOf = (value) => (value ? Number(value.toExponential().split('e')[1]) : 0);

/**
 * A number rounded to `decimals` decimals, or to tens, hundreds and so on if there are fewer than none: `12.30`,
 * `1.2e-7`. The second form shows as many digits as the first, so that different numbers do not look alike.
 * @param {number} value finite
 * @param {number} decimals
 */
function rounded(value, decimals) {
  const size = Math.abs(value);
  const power = 10 ** Math.abs(decimals);
  const digits = String(Math.round(decimals < 0 ? size / power : size * power));
  const sign = value < 0 && digits !== '0' ? '-' : '';
  if (digits !== '0' && (size >= 1e6 || (decimals > 5 && size < 1e-3) || decimals > 9)) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${sign}${digits[0]}${rest}e${digits.length - 1 - decimals}`;
  }
  if (decimals > 9 || (decimals <= 0 && digits === '0')) return digits;
  if (decimals <= 0) return sign + digits + '0'.repeat(-decimals);
  const padded = digits.padStart(decimals + 1, '0');
  return `${sign}${padded.slice(0, -decimals)}.${padded.slice(-decimals)}`;
}

/**
 * The text of a number with the signs of print: `−1.2×10⁻⁷`.
 * @param {string} text
 */
const inPrint = (text) => signed(text).replace(/e(-?\d+)$/, (_, power) => `×10${superscript(power)}`);

/**
 * A number with `decimals` decimals, or as m×10ⁿ if that would be long.
 * @param {number} value
 * @param {number} decimals
 */
const fixed = (value, decimals) => inPrint(rounded(value, Math.min(decimals, 14 - exponentOf(value))));

/**
 * The decimals that end at digit number `digits` of `width`; below zero for tens, hundreds and so on. Without a width,
 * those that show five digits of `value`.
 * @param {number} value
 * @param {number} width
 */
function decimalsOf(value, width, digits = 2) {
  const known = width > 0 && Number.isFinite(width) ? width : 1e-3 * Math.abs(value);
  // A number in double precision has no more than 15 digits.
  return Math.min(digits - 1 - exponentOf(known), 14 - exponentOf(value), 300);
}

/**
 * The uncertainty that decides the digits of a number of a posterior, such as its median. The command line has the same
 * rule, `of_posterior` in `src/plots/number_text.rs`; tests/reference/digits has cases for both.
 *
 * Numbers of one parameter end at the same decimal place: that of the second digit of half the width of the 68 %
 * interval. If the prior is `logarithmic`, each number has a place of its own, by its share of the interval: half of
 * ln(high / low), but at most 1, times the number.
 * @param {number} value
 * @param {{low68: number, high68: number}} interval
 * @param {boolean} logarithmic
 */
function widthAt(value, { low68, high68 }, logarithmic) {
  const relative = logarithmic && low68 > 0 ? Math.log(high68 / low68) / 2 : NaN;
  return Number.isNaN(relative) ? (high68 - low68) / 2 : Math.abs(value) * Math.min(1, relative);
}

/**
 * A number of a posterior, with the digits that its 68 % interval allows; in plain characters, as the command line
 * prints it and programs read it.
 * @param {number} value
 * @param {{low68: number, high68: number}} interval
 * @param {boolean} logarithmic
 * @param {number} [digits] of the width
 */
export function plainOfPosterior(value, interval, logarithmic, digits) {
  if (!Number.isFinite(value)) return NOT_FINITE;
  return rounded(value, decimalsOf(value, widthAt(value, interval, logarithmic), digits));
}

/**
 * A number of a posterior, with the digits that its 68 % interval allows.
 * @param {number} value
 * @param {{low68: number, high68: number}} interval
 * @param {boolean} [logarithmic] whether its prior is one of the logarithm
 */
export const ofPosterior = (value, interval, logarithmic = false) =>
  inPrint(plainOfPosterior(value, interval, logarithmic));

/**
 * A number to `digits` significant digits. Digits before the decimal point are all shown.
 * @param {number} value
 */
export function significant(value, digits = 3) {
  if (!Number.isFinite(value)) return NOT_FINITE;
  return fixed(value, Math.max(0, decimalsOf(value, Math.abs(value) || 1, digits)));
}

/**
 * How much the data told of a parameter.
 * @param {{gain: number, is_nothing: boolean}|string} learned the information gain in bits, or words in its place
 */
export function bits(learned) {
  if (typeof learned === 'string') return learned;
  return learned.is_nothing ? 'nothing' : `${significant(learned.gain, 2)} bits`;
}

/**
 * Whether a value is a finite number.
 * @param {unknown} value
 * @returns {value is number}
 */
export const isNumber = (value) => Number.isFinite(value);

/**
 * Two numbers as a range. It is in words, because a dash beside a minus sign looks like a minus sign.
 * @param {string|number} low
 * @param {string|number} high
 */
export const interval = (low, high) => `${low} to ${high}`;

/**
 * A whole number as 12 345, with thin spaces, so that no one reads a decimal comma.
 * @param {number} n
 */
export const count = (n) =>
  Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');

/**
 * A whole number with its noun: 1 simulation, 12 345 simulations.
 * @param {number} n
 * @param {string} noun in the singular
 */
export const counted = (n, noun, plural = `${noun}s`) => `${count(n)} ${n === 1 ? noun : plural}`;

/**
 * Seconds as a duration.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Round numbers within [low, high], at most `most` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @returns {Tick[]}
 */
export function ticks(low, high, most) {
  if (!(high > low) || most < 1) return [];
  const raw = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(raw));
  for (const step of [1, 2, 2.5, 5, 10, 20, 25, 50].map((m) => m * power)) {
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    if (step < raw * 0.5 || last - first + 1 > most) continue;
    const mantissa = Number((step / 10 ** Math.floor(Math.log10(step) + 1e-9)).toPrecision(3));
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (mantissa === 2.5 ? 1 : 0));
    return Array.from({ length: last - first + 1 }, (_, i) => {
      const value = (first + i) * step;
      return { value, label: fixed(value, decimals) };
    });
  }
  return [];
}

/**
 * Ticks of a logarithmic axis: 1, 2 and 5 times powers of ten, or powers of ten alone if these are too many. An axis
 * that has fewer than two of them has other round numbers.
 * @param {number} low the logarithm to base ten of its lower end, as all places on it
 * @param {number} high
 * @param {number} most
 * @returns {Tick[]} with the place of each as its `value`
 */
export function logTicks(low, high, most) {
  const within = (/** @type {number[]} */ factors, /** @type {number} */ every) => {
    /** @type {Tick[]} */
    const found = [];
    for (let power = Math.ceil(Math.floor(low) / every) * every; power <= high; power += every) {
      for (const factor of factors) {
        const value = power + Math.log10(factor);
        if (value >= low - 1e-9 && value <= high + 1e-9) found.push({ value, label: powerText(factor, power) });
      }
    }
    return found;
  };
  const fine = within([1, 2, 5], 1);
  if (fine.length < 2) {
    return ticks(10 ** low, 10 ** high, most).map(({ value, label }) => ({ value: Math.log10(value), label }));
  }
  let list = fine;
  for (let every = 1; list.length > most && every <= high - low + 1; every++) list = within([1], every);
  return list.length > most ? [] : list;
}

/**
 * The text of factor × 10^power.
 * @param {number} factor 1, 2 or 5
 * @param {number} power
 */
function powerText(factor, power) {
  if (power > -4 && power < 5) return inPrint(rounded(factor * 10 ** power, Math.max(0, -power)));
  const times = factor === 1 ? '' : `${factor}×`;
  return `${times}10${superscript(power)}`;
}
