//! The allocator of the build with threads. The target's own has one lock for all threads, who wait for it awake, and fills
//! with zeros while it holds it: of a step of 32 rows on two threads that was a tenth. So each thread keeps what it has freed,
//! by size, and takes it again without asking. (The libraries for this target, as lol_alloc and talc, have one lock too.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;

/// Sizes of blocks between two powers of two, the larger of them included: a block is at most a quarter larger than asked for.
const STEPS: usize = 4;
/// The smallest block, in bytes.
const LEAST: usize = 16;
/// The largest that is kept.
const MOST: usize = 4 << 20;
const SIZES: usize = (MOST / LEAST).ilog2() as usize * STEPS + 1;
/// Alignment that all blocks have, the target's for its own; what asks for more is not kept.
const ALIGN: usize = 8;
/// A line of the cache, in bytes, and the size from which a block begins on one: no vector of its numbers then lies on two.
const LINE: usize = 64;
const LARGE: usize = 256;
/// What a thread keeps, at most, in bytes: several times what a step of training has in use.
const KEPT: usize = 64 << 20;

/// What a thread has freed.
struct Freed {
    /// Of each size the last one, or null; a block begins with the address of the one freed before it.
    last: [Cell<*mut u8>; SIZES],
    bytes: Cell<usize>,
}

thread_local! {
    // Without a destructor, so that it is there as long as its thread; those of the pool live as long as the page's worker.
    static FREED: Freed = const { Freed { last: [const { Cell::new(null_mut()) }; SIZES], bytes: Cell::new(0) } };
}

/// See the module.
pub struct Keeping;

/// Which of the sizes a block has, and how many bytes that is; none where it is not kept.
fn size(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size().max(LEAST);
    if layout.align() > ALIGN || size > MOST {
        return None;
    }
    if size == LEAST {
        return Some((0, LEAST));
    }
    // Above a power of two, and not above the next.
    let power = (size - 1).ilog2();
    let step = (1 << power) / STEPS;
    let steps = (size - (1 << power)).div_ceil(step);
    Some(((power - LEAST.ilog2()) as usize * STEPS + steps, (1 << power) + steps * step))
}

/// What the allocator behind is asked for.
fn block(bytes: usize) -> Layout {
    let align = if bytes >= LARGE { LINE } else { ALIGN };
    Layout::from_size_align(bytes, align).expect("some megabytes at most")
}

