//! The product of a matrix with many zeros, such as the output of a ReLU or the gradient of its input, with a dense
//! matrix: each row visits only its nonzero numbers. In Chromium it does about 40 multiplications and additions per
//! nanosecond, and the dense product does 54; but the sparse product needs only half as many.

use super::Operand;
use super::lanes::{LANES, Lanes, transpose_into};
use super::tiles::Packed;
use std::cell::RefCell;

/// Vectors of sums per block of columns. Together with the two vectors that are multiplied, they stay below the 15
/// registers that V8 has on x86. Measured: blocks of 12 and of 14 vectors are as fast.
const VECTORS: usize = 8;
/// Rows that are compressed at a time. A block of b is visited for all of them while it is in the cache.
pub(crate) const ROWS: usize = 16;
/// Smallest share of zeros for which lists are faster than the dense product.
const LEAST_ZEROS: f64 = 0.2;
/// Smallest number of columns of b for which lists are faster.
const LEAST_COLUMNS: usize = 16;
/// Up to this number of rows of a, lists are slower, because b must be packed for them.
const FEW_ROWS: usize = 32;

/// The nonzero numbers of up to [`ROWS`] rows.
#[derive(Default)]
pub(crate) struct Lists {
    /// The column of each nonzero number. The list of a row begins at `row * room`.
    places: Vec<u32>,
    /// The nonzero numbers, in the same layout.
    values: Vec<f32>,
    /// Room per list: more than the longest row needs, because vectors are written whole.
    room: usize,
    /// The length of each list.
    counts: [usize; ROWS],
}

impl Lists {
    /// Room for the list of a row of `k` numbers.
    fn room(k: usize) -> usize {
        k.next_multiple_of(LANES) + LANES
    }

    /// Makes the lists empty, with room for rows of `k` numbers.
    pub(crate) fn clear(&mut self, k: usize) {
        self.room = Self::room(k);
        self.places.resize(self.places.len().max(ROWS * self.room), 0);
        self.values.resize(self.values.len().max(ROWS * self.room), 0.0);
        self.counts = [0; ROWS];
    }

    /// Fills the lists with the nonzero numbers of rows of `k` numbers.
    pub(crate) fn fill(&mut self, rows: &[f32], k: usize) {
        self.clear(k);
        for (i, row) in rows.chunks_exact(k).enumerate().take(ROWS) {
            let (fours, rest) = row.as_chunks::<LANES>();
            let mut last = [0.0; LANES];
            last[..rest.len()].copy_from_slice(rest);
            for (at, four) in fours.iter().chain((!rest.is_empty()).then_some(&last)).enumerate() {
                // SAFETY: `four` holds four numbers; the list has room for the vectors of a row, and for one more.
                unsafe { self.push(i, at * LANES, Lanes::load(four.as_ptr())) };
            }
        }
    }

    /// Fills the lists with all numbers of rows of `k` numbers, zeros included: for rows with few zeros.
    pub(crate) fn fill_whole(&mut self, rows: &[f32], k: usize) {
        self.clear(k);
        for (i, row) in rows.chunks_exact(k).enumerate().take(ROWS) {
            let list = i * self.room..i * self.room + k;
            self.values[list.clone()].copy_from_slice(row);
            self.places[list].iter_mut().zip(0..).for_each(|(to, place)| *to = place);
            self.counts[i] = k;
        }
    }

    /// Appends the nonzero numbers of `four`. The column of its first number is `first`.
    ///
    /// # Safety
    /// `row` is below [`ROWS`], and no row gets more numbers than the lists were cleared for, rounded up to whole
    /// vectors.
    #[inline(always)]
    unsafe fn push(&mut self, row: usize, first: usize, four: Lanes) {
        // SAFETY: the caller's promise leaves room for a vector after the numbers of the row.
        unsafe {
            let count = self.counts.get_unchecked_mut(row);
            let at = row * self.room + *count;
            *count += four.compress(first as u32, self.places.as_mut_ptr().add(at), self.values.as_mut_ptr().add(at));
        }
    }
}

/// A block of adjacent columns.
struct Columns {
    /// The first column.
    first: usize,
    /// The number of columns.
    count: usize,
    /// The number of vectors that hold a row of them.
    vectors: usize,
    /// The offset of the block in the packed numbers.
    at: usize,
}

/// A matrix in blocks of columns, (k, vectors * LANES) each, padded with zeros in both dimensions.
pub(crate) struct Blocks {
    packed: Packed,
    columns: Vec<Columns>,
    k: usize,
    /// Columns of all blocks.
    pub n: usize,
}

