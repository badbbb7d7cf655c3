/** Whole numbers from inputs. */
/** @import { Page } from './types.d.ts' */
import { markInvalid } from '../views/dom.js';
import { input } from './elements.js';

/**
 * The whole number in an input. If there is none, or it is out of its range, the page says so.
 * @param {Page} page
 * @param {string} id
 * @returns {number|null}
 */
export function wholeNumber(page, id) {
  const field = input(id);
  const value = Number(field.value);
  const [min, max] = [Number(field.min), field.max === '' ? Number.MAX_SAFE_INTEGER : Number(field.max)];
  const fits = field.value !== '' && Number.isSafeInteger(value) && value >= min && value <= max;
  markInvalid(field, !fits);
  if (fits) return value;
  const range = field.max === '' ? `of at least ${min}` : `from ${min} to ${max}`;
  page.say('error', `${id} = ${field.value || '(empty)'}: expected a whole number ${range}`);
  return null;
}