// SAFETY: all blocks of a size are that large; they come from the allocator behind as such, go back to it as such, and are
// either somebody's or in one list.
unsafe impl GlobalAlloc for Keeping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((size, bytes)) = size(layout) else {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc(layout) };
        };
        FREED.with(|freed| {
            let last = freed.last[size].get();
            if last.is_null() {
                // SAFETY: there is no block of no bytes.
                return unsafe { System.alloc(block(bytes)) };
            }
            // SAFETY: a block in a list begins with an address.
            freed.last[size].set(unsafe { last.cast::<*mut u8>().read() });
            freed.bytes.set(freed.bytes.get() - bytes);
            last
        })
    }

    unsafe fn dealloc(&self, freed_block: *mut u8, layout: Layout) {
        let Some((size, bytes)) = size(layout) else {
            // SAFETY: as the caller promises.
            return unsafe { System.dealloc(freed_block, layout) };
        };
        FREED.with(|freed| {
            if freed.bytes.get() + bytes > KEPT {
                // SAFETY: it came from there, as large.
                return unsafe { System.dealloc(freed_block, block(bytes)) };
            }
            // SAFETY: it is nobody's any more, and has room for an address.
            unsafe { freed_block.cast::<*mut u8>().write(freed.last[size].get()) };
            freed.last[size].set(freed_block);
            freed.bytes.set(freed.bytes.get() + bytes);
        });
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(bytes, layout.align()) else { return null_mut() };
        match (size(layout), size(wanted)) {
            // SAFETY: as the caller promises.
            (None, None) => unsafe { System.realloc(old, layout, bytes) },
            (a, b) if a == b => old,
            // SAFETY: both are at least as large as what is copied.
            _ => unsafe {
                let new = self.alloc(wanted);
                if !new.is_null() {
                    new.copy_from_nonoverlapping(old, layout.size().min(bytes));
                    self.dealloc(old, layout);
                }
                new
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 4).unwrap()
    }

    #[test]
    fn a_block_is_large_enough_and_at_most_a_quarter_larger() {
        let (mut before, mut sizes) = (size(layout(1)).unwrap(), 1);
        for bytes in (1..5000).chain((5000..=MOST).step_by(997)).chain([MOST - 1, MOST]) {
            let (size, room) = size(layout(bytes)).unwrap();
            assert!(size < SIZES && room >= bytes && room.is_multiple_of(4), "{bytes}: {size} {room}");
            assert!(bytes <= LEAST || room <= bytes + bytes / 4 + 3, "{bytes}: {room}");
            // Each size has a number of its own.
            assert!(
                (size, room) == before || (size > before.0 && room > before.1),
                "{bytes}: {size} {room} {before:?}"
            );
            sizes += usize::from((size, room) != before);
            before = (size, room);
        }
        assert_eq!((before, sizes), ((SIZES - 1, MOST), SIZES));
        assert_eq!(size(layout(MOST + 1)), None);
        assert_eq!(size(Layout::from_size_align(64, 16).unwrap()), None);
    }

    #[test]
    fn blocks_keep_what_is_written_to_them_and_come_again_once_freed() {
        // In a thread of its own, which has freed nothing yet.
        let run = || unsafe {
            let sizes = [1, 16, 17, 100, 1000, 4096, 70_000, MOST, MOST + 1, 2 * MOST];
            for round in 0..3 {
                let blocks = sizes.map(|bytes| (Keeping.alloc(layout(bytes)), bytes));
                for (i, &(at, bytes)) in blocks.iter().enumerate() {
                    assert!(at.align_offset(if (LARGE..=MOST).contains(&bytes) { LINE } else { ALIGN }) == 0);
                    at.write_bytes(i as u8 + 1, bytes);
                }
                // Grown and shrunk, they keep what both sizes have.
                let blocks = blocks.map(|(at, bytes)| {
                    let other = if round == 1 { bytes / 3 + 1 } else { bytes * 3 };
                    (Keeping.realloc(at, layout(bytes), other), bytes.min(other), other)
                });
                for (i, &(at, kept, _)) in blocks.iter().enumerate() {
                    assert!(std::slice::from_raw_parts(at, kept).iter().all(|&v| v == i as u8 + 1), "{round} {i}");
                }
                blocks.iter().for_each(|&(at, _, bytes)| Keeping.dealloc(at, layout(bytes)));
            }
            let (a, b) = (Keeping.alloc(layout(5000)), Keeping.alloc(layout(5000)));
            Keeping.dealloc(a, layout(5000));
            Keeping.dealloc(b, layout(5000));
            assert_eq!([Keeping.alloc(layout(4990)), Keeping.alloc(layout(5100))], [b, a]);
            // Zeros are asked for where there were none.
            a.write_bytes(7, 5000);
            Keeping.dealloc(a, layout(5000));
            let zeros = Keeping.alloc_zeroed(layout(5000));
            assert_eq!(zeros, a);
            assert!(std::slice::from_raw_parts(zeros, 5000).iter().all(|&v| v == 0));
        };
        std::thread::spawn(run).join().unwrap();
    }

    #[test]
    fn a_thread_keeps_no_more_than_it_may() {
        let run = || unsafe {
            let blocks: Vec<*mut u8> = (0..2 * KEPT / MOST).map(|_| Keeping.alloc(layout(MOST))).collect();
            blocks.into_iter().for_each(|at| Keeping.dealloc(at, layout(MOST)));
            FREED.with(|freed| assert_eq!(freed.bytes.get(), KEPT));
        };
        std::thread::spawn(run).join().unwrap();
    }
}
