/** Options of `train` with the family of the flow fixed, one function per family; `index.d.ts` says what each is. */
/** @import { TrainingOptions } from './options.d.ts' */
import { failure } from './protocol.js';

/**
 * Makes the function of a family.
 * @param {TrainingOptions['flow_family']} family
 * @returns {(options?: TrainingOptions) => TrainingOptions}
 */
const withFamily =
  (family) =>
  (options = {}) => {
    const { flow_family: given = family } = options;
    if (given !== family) throw failure('option', `flow_family = ${given}: expected ${family}, or another function`);
    return { ...options, flow_family: family };
  };

export const spline = withFamily('spline');
export const affine = withFamily('affine');
export const autoregressive = withFamily('autoregressive');
export const neuralAutoregressive = withFamily('neural_autoregressive');
