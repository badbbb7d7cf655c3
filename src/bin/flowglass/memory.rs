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

/// The bytes of memory that are available: [`known`], or 8 GiB if the system does not say.
pub(crate) fn available() -> u64 {
    known().unwrap_or(8 << 30)
}

/// The bytes of memory that are available, at most as many as the container and the limit of the shell (`ulimit -v`)
/// leave; `None` if the system does not say.
pub(crate) fn known() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let system = kib(&read("/proc/meminfo"), "MemAvailable:")?;
    let container = read("/sys/fs/cgroup/memory.max").trim().parse().ok();
    let shell = address_space(&read("/proc/self/limits"), &read("/proc/self/status"));
    Some([container, shell].into_iter().flatten().fold(system, u64::min))
}

/// The bytes of a line like `MemAvailable:   1024 kB`.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// The bytes of address space that are left to the process; `None` if it has no limit.
fn address_space(limits: &str, status: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let most: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(most.saturating_sub(kib(status, "VmSize:").unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tflowglass\nVmPeak:\t    4000 kB\nVmSize:\t    1000 kB\n";

    #[test]
    fn a_limit_of_the_shell_leaves_what_the_process_has_not_taken() {
        let limits = "Max open files            1024                 4096                 files     \n\
                      Max address space         4096000              unlimited            bytes     \n";
        assert_eq!(address_space(limits, STATUS), Some(4_096_000 - 1_024_000));
    }

    #[test]
    fn a_shell_without_a_limit_leaves_all() {
        let limits = "Max address space         unlimited            unlimited            bytes     \n";
        assert_eq!(address_space(limits, STATUS), None);
    }
}
