//! Every kernel of the GPU compared with its twin on the CPU (flex), in values and gradients. The sizes leave the last
//! workgroup partly empty.

use crate::device::{device_errors, webgpu};
use burn::tensor::{Device, Tensor, TensorData};
use flowglass::kernels::adamw::AdamW;
use flowglass::kernels::affine::AffineShape;
use flowglass::kernels::attention::attend;
use flowglass::kernels::conv1d::conv1d;
use flowglass::kernels::dense::{Activation, dense};
use flowglass::kernels::join::{join, split};
use flowglass::kernels::monotone_network::NetworkShape;
use flowglass::kernels::scalar_map::{Direction, ScalarMap};
use flowglass::kernels::spline::SplineShape;
use flowglass::random::{Purpose, Random};
use wasm_bindgen_test::wasm_bindgen_test;

/// A matrix of the given numbers and rows.
pub(crate) fn matrix(values: &[f32], rows: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [rows, values.len() / rows]), device)
}

/// The numbers of a tensor.
pub(crate) async fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data_async().await.expect("numbers are read back").try_into_vec().expect("f32")
}

/// Runs `run` on both devices and compares all numbers that it returns. A difference, relative to numbers of a size
/// above 1, may be at most `allowed`.
pub(crate) async fn agree(what: &str, allowed: f32, run: impl AsyncFn(&Device) -> Vec<f32>) {
    let (gpu, cpu) = (run(&webgpu().await).await, run(&Device::flex()).await);
    assert_eq!(gpu.len(), cpu.len());
    let apart = |(a, b): (&f32, &f32)| {
        let apart = (a - b).abs() / b.abs().max(1.0);
        if apart.is_nan() { f32::INFINITY } else { apart }
    };
    let worst = gpu.iter().zip(&cpu).map(apart).fold(0.0, f32::max);
    wasm_bindgen_test::console_log!("{what}: {worst:e} apart, {allowed:e} allowed, of {} numbers", cpu.len());
    assert!(worst <= allowed, "{what}: {worst}");
    assert!(cpu.iter().any(|&v| v != 0.0), "{what}: there is something to compare");
    assert_eq!(device_errors(), Vec::<String>::new(), "{what}");
}

/// Value and log-det of a map, and the gradients of a weighted sum of both with respect to input and parameters.
async fn map(map: ScalarMap, direction: Direction, n: usize, d: usize, device: &Device) -> Vec<f32> {
    let device = device.clone().autodiff();
    let mut random = Random::new(7, Purpose::Sampling(0));
    let mut x = random.uniform(n * d, 3.5);
    // Inputs at the bound, at the origin, and beyond the bound.
    x[..4].copy_from_slice(&[-3.0, 3.0, 0.0, 30.0]);
    let x = matrix(&x, n, &device).require_grad();
    let raw = matrix(&random.uniform(n * d * map.parameters(), 1.5), n, &device).require_grad();
    let (y, log_det) = match direction {
        Direction::Forward => map.forward(x.clone(), raw.clone()),
        Direction::Inverse => map.inverse(x.clone(), raw.clone()),
    };
    let weights = matrix(&random.normal(2 * n * d), 2 * n, &device);
    let sum = (Tensor::cat(vec![y.clone(), log_det.clone()], 0) * weights).sum();
    let gradients = sum.backward();
    let by = |t: &Tensor<2>| t.grad(&gradients).expect("it has a gradient");
    let all = [y.inner(), log_det.inner(), by(&x), by(&raw)];
    numbers(Tensor::cat(all.map(|t| t.flatten::<1>(0, 1)).to_vec(), 0)).await
}

#[wasm_bindgen_test]
async fn the_spline_agrees_with_the_cpu() {
    for bins in [2, 8, 13] {
        for (name, direction) in [("forward", Direction::Forward), ("inverse", Direction::Inverse)] {
            // A spline of 13 bins with the constants of a converted model.
            let other = SplineShape { min_bin_width: 0.02, min_derivative: 0.1, ..SplineShape::new(13, 3.0) };
            let other = SplineShape { min_bin_height: 0.01, derivative_shift: 0.0, ..other };
            let spline = ScalarMap::Spline(if bins == 13 { other } else { SplineShape::new(bins, 3.0) });
            agree(&format!("spline of {bins} bins, {name}"), 5e-4, async |device| {
                map(spline, direction, 33, 3, device).await
            })
            .await;
        }
    }
}

#[wasm_bindgen_test]
async fn the_affine_map_agrees_with_the_cpu() {
    for direction in [Direction::Forward, Direction::Inverse] {
        for shape in [AffineShape::default(), AffineShape { log_scale_bound: 2.0 }] {
            agree(&format!("{shape:?}, {direction:?}"), 1e-5, async |device| {
                map(ScalarMap::Affine(shape), direction, 33, 3, device).await
            })
            .await;
        }
    }
}

