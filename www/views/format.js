/** Numbers as people read them. */

const MINUS = '\u2212';
const SUPERSCRIPT = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** Stands for NaN and infinities, which not every reader knows. */
const NOT_FINITE = 'not finite';

/** @typedef {{value: number, label: string}} Tick a round number on an axis */

/** @param {string} text */
const signed = (text) => text.replace(/^-/, MINUS);

/** @param {number} n */
const superscript = (n) =>
  String(n)
    .replace('-', '⁻')
    .replace(/\d/g, (digit) => SUPERSCRIPT[Number(digit)]);

/**
 * A number with `decimals` decimals, or as m×10ⁿ if that would be long. The second form shows as many digits as the
 * first, so that different numbers do not look alike.
 * @param {number} value
 * @param {number} decimals
 */
function fixed(value, decimals) {
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e6 || (decimals > 5 && size < 1e-3) || decimals > 9)) {
    const exponent = Math.floor(Math.log10(size));
    const digits = Math.max(0, Math.min(9, exponent + decimals));
    const mantissa = value / 10 ** exponent;
    return `${signed(mantissa.toFixed(digits))}×10${superscript(exponent)}`;
  }
  const text = value.toFixed(Math.max(0, decimals));
  return Number(text) === 0 ? text.replace('-', '') : signed(text);
}

/**
 * Decimals that show `digits` significant digits of `scale`.
 * @param {number} scale
 */
export function decimalsFor(scale, digits = 2) {
  if (!(scale > 0) || !Number.isFinite(scale)) return 2;
  return Math.max(0, digits - 1 - Math.floor(Math.log10(scale)));
}

/**
 * A number with as many decimals as its uncertainty `scale` warrants.
 * @param {number} value
 * @param {number} scale
 */
export const withScale = (value, scale, digits = 2) =>
  Number.isFinite(value) ? fixed(value, decimalsFor(scale, digits)) : NOT_FINITE;

/**
 * A number to `digits` significant digits.
 * @param {number} value
 */
export function significant(value, digits = 3) {
  if (!Number.isFinite(value)) return NOT_FINITE;
  return fixed(value, decimalsFor(Math.abs(value) || 1, digits));
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
