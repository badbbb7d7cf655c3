//! The convolution by matrix products against Burn's own.

use super::*;
use crate::kernels::testing::values;
use crate::random::{Purpose, Random};
use burn::tensor::{Device, TensorData};

type Convolution = fn(Tensor<3>, Tensor<3>, Tensor<1>, usize, Activation) -> Tensor<3>;

/// Output and the gradients of input, weight and bias.
fn all(run: Convolution, [batch, length, channels]: [usize; 3], stride: usize, device: &Device) -> [Vec<f32>; 4] {
    const OUTPUTS: usize = 6;
    const KERNEL: usize = 5;
    let device = device.clone().autodiff();
    let mut random = Random::new(5, Purpose::Sampling(0));
    let mut normal = |n: usize| random.normal(n);
    let x = TensorData::new(normal(batch * length * channels), [batch, channels, length]);
    let x = Tensor::<3>::from_data(x, &device).require_grad();
    let weight = TensorData::new(normal(OUTPUTS * channels * KERNEL), [OUTPUTS, channels, KERNEL]);
    let weight = Tensor::<3>::from_data(weight, &device).require_grad();
    let bias = Tensor::<1>::from_data(TensorData::new(normal(OUTPUTS), [OUTPUTS]), &device).require_grad();
    // Not contiguous, as where the encoder begins.
    let y = run(x.clone().swap_dims(1, 2), weight.clone(), bias.clone(), stride, Activation::Gelu);
    let gradients = (y.clone() * y.clone()).sum().backward();
    let of_bias = values(bias.grad(&gradients).unwrap());
    let of = |t: &Tensor<3>| values(t.grad(&gradients).unwrap());
    [values(y.inner()), of(&x), of(&weight), of_bias]
}

#[test]
fn the_matrix_product_agrees_with_burns_convolution_in_value_and_gradients() {
    let devices = [
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ];
    for device in &devices {
        for (size, stride) in [([1, 5, 1], 1), ([3, 17, 2], 2), ([4, 18, 3], 2), ([2, 23, 4], 3), ([600, 233, 2], 2)] {
            let (got, want) =
                (all(conv1d, size, stride, device), all(reference::conv1d, size, stride, &Device::flex()));
            // Measured: 3e-7; 3e-6 on ndarray for the last, whose weights sum 69,000 terms in another order.
            let allowed = if size[0] == 600 { 1e-5 } else { 1e-6 };
            for (got, want) in got.iter().zip(&want) {
                assert_eq!(got.len(), want.len());
                let most = want.iter().fold(1.0_f32, |most, v| most.max(v.abs()));
                let worst = got.iter().zip(want).map(|(a, b)| (a - b).abs() / most).fold(0.0, f32::max);
                assert!(worst < allowed, "{size:?} {stride}: {worst}");
            }
        }
    }
}
