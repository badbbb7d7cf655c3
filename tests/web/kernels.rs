//! Every kernel of the GPU against its twin on the CPU (flex), values and gradients. Sizes are such that the last workgroup
//! is not full.

use crate::device::{device_errors, webgpu};
use burn::tensor::{Device, Tensor, TensorData};
use flowglass::kernels::scalar_map::{ScalarMap, Way};
use flowglass::kernels::spline::SplineShape;
use flowglass::random::{Purpose, Random};
use wasm_bindgen_test::wasm_bindgen_test;

/// (rows, columns) of these numbers.
fn matrix(values: &[f32], rows: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [rows, values.len() / rows]), device)
}

async fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data_async().await.expect("numbers are read back").try_into_vec().expect("f32")
}

/// Runs `of` on both devices and compares all that it gives: differences relative to a number's size, where that is
/// above 1, are at most `allowed`.
async fn agree(what: &str, allowed: f32, of: impl AsyncFn(&Device) -> Vec<f32>) {
    let (gpu, cpu) = (of(&webgpu().await).await, of(&Device::flex()).await);
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

/// Value, log-det, and the gradients of a weighted sum of both by input and parameters.
async fn map(map: ScalarMap, way: Way, n: usize, d: usize, device: &Device) -> Vec<f32> {
    let device = device.clone().autodiff();
    let mut random = Random::new(7, Purpose::Sampling(0));
    let mut x = random.uniform(n * d, 3.5);
    // At the bound, at the origin, and beyond.
    x[..4].copy_from_slice(&[-3.0, 3.0, 0.0, 30.0]);
    let x = matrix(&x, n, &device).require_grad();
    let raw = matrix(&random.uniform(n * d * map.parameters(), 1.5), n, &device).require_grad();
    let (y, log_det) = match way {
        Way::Forward => map.forward(x.clone(), raw.clone()),
        Way::Inverse => map.inverse(x.clone(), raw.clone()),
    };
    let weights = matrix(&random.normal(2 * n * d), 2 * n, &device);
    let sum = (Tensor::cat(vec![y.clone(), log_det.clone()], 0) * weights).sum();
    let gradients = sum.backward();
    let by = |t: &Tensor<2>| t.grad(&gradients).expect("it has a gradient");
    let all = [y.inner(), log_det.inner(), by(&x), by(&raw)];
    numbers(Tensor::cat(all.map(|t| t.flatten::<1>(0, 1)).to_vec(), 0)).await
}

#[wasm_bindgen_test]
async fn the_spline_agrees_in_values_and_gradients() {
    for bins in [2, 8, 13] {
        for (name, way) in [("forward", Way::Forward), ("inverse", Way::Inverse)] {
            let spline = ScalarMap::Spline(SplineShape { bins, bound: 3.0 });
            agree(&format!("spline of {bins} bins, {name}"), 5e-4, async |device| {
                map(spline, way, 33, 3, device).await
            })
            .await;
        }
    }
}
