/** An observation: values with their uncertainties against wavelength or index. It can be dragged. */
import { claim, h, onResize, perFrame, svg } from './dom.js';
import { interval, significant } from './format.js';
import { extent, linePath, plotFrame } from './plot.js';

const HEIGHT = 210;

/**
 * @param {HTMLElement} el
 * @param {{onDrag?: (drag: {from: number, dy: number, done: boolean}) => void}} options `from`: the fraction of the x
 *   axis where the drag began; `dy`: how far it has gone, in units of the values
 * `update({observation, original?, label?})`: `original` is drawn behind, where the observation was changed
 */
export function mount(el, { onDrag } = {}) {
  const release = claim(el, 'spectrum');
  const readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
  const picture = h('div', { class: onDrag ? 'draggable' : null });
  el.replaceChildren(picture, readout);
  let data = null;
  let frame = null;
  let drag = null;
  let held = null; // the y axis stays put while dragging

  const draw = perFrame(() => {
    if (!data) return;
    const { observation, original } = data;
    const { values, sigma, mask, wavelengths } = observation;
    const xs = wavelengths ?? Float64Array.from(values, (_, i) => i);
    const yRange = drag && held ? held : extent(bounds(observation, original), 0.06);
    held = yRange;
    const width = Math.max(200, picture.clientWidth);
    const range = extent(xs, 0.015);
    frame = {
      ...plotFrame({
        width,
        height: HEIGHT,
        x: range,
        y: yRange,
        yLabel: 'value',
        xLabel: wavelengths ? 'wavelength' : 'index of data point',
      }),
      xs,
      range,
      yRange,
    };
    const { root, content, sx, sy } = frame;
    const shown = Float64Array.from(values, (v, i) => (mask?.[i] ? NaN : v));
    if (sigma) content.append(svg('path', { class: 'band', d: bandPath(xs, shown, sigma, sx, sy) }));
    if (original && original !== observation) {
      content.append(svg('path', { class: 'reference', d: linePath(xs, original.values, sx, sy) }));
    }
    content.append(svg('path', { class: 'line', d: linePath(xs, shown, sx, sy) }));
    if (values.length <= 120) content.append(svg('path', { class: 'points', d: dots(xs, shown, sx, sy) }));
    if (mask) {
      const hidden = values.map((v, i) => (mask[i] ? v : NaN));
      for (let i = 0; i < values.length; i++) {
        if (Number.isFinite(hidden[i])) {
          content.append(svg('circle', { class: 'masked', cx: sx(xs[i]), cy: sy(hidden[i]), r: 2.6 }));
        }
      }
    }
    const masked = mask ? mask.reduce((a, b) => a + b, 0) : 0;
    root.setAttribute(
      'aria-label',
      `${data.label ?? 'Observation'}: ${values.length} data points from ` +
        interval(significant(Math.min(...values)), significant(Math.max(...values))) +
        (masked ? `, ${masked} masked` : ''),
    );
    picture.replaceChildren(root);
  });

  const fractionAt = (event) => {
    const { left, right } = frame.inner;
    return (event.clientX - frame.root.getBoundingClientRect().left - left) / (right - left);
  };
  picture.addEventListener('pointermove', (event) => {
    if (!frame) return;
    if (drag) {
      const { top, bottom } = frame.inner;
      const dy = ((drag.y - event.clientY) / (bottom - top)) * (frame.yRange[1] - frame.yRange[0]);
      onDrag({ from: drag.from, dy, done: false });
      return;
    }
    const { values, sigma, mask } = data.observation;
    const x = frame.range[0] + fractionAt(event) * (frame.range[1] - frame.range[0]);
    let i = 0;
    frame.xs.forEach((v, k) => {
      if (Math.abs(v - x) < Math.abs(frame.xs[i] - x)) i = k;
    });
    const error = sigma ? ` ± ${significant(sigma[i], 2)}` : '';
    const masked = mask?.[i] ? ' (masked)' : '';
    readout.textContent = `${significant(frame.xs[i], 5)}: ${significant(values[i], 4)}${error}${masked}`;
  });
  picture.addEventListener('pointerleave', () => {
    readout.textContent = '';
  });
  if (onDrag) {
    picture.addEventListener('pointerdown', (event) => {
      if (!frame || event.button !== 0) return;
      drag = { from: fractionAt(event), y: event.clientY };
      picture.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    const end = () => {
      if (!drag) return;
      drag = null;
      onDrag({ done: true });
      draw();
    };
    picture.addEventListener('pointerup', end);
    picture.addEventListener('pointercancel', end);
  }
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

/** Every y that must be visible: the values and their uncertainties; masked points do not stretch the axis. */
function* bounds({ values, sigma, mask }, original) {
  for (let i = 0; i < values.length; i++) {
    if (mask?.[i]) continue;
    const s = sigma?.[i] ?? 0;
    yield values[i] - s;
    yield values[i] + s;
  }
  if (original) yield* original.values.filter((_, i) => !original.mask?.[i]);
}

function bandPath(xs, values, sigma, sx, sy) {
  let d = '';
  let start = -1;
  const point = (i, sign) => `${sx(xs[i]).toFixed(1)} ${sy(values[i] + sign * sigma[i]).toFixed(1)}`;
  const close = (end) => {
    if (start < 0) return;
    for (let i = start; i < end; i++) d += `${i === start ? 'M' : 'L'}${point(i, 1)}`;
    for (let i = end - 1; i >= start; i--) d += `L${point(i, -1)}`;
    d += 'Z';
    start = -1;
  };
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) close(i);
    else if (start < 0) start = i;
  }
  close(values.length);
  return d;
}

/** Points as one path: lines of no length with round ends. */
function dots(xs, values, sx, sy) {
  let d = '';
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) d += `M${sx(xs[i]).toFixed(1)} ${sy(values[i]).toFixed(1)}h0`;
  }
  return d;
}
