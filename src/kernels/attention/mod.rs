//! Self-attention with several heads (Vaswani et al. 2017, section 3.2.2), without the projections before and after it.

mod cpu;
#[cfg(feature = "webgpu")]
mod cube;
#[cfg(feature = "webgpu")]
mod gpu;
#[cfg(test)]
mod reference;

use super::cpu_function;
#[cfg(feature = "webgpu")]
use super::device::is_cpu;
use burn::tensor::Tensor;
use cpu::Attention;

/// softmax(Q Kᵀ / sqrt(d)) V in each head (Vaswani et al. 2017, equation 1).
///
/// # Shapes
/// `x`: (batch * tokens, 3 * width), the queries of all heads, then their keys, then their values; `visible`: (batch,
/// tokens), 1 for a token that may be attended to and 0 for any other. `None` means that all tokens may be attended to.
/// `visible` gets no gradient. Returns (batch * tokens, width).
pub fn attend(x: Tensor<2>, tokens: usize, heads: usize, visible: Option<Tensor<2>>) -> Tensor<2> {
    #[cfg(feature = "webgpu")]
    if !is_cpu(&x.device()) {
        return gpu::attend(x, tokens, heads, visible);
    }
    let visible = visible.map(|v| v.into_data().try_into_vec().expect("kernels compute in f32"));
    cpu_function::apply(x, Attention { tokens, heads, visible: visible.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{devices, tensor, values};
    use crate::random::{Purpose, Random};

    #[test]
    fn the_loops_agree_with_the_reference() {
        // Batch, tokens, heads, width of a head.
        for [batch, tokens, heads, per_head] in [[1, 1, 1, 1], [3, 5, 2, 4], [9, 30, 4, 32]] {
            for hidden in [None, Some(0), Some(1)] {
                for device in devices().into_iter().map(burn::tensor::Device::autodiff) {
                    let (rows, width) = (batch * tokens, heads * per_head);
                    let mut random = Random::new(1, Purpose::Sampling(0));
                    let x = random.normal(rows * 3 * width);
                    let weights = random.normal(rows * width);
                    // One token of every observation is hidden, or all tokens of the first.
                    let visible = hidden.map(|which| {
                        let seen = |i: usize| if which == 0 { i % tokens != 1 } else { i >= tokens };
                        let numbers: Vec<f32> = (0..rows).map(|i| f32::from(u8::from(seen(i)))).collect();
                        tensor(&numbers, batch, &device)
                    });
                    let all = |f: fn(Tensor<2>, usize, usize, Option<Tensor<2>>) -> Tensor<2>| {
                        let x = tensor(&x, rows, &device).require_grad();
                        let y = f(x.clone(), tokens, heads, visible.clone());
                        let gradients = (y.clone() * tensor(&weights, rows, &device)).sum().backward();
                        [values(y.inner()), values(x.grad(&gradients).unwrap())]
                    };
                    let (got, want) = (all(attend), all(reference::attend));
                    for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
                        // Each step sums at most 32 products of order 1. Measured: 3e-6.
                        assert!((got - want).abs() < 2e-5, "{batch} {tokens} {heads} {per_head}: {got} {want}");
                    }
                }
            }
        }
    }
}
