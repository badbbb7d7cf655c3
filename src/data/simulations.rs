//! A simulation set: parameters and the observations they gave, checked.

use super::{Matrix, ObservationSchema, Spectrum};
use crate::error::{Error, Result};
use crate::space::Prior;

/// The observational uncertainty of a set, as it came.
#[derive(Debug, Clone, PartialEq)]
pub enum Uncertainty {
    /// One for every value, (N, W).
    PerValue(Matrix<f32>),
    /// One per wavelength, shared by all simulations, (W).
    PerWavelength(Vec<f32>),
    /// One number for all.
    Scalar(f32),
}

impl Uncertainty {
    /// The uncertainties of row `i`, (W).
    pub fn row(&self, i: usize, n_wavelengths: usize) -> Vec<f32> {
        match self {
            Self::PerValue(m) => m.row(i).to_vec(),
            Self::PerWavelength(v) => v.clone(),
            Self::Scalar(s) => vec![*s; n_wavelengths],
        }
    }
}

/// What a `.npz`, `.npy` or CSV file of simulations holds, validated: N rows, D parameters, W data points.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulationSet {
    /// The file's name, for messages and the model's metadata.
    pub file: String,
    /// Parameters in physical units, (N, D).
    pub theta: Matrix<f64>,
    /// Observed values, (N, W).
    pub x: Matrix<f32>,
    /// Uncertainties of `x`, in its units.
    pub sigma: Option<Uncertainty>,
    /// 1 where a point is masked, that is to be ignored (the convention of numpy.ma and astropy), (N, W).
    pub mask: Option<Matrix<u8>>,
    /// The grid of `x`, in the file's units, (W).
    pub wavelengths: Option<Vec<f64>>,
    /// D names.
    pub parameter_names: Vec<String>,
    /// D priors; `Prior::None` where the file says nothing.
    pub priors: Vec<Prior>,
    /// Rows dropped because a number in them was not finite.
    pub dropped_rows: usize,
    /// What was read and assumed, a sentence each, for the user.
    pub notes: Vec<String>,
}

impl SimulationSet {
    /// N.
    pub fn len(&self) -> usize {
        self.theta.rows()
    }

    /// Whether there are no simulations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// D.
    pub fn parameter_dim(&self) -> usize {
        self.theta.cols()
    }

    /// What an observation must look like to be of this set's kind.
    pub fn schema(&self) -> ObservationSchema {
        ObservationSchema {
            n_wavelengths: self.x.cols(),
            wavelengths: self.wavelengths.clone(),
            has_sigma: self.sigma.is_some(),
            has_mask: self.mask.is_some(),
        }
    }

    /// Row `i` as an observation.
    pub fn observation(&self, i: usize) -> Spectrum {
        Spectrum {
            values: self.x.row(i).to_vec(),
            sigma: self.sigma.as_ref().map(|s| s.row(i, self.x.cols())),
            mask: self.mask.as_ref().map(|m| m.row(i).to_vec()),
            wavelengths: self.wavelengths.clone(),
        }
    }

    /// A 64-bit FNV-1a hash over shapes and values, in hexadecimal: says which set a model was trained on.
    pub fn fingerprint(&self) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut feed = |bytes: &[u8]| {
            for &b in bytes {
                hash = (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for n in [self.theta.rows(), self.theta.cols(), self.x.cols()] {
            feed(&(n as u64).to_le_bytes());
        }
        self.theta.values().iter().for_each(|v| feed(&v.to_le_bytes()));
        self.x.values().iter().for_each(|v| feed(&v.to_le_bytes()));
        format!("{hash:016x}")
    }

    /// Checks what every reader must have made sure of; readers call it last.
    ///
    /// # Errors
    /// [`Error::Array`] naming the array, its shape, and what was expected.
    pub fn validate(self) -> Result<Self> {
        let (n, d, w) = (self.theta.rows(), self.theta.cols(), self.x.cols());
        if n == 0 || d == 0 {
            return Err(Error::array(
                "theta",
                format!("shape ({n}, {d}): expected at least one row and one parameter"),
            ));
        }
        if self.x.rows() != n {
            let came = format!("({}, {w})", self.x.rows());
            return Err(Error::array("x", format!("shape {came}: expected {n} rows, as many as theta has")));
        }
        if w == 0 {
            return Err(Error::array("x", format!("shape ({n}, 0): expected at least one column")));
        }
        match &self.sigma {
            Some(Uncertainty::PerValue(m)) if (m.rows(), m.cols()) != (n, w) => {
                let came = format!("({}, {})", m.rows(), m.cols());
                return Err(Error::array("sigma", format!("shape {came}: expected ({n}, {w}), ({w},) or a scalar")));
            }
            Some(Uncertainty::PerWavelength(v)) if v.len() != w => {
                return Err(Error::array(
                    "sigma",
                    format!("shape ({},): expected ({n}, {w}), ({w},) or a scalar", v.len()),
                ));
            }
            _ => {}
        }
        if let Some(m) = &self.mask
            && (m.rows(), m.cols()) != (n, w)
        {
            return Err(Error::array("mask", format!("shape ({}, {}): expected ({n}, {w})", m.rows(), m.cols())));
        }
        if let Some(v) = &self.wavelengths
            && v.len() != w
        {
            return Err(Error::array(
                "wavelengths",
                format!("shape ({},): expected ({w},), as x has columns", v.len()),
            ));
        }
        if self.parameter_names.len() != d {
            let came = self.parameter_names.len();
            return Err(Error::array("parameter_names", format!("{came} names: expected {d}, as theta has columns")));
        }
        if self.priors.len() != d {
            return Err(Error::array("prior_low", format!("{} priors: expected {d}", self.priors.len())));
        }
        Ok(self)
    }
}
