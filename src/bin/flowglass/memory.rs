//! What becomes of freed memory.

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
