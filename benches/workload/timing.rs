//! Clocks, and one line of JSON per measurement.

use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::time::Instant;

/// Smallest and largest number of runs of a measurement.
const RUNS: std::ops::RangeInclusive<usize> = 5..=60;

/// Seconds of CPU time that all threads of this process have used, so that other programs on the machine do not count.
#[cfg(target_os = "linux")]
pub(crate) fn cpu_seconds() -> f64 {
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
    }
    const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the pointer is to a live timespec of 64-bit Linux's layout.
    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.seconds as f64 + time.nanoseconds as f64 * 1e-9
}

/// Seconds since the first call, for systems that do not tell CPU time.
#[cfg(not(target_os = "linux"))]
pub(crate) fn cpu_seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// The largest resident memory so far, in MiB; `None` if the system does not tell.
fn memory_peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

/// Seconds by the clock and of CPU time of repeated runs.
pub(crate) struct Timed {
    clock: Vec<f64>,
    cpu: Vec<f64>,
}

impl Timed {
    /// Two runs to warm up, then as many as `budget` seconds allow.
    pub(crate) fn of<T>(budget: f64, mut run: impl FnMut() -> T) -> Self {
        (0..2).for_each(|_| drop(black_box(run())));
        let mut times = Self { clock: Vec::new(), cpu: Vec::new() };
        let start = Instant::now();
        while times.clock.len() < *RUNS.end() {
            let (began, cpu) = (Instant::now(), cpu_seconds());
            drop(black_box(run()));
            times.cpu.push(cpu_seconds() - cpu);
            times.clock.push(began.elapsed().as_secs_f64());
            let enough = times.clock.len() >= *RUNS.start() && start.elapsed().as_secs_f64() > budget;
            if enough {
                break;
            }
        }
        times
    }

    /// The fields of a line.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let [clock, cpu] = [&self.clock, &self.cpu].map(|times| {
            let mut sorted = times.clone();
            sorted.sort_by(f64::total_cmp);
            sorted
        });
        let fields = json!({
            "median_s": clock[clock.len() / 2],
            "min_s": clock[0],
            "max_s": clock[clock.len() - 1],
            "runs": clock.len(),
            "cpu_median_s": cpu[cpu.len() / 2],
            "cpu_min_s": cpu[0],
            "memory_peak_mib": memory_peak(),
        });
        let Value::Object(fields) = fields else { unreachable!("an object was written") };
        fields
    }
}
