/** The estimator's calls through the client: encode, sample, densities, one by one and batched. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();

test('an observation and its embedding give the same draws and densities', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const found = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { example: { observation }, config } = await client.modelSummary();
    const embedding = await client.encodeObservation(observation);
    const a = await client.samplePosterior(observation, 50, 3);
    const b = await client.samplePosterior(embedding, 50, 3);
    const densities = [observation, embedding].map((x) => client.logProb(x, a.draws));
    const [p, q] = (await Promise.all(densities)).map((values) => Array.from(values));
    return { length: embedding.length, expected: config.embedding_dim, a: Array.from(a.draws), b: Array.from(b.draws), p, q };
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
    const { example: { observation } } = await client.modelSummary();
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
  assert.ok(draws.slice(half).some((v, i) => Math.abs(v - draws[i]) > 1e-3), 'the second has draws of its own');
  assert.deepEqual(draws, again);
  await close();
});

test('a list that is empty, or of observations and embeddings mixed, is refused by name', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const said = await page.evaluate(async () => {
    const { client } = window.__flowglass;
    const { example: { observation } } = await client.modelSummary();
    const embedding = await client.encodeObservation(observation);
    const of = (list) => client.batchSamplePosterior(list, 10, 0).then(() => 'taken', (error) => error.message);
    return Promise.all([[], [observation, embedding], [embedding.slice(1)]].map(of));
  });
  assert.match(said[0], /observations.*none: expected at least one/);
  assert.match(said[1], /observations.*not both/);
  assert.match(said[2], /embedding.*expected rows of/);
  await close();
});
