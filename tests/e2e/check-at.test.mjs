/** A check at an observation, through the client and on the page. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, openWithFresh, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();

test('a check at observations reports each of them, the same in a worker and in the thread', async () => {
  const { page, close } = await openWithFresh(site.url, 400);
  const { heard, worker, alone, inThread } = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const rows = [await client.setRow(0), await client.setRow(1)].map(({ observation }) => observation);
    const heard = [];
    const worker = await client.checkAt(rows, { n_trials: 99 }, { onProgress: (at) => heard.push(at) }).done;
    const alone = await client.checkAt(rows[0], { n_trials: 99 }).done;
    const { LocalFlowglass } = await import(new URL('client/engine.js', document.baseURI));
    const local = await LocalFlowglass.create({ device: 'cpu', threads: 1 });
    await local.loadModel('model', await client.saveModel());
    await local.readSet('fresh.npz', await local.simulate('transit', 400, 99));
    const inThread = await local.checkAt(rows, { n_trials: 99 }).done;
    return { heard, worker, alone, inThread };
  });
  assert.equal(worker.status, 'finished');
  assert.deepEqual(worker.report.options, { n_simulations: 400, n_near: 100, n_trials: 99, seed: 0 });
  assert.deepEqual(heard.at(-1), { done: 400 + 2 + 99, steps: 400 + 2 + 99 });
  assert.ok(
    heard.every((at, i) => i === 0 || at.done > heard[i - 1].done),
    JSON.stringify(heard),
  );
  assert.equal(worker.report.observations.length, 2);
  for (const found of worker.report.observations) {
    assert.ok(found.p_value >= 0.01 && found.p_value <= found.corrected_p_value && found.corrected_p_value <= 1);
    assert.equal(found.parameters.length, 7);
    for (const { width, says } of found.parameters) assert.ok(width > 0.3 && width < 3 && Array.isArray(says));
  }
  for (const { report } of [alone, inThread]) {
    const [a, b] = [report.observations[0], worker.report.observations[0]];
    // Builds round sums differently.
    assert.ok(Math.abs(a.statistic - b.statistic) < 0.01 && Math.abs(a.p_value - b.p_value) <= 0.02, `${a} ${b}`);
  }
  await close();
});

test('what cannot be checked at an observation is refused by name, and a cancel ends the check', async () => {
  const { page, close } = await openWithFresh(site.url, 300);
  const { said, ended } = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { observation } = await client.setRow(0);
    const of = (at, options) =>
      client.checkAt(at, options).done.then(
        () => 'taken',
        (error) => `${error.code}: ${error.message}`,
      );
    const said = [];
    for (const options of [{ n_near: 5 }, { n_simulations: 301 }, { n_trials: 0.5 }, { seed: '1' }, { n_draws: 5 }]) {
      said.push(await of(observation, options));
    }
    said.push(await of({ values: [1, 2] }));
    said.push(await of([]));
    let begun;
    const first = new Promise((resolve) => {
      begun = resolve;
    });
    const run = client.checkAt(observation, { n_trials: 100000 }, { onProgress: begun });
    await first;
    await run.cancel();
    return { said, ended: await run.done };
  });
  assert.match(said[0], /^option: .*n_near = 5: expected 20 to 300/);
  assert.match(said[1], /^option: .*n_simulations = 301: expected 20 to 300/);
  assert.match(said[2], /^option: .*n_trials = 0.5/);
  assert.match(said[3], /^option: .*seed/);
  assert.match(said[4], /^option: .*n_draws = given: expected one of n_simulations, n_near/);
  assert.match(said[5], /^array: /);
  assert.match(said[6], /^array: .*observations/);
  assert.equal(ended.status, 'cancelled');
  assert.equal(ended.report, null);
  await close();
});

test('the page checks at the observation that it shows', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await page.fill('#simulate-n', '300');
  await page.click('#simulate-run');
  await page.waitForSelector('#check-at-start:not([disabled])');
  await page.click('#check-at-start');
  await page.waitForSelector('#check-at-table td', { timeout: 60000 });
  assert.match(await page.locator('#check-at-status').innerText(), /\(p = [01][.][0-9]{3}\)/);
  assert.equal(await page.locator('#check-at-table tbody tr').count(), 7);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
  await close();
});
