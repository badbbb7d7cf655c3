/** The evidence lower bound with a likelihood of the user's own, through the client. The build is in FLOWGLASS_DIST. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineWorker, gaussian, npy, npz, openPage, posteriorShown, serveForTests, slowly } from './helpers.mjs';

const site = serveForTests();

const SIGMA = 0.5;
const T = Array.from({ length: 8 }, (_, i) => 1 + i);

/** ln p(x | theta) of a line, x = offset + slope (t - 4.5) / 3.5, and its gradient. Runs in the page's worker. */
const line = (theta, { values, sigma, wavelengths }) => {
  let value = 0;
  const gradient = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const t = (wavelengths[i] - 4.5) / 3.5;
    const off = (values[i] - theta[0] - theta[1] * t) / sigma[i];
    value -= 0.5 * off * off;
    gradient[0] += off / sigma[i];
    gradient[1] += (off * t) / sigma[i];
  }
  return { value, gradient };
};

/** Simulations of that line. Their theta belong to other simulations, because the bound does not use theta. */
function lineSet(n = 1500) {
  const { uniform, normal } = gaussian(5);
  const draw = () => [6 * uniform() - 3, 6 * uniform() - 3];
  const observe = ([a, b]) => T.map((t) => a + (b * (t - 4.5)) / 3.5 + SIGMA * normal());
  const x = Array.from({ length: n }, draw).flatMap(observe);
  return npz({
    theta: npy([n, 2], Array.from({ length: n }, draw).flat()),
    x: npy([n, T.length], x, { descr: '<f4' }),
    sigma: npy(
      [T.length],
      T.map(() => SIGMA),
    ),
    wavelengths: npy([T.length], T),
    parameter_names: npy([2], ['offset', 'slope'], { descr: '<U6' }),
    prior_low: npy([2], [-3, -3]),
    prior_high: npy([2], [3, 3]),
  }).toString('base64');
}

const CONFIG = {
  training_objective: 'elbo',
  num_epochs: 16,
  batch_size: 32,
  learning_rate: 4e-3,
  use_cosine_schedule: true,
  elbo_num_samples: 4,
  spectrum_encoder_type: 'mlp',
  hidden_dim: 24,
  embedding_dim: 16,
  spectrum_embedding_dim: 16,
  num_coupling_layers: 2,
};
const SHORT = { ...CONFIG, num_epochs: 2, elbo_num_samples: 1 };

/** Modules beside the page's own, by name. */
const MODULES = {
  'line.js': `export default ${line};`,
  'imports.js': "import line from './line.js'; export default (theta, observation) => line(theta, observation);",
  'nothing.js': 'export const likelihood = 1;',
};

/**
 * A page with the set read, `window.line`, and `window.attempt(engine, config, likelihood)`, which trains to the end.
 */
async function opened(options = {}) {
  const prepare = async (page) => {
    await options.prepare?.(page);
    for (const [name, body] of Object.entries(MODULES)) {
      await page.route(`**/${name}`, (route) => route.fulfill({ contentType: 'text/javascript', body }));
    }
  };
  const shown = await openPage(site.url, { ...options, prepare });
  await posteriorShown(shown.page, 120000);
  await shown.page.evaluate(async (base64) => {
    window.setBytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    await window.__flowglass.client.readSet('line.npz', window.setBytes);
    window.line = (await import(new URL('line.js', location.href))).default;
    window.attempt = async (engine, config, likelihood) => {
      const losses = [];
      const onEvent = (event) => {
        if (event.kind === 'epoch') losses.push(event.validation_loss);
      };
      try {
        const { status } = await engine.train(config, { likelihood, onEvent }).done;
        return { status, losses };
      } catch ({ code, message, summary }) {
        return { code, message, epochs: summary?.history.length };
      }
    };
  }, lineSet());
  return shown;
}

/** Mean and standard deviation of each parameter, drawn for the data without noise of `theta`. */
const moments = (page, theta) =>
  page.evaluate(
    async ([[a, b], t, sigma]) => {
      const observation = {
        values: t.map((v) => a + (b * (v - 4.5)) / 3.5),
        sigma: t.map(() => sigma),
        wavelengths: t,
      };
      const { draws, n } = await window.__flowglass.client.samplePosterior(observation, 4000, 3);
      return [0, 1].map((j) => {
        const column = Array.from({ length: n }, (_, i) => draws[2 * i + j]);
        const mean = column.reduce((sum, v) => sum + v, 0) / n;
        return { mean, std: Math.sqrt(column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n) };
      });
    },
    [theta, T, SIGMA],
  );

