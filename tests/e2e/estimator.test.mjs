/** The estimator's calls through the client, one by one and batched. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();

test('an embedding stands for its observation', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const {
      example: { observation },
      config,
    } = await client.modelSummary();
    const embedding = await client.encodeObservation(observation);
    const a = await client.samplePosterior(observation, 50, 3);
    const b = await client.samplePosterior(embedding, 50, 3);
    const densities = [observation, embedding].map((x) => client.logProb(x, a.draws));
    const [p, q] = (await Promise.all(densities)).map((values) => Array.from(values));
    return {
      length: embedding.length,
      expected: config.embedding_dim,
      a: Array.from(a.draws),
      b: Array.from(b.draws),
      p,
      q,
    };
  });
  assert.equal(found.length, found.expected);
  assert.equal(found.a.length, 50 * 7);
  assert.deepEqual(found.a, found.b);
  assert.ok(found.p.every(Number.isFinite));
  assert.deepEqual(found.p, found.q);
  await close();
});

test('a batch gives each observation draws of its own, the first what it has alone', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const {
      example: { observation },
    } = await client.modelSummary();
    const other = { ...observation, values: observation.values.map((v) => v * 1.001) };
    const { draws, n, d, clamped } = await client.batchSamplePosterior([observation, other], 200, 3);
    const alone = await client.samplePosterior(observation, 200, 3);
    const embeddings = await client.batchEncodeObservation([observation, other]);
    const rows = [embeddings.slice(0, embeddings.length / 2), embeddings.slice(embeddings.length / 2)];
    const again = await client.batchSamplePosterior(rows, 200, 3);
    return { draws: Array.from(draws), alone: Array.from(alone.draws), again: Array.from(again.draws), n, d, clamped };
  });
  const { draws, alone, again, n, d } = found;
  assert.equal(draws.length, 2 * n * d);
  assert.equal(found.clamped, 0);
  // Two rows and one go through matrix products of different shapes, whose sums are rounded differently.
  const apart = Math.max(...alone.map((v, i) => Math.abs(v - draws[i]) / (1 + Math.abs(v))));
  assert.ok(apart < 1e-3, `${apart}`);
  const half = n * d;
  assert.ok(
    draws.slice(half).some((v, i) => Math.abs(v - draws[i]) > 1e-3),
    'the second has draws of its own',
  );
  assert.deepEqual(draws, again);
  await close();
});

test('a batch gives each observation the densities that it has alone', async (t) => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const {
      example: { observation },
    } = await client.modelSummary();
    const other = { ...observation, values: observation.values.map((v) => v * 1.0003) };
    const both = [observation, other];
    const { draws } = await client.batchSamplePosterior(both, 40, 3);
    const half = draws.length / 2;
    const rows = [draws.slice(0, half), draws.slice(half)];
    const alone = await Promise.all(both.map((x, i) => client.logProb(x, rows[i])));
    const crossed = await client.logProb(observation, rows[1]);
    const embeddings = await client.batchEncodeObservation(both);
    const e = embeddings.length / 2;
    const encoded = await client.batchLogProb([embeddings.slice(0, e), embeddings.slice(e)], draws);
    const inCube = await client.batchLogProb(both, await client.convert(draws, 'physical', 'cube'), 'cube');
    const aloneInCube = await client.logProb(other, await client.convert(rows[1], 'physical', 'cube'), 'cube');
    const said = await client.batchLogProb(both, draws.slice(0, half + 7)).then(
      () => 'taken',
      (error) => `${error.code}: ${error.message}`,
    );
    const none = await client.batchLogProb([], draws).then(
      () => 'taken',
      (error) => `${error.code}: ${error.message}`,
    );
    return {
      batch: Array.from(await client.batchLogProb(both, draws)),
      alone: alone.flatMap((values) => Array.from(values)),
      crossed: Array.from(crossed),
      encoded: Array.from(encoded),
      inCube: Array.from(inCube.slice(40)),
      aloneInCube: Array.from(aloneInCube),
      said,
      none,
    };
  });
  const { batch, alone } = found;
  const apart = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i])));
  assert.equal(batch.length, 80);
  assert.ok(batch.every(Number.isFinite));
  // Measured: 0. Products of another shape may round sums differently, which a step from one bin to the next magnifies.
  t.diagnostic(`alone and in a batch ${apart(batch, alone).toExponential(1)} apart`);
  assert.ok(apart(batch, alone) < 1e-3, `${apart(batch, alone)}`);
  assert.ok(apart(found.crossed, batch.slice(40)) > 0.1, 'those of the second are given the second');
  assert.deepEqual(found.encoded, batch);
  assert.ok(apart(found.inCube, found.aloneInCube) < 1e-3);
  assert.ok(apart(found.inCube, batch.slice(40)) > 1, 'a density in the cube is another');
  assert.match(found.said, /^array: .*theta.*as many for each of 2/);
  assert.match(found.none, /^array: .*observations.*none: expected at least one/);
  await close();
});

test('a round trip between spaces gives the parameters back', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const {
      example: { observation },
      parameters,
    } = await client.modelSummary();
    const { draws } = await client.samplePosterior(observation, 20, 1);
    const cube = await client.convert(draws, 'physical', 'cube');
    const back = await client.convert(await client.convert(cube, 'cube', 'unconstrained'), 'unconstrained', 'physical');
    const of = (...args) =>
      client.convert(...args).then(
        () => 'taken',
        (error) => `${error.code}: ${error.message}`,
      );
    const said = [await of(draws, 'physical', 'sphere'), await of(draws.slice(1), 'physical', 'cube')];
    return {
      draws: Array.from(draws),
      cube: Array.from(cube),
      back: Array.from(back),
      priors: parameters.map((p) => p.prior),
      said,
    };
  });
  const { draws, cube, back, priors, said } = found;
  draws.forEach((theta, i) => {
    const { low, high } = priors[i % 7];
    assert.ok(Math.abs(cube[i] - (theta - low) / (high - low)) < 1e-9, 'of a uniform prior');
    assert.ok(Math.abs(back[i] - theta) < 1e-6 * (high - low));
  });
  assert.match(said[0], /^option: .*sphere/);
  assert.match(said[1], /^array: .*theta.*139 numbers: expected rows of 7/);
  await close();
});

test('draws for several observations become files that keep them apart', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const {
      example: { observation },
    } = await client.modelSummary();
    const { draws } = await client.batchSamplePosterior([observation, observation], 3, 0);
    const text = new TextDecoder().decode(await client.drawsFile('csv', draws, 2));
    const json = await client.drawsFile('json', draws, 2).then(
      () => 'taken',
      (error) => error.message,
    );
    return { lines: text.trim().split('\n'), json };
  });
  assert.match(found.lines[0], /^observation,temperature,/);
  assert.deepEqual(
    found.lines.slice(1).map((line) => line[0]),
    ['0', '0', '0', '1', '1', '1'],
  );
  assert.match(found.json, /several observations/);
  await close();
});

test('importance weighs the draws of the same seed by the likelihood of the simulator', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const {
      example: { observation },
    } = await client.modelSummary();
    const weighted = await client.importance(observation, 500, 1, 'transit');
    const { draws, weights, log_evidence_interval, ...more } = weighted;
    const interval = log_evidence_interval && Array.from(log_evidence_interval);
    const plain = await client.samplePosterior(observation, 500, 1);
    const said = await client.importance(observation, 500, 1, 'slcp').then(
      () => 'taken',
      (error) => error.message,
    );
    return {
      draws: Array.from(draws),
      weights: Array.from(weights),
      plain: Array.from(plain.draws),
      interval,
      ...more,
      said,
    };
  });
  const { weights } = found;
  assert.deepEqual(found.draws, found.plain);
  assert.ok(Math.abs(weights.reduce((a, b) => a + b, 0) - 1) < 1e-9 && weights.every((w) => w >= 0));
  assert.ok(Math.abs(1 / weights.reduce((a, b) => a + b * b, 0) - found.effective_sample_size) < 1e-6 * 500);
  assert.equal(Math.max(...weights), found.largest_weight);
  assert.ok(Number.isFinite(found.log_evidence) && typeof found.pareto_k === 'number');
  if (found.caution) assert.equal(found.interval, null);
  else assert.ok(found.interval[0] < found.log_evidence && found.log_evidence < found.interval[1]);
  assert.match(found.said, /slcp|parameters/);
  await close();
});

test('an observation on another grid fits once it is interpolated', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { wavelengths } = await client.modelSummary();
    const [low, high] = [wavelengths[0], wavelengths.at(-1)];
    const grid = Array.from({ length: 301 }, (_, i) => low + ((high - low) * i) / 300);
    const text = grid.map((w) => `${w} ${0.01 + 0.001 * w} 1e-4`).join('\n');
    const read = await client.readObservation('o.txt', new TextEncoder().encode(text));
    const check = (o) =>
      client.checkObservation(o).then(
        () => 'fits',
        (error) => `${error.code}: ${error.message}`,
      );
    const on = await client.interpolateObservation(read);
    return {
      read: [read.values.length, read.sigma.length],
      said: [await check(read), await check(on)],
      values: Array.from(on.values),
      wavelengths: Array.from(wavelengths),
      selfTest: await client.selfTest(),
    };
  });
  assert.deepEqual(found.read, [301, 301]);
  assert.match(found.said[0], /^array: .*301/);
  assert.equal(found.said[1], 'fits');
  // A straight line stays one.
  assert.ok(found.values.every((v, i) => Math.abs(v - 0.01 - 0.001 * found.wavelengths[i]) < 1e-6));
  assert.ok(found.selfTest.ok && found.selfTest.max_abs_error <= found.selfTest.tolerance);
  await close();
});

test('a list that is empty or mixed is refused by name', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const said = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const {
      example: { observation },
    } = await client.modelSummary();
    const embedding = await client.encodeObservation(observation);
    const of = (list) =>
      client.batchSamplePosterior(list, 10, 0).then(
        () => 'taken',
        (error) => error.message,
      );
    return Promise.all([[], [observation, embedding], [embedding.slice(1)]].map(of));
  });
  assert.match(said[0], /observations.*none: expected at least one/);
  assert.match(said[1], /observations.*not both/);
  assert.match(said[2], /embedding.*expected rows of/);
  await close();
});
