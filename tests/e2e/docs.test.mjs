/** The documentation: its JavaScript runs in a browser as it is written, and its site works. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openPage, serveForTests, startSite } from './helpers.mjs';

const site = serveForTests();
const ROOT = new URL('../../', import.meta.url);

/** The pages with JavaScript. Each begins with these simulations, and with a model of them where it speaks of one. */
const PAGES = [
  { page: 'README.md', simulator: 'two_moons', observation: 'x_1,x_2\n0.1,0.2\n' },
  { page: 'docs/guide/your-simulator.md', simulator: 'two_moons' },
  { page: 'docs/guide/training.md', simulator: 'two_moons' },
  { page: 'docs/guide/in-your-page.md', simulator: 'two_moons', html: '<div id="corner"></div>' },
  { page: 'docs/guide/your-files.md', csv: 'theta:slope,x_1,x_2\n0.5,0.5,1\n-0.5,-0.4,-1\n0.1,0.2,0.2\n' },
  { page: 'docs/guide/checking.md', simulator: 'two_moons', train: { num_epochs: 1, spectrum_encoder_type: 'mlp' } },
  {
    page: 'docs/guide/likelihoods.md',
    simulator: 'gaussian_linear_uniform',
    modules: { 'my-likelihood.js': 'export default (theta) => ({ value: 0, gradient: Array.from(theta, () => 0) });' },
  },
];

/** The blocks of JavaScript on a page, one after another. */
function javascript(markdown) {
  return [...markdown.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code).join('\n');
}

/**
 * Code as a module with one function, which is given what the code does not make by itself. Imports go to the top, since
 * they cannot be inside of a function.
 */
function asModule(code) {
  const isImport = (line) => line.startsWith('import ');
  const lines = code.split('\n');
  const body = lines.filter((line) => !isImport(line)).join('\n');
  const given = ['flowglass', 'file', 'fresh', 'spectrum'].filter((name) => !body.includes(`const ${name} =`));
  return `${lines.filter(isImport).join('\n')}\nexport default async ({ ${given.join(', ')} }) => {\n${body}\n};\n`;
}

/** Runs code in a page of the site that has nothing else but `html`. */
async function run(code, { simulator, observation = '', csv = null, train = null, modules = {}, html = '' }) {
  const serve = (page, name, contentType, body) =>
    page.route(`**/${name}`, (route) => route.fulfill({ contentType, body }));
  const prepare = async (page) => {
    await serve(
      page,
      'example.html',
      'text/html',
      `<!doctype html><title>Example</title><link rel="icon" href="data:,">${html}`,
    );
    await serve(page, 'example.mjs', 'text/javascript', asModule(code));
    for (const [name, body] of Object.entries(modules)) await serve(page, name, 'text/javascript', body);
  };
  const { page, close } = await openPage(site.url, { query: 'example.html', prepare });
  await page.evaluate(
    async (given) => {
      const { Flowglass } = await import('/client/index.js');
      const { default: example } = await import('/example.mjs');
      const flowglass = await Flowglass.create({ device: 'cpu' });
      const simulated = async (seed) =>
        given.csv ? new Blob([given.csv]) : new Blob([await flowglass.simulate(given.simulator, 200, seed)]);
      const [file, fresh, spectrum] = [await simulated(1), await simulated(2), new Blob([given.observation])];
      await flowglass.readSet(given.csv ? 'set.csv' : 'set.npz', file);
      if (given.train) await flowglass.train(given.train).done;
      await example({ flowglass, file, fresh, spectrum });
      await flowglass.close();
    },
    { simulator, observation, csv, train },
  );
  await close();
}

for (const example of PAGES) {
  test(`the JavaScript of ${example.page} runs as it is written`, async () => {
    const code = javascript(await readFile(new URL(example.page, ROOT), 'utf8'));
    assert.notEqual(code, '', 'the page has JavaScript');
    await run(code, example);
  });
}

test('JavaScript that calls what does not exist is noticed', async () => {
  const code = javascript('```js\nawait flowglass.noSuchCall(file);\n```\n');
  await assert.rejects(run(code, PAGES[0]), /noSuchCall/);
});

/** The addresses that a page of the site leads to, inside the site. */
const links = (html, from) =>
  [...html.matchAll(/(?:href|src)="([^"#]+)/g)]
    .map(([, target]) => new URL(target, from).href)
    .filter((target) => target.startsWith('http:'));

test('below a path, the page leads to the documentation, and every link of both to something that is there', async () => {
  const below = await startSite('/people/someone/');
  const start = `${below.url}index.html`;
  const [seen, open] = [new Set([start]), [start]];
  while (open.length) {
    const from = open.pop();
    const answer = await fetch(from);
    assert.equal(answer.status, 200, from);
    // The reference of Rust is rustdoc's.
    const isPage = /\.html$/.test(from) && !from.includes('/docs/rust/');
    for (const target of isPage ? links(await answer.text(), from) : []) {
      assert.ok(target.startsWith(below.url), `${from} leads to ${target}`);
      if (!seen.has(target)) open.push(target);
      seen.add(target);
    }
  }
  assert.ok(seen.has(`${below.url}docs/guide/first-model.html`), [...seen].join('\n'));
  await below.close();
});

test('the documentation can be searched, without any other host', async () => {
  const { page, close } = await openPage(site.url, { query: 'docs/index.html' });
  await page.click('#mdbook-search-toggle');
  await page.locator('#mdbook-searchbar').pressSequentially('ensemble');
  await page.waitForSelector('#mdbook-searchresults li a');
  const found = await page.$$eval('#mdbook-searchresults li a', (all) => all.map((a) => a.textContent));
  assert.ok(
    found.some((title) => /Training/.test(title)),
    found.join('; '),
  );
  await close();
});
