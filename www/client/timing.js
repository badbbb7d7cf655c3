/** Finds the faster of two devices: both are timed, one after the other, with the training that is to be done. */
/** @import { DeviceInfo, FlowglassError, OptionDescription, SetSummary, Timing, TrainingOptions } from './index.d.ts' */

/** @typedef {{info: DeviceInfo, timeDevice: (config?: TrainingOptions) => Promise<Timing>}} Timed a device to time */

/** @param {{device: string}} info */
const sideOf = ({ device }) => (device === 'webgpu' ? 'gpu' : 'cpu');

/** The reason of a device that the caller named. */
export const BY_HAND = 'chosen by hand';

/**
 * Whether this is a device of the CPU that the caller named. The best one that the CPU has may be another.
 * @param {DeviceInfo} info
 */
export const isCpuByHand = (info) => sideOf(info) === 'cpu' && info.because === BY_HAND;

/**
 * A duration for people, in few digits.
 * @param {number} seconds
 */
function shown(seconds) {
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
}

/**
 * Both durations in words, with the duration of `side` first.
 * @param {{cpu: Timing, gpu: Timing}} timings
 * @param {'cpu'|'gpu'} side
 */
function numbers(timings, side) {
  const [here, there] = side === 'gpu' ? [timings.gpu, timings.cpu] : [timings.cpu, timings.gpu];
  const [ours, theirs] = [here, there].map((timing) => shown(timing.train_step_s));
  const batch = `${here.batch} ${here.batch === 1 ? 'simulation' : 'simulations'}`;
  return `a training step of ${batch} takes ${ours} here and ${theirs} on the ${side === 'gpu' ? 'CPU' : 'GPU'}`;
}

/**
 * Times two devices, one of them a GPU that passed its self-test, and writes the reason for the choice into the `info` of
 * the faster one. The faster one is the one that trains faster, since training takes minutes.
 * @param {Timed} ours what computes now, timed first
 * @param {Timed} theirs what may take over
 * @param {TrainingOptions} [config] what is to be trained
 * @returns {Promise<boolean>} whether `theirs` is the faster
 */
export async function isFaster(ours, theirs, config) {
  /** @type {{cpu?: Timing, gpu?: Timing}} */
  const timings = {};
  let failed = '';
  for (const { info, timeDevice } of [ours, theirs]) {
    try {
      timings[sideOf(info)] = await timeDevice(config);
    } catch (thrown) {
      const error = /** @type {FlowglassError} */ (thrown);
      // A GPU that fails at this work or computes it wrongly is not used.
      if (sideOf(info) !== 'gpu' || error.code !== 'device') throw error;
      failed = `the GPU is not used: ${error.message}`;
    }
  }
  const { cpu, gpu } = timings;
  const side = cpu && gpu && gpu.train_step_s < cpu.train_step_s ? 'gpu' : 'cpu';
  const moves = sideOf(theirs.info) === side;
  const { info } = moves ? theirs : ours;
  const why = cpu && gpu ? numbers({ cpu, gpu }, side) : failed;
  Object.assign(info, { timings, reason: [info.because, why].filter(Boolean).join(', and ') });
  return moves;
}

/**
 * Whether devices were timed at what is to be trained; `index.d.ts` has the parameters.
 * @param {{cpu?: Timing}} timings
 * @param {TrainingOptions} config
 * @param {SetSummary} set
 * @param {OptionDescription[]} options
 */
export function isTimedFor({ cpu: timed }, config, set, options) {
  const isSame = (/** @type {OptionDescription} */ { name, default: usual }) =>
    (timed?.config[name] ?? null) === (config[name] ?? usual ?? null);
  return (
    timed !== undefined &&
    options.filter((option) => option.changes_step_time).every(isSame) &&
    timed.parameter_dim === set.parameter_dim &&
    timed.n_wavelengths === set.n_wavelengths &&
    timed.n_bands === (set.n_bands ?? 0)
  );
}
