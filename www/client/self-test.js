/** The result of a self-test in words. */
/** @import { SelfTest } from './index.d.ts' */

/**
 * How far a device that failed its self-test is from the CPU, as a part of a sentence.
 * @param {SelfTest} test
 */
export function offBy({ max_abs_error, tolerance }) {
  const [error, allowed] = [max_abs_error, tolerance].map((value) => value.toExponential(1));
  return `its self-test was off by ${error} (allowed: ${allowed})`;
}
