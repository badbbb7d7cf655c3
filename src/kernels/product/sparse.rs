//! The product with a matrix of which much is zero, as behind a ReLU and in its gradient: each row goes over its own
//! nonzero numbers alone. It does about 40 multiplications and additions a nanosecond in Chromium, where the dense product
//! does 54, and half as many of them.

use super::Operand;
use super::lanes::{LANES, Lanes, turn};
use super::tiles::Packed;
use std::cell::RefCell;

/// Vectors of sums that are kept at once; with the two that are multiplied they stay below V8's 15 registers on x86.
/// Measured: 12 and 14 take as long.
const VECTORS: usize = 8;
/// Rows that are compressed at once, for each of which a block of b is gone over while it is in the cache.
pub const ROWS: usize = 16;
/// Share of zeros from which the detour over lists pays.
const SHARE: f64 = 0.2;
/// Columns below which it does not.
const LEAST_COLUMNS: usize = 16;
/// Rows up to which it does not, as b has to be laid out for them.
const FEW_ROWS: usize = 32;

/// The nonzero numbers of up to [`ROWS`] rows.
#[derive(Default)]
pub struct Lists {
    /// Which of its row each is, and the number; a row's begin at `row * room`.
    places: Vec<u32>,
    values: Vec<f32>,
    /// More than the longest row has: a vector is written whole.
    room: usize,
    /// How many each row has.
    counts: [usize; ROWS],
}

impl Lists {
    /// Room for the list of a row of `k` numbers.
    fn room(k: usize) -> usize {
        k.next_multiple_of(LANES) + LANES
    }

    /// Empty lists of rows of `k` numbers.
    pub fn clear(&mut self, k: usize) {
        self.room = Self::room(k);
        self.places.resize(self.places.len().max(ROWS * self.room), 0);
        self.values.resize(self.values.len().max(ROWS * self.room), 0.0);
        self.counts = [0; ROWS];
    }

    /// The lists of rows of `k` numbers.
    pub fn fill(&mut self, rows: &[f32], k: usize) {
        self.clear(k);
        for (i, row) in rows.chunks_exact(k).enumerate().take(ROWS) {
            let (fours, rest) = row.as_chunks::<LANES>();
            let mut last = [0.0; LANES];
            last[..rest.len()].copy_from_slice(rest);
            for (at, four) in fours.iter().chain((!rest.is_empty()).then_some(&last)).enumerate() {
                // SAFETY: `four` is four numbers; the row has room for those of its vectors, and for one more.
                unsafe { self.push(i, at * LANES, Lanes::load(four.as_ptr())) };
            }
        }
    }

    /// The lists of rows of `k` numbers, with zeros: where there are few.
    pub fn fill_whole(&mut self, rows: &[f32], k: usize) {
        self.clear(k);
        for (i, row) in rows.chunks_exact(k).enumerate().take(ROWS) {
            let list = i * self.room..i * self.room + k;
            self.values[list.clone()].copy_from_slice(row);
            self.places[list].iter_mut().zip(0..).for_each(|(to, place)| *to = place);
            self.counts[i] = k;
        }
    }

    /// Appends the nonzero of four numbers, of which the first is at place `first`.
    ///
    /// # Safety
    /// `row` is below [`ROWS`], and no row gets more than the numbers that the lists were cleared for, rounded up to vectors.
    #[inline(always)]
    unsafe fn push(&mut self, row: usize, first: usize, four: Lanes) {
        // SAFETY: as the caller promises there is room for a vector behind those that the row has.
        unsafe {
            let count = self.counts.get_unchecked_mut(row);
            let at = row * self.room + *count;
            *count += four.compress(first as u32, self.places.as_mut_ptr().add(at), self.values.as_mut_ptr().add(at));
        }
    }
}

/// Columns side by side.
struct Columns {
    first: usize,
    count: usize,
    vectors: usize,
    /// Where they begin among the packed numbers.
    at: usize,
}

/// A matrix in blocks of columns, (k, vectors * LANES) each, both filled up with zeros.
pub struct Blocks {
    packed: Packed,
    columns: Vec<Columns>,
    k: usize,
    /// Columns in all.
    pub n: usize,
}

/// Where the sums of a row begin: at zero, or at a bias.
pub struct Start<'a> {
    /// Rows of numbers, each of whole vectors.
    pub rows: &'a [f32],
    /// Where the row of each of the rows begins.
    pub at: [usize; ROWS],
}

impl Blocks {
    /// None of a matrix yet.
    pub fn new() -> Self {
        Self { packed: Packed::new(64), columns: vec![], k: 0, n: 0 }
    }

