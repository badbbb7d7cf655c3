/**
 * The GPU in the background. The only adapter of a headless browser is emulated in software; in these tests the page takes
 * it for a real one. An emulated GPU takes minutes for the self-test, so the build for the CPU computes in its place.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  drawsOf,
  edited,
  firstStep,
  loadToy,
  openPage,
  posteriorShown,
  serveForTests,
  setOptions,
} from './helpers.mjs';

const site = serveForTests();

const options = { timeout: 240000 };
const why = (page) => page.locator('#device-why').innerText();
const said = (page, text) => page.waitForSelector(`#device-why:has-text("${text}")`, { timeout: 120000 });

/** Changes of `client/devices.js`: any adapter is taken for a real one, and a build for the CPU computes as the GPU. */
const pretending = (passes) => [
  [/if \(isFallbackAdapter .*\{/, 'if (false) {'],
  ['const module = await loadBuild(FOLDERS', "if (device === 'webgpu') await import('../pkg/gpu/held.js');\n$&"],
  // The numbers of this build are those of the build with threads, to the bit.
  ["webgpu: 'gpu'", "webgpu: 'relaxed'"],
  ['Engine.create(device)', "Engine.create('flex')"],
  ['engine.deviceInfo()', "engine.deviceInfo(), ...(/^the graphics/.test(reason) && { device: 'webgpu' })"],
  ['if (test.ok)', `if (${passes})`],
];

/**
 * Changes of `client/timing.js`: they list the timings in `timings`, and make the timing of the side `slow` a hundred times
 * as long. If `slow` is `wrong`, the timing of the GPU fails.
 */
const SLOWED = [
  [
    '= await timeDevice(config);',
    `= await (async () => {
      globalThis.timings.push(\`\${sideOf(info)} begins\`);
      const timing = await timeDevice(config);
      if (globalThis.slow === 'wrong' && sideOf(info) === 'gpu') {
        throw Object.assign(new Error('its self-test of this flow was off'), { code: 'device' });
      }
      globalThis.timings.push(\`\${sideOf(info)} ends\`);
      if (sideOf(info) === globalThis.slow) timing.train_step_s *= 100;
      return timing;
    })();`,
  ],
];

/** The timings so far. */
const timings = (page) => page.evaluate(() => window.timings);
/** The timings of both devices: one after the other, and first the device that computes. */
const EACH = {
  cpu: ['cpu begins', 'cpu ends', 'gpu begins', 'gpu ends'],
  gpu: ['gpu begins', 'gpu ends', 'cpu begins', 'cpu ends'],
};

/** Both numbers of the sentence, in seconds; the first one is of the device that computes. */
function numbers(sentence, batch, other) {
  const pattern = new RegExp(
    `a training step of ${batch} simulations takes ([\\d.]+) (m?s) here and ([\\d.]+) (m?s) on the ${other}\\.$`,
  );
  const [, ...found] = pattern.exec(sentence) ?? assert.fail(`${sentence} is not ${pattern}`);
  return [0, 2].map((i) => found[i] / (found[i + 1] === 'ms' ? 1000 : 1));
}

/** Opens a page that takes any adapter for a real one. The build of the GPU arrives when `release` is called. */
async function openWithGpu({ passes = true, slow = 'cpu', query = '' } = {}) {
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  const opened = await openPage(site.url, {
    query,
    prepare: async (page) => {
      await page.addInitScript((side) => Object.assign(window, { timings: [], slow: side }), slow);
      await edited(page, '**/client/timing.js', SLOWED);
      await edited(page, '**/client/devices.js', pretending(passes));
      await page.route('**/pkg/gpu/held.js', async (route) => {
        await held;
        await route.fulfill({ contentType: 'text/javascript', body: '' });
      });
    },
  });
  return { ...opened, release };
}

test('model and set move to the GPU after the first posterior', options, async () => {
  const { page, close, release } = await openWithGpu();
  await posteriorShown(page);
  assert.match(await why(page), /^CPU \(flex\)(, on \d threads)? now; testing the GPU and compiling its kernels…$/);
  assert.equal(await page.locator('#device').inputValue(), 'auto');
  await loadToy(page);
  const first = await drawsOf(page, 200, 9);
  release();
  await said(page, 'GPU (WebGPU)');
  assert.match(await why(page), /because the graphics adapter passed its self-test/);
  const [here, there] = numbers(await why(page), 32, 'CPU');
  assert.ok(here < there, 'the faster is taken');
  assert.deepEqual(await timings(page), EACH.cpu);
  assert.equal(await page.locator('#device').inputValue(), 'auto');
  assert.deepEqual(await drawsOf(page, 200, 9), first, 'the model moved along');
  assert.ok(await page.evaluate(() => window.__flowglass.client.setRow(3)), 'the set moved along');
  const engines = () => page.workers().filter((worker) => worker.url().endsWith('/client/worker.js')).length;
  // One with threads takes a moment to end.
  for (let i = 0; i < 100 && engines() > 1; i++) await page.waitForTimeout(100);
  assert.equal(engines(), 1, 'the worker before is gone');
  await close();
});

test('the page says why a GPU that fails its self-test is not used', options, async () => {
  const { page, close, release } = await openWithGpu({ passes: false });
  await posteriorShown(page);
  await said(page, 'testing the GPU');
  release();
  await said(page, 'its self-test was off by');
  assert.match(
    await why(page),
    /^CPU \(flex\)(, on \d threads)?, because WebGPU is available, but its self-test was off by/,
  );
  assert.equal((await drawsOf(page, 10, 1)).length % 10, 0);
  assert.equal(await page.locator('.message').count(), 0);
  await close();
});

test('a training run that begins while the GPU is tested ends where it began', options, async () => {
  const { page, close, release } = await openWithGpu();
  await posteriorShown(page);
  await loadToy(page);
  await setOptions(page, { num_epochs: 500 });
  await page.click('#train-start');
  await firstStep(page);
  release();
  await said(page, 'the GPU is tried after it');
  assert.match(await why(page), /^CPU \(flex\)/);
  await page.click('#train-progress button:has-text("Finish now")');
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
    // The calls go on after the move, so that it happens between two of them.
    for (let more = 20; more > 0; answers++) {
      await client.samplePosterior(example.observation, 2000, answers);
      await new Promise((resolve) => {
        setTimeout(resolve, 40);
      }); // as long as a drawing takes
      if (client.info !== start) more--;
    }
    return answers;
  });
  release();
  assert.ok((await asked) > 20);
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
  assert.deepEqual(await timings(page), []);
  assert.equal(await page.locator('.message.error').count(), 0);
  await close();
});

