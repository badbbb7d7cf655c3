#!/usr/bin/env node
/**
 * Measures Flowglass on the workloads on which its peers are measured, natively and in headless Chromium. Prints one line
 * of JSON for each measurement.
 *
 *   node benches/run.mjs [native] [cpu] [relaxed] [threads] [ndarray] [gpu] [page] [sizes] [--workloads R,A,M,N]
 *     [--operations a,b] [--budget SECONDS] [--threads N] [--isolated no] [--profile]
 *
 * Groups: `cpu` is the build without relaxed SIMD. `gpu` counts what a training step, or 10,000 draws, ask of WebGPU on a
 * software adapter: dispatches, bytes bound to them, submissions and read-backs; its times say nothing about a real GPU.
 * Without a group: native, cpu, relaxed, threads, page, sizes. `dist/` must be built (`./build.sh build`). FLOWGLASS_DIST
 * names another folder, and CHROMIUM the browser.
 *
 * Operations of training, for a batch of *: train_step_b* are 60 steps after the first two, while the browser still
 * compiles, as peers are measured. Each step is a pull of its own, at whose end the loss is read. later_step_b* are such
 * steps after 5 s more of training, as many as the budget allows. training_b* is the mean step in longer pulls, as the page
 * trains, with the ends of epochs. train_pull_b* (only `gpu`) counts in a pull of several steps.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { BROWSER } from '../tests/e2e/browser.mjs';
import { serve } from '../www/serve.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = process.env.FLOWGLASS_DIST ?? join(HERE, '../dist');
const FLAGS = [...BROWSER.args, '--disable-background-timer-throttling', '--disable-renderer-backgrounding'];
/** Visits of the page to time its first posterior. */
const VISITS = 5;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workloads: { type: 'string', default: 'R' },
    operations: { type: 'string', default: '' },
    budget: { type: 'string', default: '3' },
    isolated: { type: 'string', default: 'yes' },
    profile: { type: 'boolean', default: false },
    threads: { type: 'string', default: '' },
  },
});
const groups = positionals.length ? positionals : ['native', 'cpu', 'relaxed', 'threads', 'page', 'sizes'];
const workloads = options.workloads.split(',');
const operations = options.operations.split(',').filter(Boolean);
const say = (line) => console.log(JSON.stringify({ ...line, load1: +loadavg()[0].toFixed(2) }));

