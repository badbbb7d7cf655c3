//! The allocator of the browser build with threads. The default allocator has one lock for all threads, on which they
//! spin, and it fills memory with zeros while it holds that lock: a tenth of a training step of 32 rows on two threads.
//! Here each thread keeps the blocks that it has freed, sorted by size, and reuses them without a lock. (The allocators
//! of lol_alloc and talc have one lock too.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;

/// Block sizes per doubling, so that a block is at most a quarter larger than requested.
const STEPS: usize = 4;
/// The smallest block, in bytes.
const SMALLEST: usize = 16;
/// The largest block that is kept, in bytes. Larger ones go back to the default allocator at once.
const LARGEST_KEPT: usize = 4 << 20;
/// The number of block sizes.
const SIZES: usize = (LARGEST_KEPT / SMALLEST).ilog2() as usize * STEPS + 1;
/// Alignment of every block, in bytes: the alignment of the default allocator. Requests for a larger alignment are
/// passed on to that allocator.
const ALIGN: usize = 8;
/// A cache line, in bytes.
const LINE: usize = 64;
/// Smallest block, in bytes, that begins on a cache line, so that no SIMD vector of its numbers crosses two lines.
const LINE_ALIGNED: usize = 256;
/// Largest number of bytes that a thread keeps: several times what a training step uses.
const MAX_KEPT: usize = 64 << 20;

/// The blocks that one thread has freed and keeps.
struct Freed {
    /// For each size, the block freed last, or null. A kept block begins with the address of the one freed before it.
    last: [Cell<*mut u8>; SIZES],
    /// The bytes of all kept blocks.
    bytes: Cell<usize>,
}

thread_local! {
    // It has no destructor, so that it stays usable as long as its thread. The kept blocks are not given back when a
    // thread ends, which wastes nothing: the threads of the pool end together with the page's worker.
    static FREED: Freed = const { Freed { last: [const { Cell::new(null_mut()) }; SIZES], bytes: Cell::new(0) } };
}

/// An allocator whose threads keep the blocks that they have freed.
pub(crate) struct Keeping;

/// The index and the bytes of the block size for a layout; `None` if the default allocator handles it.
fn size(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size().max(SMALLEST);
    if layout.align() > ALIGN || size > LARGEST_KEPT {
        return None;
    }
    if size == SMALLEST {
        return Some((0, SMALLEST));
    }
    // `power` is the largest with 2^power < size.
    let power = (size - 1).ilog2();
    let step = (1 << power) / STEPS;
    let steps = (size - (1 << power)).div_ceil(step);
    Some(((power - SMALLEST.ilog2()) as usize * STEPS + steps, (1 << power) + steps * step))
}

/// The layout of a request to the default allocator.
fn block(bytes: usize) -> Layout {
    let align = if bytes >= LINE_ALIGNED { LINE } else { ALIGN };
    Layout::from_size_align(bytes, align).expect("block sizes are valid layouts")
}

