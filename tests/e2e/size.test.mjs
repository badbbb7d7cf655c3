/** What a visitor downloads does not grow unseen. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DIST } from './helpers.mjs';

/** MB compressed: 1.0 for what the page loads first, else what a build was when this was last changed and 3 % for other compilers. */
const LIMITS = { cpu: 1.0, relaxed: 1.0, threads: 1.075, hdf5: 0.23, gpu: 3.2, ndarray: 1.31 };

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
