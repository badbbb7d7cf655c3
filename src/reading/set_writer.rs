//! Writes a [`SimulationSet`] to an `.npz` file, as NumPy and [`read_set`](super::read_set) read it.

use super::assemble::BLOCK_ROLES;
use super::roles::Role;
use crate::data::{Axis, SimulationSet, Uncertainty};
use crate::files::NpzWriter;
use crate::prior::Prior;

/// Writes the arrays that the set has: theta (N, D) and the numbers of the priors (D) as float64; x (N, W) and sigma as
/// float32; wavelengths (W) as float64; mask (N, W) as uint8; photometry in the same types; names and prior kinds (D)
/// as Unicode text. The same set gives the same bytes. The name of the file, the number of dropped rows and the notes
/// are not written.
///
/// Members are stored, not deflated, as in `numpy.savez`: noisy numbers hardly shrink.
pub fn write_npz(set: &SimulationSet) -> Vec<u8> {
    let mut archive = NpzWriter::new();
    archive.matrix("theta", &set.theta);
    for (block, part) in set.observations.blocks() {
        let [values, sigma, mask, axis] = BLOCK_ROLES.get(block).map(Role::name);
        archive.matrix(values, &part.values);
        uncertainty(&mut archive, sigma, part.sigma.as_ref());
        if let Some(flags) = &part.mask {
            archive.matrix(mask, flags);
        }
        match &part.axis {
            None => {}
            Some(Axis::Names(names)) => archive.text(axis, names),
            Some(Axis::Wavelengths(centers)) => archive.numbers(axis, &[centers.len()], centers),
        }
    }
    archive.text("parameter_names", &set.parameter_names);
    priors(&mut archive, &set.priors);
    archive.finish()
}

fn uncertainty(archive: &mut NpzWriter, name: &str, sigma: Option<&Uncertainty>) {
    match sigma {
        None => {}
        Some(Uncertainty::PerValue(sigma)) => archive.matrix(name, sigma),
        Some(Uncertainty::PerPoint(sigma)) => archive.numbers(name, &[sigma.len()], sigma),
        Some(Uncertainty::Scalar(sigma)) => archive.numbers(name, &[], &[*sigma]),
    }
}

/// Writes `prior_kind` and the arrays that the kinds need. Where a parameter does not use an array, it has NaN there.
fn priors(archive: &mut NpzWriter, priors: &[Prior]) {
    if priors.iter().all(|p| *p == Prior::None) {
        return;
    }
    for (i, name) in ["prior_low", "prior_high", "prior_mean", "prior_std"].into_iter().enumerate() {
        // The first two arrays hold bounds, and the others moments.
        let number = |prior: &Prior| prior.numbers().filter(|_| prior.bounds().is_some() == (i < 2));
        let values: Vec<f64> = priors.iter().map(|prior| number(prior).map_or(f64::NAN, |pair| pair[i % 2])).collect();
        if !values.iter().all(|v| v.is_nan()) {
            archive.numbers(name, &[values.len()], &values);
        }
    }
    archive.text("prior_kind", &priors.iter().map(|prior| prior.kind().to_string()).collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{BlockSet, Observations};
    use crate::numbers::Matrix;
    use crate::reading::{Assignment, read_set};

    /// Makes two simulations with everything that a set can hold.
    fn full() -> SimulationSet {
        SimulationSet {
            file: "set.npz".into(),
            theta: Matrix::new(2, 3, vec![0.1, 2.0, 1e-3, -0.3, 4.0, 1.0 / 30.0]),
            observations: Observations {
                spectrum: Some(BlockSet {
                    values: Matrix::new(2, 2, vec![1.0, -2.5, 3e-8, 0.1]),
                    sigma: Some(Uncertainty::PerValue(Matrix::new(2, 2, vec![0.1, 0.2, 0.3, 0.4]))),
                    mask: Some(Matrix::new(2, 2, vec![0, 1, 0, 0])),
                    axis: Some(Axis::Wavelengths(vec![0.6, 5.2])),
                }),
                photometry: Some(BlockSet {
                    values: Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
                    sigma: Some(Uncertainty::PerPoint(vec![0.1, 0.2, 0.3])),
                    mask: Some(Matrix::new(2, 3, vec![0, 0, 1, 0, 0, 0])),
                    axis: Some(Axis::Names(vec!["J".into(), "H".into(), "Ks".into()])),
                }),
            },
            parameter_names: vec!["T".into(), "log µ".into(), String::new()],
            priors: vec![
                Prior::Uniform { low: -1.0, high: 1.0 },
                Prior::Uniform { low: 0.0, high: 10.0 },
                Prior::LogUniform { low: 1e-4, high: 0.1 },
            ],
            dropped_rows: 0,
            notes: Vec::new(),
        }
    }

    #[test]
    fn reading_what_was_written_gives_the_set_back() {
        let with = |observations: Observations| SimulationSet { observations, ..full() };
        let bare = |set: &BlockSet| BlockSet { values: set.values.clone(), ..BlockSet::default() };
        let photometry = full().observations.photometry.unwrap();
        let plain = with(Observations::spectra(bare(full().spectra())));
        let alone = with(Observations { spectrum: None, photometry: Some(bare(&photometry)) });
        let centers = BlockSet { axis: Some(Axis::Wavelengths(vec![1.2, 1.6, 2.2])), ..photometry };
        let centers = with(Observations { photometry: Some(centers), ..full().observations });
        let with_sigma = |sigma| full().with_spectra(|spectra| spectra.sigma = Some(sigma));
        let per_point = with_sigma(Uncertainty::PerPoint(vec![0.1, 0.2]));
        let scalar = with_sigma(Uncertainty::Scalar(0.5));
        let no_prior = SimulationSet { priors: vec![Prior::None; 3], ..full() };
        let normal = [Prior::Normal { mean: 1.0, std: 2.0 }, Prior::LogNormal { mean: -3.0, std: 0.5 }];
        let unbounded = SimulationSet { priors: [&normal[..], &normal[..1]].concat(), ..full() };
        let mixed = SimulationSet { priors: [&normal[..], &full().priors[2..]].concat(), ..full() };
        let partial = SimulationSet { priors: [&normal[..], &[Prior::None]].concat(), ..full() };
        for set in [full(), plain, per_point, scalar, no_prior, centers, alone, unbounded, mixed, partial] {
            let bytes = write_npz(&set);
            let read = read_set("set.npz", &bytes, &Assignment::default()).unwrap().set;
            // The reader notes that a prior is unknown.
            assert_eq!(SimulationSet { notes: Vec::new(), ..read }, set);
            assert_eq!(write_npz(&set), bytes, "the same set gives the same bytes");
        }
    }
}
