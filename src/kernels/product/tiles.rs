//! Matrix products in WebAssembly, of the shapes that small networks have. The library's (gemm, behind flex)
//! keeps more numbers at once than the engine has registers for, and has no fused multiply-add there; natively it is
//! the faster. Blocking and packing after Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication".

use super::Operand;
use super::lanes::{LANES, Lanes, turn};
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

/// Rows of a product up to which b is read where it lies: to pack it would take as long as several rows do.
const FEW: usize = 32;
/// Depth of a block of b that is read where it lies. Its rows are a power of two apart where a layer is as wide, and then
/// share a few lines of a cache, of which a first-level one has as many for each.
const SHALLOW: usize = 64;

thread_local! {
    /// A packed block of b, kept so that a step allocates nothing after the first.
    static PACKED: RefCell<Packed> = RefCell::new(Packed::new(64));
    /// The transpose of a product, likewise.
    static TURNED: RefCell<Vec<f32>> = const { RefCell::new(vec![]) };
}

/// As [`super::product_into`], where it does not pay to skip zeros.
pub fn product_into(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], add: bool) {
    let ([m, k], [_, n]) = (a.dims(), b.dims());
    if b.transposed && m * (k + n) < k * n {
        return TURNED.with_borrow_mut(|turned| {
            turned.resize((n * m).max(turned.len()), 0.0);
            turned_into(a, b, out, add, &mut turned[..n * m]);
        });
    }
    let lies = !b.transposed && (m <= FEW || k <= SHALLOW);
    let (most, whole) = if lies { (SHALLOW, n / COLUMNS) } else { (DEPTH, 0) };
    PACKED.with_borrow_mut(|room| {
        for from in (0..k).step_by(most) {
            let depth = most.min(k - from);
            let packed = pack_columns(&b, from, depth, whole, room);
            let panel = |i: usize| match i.checked_sub(whole) {
                None => (&b.values[from * n + i * COLUMNS..], n),
                Some(i) => (&packed[i * depth * COLUMNS..], COLUMNS),
            };
            let rows = (BLOCK / depth / ROWS).max(1) * ROWS;
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

/// The same by the transpose of the product, in `turned`: where fewer numbers have to be turned for it than b has.
fn turned_into(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], add: bool, turned: &mut [f32]) {
    let ([m, _], [_, n]) = (a.dims(), b.dims());
    if add {
        turn(out, n, [m, n, m], turned);
    }
    let [a, b] = [a, b].map(|operand| Operand { transposed: !operand.transposed, ..operand });
    product_into(b, a, turned, add);
    turn(turned, m, [n, m, n], out);
}

/// Rows `from..from + depth` of b as panels of [`COLUMNS`] columns, (panels, depth, COLUMNS), filled up with zeros; without
/// the first `left_out` panels.
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
            turn(&b.values[first * b.columns + from..], b.columns, [columns, depth, COLUMNS], packed);
        } else {
            let rows = b.values[from * b.columns..].chunks_exact(b.columns);
            for (to, row) in packed.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(rows) {
                let row = &row[first..first + columns];
                // Whole pieces as arrays, which are copied without a call.
                match row.first_chunk::<COLUMNS>() {
                    Some(row) => *to = *row,
                    None => to[..columns].copy_from_slice(row),
                }
            }
        }
    }
    packed
}

/// Columns of a block of b: the first of its rows of [`COLUMNS`] numbers, and how far it is from one to the next.
type Panel<'a> = (&'a [f32], usize);

/// The columns of `out`, (rows, n), from `column` on, become, or grow by, the product of rows that begin where `a` does with
/// a panel of b.
fn times(a: Operand<'_>, panel: Panel<'_>, depth: usize, (column, n): (usize, usize), add: bool, out: &mut [f32]) {
    let (rows, columns) = (out.len() / n, COLUMNS.min(n - column));
    let mut start = 0;
    while start < rows {
        // What is left behind the last whole tile in few sizes: each is a loop of its own in the build. Two rows
        // take as long as four, which are as quick as six by the row.
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

/// One tile: `count` rows of `a`, which is [`ROWS`], 4, 2 or 1, by `columns` columns of `out`, whose rows are `n` apart.
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
    // By a pointer, so that what is around the sums is there once and not for every number of rows.
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
    // SAFETY: the assertions; `out` has `count` rows of COLUMNS numbers.
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

/// N rows by [`COLUMNS`] columns of sums over the depth; each matrix with how far it is from one row to the next. Numbers of a
/// row of a are next to each other; where what lies there is its transpose, numbers of a column are.
///
/// # Safety
/// `a` points to N rows of `depth` numbers, or to `depth` of N, `b` to `depth` rows of COLUMNS numbers, `out` to N of COLUMNS.
#[cfg_attr(
    all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"),
    target_feature(enable = "relaxed-simd")
)]
unsafe fn sums<const N: usize, const TURNED: bool>(
    depth: usize,
    (a, a_row): (*const f32, usize),
    (b, b_row): (*const f32, usize),
    add: bool,
    (out, out_row): (*mut f32, usize),
) {
    let mut sums = [[Lanes::zero(); 2]; N];
    // A pointer for each row of a, or for each step of a turn, and for each of b: what is added to it is part of the load.
    let mut rows: [*const f32; N] = std::array::from_fn(|i| a.wrapping_add(i * a_row));
    let mut steps: [*const f32; UNROLLED] = std::array::from_fn(|at| a.wrapping_add(at * a_row));
    let mut panel: [*const f32; UNROLLED] = std::array::from_fn(|at| b.wrapping_add(at * b_row));
    // SAFETY: all offsets are those that the caller promises.
    unsafe {
        for turn in 0..depth.div_ceil(UNROLLED) {
            let left = depth - turn * UNROLLED;
            if left >= UNROLLED {
                for (at, (step, b)) in steps.iter().zip(&panel).enumerate() {
                    let (b0, b1) = (Lanes::load(*b), Lanes::load(b.add(LANES)));
                    for (i, [s0, s1]) in sums.iter_mut().enumerate() {
                        let a = Lanes::splat(if TURNED { step.add(i) } else { rows[i].add(at) });
                        (*s0, *s1) = (s0.add_product(a, b0), s1.add_product(a, b1));
                    }
                }
            } else {
                for at in 0..left {
                    let b = panel[0].add(at * b_row);
                    let (b0, b1) = (Lanes::load(b), Lanes::load(b.add(LANES)));
                    for (i, [s0, s1]) in sums.iter_mut().enumerate() {
                        let a = Lanes::splat(if TURNED { steps[0].add(at * a_row + i) } else { rows[i].add(at) });
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
