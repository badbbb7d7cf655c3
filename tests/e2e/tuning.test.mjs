/** Training on from a model, through the client and on the page. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadToy, openPage, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();

test('a run starts from the weights of the model, and goes on from its checkpoint', {
  timeout: 120000,
}, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const read = async (seed) => client.readSet(`${seed}.npz`, await client.simulate('two_moons', 300, seed));
    await read(1);
    const small = { hidden_dim: 16, embedding_dim: 8, spectrum_embedding_dim: 8, num_epochs: 2 };
    const { summary: first } = await client.train({ ...small, spectrum_encoder_type: 'mlp' }).done;
    const bytes = await client.saveModel();
    await read(2);
    const refused = await client.train({ hidden_dim: 32 }, { fromModel: 'first' }).done.catch((error) => error.message);
    let checkpoint = null;
    const run = client.train(
      { num_epochs: 20_000 },
      {
        fromModel: 'first',
        onCheckpoint: (kept) => {
          checkpoint ??= kept;
        },
      },
    );
    // The run is so long that a checkpoint comes before its end.
    while (!checkpoint) await new Promise((resolve) => setTimeout(resolve, 50));
    await run.cancel();
    await client.loadModel('again', bytes);
    let began = 0;
    const onEvent = (event) => {
      if (event.kind === 'started') began = event.step;
    };
    const resumed = client.train({ num_epochs: 20_000 }, { fromModel: 'again', from: checkpoint, onEvent });
    await resumed.finish();
    const { summary: tuned } = await resumed.done;
    return { first, refused, tuned, began };
  });
  assert.match(found.refused, /option hidden_dim = 32: expected 16, as the model has/);
  assert.ok(found.began > 0);
  assert.equal(found.first.from.length, 0);
  assert.deepEqual(
    [found.tuned.from.length, found.tuned.from[0].model, found.tuned.from[0].file],
    [1, 'first', '1.npz'],
  );
  assert.equal(found.tuned.start_losses.length, 1);
  assert.equal(found.tuned.config.hidden_dim, 16);
  assert.equal(found.first.tuning.seed, 1);
  await close();
});

test('the page offers to train on from a model that can read the simulations', {
  timeout: 120000,
}, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page);
  const isOffered = () => page.locator('#settings-tune').evaluate((button) => !button.hidden);
  // The demonstration reads spectra, not the toy's observations.
  assert.equal(await isOffered(), false);
  await page.click('#train-start');
  await page.waitForFunction(() => document.querySelector('#train-start').textContent === 'Train again');
  assert.equal(await isOffered(), true);
  await page.locator('#settings-fold').evaluate((fold) => {
    fold.open = true;
  });
  await page.click('#settings-tune');
  assert.match(await page.textContent('#settings-which'), /starts from its weights/);
  await page.click('#train-start');
  await page.waitForFunction(() =>
    /that of the model before/.test(document.querySelector('#train-status').textContent),
  );
  const { from } = await page.evaluate(() => window.__flowglass.client.modelSummary());
  assert.deepEqual(
    from.map(({ model }) => model),
    ['your training'],
  );
  await close();
});
