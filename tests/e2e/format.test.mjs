/** Numbers as the views write them, by pure functions: no browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bits, significant, withScale } from '../../www/views/format.js';

test('a number that is not finite is written in words', () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    assert.equal(significant(value), 'not finite');
    assert.equal(withScale(value, 1), 'not finite');
  }
});

test('a finite number is written with its digits', () => {
  assert.equal(significant(1234.5), '1235');
  assert.equal(withScale(0.25, 0.1), '0.25');
});

test('what the data told is written in bits, and in words where it is nothing', () => {
  assert.equal(bits({ gain: 3.2345, is_nothing: false }), '3.2 bits');
  assert.equal(bits({ gain: -0.001, is_nothing: true }), 'nothing');
  assert.equal(bits('no prior'), 'no prior');
});
