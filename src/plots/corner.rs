//! Plots of one posterior: every parameter, and every pair of parameters.

use super::HeldOut;
use super::figure::{Figure, SMALL, range};
use super::sheet::{Cell, sheet};
use crate::error::Result;
use crate::numbers::column;
use crate::posterior::Posterior;
use crate::space::SpaceKind;

/// Draws of the histograms.
const DRAWS: usize = 2000;
/// Dots of a pair's cloud. More dots would hide each other and fill the file.
const DOTS: usize = 400;
/// Bars of a histogram.
const BARS: usize = 24;
/// The central share of the draws that axes span; outliers lie beyond.
const CENTRAL: f64 = 0.99;
/// Largest number of parameters for which pairs are shown. With more parameters, each has one plot of its own, in rows
/// of this many plots.
const PAIRS: usize = 8;

/// An SVG file with the draws for the first pair of `held_out`, and the true parameters as lines. `of` says in the
/// title whose draws they are.
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if the device fails.
pub async fn posterior(posterior: &Posterior, held_out: &HeldOut, of: &str) -> Result<String> {
    let metadata = posterior.metadata();
    let embedding = posterior.encode_observation(&held_out.observations[0])?;
    let draws = posterior.sample_posterior(embedding, DRAWS, metadata.config.seed, SpaceKind::Physical).await?;
    let (names, truth) = (&metadata.space.names, held_out.truths.row(0));
    let d = names.len();
    let parameters: Vec<Parameter> = (0..d)
        .map(|j| {
            let logarithmic = metadata.space.priors[j].is_logarithmic();
            Parameter::new(&names[j], column(&draws.values, d, j).collect(), truth[j], logarithmic)
        })
        .collect();
    let pairs = d <= PAIRS;
    let cells: Vec<Option<Cell>> = if pairs {
        let both = (0..d).flat_map(|row| (0..d).map(move |column| (row, column)));
        both.map(|(row, column)| match row.cmp(&column) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some(parameters[row].alone(row + 1 == d)),
            std::cmp::Ordering::Greater => Some(Parameter::pair(&parameters[column], &parameters[row])),
        })
        .collect()
    } else {
        parameters.iter().map(|p| Some(p.alone(true))).collect()
    };
    let columns = if pairs { d } else { PAIRS };
    let (split, row) = (held_out.split, held_out.rows[0]);
    Ok(sheet(&format!("Posterior {of}: {split} row {row}; lines are the truth"), columns, SMALL, &cells))
}

/// One parameter of the posterior. If its axis is logarithmic, all numbers are logarithms to base ten.
struct Parameter<'a> {
    name: &'a str,
    logarithmic: bool,
    truth: f64,
    axis: [f64; 2],
    draws: Vec<f64>,
}

impl<'a> Parameter<'a> {
    /// A parameter with these physical numbers. If its prior is `logarithmic`, so is its axis, unless a number has no
    /// logarithm: a flow over physical coordinates may draw such numbers.
    fn new(name: &'a str, mut draws: Vec<f64>, mut truth: f64, logarithmic: bool) -> Self {
        let logarithmic = logarithmic && truth > 0.0 && draws.iter().all(|v| *v > 0.0);
        if logarithmic {
            draws.iter_mut().chain([&mut truth]).for_each(|v| *v = v.log10());
        }
        Self { name, logarithmic, truth, axis: axis(&draws, truth), draws }
    }

    /// A histogram; the `last` plot of a column has the label of the axis.
    fn alone(&self, last: bool) -> Cell {
        let [low, high] = self.axis;
        let mut shares = [0.0; BARS];
        for v in self.draws.iter().filter(|v| (low..high).contains(v)) {
            let bar = ((v - low) / (high - low) * BARS as f64) as usize;
            shares[bar.min(BARS - 1)] += 1.0 / self.draws.len() as f64;
        }
        let highest = 1.1 * shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let mut figure = Figure::small(self.axis, [0.0, highest]).powers([self.logarithmic, false]);
        figure.bars(&shares);
        figure.line("truth", [(self.truth, 0.0), (self.truth, highest)]);
        let figure = figure.without_y_ticks();
        let label = if last { self.name } else { "" };
        let svg = figure.labels(&format!("draws of {}", self.name), label, "").svg();
        Cell { heading: self.name.into(), svg }
    }

    /// The cloud of two parameters.
    fn pair(x: &Self, y: &Self) -> Cell {
        let mut figure = Figure::small(x.axis, y.axis).powers([x.logarithmic, y.logarithmic]);
        figure.dots("fine", x.draws.iter().copied().zip(y.draws.iter().copied()).take(DOTS));
        figure.line("truth", [(x.truth, y.axis[0]), (x.truth, y.axis[1])]);
        figure.line("truth", [(x.axis[0], y.truth), (x.axis[1], y.truth)]);
        let shows = format!("draws of {} and {}", x.name, y.name);
        Cell { heading: String::new(), svg: figure.labels(&shows, x.name, y.name).svg() }
    }
}

/// The ends of an axis around the draws and the truth.
fn axis(draws: &[f64], truth: f64) -> [f64; 2] {
    let mut sorted = draws.to_vec();
    sorted.sort_by(f64::total_cmp);
    let beyond = ((1.0 - CENTRAL) / 2.0 * sorted.len() as f64) as usize;
    range([sorted[beyond], sorted[sorted.len() - 1 - beyond], truth])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_prior_has_an_axis_of_powers_of_ten() {
        let draws: Vec<f64> = (0..100).map(|i| 10_f64.powf(-6.0 + 0.04 * f64::from(i))).collect();
        let svg = |logarithmic| Parameter::new("P", draws.clone(), 1e-4, logarithmic).alone(true).svg;
        let of = |power: &str| format!(">{power}</text>");
        assert!(["1e-6", "1e-5", "0.001"].iter().any(|power| svg(true).contains(&of(power))), "{}", svg(true));
        assert!(!svg(false).contains(&of("1e-5")), "{}", svg(false));
    }

    #[test]
    fn a_logarithmic_axis_spreads_draws_evenly_that_are_even_in_their_logarithm() {
        let heights = |logarithmic| {
            let draws = (0..2000).map(|i| 10_f64.powf(-6.0 + 0.002 * f64::from(i))).collect();
            let svg = Parameter::new("P", draws, 1e-4, logarithmic).alone(true).svg;
            let height = |bar: &str| bar.split("height=\"").nth(1)?.split('"').next()?.parse::<f64>().ok();
            svg.split("class=\"bar\"").skip(1).filter_map(height).collect::<Vec<_>>()
        };
        let highest = |logarithmic| heights(logarithmic).into_iter().fold(0.0, f64::max);
        let middle = |logarithmic: bool| heights(logarithmic)[BARS / 2];
        assert!(middle(true) > 0.8 * highest(true), "{:?}", heights(true));
        assert!(middle(false) < 0.2 * highest(false), "{:?}", heights(false));
    }

    #[test]
    fn a_draw_without_a_logarithm_keeps_the_axis_linear() {
        let parameter = Parameter::new("P", vec![-1.0, 1.0, 2.0], 1.0, true);
        assert!(!parameter.logarithmic && parameter.axis[0] < -0.9);
    }
}
