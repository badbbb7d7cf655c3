/** The client by itself: its types, its options, and its effects on a host page. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { serve } from '../../www/serve.mjs';
import { column, LEVELS, summarize as summarizeColumn } from '../../www/views/summary.js';
import { DIST, npz, openPage, posteriorShown, serveForTests, toySet } from './helpers.mjs';

const site = serveForTests();
const CLIENT = new URL('../../www/client/', import.meta.url);
const SET = npz(toySet({ n: 300 }).arrays).toString('base64');
const SMALL = { num_epochs: 2, batch_size: 64, hidden_dim: 8, embedding_dim: 8, spectrum_embedding_dim: 8 };

/** Every interface of the client's types: its fields by name, with true for a field that may be absent. */
async function interfaces() {
  const files = (await readdir(CLIENT)).filter((name) => name.endsWith('.d.ts'));
  const text = (await Promise.all(files.map((name) => readFile(new URL(name, CLIENT), 'utf8')))).join('\n');
  const found = {};
  for (const [, name, base, body] of text.matchAll(/^export interface (\w+)(?: extends (\w+))? \{\n([\s\S]*?)^\}/gm)) {
    found[name] = {
      base,
      fields: Object.fromEntries([...body.matchAll(/^ {2}(\w+)(\??):\s/gm)].map(([, n, q]) => [n, q === '?'])),
    };
  }
  const all = (name) => (name ? { ...all(found[name]?.base), ...found[name]?.fields } : {});
  return Object.fromEntries(Object.keys(found).map((name) => [name, all(name)]));
}

/** The fields of `value` that the interface does not declare, and the declared fields that are missing. */
function differences(declared, name, value) {
  const fields = declared[name] ?? assert.fail(`no interface is called ${name}`);
  const unknown = Object.keys(value).filter((key) => !(key in fields));
  const missing = Object.keys(fields).filter((key) => !fields[key] && !(key in value));
  return [
    ...unknown.map((key) => `${name} does not declare ${key}`),
    ...missing.map((key) => `${name}.${key} is missing`),
  ];
}

test('the exports of the client are those that its types declare', async () => {
  const text = await readFile(new URL('index.d.ts', CLIENT), 'utf8');
  const declared = [...text.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(declared.sort(), Object.keys(await import('flowglass')).sort());
});

test('what the engine gives has the fields that the types of the client declare', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(
    async ([base64, config]) => {
      const { client } = window.__flowglass;
      const set = await client.readSet(
        'toy.npz',
        Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)),
      );
      const events = [];
      const { summary } = await client.train(config, { onEvent: (event) => events.push(event) }).done;
      const { report } = await client.check({ n_simulations: 20, n_draws: 20 }).done;
      const row = await client.setRow(0);
      const draws = await client.samplePosterior(row.observation, 10, 0);
      const refused = await client.readSet('x.npz', new Uint8Array(3)).catch((error) => ({ ...error }));
      const progress = events.filter(({ kind }) => kind === 'progress').at(-1);
      const one = (kind) => events.find((event) => event.kind === kind);
      await client.readSet('transit.npz', await client.simulate('transit', 40, 0));
      await client.loadModel('demo', await (await fetch('models/demo.safetensors')).blob());
      const transit = await client.setRow(0);
      const more = await client.samplePosterior(transit.observation, 100, 0);
      const summaries = await client.summarize(more.draws, more.d);
      return {
        SetSummary: set,
        ArrayInfo: set.arrays[0],
        ModelSummary: summary,
        EpochRecord: summary.history[0],
        TrainingOptions: summary.config,
        SetRow: row,
        Observation: row.observation,
        Draws: draws,
        WeightedDraws: await client.importance(transit.observation, 50, 0, 'transit'),
        StartedEvent: one('started'),
        ProgressEvent: progress,
        EpochEvent: one('epoch'),
        FinishedEvent: one('finished'),
        Report: report,
        ParameterReport: report.parameters[0],
        RegionReport: report.highest_density,
        Coverage: report.parameters[0].intervals[0],
        Conclusion: report.verdict,
        Verdict: report.parameters[0].verdict,
        EdgeDensity: report.parameters[0].edges[0],
        RankMoment: report.parameters[0].mean_rank,
        TrainingVerdict: summary.training_verdict,
        Uniformity: report.parameters[0].sbc,
        EcdfDifference: report.parameters[0].ecdf,
        OptionDescription: (await client.options())[0],
        SimulatorDescription: (await client.simulators())[0],
        ParameterSummary: summaries[0],
        Learned: summaries[0].learned,
        SelfTest: await client.selfTest(),
        Timing: await client.timeDevice(config),
        DeviceInfo: client.info,
        code: refused.code,
      };
    },
    [SET, SMALL],
  );
  const declared = await interfaces();
  const { code, ...values } = found;
  assert.equal(code, 'file');
  const wrong = Object.entries(values).flatMap(([name, value]) => differences(declared, name, value));
  assert.deepEqual(wrong, []);
  await close();
});

