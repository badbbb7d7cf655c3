/** Options of `train` with the family of the flow fixed, one function per family. */
import { failure } from './protocol.js';

/** Makes such a function. */
const of =
  (family) =>
  (options = {}) => {
    const { flow_family: given = family } = options;
    if (given !== family) throw failure('option', `flow_family = ${given}: expected ${family}, or another function`);
    return { ...options, flow_family: family };
  };

/** Coupling with rational-quadratic splines (Durkan et al. 2019), which is the default. */
export const spline = of('spline');

/** Coupling with shift and scale (RealNVP, Dinh et al. 2017). */
export const affine = of('affine');

/**
 * Masked autoregressive (MAF, Papamakarios et al. 2017), with splines or, by `autoregressive_transform`, shift and scale.
 */
export const autoregressive = of('autoregressive');

/** Masked autoregressive with a monotone network per dimension (NAF, Huang et al. 2018). */
export const neuralAutoregressive = of('neural_autoregressive');
