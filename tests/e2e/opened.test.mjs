/** What a visitor reads where the page cannot start. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { DIST, openPage, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();

/** All that a visitor reads, from the top. */
const text = (page) => page.locator('body').innerText();

test('a page that was opened as a file says first how to open it', async () => {
  const url = pathToFileURL(resolve(DIST, 'index.html')).href;
  const { page, close } = await openPage(url, { expected: /file:/ });
  assert.match(await text(page), /^\s*Opened as a file, this page cannot start\..*http\.server/s);
  await close();
});

test('a page without one of its scripts says so first', async () => {
  const { page, close } = await openPage(site.url, {
    expected: /404/,
    prepare: (p) => p.route('**/page/steps/train.js', (route) => route.fulfill({ status: 404, body: '' })),
  });
  await page.waitForSelector('#not-loaded');
  assert.match(await text(page), /^\s*This page is not complete: one of its scripts did not load\./);
  assert.equal(await page.isVisible('#not-served'), false);
  await close();
});

test('a page that starts says neither', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  for (const told of ['#not-served', '#not-loaded']) assert.equal(await page.isVisible(told), false);
  await close();
});