test('the options that the types of the client declare are those of the engine', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const options = await page.evaluate(() => window.__flowglass.client.options());
  const { TrainingOptions } = await interfaces();
  assert.deepEqual(options.map(({ name }) => name).sort(), Object.keys(TrainingOptions).sort());
  await close();
});

test('the comparison with the types can fail', async () => {
  const declared = await interfaces();
  assert.deepEqual(differences(declared, 'CheckProgress', { done: 1, n_simulations: 2 }), []);
  assert.deepEqual(differences(declared, 'CheckProgress', { done: 1, n: 2 }), [
    'CheckProgress does not declare n',
    'CheckProgress.n_simulations is missing',
  ]);
});

test('the intervals that the views show are those of the engine', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const { draws, n, d, summaries, levels } = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { example } = await client.modelSummary();
    const { draws, n, d } = await client.samplePosterior(example.observation, 999, 3);
    const levels = Array.from(await client.intervalLevels());
    return { draws: Array.from(draws), n, d, levels, summaries: await client.summarize(draws, d) };
  });
  assert.deepEqual(levels, [...LEVELS]);
  for (let j = 0; j < d; j++) {
    const { median, low68, high68, low95, high95 } = summarizeColumn(column(draws, n, d, j));
    const [narrow, wide] = summaries[j].intervals;
    const theirs = [summaries[j].median, narrow.low, narrow.high, wide.low, wide.high];
    for (const [i, value] of [median, low68, high68, low95, high95].entries()) {
      assert.ok(Math.abs(value - theirs[i]) <= 1e-12 * Math.abs(theirs[i]), `${value} is not ${theirs[i]}`);
    }
  }
  await close();
});

test('draws and simulations beyond memory are refused, and the worker goes on', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const { refused, draws } = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { example } = await client.modelSummary();
    const many = Array(1000).fill(example.observation);
    const said = (error) => [error.code, error.message];
    const refused = [
      await client.batchSamplePosterior(many, 1e6, 0).catch(said),
      await client.samplePosterior(example.observation, 1e8, 0).catch(said),
      await client.importance(example.observation, 1e8, 0, 'transit').catch(said),
      await client.simulate('transit', 4e9, 0).catch(said),
    ];
    return { refused, draws: (await client.batchSamplePosterior(many.slice(0, 2), 5, 0)).draws.length };
  });
  for (const [code, message] of refused) {
    assert.equal(code, 'option');
    assert.match(message, /^option n = \d+: expected at most .* need about [\d.]+ GB of memory/);
  }
  assert.equal(draws, 2 * 5 * 7);
  await close();
});

