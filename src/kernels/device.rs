//! The kinds of devices, and how many rows one pass takes there.

#[cfg(any(feature = "ndarray", feature = "webgpu"))]
use burn::backend::DispatchDevice;
use burn::tensor::Device;

/// A kind of device: one of Burn's backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The CPU, with Burn's backend flex.
    Flex,
    /// The CPU, with Burn's backend ndarray, which needs no SIMD.
    #[cfg(feature = "ndarray")]
    Ndarray,
    /// A GPU.
    #[cfg(feature = "webgpu")]
    Webgpu,
}

impl DeviceKind {
    /// The kinds in this build.
    pub const ALL: &[Self] = &[
        Self::Flex,
        #[cfg(feature = "ndarray")]
        Self::Ndarray,
        #[cfg(feature = "webgpu")]
        Self::Webgpu,
    ];

    /// The kind of `device`.
    pub fn of(device: &Device) -> Self {
        match device.clone().inner().as_dispatch() {
            #[cfg(feature = "ndarray")]
            DispatchDevice::NdArray(_) => Self::Ndarray,
            #[cfg(feature = "webgpu")]
            DispatchDevice::Cube(_) => Self::Webgpu,
            // `inner` leaves no other.
            _ => Self::Flex,
        }
    }

    /// The word for options, for `Engine.create` and for the history of a training run.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            #[cfg(feature = "ndarray")]
            Self::Ndarray => "ndarray",
            #[cfg(feature = "webgpu")]
            Self::Webgpu => "webgpu",
        }
    }

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Flex => "CPU (Burn's flex)",
            #[cfg(feature = "ndarray")]
            Self::Ndarray => "CPU (Burn's ndarray)",
            #[cfg(feature = "webgpu")]
            Self::Webgpu => "GPU (WebGPU)",
        }
    }
}

/// Rows of a large request that one pass takes, which bounds its memory. On the CPU, the intermediate results of 1024
/// rows stay in the cache: 10,000 draws take two thirds of the time that they take in passes of 8192. A GPU needs more
/// rows to be busy, because each pass ends in a read-back.
pub fn rows_per_pass(device: &Device) -> usize {
    if is_cpu(device) { 1024 } else { 16_384 }
}

/// Whether tensors of this device are in the memory of this process, where loops can reach them. Without the feature
/// `webgpu` this is always true, so that the compiler drops code for GPUs.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_the_kind_that_it_was_made_as() {
        assert_eq!(DeviceKind::of(&Device::flex()), DeviceKind::Flex);
        assert_eq!(DeviceKind::of(&Device::flex().autodiff()).name(), "flex");
        #[cfg(feature = "ndarray")]
        assert_eq!(DeviceKind::of(&Device::ndarray()).name(), "ndarray");
    }
}
