//! Matrix products in WebAssembly, for the shapes that small networks have. The library `gemm` keeps more numbers at
//! once than a WebAssembly engine has registers for, and has no fused multiply-add there; natively it is the faster.
//! Blocking and packing follow Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication".

use super::Operand;
use super::lanes::{LANES, Lanes, transpose_into};
use aligned_vec::{AVec, ConstAlign};
use std::cell::RefCell;

/// Numbers that begin on a cache line, so that no SIMD vector of them crosses two lines.
pub(crate) type Packed = AVec<f32, ConstAlign<64>>;

/// Columns of a tile: two vectors.
const COLUMNS: usize = 2 * LANES;
/// Rows of a tile. V8 leaves 15 registers on x86: ten or twelve hold sums, two hold vectors of b and one holds a.
/// Without a fused multiply-add, the product of a and b takes one more register.
const ROWS: usize = if cfg!(feature = "relaxed") { 6 } else { 5 };
/// Depth of a packed block of b. A panel of b, (DEPTH, COLUMNS), then takes half of a first-level cache.
const DEPTH: usize = 512;
/// Steps along the depth that the inner loop unrolls.
const UNROLLED: usize = 4;
/// Numbers of a that are multiplied with one panel of b before the next: about as many as fit into the cache beside it.
const A_NUMBERS: usize = 6144;

/// Up to this number of rows, a product reads b unpacked: packing b would take as long as computing several rows.
const UNPACKED_ROWS: usize = 32;
/// Depth of an unpacked block of b. If the layer's width is a power of two, b's rows map to the same few cache sets; 64
/// rows still fit into a first-level cache.
const UNPACKED_DEPTH: usize = 64;

thread_local! {
    /// A packed block of b, kept so that only the first step allocates.
    static PACKED: RefCell<Packed> = RefCell::new(Packed::new(64));
    /// The transpose of a product, kept so that only the first step allocates.
    static TRANSPOSED: RefCell<Vec<f32>> = const { RefCell::new(vec![]) };
}

/// [`super::product_into`] for operands whose zeros it does not pay to skip.
pub(crate) fn product_into(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], add: bool) {
    let ([m, k], [_, n]) = (a.dims(), b.dims());
    if b.transposed && m * (k + n) < k * n {
        return TRANSPOSED.with_borrow_mut(|transposed| {
            transposed.resize((n * m).max(transposed.len()), 0.0);
            by_transpose(a, b, out, add, &mut transposed[..n * m]);
        });
    }
    let is_unpacked = !b.transposed && (m <= UNPACKED_ROWS || k <= UNPACKED_DEPTH);
    // The depth of a block of b, and the number of its panels that are read unpacked: all but one with fewer columns.
    let (most, whole) = if is_unpacked { (UNPACKED_DEPTH, n / COLUMNS) } else { (DEPTH, 0) };
    PACKED.with_borrow_mut(|room| {
        for from in (0..k).step_by(most) {
            let depth = most.min(k - from);
            let packed = pack_columns(&b, from, depth, whole, room);
            let panel = |i: usize| match i.checked_sub(whole) {
                None => (&b.values[from * n + i * COLUMNS..], n),
                Some(i) => (&packed[i * depth * COLUMNS..], COLUMNS),
            };
            let rows = (A_NUMBERS / depth / ROWS).max(1) * ROWS;
            for start in (0..m).step_by(rows) {
                let first = if a.transposed { from * m + start } else { start * k + from };
                let block = Operand { values: &a.values[first..], ..a };
                let out = &mut out[start * n..(start + rows).min(m) * n];
                for i in 0..n.div_ceil(COLUMNS) {
                    times(block, panel(i), depth, (i * COLUMNS, n), add || from > 0, out);
                }
            }
        }
    });
}