/** The closed form: t is centered, so that offset and slope are independent. */
const STD = [SIGMA / Math.sqrt(T.length), SIGMA / Math.sqrt(T.reduce((sum, t) => sum + ((t - 4.5) / 3.5) ** 2, 0))];

/** Compares posteriors for a few truths: after a short training, means are within 0.35 widths, and widths within 20 %. */
async function assertClosedForm(page, say) {
  for (const theta of [
    [0, 0],
    [1, -0.7],
    [-1.2, 1],
  ]) {
    (await moments(page, theta)).forEach(({ mean, std }, j) => {
      const [off, width] = [(mean - theta[j]) / STD[j], std / STD[j]].map((v) => v.toFixed(2));
      say(`${theta}, parameter ${j}: off by ${off}, width ${width}`);
      assert.ok(Math.abs(mean - theta[j]) < 0.35 * STD[j], `mean ${mean}, expected ${theta[j]}`);
      assert.ok(std > 0.8 * STD[j] && std < 1.2 * STD[j], `width ${std}, expected ${STD[j]}`);
    });
  }
}

test('a function of the page recovers the closed form in the worker', { timeout: 300000 }, async (t) => {
  const { page, close } = await opened();
  const { status, message } = await page.evaluate(
    (config) => window.attempt(window.__flowglass.client, config, window.line),
    CONFIG,
  );
  assert.equal(status, 'finished', message);
  await assertClosedForm(page, (text) => t.diagnostic(text));
  await close();
});

test('a function, a method, a module and the engine in this thread train alike', { timeout: 300000 }, async () => {
  const { page, close } = await opened();
  const found = await page.evaluate(async (config) => {
    const { client } = window.__flowglass;
    const { LocalFlowglass } = await import(new URL('client/engine.js', location.href));
    const local = await LocalFlowglass.create({ device: 'flex' });
    await local.readSet('line.npz', window.setBytes);
    // A likelihood for the engine in this thread may use variables from outside of it.
    const closing = (theta, observation) => window.line(theta, observation);
    const methods = {
      likelihood({ 0: a, 1: b }, { values, sigma, wavelengths }) {
        const total = { value: 0, gradient: Float32Array.of(0, 0) };
        values.forEach((x, i) => {
          const t = (wavelengths[i] - 4.5) / 3.5;
          const off = (x - a - b * t) / sigma[i];
          total.value -= 0.5 * off * off;
          total.gradient[0] += off / sigma[i];
          total.gradient[1] += (off * t) / sigma[i];
        });
        return total;
      },
    };
    return {
      function: await window.attempt(client, config, window.line),
      method: await window.attempt(client, config, methods.likelihood),
      url: await window.attempt(client, config, new URL('imports.js', location.href)),
      address: await window.attempt(client, config, 'line.js'),
      inThread: await window.attempt(local, config, closing),
      inThreadUrl: await window.attempt(local, config, 'imports.js'),
    };
  }, SHORT);
  assert.equal(found.function.status, 'finished', found.function.message);
  assert.equal(found.function.losses.length, 2);
  for (const [way, { losses, message }] of Object.entries(found)) {
    assert.ok(losses, `${way}: ${message}`);
    // The method's gradient is in float32.
    for (const [i, loss] of losses.entries()) {
      assert.ok(Math.abs(loss - found.function.losses[i]) < 1e-3 * Math.abs(loss), way);
    }
  }
  assert.deepEqual(found.url.losses, found.function.losses);
  assert.deepEqual(found.inThread.losses, found.function.losses);
  await close();
});

test('an exception in the function keeps what was trained', async () => {
  const { page, close } = await opened();
  const found = await page.evaluate(async (config) => {
    const { client } = window.__flowglass;
    const before = (await client.modelSummary()).history.length;
    const atOnce = await window.attempt(client, config, () => {
      throw new Error('the opacity table ends');
    });
    const untouched = (await client.modelSummary()).history.length === before;
    // In the second epoch: an epoch is 42 steps of 32 and a validation of 150, after 51 calls before training.
    const late = await window.attempt(client, { ...config, num_epochs: 40 }, (theta, { values }) => {
      self.calls = (self.calls ?? 0) + 1;
      if (self.calls > 51 + 42 * 32 + 150 + 500) throw new RangeError('the opacity table ends');
      return { value: values[0] * theta[0] - theta[1] ** 2, gradient: [values[0], -2 * theta[1]] };
    });
    const kept = (await client.modelSummary()).history.length;
    const after = await window.attempt(client, config, window.line);
    return { atOnce, untouched, late, kept, after };
  }, SHORT);
  assert.equal(found.atOnce.code, 'likelihood');
  assert.equal(found.atOnce.message, 'likelihood: the opacity table ends');
  assert.ok(found.untouched, 'the model stays what it was');
  assert.equal(found.late.message, 'likelihood: RangeError: the opacity table ends');
  assert.equal(found.late.epochs, 1);
  assert.equal(found.kept, 1);
  assert.equal(found.after.status, 'finished', found.after.message);
  await close();
});

