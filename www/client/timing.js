/** Which of two devices is the faster at the work at hand: both are timed, one after the other. */

/** Options on which it depends how long a step takes. */
const OF_SPEED = [
  'batch_size',
  'flow_family',
  'num_coupling_layers',
  'hidden_dim',
  'conditioner_depth',
  'num_spline_bins',
  'autoregressive_transform',
  'autoregressive_transform_units',
  'use_base_affine',
  'spectrum_encoder_type',
  'embedding_dim',
  'spectrum_embedding_dim',
  'encoder_hidden_dim',
  'encoder_patch_size',
  'photometry_embedding_dim',
];

/** What an engine's `timeDevice` gives. @typedef {{train_step_s: number, batch: number, draws_s: number, draws: number,
 *   config: object, parameter_dim: number, n_wavelengths: number, n_bands: number}} Timing */

const sideOf = ({ device }) => (device === 'webgpu' ? 'gpu' : 'cpu');

/** Whether somebody chose this device for the CPU; the best one that the CPU has may be another. */
export const isCpuByHand = (info) => sideOf(info) === 'cpu' && info.because === 'chosen by hand';

/** As people read it, in few digits. */
function shown(seconds) {
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
}

/** Both numbers of what decides, that of `side` first. */
function numbers(timings, side) {
  const [here, there] = side === 'gpu' ? [timings.gpu, timings.cpu] : [timings.cpu, timings.gpu];
  const other = side === 'gpu' ? 'CPU' : 'GPU';
  return `a training step of ${here.batch} takes ${shown(here.train_step_s)} here and ${shown(there.train_step_s)} on the ${other}`;
}

/** The side that trains faster: training is what takes minutes. */
const faster = ({ cpu, gpu }) => (gpu.train_step_s < cpu.train_step_s ? 'gpu' : 'cpu');

/**
 * Times two devices, one of them a GPU that passed its self-test, and tells the `info` of the faster why it is chosen.
 * @param {{info: object, timeDevice: (config?: object) => Promise<Timing>}} ours what computes now, timed first
 * @param {{info: object, timeDevice: (config?: object) => Promise<Timing>}} theirs what may take over
 * @param {object|undefined} config what is to be trained; else the defaults for the set, or what the model was trained with
 * @returns {Promise<boolean>} whether `theirs` is the faster
 */
export async function isFaster(ours, theirs, config) {
  const timings = {};
  let failed = '';
  for (const { info, timeDevice } of [ours, theirs]) {
    try {
      timings[sideOf(info)] = await timeDevice(config);
    } catch (error) {
      // A GPU that fails at this work, or computes it wrongly, is none for it.
      if (sideOf(info) !== 'gpu' || error.code !== 'device') throw error;
      failed = `the GPU is not used: ${error.message}`;
    }
  }
  const side = failed ? 'cpu' : faster(timings);
  const moves = sideOf(theirs.info) === side;
  const { info } = moves ? theirs : ours;
  const reason = [info.because, failed || numbers(timings, side)].filter(Boolean).join(', and ');
  Object.assign(info, { timings, reason });
  return moves;
}

/**
 * Whether that was timed which is to be trained.
 * @param {{cpu: Timing}} timings
 * @param {object} config every option
 * @param {object} set the summary of the simulations
 */
export function isFor({ cpu: timed }, config, set) {
  return (
    OF_SPEED.every((name) => timed.config[name] === config[name]) &&
    timed.parameter_dim === set.parameter_dim &&
    timed.n_wavelengths === set.n_wavelengths &&
    timed.n_bands === (set.n_bands ?? 0)
  );
}
