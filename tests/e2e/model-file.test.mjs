/** The headers of model files against docs/reference/model-file.schema.json. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Validator } from '@cfworker/json-schema';
import { openPage, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();
const root = new URL('../../', import.meta.url);
const schema = JSON.parse(await readFile(new URL('docs/reference/model-file.schema.json', root), 'utf8'));
const validator = new Validator(schema, '2020-12', false);

/** The header of a model in tests/reference/model-file. */
async function headerOf(name) {
  const bytes = await readFile(new URL(`tests/reference/model-file/${name}.safetensors`, root));
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__ } = JSON.parse(bytes.subarray(8, 8 + length).toString());
  return JSON.parse(__metadata__.flowglass);
}

function assertFits(header) {
  const { valid, errors } = validator.validate(header);
  assert.ok(valid, JSON.stringify(errors.slice(-3)));
}

test('headers written by hand fit the schema', async () => {
  for (const name of ['coupling', 'made', 'network']) assertFits(await headerOf(name));
});

test('the header of a model in the page fits the schema', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  const header = await page.evaluate(() => window.__flowglass.client.metadata());
  assert.equal(header.format_version, 4);
  assert.equal(header.flows[0].layers.length, 4);
  assertFits(header);
  await close();
});

test('the schema finds what is wrong with a header', async () => {
  const changes = {
    'an unknown kind of layer': (h) => (h.flows[0].layers[0].kind = 'lu_linear'),
    'an activation that cannot be computed': (h) => (h.flows[0].layers[0].conditioner.activation = 'tanh'),
    'learned end slopes': (h) => (h.flows[0].layers[0].map.end_derivatives = 'learned'),
    'an unknown key': (h) => (h.flows[0].layers[0].map.dropout = 0.1),
    'no bound': (h) => delete h.flows[0].layers[0].map.bound,
    'a base without its degrees of freedom': (h) => delete h.flows[0].base.degrees_of_freedom,
    'a standard deviation of zero': (h) => (h.space.std[0] = 0),
    'no flow': (h) => (h.flows = []),
  };
  for (const [what, change] of Object.entries(changes)) {
    const header = await headerOf('coupling');
    change(header);
    assert.equal(validator.validate(header).valid, false, what);
  }
});
