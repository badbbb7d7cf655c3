/** HDF5 in the page: a build of its own converts it, fetched with the first such file. */
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
  give,
  loadToy,
  openPage,
  posteriorShown,
  serveForTests,
  setOptions,
} from './helpers.mjs';

const site = serveForTests();
const options = { skip: !existsSync(`${DIST}/pkg/hdf5/flowglass.js`) && 'not built', timeout: 300000 };
const fileOf = (name) => readFile(new URL(`../reference/hdf5/${name}.h5`, import.meta.url));
const headline = (page) => page.locator('#set-info .headline').innerText();
const setShown = (page, name) =>
  page.waitForFunction((n) => document.querySelector('#set-info .headline')?.textContent.includes(n), name);

/** The file's arrays as the page lists them: name, shape, type. */
const arrays = (page) =>
  page.locator('#set-info details tbody tr').evaluateAll((rows) =>
    rows.map((row) =>
      [...row.children]
        .slice(0, 3)
        .map((cell) => cell.textContent)
        .join(' '),
    ),
  );

test('a set in HDF5 is trained on like any other', options, async () => {
  const fetched = [];
  const { page, close } = await openPage(site.url, {
    prepare: (opened) => {
      opened.context().on('request', (request) => {
        if (/pkg.hdf5|hdf5-worker/.test(request.url())) fetched.push(new URL(request.url()).pathname);
      });
    },
  });
  await posteriorShown(page);
  await loadToy(page);
  await give(page, '#observation-file', 'short.csv', '1,2,0.1\n2,3,0.1\n');
  await page.waitForSelector('.message.error');
  assert.deepEqual(fetched, []);

  await dropFile(page, '#simulations', 'packed.h5', await fileOf('packed'));
  await setShown(page, 'packed.h5');
  assert.match(await headline(page), /6 simulations · 2 parameters · 40 data points/);
  assert.match(await page.locator('#set-info').innerText(), /log µ[\s\S]*log-uniform/);
  const listed = await arrays(page);
  for (const array of ['theta (6, 2) <f8', 'mask (6, 40) |b1', 'parameter_names (2) text']) {
    assert.ok(listed.includes(array), listed.join('\n'));
  }
  assert.ok(fetched.includes('/client/hdf5-worker.js'), fetched.join('\n'));
  assert.ok(fetched.includes('/pkg/hdf5/flowglass_bg.wasm'), fetched.join('\n'));

  await setOptions(page, { num_epochs: 1 });
  await page.click('#train-start');
  await page.waitForSelector('#train-status:has-text("Trained in")');
  await page.waitForSelector('#model-line:has-text("your training")');
  await posteriorShown(page);
  assert.equal((await drawsOf(page, 50, 1)).length, 100);

  await give(page, '#observation-file', 'observation.h5', await fileOf('observation'));
  await page.waitForFunction(() => document.querySelector('#observation-line').innerText === 'observation.h5');
  await posteriorShown(page);
  await close();
});

test('what cannot be used in HDF5 is refused by name', options, async (t) => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const whole = await fileOf('packed');
  const broken = {
    'lzf.h5': [await fileOf('lzf'), /array 'theta': cannot be read .*gzip/],
    'cut.h5': [whole.subarray(0, whole.length / 2), /cut.h5: cannot be read as HDF5; is it truncated\?/],
    'name.h5': [Buffer.from('theta_1,x_1\n1,2\n'), /named as HDF5, but does not start as an HDF5 file does/],
    'odd.h5': [await fileOf('odd'), /array 'theta': type 'compound': expected real numbers/],
  };
  for (const [name, [bytes, says]] of Object.entries(broken)) {
    await give(page, '#set-file', name, bytes);
    await page.waitForSelector(`.message.error:has-text("${name}")`);
    const text = await errorText(page);
    t.diagnostic(text);
    assert.match(text, says);
    await page.click('.message.error .dismiss');
  }
  assert.deepEqual(await arrays(page), [
    'again (6, 40) <f2',
    'counts (3) >u2',
    'group/scalar () <f8',
    'theta (6, 2) compound',
    'x (6, 40) <f2',
  ]);
  await page.selectOption('[aria-label="Role of theta"]', '');
  await page.selectOption('[aria-label="Role of again"]', 'theta');
  await page.click('#set-info button:has-text("Use these roles")');
  await setShown(page, 'odd.h5');
  assert.match(await headline(page), /6 simulations · 40 parameters · 40 data points/);
  await close();
});

test('the page says that the build for HDF5 is not there', options, async () => {
  const { page, close } = await openPage(site.url, { expected: /404|pkg/ });
  await page.context().route('**/pkg/hdf5/**', (route) => route.fulfill({ status: 404 }));
  await posteriorShown(page);
  await give(page, '#set-file', 'packed.h5', await fileOf('packed'));
  await page.waitForSelector('.message.error');
  assert.match(await errorText(page), /^packed.h5: The build for HDF5 is not on this site yet/);
  await page.context().unroute('**/pkg/hdf5/**');
  await give(page, '#set-file', 'packed.h5', await fileOf('packed'));
  await setShown(page, 'packed.h5');
  await close();
});

test('a set in HDF5 is there again after the engine died', options, async () => {
  const { page, close } = await openPage(site.url, { expected: /a test/ });
  await posteriorShown(page);
  await give(page, '#set-file', 'packed.h5', await fileOf('packed'));
  await setShown(page, 'packed.h5');
  await engineWorker(page).evaluate(() => {
    setTimeout(() => {
      throw new Error('a test');
    });
  });
  await page.waitForSelector('.message.error:has-text("was started again")');
  assert.match(await errorText(page), /with the model and the simulations as before/);
  await close();
});
