/** Training and validation loss by epoch, the best epoch marked. */
/** @import { View } from './types.d.ts' */
import { claim, onResize, perFrame, svg } from './dom.js';
import { counted, isNumber, significant } from './format.js';
import { extent, linePath, plotFrame } from './plot.js';

const HEIGHT = 190;
/** Losses come 25 times a second. Five drawings a second are enough, and leave time to the rest of the page. */
const PAUSE_MS = 200;

/** @typedef {{at: number, train_loss: number|null}} Point a loss between epochs, `at` in epochs */
/** @typedef {{epoch: number, train_loss: number|null, validation_loss: number|null}} Epoch */
/** @typedef {{points?: Point[], epochs: Epoch[], total?: number}} Losses `total`: epochs if nothing stops training early */

/**
 * @param {HTMLElement} el
 * @returns {View<Losses>}
 */
export function mount(el) {
  const release = claim(el, 'losses');
  /** @type {Losses|null} */
  let data = null;
  const draw = perFrame(() => {
    if (data) el.replaceChildren(picture(data, el.clientWidth));
  }, PAUSE_MS);
  const stop = onResize(el, () => draw(null));
  return {
    update(next) {
      data = next;
      draw(null);
    },
    destroy() {
      stop();
      release();
    },
  };
}

/**
 * @param {Losses} losses
 * @param {number} width
 */
function picture({ points = [], epochs, total }, width) {
  const trains = points.map((p) => p.train_loss);
  // The first losses are often so large that the rest of the curve would look flat.
  const settled = trains.length > 20 ? trains.slice(Math.floor(trains.length / 20)) : trains;
  const all = [...settled, ...epochs.flatMap((e) => [e.train_loss, e.validation_loss])].filter(isNumber);
  const { root, content, sx, sy } = plotFrame({
    width: Math.max(200, width),
    height: HEIGHT,
    x: [0, Math.max(1, total ?? epochs.length)],
    y: extent(all, 0.08),
    xLabel: 'epoch',
    yLabel: 'loss',
  });
  /** @type {(name: string, xs: number[], ys: (number|null)[]) => SVGPathElement} */
  const line = (name, xs, ys) => svg('path', { class: name, d: linePath(xs, ys, sx, sy) });
  const at = epochs.map((e) => e.epoch);
  if (points.length > 0)
    content.append(
      line(
        'train faint',
        points.map((p) => p.at),
        trains,
      ),
    );
  content.append(
    line(
      'train',
      at,
      epochs.map((e) => e.train_loss),
    ),
  );
  content.append(
    line(
      'validation',
      at,
      epochs.map((e) => e.validation_loss),
    ),
  );
  const best = bestOf(epochs);
  if (best) {
    content.append(
      svg('path', { class: 'best', d: `M${sx(best.epoch)} 0V${HEIGHT}` }),
      svg('circle', { class: 'best-point', cx: sx(best.epoch), cy: sy(best.validation_loss), r: 4 }),
    );
  }
  const words = best && `best validation loss ${significant(best.validation_loss, 4)} in epoch ${best.epoch}`;
  root.setAttribute(
    'aria-label',
    words ? `Losses of ${counted(epochs.length, 'epoch')}; ${words}` : 'Losses, no epoch complete yet',
  );
  return root;
}

/**
 * The epoch with the lowest validation loss.
 * @param {Epoch[]} epochs
 * @returns {{epoch: number, validation_loss: number}|null}
 */
export function bestOf(epochs) {
  let best = null;
  for (const { epoch, validation_loss } of epochs) {
    if (isNumber(validation_loss) && !(best && validation_loss >= best.validation_loss))
      best = { epoch, validation_loss };
  }
  return best;
}
