//! Wild values: single numbers of a set that lie so far from all others of their column that they spoil the mean and
//! the standard deviation of the column. A failed simulation leaves such numbers.

use super::{BlockSet, SimulationSet, Uncertainty};

/// Rows from which the median and the spread of a column are taken. The quartiles of so many rows are known to about
/// 5 % of the spread, and the limits below need no more.
const SAMPLE: usize = 512;

/// Fewest numbers of a column that are judged. A hundred numbers may have one wild number, by [`ROWS_PER_WILD`].
const FEWEST: usize = 100;

/// Wild numbers are at most one of this many. If there are more, they are a part of the distribution.
const ROWS_PER_WILD: usize = 100;

/// Distance from the median beyond which a number may be wild, in spreads of its column.
const FAR: f64 = 100.0;

/// A wild number is farther from the median than all others, by this factor. A distribution with a long tail has no
/// such gap: between the largest of many log-normal numbers, the factor is about 2.
const GAP: f64 = 10.0;

/// Spread of a normal distribution with standard deviation 1 between its quartiles.
const QUARTILES: f64 = 1.349;

/// A wild number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wild {
    /// Row of the number, from 0.
    pub row: usize,
    /// Column of the number, from 0.
    pub column: usize,
    /// The number.
    pub value: f64,
    /// Distance from the median of the column, in spreads of the column.
    pub spreads: f64,
}

/// What is known of a column.
struct Column {
    median: f64,
    /// Standard deviation of a normal distribution that has the quartiles of the column; 0 if the column is not judged.
    spread: f64,
    count: usize,
    /// Numbers beyond [`FAR`].
    far: usize,
    /// Least distance and sum of squared distances of the numbers beyond [`FAR`], in spreads.
    nearest: f64,
    far_squares: f64,
    /// Largest distance and sum of squared distances of the others, in spreads.
    farthest: f64,
    squares: f64,
}

impl Column {
    fn of(mut numbers: Vec<f64>) -> Self {
        let n = numbers.len();
        let mut at = |i: usize| *numbers.select_nth_unstable_by(i, f64::total_cmp).1;
        let [low, median, high] = if n < FEWEST { [0.0; 3] } else { [n / 4, n / 2, 3 * n / 4].map(&mut at) };
        Self {
            median,
            spread: (high - low) / QUARTILES,
            count: 0,
            far: 0,
            nearest: f64::INFINITY,
            far_squares: 0.0,
            farthest: 0.0,
            squares: 0.0,
        }
    }

    /// Takes a number, and returns its distance from the median if it is far.
    fn take(&mut self, value: f64) -> Option<f64> {
        if self.spread <= 0.0 {
            return None;
        }
        let spreads = (value - self.median).abs() / self.spread;
        self.count += 1;
        if spreads <= FAR {
            self.farthest = self.farthest.max(spreads);
            self.squares += spreads * spreads;
            return None;
        }
        self.far += 1;
        self.nearest = self.nearest.min(spreads);
        self.far_squares += spreads * spreads;
        Some(spreads)
    }

    /// Whether the far numbers are wild: few, apart from all others, and at least half of the variance.
    fn is_spoiled(&self) -> bool {
        self.far <= self.count / ROWS_PER_WILD
            && self.nearest >= GAP * self.farthest
            && self.far_squares >= self.squares
    }
}

/// The wild parameters of a set.
pub(super) fn wild_parameters(set: &SimulationSet) -> Vec<Wild> {
    wild_numbers([set.len(), set.parameter_dim()], &|i, j| Some(set.theta.row(i)[j]))
}

/// The rows of a set that have a wild parameter, ascending. In physical coordinates, such a row spoils the scale of the
/// parameter, and its loss is beyond that of all others.
pub fn rows_with_wild_parameters(set: &SimulationSet) -> Vec<usize> {
    rows_of(wild_parameters(set))
}

/// The rows of a set that have a wild value or a wild uncertainty, ascending. The loss of such a row says nothing of
/// the others.
pub fn rows_with_wild_values(set: &SimulationSet) -> Vec<usize> {
    rows_of(set.observations.blocks().flat_map(|(_, block)| wild_values(block)).flatten().collect())
}

