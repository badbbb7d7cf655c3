//! The plots of a report.

use crate::diagnostics::{Band, ParameterReport, PredictiveReport, RegionReport};
use crate::plots::{self, Figure, fixed, range};
use crate::posterior::TrainingRecord;

/// Largest number of dots in a plot. More dots would hide each other and fill the file.
const DOTS: usize = 1000;

/// A plot and the sentence under it.
pub(crate) struct Panel {
    /// The plot.
    pub svg: String,
    /// The sentence.
    pub caption: String,
}

/// Losses of every epoch; `None` before the first epoch has ended.
pub(crate) fn losses(record: &TrainingRecord) -> Option<Panel> {
    let figure = plots::losses(record)?;
    let members = record.history.iter().map(|r| r.member).max()?;
    let flows = if members > 1 { format!(" of {members} flows") } else { String::new() };
    let best = record.best_epoch.map_or(String::new(), |epoch| format!("; the weights of epoch {epoch} are kept"));
    Some(Panel {
        svg: figure.svg(),
        caption: format!(
            "Losses{flows}{best}. A validation loss that rises while the training loss falls means overfitting."
        ),
    })
}

/// The ECDF difference of one parameter's ranks, with the band.
pub(crate) fn sbc(p: &ParameterReport, band: &Band) -> Panel {
    let place = if p.ecdf.inside { "stays inside the band" } else { "leaves the band" };
    Panel {
        svg: plots::ranks(&p.name, &p.ecdf, band).svg(),
        caption: format!("{}: {}; the curve {place}.", p.name, p.verdict.words),
    }
}

/// Coverage over credibility, with the band. Each region has a class, a name and its report.
pub(crate) fn coverage(regions: &[(&'static str, &str, &RegionReport)], band: &Band, caption: &str) -> Panel {
    let mut figure = Figure::new([0.0, 1.0], [0.0, 1.0]);
    let from_diagonal = |ends: &[f64]| band.at.iter().zip(ends).map(|(z, end)| z + end).collect::<Vec<_>>();
    figure.band(&band.at, from_diagonal(&band.low).into_iter(), from_diagonal(&band.high).into_iter());
    figure.line("zero", [(0.0, 0.0), (1.0, 1.0)]);
    for (class, name, region) in regions {
        let inner = band.at.iter().zip(&region.ecdf.difference).map(|(z, d)| (*z, z + d));
        figure.line(class, std::iter::once((0.0, 0.0)).chain(inner).chain([(1.0, 1.0)]));
        figure.name(class, name);
    }
    let svg = figure.labels("coverage over credibility", "credibility", "coverage").svg();
    Panel { svg, caption: caption.into() }
}

/// Posterior means of one parameter over the truths.
pub(crate) fn recovery(p: &ParameterReport) -> Panel {
    let all = || p.truths.iter().chain(&p.estimates.mean).copied();
    let logarithmic = p.logarithmic && all().all(|v| v > 0.0);
    let place = |v: f64| if logarithmic { v.log10() } else { v };
    let axis = range(p.truths.iter().copied().map(place));
    let mut figure = Figure::new(axis, range(all().map(place))).powers([logarithmic; 2]);
    figure.line("zero", [(axis[0], axis[0]), (axis[1], axis[1])]);
    figure.dots("a", thinned(&p.truths).map(place).zip(thinned(&p.estimates.mean).map(place)));
    let (correlation, width) = (fixed(p.recovery.correlation, 4), fixed(share(p), 2));
    Panel {
        svg: figure.labels(&format!("posterior means of {} over truths", p.name), "truth", "posterior mean").svg(),
        caption: format!(
            "{}: correlation {correlation}, mean posterior width {width} of the spread of truths.",
            p.name
        ),
    }
}

/// z-scores of one parameter over the contractions.
pub(crate) fn z_scores(p: &ParameterReport) -> Panel {
    let widest = p.z_scores.iter().copied().filter(|z| z.is_finite()).map(f64::abs).fold(3.0, f64::max) * 1.05;
    let lowest = p.contractions.iter().copied().filter(|c| c.is_finite()).fold(0.0, f64::min);
    let mut figure = Figure::new([lowest, 1.02], [-widest, widest]);
    for z in [-2.0, 0.0, 2.0] {
        figure.line("zero", [(lowest, z), (1.02, z)]);
    }
    figure.dots("a", thinned(&p.contractions).zip(thinned(&p.z_scores)));
    Panel {
        svg: figure.labels(&format!("z-scores of {} over contractions", p.name), "contraction", "z-score").svg(),
        caption: format!("{}: z rms {}, mean contraction {}.", p.name, fixed(p.z_rms, 3), fixed(p.contraction, 3)),
    }
}

/// A histogram of the p-values of predictions.
pub(crate) fn predictive(p: &PredictiveReport) -> Panel {
    const BARS: usize = 20;
    let mut shares = [0.0; BARS];
    for of_one in &p.each {
        shares[((of_one.p_value * BARS as f64).ceil() as usize).clamp(1, BARS) - 1] += 1.0 / p.each.len() as f64;
    }
    let highest = shares.iter().copied().fold(0.0, f64::max);
    let mut figure = Figure::new([0.0, 1.0], [0.0, highest * 1.1]);
    figure.bars(&shares);
    Panel {
        svg: figure.labels("p-values of predictions", "p-value", "share of observations").svg(),
        caption: "A posterior does not explain an observation whose p-value is near 0. There should be few or none."
            .into(),
    }
}

/// The mean posterior standard deviation as a share of the spread of the truths.
fn share(p: &ParameterReport) -> f64 {
    let n = p.truths.len() as f64;
    let mean = p.truths.iter().sum::<f64>() / n;
    let spread = (p.truths.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / n).sqrt();
    p.estimates.std.iter().sum::<f64>() / n / spread
}

/// At most [`DOTS`] of the values, evenly spaced.
fn thinned(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().step_by(values.len().div_ceil(DOTS).max(1))
}
