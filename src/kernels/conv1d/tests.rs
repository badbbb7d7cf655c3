//! The convolution by matrix products, compared with Burn's own.

use super::*;
use crate::kernels::each_alone;
use crate::kernels::testing::{devices, values};
use crate::random::{Purpose, Random};
use burn::tensor::{Device, TensorData};

type Convolution = fn(Tensor<3>, Tensor<3>, Tensor<1>, usize, Activation) -> Tensor<3>;

const OUTPUTS: usize = 6;
const KERNEL: usize = 5;

/// Output and the gradients of input, weight and bias.
fn all(
    run: Convolution,
    [batch, length, channels]: [usize; 3],
    stride: usize,
    activation: Activation,
    device: &Device,
) -> [Vec<f32>; 4] {
    let device = device.clone().autodiff();
    let mut random = Random::new(5, Purpose::Sampling(0));
    let mut normal = |n: usize| random.normal(n);
    let x = TensorData::new(normal(batch * length * channels), [batch, channels, length]);
    let x = Tensor::<3>::from_data(x, &device).require_grad();
    let weight = TensorData::new(normal(OUTPUTS * channels * KERNEL), [OUTPUTS, channels, KERNEL]);
    let weight = Tensor::<3>::from_data(weight, &device).require_grad();
    let bias = Tensor::<1>::from_data(TensorData::new(normal(OUTPUTS), [OUTPUTS]), &device).require_grad();
    // The input is not contiguous, as in the first layer of an encoder.
    let y = run(x.clone().swap_dims(1, 2), weight.clone(), bias.clone(), stride, activation);
    let gradients = (y.clone() * y.clone()).sum().backward();
    let by_bias = values(bias.grad(&gradients).unwrap());
    let gradient = |t: &Tensor<3>| values(t.grad(&gradients).unwrap());
    [values(y.inner()), gradient(&x), gradient(&weight), by_bias]
}

/// The largest difference, relative to the largest number.
fn worst(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let most = want.iter().fold(1.0_f32, |most, v| most.max(v.abs()));
    got.iter().zip(want).map(|(a, b)| (a - b).abs() / most).fold(0.0, f32::max)
}

#[test]
fn the_matrix_product_agrees_with_burns_convolution() {
    // The last three sizes make several chunks, and the last chunk is not full. In the last size but one, each row of
    // the batch is a chunk.
    let sizes = [
        ([1, 5, 1], 1),
        ([3, 17, 2], 2),
        ([4, 18, 3], 2),
        ([2, 23, 4], 3),
        ([101, 43, 9], 2),
        ([3, 2001, 7], 2),
        ([600, 233, 2], 2),
    ];
    for device in &devices() {
        for activation in [Activation::Identity, Activation::Relu, Activation::Gelu] {
            for (size, stride) in sizes {
                let got = all(conv1d, size, stride, activation, device);
                let want = all(reference::conv1d, size, stride, activation, &Device::flex());
                // Measured: 4e-7, and 1.4e-6 for the longest. With several threads, or with another library for the
                // products, the sums of up to 69,000 terms in the gradient of the weights are in another order.
                let allowed = if size[0] * size[1] > 1000 { 1e-5 } else { 1e-6 };
                for (which, (got, want)) in got.iter().zip(&want).enumerate() {
                    let worst = worst(got, want);
                    assert!(worst < allowed, "{size:?} {stride} {activation:?} {which}: {worst}");
                }
            }
        }
    }
}

#[test]
fn a_convolution_within_a_part_of_a_batch_is_the_same() {
    let size = [70, 233, 2];
    let run = |_| all(conv1d, size, 2, Activation::Gelu, &Device::flex());
    let alone = run(0);
    for found in each_alone(vec![0; 5], run) {
        for (found, alone) in found.iter().zip(&alone) {
            // The gradients of weights and bias are summed over as many parts as there are threads. Measured: 1e-7.
            assert!(worst(found, alone) < 1e-6);
        }
    }
}

#[test]
fn an_untracked_input_changes_no_other_gradient() {
    for device in devices().into_iter().map(Device::autodiff) {
        let mut random = Random::new(6, Purpose::Sampling(0));
        let mut normal = |n: usize| random.normal(n);
        let x = Tensor::<3>::from_data(TensorData::new(normal(40 * 99 * 3), [40, 99, 3]), &device);
        let weight =
            Tensor::<3>::from_data(TensorData::new(normal(OUTPUTS * 3 * KERNEL), [OUTPUTS, 3, KERNEL]), &device);
        let bias = Tensor::<1>::from_data(TensorData::new(normal(OUTPUTS), [OUTPUTS]), &device);
        let found = |tracked: [bool; 3]| {
            let (x, weight, bias) = (x.clone(), weight.clone(), bias.clone());
            let x = if tracked[0] { x.require_grad() } else { x };
            let weight = if tracked[1] { weight.require_grad() } else { weight };
            let bias = if tracked[2] { bias.require_grad() } else { bias };
            let y = conv1d(x.clone(), weight.clone(), bias.clone(), 2, Activation::Gelu);
            let gradients = (y.clone() * y.clone()).sum().backward();
            let (by_x, by_weight) = (x.grad(&gradients).map(values), weight.grad(&gradients).map(values));
            [by_x, by_weight, bias.grad(&gradients).map(values)]
        };
        let all = found([true; 3]);
        for tracked in [[false, true, true], [true, false, false], [false, true, false], [false, false, true]] {
            for ((found, all), tracked) in found(tracked).into_iter().zip(&all).zip(tracked) {
                assert_eq!(found.as_ref(), all.as_ref().filter(|_| tracked));
            }
        }
    }
}

#[test]
fn a_nan_stays_in_the_windows_that_see_it() {
    let device = Device::flex();
    let mut x = vec![1.0; 3 * 9];
    x[9 + 6] = f32::NAN;
    let x = Tensor::<3>::from_data(TensorData::new(x, [3, 9, 1]), &device);
    let weight = Tensor::<3>::ones([OUTPUTS, 1, KERNEL], &device);
    for activation in [Activation::Identity, Activation::Relu, Activation::Gelu] {
        let y = values(conv1d(x.clone(), weight.clone(), Tensor::zeros([OUTPUTS], &device), 2, activation));
        let seen: Vec<bool> = y.chunks(OUTPUTS).map(|outputs| outputs.iter().all(|v| v.is_nan())).collect();
        assert_eq!(seen, [false, false, false, false, true, true, false, false, false], "{activation:?}");
        assert_eq!(y.iter().filter(|v| v.is_nan()).count(), 2 * OUTPUTS);
    }
}
