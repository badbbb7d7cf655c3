/** Messages of the page: when they come and go, and that they cover no control. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { give, openPage, posteriorShown, serveForTests } from './helpers.mjs';

const site = serveForTests();

const SIZES = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
];
const NOTE_MS = 6000; // as in views/messages.js

/** Simulates a small set, which ends with a note. */
async function simulate(page) {
  await page.fill('#simulate-n', '150');
  await page.click('#simulate-run');
  await page.waitForSelector('.message.note');
}

/** The controls that a message lies over. */
const covered = (page) =>
  page.evaluate(() => {
    const box = document.querySelector('.message').getBoundingClientRect();
    return [...document.querySelectorAll('a, button, input, select, summary')]
      .filter((control) => {
        const c = control.getBoundingClientRect();
        return (
          !control.closest('.message') &&
          control.checkVisibility() &&
          c.left < box.right &&
          c.right > box.left &&
          c.top < box.bottom &&
          c.bottom > box.top
        );
      })
      .map((control) => control.id || control.textContent);
  });

for (const viewport of SIZES) {
  test(`a note covers no control and moves nothing in ${viewport.width} px`, async () => {
    const { page, close } = await openPage(site.url, { viewport, permissions: ['clipboard-write'] });
    await posteriorShown(page);
    const place = () => page.locator('#simulate-run').boundingBox();
    const before = await place();
    await simulate(page);
    assert.deepEqual(await covered(page), []);
    assert.deepEqual(await place(), before);
    await page.click('.message .dismiss');
    await page.click('#table button');
    await page.waitForSelector('.message.note:has-text("clipboard")');
    assert.deepEqual(await covered(page), []);
    await close();
  });

  test(`an error over the end of the page can be scrolled clear in ${viewport.width} px`, async () => {
    const { page, close } = await openPage(site.url, { viewport });
    await posteriorShown(page);
    await give(page, '#set-file', 'empty.npz', '');
    await page.waitForSelector('.message.error');
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    const [message, footer] = await Promise.all(['.message', 'footer p'].map((s) => page.locator(s).boundingBox()));
    assert.ok(message.y >= footer.y + footer.height || message.y + message.height <= footer.y);
    await close();
  });

  test(`the Simulate button stands beside the menu in ${viewport.width} px`, async () => {
    const { page, close } = await openPage(site.url, { viewport });
    await posteriorShown(page);
    const [menu, button, form] = await Promise.all(
      ['#simulate-task', '#simulate-run', '#simulate'].map((selector) => page.locator(selector).boundingBox()),
    );
    assert.ok(Math.abs(menu.y + menu.height / 2 - button.y - button.height / 2) < 3, 'on one line');
    assert.ok(button.x >= menu.x + menu.width && button.x + button.width <= form.x + form.width, 'beside it, inside');
    await close();
  });
}

test('a note goes by itself, but not while the pointer or the focus is on it; an error stays', async () => {
  const { page, close } = await openPage(site.url);
  await posteriorShown(page);
  await give(page, '#set-file', 'empty.npz', '');
  await page.waitForSelector('.message.error');
  const notes = page.locator('[role=status] > .message.note');
  await simulate(page);
  await notes.hover();
  await page.waitForTimeout(NOTE_MS + 1000);
  assert.equal(await notes.count(), 1, 'hovered over');
  await notes.locator('.dismiss').focus();
  await page.mouse.move(2, 300);
  await page.waitForTimeout(NOTE_MS + 1000);
  assert.equal(await notes.count(), 1, 'focused');
  await page.locator('#simulate-n').focus();
  await notes.waitFor({ state: 'detached', timeout: NOTE_MS + 2000 });
  assert.equal(await page.locator('[role=alert] > .message.error').count(), 1);
  await close();
});
