/** Which device computes, and why: WebGPU on a real adapter that passes a self-test, else the CPU. */
/** @import { DeviceChoice, DeviceInfo, DeviceName, FlowglassError, SelfTest } from './index.d.ts' */
/** @import { Engine } from './wasm.d.ts' */
import { loadBuild } from './builds.js';
import { failure, messageOf } from './protocol.js';
import { offBy } from './self-test.js';
import { BY_HAND } from './timing.js';

/**
 * The folder of each device's build.
 * @type {Readonly<Record<DeviceName, string>>}
 */
const FOLDERS = Object.freeze({ webgpu: 'gpu', flex: 'cpu', ndarray: 'ndarray' });

/** The devices, by preference. */
export const DEVICES = Object.freeze(/** @type {DeviceName[]} */ (Object.keys(FOLDERS)));

/**
 * An engine on a device.
 * @typedef {object} Opened
 * @property {Engine} engine
 * @property {Promise<string>|null} lost says why the graphics device was lost, if that happens
 * @property {number} [threads]
 */

/** @typedef {{threads: number, at: string}} How how many threads a build may use, and where the builds are */

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

/** @param {number[]} module */
const isValid = (module) => WebAssembly.validate(new Uint8Array(module));

/** Whether this browser's WebAssembly has SIMD. */
export const hasSimd = () => isValid(SIMD_MODULE);

/** Whether this thread is a worker, in which only Flowglass runs. */
const isInWorker = () => 'WorkerGlobalScope' in globalThis;

/** Largest number of threads; more would only compete for the memory's bandwidth. */
const MOST_THREADS = 8;
/** Milliseconds that the threads may take to start; after that the CPU goes on with one thread. */
const POOL_MS = 10000;

/**
 * The number of threads that the CPU can use here. Several need shared memory and a worker: a page's own thread must
 * not wait for others.
 */
const usableThreads = () => {
  const several = globalThis.crossOriginIsolated && isInWorker() && isValid(RELAXED_MODULE);
  return several ? Math.min(navigator.hardwareConcurrency ?? 1, MOST_THREADS) : 1;
};

/**
 * The reason why WebGPU is not chosen automatically here.
 * @returns {Promise<string|null>} the end of a sentence; null if it can be tried
 */
