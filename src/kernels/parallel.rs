//! Work split over several threads, if the build has threads.

use super::device::is_cpu;
use burn::tensor::Device;
use std::ops::Range;

/// Threads that can compute on this device side by side; 1 if the device is not the CPU.
pub fn threads(device: &Device) -> usize {
    if is_cpu(device) { cpu_threads() } else { 1 }
}

/// Threads that can compute on the CPU side by side; 1 on a thread whose work must not be split further.
pub(crate) fn cpu_threads() -> usize {
    #[cfg(feature = "threads")]
    return pool::threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// Splits the range `0..n` into `parts` ranges whose lengths differ by at most 1.
pub fn shares(n: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    (0..parts).map(move |i| i * n / parts..(i + 1) * n / parts)
}

/// Calls `run` for each part, as [`in_parallel`] does, but a part does not split its own work over threads.
pub fn each_alone<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "threads")]
    if parts.len() > 1 && cpu_threads() > 1 {
        return pool::each_alone(parts, run);
    }
    parts.into_iter().map(run).collect()
}

/// Calls `run` for each part, on all threads; the results are in the order of the parts.
pub fn in_parallel<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "threads")]
    if parts.len() > 1 && cpu_threads() > 1 {
        return pool::in_parallel(parts, run);
    }
    parts.into_iter().map(run).collect()
}

#[cfg(all(feature = "threads", target_arch = "wasm32"))]
pub use pool::panicked;

/// Native threads: the pool of rayon.
#[cfg(all(feature = "threads", not(target_arch = "wasm32")))]
mod pool {
    use rayon::prelude::*;

    pub(crate) fn threads() -> usize {
        rayon::current_num_threads()
    }

    /// Pools of one thread each, as many as there are threads. Work in such a pool is not split further: the products
    /// in one part of a batch are too small to share, and waking another thread takes as long as many of them.
    fn lone_threads() -> &'static [rayon::ThreadPool] {
        static POOLS: std::sync::OnceLock<Vec<rayon::ThreadPool>> = std::sync::OnceLock::new();
        let pool = || rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
        POOLS.get_or_init(|| (0..threads()).map(|_| pool()).collect())
    }

    pub(crate) fn each_alone<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        let pools = lone_threads();
        let run = &run;
        let alone = |(i, part): (usize, T)| pools[i % pools.len()].install(move || run(part));
        in_parallel(parts.into_iter().enumerate().collect(), alone)
    }

    pub(crate) fn in_parallel<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        parts.into_par_iter().map(run).collect()
    }
}

/// Browser threads: the caller works too, so the pool has one thread less than requested. If the caller slept instead,
/// its next data would be in the cache of another core, and it would pay for waking up. Waiting threads spin for a
/// while, because sleeping and waking in WebAssembly cost more than most parts of work. A `rayon::scope` is not used,
/// because it puts its caller to sleep at once.
#[cfg(all(feature = "threads", target_arch = "wasm32"))]
mod pool {
    use std::cell::Cell;
    use std::hint::spin_loop;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    /// How often an idle pool thread looks for work before it sleeps. This takes some milliseconds: the thread stays
    /// awake between two steps of a training, and sleeps between two trainings.
    const LOOKS: usize = 1 << 16;
    /// How often the caller looks whether the other threads are done before it sleeps: about half a millisecond.
    const WAITS: usize = 1 << 19;
    /// How long the caller sleeps before it looks whether another thread has panicked.
    const SLEEP: Duration = Duration::from_millis(100);

    thread_local! {
        /// True while this thread, which is not one of the pool, runs a part of split work. Nested work then runs
        /// unsplit.
        static AT_A_PART: Cell<bool> = const { Cell::new(false) };
    }

    /// Number of pool threads that are awake.
    static AWAKE: AtomicUsize = AtomicUsize::new(0);
    /// Whether a thread has panicked. Its part will then never be done.
    static PANICKED: AtomicBool = AtomicBool::new(false);

    /// How many threads may share work that is started here. A pool thread must not split its part further, so it
    /// gets one. The main thread gets one too until a pool is started, because rayon then reports it as a pool thread.
    pub fn threads() -> usize {
        let pool = rayon::current_num_threads();
        if AT_A_PART.get() || rayon::current_thread_index().is_some() { 1 } else { pool + 1 }
    }

    /// Records that a thread panics. Threads that wait for it then panic too, instead of waiting forever.
    pub fn panicked() {
        PANICKED.store(true, Ordering::Relaxed);
    }

    pub use in_parallel as each_alone;

    /// Calls `run` for each part. Each thread starts at a part that depends only on the thread's number, so that in the
    /// next call the same data is still in its cache. A thread that is done takes any part that is left.
    pub fn in_parallel<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        let others = (threads() - 1).min(parts.len() - 1);
        let results: Vec<Mutex<Option<R>>> = parts.iter().map(|_| Mutex::new(None)).collect();
        let parts: Vec<Mutex<Option<T>>> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
        on_threads(others, &|| {
            let first = rayon::current_thread_index().map_or(0, |i| i + 1) * parts.len() / (others + 1);
            for i in (0..parts.len()).map(|i| (first + i) % parts.len()) {
                // The lock is held for a moment only, not while the part runs.
                let part = parts[i].lock().expect("nobody panicked with it").take();
                if let Some(part) = part {
                    *results[i].lock().expect("nobody panicked with it") = Some(run(part));
                }
            }
        });
        results
            .into_iter()
            .map(|result| result.into_inner().expect("no part panicked").expect("all are done"))
            .collect()
    }

    /// Calls `run` on this thread and on `others` pool threads, and returns when all calls have returned.
    fn on_threads(others: usize, run: &(dyn Fn() + Sync)) {
        // SAFETY: only the jobs below use the extended reference, and each does so before it decrements `left`. This
        // function returns only when `left` is zero. No panic unwinds past that wait: in WebAssembly a panic ends the
        // thread, and a panic of this thread ends the whole instance.
        let run = unsafe { std::mem::transmute::<&(dyn Fn() + Sync), &'static (dyn Fn() + Sync)>(run) };
        let left = Arc::new(AtomicUsize::new(others));
        for _ in 0..others {
            let (left, caller) = (left.clone(), std::thread::current());
            rayon::spawn(move || {
                run();
                if left.fetch_sub(1, Ordering::Release) == 1 {
                    caller.unpark();
                }
            });
        }
        while AWAKE.load(Ordering::Relaxed) < others {
            AWAKE.fetch_add(1, Ordering::Relaxed);
            rayon::spawn(stay_awake);
        }
        AT_A_PART.set(true);
        run();
        AT_A_PART.set(false);
        let all_done = || left.load(Ordering::Acquire) == 0;
        (0..WAITS).take_while(|_| !all_done()).for_each(|_| spin_loop());
        while !all_done() {
            // A thread that ends because memory ran out sets no flag: the caller then waits until the page ends the
            // worker.
            assert!(!PANICKED.load(Ordering::Relaxed), "another thread panicked");
            std::thread::park_timeout(SLEEP);
        }
    }

    /// Runs jobs of the pool until none has come for [`LOOKS`] looks.
    fn stay_awake() {
        let mut looks = 0;
        while looks < LOOKS {
            match rayon::yield_now() {
                Some(rayon::Yield::Executed) => looks = 0,
                _ => looks += 1,
            }
        }
        AWAKE.fetch_sub(1, Ordering::Relaxed);
    }
}