#[wasm_bindgen_test]
async fn the_monotone_network_agrees_with_the_cpu() {
    // The default, one unit, the most units, and a search that ends before its Newton step is exact.
    for (units, bisection_steps) in [(16, 48), (1, 48), (64, 48), (21, 3)] {
        for direction in [Direction::Forward, Direction::Inverse] {
            let shape = NetworkShape { units, min_slope: 1e-3, min_residual: 0.05, bisection_steps };
            agree(&format!("{shape:?}, {direction:?}"), 2e-5, async |device| {
                map(ScalarMap::MonotoneNetwork(shape), direction, 33, 3, device).await
            })
            .await;
        }
    }
}

/// The output of a dense layer, and the gradients of its input, weights and bias.
async fn layer([n, batch, inputs, outputs]: [usize; 4], activation: Activation, device: &Device) -> Vec<f32> {
    let device = device.clone().autodiff();
    let mut random = Random::new(3, Purpose::Sampling(0));
    let mut normal = |rows: usize, columns: usize| matrix(&random.normal(rows * columns), rows, &device).require_grad();
    // The input is not contiguous, like the columns that a coupling layer keeps.
    let x = normal(inputs, batch * n);
    let (weight, bias) = (normal(inputs, outputs), normal(batch, outputs));
    let y = dense(x.clone().transpose(), weight.clone(), bias.clone(), activation);
    let gradients = (y.clone().square() * 0.5).sum().backward();
    let by = |t: &Tensor<2>| t.grad(&gradients).expect("it has a gradient");
    let all = [y.clone().inner(), by(&x), by(&weight), by(&bias)];
    numbers(Tensor::cat(all.map(|t| t.flatten::<1>(0, 1)).to_vec(), 0)).await
}

#[wasm_bindgen_test]
async fn the_dense_layer_agrees_with_the_cpu() {
    for activation in [Activation::Identity, Activation::Relu, Activation::Gelu] {
        for sizes in [[2, 1, 1, 2], [5, 1, 7, 3], [1, 6, 4, 9], [70, 3, 16, 20], [1, 40, 33, 65], [37, 1, 33, 65]] {
            agree(&format!("{activation:?} {sizes:?}"), 1e-4, async |device| layer(sizes, activation, device).await)
                .await;
        }
    }
}

#[wasm_bindgen_test]
async fn a_dense_layer_takes_more_rows_than_one_dimension_of_a_dispatch() {
    // More than 65,535 workgroups of 32 rows. The numbers are small integers, whose sums are exact.
    const ROWS: usize = 65_535 * 32 + 40;
    let x: Vec<f32> = (0..ROWS).map(|i| (i % 1009) as f32).collect();
    agree("many rows", 0.0, async |device| {
        let [weight, bias] = [[2.0], [1.0]].map(|number| matrix(&number, 1, device));
        numbers(dense(matrix(&x, ROWS, device), weight, bias, Activation::Identity)).await
    })
    .await;
}

/// The output of a convolution, and the gradients of its input, weights and bias.
async fn convolution([batch, length, channels]: [usize; 3], stride: usize, device: &Device) -> Vec<f32> {
    const OUTPUTS: usize = 6;
    const KERNEL: usize = 5;
    let device = device.clone().autodiff();
    let mut random = Random::new(5, Purpose::Sampling(0));
    let mut normal = |shape: [usize; 3]| {
        let values = random.normal(shape.iter().product());
        Tensor::<3>::from_data(TensorData::new(values, shape), &device).require_grad()
    };
    let (x, weight) = (normal([batch, channels, length]), normal([OUTPUTS, channels, KERNEL]));
    let bias = normal([1, 1, OUTPUTS]);
    // The input is not contiguous, as in the first layer of an encoder.
    let row = bias.clone().reshape([OUTPUTS]);
    let y = conv1d(x.clone().swap_dims(1, 2), weight.clone(), row, stride, Activation::Gelu);
    let gradients = (y.clone().square() * 0.5).sum().backward();
    let by = |t: &Tensor<3>| t.grad(&gradients).expect("it has a gradient");
    let all = [y.clone().inner(), by(&x), by(&weight), by(&bias)];
    numbers(Tensor::cat(all.map(|t| t.flatten::<1>(0, 2)).to_vec(), 0)).await
}

#[wasm_bindgen_test]
async fn the_convolution_agrees_with_the_cpu() {
    for (size, stride) in [([1, 5, 1], 1), ([3, 17, 2], 2), ([4, 18, 3], 2), ([2, 23, 4], 3)] {
        agree(&format!("{size:?} {stride}"), 1e-4, async |device| convolution(size, stride, device).await).await;
    }
}

