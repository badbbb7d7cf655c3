//! Memory: what becomes of what is freed, and how much there is.

/// Keeps freed memory for the next step. Without it glibc gives the buffers of a training step back to the system and
/// asks for them anew in the next: up to a third of a step's time, for pages that are cleared again and again.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
pub fn keep_freed() {
    unsafe extern "C" {
        fn mallopt(parameter: i32, value: i32) -> i32;
    }
    // From malloc.h. 32 MiB is the largest threshold that it takes.
    const M_TRIM_THRESHOLD: i32 = -1;
    const M_MMAP_THRESHOLD: i32 = -3;
    // SAFETY: only sets two numbers of the allocator, before there are threads. A refusal changes nothing.
    unsafe {
        mallopt(M_TRIM_THRESHOLD, 1 << 30);
        mallopt(M_MMAP_THRESHOLD, 32 << 20);
    }
}

/// Other allocators keep it by themselves, or have no such switch.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
pub fn keep_freed() {}

/// Bytes that are available to programs, where the system says so, and within what a container may have; else 8 GiB.
pub fn available() -> u64 {
    let field = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let system = read("/proc/meminfo").and_then(|text| field(&text)).map_or(8 << 30, |kib| kib << 10);
    let container = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    container.map_or(system, |most| system.min(most))
}
