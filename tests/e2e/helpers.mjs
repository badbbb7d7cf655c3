/** Helpers of the tests in a real browser: a server, a page that fails on anything unexpected, files to drop. */
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { serve } from '../../www/serve.mjs';
import { BROWSER } from './browser.mjs';

export const DIST = process.env.FLOWGLASS_DIST ?? 'dist';

let browser;

/** One browser for all tests. */
async function startBrowser() {
  browser ??= await chromium.launch(BROWSER);
  return browser;
}

async function stopBrowser() {
  await browser?.close();
  browser = null;
}

/** Serves the build, at the top or below `prefix`, cross-origin isolated or not. */
export const startSite = (prefix = '/', isolated = true) => serve(DIST, 0, prefix, { isolated });

/**
 * Runs a browser and a server before the first test of a file, and ends them after the last one.
 * @returns {{url: string}} the address of the server, from the first test on
 */
export function serveForTests() {
  const site = { url: null };
  let server;
  before(async () => {
    await startBrowser();
    server = await startSite();
    site.url = server.url;
  });
  after(async () => {
    await stopBrowser();
    await server.close();
  });
  return site;
}

/**
 * Opens a page. `problems` collects uncaught errors, console errors and requests to other hosts; `close` throws if there
 * are any.
 * @param {string} url
 * @param {object} options Playwright's context options; `query`, which is added to the address; `expected`, a pattern of
 *   console errors that the test provokes; `prepare`, which is called with the page before it loads; `friends`, other
 *   hosts that the page may send requests to
 */
export async function openPage(url, { expected = null, query = '', prepare = null, friends = [], ...options } = {}) {
  const context = await (await startBrowser()).newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems = [];
  const { host } = new URL(url);
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    const text = `${message.text()} ${message.location()?.url ?? ''}`;
    if (message.type() === 'error' && !expected?.test(text)) problems.push(`console: ${text}`);
  });
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (/^(http|ws)/.test(to.protocol) && ![host, ...friends].includes(to.host)) problems.push(`request to ${to.host}`);
  });
  await prepare?.(page);
  await page.goto(url + query);
  return {
    page,
    problems,
    async close() {
      await context.close();
      if (problems.length) throw new Error(problems.join('\n'));
    },
  };
}

/**
 * Traces the page's main thread while `work` runs: the number of its tasks, and the longest task in ms of processor time
 * and in ms by the clock.
 */
export async function mainThread(page, work) {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const mains = new Set(
    traceEvents
      .filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain')
      .map((e) => `${e.pid} ${e.tid}`),
  );
  const tasks = traceEvents.filter((e) => /RunTask/.test(e.name) && e.ph === 'X' && mains.has(`${e.pid} ${e.tid}`));
  const longest = (ms) => Math.round(Math.max(0, ...tasks.map(ms)));
  const wall = (e) => e.dur / 1000;
  // Not every task has its processor time. The time by the clock is never shorter.
  return { count: tasks.length, cpu: longest((e) => (e.tdur ?? e.dur) / 1000), wall: longest(wall) };
}

/**
 * Part of the page's query that makes training pause between two pulls. Then even a fast machine makes a checkpoint before
 * the run is over.
 * @param {number} every milliseconds between two checkpoints
 */
export const slowly = (every = 300) => `checkpointEveryMs=${every}&pauseMs=60`;

/**
 * Serves a script of the page with changes, for conditions that a test cannot cause in another way. The page does not open
 * if the script does not contain the text that a change replaces.
 * @param {string} script as a glob
 * @param {[string|RegExp, string][]} changes
 */
export const edited = (page, script, changes) =>
  page.route(script, async (route) => {
    const response = await route.fetch();
    const body = changes.reduce(
      (text, [from, to]) => {
        const after = text.replace(from, to);
        if (after === text) throw new Error(`${script} has no ${from}`);
        return after;
      },
      await response.text(),
    );
    await route.fulfill({ response, body });
  });

/** The latest worker that holds an engine. (The threads of an engine are workers too.) */
export const engineWorker = (page) =>
  page
    .workers()
    .filter((worker) => worker.url().endsWith('/client/worker.js'))
    .at(-1);

/** Waits until step 3 shows a posterior that is not being redrawn. */
export async function posteriorShown(page, timeout = 60000) {
  await page.waitForSelector('#corner:not([aria-busy]) svg', { timeout });
  await page.waitForSelector('#table tbody tr', { timeout });
}

/** Waits until training has made a step. */
export const firstStep = (page) =>
  page.waitForFunction(() => /^\d/.test(document.querySelectorAll('#train-progress dd')[1]?.textContent ?? ''), null, {
    timeout: 60000,
  });

/** Gives the page a small set. */
export async function loadToy(page, set = toySet()) {
  await give(page, '#set-file', 'toy.npz', npz(set.arrays));
  await page.waitForFunction(() => document.querySelector('#set-info .headline')?.textContent.includes('toy.npz'));
}

