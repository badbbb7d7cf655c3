//! Work on several threads, where there are any.

use super::host::is_host;
use burn::tensor::Device;

/// Threads that can compute on this device side by side; one where it is not the CPU.
pub fn threads(device: &Device) -> usize {
    #[cfg(feature = "threads")]
    if is_host(device) {
        return rayon::current_num_threads();
    }
    let _ = (device, is_host);
    1
}

/// Calls `run` for each of the parts, on all threads; the results are in the order of the parts.
pub fn in_parallel<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "threads")]
    if parts.len() > 1 {
        use rayon::prelude::*;
        return parts.into_par_iter().map(run).collect();
    }
    parts.into_iter().map(run).collect()
}
