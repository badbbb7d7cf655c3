//! What kind of device a tensor is on, and how much work one pass there takes.

#[cfg(feature = "webgpu")]
use burn::backend::DispatchDevice;
use burn::tensor::Device;

/// Rows that one pass of a large request takes: bounds its memory. On the CPU intermediate results then stay in the
/// cache (10,000 draws take two thirds of their time in passes of 8192); a GPU wants more rows to work on,
/// and each pass ends in a read-back.
pub fn rows_per_pass(device: &Device) -> usize {
    if is_cpu(device) { 1024 } else { 16_384 }
}

/// Whether tensors of this device lie in this process's memory, where the loops reach them. Without a GPU they always do,
/// so that what is there for a GPU alone falls out of the build.
pub fn is_cpu(device: &Device) -> bool {
    #[cfg(feature = "webgpu")]
    return match device.clone().inner().as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        _ => false,
    };
    #[cfg(not(feature = "webgpu"))]
    return matches!(device, _);
}
