/** Checking a model, through the client and on the page. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  errorText,
  give,
  loadToy,
  npz,
  openPage,
  openWithFresh,
  posteriorShown,
  serveForTests,
  setOptions,
  toySet,
} from './helpers.mjs';

const site = serveForTests();

/** The report of the command line; tests/it/check.rs compares the command line with the same file. */
const reference = JSON.parse(await readFile(new URL('../reference/check/report.json', import.meta.url)));

/** Compares a report with the reference. Returns the largest difference in its lists, which are equal up to rounding. */
function compare(report) {
  assert.deepEqual(report.options, reference.options);
  assert.deepEqual(
    report.parameters.map((p) => p.name),
    reference.parameters.map((p) => p.name),
  );
  const { n_draws: n } = report.options;
  let far = 0;
  report.parameters.forEach((p, j) => {
    const of = reference.parameters[j];
    assert.equal(p.ranks.length, of.ranks.length);
    p.ranks.forEach((rank, i) => {
      far = Math.max(far, Math.abs(rank - of.ranks[i]) / n);
      far = Math.max(far, Math.abs(p.estimates.mean[i] - of.estimates.mean[i]) / of.estimates.std[i]);
    });
  });
  return far;
}

test('a check in a browser finds what the command line finds', async (t) => {
  const { page, close } = await openWithFresh(site.url, reference.options.n_simulations);
  const found = await page.evaluate(async (n_draws) => {
    const { client } = window.__flowglass;
    const heard = [];
    const worker = await client.check({ n_draws }, { onProgress: (at) => heard.push(at) }).done;
    const { LocalFlowglass } = await import(new URL('client/engine.js', document.baseURI));
    const local = await LocalFlowglass.create({ device: 'cpu', threads: 1 });
    await local.loadModel('model', await client.saveModel());
    await local.readSet('fresh.npz', await local.simulate('transit', 16, 99));
    const inThread = await local.check({ n_draws }).done;
    return { heard, worker, inThread };
  }, reference.options.n_draws);
  const { heard, worker, inThread } = found;
  assert.equal(worker.status, 'finished');
  assert.ok(heard.length > 1 && heard.every((at, i) => i === 0 || at.done > heard[i - 1].done), JSON.stringify(heard));
  assert.deepEqual(heard.at(-1), { done: 16, n_simulations: 16 });
  for (const { report, html } of [worker, inThread]) {
    const far = compare(report);
    t.diagnostic(`ranks as shares, and means in standard deviations, are ${far.toExponential(1)} apart`);
    // Measured in means: 1.2e-5 without fused multiply-adds, and 2e-15 with them, as natively. With another rounding of
    // sums, one draw of 200 may fall on the other side of the truth.
    assert.ok(far < 0.006, `${far}`);
    assert.equal(report.predictive.simulator, 'transit');
    assert.ok(report.stability.max_abs_error > 0 && report.stability.max_abs_error < 0.01);
    assert.equal(html.match(/<figure>/g).length, 7 * 3 + 4);
    assert.ok(html.includes('fresh.npz'));
    assert.ok(html.includes(report.verdict.next));
  }
  await close();
});

test('a check keeps the set and the model it began with', async () => {
  const { page, close } = await openWithFresh(site.url, reference.options.n_simulations);
  const found = await page.evaluate(async (n_draws) => {
    const { client } = window.__flowglass;
    let begun;
    const first = new Promise((resolve) => {
      begun = resolve;
    });
    const run = client.check({ n_draws }, { onProgress: begun });
    await first;
    await client.readSet('other.npz', await client.simulate('two_moons', 50, 0));
    await client.train({ num_epochs: 1 }).done;
    const { report } = await run.done;
    const after = await client.check({ n_draws }).done;
    return { report, after: after.report.parameters.length };
  }, reference.options.n_draws);
  assert.ok(compare(found.report) < 0.006);
  assert.equal(found.after, 2, 'the next check is of the new model on the new set');
  await close();
});

test('a cancelled check makes room for the next one at once', async () => {
  const { page, close } = await openWithFresh(site.url, 3000);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    let begun;
    const first = new Promise((resolve) => {
      begun = resolve;
    });
    const run = client.check({}, { onProgress: begun });
    await first;
    let twice;
    try {
      client.check({});
    } catch (error) {
      twice = error.code;
    }
    const asked = performance.now();
    await run.cancel();
    const took = performance.now() - asked;
    const ended = await run.done;
    const { report } = await client.check({ n_simulations: 2, n_draws: 10, seed: 3 }).done;
    return { twice, took, ended, options: report.options };
  });
  assert.equal(found.twice, 'state');
  assert.ok(found.took < 2000, `${found.took} ms`);
  assert.deepEqual(found.ended, { status: 'cancelled', report: null, html: null });
  assert.deepEqual(found.options, { n_simulations: 2, n_draws: 10, seed: 3 });
  await close();
});

test('what cannot be checked is refused by name', async () => {
  const { page, close } = await openWithFresh(site.url, 20);
  const said = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const of = (options) =>
      client.check(options).done.then(
        () => 'taken',
        (error) => `${error.code}: ${error.message}`,
      );
    const refusals = [];
    for (const options of [
      { n_simulations: 21 },
      { n_draws: 1 },
      { seed: -1 },
      { simulator: 'moons' },
      { draws: 5 },
      { simulator: 'two_moons' },
    ]) {
      refusals.push(await of(options));
    }
    await client.readSet('other.npz', await client.simulate('two_moons', 50, 0));
    return [...refusals, await of({})];
  });
  assert.match(said[0], /^option: .*n_simulations.*21.*2 to 20/);
  assert.match(said[1], /^option: .*n_draws/);
  assert.match(said[2], /^option: .*seed.*-1/);
  assert.match(said[3], /^option: .*simulator.*moons.*transit/);
  assert.match(said[4], /^option: .*draws = given: expected one of n_simulations, n_draws/);
  assert.match(said[5], /^array: .*theta.*the simulator two_moons has 2/);
  assert.match(said[6], /^array: .*theta.*2 parameters: this model has 7/);
  await close();
});

