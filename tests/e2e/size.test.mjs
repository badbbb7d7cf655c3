/** The builds that a visitor downloads stay below a limit. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DIST } from './helpers.mjs';

/** MB compressed. */
const LIMITS = { cpu: 1.19, relaxed: 1.19, threads: 1.25, hdf5: 0.23, gpu: 2.8, ndarray: 1.49 };

test('no build is larger than its limit', (t) => {
  const builds = readdirSync(`${DIST}/pkg`).filter((name) => !name.startsWith('.'));
  assert.ok(builds.includes('cpu'), 'the build that the page loads first is there');
  for (const build of builds) {
    const megabytes = gzipSync(readFileSync(`${DIST}/pkg/${build}/flowglass_bg.wasm`), { level: 9 }).length / 1e6;
    t.diagnostic(`${build}: ${megabytes.toFixed(2)} MB compressed`);
    assert.ok(
      megabytes <= LIMITS[build],
      `${build}: ${megabytes.toFixed(2)} MB compressed; the limit is ${LIMITS[build]}`,
    );
  }
});
