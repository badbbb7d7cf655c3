//! Matrix products in WebAssembly, of the shapes that small networks have. The library's (gemm, behind flex)
//! keeps more numbers at once than the engine has registers for, and has no fused multiply-add there; natively it is
//! the faster. Blocking and packing after Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication".

use super::Operand;
use super::lanes::{LANES, Lanes};
use aligned_vec::{AVec, ConstAlign};
use std::cell::RefCell;

/// Numbers that begin on a cache line, so that no vector of them lies on two.
pub type Packed = AVec<f32, ConstAlign<64>>;

/// Columns of a tile: two vectors.
const COLUMNS: usize = 2 * LANES;
/// Rows of a tile. Ten or twelve sums, two vectors of b and one of a stay below the 15 registers that V8 leaves on x86;
/// without a fused multiply-add the product takes one more.
const ROWS: usize = if cfg!(feature = "relaxed") { 6 } else { 5 };
/// Depth of a block: a panel of b (DEPTH, COLUMNS) takes half of a first-level cache.
const DEPTH: usize = 512;
/// Steps along the depth that are written out.
const UNROLLED: usize = 4;
/// Numbers of a that are gone over for each panel of b, about as many as fit beside it.
const BLOCK: usize = 6144;

thread_local! {
    /// Packed blocks of b and of a, kept so that a step allocates nothing after the first.
    static PACKED: RefCell<[Packed; 2]> = RefCell::new([Packed::new(64), Packed::new(64)]);
}

/// As [`super::product_into`], where it does not pay to skip zeros.
pub fn product_into(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], add: bool) {
    let ([m, k], [_, n]) = (a.dims(), b.dims());
    PACKED.with_borrow_mut(|[packed_b, packed_a]| {
        for from in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - from);
            pack_columns(&b, from, depth, packed_b);
            let rows = (BLOCK / depth / ROWS).max(1) * ROWS;
            for start in (0..m).step_by(rows) {
                let rows = rows.min(m - start);
                let block = if a.transposed {
                    pack_rows(&a, start..start + rows, from, depth, packed_a);
                    Block { values: packed_a, first: 0, tile: depth * ROWS, row: None }
                } else {
                    Block { values: a.values, first: start * k + from, tile: ROWS * k, row: Some(k) }
                };
                let out = &mut out[start * n..(start + rows) * n];
                block.times(packed_b, depth, n, add || from > 0, out);
            }
        }
    });
}

/// Rows `from..from + depth` of b as panels of [`COLUMNS`] columns, (panels, depth, COLUMNS), filled up with zeros.
fn pack_columns(b: &Operand<'_>, from: usize, depth: usize, packed: &mut Packed) {
    let [_, n] = b.dims();
    packed.clear();
    packed.resize(n.div_ceil(COLUMNS) * depth * COLUMNS, 0.0);
    for (panel, packed) in packed.chunks_exact_mut(depth * COLUMNS).enumerate() {
        let first = panel * COLUMNS;
        let columns = COLUMNS.min(n - first);
        if b.transposed {
            for j in 0..columns {
                let values = &b.values[(first + j) * b.columns + from..][..depth];
                packed[j..].iter_mut().step_by(COLUMNS).zip(values).for_each(|(to, &v)| *to = v);
            }
        } else {
            let rows = b.values[from * b.columns..].chunks_exact(b.columns);
            copy::<COLUMNS>(rows.map(|row| &row[first..first + columns]), packed);
        }
    }
}

/// Rows of a transposed a as tiles of [`ROWS`] rows, (tiles, depth, ROWS), filled up with zeros.
fn pack_rows(a: &Operand<'_>, rows: std::ops::Range<usize>, from: usize, depth: usize, packed: &mut Packed) {
    packed.clear();
    packed.resize(rows.len().div_ceil(ROWS) * depth * ROWS, 0.0);
    for (tile, packed) in packed.chunks_exact_mut(depth * ROWS).enumerate() {
        let first = rows.start + tile * ROWS;
        let count = ROWS.min(rows.end - first);
        let columns = a.values[from * a.columns..].chunks_exact(a.columns);
        copy::<ROWS>(columns.map(|column| &column[first..first + count]), packed);
    }
}

/// Copies pieces of at most N numbers to every N-th place.
fn copy<'a, const N: usize>(pieces: impl Iterator<Item = &'a [f32]>, to: &mut [f32]) {
    for (to, piece) in to.as_chunks_mut::<N>().0.iter_mut().zip(pieces) {
        // Whole pieces as arrays, which are copied without a call.
        match piece.first_chunk::<N>() {
            Some(piece) => *to = *piece,
            None => to[..piece.len()].copy_from_slice(piece),
        }
    }
}

/// Rows of a, where they lie or packed.
struct Block<'a> {
    values: &'a [f32],
    /// Where the first number is.
    first: usize,
    /// From one tile to the next.
    tile: usize,
    /// From one row of a tile to the next; none where it is packed.
    row: Option<usize>,
}

