/** Files that are given to the page: sets and observations, valid and broken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  drawsOf,
  dropFile,
  errorText,
  give,
  loadToy,
  npy,
  npz,
  openPage,
  posteriorShown,
  serveForTests,
  toySet,
} from './helpers.mjs';

const site = serveForTests();

const headline = (page) => page.locator('#model-line').innerText();

/** The spectrum of the model's example as rows of a text file, values and uncertainties `times` what they are. */
const exampleRows = (page, times = 1) =>
  page.evaluate(async (factor) => {
    const { example, wavelengths } = await window.__flowglass.client.modelSummary();
    const { values, sigma } = example.observation;
    return Array.from(values, (v, i) => [wavelengths[i], factor * v, factor * sigma[i]].join(' '));
  }, times);

test('broken files are refused by name', { timeout: 300000 }, async (t) => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const model = await headline(page);
  const good = toySet({ n: 50 });
  await loadToy(page, good);
  const set = await page.locator('#set-info .headline').innerText();
  const whole = npz(good.arrays);
  const { theta, x } = good.arrays;
  const broken = {
    'truncated.npz': [whole.subarray(0, whole.length / 2)],
    'object.npz': [npz({ theta, x: npy([50, 16], Buffer.alloc(50 * 16 * 8), { descr: '|O' }) }), /x|object/i],
    'shape.npz': [npz({ theta, x: npy([40, 16], good.x.slice(0, 640)) }), /x/],
    'missing.npz': [npz({ x }), /theta/],
    'cube.npz': [npz({ theta, x: npy([50, 4, 4], good.x) }), /x/],
    'empty.npz': [Buffer.alloc(0)],
    'huge.npz': [npz({ theta, x: npy([50, 16], good.x, { claim: [50, 5368710] }) })],
    'foreign.safetensors': [foreignSafetensors()],
    'cut.safetensors': [foreignSafetensors().subarray(0, 20)],
  };
  for (const [name, [bytes, says = /./]] of Object.entries(broken)) {
    const dismiss = page.locator('.message.error .dismiss');
    while (await dismiss.count()) await dismiss.first().click();
    await give(page, '#set-file', name, bytes);
    await page.waitForSelector('.message.error', { timeout: 20000 });
    const text = await errorText(page);
    t.diagnostic(`${name}: ${text}`);
    assert.match(text, says);
    assert.match(text, new RegExp(name.replace('.', '\\.')), 'the message names the file');
    assert.doesNotMatch(text, /unreachable|undefined|\[object|RuntimeError|engine stopped/);
    assert.equal(await headline(page), model);
    assert.equal(await page.locator('#set-info .headline').innerText(), set);
  }
  assert.equal((await drawsOf(page, 10, 1)).length % 10, 0);
  await close();
});

test('rows with numbers that are not finite are dropped', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const set = toySet({ n: 60 });
  const x = set.x.slice();
  x[3] = NaN;
  x[16 * 7] = Infinity;
  await loadToy(page, { arrays: { ...set.arrays, x: npy([60, 16], x) } });
  assert.match(await page.locator('#set-info .headline').innerText(), /58 simulations/);
  assert.match(await page.locator('#set-info .notes').innerText(), /2.*(dropped|not finite)/i);
  await close();
});

test('rows on a bound of the prior are noted', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const set = toySet({ n: 60 });
  const theta = set.theta.map((value, i) => (i % 20 === 0 ? -3 : value));
  const arrays = { ...set.arrays, theta: npy([60, 2], theta) };
  await loadToy(page, { arrays });
  assert.match(
    await page.locator('#set-info .notes').innerText(),
    /slope lies on its lower bound, -3, in 6 of 60 rows/,
  );
  const fits = await page.evaluate(async (base64) => {
    const { client } = window.__flowglass;
    const { parameters } = await client.readSet(
      'set.npz',
      Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)),
    );
    return parameters.map(({ fit }) => [fit.on_low, fit.below, fit.above, fit.other]);
  }, npz(arrays).toString('base64'));
  assert.deepEqual(fits, [
    [6, 0, 0, null],
    [0, 0, 0, null],
  ]);
  await close();
});