/// The first summand of each sum: zero, or a bias.
pub(crate) struct Start<'a> {
    /// Rows of biases, each of whole vectors.
    pub rows: &'a [f32],
    /// For each row of the product, the offset of its row of biases.
    pub at: [usize; ROWS],
}

impl Blocks {
    /// The blocks of an empty matrix.
    pub(crate) fn new() -> Self {
        Self { packed: Packed::new(64), columns: vec![], k: 0, n: 0 }
    }

    /// Packs the matrix `b`, (k, n), into blocks.
    pub(crate) fn pack(&mut self, b: &Operand<'_>) {
        [self.k, self.n] = b.dims();
        let (vectors, height) = (self.n.div_ceil(LANES), self.height());
        let blocks = vectors.div_ceil(VECTORS);
        let mut end = 0;
        self.columns.clear();
        self.columns.extend((0..blocks).map(|i| {
            // The widths of blocks differ by at most one vector.
            let (from, to) = (i * vectors / blocks, (i + 1) * vectors / blocks);
            let at = end;
            end += height * (to - from) * LANES;
            Columns { first: from * LANES, count: (to * LANES).min(self.n) - from * LANES, vectors: to - from, at }
        }));
        self.packed.clear();
        self.packed.resize(end, 0.0);
        for columns in &self.columns {
            columns.pack(b, &mut self.packed[columns.at..][..height * columns.vectors * LANES]);
        }
    }

    /// Rows of a block, padded to whole vectors. If a row of the previous layer holds an infinity or a NaN, its sums in
    /// padding columns are NaN. Its list then names padding rows, which must exist.
    fn height(&self) -> usize {
        self.k.next_multiple_of(LANES)
    }

    /// Writes the rows of `lists` times the matrix plus `start` to `out`, (rows, n).
    pub(crate) fn onto_rows(&self, lists: &Lists, start: Option<&Start<'_>>, out: &mut [f32]) {
        let rows = out.len() / self.n.max(1);
        self.each(lists, rows, start, &mut ToRows { rows: out, n: self.n });
    }

    /// Computes the rows of `lists` times the matrix plus `start`, applies a ReLU, and fills `out` with the nonzero
    /// results.
    pub(crate) fn onto_lists(&self, lists: &Lists, rows: usize, start: Option<&Start<'_>>, out: &mut Lists) {
        out.clear(self.n);
        self.each(lists, rows, start, &mut ToLists { lists: out });
    }

    /// Passes the sums of every row to `to`, block by block.
    fn each(&self, lists: &Lists, rows: usize, start: Option<&Start<'_>>, to: &mut impl Take) {
        assert!(rows <= ROWS && lists.room == Lists::room(self.k), "lists of rows as long as the matrix is high");
        for columns in &self.columns {
            if let Some(start) = start {
                let width = columns.first + columns.vectors * LANES;
                assert!(start.at[..rows].iter().all(|at| at + width <= start.rows.len()), "a start for each row");
            }
            let packed = &self.packed[columns.at..][..self.height() * columns.vectors * LANES];
            let run = match columns.vectors {
                1 => sums::<1, _>,
                2 => sums::<2, _>,
                3 => sums::<3, _>,
                4 => sums::<4, _>,
                5 => sums::<5, _>,
                6 => sums::<6, _>,
                7 => sums::<7, _>,
                _ => sums::<VECTORS, _>,
            };
            // SAFETY: the two assertions cover lists and start; `packed` has a row for every column that a list can
            // name.
            unsafe { run(lists, rows, packed.as_ptr(), start, columns, to) };
        }
    }
}

/// A receiver of sums.
trait Take {
    /// Takes the sums of one row in a block of columns.
    ///
    /// # Safety
    /// The receiver has room for this row and these columns.
    unsafe fn take<const N: usize>(&mut self, row: usize, columns: &Columns, sums: [Lanes; N]);
}

/// Writes sums to rows of `n` numbers.
struct ToRows<'a> {
    rows: &'a mut [f32],
    n: usize,
}

