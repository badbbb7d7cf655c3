/** Simulations that are made in the page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();

/** Asks the page for `n` simulations of two_moons. */
async function simulate(page, n) {
  await page.selectOption('#simulate-task', 'two_moons');
  await page.fill('#simulate-n', String(n));
  await page.click('#simulate-run');
}

test('a simulator makes other simulations every time, after a reload too', async () => {
  const { page, close } = await openPage(site.url);
  const first = [];
  for (let visit = 0; visit < 2; visit += 1) {
    if (visit) await page.reload();
    await posteriorShown(page);
    for (let turn = 0; turn < 2; turn += 1) {
      const before = await page.locator('#set-info').innerText();
      await simulate(page, 200);
      await page.waitForFunction((old) => document.querySelector('#set-info').innerText !== old, before);
      first.push(await page.evaluate(async () => Array.from((await window.__flowglass.client.setRow(0)).theta).join()));
    }
  }
  assert.equal(new Set(first).size, first.length, 'no two sets begin alike');
  await close();
});

test('the name of a simulated set has the seed that makes it again', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await simulate(page, 200);
  const headline = page.locator('#set-info .headline:has-text("two_moons-seed")');
  const seed = Number(/seed(\d+)\.npz/.exec(await headline.innerText())[1]);
  const [shown, again] = await page.evaluate(async (seed) => {
    const { client } = window.__flowglass;
    const row = async () => Array.from((await client.setRow(0)).theta).join();
    const shown = await row();
    await client.readSet('again.npz', await client.simulate('two_moons', 200, seed));
    return [shown, await row()];
  }, seed);
  assert.equal(again, shown);
  await close();
});

test('a visitor without a file can simulate a set', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await simulate(page, 500);
  await page.waitForSelector('#set-info:has-text("500 simulations")');
  assert.match(await page.locator('#set-info').innerText(), /2 parameters · 2 data points/);
  await close();
});