test('the CPU stays where it is the faster', options, async () => {
  const { page, close, release } = await openWithGpu({ slow: 'gpu' });
  await posteriorShown(page);
  const first = await drawsOf(page, 200, 9);
  release();
  await said(page, 'a training step of');
  assert.match(await why(page), /^CPU \(flex\)(, on \d threads)?, because a training step of/);
  // The batch is that of the demonstration, because there is no set.
  const [here, there] = numbers(await why(page), 128, 'GPU');
  assert.ok(here < there, 'the faster is taken');
  assert.deepEqual(await timings(page), EACH.cpu);
  assert.equal(await page.locator('#device').inputValue(), 'auto');
  assert.deepEqual(await drawsOf(page, 200, 9), first, 'the model stayed');
  await close();
});

test('the page says why a GPU that fails at the work at hand is not used', options, async () => {
  const { page, close, release } = await openWithGpu({ slow: 'wrong' });
  await posteriorShown(page);
  release();
  await said(page, 'the GPU is not used: its self-test of this flow was off');
  assert.doesNotMatch(await why(page), /training step/);
  await close();
});

test('the choice is made once for each set and batch, before the run', options, async () => {
  const { page, close, release } = await openWithGpu({ slow: 'gpu' });
  await posteriorShown(page);
  release();
  await said(page, 'a training step of 128');
  await loadToy(page);
  await said(page, 'a training step of 32 simulations takes');
  assert.match(await why(page), /^CPU \(flex\)/);
  assert.deepEqual(await timings(page), [...EACH.cpu, ...EACH.cpu]);

  await page.evaluate(() => {
    window.slow = 'cpu';
  });
  await setOptions(page, { batch_size: 64, num_epochs: 1 });
  await page.click('#train-start');
  await page.waitForSelector('#model-line:has-text("your training")');
  assert.match(await why(page), /^GPU \(WebGPU\)/);
  numbers(await why(page), 64, 'CPU');
  assert.deepEqual(await timings(page), [...EACH.cpu, ...EACH.cpu, ...EACH.cpu]);

  // The same training is not timed again. And the page can move from the GPU back to the CPU.
  for (const [batch, slow, expected] of [
    [64, 'gpu', []],
    [48, 'gpu', EACH.gpu],
  ]) {
    const before = (await timings(page)).length;
    await page.evaluate((side) => {
      window.slow = side;
    }, slow);
    await setOptions(page, { batch_size: batch });
    await page.click('#train-start:has-text("again")');
    await page.waitForSelector('#train-status:has-text("Trained in")');
    assert.deepEqual((await timings(page)).slice(before), expected, `a batch of ${batch}`);
  }
  assert.match(await why(page), /^CPU \(flex\)/);
  assert.equal(await page.locator('.message.error').count(), 0);
  await close();
});