    /// Takes this matrix, (k, n).
    pub fn pack(&mut self, b: &Operand<'_>) {
        [self.k, self.n] = b.dims();
        let (vectors, height) = (self.n.div_ceil(LANES), self.height());
        let blocks = vectors.div_ceil(VECTORS);
        let mut end = 0;
        self.columns.clear();
        self.columns.extend((0..blocks).map(|i| {
            // Blocks of nearly the same width.
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

    /// Rows of whole vectors: what fills up a row is a NaN behind a number that is not finite, and then in the lists.
    fn height(&self) -> usize {
        self.k.next_multiple_of(LANES)
    }

    /// The rows of `lists` times the matrix, (rows, n), onto `start`, in rows.
    pub fn onto_rows(&self, lists: &Lists, start: Option<&Start<'_>>, out: &mut [f32]) {
        let rows = out.len() / self.n.max(1);
        self.each(lists, rows, start, &mut ToRows { rows: out, n: self.n });
    }

    /// The rows of `lists` times the matrix, onto `start`, behind a ReLU, as lists again.
    pub fn onto_lists(&self, lists: &Lists, rows: usize, start: Option<&Start<'_>>, out: &mut Lists) {
        out.clear(self.n);
        self.each(lists, rows, start, &mut ToLists { lists: out });
    }

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
            // SAFETY: the two assertions; `packed` has a row for each place that a list of this room can hold.
            unsafe { run(lists, rows, packed.as_ptr(), start, columns, to) };
        }
    }
}

/// What becomes of sums.
trait Take {
    /// Takes those of row `row` in these columns.
    ///
    /// # Safety
    /// The row and the columns are among those that there is room for.
    unsafe fn take<const N: usize>(&mut self, row: usize, columns: &Columns, sums: [Lanes; N]);
}

/// Rows of `n` numbers.
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
            // SAFETY: `to` is `count` numbers long, and `edge` has room for more vectors than there are sums.
            unsafe { sum.store(at.add(i * LANES)) };
        }
        if !whole {
            to.copy_from_slice(&edge[..columns.count]);
        }
    }
}

/// What a ReLU leaves of rows, as lists.
struct ToLists<'a> {
    lists: &'a mut Lists,
}

impl Take for ToLists<'_> {
    #[inline(always)]
    unsafe fn take<const N: usize>(&mut self, row: usize, columns: &Columns, sums: [Lanes; N]) {
        for (i, sum) in sums.into_iter().enumerate() {
            // SAFETY: the lists were cleared for the columns of all blocks.
            unsafe { self.lists.push(row, columns.first + i * LANES, sum.relu()) };
        }
    }
}

/// The sums of each row in the N vectors of a block of columns.
///
/// # Safety
/// `packed` points to rows of N vectors, as many as the places in the lists reach; `start` has N vectors for each row behind
/// the first of the columns; `to` takes this many rows.
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
        // SAFETY: as the caller promises.
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
    fn pack(&self, b: &Operand<'_>, packed: &mut [f32]) {
        let width = self.vectors * LANES;
        if b.transposed {
            turn(&b.values[self.first * b.columns..], b.columns, [self.count, b.columns, width], packed);
        } else {
            for (to, row) in packed.chunks_exact_mut(width).zip(b.values.chunks_exact(b.columns)) {
                to[..self.count].copy_from_slice(&row[self.first..][..self.count]);
            }
        }
    }
}

thread_local! {
    /// ForwardPass so that a step allocates nothing after the first.
    static ROOM: RefCell<(Blocks, Lists)> = RefCell::new((Blocks::new(), Lists::default()));
}

/// Whether the product by [`product`] is the faster.
pub fn pays(a: &Operand<'_>, n: usize) -> bool {
    if a.transposed || n < LEAST_COLUMNS || a.values.len() <= FEW_ROWS * a.columns {
        return false;
    }
    // Some hundred numbers are enough to see; an odd step, so that they are not all of one column.
    let seen = a.values.iter().step_by((a.values.len() / 512) | 1);
    let (all, zeros) = (seen.len(), seen.filter(|&&v| v == 0.0).count());
    zeros as f64 >= SHARE * all as f64
}

/// `out`, (m, n), becomes a b, where a is not transposed.
pub fn product_into(a: &Operand<'_>, b: &Operand<'_>, out: &mut [f32]) {
    let ([_, k], [_, n]) = (a.dims(), b.dims());
    ROOM.with_borrow_mut(|(blocks, lists)| {
        blocks.pack(b);
        for (rows, out) in a.values.chunks(ROWS * k).zip(out.chunks_mut(ROWS * n)) {
            lists.fill(rows, k);
            blocks.onto_rows(lists, None, out);
        }
    });
}