fn rows_of(wild: Vec<Wild>) -> Vec<usize> {
    let mut rows: Vec<usize> = wild.into_iter().map(|wild| wild.row).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// The wild values of a block, and its wild uncertainties.
pub(super) fn wild_values(block: &BlockSet) -> [Vec<Wild>; 2] {
    let shape = [block.values.rows(), block.points()];
    let visible = |i, j| (!block.is_masked(i, j)).then_some(());
    let values = wild_numbers(shape, &|i, j| visible(i, j).map(|()| block.values.row(i)[j].into()));
    let sigma = match &block.sigma {
        Some(Uncertainty::PerValue(sigma)) => {
            wild_numbers(shape, &|i, j| visible(i, j).map(|()| sigma.row(i)[j].into()))
        }
        _ => Vec::new(),
    };
    [values, sigma]
}

/// The wild numbers of a table, (n, w), by row and column. `number` gives a number of the table, or nothing for one
/// that does not count, as a masked one.
pub(super) fn wild_numbers([n, w]: [usize; 2], number: &dyn Fn(usize, usize) -> Option<f64>) -> Vec<Wild> {
    if n < FEWEST {
        return Vec::new();
    }
    let finite = |i, j| number(i, j).filter(|v| v.is_finite());
    let sample = |j| (0..n).step_by(n.div_ceil(SAMPLE)).filter_map(|i| finite(i, j)).collect();
    let mut columns: Vec<Column> = (0..w).map(|j| Column::of(sample(j))).collect();
    let mut found = Vec::new();
    for row in 0..n {
        for (column, own) in columns.iter_mut().enumerate() {
            let Some(value) = finite(row, column) else { continue };
            // A column with a long tail must not fill the memory.
            if let Some(spreads) = own.take(value).filter(|_| own.far <= n / ROWS_PER_WILD) {
                found.push(Wild { row, column, value, spreads });
            }
        }
    }
    found.retain(|wild| columns[wild.column].is_spoiled());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::Matrix;
    use crate::prior::Prior;

    /// A thousand numbers that fill (0, 1) evenly, so that they have the tails that are expected, and no others.
    fn even() -> Vec<f64> {
        (0..1000).map(|i| (f64::from(i * 7 % 1000) + 0.5) / 1000.0).collect()
    }

    /// Rows and columns of the wild numbers of three columns.
    fn places(columns: &[Vec<f64>; 3]) -> Vec<(usize, usize)> {
        let found = wild_numbers([columns[0].len(), 3], &|i, j| Some(columns[j][i]));
        found.into_iter().map(|wild| (wild.row, wild.column)).collect()
    }

    #[test]
    fn a_number_far_from_all_others_is_found_with_its_row_and_column() {
        let mut columns = [even(), even(), even()];
        (columns[1][3], columns[1][700], columns[2][3]) = (1e6, -1e3, f64::from(f32::MAX));
        assert_eq!(places(&columns), [(3, 1), (3, 2), (700, 1)]);
        let wild = wild_numbers([1000, 1], &|i, _| Some(columns[1][i]))[0];
        // The quartiles of even numbers are 0.5 apart, and 0.5 / 1.349 is 0.37.
        assert!(wild.value == 1e6 && (wild.spreads * 0.37 / 1e6 - 1.0).abs() < 0.02, "{wild:?}");
    }

    #[test]
    fn distributions_with_long_tails_have_no_wild_numbers() {
        let of = |prior: Prior| even().into_iter().map(|u| prior.quantile(u)).collect::<Vec<f64>>();
        let normal = of(Prior::Normal { mean: 1e6, std: 1.0 });
        assert_eq!(places(&[normal.clone(), even(), normal]), []);
        for decades in [1.0, 5.0, 8.0, 16.0] {
            let log_uniform = of(Prior::LogUniform { low: 1.0, high: 10_f64.powf(decades) });
            let log_normal = of(Prior::LogNormal { mean: 0.0, std: decades });
            let cauchy = even().into_iter().map(|u| (std::f64::consts::PI * (u - 0.5)).tan()).collect();
            assert_eq!(places(&[log_uniform, log_normal, cauchy]), [], "{decades} decades");
        }
    }

    #[test]
    fn more_than_a_hundredth_of_the_numbers_are_a_part_of_the_distribution() {
        let with = |wild: usize| {
            let mut numbers = even();
            numbers.iter_mut().take(wild).for_each(|v| *v += 1e6);
            places(&[numbers, even(), even()]).len()
        };
        assert_eq!((with(10), with(11)), (10, 0));
    }

    #[test]
    fn a_number_that_does_not_change_the_deviation_is_not_wild() {
        // 150 spreads, squared, are 22 500; the rest of the uniform numbers has 1 000 * (0.29 / 0.37)^2 = 600 in all,
        // and thirty times as many rows have 18 000.
        let with = |rows: usize| {
            let mut numbers: Vec<f64> = even().into_iter().cycle().take(rows).collect();
            numbers[5] = 150.0 * 0.37;
            places(&[numbers.clone(), numbers.clone(), numbers]).len()
        };
        assert_eq!((with(1_000), with(100_000)), (3, 0));
    }

    #[test]
    fn few_rows_and_columns_without_a_spread_are_not_judged() {
        let mut columns = [even(), vec![1.0; 1000], even()].map(|column| column[..99].to_vec());
        columns.iter_mut().for_each(|column| column[3] = 1e6);
        assert_eq!(places(&columns), []);
        let mut columns = [even(), vec![1.0; 1000], even()];
        columns[1][3] = 1e6;
        assert_eq!(places(&columns), []);
    }

    #[test]
    fn masked_values_are_not_wild_and_uncertainties_can_be() {
        let mut x: Vec<f32> = even().into_iter().map(|v| v as f32).collect();
        let mut sigma = x.clone();
        (x[3], x[4], sigma[5]) = (1e6, f32::NAN, 1e9);
        let mask = |masked: u8| Some(Matrix::new(1000, 1, (0..1000).map(|i| masked * u8::from(i == 3)).collect()));
        let block = |masked: u8| BlockSet {
            values: Matrix::new(1000, 1, x.clone()),
            sigma: Some(Uncertainty::PerValue(Matrix::new(1000, 1, sigma.clone()))),
            mask: mask(masked),
            ..BlockSet::default()
        };
        let rows = |masked: u8| wild_values(&block(masked)).map(|wild| wild.iter().map(|w| w.row).collect::<Vec<_>>());
        assert_eq!((rows(0), rows(1)), ([vec![3], vec![5]], [vec![], vec![5]]));
    }
}
