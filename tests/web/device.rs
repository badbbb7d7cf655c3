//! Each device of an artifact computes: one matrix product is compared with the same product by hand.

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
#[allow(deprecated, reason = "the device of browsers without SIMD, until burn 0.23 drops it")]
#[wasm_bindgen_test]
async fn ndarray_multiplies_matrices() {
    product(&Device::ndarray()).await.assert_eq(&product_by_hand(), true);
}

/// Keeps the errors of the device and counts the kernels that are compiled. A kernel that fails validation gives stale
/// numbers, and Burn only logs the error (CubeCL issue 1641). This listener can go when such an error reaches the
/// caller.
#[cfg(feature = "webgpu")]
const LISTEN: &str = "
    globalThis.deviceErrors = [];
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function listening(...args) {
        const device = await requestDevice.apply(this, args);
        device.addEventListener('uncapturederror', ({ error }) => deviceErrors.push(error.message));
        return device;
    };
    const { popErrorScope } = GPUDevice.prototype;
    GPUDevice.prototype.popErrorScope = async function listening() {
        const error = await popErrorScope.call(this);
        if (error) deviceErrors.push(error.message);
        return error;
    };
    globalThis.pipelines = 0;
    for (const name of ['createComputePipeline', 'createComputePipelineAsync']) {
        const create = GPUDevice.prototype[name];
        GPUDevice.prototype[name] = function counting(...args) {
            pipelines += 1;
            return create.apply(this, args);
        };
    }";

/// Kernels that were compiled so far.
#[cfg(feature = "webgpu")]
pub fn pipelines() -> f64 {
    js_sys::eval("pipelines").ok().and_then(|count| count.as_f64()).expect("webgpu() counts")
}

/// The errors of the device since the last call.
#[cfg(feature = "webgpu")]
pub fn device_errors() -> Vec<String> {
    let errors = js_sys::eval("deviceErrors.splice(0)").expect("webgpu() listens");
    js_sys::Array::from(&errors).iter().map(|error| error.as_string().unwrap_or_default()).collect()
}

/// The WebGPU device of all tests. Burn's runtime can be set up only once in a worker.
#[cfg(feature = "webgpu")]
pub async fn webgpu() -> Device {
    thread_local!(static DEVICE: RefCell<Option<Device>> = const { RefCell::new(None) });
    if let Some(device) = DEVICE.with_borrow(Clone::clone) {
        return device;
    }
    js_sys::eval(LISTEN).expect("this browser has WebGPU");
    let device = Device::wgpu_options().init_async().await.expect("this browser has a WebGPU adapter");
    DEVICE.set(Some(device.clone()));
    device
}

#[cfg(feature = "webgpu")]
#[wasm_bindgen_test]
async fn the_error_of_a_kernel_that_fails_validation_is_kept() {
    webgpu().await;
    assert_eq!(device_errors(), Vec::<String>::new());
    // The failing kernel runs on another device, because Burn's device cannot be used after an error.
    let failing = js_sys::eval(
        "navigator.gpu.requestAdapter().then((adapter) => adapter.requestDevice()).then((device) => {
            device.createShaderModule({ code: 'no shader' });
            return device.queue.onSubmittedWorkDone();
        })",
    );
    let failing = js_sys::Promise::from(failing.expect("this browser has WebGPU"));
    wasm_bindgen_futures::JsFuture::from(failing).await.expect("the device answers");
    assert_eq!(device_errors().len(), 1);
}

#[cfg(feature = "webgpu")]
#[wasm_bindgen_test]
async fn webgpu_multiplies_matrices() {
    product(&webgpu().await).await.assert_eq(&product_by_hand(), true);
}
