/** The builds for the CPU, with threads, with relaxed SIMD and without: all give the same numbers. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawsOf, edited, npz, openPage, posteriorShown, serveForTests, startSite, toySet } from './helpers.mjs';

const site = serveForTests();
const SET = npz(toySet({ n: 1200 }).arrays).toString('base64');

/** Threads in use, the build that was loaded, 3000 draws of the demonstration, and what a short training run comes to. */
async function found(url, options = {}) {
  const builds = [];
  const { page, close } = await openPage(url, options);
  page.on('request', (request) => builds.push(...(/pkg\/(\w+)\/flowglass_bg/.exec(request.url())?.slice(1) ?? [])));
  await page.reload();
  await posteriorShown(page);
  const draws = await drawsOf(page, 3000, 11);
  const result = await page.evaluate(async (base64) => {
    const { client } = window.__flowglass;
    await client.readSet(
      'toy.npz',
      Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)),
    );
    const epochs = [];
    const options = { num_epochs: 3, batch_size: 64, hidden_dim: 16, embedding_dim: 8, spectrum_embedding_dim: 8 };
    await client.train(options, {
      onEvent: (e) => {
        if (e.kind === 'epoch') epochs.push(e.train_loss, e.validation_loss);
      },
    }).done;
    return { threads: client.info.threads, label: client.info.label, epochs, cores: navigator.hardwareConcurrency };
  }, SET);
  await close();
  return { ...result, draws, build: builds.at(-1) };
}

const apart = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i]) / (1 + Math.abs(v))));

test('several threads give the numbers of one, to rounding', async (t) => {
  const [several, one] = [await found(site.url), await found(site.url, { query: '?threads=1' })];
  assert.equal(one.threads, 1);
  assert.equal(one.build, 'relaxed');
  assert.equal(several.threads, Math.min(several.cores, 8));
  assert.equal(several.build, several.cores > 1 ? 'threads' : 'relaxed');
  assert.match(several.label, several.cores > 1 ? /\d threads/ : /flex/);
  assert.deepEqual(several.draws, one.draws, 'passes of draws do not depend on who makes them');
  const losses = apart(several.epochs, one.epochs);
  t.diagnostic(
    `losses of three epochs with ${several.threads} threads and with one are ${losses.toExponential(1)} apart`,
  );
  // Sums over two halves of a batch are rounded differently, and three epochs of 16 steps add to it. Measured: 2e-6.
  assert.ok(losses > 0 || several.cores === 1, 'a batch is split over the threads');
  assert.ok(losses < 1e-4, `${losses}`);
});

test('a page that is not cross-origin isolated has one thread', async () => {
  const plain = await startSite('/', false);
  const { threads, build } = await found(plain.url, { serviceWorkers: 'block' });
  await plain.close();
  assert.equal(threads, 1);
  assert.equal(build, 'relaxed');
});

test('where the host sends no headers for several threads, the page has them once it is loaded again', async () => {
  const plain = await startSite('/people/someone/', false);
  const { page, close } = await openPage(plain.url);
  const state = async () => {
    await posteriorShown(page);
    const threads = await page.evaluate(() => window.__flowglass.client.info.threads);
    return { threads, isolated: await page.evaluate(() => crossOriginIsolated), draws: await drawsOf(page, 3000, 11) };
  };
  const [first, cores] = [await state(), await page.evaluate(() => navigator.hardwareConcurrency)];
  assert.deepEqual([first.threads, first.isolated], [1, false]);
  if (cores > 1) {
    await page.waitForFunction(() => /Reload the page/.test(document.querySelector('#device-why').textContent));
    await page.reload();
    const second = await state();
    assert.deepEqual([second.threads, second.isolated], [Math.min(cores, 8), true]);
    assert.deepEqual(second.draws, first.draws);
    assert.doesNotMatch(await page.textContent('#device-why'), /Reload the page/);
  }
  await close();
  await plain.close();
});

test('an engine without relaxed SIMD gives the same numbers, to rounding', async (t) => {
  const prepare = (page) => edited(page, '**/client/devices.js', [['253, 133, 2, 11,', '253, 133, 99, 11,']]);
  const [plain, relaxed] = [await found(site.url, { prepare }), await found(site.url, { query: '?threads=1' })];
  assert.equal(plain.build, 'cpu');
  assert.equal(plain.threads, 1);
  const draws = apart(plain.draws, relaxed.draws);
  t.diagnostic(`draws with and without fused multiply-adds are ${draws.toExponential(1)} apart`);
  // Measured: 3e-6. Draws in physical units, temperatures up to 2500 K; a draw at the edge of a bin moves most.
  assert.ok(draws < 1e-3, `${draws}`);
  assert.ok(apart(plain.epochs, relaxed.epochs) < 1e-3);
});
