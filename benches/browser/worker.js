/**
 * A module worker that holds Flowglass's engine and times it: posts each measurement as `{line}`, asks for the browser's
 * CPU time by `{ask: 'cpu'}`, and ends with `{done: true}` or `{failed}`.
 */
const STEPS = 20;
/** Most runs that are measured; the peers have the same limit. */
const MOST = 60;
const SIMULATIONS = 2048;
/** Milliseconds of the pull in which the steps are counted. */
const COUNTED_MS = 10_000;
/** Milliseconds after which the browser has compiled everything. Until then its compiler takes a core from the steps. */
const COMPILED_MS = 5000;
const WORKLOADS = { R: 'spline', A: 'affine', M: 'autoregressive', N: 'neural_autoregressive' };

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
};

const answers = [];
const cpuSeconds = () =>
  new Promise((resolve) => {
    answers.push(resolve);
    postMessage({ ask: 'cpu' });
  });

/** @param {{base: string, build: string, device: string, workload: string, operations: string[], budget: number}} options */
async function measure({ base, build, device, workload, operations, budget, label, threads }) {
  if (device === 'webgpu') await import('./counters.js');
  const { default: init, Engine, ...module } = await import(`${base}pkg/${build}/flowglass.js`);
  const { memory } = await init();
  if (threads > 1) await module.initThreadPool(threads - 1);
  const engine = await Engine.create(device);
  const wanted = (operation) => !operations.length || operations.includes(operation);
  const common = { peer: label, workload, threads };

  /** Two runs to warm up, then as many as the budget allows, but no more than `most`. */
  async function timed(operation, run, most = MOST) {
    if (!wanted(operation)) return;
    const began = performance.now();
    await run();
    const first = (performance.now() - began) / 1000;
    await run();
    const times = [];
    const counted = globalThis.counters?.();
    const cpu = await cpuSeconds();
    const start = performance.now();
    while (times.length < most) {
      const at = performance.now();
      await run();
      times.push((performance.now() - at) / 1000);
      if (times.length >= 5 && performance.now() - start > 1000 * budget) break;
    }
    const after = globalThis.counters?.();
    const used = (await cpuSeconds()) - cpu;
    postMessage({
      line: {
        ...common,
        op: operation,
        median_s: median(times),
        min_s: Math.min(...times),
        max_s: Math.max(...times),
        runs: times.length,
        cpu_mean_s: used / times.length,
        first_s: first,
        memory_mib: memory.buffer.byteLength / 2 ** 20,
        ...(counted && {
          gpu: Object.fromEntries(Object.keys(after).map((k) => [k, (after[k] - counted[k]) / times.length])),
        }),
      },
    });
  }

  const latest = ({ events }) => events.findLast(({ kind }) => kind === 'progress').step;

  /** Counts what one step asks of a GPU in a pull of several steps, which reads the loss only at its end. */
  async function countedPull(operation) {
    const step = latest(await engine.trainRun(0));
    const before = counters();
    const steps = latest(await engine.trainRun(COUNTED_MS)) - step;
    const after = counters();
    const { read_backs: reads, ...gpu } = Object.fromEntries(Object.keys(after).map((k) => [k, after[k] - before[k]]));
    for (const key of Object.keys(gpu)) gpu[key] /= steps;
    postMessage({ line: { ...common, op: operation, steps, read_backs_of_all: reads, gpu } });
  }

  /** Trains as the page does, pull by pull, ends of epochs included: steps and milliseconds. */
  async function trainedFor(most) {
    const { PULL_MS } = await import(`${base}client/engine.js`);
    const before = latest(await engine.trainRun(0));
    const start = performance.now();
    for (;;) {
      const steps = latest(await engine.trainRun(PULL_MS)) - before;
      const ms = performance.now() - start;
      if (ms >= most) return { steps, ms };
    }
  }

  engine.readSet('transit.npz', engine.simulate('transit', SIMULATIONS, 1));
  const config = { flow_family: WORKLOADS[workload], num_epochs: 1e6, validation_fraction: 0 };
  for (const batch of [32, 256]) {
    if (batch === 256 && !['train_step_b256', 'train_pull_b256', 'later_step_b256', 'training_b256'].some(wanted))
      continue;
    engine.trainStart({ ...config, batch_size: batch });
    // A pull of 0 ms is one step, at whose end the loss is read.
    await timed(`train_step_b${batch}`, () => engine.trainRun(0));
    if (globalThis.counters && wanted(`train_pull_b${batch}`)) await countedPull(`train_pull_b${batch}`);
    for (let i = 0; i < STEPS && device !== 'webgpu'; i++) await engine.trainRun(0);
    const [later, training] = [`later_step_b${batch}`, `training_b${batch}`];
    if ((wanted(later) || wanted(training)) && device !== 'webgpu') {
      await trainedFor(COMPILED_MS);
      await timed(later, () => engine.trainRun(0), Infinity);
      if (wanted(training)) {
        const { steps, ms } = await trainedFor(1000 * budget);
        postMessage({ line: { ...common, op: training, mean_s: ms / steps / 1000, runs: steps } });
      }
    }
    await engine.trainFinish();
  }
  const observations = Array.from({ length: 256 }, (_, i) => engine.setRow(i).observation);
  const { draws } = await engine.samplePosterior(observations[0], 10_000, 0, 'unconstrained');
  await timed('sample_10k', () => engine.samplePosterior(observations[0], 10_000, 0, 'unconstrained'));
  await timed('log_prob_10k', () => engine.logProb(observations[0], draws, 'unconstrained'));
  await timed('batch_sample_256x100', () => engine.batchSamplePosterior(observations, 100, 0, 'unconstrained'));
  await timed('sample_100k', () => engine.samplePosterior(observations[0], 100_000, 0, 'unconstrained'));
}

addEventListener('message', ({ data }) => {
  if (data.cpu !== undefined) return void answers.shift()(data.cpu);
  measure(data).then(
    () => postMessage({ done: true }),
    (error) => postMessage({ failed: String(error?.message ?? error) }),
  );
});
