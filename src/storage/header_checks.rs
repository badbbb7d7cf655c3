//! Checks of what the networks rely on in a header. Somebody may have edited the header, or written it by hand.

use crate::error::counted;
use crate::posterior::Metadata;
use crate::space::Edges;

/// Largest number of points in a block. A header that claims more would only exhaust the memory.
const MOST_POINTS: usize = 1 << 24;

/// Checks that parameters, schema, preprocessing and example fit each other.
///
/// # Errors
/// A sentence that says what does not fit.
pub(super) fn check(m: &Metadata) -> Result<(), String> {
    parameters(m)?;
    observations(m)?;
    if let Some(example) = &m.example {
        let d = m.space.names.len();
        if example.theta.len() != d {
            let came = counted(example.theta.len(), "parameter");
            return Err(format!("an example of {came}, and {}", counted(d, "parameter name")));
        }
        m.schema.check(&example.observation).map_err(|e| format!("its example: {e}"))?;
    }
    Ok(())
}

fn parameters(m: &Metadata) -> Result<(), String> {
    let d = m.space.names.len();
    let lengths = [m.space.priors.len(), m.space.mean.len(), m.space.std.len()];
    if d == 0 || lengths.iter().any(|&n| n != d) {
        let names = counted(d, "parameter name");
        return Err(format!("{names}, but priors, mean and std of {lengths:?}"));
    }
    for (name, prior) in m.space.names.iter().zip(&m.space.priors) {
        prior.validate(name).map_err(|e| e.to_string())?;
    }
    if !m.space.point_masses.is_empty() && m.space.point_masses.len() != d {
        return Err(format!("{}, but point masses of {}", counted(d, "parameter name"), m.space.point_masses.len()));
    }
    m.space.names.iter().zip(&m.space.point_masses).try_for_each(|(name, masses)| masses.validate(name))?;
    let is_mirrored = m.config.edges == Edges::Mirror;
    if is_mirrored != m.space.mirror.is_some() || m.space.mirror.is_some_and(|width| !(1e-4..=0.1).contains(&width)) {
        return Err(format!("a mirror of {:?}, with edges {:?}", m.space.mirror, m.config.edges));
    }
    m.space.require(m.space.kind).map_err(|e| e.to_string())?;
    if m.space.std.iter().any(|&s| s <= 0.0) {
        return Err(format!("standard deviations {:?}", m.space.std));
    }
    Ok(())
}

fn observations(m: &Metadata) -> Result<(), String> {
    let (w, photometry) = (m.schema.n_wavelengths, m.schema.photometry.as_ref());
    let no_spectrum = w == 0 && photometry.is_none();
    if no_spectrum || w > MOST_POINTS || m.schema.wavelengths.as_ref().is_some_and(|grid| grid.len() != w) {
        return Err(format!("n_wavelengths is {w}, and the grid does not fit it"));
    }
    if let Some(p) = photometry {
        let bands_fit = p.bands.as_ref().is_none_or(|bands| bands.len() == p.n_bands);
        if p.n_bands == 0 || p.n_bands > MOST_POINTS || !bands_fit {
            return Err(format!("n_bands is {}, and the bands do not fit it", p.n_bands));
        }
    }
    if !m.preprocessing.fits(&m.schema) {
        let bands = photometry.map_or(String::new(), |p| format!(" and {}", counted(p.n_bands, "band")));
        return Err(format!("the preprocessing does not fit {}{bands}", counted(w, "point")));
    }
    Ok(())
}

/// Checks that options and parameters name the same space.
///
/// # Errors
/// A sentence that names both.
pub(super) fn same_space(m: &Metadata) -> Result<(), String> {
    match m.space.kind == m.config.parameter_space {
        true => Ok(()),
        false => Err(format!("space {} and {}", m.space.kind, m.config.parameter_space)),
    }
}
