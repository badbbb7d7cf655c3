/** What the client exports; `index.d.ts` says what each is. */
export { DEVICES, whyNoWebGpu } from './devices.js';
export { affine, autoregressive, neuralAutoregressive, spline } from './families.js';
export { Flowglass } from './flowglass.js';
export { EVENT, STATUS } from './protocol.js';
export { isTimedFor } from './timing.js';
