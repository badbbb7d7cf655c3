use super::{Activation, Dense, Start, dense, reference};
use crate::kernels::testing::{devices, tensor, values};
use crate::random::{Purpose, Random};
use burn::tensor::{Device, Tensor, TensorData};

type Layer = fn(Tensor<2>, Tensor<2>, Tensor<2>, Activation) -> Tensor<2>;

/// Output and the gradients of input, weight and bias.
fn all(
    layer: Layer,
    [n, batch, inputs, outputs]: [usize; 4],
    activation: Activation,
    device: &Device,
) -> [Vec<f32>; 4] {
    let device = device.clone().autodiff();
    let mut random = Random::new(3, Purpose::Sampling(0));
    let mut normal = |rows: usize, columns: usize| tensor(&random.normal(rows * columns), rows, &device).require_grad();
    // The input is not contiguous, like the columns that a coupling layer keeps.
    let x = normal(inputs, batch * n);
    let (weight, bias) = (normal(inputs, outputs), normal(batch, outputs));
    let y = layer(x.clone().transpose(), weight.clone(), bias.clone(), activation);
    let gradients = (y.clone() * y.clone()).sum().backward();
    let gradient = |t: &Tensor<2>| values(t.grad(&gradients).unwrap());
    [values(y.inner()), gradient(&x), gradient(&weight), gradient(&bias)]
}

#[test]
fn the_fused_layer_agrees_with_the_reference() {
    for device in &devices() {
        for activation in [Activation::Identity, Activation::Relu, Activation::Gelu] {
            for sizes in [[1, 1, 1, 1], [5, 1, 7, 3], [1, 6, 4, 9], [700, 3, 16, 20], [1, 300, 64, 32]] {
                let got = all(dense, sizes, activation, device);
                // The reference runs on flex, because the slope of ndarray's own GELU is off by 1e-4.
                let want = all(reference::dense, sizes, activation, &Device::flex());
                for (got, want) in got.iter().zip(&want) {
                    assert_eq!(got.len(), want.len());
                    let most = want.iter().fold(1.0_f32, |most, v| most.max(v.abs()));
                    let worst = got.iter().zip(want).map(|(a, b)| (a - b).abs() / most).fold(0.0, f32::max);
                    // Measured: 2e-6 (two formulas for the error function; sums over 2100 rows).
                    assert!(worst < 1e-5, "{activation:?} {sizes:?}: {worst}");
                }
            }
        }
    }
}

#[test]
fn a_layer_without_tracked_weights_gives_the_same_output() {
    let device = Device::flex();
    let mut random = Random::new(3, Purpose::Sampling(1));
    let mut normal = |rows: usize, columns: usize| tensor(&random.normal(rows * columns), rows, &device);
    let (x, weight, bias) = (normal(8, 5), normal(5, 6), normal(2, 6));
    for activation in [Activation::Identity, Activation::Relu, Activation::Gelu] {
        let plain = dense(x.clone(), weight.clone(), bias.clone(), activation);
        let tracked =
            dense(x.clone().autodiff(), weight.clone().autodiff().require_grad(), bias.clone().autodiff(), activation);
        assert_eq!(values(plain), values(tracked.inner()));
    }
}

#[test]
fn a_nan_is_not_hidden_by_an_activation() {
    let device = Device::flex();
    let one = |v: f32| tensor(&[v], 1, &device);
    for activation in [Activation::Identity, Activation::Relu, Activation::Gelu] {
        assert!(values(dense(one(f32::NAN), one(1.0), one(0.0), activation))[0].is_nan(), "{activation:?}");
    }
}

#[test]
fn a_bias_for_all_rows_is_one_row_of_biases() {
    for device in devices().into_iter().map(Device::autodiff) {
        let mut random = Random::new(4, Purpose::Sampling(0));
        let mut normal = |rows: usize, columns: usize| tensor(&random.normal(rows * columns), rows, &device);
        // With a single row, the gradient of the bias equals that of the output.
        for rows in [1, 30] {
            let (x, weight, bias) = (normal(rows, 5), normal(5, 6), normal(1, 6).require_grad());
            let flat = bias.clone().inner().reshape([6]).autodiff().require_grad();
            let y = dense(x.clone(), weight.clone(), bias.clone(), Activation::Gelu);
            let y_flat = dense(x, weight, flat.clone(), Activation::Gelu);
            let [gradients, gradients_flat] = [&y, &y_flat].map(|y| (y.clone() * y.clone()).sum().backward());
            assert_eq!(values(y.inner()), values(y_flat.inner()));
            let by_flat = flat.grad(&gradients_flat).unwrap();
            assert_eq!(by_flat.dims(), [6]);
            assert_eq!(values(bias.grad(&gradients).unwrap()), values(by_flat));
        }
    }
}

#[test]
fn a_layer_with_channels_last_equals_one_with_channels_first() {
    for device in devices().into_iter().map(Device::autodiff) {
        for ([batch, length, channels, outputs], has_bias) in
            [([1, 1, 1, 1], true), ([7, 5, 3, 9], false), ([130, 13, 40, 17], true)]
        {
            let mut random = Random::new(6, Purpose::Sampling(0));
            let start = Start::Uniform { fan_in: 4, bias: has_bias };
            let layer = Dense::init(length * channels, outputs, start, &mut random, &device);
            let x = TensorData::new(random.normal(batch * length * channels), [batch, length, channels]);
            let x = Tensor::<3>::from_data(x, &device).require_grad();
            let all = |y: Tensor<2>| {
                let gradients = (y.clone() * y.clone()).sum().backward();
                let by_bias = layer.bias.as_ref().map(|bias| values(bias.val().grad(&gradients).unwrap()));
                let (by_x, by_weight) = (x.grad(&gradients).unwrap(), layer.weight.val().grad(&gradients).unwrap());
                assert_eq!(by_weight.dims(), [length * channels, outputs]);
                [values(y.inner()), values(by_x), values(by_weight), by_bias.unwrap_or_default()]
            };
            let got = all(layer.forward_channels_last(x.clone()));
            let want = all(layer.forward(x.clone().swap_dims(1, 2).flatten::<2>(1, 2)));
            for (got, want) in got.iter().zip(&want) {
                assert_eq!(got.len(), want.len());
                let most = want.iter().fold(1.0_f32, |most, v| most.max(v.abs()));
                let worst = got.iter().zip(want).map(|(a, b)| (a - b).abs() / most).fold(0.0, f32::max);
                // Sums over 520 inputs in another order. Measured: 8e-7.
                assert!(worst < 1e-5, "{batch} {length} {channels}: {worst}");
            }
        }
    }
}