test('a client keeps a run as often as it is told', { timeout: 120000 }, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const kept = await page.evaluate(
    async ([base64, config]) => {
      const { Flowglass } = await import(new URL('client/index.js', document.baseURI));
      const counts = [];
      for (const checkpointEveryMs of [1, 1e9]) {
        const client = await Flowglass.create({ device: 'cpu', threads: 1, checkpointEveryMs, pauseMs: 20 });
        await client.readSet(
          'toy.npz',
          Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)),
        );
        let count = 0;
        await client.train(config, { onCheckpoint: () => (count += 1) }).done;
        counts.push(count);
        await client.close();
      }
      return counts;
    },
    [SET, { ...SMALL, num_epochs: 40 }],
  );
  assert.ok(kept[0] > 0 && kept[1] === 0, kept.join());
  await close();
});

/** A page in which no script of Flowglass runs: a text file of the site. */
const BARE = 'page/page.css';

/** A folder on another origin, until the test has ended. */
async function elsewhere(t, folder) {
  const far = await serve(folder, 0, '/elsewhere/', { isolated: false, shared: true });
  t.after(() => far.close());
  return { url: far.url, friends: [new URL(far.url).host] };
}

test('a page of another origin may use the client', { timeout: 120000 }, async (t) => {
  const { url: far, friends } = await elsewhere(t, DIST);
  const { page, close } = await openPage(site.url, { query: BARE, friends, expected: /favicon/ });
  const found = await page.evaluate(async (url) => {
    const { Flowglass } = await import(`${url}client/index.js`);
    const client = await Flowglass.create({ device: 'cpu', threads: 1 });
    await client.readSet('moons.npz', await client.simulate('two_moons', 20, 0));
    return { device: client.info.device, theta: (await client.setRow(3)).theta.length };
  }, far);
  assert.deepEqual(found, { device: 'flex', theta: 2 });
  await close();
});

test('builds may lie apart from the client', { timeout: 120000 }, async (t) => {
  const { url: far, friends } = await elsewhere(t, `${DIST}/pkg`);
  const { page, close } = await openPage(site.url, { query: BARE, friends, expected: /favicon/ });
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  const made = await page.evaluate(async (baseUrl) => {
    const { Flowglass } = await import(new URL('../client/index.js', location.href));
    let workers = 0;
    const worker = () => {
      workers += 1;
      return new Worker(new URL('../client/worker.js', location.href), { type: 'module', name: 'my own' });
    };
    const client = await Flowglass.create({ device: 'cpu', threads: 1, baseUrl, worker });
    await client.options();
    return workers;
  }, far);
  assert.equal(made, 1);
  assert.ok(
    asked.some((url) => url.startsWith(far)),
    asked.join('\n'),
  );
  assert.ok(!asked.some((url) => url.includes('/pkg/')), asked.join('\n'));
  await close();
});

/** A build that says whether the prototype of graphics adapters was touched while it was loaded. */
const SPY = `
  const original = globalThis.GPUAdapter?.prototype.requestDevice;
  export default async () => {};
  export class Engine {
    static async create() {
      globalThis.touched = globalThis.GPUAdapter.prototype.requestDevice !== original;
      return { deviceInfo: () => ({ device: 'webgpu', label: globalThis.touched ? 'touched' : 'left alone' }) };
    }
  }`;

test("an engine in the page's own thread leaves the prototypes of the page alone", async () => {
  const { page, close } = await openPage(site.url, {
    query: BARE,
    expected: /favicon/,
    prepare: (p) =>
      p.route('**/pkg/gpu/flowglass.js', (route) => route.fulfill({ contentType: 'text/javascript', body: SPY })),
  });
  const found = await page.evaluate(async () => {
    const [{ LocalFlowglass }, { Flowglass }] = await Promise.all(
      ['engine', 'index'].map((name) => import(new URL(`../client/${name}.js`, location.href))),
    );
    const local = await LocalFlowglass.create({ device: 'webgpu' });
    const inWorker = await Flowglass.create({ device: 'webgpu' });
    return [local.info.label, inWorker.info.label];
  });
  assert.deepEqual(found, ['left alone', 'touched'], 'the next device is watched only in a worker');
  await close();
});
