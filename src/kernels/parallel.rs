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

/// Pools of one thread each, as many as there are threads. What runs in one is not split further: the products of a part
/// of a batch are too small for threads to share, and waking another takes as long as many of them.
#[cfg(all(feature = "threads", not(target_arch = "wasm32")))]
fn lone_threads() -> &'static [rayon::ThreadPool] {
    static POOLS: std::sync::OnceLock<Vec<rayon::ThreadPool>> = std::sync::OnceLock::new();
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
    POOLS.get_or_init(|| (0..rayon::current_num_threads()).map(|_| pool()).collect())
}

/// As [`in_parallel`], where no part is split further.
pub fn each_alone<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    #[cfg(all(feature = "threads", not(target_arch = "wasm32")))]
    if rayon::current_num_threads() > 1 {
        let pools = lone_threads();
        let run = &run;
        let alone = |(i, part): (usize, T)| pools[i % pools.len()].install(move || run(part));
        return in_parallel(parts.into_iter().enumerate().collect(), alone);
    }
    in_parallel(parts, run)
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
