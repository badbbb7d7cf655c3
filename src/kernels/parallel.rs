//! Work on several threads, where there are any.

use super::device::is_cpu;
use burn::tensor::Device;
use std::ops::Range;

/// Threads that can compute on this device side by side; one where it is not the CPU.
pub fn threads(device: &Device) -> usize {
    if is_cpu(device) { cpu_threads() } else { 1 }
}

/// Threads that can compute on the CPU side by side; one within a part that is not split further.
pub fn cpu_threads() -> usize {
    #[cfg(feature = "threads")]
    return pool::threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// `n` things in `parts` of as many each, or nearly so.
pub fn shares(n: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    (0..parts).map(move |i| i * n / parts..(i + 1) * n / parts)
}

/// As [`in_parallel`], where no part is split further.
pub fn each_alone<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "threads")]
    if parts.len() > 1 && cpu_threads() > 1 {
        return pool::each_alone(parts, run);
    }
    parts.into_iter().map(run).collect()
}

/// Calls `run` for each of the parts, on all threads; the results are in the order of the parts.
pub fn in_parallel<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "threads")]
    if parts.len() > 1 && cpu_threads() > 1 {
        return pool::in_parallel(parts, run);
    }
    parts.into_iter().map(run).collect()
}

#[cfg(all(feature = "threads", target_arch = "wasm32"))]
pub use pool::panicked;

/// Natively: the threads of rayon's pool.
#[cfg(all(feature = "threads", not(target_arch = "wasm32")))]
mod pool {
    use rayon::prelude::*;

    pub fn threads() -> usize {
        rayon::current_num_threads()
    }

    /// Pools of one thread each, as many as there are threads. What runs in one is not split further: the products of a
    /// part of a batch are too small for threads to share, and waking another takes as long as many of them.
    fn lone_threads() -> &'static [rayon::ThreadPool] {
        static POOLS: std::sync::OnceLock<Vec<rayon::ThreadPool>> = std::sync::OnceLock::new();
        let pool = || rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
        POOLS.get_or_init(|| (0..threads()).map(|_| pool()).collect())
    }

    pub fn each_alone<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        let pools = lone_threads();
        let run = &run;
        let alone = |(i, part): (usize, T)| pools[i % pools.len()].install(move || run(part));
        in_parallel(parts.into_iter().enumerate().collect(), alone)
    }

    pub fn in_parallel<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        parts.into_par_iter().map(run).collect()
    }
}

/// In a browser: the thread that calls and those of rayon's pool, one less than there are to be. The caller would only
/// sleep while a pool of as many did all: what it works on next would lie in other cores' caches, and be woken for. To put a
/// thread to sleep and to wake it takes longer there than much of what threads are given, so all wait awake for a while; a
/// scope of rayon's puts its caller to sleep at once.
#[cfg(all(feature = "threads", target_arch = "wasm32"))]
mod pool {
    use std::cell::Cell;
    use std::hint::spin_loop;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    /// How often a thread of the pool looks for work before it sleeps: for some milliseconds, so that it sleeps between two
    /// trainings and not between two steps.
    const LOOKS: usize = 1 << 16;
    /// How often the caller looks whether the others are done before it sleeps: for about half a millisecond.
    const WAITS: usize = 1 << 19;
    /// How long the caller sleeps before it looks whether another thread has panicked.
    const SLEEP: Duration = Duration::from_millis(100);

    thread_local! {
        /// Whether this thread, which is none of the pool's, is at a part, which is then not split further.
        static AT_A_PART: Cell<bool> = const { Cell::new(false) };
    }

    /// Threads of the pool that are awake.
    static AWAKE: AtomicUsize = AtomicUsize::new(0);
    /// Whether a thread has panicked, which then is at no part any more.
    static PANICKED: AtomicBool = AtomicBool::new(false);

    /// One for threads of the pool. So it is where nobody has started a pool, of which rayon then takes the caller to be.
    pub fn threads() -> usize {
        let pool = rayon::current_num_threads();
        if AT_A_PART.get() || rayon::current_thread_index().is_some() { 1 } else { pool + 1 }
    }

    /// To be called when a thread panics: whoever waits for it panics too, instead of waiting forever.
    pub fn panicked() {
        PANICKED.store(true, Ordering::Relaxed);
    }

    pub use in_parallel as each_alone;

    /// Each thread begins with the part that is its own by number, so that the same numbers come to the same thread and lie in
    /// its cache, and takes what is left as soon as it is done.
    pub fn in_parallel<T: Send, R: Send>(parts: Vec<T>, run: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        let others = (threads() - 1).min(parts.len() - 1);
        let results: Vec<Mutex<Option<R>>> = parts.iter().map(|_| Mutex::new(None)).collect();
        let parts: Vec<Mutex<Option<T>>> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
        on_threads(others, &|| {
            let own = rayon::current_thread_index().map_or(0, |i| i + 1) * parts.len() / (others + 1);
            for i in (0..parts.len()).map(|i| (own + i) % parts.len()) {
                // Held for a moment only, not while the part is run.
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

    /// Calls `run` here and on so many `others`, and returns when all have returned.
    fn on_threads(others: usize, run: &(dyn Fn() + Sync)) {
        // SAFETY: only the threads below use it, before each counts itself out of `left`, for which this function waits. No
        // panic unwinds past the wait: in WebAssembly it ends the thread, and here with it the whole instance.
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
            // A thread that ends for want of memory says nothing, and is waited for until the page ends the worker.
            assert!(!PANICKED.load(Ordering::Relaxed), "another thread panicked");
            std::thread::park_timeout(SLEEP);
        }
    }

    /// Does what there is to do, until there has been nothing for a while.
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
