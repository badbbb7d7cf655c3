//! The devices of this artifact, by name.

use crate::error::{Error, Result};
use burn::tensor::Device;

/// A device and its names.
pub struct Chosen {
    pub device: Device,
    /// `flex`, `ndarray` or `webgpu`.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
}

/// The device called `name`.
///
/// # Errors
/// [`Error::Device`] if this artifact does not have it, or there is no adapter.
pub async fn choose(name: &str) -> Result<Chosen> {
    match name {
        "flex" => Ok(Chosen { device: Device::flex(), name: "flex", label: "CPU (Burn's flex)" }),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)] // The fallback that the project promises; goes when burn drops it (0.23).
        "ndarray" => Ok(Chosen { device: Device::ndarray(), name: "ndarray", label: "CPU (Burn's ndarray)" }),
        #[cfg(feature = "webgpu")]
        "webgpu" => {
            let device = webgpu().await?;
            Ok(Chosen { device, name: "webgpu", label: "GPU (WebGPU)" })
        }
        _ => {
            let mut here = vec!["flex"];
            here.extend(cfg!(feature = "ndarray").then_some("ndarray"));
            here.extend(cfg!(feature = "webgpu").then_some("webgpu"));
            Err(Error::Device(format!("device '{name}' is not in this build: it has {}", here.join(", "))))
        }
    }
}

/// Burn's runtime can be set up once per instance, so the device is kept.
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
        .map_err(|e| Error::Device(format!("no WebGPU device could be had: {e:?}")))?;
    DEVICE.set(Some(device.clone()));
    Ok(device)
}