export async function whyNoWebGpu() {
  if (!globalThis.navigator?.gpu) return 'this browser offers no WebGPU';
  let adapter = null;
  try {
    adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch {
    // Some browsers reject instead of giving null; the sentence is the same.
  }
  if (!adapter) return 'WebGPU found no graphics adapter';
  // Older browsers have no `info`, or have `isFallbackAdapter` on the adapter itself.
  const info = adapter.info ?? /** @type {Partial<GPUAdapterInfo>} */ ({});
  const { isFallbackAdapter } = info.isFallbackAdapter === undefined && 'isFallbackAdapter' in adapter ? adapter : info;
  const words = [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');
  if (isFallbackAdapter || SOFTWARE.test(words)) {
    return `the only WebGPU adapter is emulated in software (${words || 'fallback adapter'})`;
  }
  return null;
}

/**
 * Watches the next graphics device that is requested, and tells when it is lost. The build requests its device itself
 * and does not hand it out, so the request is intercepted. This happens only in a worker, in which only Flowglass runs. A
 * page may request devices of its own, so its prototypes are left alone.
 * @returns {Promise<string>|null} why it was lost, if ever
 */
function nextDeviceLost() {
  if (!isInWorker() || !globalThis.GPUAdapter) return null;
  const { prototype } = GPUAdapter;
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

/**
 * Loads the build that has `device` and makes an engine on it.
 * @param {DeviceName} device
 * @param {How} how
 * @returns {Promise<Opened>}
 */
async function open(device, { at }) {
  const module = await loadBuild(FOLDERS[device], at, device);
  const lost = device === 'webgpu' ? nextDeviceLost() : null;
  return { engine: await module.Engine.create(device), lost };
}

/**
 * Opens WebGPU and runs its self-test, which it must pass.
 * @param {How} how
 * @returns {Promise<{opened: Opened, test: SelfTest}>}
 */
async function openTested(how) {
  const opened = await open('webgpu', how);
  const test = await opened.engine.selfTest();
  if (test.ok) return { opened, test };
  throw failure('device', offBy(test));
}

/**
 * The start of the threads, which happens once.
 * @type {Promise<void>|null}
 */
let pool = null;

/**
 * Makes an engine on flex in the build with threads.
 * @param {How} how
 * @returns {Promise<Opened>}
 */
async function openThreaded({ threads, at }) {
  const module = await loadBuild('threads', at, 'flex with threads');
  // This worker is one of the threads.
  pool ??= inTime(module.initThreadPool(threads - 1));
  await pool;
  return { engine: await module.Engine.create('flex'), lost: null, threads };
}

/**
 * Waits for the threads, but not longer than `POOL_MS`.
 * @param {Promise<void>} started
 * @returns {Promise<void>}
 */
function inTime(started) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('its threads did not start')), POOL_MS);
    started.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * Makes an engine on flex in the build with fused multiply-adds.
 * @param {How} how
 * @returns {Promise<Opened>}
 */
async function openRelaxed({ at }) {
  const module = await loadBuild('relaxed', at, 'flex with relaxed SIMD');
  return { engine: await module.Engine.create('flex'), lost: null };
}

/**
 * Makes an engine on flex in the fastest build that works here.
 * @param {How} how
 * @returns {Promise<Opened>}
 */
async function openFlex(how) {
  const builds = [...(how.threads > 1 ? [openThreaded] : []), ...(isValid(RELAXED_MODULE) ? [openRelaxed] : [])];
  for (const build of builds) {
    try {
      return await build(how);
    } catch (error) {
      console.warn(`Flowglass goes on with a slower build: ${messageOf(error)}`);
    }
  }
  return open('flex', how);
}

/**
 * @param {Opened} opened
 * @param {string} reason why this one
 * @param {boolean} [tested] whether it is a GPU that passed its self-test
 */
function described({ engine, lost, threads = 1 }, reason, tested = false) {
  /** @type {DeviceInfo} */
  const info = { ...engine.deviceInfo(), threads, reason, because: reason, tested };
  if (threads > 1) info.label += `, ${threads} threads`;
  return { engine, lost, info };
}

/**
 * The best build for the CPU.
 * @param {string} because why it is not the GPU, or '' if the GPU was not asked for
 * @param {How} how
 */
async function openCpu(because, how) {
  if (!hasSimd()) {
    const reason = [because, 'the WebAssembly of this browser has no SIMD'].filter(Boolean).join(', and ');
    return described(await open('ndarray', how), reason);
  }
  try {
    return described(await openFlex(how), because);
  } catch (thrown) {
    const error = /** @type {FlowglassError} */ (thrown);
    if (error.code !== 'device') throw error;
    return described(await open('ndarray', how), error.message);
  }
}

/**
 * Makes an engine on a device that was chosen by hand, which may be a software adapter.
 * @param {DeviceName} device
 * @param {How} how
 */
async function openByHand(device, how) {
  if (device === 'flex') return openFlex(how);
  try {
    return await open(device, how);
  } catch (error) {
    // The build's own message does not say why there is no adapter.
    const adapter = device !== 'webgpu' || (await navigator.gpu?.requestAdapter().catch(() => null));
    throw adapter ? error : failure('device', `WebGPU: ${await whyNoWebGpu()}`);
  }
}

/**
 * An engine on the device that was asked for, or on the best one there is.
 * @param {DeviceChoice} wanted `cpu` does not look for a graphics adapter, so it starts first
 * @param {{threads: number|null, at: string}} how most threads on the CPU, null for as many as there are cores; and
 *   where the builds are
 */
export async function openEngine(wanted, { threads: most, at }) {
  const usable = usableThreads();
  const how = { threads: most ? Math.min(most, usable) : usable, at };
  if (wanted === 'cpu') return openCpu('', how);
  if (wanted !== 'auto') {
    if (!DEVICES.includes(wanted)) {
      throw failure('option', `device = ${wanted}: expected auto, cpu, ${DEVICES.join(', ')}`);
    }
    return described(await openByHand(wanted, how), BY_HAND);
  }
  let because = await whyNoWebGpu();
  if (because === null) {
    try {
      const { opened, test } = await openTested(how);
      const seconds = test.seconds.toFixed(1);
      return described(opened, `the graphics adapter passed its self-test in ${seconds} s`, true);
    } catch (thrown) {
      const error = /** @type {FlowglassError} */ (thrown);
      because = `WebGPU is available, but ${error.code === 'device' ? error.message : `failed: ${messageOf(error)}`}`;
    }
  }
  return openCpu(because, how);
}