/** Sets options by name, in the folds that hold them. */
export async function setOptions(page, options) {
  for (const [name, value] of Object.entries(options)) {
    const isMenu = await page.locator(`#option-${name}`).evaluate((input) => {
      for (let fold = input.closest('details'); fold; fold = fold.parentElement.closest('details')) fold.open = true;
      return input.localName === 'select';
    });
    if (isMenu) await page.selectOption(`#option-${name}`, String(value));
    else await page.fill(`#option-${name}`, String(value));
  }
}

/** `n` draws for the model's example. */
export const drawsOf = (page, n, seed) =>
  page.evaluate(
    async ([count, s]) => {
      const { client } = window.__flowglass;
      const { example } = await client.modelSummary();
      return Array.from((await client.samplePosterior(example.observation, count, s)).draws);
    },
    [n, seed],
  );

/** The latest error message on the page. */
export const errorText = (page) => page.locator('.message.error p').first().innerText();

/** Gives a file to an input of the page. */
export const give = (page, input, name, buffer) =>
  page.setInputFiles(input, { name, mimeType: 'application/octet-stream', buffer: Buffer.from(buffer) });

/** Drops a file on an element of the page. */
export async function dropFile(page, selector, name, bytes) {
  const transfer = await page.evaluateHandle(
    ({ name: fileName, base64 }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], fileName));
      return data;
    },
    { name, base64: Buffer.from(bytes).toString('base64') },
  );
  for (const event of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent(selector, event, { dataTransfer: transfer });
  }
}

/** A `.npy` file. `descr`: NumPy's type, such as '<f8'; `claim`: the shape in the header, if it is not the true one. */
export function npy(shape, data, { descr = '<f8', claim = shape } = {}) {
  const tuple = `(${claim.join(', ')}${claim.length === 1 ? ',' : ''})`;
  const head = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${head.padEnd(Math.ceil((10 + head.length + 1) / 64) * 64 - 11)}\n`;
  const out = Buffer.alloc(10 + padded.length);
  out.write('\x93NUMPY\x01\x00', 0, 'latin1');
  out.writeUInt16LE(padded.length, 8);
  out.write(padded, 10, 'latin1');
  return Buffer.concat([out, bytesOf(data, descr)]);
}

function bytesOf(data, descr) {
  if (Buffer.isBuffer(data)) return data;
  if (descr === '<f4') return Buffer.from(Float32Array.from(data).buffer);
  if (descr.startsWith('<U')) {
    const width = Number(descr.slice(2));
    return Buffer.concat(
      data.map((text) => Buffer.from(Uint32Array.from({ length: width }, (_, i) => text.codePointAt(i) ?? 0).buffer)),
    );
  }
  return Buffer.from(Float64Array.from(data).buffer);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) c = CRC_TABLE[(c ^ b) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** An uncompressed zip of `.npy` files, as numpy.savez writes it. */
export function npz(arrays) {
  const locals = [];
  const central = [];
  let offset = 0;
  for (const [key, body] of Object.entries(arrays)) {
    const name = Buffer.from(`${key}.npy`);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt32LE(crc32(body), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(body.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, body]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** Standard normal numbers, the same in every run. */
export function gaussian(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()) };
}

/** A linear-Gaussian toy: theta ~ U(-3, 3)^2, x = A theta + 0.3 noise, 16 data points. */
export function toySet({ n = 2000, d = 2, w = 16, seed = 1 } = {}) {
  const { uniform, normal } = gaussian(seed);
  const matrix = Array.from({ length: w * d }, normal);
  const theta = [];
  const x = [];
  for (let i = 0; i < n; i++) {
    const row = Array.from({ length: d }, () => 6 * uniform() - 3);
    theta.push(...row);
    for (let k = 0; k < w; k++) {
      x.push(row.reduce((sum, t, j) => sum + matrix[k * d + j] * t, 0) + 0.3 * normal());
    }
  }
  return {
    n,
    d,
    w,
    theta,
    x,
    arrays: {
      theta: npy([n, d], theta),
      x: npy([n, w], x, { descr: '<f4' }),
      sigma: npy([w], Array(w).fill(0.3)),
      parameter_names: npy(
        [d],
        Array.from({ length: d }, (_, j) => ['slope', 'offset'][j] ?? `p${j}`),
        { descr: '<U6' },
      ),
      prior_low: npy([d], Array(d).fill(-3)),
      prior_high: npy([d], Array(d).fill(3)),
    },
  };
}

/** Opens the demonstration and reads `n` transmission spectra that it was not trained on. */
export async function openWithFresh(url, n) {
  const opened = await openPage(url);
  await posteriorShown(opened.page);
  await opened.page.evaluate(async (rows) => {
    const { client } = window.__flowglass;
    await client.readSet('fresh.npz', await client.simulate('transit', rows, 99));
  }, n);
  return opened;
}