test('the page shows the report of a check', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  assert.ok((await page.isVisible('#check-empty')) && !(await page.isVisible('#check-body')));
  await page.fill('#simulate-n', '300');
  await page.click('#simulate-run');
  await page.waitForSelector('#check-body:not([hidden])');
  await page.fill('#check-draws', '100');
  await page.click('#check-start');
  await page.waitForSelector('#check-report figure', { timeout: 60000 });
  assert.match(await page.locator('#check-status').innerText(), /300 simulations with 100 draws each/);
  assert.equal(await page.locator('#check-report figure > svg').count(), 7 * 3 + 4);
  assert.ok((await page.locator('#check-report td:has-text("temperature")').count()) > 0);
  assert.match(await page.locator('#check-report p:has-text("Verdict:")').innerText(), /Verdict: .+ Next: .+/);
  // The colors are the page's, so that the report is dark where the page is.
  const line = () =>
    page
      .locator('#check-report .line.a')
      .first()
      .evaluate((el) => getComputedStyle(el).stroke);
  const light = await line();
  await page.evaluate(() => {
    document.documentElement.dataset.theme = 'dark';
  });
  assert.notEqual(await line(), light);
  for (const [button, end] of [
    ['#check-save-page', 'html'],
    ['#check-save-json', 'json'],
  ]) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
    assert.match(download.suggestedFilename(), new RegExp(`^check of transit-seed[0-9]+[.]${end}$`));
    const text = await readFile(await download.path(), 'utf8');
    if (end === 'json') assert.equal(JSON.parse(text).parameters[0].ranks.length, 300);
    else assert.match(text, /^<!doctype html>/);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  // Once the plots of step 3 are redrawn nothing is wider than the page.
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);

  await loadToy(page);
  await page.click('#check-start');
  assert.match(await errorText(page), /theta.*2 parameters: this model has 7/);
  await close();
});

test('a cancelled check leaves the report before it on the page', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page, toySet({ n: 1500 }));
  await page.fill('#option-num_epochs', '1').catch(() => {});
  await page.click('#train-start');
  await page.waitForSelector('#model-line:has-text("your training")', { timeout: 60000 });
  // Other simulations than those of the training.
  await give(page, '#set-file', 'fresh.npz', npz(toySet({ n: 4000, seed: 5000 }).arrays));
  await page.waitForFunction(() => document.querySelector('#check-n').max === '4000');
  await page.fill('#check-n', '20');
  await page.click('#check-start');
  await page.waitForSelector('#check-report figure', { timeout: 60000 });
  await page.fill('#check-n', '4000');
  await page.fill('#check-draws', '4000');
  await page.click('#check-start');
  await page.waitForFunction(() => /of 4/.test(document.querySelector('#check-status').textContent));
  const asked = Date.now();
  await page.click('#check-cancel');
  await page.waitForSelector('#check-status:has-text("Cancelled")');
  assert.ok(Date.now() - asked < 3000);
  assert.ok((await page.locator('#check-report figure').count()) > 0);
  assert.ok(await page.isEnabled('#check-start'));
  await close();
});

test('after training, the held-out rows are checked without a click', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page, toySet({ n: 600 }));
  await setOptions(page, { num_epochs: 2 });
  await page.click('#train-start');
  await page.waitForSelector('#check-status:has-text("60 held-out rows with 500 draws each")', { timeout: 90000 });
  assert.ok((await page.locator('#check-report figure').count()) > 0);
  assert.match(await page.locator('#check-rows').innerText(), /trained on these simulations: its held-out rows/);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { report } = await client.check({ n_draws: 10 }).done;
    return { held_out: report.held_out, left_out: report.left_out, n: report.options.n_simulations };
  });
  assert.deepEqual(found, { held_out: true, left_out: 540, n: 60 });
  await close();
});

test('the check after training gives way to what the reader starts', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page, toySet({ n: 4000 }));
  await setOptions(page, { num_epochs: 1 });
  await page.click('#train-start');
  await page.waitForFunction(() =>
    /^\d+ of .* held-out rows/.test(document.querySelector('#check-status').textContent),
  );
  await page.click('#train-start');
  await page.waitForSelector('#check-status:has-text("Cancelled")');
  await page.waitForSelector('#train-progress:not([hidden])');
  // The next one begins after the next run, and can be cancelled.
  await page.waitForSelector('#check-progress:not([hidden])', { timeout: 60000 });
  await page.click('#check-cancel');
  await page.waitForSelector('#check-progress', { state: 'hidden' });
  await close();
});

test('a check that is finished early reports on the simulations that were checked', async () => {
  const { page, close } = await openWithFresh(site.url, 2000);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    let begun;
    const first = new Promise((resolve) => {
      begun = resolve;
    });
    const run = client.check({ n_draws: 50 }, { onProgress: begun });
    await first;
    await run.finish();
    const { status, report } = await run.done;
    return { status, n: report.options.n_simulations, ranks: report.parameters[0].ranks.length };
  });
  assert.equal(found.status, 'stopped');
  assert.ok(found.n >= 2 && found.n < 2000, `${found.n}`);
  assert.equal(found.ranks, found.n);
  await close();
});