impl Block<'_> {
    /// `out`, (rows, n), becomes, or grows by, the product with the packed panels of b.
    fn times(&self, packed: &[f32], depth: usize, n: usize, add: bool, out: &mut [f32]) {
        let rows = out.len() / n;
        for (panel, b) in packed.chunks_exact(depth * COLUMNS).enumerate() {
            let column = panel * COLUMNS;
            let columns = COLUMNS.min(n - column);
            let mut start = 0;
            while start < rows {
                // What is left behind the last whole tile in few sizes: each is a loop of its own in the build.
                let count = [ROWS, 4, 2, 1].into_iter().find(|count| start + count <= rows).unwrap_or(1);
                let at = start / ROWS * self.tile + start % ROWS * self.row.unwrap_or(1);
                let to = &mut out[start * n + column..];
                self.one(count, &self.values[self.first + at..], b, add, (n, columns), to);
                start += count;
            }
        }
    }

    /// One tile: `count` rows, which is [`ROWS`], 4, 2 or 1, by `columns` columns of `out`, whose rows are `n` apart.
    fn one(&self, count: usize, a: &[f32], b: &[f32], add: bool, (n, columns): (usize, usize), out: &mut [f32]) {
        let depth = b.len() / COLUMNS;
        let reach = self.row.map_or((depth - 1) * ROWS + count, |row| (count - 1) * row + depth);
        assert!(reach <= a.len(), "a tile lies inside of a");
        let mut edge = [0.0; ROWS * COLUMNS];
        let whole = columns == COLUMNS;
        assert!(!whole || (count - 1) * n + COLUMNS <= out.len(), "a tile lies inside of the product");
        let (to, apart, adds) = if whole { (out.as_mut_ptr(), n, add) } else { (edge.as_mut_ptr(), COLUMNS, false) };
        // By a pointer, so that what is around the sums is there once and not for every number of rows.
        let run = match (self.row.is_none(), count) {
            (false, 1) => sums::<1, false>,
            (false, 2) => sums::<2, false>,
            (false, 4) => sums::<4, false>,
            (false, _) => sums::<ROWS, false>,
            (true, 1) => sums::<1, true>,
            (true, 2) => sums::<2, true>,
            (true, 4) => sums::<4, true>,
            (true, _) => sums::<ROWS, true>,
        };
        // SAFETY: the two assertions; b has `depth` rows of COLUMNS numbers, and `edge` ROWS, of which `count` are at most that.
        unsafe { run(depth, a.as_ptr(), self.row.unwrap_or(1), b.as_ptr(), adds, to, apart) };
        if whole {
            return;
        }
        for (i, sums) in edge.chunks_exact(COLUMNS).take(count).enumerate() {
            let to = &mut out[i * n..i * n + columns];
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to = if add { *to + sum } else { *sum });
        }
    }
}

/// N rows by [`COLUMNS`] columns of sums over the depth. Neighbors in a row of a are next to each other, and its rows are
/// `row` apart; packed, neighbors in a column are, and its columns are [`ROWS`] apart.
///
/// # Safety
/// `a` points to N rows of `depth` numbers, `b` to (depth, COLUMNS) numbers, `out` to N rows of COLUMNS numbers that are
/// `out_row` apart.
#[cfg_attr(
    all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"),
    target_feature(enable = "relaxed-simd")
)]
unsafe fn sums<const N: usize, const PACKED: bool>(
    depth: usize,
    a: *const f32,
    row: usize,
    mut b: *const f32,
    add: bool,
    out: *mut f32,
    out_row: usize,
) {
    let (row, step) = if PACKED { (1, ROWS) } else { (row, 1) };
    let mut sums = [[Lanes::zero(); 2]; N];
    // A pointer for each row: what is added to it within an unrolled turn is part of the load.
    let mut rows: [*const f32; N] = std::array::from_fn(|i| a.wrapping_add(i * row));
    // SAFETY: all offsets are those that the caller promises.
    unsafe {
        for turn in 0..depth.div_ceil(UNROLLED) {
            let left = depth - turn * UNROLLED;
            if left >= UNROLLED {
                for at in 0..UNROLLED {
                    let (b0, b1) = (Lanes::load(b.add(at * COLUMNS)), Lanes::load(b.add(at * COLUMNS + LANES)));
                    for (i, [s0, s1]) in sums.iter_mut().enumerate() {
                        let a = Lanes::splat(if PACKED { rows[0].add(at * ROWS + i) } else { rows[i].add(at) });
                        (*s0, *s1) = (s0.add_product(a, b0), s1.add_product(a, b1));
                    }
                }
            } else {
                for at in 0..left {
                    let (b0, b1) = (Lanes::load(b.add(at * COLUMNS)), Lanes::load(b.add(at * COLUMNS + LANES)));
                    for (i, [s0, s1]) in sums.iter_mut().enumerate() {
                        let a = Lanes::splat(rows[i].add(at * step));
                        (*s0, *s1) = (s0.add_product(a, b0), s1.add_product(a, b1));
                    }
                }
            }
            rows.iter_mut().for_each(|row| *row = row.wrapping_add(UNROLLED * step));
            b = b.wrapping_add(UNROLLED * COLUMNS);
        }
        for (i, s) in sums.into_iter().enumerate() {
            for (j, s) in s.into_iter().enumerate() {
                let to = out.add(i * out_row + j * LANES);
                (if add { s.plus(Lanes::load(to)) } else { s }).store(to);
            }
        }
    }
}