/// Computes the transposed product into `transposed` and transposes it back; used if that moves fewer numbers than
/// packing b.
fn by_transpose(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], add: bool, transposed: &mut [f32]) {
    let ([m, _], [_, n]) = (a.dims(), b.dims());
    if add {
        transpose_into(out, n, [m, n, m], transposed);
    }
    let [a, b] = [a, b].map(|operand| Operand { transposed: !operand.transposed, ..operand });
    product_into(b, a, transposed, add);
    transpose_into(transposed, m, [n, m, n], out);
}

/// Packs rows `from..from + depth` of b as panels of [`COLUMNS`] columns, (panels, depth, COLUMNS), padded with zeros.
/// The first `left_out` panels are left out.
fn pack_columns<'a>(b: &Operand<'_>, from: usize, depth: usize, left_out: usize, room: &'a mut Packed) -> &'a [f32] {
    let [_, n] = b.dims();
    let len = (n.div_ceil(COLUMNS) - left_out) * depth * COLUMNS;
    room.resize(len.max(room.len()), 0.0);
    let packed = &mut room[..len];
    for (panel, packed) in packed.chunks_exact_mut(depth * COLUMNS).enumerate() {
        let first = (left_out + panel) * COLUMNS;
        let columns = COLUMNS.min(n - first);
        if columns < COLUMNS {
            packed.fill(0.0);
        }
        if b.transposed {
            transpose_into(&b.values[first * b.columns + from..], b.columns, [columns, depth, COLUMNS], packed);
        } else {
            let rows = b.values[from * b.columns..].chunks_exact(b.columns);
            for (to, row) in packed.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(rows) {
                let row = &row[first..first + columns];
                // A whole row of a panel is an array, which is copied without a call.
                match row.first_chunk::<COLUMNS>() {
                    Some(row) => *to = *row,
                    None => to[..columns].copy_from_slice(row),
                }
            }
        }
    }
    packed
}

/// A panel of b: its numbers, and the distance from one of its rows of [`COLUMNS`] numbers to the next.
type Panel<'a> = (&'a [f32], usize);

/// Multiplies the rows of `a` with a panel of b. The product is written to the columns of `out`, (rows, n), from
/// `column` on, or added if `add` is true.
fn times(a: Operand<'_>, panel: Panel<'_>, depth: usize, (column, n): (usize, usize), add: bool, out: &mut [f32]) {
    let (rows, columns) = (out.len() / n, COLUMNS.min(n - column));
    let mut start = 0;
    while start < rows {
        // The rows after the last whole tile are computed in tiles of few sizes, because each size is a loop of its own
        // in the build. A tile of two rows takes as long as one of four; per row, four are as fast as six.
        let count = match rows - start {
            8 | 4..ROWS => 4,
            ROWS.. => ROWS,
            left => left.min(2),
        };
        let at = start * if a.transposed { 1 } else { a.columns };
        let to = &mut out[start * n + column..];
        one(Operand { values: &a.values[at..], ..a }, [count, depth], panel, add, (n, columns), to);
        start += count;
    }
}

/// Computes one tile: `count` rows of `a` by `columns` columns of `out`. `count` is [`ROWS`], 4, 2 or 1. The rows of
/// `out` are `n` numbers apart.
fn one(
    a: Operand<'_>,
    [count, depth]: [usize; 2],
    (b, b_row): Panel<'_>,
    add: bool,
    (n, columns): (usize, usize),
    out: &mut [f32],
) {
    let [far, near] = if a.transposed { [depth, count] } else { [count, depth] };
    assert!((far - 1) * a.columns + near <= a.values.len(), "a tile lies inside of a");
    assert!((depth - 1) * b_row + COLUMNS <= b.len(), "a panel lies inside of b");
    // A function pointer, so that the build has the code around the sums once and not for every number of rows.
    let run = match (a.transposed, count) {
        (false, 1) => sums::<1, false>,
        (false, 2) => sums::<2, false>,
        (false, 4) => sums::<4, false>,
        (false, _) => sums::<ROWS, false>,
        (true, 1) => sums::<1, true>,
        (true, 2) => sums::<2, true>,
        (true, 4) => sums::<4, true>,
        (true, _) => sums::<ROWS, true>,
    };
    // SAFETY: the assertions keep reads within a and b; callers of `tile` pass `count` rows of COLUMNS numbers.
    let tile = |add: bool, out: (*mut f32, usize)| unsafe {
        run(depth, (a.values.as_ptr(), a.columns), (b.as_ptr(), b_row), add, out);
    };
    if columns == COLUMNS {
        assert!((count - 1) * n + COLUMNS <= out.len(), "a tile lies inside of the product");
        return tile(add, (out.as_mut_ptr(), n));
    }
    let mut edge = [0.0; ROWS * COLUMNS];
    tile(false, (edge.as_mut_ptr(), COLUMNS));
    for (i, sums) in edge.chunks_exact(COLUMNS).take(count).enumerate() {
        let to = &mut out[i * n..i * n + columns];
        to.iter_mut().zip(sums).for_each(|(to, sum)| *to = if add { *to + sum } else { *sum });
    }
}