/// The output of the attention, and the gradient of its input. `hidden(observation, token)` says whether a token may
/// not be attended to.
async fn attention(
    [batch, tokens, heads, per_head]: [usize; 4],
    hidden: Option<fn(usize, usize) -> bool>,
    device: &Device,
) -> Vec<f32> {
    let device = device.clone().autodiff();
    let (rows, width) = (batch * tokens, heads * per_head);
    let mut random = Random::new(5, Purpose::Sampling(0));
    let x = matrix(&random.normal(rows * 3 * width), rows, &device).require_grad();
    let visible = hidden.map(|hidden| {
        let visible = (0..rows).map(|i| f32::from(u8::from(!hidden(i / tokens, i % tokens))));
        matrix(&visible.collect::<Vec<_>>(), batch, &device)
    });
    let plain = attend(x.clone().inner(), tokens, heads, visible.clone().map(Tensor::inner));
    let y = attend(x.clone(), tokens, heads, visible);
    let gradients = (y.clone() * matrix(&random.normal(rows * width), rows, &device)).sum().backward();
    let by_x = x.grad(&gradients).expect("it has a gradient");
    numbers(Tensor::cat([plain, y.inner(), by_x].map(|t| t.flatten::<1>(0, 1)).to_vec(), 0)).await
}

#[wasm_bindgen_test]
async fn the_attention_agrees_with_the_cpu() {
    // One token and one column, more tokens than a workgroup has units, and the sizes of a transformer.
    for size in [[1, 1, 1, 1], [70, 1, 2, 3], [3, 5, 2, 4], [2, 67, 3, 1], [1, 130, 1, 7], [9, 30, 4, 32]] {
        let hidden: [(&str, Option<fn(usize, usize) -> bool>); 4] = [
            ("none", None),
            ("the first tokens", Some(|_, token| token == 0)),
            ("all but one", Some(|_, token| token != 0)),
            ("all of the first observation", Some(|observation, token| observation == 0 || token == 1)),
        ];
        for (name, hidden) in hidden {
            // Measured on a software adapter: 8e-7. A GPU's exp(x) may be off by 3 + 2 |x| units in the last place
            // (WGSL).
            agree(&format!("attention {size:?}, hidden: {name}"), 1e-5, async |device| {
                attention(size, hidden, device).await
            })
            .await;
        }
    }
}

/// Weights, moments, norms and the flags of taken steps, after five steps. The gradient of one step is not finite.
async fn steps(clip_norm: Option<f64>, weight_decay: f64, device: &Device) -> Vec<f32> {
    const N: usize = 5001;
    let mut random = Random::new(3, Purpose::Sampling(0));
    let row = |values: &[f32]| Tensor::<1>::from_floats(values, device);
    let mut adam = AdamW::new(row(&random.normal(N)), weight_decay, clip_norm);
    let (mut all, mut before) = (Vec::new(), None);
    for step in 0..5 {
        let mut gradient = random.normal(N);
        if step == 2 {
            gradient[7] = f32::INFINITY;
            before = Some(adam.weights().clone());
        }
        let statistics = adam.step(row(&gradient), 1e-2);
        if let Some(before) = before.take() {
            // Weights that the test still holds must not change, and the skipped step must change nothing.
            all.push(before - adam.weights().clone() + 1.0);
        }
        all.extend([statistics.gradient_norm, statistics.taken]);
    }
    all.push(adam.weights().clone());
    all.extend(adam.moments().map(Clone::clone));
    numbers(Tensor::cat(all, 0)).await
}

#[wasm_bindgen_test]
async fn adamw_agrees_with_the_cpu_over_steps() {
    for (clip_norm, decay) in [(Some(1.0), 0.01), (None, 0.0)] {
        agree(&format!("AdamW {clip_norm:?}"), 1e-5, async |device| steps(clip_norm, decay, device).await).await;
    }
}

#[wasm_bindgen_test]
async fn splitting_and_joining_change_no_number() {
    // More numbers than units along one dimension of a dispatch, and more pieces than one dispatch joins.
    let sizes = [1, 64, 3, 256, 7, 65, 1, 2, 65_536 * 64];
    let values = Random::new(3, Purpose::Sampling(0)).normal(sizes.iter().sum());
    agree("split and joined", 0.0, async |device| {
        let flat = Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device);
        let pieces = split(flat.clone(), &sizes);
        assert!(pieces.iter().zip(sizes).all(|(piece, n)| piece.dims() == [n]));
        let reversed = join(pieces.iter().rev().cloned().collect());
        numbers(Tensor::cat(vec![join(pieces), reversed, split(flat, &sizes)[3].clone() * 2.0], 0)).await
    })
    .await;
}