test("the engine in the page's own thread chooses in the same way", options, async () => {
  const { page, close, release } = await openWithGpu({ query: '?device=flex' });
  release();
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { LocalFlowglass } = await import('./client/engine.js');
    const local = await LocalFlowglass.create({ device: 'flex' });
    await local.readSet('set.npz', await local.simulate('two_moons', 50, 1));
    const found = [];
    for (const slow of ['gpu', 'cpu', 'gpu']) {
      window.slow = slow;
      const { device, timings, reason } = await local.setDevice('auto', { batch_size: 16, hidden_dim: 16 });
      found.push([device, timings.cpu.batch, timings.gpu.config.hidden_dim, reason]);
    }
    await local.train({ num_epochs: 1 }).done;
    return found;
  });
  assert.deepEqual(
    found.map(([device]) => device),
    ['flex', 'webgpu', 'flex'],
  );
  for (const [device, batch, width, reason] of found) {
    assert.deepEqual([batch, width], [16, 16]);
    numbers(`${reason}.`, 16, device === 'flex' ? 'GPU' : 'CPU');
  }
  assert.doesNotMatch(found[0][3], /by hand/);
  assert.deepEqual(await timings(page), [...EACH.cpu, ...EACH.cpu, ...EACH.gpu]);
  await close();
});

test('only an automatic choice with a GPU is timed', options, async () => {
  const opened = [
    [await openWithGpu({ query: '?device=flex' }), 'chosen by hand'],
    [
      await openPage(site.url, {
        prepare: async (page) => {
          await page.addInitScript(() => Object.assign(window, { timings: [] }));
          await edited(page, '**/client/timing.js', SLOWED);
        },
      }),
      'emulated in software',
    ],
  ];
  for (const [{ page, close, release }, reason] of opened) {
    release?.();
    await posteriorShown(page);
    await said(page, reason);
    await loadToy(page);
    await setOptions(page, { batch_size: 64, num_epochs: 1 });
    await page.click('#train-start');
    await page.waitForSelector('#model-line:has-text("your training")');
    assert.deepEqual(await timings(page), []);
    assert.match(await why(page), new RegExp(reason));
    await close();
  }
});

test('a GPU chosen by hand trains no kind of flow that it computes differently from the CPU', options, async () => {
  const { page, close, release } = await openWithGpu({ query: '?device=flex' });
  release();
  const change = ['if (test.ok) return;', "if (config.flow_family !== 'affine') return;"];
  await edited(page, '**/client/training-loop.js', [change]);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { LocalFlowglass } = await import('./client/engine.js');
    const local = await LocalFlowglass.create({ device: 'flex' });
    local.info.device = 'webgpu'; // as if it were one
    await local.readSet('set.npz', await local.simulate('two_moons', 50, 1));
    const { status, summary } = await local.train({ num_epochs: 1, flow_family: 'spline' }).done;
    const error = await local
      .train({ num_epochs: 1, flow_family: 'affine' })
      .done.catch(({ code, message }) => ({ code, message }));
    return { status, summary, error, left: await local.modelSummary() };
  });
  assert.equal(found.status, 'finished');
  assert.equal(found.error.code, 'device');
  assert.match(found.error.message, /its self-test was off by .* \(allowed: .*\)\. Choose the CPU as device\.$/);
  assert.deepEqual(found.left, found.summary);
  await close();
});
