//! Plots of calibration: whether posteriors are as wide as they claim, for each parameter.

use super::HeldOut;
use super::figure::{Figure, SIZE};
use super::sheet::{Cell, sheet};
use crate::diagnostics::{Band, EcdfDifference, sbc_ranks};
use crate::error::{Result, counted};
use crate::posterior::Posterior;
use crate::space::SpaceKind;

/// Plots in a row of a sheet.
const COLUMNS: usize = 4;

/// The ECDF difference of one parameter's ranks, with the band.
pub fn ranks(name: &str, ecdf: &EcdfDifference, band: &Band) -> Figure {
    let both = || band.low.iter().chain(&band.high).chain(&ecdf.difference).copied();
    let largest = both().map(f64::abs).fold(0.0, f64::max) * 1.1;
    let mut figure = Figure::new([0.0, 1.0], [-largest, largest]);
    figure.band(&band.at, band.low.iter().copied(), band.high.iter().copied());
    figure.line("zero", [(0.0, 0.0), (1.0, 0.0)]);
    figure.line("a", band.at.iter().copied().zip(ecdf.difference.iter().copied()));
    figure.labels(&format!("difference of the ranks of {name}"), "rank of the truth / draws", "ECDF - uniform")
}

/// An SVG file with the ranks of the truths of `held_out` among their draws, compared with `band`. `of` says in the
/// title whose draws they are.
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if the device fails.
pub async fn calibration(posterior: &Posterior, held_out: &HeldOut, band: &Band, of: &str) -> Result<String> {
    let metadata = posterior.metadata();
    let embeddings = posterior.batch_encode_observation(&held_out.observations)?;
    let (n, seed) = (band.n_draws(), metadata.config.seed);
    let draws = posterior.batch_sample_posterior(embeddings, n, seed, SpaceKind::Physical).await?;
    let found = sbc_ranks(&draws.values, &held_out.truths);
    let cells = metadata.space.names.iter().enumerate().map(|(j, name)| {
        let own: Vec<u32> = (0..found.rows()).map(|i| found.row(i)[j]).collect();
        let ecdf = band.compare(&own);
        let place = if ecdf.inside { "inside the band" } else { "leaves the band" };
        Some(Cell { heading: format!("{name}: {place}"), svg: ranks(name, &ecdf, band).svg() })
    });
    let cells: Vec<_> = cells.collect();
    let rows = counted(held_out.rows.len(), &format!("{} row", held_out.split));
    let level = 100.0 * band.level;
    let title =
        format!("Calibration {of}: {rows}; a calibrated curve stays in its band with a probability of {level} %");
    Ok(sheet(&title, COLUMNS, SIZE, &cells))
}