test('an observation on the wrong grid is refused', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const label = await page.locator('#observation-line').innerText();
  await give(page, '#observation-file', 'short.csv', '1,2,0.1\n2,3,0.1\n3,4,0.1\n');
  await page.waitForSelector('.message.error');
  assert.match(await errorText(page), /3/);
  assert.equal(await page.locator('#observation-line').innerText(), label);
  const columns = await page.evaluate(async () => {
    const { example, wavelengths } = await window.__flowglass.client.modelSummary();
    const { values, sigma } = example.observation;
    return Array.from(values, (v, i) => [wavelengths?.[i] ?? i, v, ...(sigma ? [sigma[i]] : [])].join(' ')).join('\n');
  });
  await dropFile(page, '#posterior', 'observed.txt', Buffer.from(columns));
  await page.waitForFunction(() => document.querySelector('#observation-line').innerText === 'observed.txt');
  await posteriorShown(page);
  assert.ok(await page.locator('.truth-key').isHidden(), 'no truth is known for it');
  await close();
});

test('a spectrum on another grid is interpolated if the reader asks for it', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const rows = await exampleRows(page);
  // Every second point of the example, and the last: the model's grid is finer.
  const coarse = rows.filter((_, i) => i % 2 === 0 || i === rows.length - 1);
  await dropFile(page, '#posterior', 'coarse.txt', Buffer.from(coarse.join('\n')));
  await page.click('.message.error button:has-text("Interpolate")');
  await page.waitForFunction(() =>
    /^coarse.txt, 117 points interpolated to 233: noise/.test(document.querySelector('#observation-line').innerText),
  );
  await posteriorShown(page);
  await close();
});

test('arrays of other names are given roles while another set is loaded, which stays until then', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page, toySet({ n: 50 }));
  const { theta, x } = toySet({ n: 40 }).arrays;
  await give(page, '#set-file', 'odd.npz', npz({ foo: theta, bar: x }));
  await page.waitForSelector('#set-info summary:has-text("Arrays in odd.npz (2)")');
  assert.match(await page.locator('#set-info .headline').innerText(), /50 simulations/);
  await page.selectOption('select[aria-label="Role of foo"]', 'theta');
  await page.selectOption('select[aria-label="Role of bar"]', 'x');
  await page.click('#set-info button:has-text("Use these roles") >> nth=-1');
  await page.waitForSelector('#set-info .headline:has-text("40 simulations")');
  await close();
});

test('an observation in other units is sampled with a warning', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const line = (words) =>
    page.waitForFunction((text) => document.querySelector('#observation-line').innerText.includes(text), words);
  await give(page, '#observation-file', 'percent.txt', (await exampleRows(page, 100)).join('\n'));
  await line(
    '233 of 233 values of the spectrum, 233 of 233 uncertainties of the spectrum: more than 10 standard deviations',
  );
  await give(page, '#observation-file', 'right.txt', (await exampleRows(page)).join('\n'));
  await line('right.txt');
  assert.equal(await page.locator('#observation-line').innerText(), 'right.txt');
  await close();
});

test('a file dropped anywhere goes where its content belongs', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const rows = await exampleRows(page);
  await dropFile(page, '#simulations', 'observed.csv', Buffer.from(rows.join('\n').replaceAll(' ', ',')));
  await page.waitForFunction(() => document.querySelector('#observation-line').innerText === 'observed.csv');
  await dropFile(page, '#train', 'toy.npz', npz(toySet({ n: 50 }).arrays));
  await page.waitForSelector('#set-info .headline:has-text("50 simulations")');
  await close();
});

test('simulations dropped on the posterior can be read as simulations', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await dropFile(page, '#posterior', 'toy.npz', npz(toySet({ n: 50 }).arrays));
  await page.click('.message.error button:has-text("Read it as simulations")');
  await page.waitForSelector('#set-info .headline:has-text("50 simulations")');
  await give(page, '#observation-file', 'no spectrum.txt', 'one two three');
  await page.waitForSelector('.message.error:has-text("no spectrum.txt")');
  assert.equal(await page.locator('.message.error:has-text("no spectrum.txt") button:has-text("Read it")').count(), 0);
  await close();
});

/** A valid safetensors file that no Flowglass wrote. */
function foreignSafetensors() {
  const head = Buffer.from(JSON.stringify({ weight: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(head.length));
  return Buffer.concat([size, head, Buffer.alloc(16)]);
}
