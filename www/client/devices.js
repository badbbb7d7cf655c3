/** Which device computes, and why: WebGPU on a real adapter that passes a self-test, else the CPU. */
import { loadBuild } from './builds.js';
import { failure } from './protocol.js';

/** Devices by preference, the folder each one's build is in, and their names on the page. */
export const DEVICES = Object.freeze({
  webgpu: { folder: 'gpu', name: 'GPU (WebGPU)' },
  flex: { folder: 'cpu', name: 'CPU (flex)' },
  ndarray: { folder: 'ndarray', name: 'CPU (ndarray)' },
});

const SOFTWARE = /swiftshader|llvmpipe|software|lavapipe|basic render/i;

// (module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)): valid only where there is SIMD.
const SIMD_MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

// (module (func (result v128) (f32x4.relaxed_madd x x x))), x being i32.const 0 i8x16.splat: valid only where there are
// fused multiply-adds.
const RELAXED_MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65,
  0, 253, 15, 253, 133, 2, 11,
];

const isValid = (module) => WebAssembly.validate(new Uint8Array(module));

/** Whether this browser's WebAssembly has SIMD. */
export const hasSimd = () => isValid(SIMD_MODULE);

/** Threads beyond this share the memory's bandwidth more than the work. */
const MOST_THREADS = 8;
/** How long workers may take to start before the CPU goes on with one thread. */
const POOL_MS = 10000;

/**
 * Threads that the CPU can use here: several where memory can be shared, and only in a worker, since a page's own thread
 * may not wait for others.
 */
const usableThreads = () => {
  const several = globalThis.crossOriginIsolated && globalThis.WorkerGlobalScope && isValid(RELAXED_MODULE);
  return several ? Math.min(navigator.hardwareConcurrency ?? 1, MOST_THREADS) : 1;
};

/** @returns {Promise<string|null>} why WebGPU is not for automatic use here, or null where it is. */
export async function whyNoWebGpu() {
  if (!globalThis.navigator?.gpu) return 'this browser offers no WebGPU';
  let adapter = null;
  try {
    adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch {
    // Some browsers reject instead of giving null; the sentence is the same.
  }
  if (!adapter) return 'WebGPU found no graphics adapter';
  const info = adapter.info ?? {};
  const words = [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');
  if (info.isFallbackAdapter || adapter.isFallbackAdapter || SOFTWARE.test(words)) {
    return `the only WebGPU adapter is emulated in software (${words || 'fallback adapter'})`;
  }
  return null;
}

/**
 * Hears of the loss of a graphics device that somebody else asks for: the build asks by itself, and the browser tells
 * only who has the device.
 * @returns {Promise<string>} why it was lost, if ever
 */
function nextDeviceLost() {
  const prototype = globalThis.GPUAdapter?.prototype;
  if (!prototype) return new Promise(() => {});
  const { requestDevice } = prototype;
  return new Promise((resolve) => {
    prototype.requestDevice = async function watched(...args) {
      prototype.requestDevice = requestDevice;
      const device = await requestDevice.apply(this, args);
      device.lost.then(({ message }) => resolve(`the graphics device was lost${message ? `: ${message}` : ''}`));
      return device;
    };
  });
}

/** Loads the build that has `device` and makes an engine on it. */
async function open(device) {
  const { folder, name } = DEVICES[device];
  const module = await loadBuild(folder, name);
  const lost = device === 'webgpu' ? nextDeviceLost() : null;
  return { engine: await module.Engine.create(device), lost };
}

/** Opens WebGPU and holds it to its self-test. */
async function openTested() {
  const opened = await open('webgpu');
  const test = await opened.engine.selfTest();
  if (test.ok) return { ...opened, test };
  throw failure(
    'device',
    `its self-test was off by ${test.max_abs_error.toExponential(1)} ` +
      `(allowed: ${test.tolerance.toExponential(1)})`,
  );
}

/** The workers of the build with threads, which start once. */
let pool = null;

/** Makes an engine on flex in the build with threads. */
async function openThreaded(threads) {
  const module = await loadBuild('threads', 'CPU (flex) with threads');
  let timer;
  pool ??= Promise.race([
    module.initThreadPool(threads - 1), // this worker is one of them
    new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('its threads did not start')), POOL_MS);
    }),
  ]).finally(() => clearTimeout(timer));
  await pool;
  return { engine: await module.Engine.create('flex'), lost: null, threads };
}

