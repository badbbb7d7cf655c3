/** The move of an engine to another device, for an engine in a worker and for one in this thread. */
/** @import { DeviceChoice, DeviceInfo, Timing, TrainingOptions } from './index.d.ts' */
import { isCpuByHand, isFaster } from './timing.js';

/**
 * An engine on another device, which may take over.
 * @typedef {object} Other
 * @property {DeviceInfo} info what it computes on
 * @property {(config?: TrainingOptions) => Promise<Timing>} timeDevice times it
 * @property {() => void} end gives it up
 */

/**
 * What moves: a client or an engine, as this module sees it.
 * @template {Other} O
 * @typedef {object} Mover
 * @property {() => DeviceInfo} info what computes now
 * @property {(device: DeviceChoice) => Promise<O>} open makes an engine on another device
 * @property {(config?: TrainingOptions) => Promise<Timing>} timeDevice times what computes now
 * @property {() => unknown[]} held the model and the set, as they are now
 * @property {(other: O) => Promise<unknown>} restore gives the model and the set to the other engine
 * @property {() => Promise<void>} rest resolves when no call is under way
 * @property {() => void} check throws if the move has become pointless
 * @property {(other: O) => void} adopt lets the other engine take over
 */

/**
 * Moves to another device: opens an engine there, and hands over to it or ends it.
 * @template {Other} O
 * @param {Mover<O>} mover
 * @param {DeviceChoice} device
 * @param {TrainingOptions} [config] for `auto`: what is to be trained
 * @returns {Promise<DeviceInfo>} what computes afterwards
 */
export async function moveTo(mover, device, config) {
  const isAuto = device === 'auto';
  if (isAuto && isCpuByHand(mover.info())) await moveTo(mover, 'cpu');
  // A GPU that passed its self-test is compared with the CPU.
  const fromTested = isAuto && mover.info().tested;
  const other = await mover.open(fromTested ? 'cpu' : device);
  const stays = isAuto && other.info.device === mover.info().device;
  let tookOver = false;
  try {
    mover.check();
    tookOver = !stays && (await handedOver(mover, other, fromTested || other.info.tested, config));
  } finally {
    if (!tookOver) other.end();
  }
  if (stays) {
    const { reason, because, tested } = other.info;
    Object.assign(mover.info(), { reason, because, tested });
    // The best device is the one that computes now: as it is a tested GPU, it is compared with the CPU.
    if (tested) return moveTo(mover, device, config);
  }
  return mover.info();
}

/**
 * Gives the model and the set to an engine on another device, and lets it take over. If the choice is undecided, both
 * engines are timed first, and the other one takes over only if it is the faster. If the model or the set changes
 * meanwhile, the other engine is given them again.
 * @template {Other} O
 * @param {Mover<O>} mover
 * @param {O} other
 * @param {boolean} undecided whether the faster of the two is to compute
 * @param {TrainingOptions} [config] what is timed
 * @returns {Promise<boolean>} whether the other engine took over
 */
async function handedOver(mover, other, undecided, config) {
  for (let before = null; !isSame(before, mover.held()); ) {
    before = mover.held();
    await mover.restore(other);
    await mover.rest();
    if (!undecided) continue;
    undecided = false;
    const ours = { info: mover.info(), timeDevice: mover.timeDevice };
    if (!(await isFaster(ours, other, config))) return false;
    await mover.rest();
  }
  // At once, so that no call comes between.
  mover.adopt(other);
  return true;
}

/**
 * Whether two lists hold the same objects.
 * @param {unknown[]|null} a
 * @param {unknown[]} b
 */
const isSame = (a, b) => a?.every((item, i) => item === b[i]) ?? false;
