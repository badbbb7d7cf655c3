//! The allocator of the build with threads. The target's own has one lock for all, which a thread that waits for it turns
//! around, and fills zeros in while it holds it: two threads that train lost a twelfth of their time there. So each keeps what
//! it has freed, by size, and takes it again without asking.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;

/// Sizes of blocks that are kept: powers of two and three between each two of them, from 16 bytes to 4 MiB.
const STEPS: usize = 4;
const LEAST: usize = 16;
const MOST: usize = 4 << 20;
const CLASSES: usize = (MOST / LEAST).ilog2() as usize * STEPS + 1;
/// Alignment that all blocks have.
const ALIGN: usize = 8;
/// What a thread keeps, at most, in bytes.
const KEPT: usize = 64 << 20;

/// What one thread has freed.
struct Freed {
    /// The last of each size; each block begins with the address of the one before.
    last: [Cell<*mut u8>; CLASSES],
    bytes: Cell<usize>,
}

thread_local! {
    static FREED: Freed = const { Freed { last: [const { Cell::new(null_mut()) }; CLASSES], bytes: Cell::new(0) } };
}

/// See the module.
pub struct Keeping;

/// The class of a block, and how large all of it are; none of what is not kept.
fn class(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size().max(LEAST);
    if layout.align() > ALIGN || size > MOST {
        return None;
    }
    // With a power of two below it, and the step above that: 2^p + step 2^p / STEPS.
    let power = (size - 1).ilog2().max(LEAST.ilog2() - 1);
    if size == LEAST {
        return Some((0, LEAST));
    }
    let step = (1 << power) / STEPS;
    let steps = (size - (1 << power)).div_ceil(step);
    let class = (power - LEAST.ilog2()) as usize * STEPS + steps;
    Some((class, (1 << power) + steps * step))
}

// SAFETY: blocks come from the target's allocator, of at least the size that is asked for, and are in one list at most.
unsafe impl GlobalAlloc for Keeping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((class, size)) = class(layout) else { return unsafe { System.alloc(layout) } };
        FREED.with(|freed| {
            let block = freed.last[class].get();
            if block.is_null() {
                return unsafe { System.alloc(Layout::from_size_align_unchecked(size, ALIGN)) };
            }
            freed.last[class].set(unsafe { block.cast::<*mut u8>().read() });
            freed.bytes.set(freed.bytes.get() - size);
            block
        })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some((class, size)) = class(layout) else { return unsafe { System.dealloc(block, layout) } };
        FREED.with(|freed| {
            if freed.bytes.get() + size > KEPT {
                return unsafe { System.dealloc(block, Layout::from_size_align_unchecked(size, ALIGN)) };
            }
            unsafe { block.cast::<*mut u8>().write(freed.last[class].get()) };
            freed.last[class].set(block);
            freed.bytes.set(freed.bytes.get() + size);
        });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(layout), class(new)) {
            (None, None) => unsafe { System.realloc(block, layout, size) },
            (Some(a), Some(b)) if a == b => block,
            _ => unsafe {
                let to = self.alloc(new);
                if !to.is_null() {
                    to.copy_from_nonoverlapping(block, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                to
            },
        }
    }
}