/** Makes an engine on flex in the build with fused multiply-adds. */
async function openRelaxed() {
  const module = await loadBuild('relaxed', 'CPU (flex) with relaxed SIMD');
  return { engine: await module.Engine.create('flex'), lost: null };
}

/** Makes an engine on flex in the fastest build that works here, with `threads` threads where they can be had. */
async function openFlex(threads) {
  const builds = [
    ...(threads > 1 ? [() => openThreaded(threads)] : []),
    ...(isValid(RELAXED_MODULE) ? [openRelaxed] : []),
  ];
  for (const build of builds) {
    try {
      return await build();
    } catch (error) {
      console.warn(`Flowglass goes on with a slower build: ${error.message ?? error}`);
    }
  }
  return open('flex');
}

function described({ engine, lost, threads = 1 }, reason) {
  const info = { ...engine.deviceInfo(), threads, reason };
  if (threads > 1) info.label += `, ${threads} threads`;
  return { engine, lost, info };
}

/** The best build for the CPU. `because`: why it is not the GPU, or '' where that was not asked. */
async function openCpu(because, threads) {
  if (hasSimd()) {
    try {
      return described(await openFlex(threads), because);
    } catch (error) {
      if (error.code !== 'device') throw error;
      return described(await open('ndarray'), error.message);
    }
  }
  return described(await open('ndarray'), [because, 'its WebAssembly has no SIMD'].filter(Boolean).join(', and '));
}

/** Makes an engine on a device that was chosen by hand, which may be a software adapter. */
async function openByHand(device, threads) {
  if (device === 'flex') return openFlex(threads);
  try {
    return await open(device);
  } catch (error) {
    // The build tells of a missing adapter in words of its own.
    const adapter = device !== 'webgpu' || (await navigator.gpu?.requestAdapter().catch(() => null));
    throw adapter ? error : failure('device', `${DEVICES.webgpu.name}: ${await whyNoWebGpu()}`);
  }
}

/**
 * An engine on the device that was asked for, or on the best one there is.
 * @param {'auto'|'cpu'|'webgpu'|'flex'|'ndarray'} wanted `cpu` asks no graphics adapter, so it is there soonest
 * @param {number|null} most threads on the CPU; null for as many as there are cores. One is all there is where the page is
 *   not cross-origin isolated
 * @returns {Promise<{engine: object, info: {device: string, label: string, threads: number, reason: string},
 *   lost: Promise<string>|null}>} `lost` says why the graphics device was lost, if that happens
 */
export async function openEngine(wanted = 'auto', most = null) {
  const usable = usableThreads();
  const threads = most ? Math.min(most, usable) : usable;
  if (wanted === 'cpu') return openCpu('', threads);
  if (wanted !== 'auto') {
    if (!DEVICES[wanted]) {
      throw failure('option', `device = ${wanted}: expected auto, cpu, ${Object.keys(DEVICES).join(', ')}`);
    }
    return described(await openByHand(wanted, threads), 'chosen by hand');
  }
  let because = await whyNoWebGpu();
  if (because === null) {
    try {
      const { test, ...opened } = await openTested();
      return described(opened, `the graphics adapter passed its self-test in ${test.seconds.toFixed(1)} s`);
    } catch (error) {
      because = `WebGPU is here but ${error.code === 'device' ? error.message : `failed: ${error.message ?? error}`}`;
    }
  }
  return openCpu(because, threads);
}
