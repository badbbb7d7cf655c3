//! GELU, x Phi(x) (Hendrycks & Gimpel 2016), as one pass: the error function of the backends is a scalar call per
//! number, and was a third of an encoder's forward pass.

mod cpu;

use super::host::is_host;
use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};
use cpu::GeluKernels;

/// GELU of each number.
///
/// # Shapes
/// Any; returns the same.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if is_host(&x.device()) {
        Tensor::from_dispatch(<Dispatch as GeluKernels>::fused_gelu(x.into_dispatch()))
    } else {
        activation::gelu(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};
    use burn::tensor::{Device, TensorData};

    fn values(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    #[test]
    fn the_loop_agrees_with_the_backends_gelu_in_value_and_gradient() {
        let device = Device::flex().autodiff();
        // Many rows, so that they are split over threads, and a transposed input, which is not contiguous.
        let data = TensorData::new(Random::new(0, Purpose::Sampling(0)).uniform(3 * 30_000, 6.0), [3, 30_000]);
        let run = |map: fn(Tensor<2>) -> Tensor<2>| {
            let x = Tensor::<2>::from_data(data.clone(), &device).require_grad();
            let y = map(x.clone().transpose());
            let gradients = (y.clone() * y.clone()).sum().backward();
            [values(y.inner()), values(x.grad(&gradients).unwrap())]
        };
        let (got, want) = (run(gelu), run(activation::gelu));
        for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
            assert!((got - want).abs() < 2e-6 * want.abs().max(1.0), "{got} {want}");
        }
    }
}
