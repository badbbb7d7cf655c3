/** The page in a real browser, from opening to saved draws. The build is in FLOWGLASS_DIST (default: dist). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  DIST,
  drawsOf,
  dropFile,
  engineWorker,
  errorText,
  firstStep,
  loadToy,
  mainThread,
  openPage,
  posteriorShown,
  serveForTests,
  setOptions,
  startSite,
} from './helpers.mjs';

const site = serveForTests();

const headline = (page) => page.locator('#model-line').innerText();
const steps = (page) => page.locator('#train-progress dd').nth(1).innerText();

async function trainedSaved(page) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-model')]);
  return readFile(await download.path());
}

test('the demonstration posterior appears without a click', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  assert.match(await headline(page), /demonstration/);
  await page.waitForSelector('#device-why:has-text("because")');
  assert.ok((await page.locator('#table tbody tr').count()) >= 2);
  await close();
});

test('settings for accuracy are filled in for the set', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page);
  const value = (name) => page.inputValue(`#option-${name}`);
  const quick = await value('ensemble_size');
  await page.click('#settings-accurate');
  assert.ok(Number(await value('ensemble_size')) > Number(quick));
  assert.match(await page.locator('#settings-which').innerText(), /2.000 simulations, \d+ flows/);
  await page.click('#settings-quick');
  assert.equal(await value('ensemble_size'), quick);
  await close();
});

test('a set leads to a model that can be saved', {
  timeout: 300000,
}, async (t) => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const demo = await headline(page);

  await loadToy(page);
  assert.match(await page.locator('#set-info').innerText(), /2.000 simulations · 2 parameters · 16 data points/);
  assert.match(await page.locator('#set-info').innerText(), /slope/);

  // Long enough to be caught in the middle.
  await setOptions(page, { num_epochs: 500 });
  const busy = await mainThread(page, async () => {
    await page.click('#train-start');
    await firstStep(page);
    await page.waitForTimeout(2500);
  });
  await page.click('#train-progress button:has-text("Pause")');
  await page.waitForTimeout(500);
  const paused = await steps(page);
  await page.waitForTimeout(1000);
  assert.equal(await steps(page), paused, 'no step while paused');
  await page.click('#train-progress button:has-text("Resume")');
  await page.waitForFunction((old) => document.querySelectorAll('#train-progress dd')[1].textContent !== old, paused);
  t.diagnostic(
    `longest of ${busy.count} tasks on the main thread while training: ${busy.cpu} ms of processor time, ` +
      `${busy.wall} ms by the clock`,
  );
  assert.ok(busy.count > 50, 'the trace saw the page at work');
  // Processor time: by the clock a machine that is busy with other things makes every task long.
  assert.ok(busy.cpu < 50, `the main thread was blocked for ${busy.cpu} ms`);
  const asked = Date.now();
  await page.click('#train-progress button:has-text("Cancel")');
  await page.waitForSelector('#train-status:has-text("Cancelled")');
  assert.ok(Date.now() - asked < 3000, `cancel took ${Date.now() - asked} ms`);
  assert.equal(await headline(page), demo, 'the model is what it was');

  await setOptions(page, { num_epochs: 4 });
  await page.click('#train-start');
  await page.waitForSelector('#train-status:has-text("Trained in")', { timeout: 120000 });
  assert.match(await page.locator('#train-status').innerText(), /Verdict: .+[.] Next: .+[.]/);
  await page.waitForSelector('#model-line:has-text("your training")');
  await posteriorShown(page);
  assert.match(await page.locator('#observation-line').innerText(), /held out from training/);
  assert.equal(await page.locator('#table tbody tr').count(), 2);

  const bytes = await trainedSaved(page);
  assert.ok(bytes.length > 1000);
  const first = await drawsOf(page, 500, 42);
  for (const format of ['npz', 'npy', 'csv', 'json']) {
    await page.selectOption('#draws-format', format);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-draws')]);
    assert.match(download.suggestedFilename(), new RegExp(`^posterior of row \\d+ of toy\\.${format}$`));
    assert.ok((await readFile(await download.path())).length > 100);
  }

  await page.reload();
  await posteriorShown(page);
  await dropFile(page, '#simulations', 'mine.safetensors', bytes);
  await page.waitForSelector('#model-line:has-text("mine.safetensors")');
  await posteriorShown(page);
  assert.deepEqual(await drawsOf(page, 500, 42), first, 'same seed, same draws');
  assert.notDeepEqual(await drawsOf(page, 500, 43), first, 'another seed, other draws');
  await close();
});

test('the posterior follows every change of its observation', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const median = () => page.locator('#table tbody td').first().innerText();
  const before = await page.locator('#table tbody').innerText();
  await page.locator('#shift').fill('1');
  await page.waitForSelector('#corner .reference');
  await page.waitForFunction((old) => document.querySelector('#table tbody').innerText !== old, before);
  await page.click('#reset');
  await page.waitForFunction((old) => document.querySelector('#table tbody').innerText === old, before);
  const box = await page.locator('#spectrum svg.plot').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 4, { steps: 6 });
  await page.mouse.up();
  await page.waitForSelector('#corner .reference');
  assert.ok(await median());
  await close();
});

test('a reader who leaves with unsaved work is asked', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const asks = () => page.evaluate(() => !dispatchEvent(new Event('beforeunload', { cancelable: true })));
  await loadToy(page);
  assert.equal(await asks(), false);
  await setOptions(page, { num_epochs: 2 });
  await page.click('#train-start');
  await firstStep(page);
  assert.equal(await asks(), true);
  await page.waitForSelector('#train-status:has-text("Trained in")', { timeout: 60000 });
  assert.equal(await asks(), true);
  await trainedSaved(page);
  assert.equal(await asks(), false);
  await close();
});

test('an option out of its range is refused by name before training starts', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page);
  await setOptions(page, { batch_size: 0 });
  await page.click('#train-start');
  assert.match(await errorText(page), /batch_size = 0: expected a whole number/);
  assert.ok(await page.locator('#train-progress').isHidden());
  await close();
});

test('an option without effect is dimmed, and says when it has one', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page);
  const field = (name, state) => page.locator(`.field${state}:has(#option-${name})`);
  const is = (name, state) => field(name, state).waitFor({ state: 'attached' });
  const words = () => field('autoregressive_transform', '').locator('.condition').textContent();
  await is('autoregressive_transform', '.idle');
  assert.equal(await words(), 'Not used now: used only if flow_family is autoregressive');
  assert.ok(await page.isEnabled('#option-autoregressive_transform'), 'it can still be changed');
  await is('photometry_embedding_dim', '.idle'); // the set has no photometry
  await is('spectrum_embedding_dim', ':not(.idle)');
  await setOptions(page, { flow_family: 'autoregressive' });
  await is('autoregressive_transform', ':not(.idle)');
  assert.equal(await words(), 'Used only if flow_family is autoregressive');
  await is('autoregressive_transform_units', '.idle');
  await setOptions(page, { autoregressive_transform: 'affine' });
  await is('num_spline_bins', '.idle');
  await close();
});

test('the page says how many flows an ensemble has that was stopped', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page);
  await setOptions(page, { num_epochs: 2, ensemble_size: 3 });
  await page.click('#train-start');
  await page.waitForSelector('#train-status:has-text("Trained in")', { timeout: 120000 });
  assert.match(await page.locator('#model-line').innerText(), /3 spline flows of [\d\s\u202f,]+ weights each/);
  await setOptions(page, { num_epochs: 500 });
  await page.click('#train-start');
  await firstStep(page);
  await page.click('#train-progress button:has-text("Finish now")');
  await page.waitForSelector('#train-status:has-text("best weights of 1 of 3 flows kept")');
  assert.match(await page.locator('#model-line').innerText(), / spline flow, /);
  await close();
});

test('an engine that dies is replaced by one in the same state', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url, { expected: /a test/ });
  await posteriorShown(page);
  await loadToy(page);
  const before = await drawsOf(page, 100, 5);
  await engineWorker(page).evaluate(() => {
    setTimeout(() => {
      throw new Error('a test');
    });
  });
  await page.waitForSelector('.message.error:has-text("was started again")');
  assert.match(
    await errorText(page),
    /^The engine stopped \([^(]*a test[^(]*\)\. It was started again with the model and the simulations as before/,
  );
  assert.deepEqual(await drawsOf(page, 100, 5), before);
  await close();
});

test('a cancel that is not answered keeps the model', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await loadToy(page);
  await setOptions(page, { num_epochs: 500 });
  const before = await drawsOf(page, 100, 5);
  await page.click('#train-start');
  await firstStep(page);
  // Nothing in the worker runs again after this.
  engineWorker(page)
    .evaluate(() => {
      setTimeout(() => {
        for (;;);
      });
    })
    .catch(() => {});
  await page.waitForTimeout(300);
  await page.click('#train-progress button:has-text("Cancel")');
  await page.waitForSelector('#train-status:has-text("Cancelled")', { timeout: 6000 });
  await page.waitForSelector('.message.error:has-text("was started again")');
  assert.deepEqual(await drawsOf(page, 100, 5), before);
  await close();
});

test('the server isolates the page, so that it may use threads', async () => {
  const { page, close } = await openPage(site.url);
  assert.ok(await page.evaluate(() => window.crossOriginIsolated));
  await posteriorShown(page);
  await close();
});

test('it works below another path', async () => {
  const below = await startSite('/people/someone/flowglass/');
  const { page, close } = await openPage(below.url);
  await posteriorShown(page);
  await close();
  await below.close();
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [1280, 390]) {
    test(`it fits ${width} px in the ${colorScheme} scheme`, async () => {
      const { page, close } = await openPage(site.url, { colorScheme, viewport: { width, height: 844 } });
      await posteriorShown(page);
      const { scroll, inner, background } = await page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        inner: innerWidth,
        background: getComputedStyle(document.body).backgroundColor,
      }));
      assert.ok(scroll <= inner, `${scroll} px of content in ${inner} px`);
      const brightness =
        background
          .match(/\d+/g)
          .slice(0, 3)
          .reduce((a, b) => a + Number(b), 0) / 3;
      assert.equal(brightness > 128, colorScheme === 'light');
      await close();
    });
  }
}

test("the theme button's choice is remembered", async () => {
  const { page, close } = await openPage(site.url, { colorScheme: 'light' });
  await page.click('#theme');
  await page.click('#theme');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.reload();
  assert.equal(await ground(), dark);
  await posteriorShown(page);
  await close();
});

for (const [device, folder] of [
  ['ndarray', 'ndarray'],
  ['webgpu', 'gpu'],
]) {
  const built = existsSync(`${DIST}/pkg/${folder}/flowglass.js`);
  const options = { skip: !built && 'not built', timeout: 600000 };

  test(`the menu moves to ${device} and the model moves along`, options, async (t) => {
    const { page, close } = await openPage(site.url);
    await posteriorShown(page);
    const before = await drawsOf(page, 200, 9);
    await page.selectOption('#device', device);
    await page.waitForSelector('#device-why:has-text("chosen by hand"), .message.error', { timeout: 300000 });
    if (await page.locator('.message.error').count()) {
      // A browser without any adapter: the page says why, and the device before goes on.
      t.diagnostic(await errorText(page));
      assert.equal(device, 'webgpu');
    }
    const after = await drawsOf(page, 200, 9);
    const spread = Math.max(...before.map((v, i) => Math.abs(v - after[i]) / (1 + Math.abs(v))));
    t.diagnostic(`largest relative difference between draws: ${spread.toExponential(1)}`);
    assert.ok(spread < 1e-2, 'draws agree up to float rounding');
    await close();
  });

  test(`the address can ask for ${device}`, options, async () => {
    const { page, close } = await openPage(site.url, { query: `?device=${device}` });
    await posteriorShown(page, 300000);
    assert.match(await page.locator('#device-why').innerText(), /because|chosen by hand/);
    await close();
  });
}

test('a device that is not built is refused in words', async () => {
  const { page, close } = await openPage(site.url, { expected: /404|pkg/ });
  await page.route('**/pkg/ndarray/**', (route) => route.fulfill({ status: 404 }));
  await posteriorShown(page);
  await page.selectOption('#device', 'ndarray');
  await page.waitForSelector('.message.error');
  assert.match(await errorText(page), /not on this site yet/);
  assert.equal((await drawsOf(page, 10, 1)).length % 10, 0);
  await close();
});

test('parameters can be taken out of the plot', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const panels = () => page.locator('#corner .panel').count();
  const all = await panels();
  const choice = page.locator('#corner details');
  if (await choice.isVisible()) {
    await choice.locator('summary').click();
    await choice.locator('input').first().uncheck();
    await page.waitForFunction((n) => document.querySelectorAll('#corner .panel').length < n, all);
  }
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-figure')]);
  assert.equal(download.suggestedFilename(), 'posterior of example.svg');
  assert.match(await readFile(await download.path(), 'utf8'), /^<svg/);
  await close();
});
