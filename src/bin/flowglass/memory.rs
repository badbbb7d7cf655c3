//! Memory of the process: what is done with freed memory, and how much is available.

/// Tells the allocator to keep freed memory for the next step. By default glibc returns the buffers of a training step
/// to the system, and the next step gets them back as pages that the system has to clear: up to a third of the step's
/// time.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
pub(crate) fn keep_freed() {
    unsafe extern "C" {
        fn mallopt(parameter: i32, value: i32) -> i32;
    }
    // The names are those of malloc.h. 32 MiB is the largest threshold that it takes for M_MMAP_THRESHOLD.
    const M_TRIM_THRESHOLD: i32 = -1;
    const M_MMAP_THRESHOLD: i32 = -3;
    // SAFETY: the call only sets two numbers of the allocator, and no thread has been started yet. If the allocator
    // refuses, nothing changes.
    unsafe {
        mallopt(M_TRIM_THRESHOLD, 1 << 30);
        mallopt(M_MMAP_THRESHOLD, 32 << 20);
    }
}

/// Does nothing: other allocators keep freed memory by themselves, or have no such setting.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
pub fn keep_freed() {}

/// The bytes of memory that are available, at most as many as the container may use. 8 GiB if the system does not say.
pub(crate) fn available() -> u64 {
    let field = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let system = read("/proc/meminfo").and_then(|text| field(&text)).map_or(8 << 30, |kib| kib << 10);
    let container = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    container.map_or(system, |most| system.min(most))
}