impl Take for ToRows<'_> {
    #[inline(always)]
    unsafe fn take<const N: usize>(&mut self, row: usize, columns: &Columns, sums: [Lanes; N]) {
        let to = &mut self.rows[row * self.n + columns.first..][..columns.count];
        let mut edge = [0.0; VECTORS * LANES];
        let whole = columns.count == N * LANES;
        let at = if whole { to.as_mut_ptr() } else { edge.as_mut_ptr() };
        for (i, sum) in sums.into_iter().enumerate() {
            // SAFETY: `to` holds N whole vectors if `whole`; else `edge` has room for at least N vectors.
            unsafe { sum.store(at.add(i * LANES)) };
        }
        if !whole {
            to.copy_from_slice(&edge[..columns.count]);
        }
    }
}

/// Applies a ReLU to sums and appends the nonzero results to lists.
struct ToLists<'a> {
    lists: &'a mut Lists,
}

impl Take for ToLists<'_> {
    #[inline(always)]
    unsafe fn take<const N: usize>(&mut self, row: usize, columns: &Columns, sums: [Lanes; N]) {
        for (i, sum) in sums.into_iter().enumerate() {
            // SAFETY: the lists were cleared for the columns of all blocks, and the caller promises the row.
            unsafe { self.lists.push(row, columns.first + i * LANES, sum.relu()) };
        }
    }
}

/// Computes the sums of each row in the N vectors of a block of columns.
///
/// # Safety
/// `packed` points to a row of N vectors for every column that the lists name. If `start` is given, it has N vectors
/// for each row, from the first of the columns on. `to` has room for `rows` rows.
#[cfg_attr(
    all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"),
    target_feature(enable = "relaxed-simd")
)]
unsafe fn sums<const N: usize, T: Take>(
    lists: &Lists,
    rows: usize,
    packed: *const f32,
    start: Option<&Start<'_>>,
    columns: &Columns,
    to: &mut T,
) {
    for row in 0..rows {
        let mut sums = [Lanes::zero(); N];
        // SAFETY: the caller promises that packed rows, starts and receiver cover all rows and columns. Lists are
        // within their room, because `push` and `fill_whole` keep them there.
        unsafe {
            if let Some(start) = start {
                let from = start.rows.as_ptr().add(start.at[row] + columns.first);
                sums.iter_mut().enumerate().for_each(|(i, sum)| *sum = Lanes::load(from.add(i * LANES)));
            }
            let list = row * lists.room..row * lists.room + lists.counts[row];
            let (places, values) = (lists.places.get_unchecked(list.clone()), lists.values.get_unchecked(list));
            for (&place, value) in places.iter().zip(values) {
                let (value, row) = (Lanes::splat(value), packed.add(place as usize * (N * LANES)));
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = sum.add_product(value, Lanes::load(row.add(i * LANES)));
                }
            }
            to.take(row, columns, sums);
        }
    }
}

impl Columns {
    /// Packs these columns of b as rows of whole vectors.
    fn pack(&self, b: &Operand<'_>, packed: &mut [f32]) {
        let width = self.vectors * LANES;
        if b.transposed {
            transpose_into(&b.values[self.first * b.columns..], b.columns, [self.count, b.columns, width], packed);
        } else {
            for (to, row) in packed.chunks_exact_mut(width).zip(b.values.chunks_exact(b.columns)) {
                to[..self.count].copy_from_slice(&row[self.first..][..self.count]);
            }
        }
    }
}

thread_local! {
    /// The packed matrix and the lists, kept so that only the first step allocates.
    static ROOM: RefCell<(Blocks, Lists)> = RefCell::new((Blocks::new(), Lists::default()));
}

/// Whether [`product_into`] is faster than the dense product, for `n` columns of b.
pub(crate) fn pays(a: &Operand<'_>, n: usize) -> bool {
    if a.transposed || n < LEAST_COLUMNS || a.values.len() <= FEW_ROWS * a.columns {
        return false;
    }
    // Some hundred numbers are a sufficient sample. The step is odd, so that the sample is not from one column.
    let sample = a.values.iter().step_by((a.values.len() / 512) | 1);
    let (all, zeros) = (sample.len(), sample.filter(|&&v| v == 0.0).count());
    zeros as f64 >= LEAST_ZEROS * all as f64
}

/// Writes a b to `out`, (m, n); a is not a transpose.
pub(crate) fn product_into(a: &Operand<'_>, b: &Operand<'_>, out: &mut [f32]) {
    let ([_, k], [_, n]) = (a.dims(), b.dims());
    ROOM.with_borrow_mut(|(blocks, lists)| {
        blocks.pack(b);
        for (rows, out) in a.values.chunks(ROWS * k).zip(out.chunks_mut(ROWS * n)) {
            lists.fill(rows, k);
            blocks.onto_rows(lists, None, out);
        }
    });
}
