//! Each device of an artifact computes: one matrix product against the same product by hand.

#[cfg(feature = "webgpu")]
use std::cell::RefCell;

use burn::tensor::{Device, Tensor, TensorData};
use wasm_bindgen_test::wasm_bindgen_test;

/// [[1, 2, 3], [4, 5, 6]] times [[1, 0], [0, 2], [-1, 1]], all exact in f32.
async fn product(device: &Device) -> TensorData {
    let a = Tensor::<2>::from_floats([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], device);
    let b = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]], device);
    a.matmul(b).into_data_async().await.expect("the product is read back")
}

fn product_by_hand() -> TensorData {
    TensorData::from([[-2.0f32, 7.0], [-2.0, 16.0]])
}

#[wasm_bindgen_test]
async fn flex_multiplies_matrices() {
    product(&Device::flex()).await.assert_eq(&product_by_hand(), true);
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)] // As in the tests of the estimator.
#[wasm_bindgen_test]
async fn ndarray_multiplies_matrices() {
    product(&Device::ndarray()).await.assert_eq(&product_by_hand(), true);
}

/// The WebGPU device of all tests: burn takes a device once in a worker's life.
#[cfg(feature = "webgpu")]
pub async fn webgpu() -> Device {
    thread_local!(static DEVICE: RefCell<Option<Device>> = const { RefCell::new(None) });
    if let Some(device) = DEVICE.with_borrow(Clone::clone) {
        return device;
    }
    let device = Device::wgpu_options().init_async().await.expect("this browser has a WebGPU adapter");
    DEVICE.set(Some(device.clone()));
    device
}

#[cfg(feature = "webgpu")]
#[wasm_bindgen_test]
async fn webgpu_multiplies_matrices() {
    product(&webgpu().await).await.assert_eq(&product_by_hand(), true);
}
