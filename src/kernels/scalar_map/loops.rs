//! The loops over many numbers that all maps share on the CPU. They fix the layout of inputs, results and gradients.

use crate::kernels::cpu::for_rows;

/// Calls `one` on each of m numbers with its parameters. Returns m values, then their m log-dets.
///
/// # Shapes
/// `x`: m numbers; `raw`: m times `parameters` numbers.
pub fn map_numbers(
    x: &[f32],
    raw: &[f32],
    parameters: usize,
    one: impl Fn(f32, &[f32]) -> (f32, f32) + Sync,
) -> Vec<f32> {
    let m = x.len();
    let mut out = vec![0.0; 2 * m];
    let (y, log_det) = out.split_at_mut(m);
    for_rows(m, [x, raw], [y, log_det], |[x, raw], [y, log_det]| {
        let rows = x.iter().zip(raw.chunks_exact(parameters)).zip(y.iter_mut().zip(log_det));
        rows.for_each(|((&x, raw), (y, log_det))| (*y, *log_det) = one(x, raw));
    });
    out
}

/// Calls `one` on each of m numbers to compute its gradients. Returns the gradients with respect to the m inputs and
/// with respect to `raw`.
///
/// `one` takes a number in data space, its parameters, the gradients of its value and log-det, and a slice of zeros. It
/// writes the gradient of the parameters to the slice and returns the gradient of the input. For the inverse, the
/// number in data space is the output of the map, and the input is in base space.
///
/// # Shapes
/// `x`: m numbers in data space, for either direction; `raw`: m times `parameters` numbers; `gradient`: the gradients
/// of the m values, then of their m log-dets.
pub fn map_gradients(
    x: &[f32],
    raw: &[f32],
    gradient: &[f32],
    parameters: usize,
    one: impl Fn(f32, &[f32], (f32, f32), &mut [f32]) -> f32 + Sync,
) -> (Vec<f32>, Vec<f32>) {
    let m = x.len();
    let (mut out_x, mut out_raw) = (vec![0.0; m], vec![0.0; raw.len()]);
    let (value, log_det) = gradient.split_at(m);
    for_rows(m, [x, raw, value, log_det], [&mut out_x, &mut out_raw], |[x, raw, value, log_det], [out_x, out_raw]| {
        let rows = raw.chunks_exact(parameters).zip(out_raw.chunks_exact_mut(parameters)).enumerate();
        rows.for_each(|(i, (raw, out_raw))| out_x[i] = one(x[i], raw, (value[i], log_det[i]), out_raw));
    });
    (out_x, out_raw)
}