/// Sums N rows by [`COLUMNS`] columns over the depth. Each matrix comes with the distance from one of its rows to the
/// next. If `A_TRANSPOSED`, the rows in memory are the columns of a.
///
/// # Safety
/// `a` points to N rows of `depth` numbers, or, if `A_TRANSPOSED`, to `depth` rows of N numbers; `b` to `depth` rows of
/// COLUMNS numbers; `out` to N rows of COLUMNS numbers.
#[cfg_attr(
    all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"),
    target_feature(enable = "relaxed-simd")
)]
unsafe fn sums<const N: usize, const A_TRANSPOSED: bool>(
    depth: usize,
    (a, a_row): (*const f32, usize),
    (b, b_row): (*const f32, usize),
    add: bool,
    (out, out_row): (*mut f32, usize),
) {
    let mut sums = [[Lanes::zero(); 2]; N];
    // One pointer for each row of a (for each step of a round, if it is transposed) and of b: the offset from such a
    // pointer is part of the load instruction.
    let mut rows: [*const f32; N] = std::array::from_fn(|i| a.wrapping_add(i * a_row));
    let mut steps: [*const f32; UNROLLED] = std::array::from_fn(|at| a.wrapping_add(at * a_row));
    let mut panel: [*const f32; UNROLLED] = std::array::from_fn(|at| b.wrapping_add(at * b_row));
    // SAFETY: all offsets stay within the rows that the caller promises.
    unsafe {
        for round in 0..depth.div_ceil(UNROLLED) {
            let left = depth - round * UNROLLED;
            if left >= UNROLLED {
                for (at, (step, b)) in steps.iter().zip(&panel).enumerate() {
                    let (b0, b1) = (Lanes::load(*b), Lanes::load(b.add(LANES)));
                    for (i, [s0, s1]) in sums.iter_mut().enumerate() {
                        let a = Lanes::splat(if A_TRANSPOSED { step.add(i) } else { rows[i].add(at) });
                        (*s0, *s1) = (s0.add_product(a, b0), s1.add_product(a, b1));
                    }
                }
            } else {
                for at in 0..left {
                    let b = panel[0].add(at * b_row);
                    let (b0, b1) = (Lanes::load(b), Lanes::load(b.add(LANES)));
                    for (i, [s0, s1]) in sums.iter_mut().enumerate() {
                        let a = Lanes::splat(if A_TRANSPOSED { steps[0].add(at * a_row + i) } else { rows[i].add(at) });
                        (*s0, *s1) = (s0.add_product(a, b0), s1.add_product(a, b1));
                    }
                }
            }
            rows.iter_mut().for_each(|row| *row = row.wrapping_add(UNROLLED));
            steps.iter_mut().for_each(|step| *step = step.wrapping_add(UNROLLED * a_row));
            panel.iter_mut().for_each(|row| *row = row.wrapping_add(UNROLLED * b_row));
        }
        for (i, s) in sums.into_iter().enumerate() {
            for (j, s) in s.into_iter().enumerate() {
                let to = out.add(i * out_row + j * LANES);
                (if add { s.plus(Lanes::load(to)) } else { s }).store(to);
            }
        }
    }
}
