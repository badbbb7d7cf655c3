/** Numbers as people read them. */

const MINUS = '\u2212';
const SUPERSCRIPT = '⁰¹²³⁴⁵⁶⁷⁸⁹';

const signed = (text) => text.replace(/^-/, MINUS);
const superscript = (n) =>
  String(n)
    .replace('-', '⁻')
    .replace(/\d/g, (digit) => SUPERSCRIPT[digit]);

/** With `decimals` decimals, or as m×10ⁿ where that would be long. Never with fewer digits: two numbers would look alike. */
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

/** Decimals that show `digits` significant digits of `scale`. */
export function decimalsFor(scale, digits = 2) {
  if (!(scale > 0) || !Number.isFinite(scale)) return 2;
  return Math.max(0, digits - 1 - Math.floor(Math.log10(scale)));
}

/** A number with as many decimals as its uncertainty `scale` warrants. */
export const withScale = (value, scale, digits = 2) =>
  Number.isFinite(value) ? fixed(value, decimalsFor(scale, digits)) : String(value);

/** A number to `digits` significant digits. */
export function significant(value, digits = 3) {
  if (!Number.isFinite(value)) return String(value);
  return fixed(value, decimalsFor(Math.abs(value) || 1, digits));
}

/** Two numbers as a range: in words, since a dash beside a minus sign is read as one of its own. */
export const interval = (low, high) => `${low} to ${high}`;

/** 12 345. Thin spaces, so that no one reads a decimal comma. */
export const count = (n) =>
  Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');

/** Seconds as a duration. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Round numbers within [low, high], at most `most` of them, and their labels. */
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
