/** Models made of headers, families of flows and priors, through the client. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawsOf, engineWorker, openPage, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();

test('a header gives a model with its initial weights', {
  timeout: 120000,
}, async () => {
  const { page, close } = await openPage(site.url, { expected: /a test/ });
  await posteriorShown(page);
  const trained = await drawsOf(page, 50, 5);
  const damaged = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const metadata = await client.metadata();
    const of = (given) =>
      client.fromMetadata(given).then(
        () => 'taken',
        (error) => `${error.code}: ${error.message}`,
      );
    const config = { ...metadata.config, hidden_dim: 0 };
    return Promise.all([undefined, {}, 'x', { ...metadata, space: 1 }, { ...metadata, config }].map(of));
  });
  assert.match(damaged[0], /^file: metadata: expected a model's header as JSON/);
  assert.match(damaged[1], /^file: metadata: .*no format_version/);
  assert.match(damaged[2], /^file: metadata: a damaged model header/);
  assert.match(damaged[3], /^file: metadata: space is 1 in the model's header: expected an object/);
  assert.match(damaged[4], /^option: .*hidden_dim = 0/);
  assert.deepEqual(await drawsOf(page, 50, 5), trained);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const [before, metadata] = [await client.modelSummary(), await client.metadata()];
    const json = JSON.stringify(metadata);
    const summary = await client.fromMetadata(metadata);
    metadata.config.seed = 99; // has no effect any more
    const { LocalFlowglass } = await import(new URL('client/engine.js', document.baseURI));
    const local = await LocalFlowglass.create({ device: 'cpu', threads: 1 });
    const inThread = await local.fromMetadata(json);
    const { draws } = await local.samplePosterior(before.example.observation, 50, 5);
    const { training, ...rest } = await client.metadata();
    const { training: learned, ...expected } = JSON.parse(json);
    return {
      before,
      summary,
      inThread,
      draws: Array.from(draws),
      rest,
      expected,
      learned: learned.history.length,
      history: training.history.length,
    };
  });
  const { before, summary, rest, expected } = found;
  assert.ok(found.learned > 1 && found.history === 0);
  delete rest.flowglass_version;
  delete expected.flowglass_version;
  delete rest.format_version;
  delete expected.format_version;
  // What a model keeps of its simulations is learned too.
  assert.ok(expected.misfit && !rest.misfit);
  delete expected.misfit;
  assert.deepEqual(rest, expected);
  assert.deepEqual(summary.history, []);
  assert.equal(summary.best_epoch, null);
  for (const name of ['config', 'parameters', 'num_parameters', 'dataset', 'n_wavelengths']) {
    assert.deepEqual(summary[name], before[name], name);
  }
  assert.deepEqual(found.inThread, summary);
  const untrained = await drawsOf(page, 50, 5);
  assert.deepEqual(found.draws, untrained);
  assert.notDeepEqual(untrained, trained);
  await engineWorker(page).evaluate(() => {
    setTimeout(() => {
      throw new Error('a test');
    });
  });
  await page.waitForSelector('.message.error:has-text("was started again")');
  assert.deepEqual(await drawsOf(page, 50, 5), untrained);
  await close();
});

test('a function per family fixes the family of what is trained', {
  timeout: 120000,
}, async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { spline, affine, autoregressive, neuralAutoregressive } = await import(
      new URL('client/index.js', document.baseURI)
    );
    await client.readSet('moons.npz', await client.simulate('two_moons', 100, 1));
    const small = { num_epochs: 1, hidden_dim: 16, embedding_dim: 8, spectrum_embedding_dim: 8 };
    const trained = [];
    for (const family of [spline, affine, autoregressive, neuralAutoregressive]) {
      const { summary } = await client.train(family(small)).done;
      trained.push([summary.config.flow_family, summary.config.hidden_dim]);
    }
    const refused = (work) => {
      try {
        work();
        return 'taken';
      } catch (error) {
        return `${error.code}: ${error.message}`;
      }
    };
    return {
      trained,
      small,
      bare: affine(),
      same: refused(() => affine({ flow_family: 'affine' })),
      said: refused(() => affine({ flow_family: 'spline' })),
    };
  });
  assert.deepEqual(
    found.trained,
    ['spline', 'affine', 'autoregressive', 'neural_autoregressive'].map((family) => [family, 16]),
  );
  assert.ok(!('flow_family' in found.small));
  assert.deepEqual(found.bare, { flow_family: 'affine' });
  assert.equal(found.same, 'taken');
  assert.match(found.said, /^option: flow_family = spline: expected affine/);
  await close();
});

test('priors can be given by the names of parameters', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const csv = new TextEncoder().encode('theta:T,theta:g,x_1\n1,2,3\n4,9,6\n');
    const read = (priors) =>
      client.readSet('set.csv', csv, priors && { priors }).then(
        ({ parameters, config }) => [...parameters.map(({ prior }) => prior), config.parameter_space],
        (error) => `${error.code}: ${error.message}`,
      );
    const [T, g] = [
      { kind: 'uniform', low: 0, high: 5 },
      { kind: 'log_normal', mean: 1.5, std: 0.5 },
    ];
    return {
      none: await read(),
      both: await read({ g, T }),
      T,
      g,
      said: [await read({ logg: g }), await read({ T: { ...T, low: 5 } }), await read({ T: { kind: 'flat' } })],
    };
  });
  const { both, none, T, g, said } = found;
  assert.deepEqual(both, [T, g, 'unconstrained']);
  assert.deepEqual(none, [{ kind: 'none' }, { kind: 'none' }, 'physical']);
  assert.match(said[0], /^option: .*prior = logg: expected a parameter: T, g/);
  assert.match(said[1], /^array: .*T is \(5, 5\): expected low < high/);
  assert.match(said[2], /^option: .*assign.*flat/);
  await close();
});
