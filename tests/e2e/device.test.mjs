/**
 * The GPU in the background. The only adapter of a headless browser is emulated: here the page takes it for a real one.
 * Since it needs minutes for the self-test, the build for the CPU stands in for the GPU's behind it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawsOf, firstStep, loadToy, openPage, posteriorShown, serveForTests, setOptions } from './helpers.mjs';

const site = serveForTests();

const options = { timeout: 240000 };
const why = (page) => page.locator('#device-why').innerText();
const said = (page, text) => page.waitForSelector(`#device-why:has-text("${text}")`, { timeout: 120000 });

/** What the page is given for `client/devices.js`. Each change must find its place. */
function pretending(source, passes) {
  const changes = [
    [/if \(info\.isFallbackAdapter .*\{/, 'if (false) {'],
    ['const { folder, name }', 'if (device === \'webgpu\') await import(\'../pkg/gpu/held.js\');\n$&'],
    // Whose numbers are those of the build with threads, to the bit.
    ['folder: \'gpu\'', 'folder: \'relaxed\''],
    ['Engine.create(device)', 'Engine.create(\'flex\')'],
    ['engine.deviceInfo()', 'engine.deviceInfo(), ...(/^the graphics/.test(reason) && { device: \'webgpu\' })'],
    ['if (test.ok)', `if (${passes})`],
  ];
  return changes.reduce((text, [from, to]) => {
    assert.notEqual(text.replace(from, to), text, `devices.js has no ${from}`);
    return text.replace(from, to);
  }, source);
}

/** Opens a page that takes any adapter for a real one; its build comes when `release` is called. */
async function openWithGpu({ passes = true } = {}) {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const opened = await openPage(site.url, { prepare: async (page) => {
    await page.route('**/client/devices.js', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: pretending(await response.text(), passes) });
    });
    await page.route('**/pkg/gpu/held.js', async (route) => {
      await held;
      await route.fulfill({ contentType: 'text/javascript', body: '' });
    });
  } });
  return { ...opened, release };
}

test('the first posterior does not wait for the GPU, and what is there moves to it later', options, async () => {
  const { page, close, release } = await openWithGpu();
  await posteriorShown(page);
  assert.match(await why(page), /^CPU \(flex\)(, on \d threads)? now; testing the GPU and compiling its kernels…$/);
  assert.equal(await page.locator('#device').inputValue(), 'auto');
  await loadToy(page);
  const first = await drawsOf(page, 200, 9);
  release();
  await said(page, 'GPU (WebGPU)');
  assert.match(await why(page), /because the graphics adapter passed its self-test/);
  assert.equal(await page.locator('#device').inputValue(), 'auto');
  assert.deepEqual(await drawsOf(page, 200, 9), first, 'the model moved along');
  assert.ok(await page.evaluate(() => window.__flowglass.client.setRow(3)), 'the set moved along');
  const engines = () => page.workers().filter((worker) => worker.url().endsWith('/client/worker.js')).length;
  // One with threads takes a moment to end.
  for (let i = 0; i < 100 && engines() > 1; i++) await page.waitForTimeout(100);
  assert.equal(engines(), 1, 'the worker before is gone');
  await close();
});

test('a GPU that fails its self-test is not used, and the page says why', options, async () => {
  const { page, close, release } = await openWithGpu({ passes: false });
  await posteriorShown(page);
  await said(page, 'testing the GPU');
  release();
  await said(page, 'its self-test was off by');
  assert.match(await why(page), /^CPU \(flex\)(, on \d threads)?, because WebGPU is here but its self-test was off by/);
  assert.equal((await drawsOf(page, 10, 1)).length % 10, 0);
  assert.equal(await page.locator('.message').count(), 0);
  await close();
});

test('a training run that begins while the GPU is tested ends where it began, and the GPU takes over then', options,
  async () => {
    const { page, close, release } = await openWithGpu();
    await posteriorShown(page);
    await loadToy(page);
    await setOptions(page, { num_epochs: 500 });
    await page.click('#train-start');
    await firstStep(page);
    release();
    await said(page, 'the GPU is tried after it');
    assert.match(await why(page), /^CPU \(flex\)/);
    await page.click('#train-progress button:has-text("Stop and keep")');
    await page.waitForSelector('#model-line:has-text("your training")');
    await said(page, 'passed its self-test');
    assert.equal((await drawsOf(page, 10, 1)).length, 20, 'the trained model moved along');
    await close();
  });

test('what is asked of the engine while it moves is answered', options, async () => {
  const { page, close, release } = await openWithGpu();
  await posteriorShown(page);
  const asked = page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { example } = await client.modelSummary();
    const start = client.info;
    let answers = 0;
    // Beyond the move, so that it falls among the calls.
    for (let more = 20; more > 0; answers++) {
      await client.samplePosterior(example.observation, 2000, answers);
      await new Promise((resolve) => { setTimeout(resolve, 40); }); // as long as a drawing takes
      if (client.info !== start) more--;
    }
    return answers;
  });
  release();
  assert.ok(await asked > 20);
  await said(page, 'GPU (WebGPU)');
  await close();
});

test('a device chosen by hand while the GPU is tested stays', options, async () => {
  const { page, close, release } = await openWithGpu();
  await posteriorShown(page);
  await page.selectOption('#device', 'flex');
  await said(page, 'chosen by hand');
  const arrived = page.waitForEvent('requestfinished', (request) => request.url().endsWith('held.js'));
  release();
  await arrived;
  await page.waitForTimeout(5000); // time for what must not happen
  assert.match(await why(page), /^CPU \(flex\)(, on \d threads)?, chosen by hand\.$/);
  assert.equal(await page.locator('.message').count(), 0);
  await close();
});