/** Runs the native benchmark. One thread is held to one core, so that no other core can help. */
async function native(threads) {
  const bench = [
    'cargo',
    'bench',
    '-q',
    '--bench',
    'workload',
    '--',
    ...workloads,
    ...operations,
    '--threads',
    `${threads}`,
    '--budget',
    options.budget,
    ...(options.profile ? ['--profile'] : []),
  ];
  const command = threads === 1 && process.platform === 'linux' ? ['taskset', '-c', '0', ...bench] : bench;
  execFileSync('cargo', ['bench', '-q', '--no-run', '--bench', 'workload'], { stdio: 'inherit' });
  const env = { ...process.env, MALLOC_TRIM_THRESHOLD_: `${2 ** 30}`, MALLOC_MMAP_THRESHOLD_: `${2 ** 25}` };
  const child = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let rest = '';
  for await (const part of child.stdout) {
    const lines = (rest + part).split('\n');
    rest = lines.pop();
    for (const line of lines) if (line.startsWith('{')) say(JSON.parse(line));
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`);
}

/** CPU seconds of a process and its children, to 10 ms; 0 where there is no /proc. */
function cpuSeconds(root) {
  const children = new Map();
  const times = new Map();
  for (const pid of existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      times.set(+pid, (+fields[11] + +fields[12]) / 100);
      children.set(+fields[1], [...(children.get(+fields[1]) ?? []), +pid]);
    } catch {
      // A process that ended meanwhile.
    }
  }
  const sum = (pid) => (times.get(pid) ?? 0) + (children.get(pid) ?? []).reduce((all, child) => all + sum(child), 0);
  return sum(root);
}

async function withBrowser(work) {
  const browserServer = await chromium.launchServer({ ...BROWSER, args: FLAGS });
  const browser = await chromium.connect(browserServer.wsEndpoint());
  const site = await serve(DIST, 0, '/', { isolated: options.isolated !== 'no' });
  try {
    return await work(browser, site, browserServer.process().pid);
  } finally {
    await browser.close();
    await browserServer.close();
    await site.close();
  }
}

/** Runs the operations in a worker of the browser. */
const inBrowser = (build, device, label, threads) =>
  withBrowser(async (browser, site, pid) => {
    for (const workload of workloads) {
      const page = await (await browser.newContext()).newPage();
      page.on('pageerror', (error) => say({ peer: label, workload, op: 'all', error: String(error) }));
      await page.exposeFunction('emit', say);
      await page.exposeFunction('cpuSeconds', () => cpuSeconds(pid));
      await page.route('**/bench/*', (route) => {
        const script = /[a-z]+\.js$/.exec(route.request().url())?.[0];
        return route.fulfill(
          script
            ? { path: join(HERE, 'browser', script), contentType: 'text/javascript', headers: site.headers }
            : { body: '<!doctype html><title>bench</title>', contentType: 'text/html', headers: site.headers },
        );
      });
      await page.goto(`${site.url}bench/index.html`);
      await page
        .evaluate(
          (how) =>
            new Promise((resolve, reject) => {
              const worker = new Worker('worker.js', { type: 'module' });
              worker.onerror = ({ message }) => reject(new Error(message));
              worker.onmessage = async ({ data }) => {
                if (data.line) window.emit(data.line);
                if (data.ask) worker.postMessage({ cpu: await window.cpuSeconds() });
                if (data.done) resolve();
                if (data.failed) reject(new Error(data.failed));
              };
              worker.postMessage(how);
            }),
          { base: site.url, build, device, workload, operations, budget: +options.budget, label, threads },
        )
        .catch((error) => say({ peer: label, workload, op: 'all', error: error.message.split('\n')[0] }));
      await page.context().close();
    }
  });

/** Seconds from navigation to the first posterior on the page, nothing in any cache. */
const firstPosterior = () =>
  withBrowser(async (browser, { url }) => {
    const times = [];
    for (let visit = 0; visit < VISITS; visit++) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      const page = await context.newPage();
      await page.goto(url, { waitUntil: 'commit' });
      const at = await page.waitForFunction(
        () => document.querySelector('#corner:not([aria-busy]) svg') && performance.now(),
        null,
        { polling: 'raf' },
      );
      times.push((await at.jsonValue()) / 1000);
      await context.close();
    }
    times.sort((a, b) => a - b);
    say({
      peer: 'flowglass-page',
      op: 'first_posterior',
      median_s: times[VISITS >> 1],
      min_s: times[0],
      max_s: times[VISITS - 1],
      runs: VISITS,
    });
  });

/** Bytes of every artifact, plain and compressed. */
function sizes() {
  for (const build of readdirSync(join(DIST, 'pkg')).filter((name) => !name.startsWith('.'))) {
    const bytes = readFileSync(join(DIST, 'pkg', build, 'flowglass_bg.wasm'));
    say({
      peer: 'flowglass',
      op: 'size',
      build,
      bytes: bytes.length,
      gzip_bytes: gzipSync(bytes, { level: 9 }).length,
    });
  }
}

for (const group of groups) {
  switch (group) {
    case 'native':
      for (const threads of options.threads ? [+options.threads] : [1, 2]) await native(threads);
      break;
    case 'cpu':
      await inBrowser('cpu', 'flex', 'flowglass-wasm-plain', 1);
      break;
    case 'threads':
      await inBrowser('threads', 'flex', 'flowglass-wasm', +(options.threads || 2));
      break;
    case 'relaxed':
      await inBrowser('relaxed', 'flex', 'flowglass-wasm', 1);
      break;
    case 'ndarray':
      await inBrowser('ndarray', 'ndarray', 'flowglass-ndarray', 1);
      break;
    case 'gpu':
      await inBrowser('gpu', 'webgpu', 'flowglass-webgpu', 1);
      break;
    case 'page':
      await firstPosterior();
      break;
    case 'sizes':
      sizes();
      break;
    default:
      throw new Error(`no group is called '${group}'`);
  }
}
