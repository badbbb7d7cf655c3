/** Constants that stand in two files, because neither can read the other, are equal in both. No browser. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { serve } from '../../www/serve.mjs';

const source = (path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the server and the service worker send the same headers for several threads', async (t) => {
  const literal =
    /const ISOLATION = \{([\s\S]*?)\};/.exec(await source('www/isolation.js'))?.[1] ?? assert.fail('no headers');
  const ours = [...literal.matchAll(/'([\w-]+)': '([\w-]+)'/g)].map(([, name, value]) => [name, value]);
  assert.equal(ours.length, 3);
  const site = await serve(new URL('../../www', import.meta.url).pathname);
  t.after(() => site.close());
  const { headers } = await fetch(site.url);
  for (const [name, value] of ours) assert.equal(headers.get(name), value, name);
});

test('the client reads files as large as the converter of HDF5 makes them', async () => {
  const client = /const MAX_FILE_BYTES = ([\d.]+) \* 2 \*\* 30;/.exec(await source('www/client/convert.js'));
  const array = /MAX_ARRAY: u64 = if cfg!\(target_arch = "wasm32"\) \{ 1 << (\d+) \}/.exec(
    await source('src/files/npy_header.rs'),
  );
  const arrays = /const MAX_ARRAYS: u64 = MAX_ARRAY \/ (\d+) \* (\d+);/.exec(
    await source('src/files/hdf5_to_safetensors.rs'),
  );
  assert.ok(client && array && arrays, 'the limits are where they were');
  assert.equal(Number(client[1]) * 2 ** 30, (2 ** Number(array[1]) / Number(arrays[1])) * Number(arrays[2]));
});
