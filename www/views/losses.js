/** Training and validation loss by epoch, the best epoch marked. */
import { claim, onResize, perFrame, svg } from './dom.js';
import { significant } from './format.js';
import { extent, linePath, plotFrame } from './plot.js';

const HEIGHT = 190;
/** Losses come 25 times a second; five pictures of them are enough, and leave the thread to the rest of the page. */
const PAUSE_MS = 200;

/**
 * `update({points: [{at, train_loss}], epochs: [{epoch, train_loss, validation_loss, best}], total})`; `at` in epochs.
 */
export function mount(el) {
  const release = claim(el, 'losses');
  let data = null;
  const draw = perFrame(() => {
    if (!data) return;
    const { points = [], epochs, total } = data;
    // The first steps of training are often far off; they must not flatten everything that follows.
    const trains = points.map((p) => p.train_loss).filter(Number.isFinite);
    const settled = trains.length > 20 ? trains.slice(Math.floor(trains.length / 20)) : trains;
    const all = [...settled, ...epochs.flatMap((e) => [e.train_loss, e.validation_loss])].filter(Number.isFinite);
    const { root, content, sx, sy } = plotFrame({
      width: Math.max(200, el.clientWidth),
      height: HEIGHT,
      x: [0, Math.max(1, total ?? epochs.length)],
      y: extent(all, 0.08),
      xLabel: 'epoch',
      yLabel: 'loss',
    });
    const at = epochs.map((e) => e.epoch);
    if (points.length) {
      content.append(
        svg('path', {
          class: 'train faint',
          d: linePath(
            points.map((p) => p.at),
            points.map((p) => p.train_loss),
            sx,
            sy,
          ),
        }),
      );
    }
    content.append(
      svg('path', {
        class: 'train',
        d: linePath(
          at,
          epochs.map((e) => e.train_loss),
          sx,
          sy,
        ),
      }),
      svg('path', {
        class: 'validation',
        d: linePath(
          at,
          epochs.map((e) => e.validation_loss),
          sx,
          sy,
        ),
      }),
    );
    const best = bestOf(epochs);
    if (best) {
      content.append(
        svg('path', { class: 'best', d: `M${sx(best.epoch)} 0V${HEIGHT}` }),
        svg('circle', { class: 'best-point', cx: sx(best.epoch), cy: sy(best.validation_loss), r: 4 }),
      );
    }
    root.setAttribute(
      'aria-label',
      best
        ? `Losses of ${epochs.length} epochs; best validation loss ${significant(best.validation_loss, 4)} ` +
            `in epoch ${best.epoch}`
        : 'Losses, no epoch complete yet',
    );
    el.replaceChildren(root);
  }, PAUSE_MS);
  const stop = onResize(el, draw);
  return {
    update(next) {
      data = next;
      draw();
    },
    destroy() {
      stop();
      release();
    },
  };
}

/** The epoch with the lowest validation loss. */
export const bestOf = (epochs) =>
  epochs.reduce(
    (best, e) => (Number.isFinite(e.validation_loss) && !(e.validation_loss >= best?.validation_loss) ? e : best),
    null,
  );
