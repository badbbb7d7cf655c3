//! Plots of training: losses, learning rate and gradient norm.

use super::figure::{Figure, SIZE, range};
use super::sheet::{Cell, sheet};
use crate::posterior::{EpochRecord, TrainingRecord};

/// Largest number of epochs that are drawn with dots. More dots would cover the line.
const FEW: f64 = 40.0;

/// Losses of every epoch; `None` before the first epoch has ended.
pub fn losses(record: &TrainingRecord) -> Option<Figure> {
    let mut figure = by_epoch(record, &[("b", |r| Some(r.train_loss)), ("a", |r| r.validation_loss)])?;
    figure.name("b", "training");
    figure.name("a", "validation");
    Some(figure.legend_right().labels("losses of every epoch", "epoch", "mean of -log q"))
}

/// An SVG file with losses, learning rate and gradient norm of every epoch; `None` before the first epoch has ended.
pub fn training(record: &TrainingRecord) -> Option<String> {
    let rate = by_epoch(record, &[("a", |r| Some(r.learning_rate))])?;
    let norm = by_epoch(record, &[("a", |r| Some(r.gradient_norm))])?;
    let plots = [
        ("Losses", losses(record)?),
        ("Learning rate", rate.labels("learning rate of every epoch", "epoch", "")),
        ("Gradient norm", norm.labels("gradient norm of every epoch", "epoch", "mean norm before clipping")),
    ];
    let cells = plots.map(|(heading, figure)| Some(Cell { heading: heading.into(), svg: figure.svg() }));
    let kept = record.best_epoch.map_or(String::new(), |epoch| format!(": the weights of epoch {epoch} are kept"));
    Some(sheet(&format!("Training{kept}"), cells.len(), SIZE, &cells))
}

/// The class of a line, and the function that gives its value for an epoch.
type Line = (&'static str, fn(&EpochRecord) -> Option<f64>);

/// Plots numbers over epochs. Each line is drawn once for every member of an ensemble. `None` if there is no epoch.
fn by_epoch(record: &TrainingRecord, lines: &[Line]) -> Option<Figure> {
    let history = &record.history;
    let members = history.iter().map(|r| r.member).max()?;
    let last = history.iter().map(|r| r.epoch).max()? as f64;
    let all = lines.iter().flat_map(|(_, of)| history.iter().filter_map(of));
    let mut figure = Figure::new(range([1.0, last.max(2.0)]), range(all));
    for member in 1..=members {
        for (class, of) in lines {
            let own = history.iter().filter(|r| r.member == member);
            let points: Vec<_> = own.map(|r| (r.epoch as f64, of(r).unwrap_or(f64::NAN))).collect();
            figure.line(class, points.iter().copied());
            if last <= FEW {
                figure.dots(&format!("mark {class}"), points);
            }
        }
    }
    Some(figure)
}
