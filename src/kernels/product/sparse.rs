//! The product with a matrix of which much is zero, as behind a ReLU and in its gradient: each row goes over its own
//! nonzero numbers alone. It does about 40 multiplications and additions a nanosecond in Chromium, where the dense product
//! does 54, and half as many of them.

use super::lanes::{LANES, Lanes, compress};
use super::{Operand, Packed};
use std::cell::RefCell;

/// Vectors of sums that are kept at once; with the two that are multiplied they stay below V8's 15 registers on x86.
/// Measured: 12 and 14 take as long.
const VECTORS: usize = 8;
/// Rows that are compressed at once, for each of which a block of b is gone over while it is in the cache.
const ROWS: usize = 16;
/// Share of zeros from which the detour over lists pays.
const SHARE: f64 = 0.2;
/// Columns below which it does not.
const LEAST_COLUMNS: usize = 16;

/// Columns of b side by side, (k, vectors * LANES), filled up with zeros.
struct Columns {
    first: usize,
    count: usize,
    vectors: usize,
    /// Where it begins among the packed numbers.
    at: usize,
}

/// The nonzero numbers of some rows.
#[derive(Default)]
struct Entries {
    /// Which of its row each is, and the number.
    places: Vec<u32>,
    values: Vec<f32>,
    /// Where those of each row end.
    ends: Vec<usize>,
}

struct Room {
    packed: Packed,
    entries: Entries,
}

thread_local! {
    /// Kept so that a step allocates nothing after the first.
    static ROOM: RefCell<Room> = RefCell::new(Room { packed: Packed::new(64), entries: Entries::default() });
}

/// Whether the product by [`product`] is the faster.
pub fn pays(a: &Operand<'_>, n: usize) -> bool {
    if a.transposed || n < LEAST_COLUMNS || a.values.len() < ROWS {
        return false;
    }
    // Some hundred numbers are enough to see; an odd step, so that they are not all of one column.
    let seen = a.values.iter().step_by((a.values.len() / 512) | 1);
    let (all, zeros) = (seen.len(), seen.filter(|&&v| v == 0.0).count());
    zeros as f64 >= SHARE * all as f64
}

/// a b, (m, n), where a is not transposed.
pub fn product(a: &Operand<'_>, b: &Operand<'_>) -> Vec<f32> {
    let ([m, k], [_, n]) = (a.dims(), b.dims());
    let mut out = vec![0.0; m * n];
    let vectors = n.div_ceil(LANES);
    let blocks = vectors.div_ceil(VECTORS);
    let mut at = 0;
    let columns: Vec<Columns> = (0..blocks)
        .map(|i| {
            // Blocks of nearly the same width.
            let (from, to) = (i * vectors / blocks, (i + 1) * vectors / blocks);
            let columns =
                Columns { first: from * LANES, count: (to * LANES).min(n) - from * LANES, vectors: to - from, at };
            at += k * columns.vectors * LANES;
            columns
        })
        .collect();
    ROOM.with_borrow_mut(|Room { packed, entries }| {
        packed.clear();
        packed.resize(at, 0.0);
        columns.iter().for_each(|columns| columns.pack(b, &mut packed[columns.at..][..k * columns.vectors * LANES]));
        for (rows, out) in a.values.chunks(ROWS * k).zip(out.chunks_mut(ROWS * n)) {
            entries.fill(rows, k);
            for columns in &columns {
                let packed = &packed[columns.at..][..k * columns.vectors * LANES];
                let mut start = 0;
                for (&end, out) in entries.ends.iter().zip(out.chunks_exact_mut(n)) {
                    let entries = (&entries.places[start..end], &entries.values[start..end]);
                    columns.row(entries, packed, &mut out[columns.first..][..columns.count]);
                    start = end;
                }
            }
        }
    });
    out
}

impl Entries {
    /// Those of rows of k numbers.
    fn fill(&mut self, rows: &[f32], k: usize) {
        // Room for the last vector, which is written whole.
        self.places.resize(rows.len() + LANES, 0);
        self.values.resize(rows.len() + LANES, 0.0);
        self.ends.clear();
        let mut end = 0;
        for row in rows.chunks_exact(k) {
            end += compress(row, &mut self.places[end..], &mut self.values[end..]);
            self.ends.push(end);
        }
    }
}

impl Columns {
    fn pack(&self, b: &Operand<'_>, packed: &mut [f32]) {
        let width = self.vectors * LANES;
        if b.transposed {
            for j in 0..self.count {
                let column = b.values[(self.first + j) * b.columns..].iter();
                packed[j..].iter_mut().step_by(width).zip(column).for_each(|(to, &v)| *to = v);
            }
        } else {
            for (to, row) in packed.chunks_exact_mut(width).zip(b.values.chunks_exact(b.columns)) {
                to[..self.count].copy_from_slice(&row[self.first..][..self.count]);
            }
        }
    }

    /// One row of the product in these columns.
    fn row(&self, entries: (&[u32], &[f32]), packed: &[f32], out: &mut [f32]) {
        let run = match self.vectors {
            1 => row::<1>,
            2 => row::<2>,
            3 => row::<3>,
            4 => row::<4>,
            5 => row::<5>,
            6 => row::<6>,
            7 => row::<7>,
            8 => row::<8>,
            9 => row::<9>,
            10 => row::<10>,
            11 => row::<11>,
            _ => row::<VECTORS>,
        };
        run(entries, packed, out);
    }
}

/// Sums over the entries for N vectors of columns; `out` may end within the last.
fn row<const N: usize>((places, values): (&[u32], &[f32]), packed: &[f32], out: &mut [f32]) {
    let mut edge = [0.0; VECTORS * LANES];
    let whole = out.len() == N * LANES;
    let to = if whole { out.as_mut_ptr() } else { edge.as_mut_ptr() };
    // SAFETY: places are below k, the length of the rows that they come from, and `packed` is (k, N vectors); there is room
    // for N vectors where `to` points.
    unsafe { sums::<N>(places, values, packed.as_ptr(), to) };
    if !whole {
        out.copy_from_slice(&edge[..out.len()]);
    }
}

/// # Safety
/// `packed` points to rows of N vectors, as many as the places reach, `out` to room for N vectors.
#[cfg_attr(
    all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"),
    target_feature(enable = "relaxed-simd")
)]
unsafe fn sums<const N: usize>(places: &[u32], values: &[f32], packed: *const f32, out: *mut f32) {
    let mut sums = [Lanes::zero(); N];
    // SAFETY: as the caller promises.
    unsafe {
        for (&place, value) in places.iter().zip(values) {
            let (value, row) = (Lanes::splat(value), packed.add(place as usize * (N * LANES)));
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = sum.add_product(value, Lanes::load(row.add(i * LANES)));
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            sum.store(out.add(i * LANES));
        }
    }
}
