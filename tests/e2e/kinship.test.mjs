/** Whether a set belongs to a model: by pure functions, and on the page. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gridUnknown, kinship } from '../../www/page/kinship.js';
import { loadToy, npy, openPage, posteriorShown, serveForTests, toySet } from './helpers.mjs';

const UNIFORM = { kind: 'uniform', low: 0, high: 1 };
const parameters = (names, prior = UNIFORM) => names.map((name) => ({ name, prior }));

const MODEL = {
  n_wavelengths: 3,
  wavelengths: Float64Array.of(1, 2, 3),
  photometry: null,
  parameters: parameters(['a', 'b']),
  dataset: { fingerprint: 'f00d' },
};
/** A set like the model's in all that can be compared. */
const SET = {
  n_wavelengths: 3,
  wavelengths: [1, 2, 3],
  n_bands: null,
  bands: null,
  parameter_dim: 2,
  parameters: parameters(['a', 'b']),
  fingerprint: 'beef',
};
const UNNAMED = parameters(['theta_1', 'theta_2'], { kind: 'none' });

test('the set that a model was trained on is known by its fingerprint', () => {
  assert.deepEqual(kinship({ ...SET, parameters: UNNAMED, fingerprint: 'f00d' }, MODEL), { is: 'own', why: '' });
});

test('a set is taken for one of the model if names, wavelengths or priors agree', () => {
  for (const lacking of [{}, { parameters: UNNAMED }, { wavelengths: null }, { wavelengths: [1, 2.004, 3] }]) {
    assert.deepEqual(kinship({ ...SET, ...lacking }, MODEL), { is: 'kin', why: '' }, JSON.stringify(lacking));
  }
  const onlyPriors = { ...SET, wavelengths: null, parameters: parameters(['theta_1', 'theta_2']) };
  assert.equal(kinship(onlyPriors, MODEL).is, 'kin');
});

test('a set of the same sizes is not taken for one of the model if something else differs', () => {
  for (const [other, word] of [
    [{ wavelengths: [1, 2, 3.5] }, /other wavelengths than/],
    [{ parameters: parameters(['b', 'a']) }, /other parameters than/],
    [{ n_wavelengths: 4, wavelengths: [1, 2, 3, 4] }, /have 4 points and 2 parameters, the model 3 points/],
  ]) {
    const { is, why } = kinship({ ...SET, ...other }, MODEL);
    assert.equal(is, 'other');
    assert.match(why, word);
  }
});

test('a set of which only the sizes can be compared is told apart', () => {
  const { is, why } = kinship({ ...SET, wavelengths: null, parameters: UNNAMED }, MODEL);
  assert.equal(is, 'unsure');
  assert.match(why, /3 points and 2 parameters as the model has, but no wavelengths, names or priors to compare/);
});

test('an observation without wavelengths is told to be one', () => {
  const values = Float32Array.of(1, 2, 3);
  assert.equal(gridUnknown({ values, wavelengths: Float64Array.of(1, 2, 3) }, MODEL), '');
  assert.match(gridUnknown({ values }, MODEL), /3 points as the model has, but no wavelengths to compare/);
});

const site = serveForTests();

/** A set with the sizes of the demonstration's model, and nothing else to compare. */
function likeDemo(more = {}) {
  const { theta, x } = toySet({ n: 50, d: 7, w: 233 }).arrays;
  return { arrays: { theta, x, sigma: npy([233], Array(233).fill(0.3)), ...more } };
}

test('the page says of a set that only its sizes are those of the model', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const line = () => page.locator('#observation-line').innerText();
  const before = await line();
  await loadToy(page, likeDemo());
  assert.match(await page.locator('#row-why').innerText(), /233 points and 7 parameters as the model has, but no/);
  assert.match(await page.locator('#check-rows').innerText(), /but no wavelengths, names or priors to compare/);
  assert.equal(await line(), before, 'no row is shown before the reader asks for one');
  await page.fill('#row', '3');
  await page.locator('#row').blur();
  await page.waitForSelector('#observation-line:has-text("Simulation 3 of toy.npz")');
  assert.match(await line(), /but no wavelengths, names or priors to compare/);
  await close();
});

test('the page shows no rows of a set with other parameters than the model', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const names = Array.from({ length: 7 }, (_, j) => `p${j}`);
  await loadToy(page, likeDemo({ parameter_names: npy([7], names, { descr: '<U2' }) }));
  assert.match(await page.locator('#row-why').innerText(), /other parameters than the model/);
  assert.ok(await page.isDisabled('#row'));
  await close();
});
