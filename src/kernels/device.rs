//! What kind of device a tensor is on, and how much work one pass there takes.

#[cfg(any(feature = "ndarray", feature = "webgpu"))]
use burn::backend::DispatchDevice;
use burn::tensor::Device;

/// What computes: one of Burn's backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The CPU, by Burn's flex.
    Flex,
    /// The CPU, by Burn's ndarray, which needs no SIMD.
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
