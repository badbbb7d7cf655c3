/** Numbers as the views write them, by pure functions: no browser. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bits, logTicks, ofPosterior, plainOfPosterior, significant } from '../../www/views/format.js';

/** Numbers, ends of their 68 % intervals, whether the prior is one of the logarithm, texts; tests/it/digits.rs too. */
const CASES = JSON.parse(await readFile(new URL('../reference/digits/cases.json', import.meta.url)));

test('a number that is not finite is written in words', () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    assert.equal(significant(value), 'not finite');
    assert.equal(ofPosterior(value, { low68: 0, high68: 1 }), 'not finite');
  }
});

test('a finite number is written with its digits', () => {
  assert.equal(significant(1234.5), '1235');
  assert.equal(ofPosterior(-0.25, { low68: -0.5, high68: -0.1 }), '\u22120.25');
  assert.equal(ofPosterior(-1.6e-12, { low68: -2e-12, high68: -1e-12 }), '\u22121.60×10⁻¹²');
});

test('numbers of a posterior have the digits that the command line prints', () => {
  assert.ok(CASES.length > 20);
  for (const [value, low68, high68, logarithmic, text] of CASES) {
    assert.equal(plainOfPosterior(value, { low68, high68 }, logarithmic), text, `${value} in ${low68} to ${high68}`);
  }
});

test('ticks of a logarithmic axis are 1, 2 and 5 times powers of ten, as many as there is room for', () => {
  const labels = (low, high, most) => logTicks(Math.log10(low), Math.log10(high), most).map(({ label }) => label);
  assert.deepEqual(labels(2, 50, 5), ['2', '5', '10', '20', '50']);
  assert.deepEqual(labels(2, 50, 3), ['10']);
  assert.deepEqual(labels(1e-6, 0.1, 6), ['10⁻⁶', '10⁻⁵', '10⁻⁴', '0.001', '0.01', '0.1']);
  assert.deepEqual(labels(1e-6, 0.1, 3), ['10⁻⁶', '10⁻⁴', '0.01']);
  assert.deepEqual(labels(210, 290, 4), ['220', '240', '260', '280'], 'other round numbers, if there are no such');
  for (const { value, label } of logTicks(-0.5, 1.2, 6)) assert.ok(Math.abs(value - Math.log10(Number(label))) < 1e-12);
});

test('what the data told is written in bits, and in words where it is nothing', () => {
  assert.equal(bits({ gain: 3.2345, is_nothing: false }), '3.2 bits');
  assert.equal(bits({ gain: -0.001, is_nothing: true }), 'nothing');
  assert.equal(bits('no prior'), 'no prior');
});