test('what cannot be a likelihood is refused with the reason', { timeout: 300000 }, async () => {
  const { page, close } = await opened({ expected: /nowhere\.js/ });
  const found = await page.evaluate(async (config) => {
    const { client } = window.__flowglass;
    const outside = window.line;
    const cases = {
      promise: async () => ({ value: 0, gradient: [0, 0] }),
      nothing: () => {},
      text: () => ({ value: '0', gradient: [0, 0] }),
      noGradient: () => ({ value: 0 }),
      badGradient: () => ({ value: 0, gradient: 3 }),
      longGradient: () => ({ value: 0, gradient: [1, 2, 3] }),
      wrongSign: (theta) => ({ value: theta[0] + theta[1], gradient: [1, -1] }),
      closure: (theta, observation) => outside(theta, observation),
      bound: window.line.bind(null),
      noDefault: 'nothing.js',
      missing: 'nowhere.js',
    };
    const said = {};
    for (const [name, given] of Object.entries(cases)) said[name] = await window.attempt(client, config, given);
    said.npe = await window.attempt(client, { ...config, training_objective: 'npe', elbo_num_samples: 1 }, outside);
    said.named = await window.attempt(client, { ...config, likelihood: 'transit' }, outside);
    said.none = await window.attempt(client, config);
    return said;
  }, SHORT);
  for (const [name, code, pattern] of [
    ['promise', 'likelihood', /a promise.*expected \{ value, gradient \}/],
    ['nothing', 'likelihood', /returned undefined/],
    ['text', 'likelihood', /without a value that is a number/],
    ['noGradient', 'likelihood', /without a gradient/],
    ['badGradient', 'likelihood', /gradient.*expected an array of numbers/],
    ['longGradient', 'likelihood', /a gradient of 3 numbers: expected 2, one each for offset, slope/],
    ['wrongSign', 'likelihood', /gradient for slope is -1\.0*e0, where differences of the value give 1\.0*e0/],
    ['closure', 'likelihood', /outside is not defined.*runs in a worker/],
    ['bound', 'likelihood', /source cannot be handed to a worker/],
    ['noDefault', 'likelihood', /nothing\.js: expected one whose default export is a function/],
    ['missing', 'likelihood', /nowhere\.js could not be loaded/],
    ['npe', 'option', /training_objective = npe/],
    ['named', 'option', /likelihood = transit: expected none/],
    ['none', 'option', /likelihood = none/],
  ]) {
    assert.equal(found[name].code, code, `${name}: ${JSON.stringify(found[name])}`);
    assert.match(found[name].message, pattern, name);
  }
  await close();
});

test('a worker that follows one that died is handed the likelihood again', { timeout: 300000 }, async () => {
  const { page, close } = await opened({ expected: /a test/, query: `?${slowly()}` });
  const config = { ...SHORT, num_epochs: 20 };
  const alone = await page.evaluate(
    (options) => window.attempt(window.__flowglass.client, options, window.line),
    config,
  );
  assert.equal(alone.status, 'finished', alone.message);
  await page.evaluate((options) => {
    window.started = [];
    const onEvent = (event) => {
      if (event.kind === 'started') window.started.push(event.step);
      if (event.kind === 'epoch') window.last = event.validation_loss;
    };
    const onCheckpoint = () => {
      window.kept = true;
    };
    window.run = window.__flowglass.client.train(options, { likelihood: window.line, onEvent, onCheckpoint });
  }, config);
  await page.waitForFunction(() => window.kept, null, { timeout: 120000 });
  await engineWorker(page).evaluate(() => {
    setTimeout(() => {
      throw new Error('a test');
    });
  });
  const { status } = await page.evaluate(() => window.run.done);
  assert.equal(status, 'finished');
  const { started, last } = await page.evaluate(() => ({ started: window.started, last: window.last }));
  assert.equal(started.length, 2);
  assert.ok(started[1] > 0, 'it does not begin anew');
  assert.equal(last, alone.losses.at(-1));
  await close();
});
