//! The devices of this artifact, by name.

use crate::error::{Error, Result};
use crate::kernels::DeviceKind;
use burn::tensor::Device;

/// Makes the device called `name`.
///
/// # Errors
/// [`Error::Device`] if this artifact does not have it, or there is no adapter.
pub(super) async fn choose(name: &str) -> Result<Device> {
    let Some(kind) = DeviceKind::ALL.iter().find(|kind| kind.name() == name) else {
        let here: Vec<&str> = DeviceKind::ALL.iter().map(|kind| kind.name()).collect();
        return Err(Error::Device(format!("device '{name}' is not in this build: it has {}", here.join(", "))));
    };
    match kind {
        DeviceKind::Flex => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated, reason = "the fallback for browsers without SIMD, until burn 0.23 drops it")]
        DeviceKind::Ndarray => Ok(Device::ndarray()),
        #[cfg(feature = "webgpu")]
        DeviceKind::Webgpu => webgpu().await,
    }
}

/// The WebGPU device. It is kept, because Burn's runtime can be set up only once in an instance.
#[cfg(feature = "webgpu")]
async fn webgpu() -> Result<Device> {
    thread_local! {
        static DEVICE: std::cell::RefCell<Option<Device>> = const { std::cell::RefCell::new(None) };
    }
    if let Some(device) = DEVICE.with_borrow(Clone::clone) {
        return Ok(device);
    }
    let device = Device::wgpu_options()
        .init_async()
        .await
        .map_err(|e| Error::Device(format!("the browser gave no WebGPU device: {e:?}")))?;
    DEVICE.set(Some(device.clone()));
    Ok(device)
}
