/** A training run outlives its worker, its graphics device and its page. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { DIST, engineWorker, npz, openPage, posteriorShown, serveForTests, slowly, toySet } from './helpers.mjs';

const site = serveForTests();

const SET = npz(toySet({ n: 600 }).arrays).toString('base64');
/** Enough steps to be caught in the middle, and quick ones. */
const CONFIG = { num_epochs: 60, batch_size: 16, hidden_dim: 16, embedding_dim: 8, spectrum_embedding_dim: 8 };

/** Reads the set and begins a run, which the page holds as `window.run`; its events gather in `window.seen`. */
const begin = (page, config) =>
  page.evaluate(
    async ([base64, options]) => {
      const { client } = window.__flowglass;
      await client.readSet(
        'toy.npz',
        Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)),
      );
      window.seen = [];
      window.kept = 0;
      const onEvent = (event) => window.seen.push(event);
      window.run = client.train(options, {
        onEvent,
        onCheckpoint: () => {
          window.kept += 1;
        },
      });
      window.run.done.catch(() => {}); // the code that waits for the run handles its error
    },
    [SET, config],
  );

const ended = (page) =>
  page.evaluate(async () => {
    const { status } = await window.run.done;
    const { client } = window.__flowglass;
    const { example } = await client.modelSummary();
    const { draws } = await client.samplePosterior(example.observation, 200, 7);
    const started = window.seen.filter((e) => e.kind === 'started').map((e) => e.step);
    return { status, draws: Array.from(draws), started };
  });

const kept = (page) => page.waitForFunction(() => window.kept > 0, null, { timeout: 120000 });

async function opened(options) {
  const shown = await openPage(site.url, { expected: /a test/, query: `?${slowly()}`, ...options });
  await posteriorShown(shown.page, 300000);
  return shown;
}

test('a run whose worker dies ends with the draws of one that was left alone', { timeout: 300000 }, async () => {
  const { page, close } = await opened();
  await begin(page, CONFIG);
  const alone = await ended(page);
  assert.deepEqual(alone.started, [0]);
  await begin(page, CONFIG);
  await kept(page);
  await engineWorker(page).evaluate(() => {
    setTimeout(() => {
      throw new Error('a test');
    });
  });
  await page.waitForSelector('.message.error:has-text("Training goes on")');
  const after = await ended(page);
  assert.equal(after.status, 'finished');
  assert.equal(after.started.length, 2);
  assert.ok(after.started[1] > 0, 'it does not begin anew');
  assert.deepEqual(after.draws, alone.draws);
  await close();
});

test('a run that dies again without getting further is given up', { timeout: 300000 }, async () => {
  // Without checkpoints: on a busy machine one could fall between the two crashes.
  const { page, close } = await opened({ query: `?${slowly(1e9)}` });
  await begin(page, { ...CONFIG, num_epochs: 5000 });
  for (const says of ['goes on', 'is lost']) {
    await engineWorker(page).evaluate(() => {
      setTimeout(() => {
        throw new Error('a test');
      });
    });
    await page.waitForSelector(`.message.error:has-text("${says}")`);
  }
  const error = await page.evaluate(() => window.run.done.catch((e) => e.code));
  assert.equal(error, 'crash');
  const { num_parameters: weights } = await page.evaluate(() => window.__flowglass.client.modelSummary());
  assert.ok(weights > 0, 'the page goes on with its model');
  await close();
});

for (const backend of ['opfs', 'indexeddb']) {
  test(`a run kept in ${backend} goes on in another visit`, { timeout: 300000 }, async () => {
    const { page, close } = await opened();
    await begin(page, CONFIG);
    const alone = await ended(page);
    const config = { ...CONFIG, checkpoint_directory: `runs/${backend}`, checkpoint_backend: backend };
    await begin(page, config);
    await kept(page);
    await page.reload();
    await posteriorShown(page);
    await begin(page, { ...config, resume_from_checkpoint: true });
    const after = await ended(page);
    assert.ok(after.started[0] > 0, 'it does not begin anew');
    assert.deepEqual(after.draws, alone.draws);
    await begin(page, { ...config, resume_from_checkpoint: true });
    const again = await ended(page);
    assert.deepEqual(again.draws, alone.draws);
    const reasons = await page.evaluate(() => window.seen.map((e) => e.reason).filter(Boolean));
    assert.deepEqual(reasons, ['epochs'], 'a finished run says again why it ended');
    const refused = await page.evaluate(
      async (options) => {
        try {
          await window.__flowglass.client.train(options).done;
          return null;
        } catch (error) {
          return error.message;
        }
      },
      { ...config, resume_from_checkpoint: true, learning_rate: 0.002 },
    );
    assert.match(refused, /learning_rate = 0\.001.*learning_rate = 0\.002/);
    await close();
  });
}

const gpu = existsSync(`${DIST}/pkg/gpu/flowglass.js`);
test('a run whose GPU is lost goes on on the CPU', { skip: !gpu && 'not built', timeout: 900000 }, async (t) => {
  const { page, close } = await opened({
    query: `?device=webgpu&${slowly()}`,
    prepare: async (p) => {
      // The device that the engine asks for, so that the test can take it away.
      await p.route('**/client/worker.js', async (route) => {
        const answer = await route.fetch();
        const watch = `import './devices.js';
          if (globalThis.GPUAdapter) {
            const { requestDevice } = GPUAdapter.prototype;
            GPUAdapter.prototype.requestDevice = async function watched(...args) {
              return (self.testDevice = await requestDevice.apply(this, args));
            };
          }\n`;
        await route.fulfill({ response: answer, body: watch + (await answer.text()) });
      });
    },
  });
  const device = () => page.evaluate(() => window.__flowglass.client.info.device);
  if ((await device()) !== 'webgpu') {
    t.skip('this browser has no WebGPU adapter');
    return close();
  }
  // Few steps: the software adapter takes most of a second for each.
  const few = { num_epochs: 1, batch_size: 128, num_coupling_layers: 1, num_spline_bins: 2, conditioner_depth: 1 };
  await begin(page, { ...CONFIG, ...few });
  await page.waitForFunction(() => window.seen.some((e) => e.kind === 'progress'), null, { timeout: 300000 });
  await engineWorker(page).evaluate(() => {
    self.testDevice.destroy();
  });
  await page.waitForSelector('.message.error:has-text("Training goes on")', { timeout: 120000 });
  const { status, draws, started } = await ended(page);
  assert.equal(status, 'finished');
  t.diagnostic(`began after step ${started.join(', then ')}`);
  assert.equal(await device(), 'flex');
  assert.match(await page.locator('#device-why').innerText(), /stopped working|lost/);
  assert.ok(draws.every(Number.isFinite));
  return close();
});