// SAFETY: a request is served with a block of the size that `size` gives, which is at least as large. The block comes
// from the default allocator with the layout of `block` and returns to it with the same layout. At any time it is
// either in use or in the list of one thread.
unsafe impl GlobalAlloc for Keeping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((size, bytes)) = size(layout) else {
            // SAFETY: the caller promises that the layout is valid and not empty.
            return unsafe { System.alloc(layout) };
        };
        FREED.with(|freed| {
            let last = freed.last[size].get();
            if last.is_null() {
                // SAFETY: no block size is zero.
                return unsafe { System.alloc(block(bytes)) };
            }
            // SAFETY: a kept block begins with the address that `dealloc` wrote.
            freed.last[size].set(unsafe { last.cast::<*mut u8>().read() });
            freed.bytes.set(freed.bytes.get() - bytes);
            last
        })
    }

    unsafe fn dealloc(&self, freed_block: *mut u8, layout: Layout) {
        let Some((size, bytes)) = size(layout) else {
            // SAFETY: `alloc` got this block from the default allocator with the same layout.
            return unsafe { System.dealloc(freed_block, layout) };
        };
        FREED.with(|freed| {
            if freed.bytes.get() + bytes > MAX_KEPT {
                // SAFETY: `alloc` got this block from the default allocator with the same layout.
                return unsafe { System.dealloc(freed_block, block(bytes)) };
            }
            // SAFETY: the block is no longer in use, and the smallest block has room for an address.
            unsafe { freed_block.cast::<*mut u8>().write(freed.last[size].get()) };
            freed.last[size].set(freed_block);
            freed.bytes.set(freed.bytes.get() + bytes);
        });
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(bytes, layout.align()) else { return null_mut() };
        match (size(layout), size(wanted)) {
            // SAFETY: `old` came from the default allocator with this layout, and the new layout is valid.
            (None, None) => unsafe { System.realloc(old, layout, bytes) },
            (a, b) if a == b => old,
            // SAFETY: both blocks are at least as large as what is copied, and `old` came from this allocator.
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
    fn a_block_is_at_most_a_quarter_larger_than_requested() {
        let (mut before, mut sizes) = (size(layout(1)).unwrap(), 1);
        for bytes in (1..5000).chain((5000..=LARGEST_KEPT).step_by(997)).chain([LARGEST_KEPT - 1, LARGEST_KEPT]) {
            let (size, room) = size(layout(bytes)).unwrap();
            assert!(size < SIZES && room >= bytes && room.is_multiple_of(4), "{bytes}: {size} {room}");
            assert!(bytes <= SMALLEST || room <= bytes + bytes / 4 + 3, "{bytes}: {room}");
            // Each block size has its own index.
            assert!(
                (size, room) == before || (size > before.0 && room > before.1),
                "{bytes}: {size} {room} {before:?}"
            );
            sizes += usize::from((size, room) != before);
            before = (size, room);
        }
        assert_eq!((before, sizes), ((SIZES - 1, LARGEST_KEPT), SIZES));
        assert_eq!(size(layout(LARGEST_KEPT + 1)), None);
        assert_eq!(size(Layout::from_size_align(64, 16).unwrap()), None);
    }

    #[test]
    fn blocks_keep_their_contents_until_freed_blocks_are_reused() {
        // SAFETY: every block is used within its size and freed once, with the layout that it was requested with. The
        // test runs on a thread of its own, which has freed nothing yet.
        let run = || unsafe {
            let sizes = [1, 16, 17, 100, 1000, 4096, 70_000, LARGEST_KEPT, LARGEST_KEPT + 1, 2 * LARGEST_KEPT];
            for round in 0..3 {
                let blocks = sizes.map(|bytes| (Keeping.alloc(layout(bytes)), bytes));
                for (i, &(at, bytes)) in blocks.iter().enumerate() {
                    assert!(
                        at.align_offset(if (LINE_ALIGNED..=LARGEST_KEPT).contains(&bytes) { LINE } else { ALIGN }) == 0
                    );
                    at.write_bytes(i as u8 + 1, bytes);
                }
                // A block that grows or shrinks keeps the bytes that both sizes have.
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
            // A reused block that held other numbers is zeroed on request.
            a.write_bytes(7, 5000);
            Keeping.dealloc(a, layout(5000));
            let zeros = Keeping.alloc_zeroed(layout(5000));
            assert_eq!(zeros, a);
            assert!(std::slice::from_raw_parts(zeros, 5000).iter().all(|&v| v == 0));
        };
        std::thread::spawn(run).join().unwrap();
    }

    #[test]
    fn a_thread_keeps_no_more_than_its_limit() {
        // SAFETY: every block is freed once, with the layout that it was requested with.
        let run = || unsafe {
            let blocks: Vec<*mut u8> =
                (0..2 * MAX_KEPT / LARGEST_KEPT).map(|_| Keeping.alloc(layout(LARGEST_KEPT))).collect();
            blocks.into_iter().for_each(|at| Keeping.dealloc(at, layout(LARGEST_KEPT)));
            FREED.with(|freed| assert_eq!(freed.bytes.get(), MAX_KEPT));
        };
        std::thread::spawn(run).join().unwrap();
    }
}
