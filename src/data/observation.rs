//! One observation: a spectrum block, and the shape a model expects of it.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// One observed or simulated spectrum (or any vector of W data).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Spectrum {
    /// Values, (W).
    pub values: Vec<f32>,
    /// Uncertainties in the units of `values`, (W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<Vec<f32>>,
    /// 1 where a point is masked (ignored), as in numpy.ma, (W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Vec<u8>>,
    /// The grid, in the units of the training set, (W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wavelengths: Option<Vec<f64>>,
}

impl Spectrum {
    /// The same with zeros at masked points. They may hold NaN, which a JSON header cannot.
    pub fn without_masked(mut self) -> Self {
        if let Some(mask) = &self.mask {
            let clear = |values: &mut Vec<f32>| {
                values.iter_mut().zip(mask).filter(|(_, m)| **m != 0).for_each(|(v, _)| *v = 0.0);
            };
            clear(&mut self.values);
            self.sigma.iter_mut().for_each(clear);
        }
        self
    }
}

/// What observations of a model look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservationSchema {
    /// W.
    pub n_wavelengths: usize,
    /// The grid the model was trained on, if the set had one.
    pub wavelengths: Option<Vec<f64>>,
    /// Whether an uncertainty channel was trained.
    pub has_sigma: bool,
    /// Whether a mask channel was trained.
    pub has_mask: bool,
}

/// Two grids are the same when every point agrees to this share of the grid's mean step: text files round.
const GRID_TOLERANCE: f64 = 1e-2;

impl ObservationSchema {
    /// Input channels of the encoder: value, then uncertainty and mask where trained.
    pub fn channels(&self) -> usize {
        1 + usize::from(self.has_sigma) + usize::from(self.has_mask)
    }

    /// Checks an observation against the schema. Masked points may hold anything, NaN included.
    ///
    /// # Errors
    /// [`Error::Array`] naming the array, what came and what was expected; for a wrong grid, both grids.
    pub fn check(&self, spectrum: &Spectrum) -> Result<()> {
        let w = self.n_wavelengths;
        let length = |name: &str, came: usize| {
            if came == w {
                return Ok(());
            }
            let grid = |g: &Option<Vec<f64>>| g.as_deref().map_or(String::new(), |g| format!(" ({})", describe(g)));
            let (theirs, ours) = (grid(&spectrum.wavelengths), grid(&self.wavelengths));
            Err(Error::array(name, format!("{came} points{theirs}: this model expects {w}{ours}")))
        };
        length("values", spectrum.values.len())?;
        if let (Some(ours), Some(theirs)) = (&self.wavelengths, &spectrum.wavelengths) {
            length("wavelengths", theirs.len())?;
            let tolerance = GRID_TOLERANCE * (ours[w - 1] - ours[0]).abs() / (w.max(2) - 1) as f64;
            if let Some(i) = (0..w).find(|&i| theirs[i].is_nan() || (ours[i] - theirs[i]).abs() > tolerance) {
                return Err(Error::array(
                    "wavelengths",
                    format!(
                        "the observation's grid ({}) is not the model's ({}): point {i} is {} there and {} here",
                        describe(theirs),
                        describe(ours),
                        theirs[i],
                        ours[i]
                    ),
                ));
            }
        }
        match (&spectrum.mask, self.has_mask) {
            (Some(mask), true) => length("mask", mask.len())?,
            (Some(mask), false) if mask.iter().any(|&m| m != 0) => {
                return Err(Error::array("mask", "points are masked, but this model was trained without masks"));
            }
            _ => {}
        }
        let masked = |i: usize| spectrum.mask.as_ref().is_some_and(|m| m[i] != 0);
        if let Some(i) = (0..w).find(|&i| !masked(i) && !spectrum.values[i].is_finite()) {
            return Err(Error::array(
                "values",
                format!("point {i} is {}: expected a finite number", spectrum.values[i]),
            ));
        }
        if self.has_sigma {
            let Some(sigma) = &spectrum.sigma else {
                return Err(Error::array("sigma", format!("missing: this model expects {w} uncertainties")));
            };
            length("sigma", sigma.len())?;
            if let Some(i) = (0..w).find(|&i| !masked(i) && (!sigma[i].is_finite() || sigma[i] < 0.0)) {
                return Err(Error::array("sigma", format!("point {i} is {}: expected a number >= 0", sigma[i])));
            }
        }
        Ok(())
    }
}

/// A grid in a few words, for messages.
fn describe(grid: &[f64]) -> String {
    match grid {
        [] => "empty".into(),
        [one] => format!("1 point at {one}"),
        [first, .., last] => format!("{} points from {first} to {last}", grid.len()),
    }
}
