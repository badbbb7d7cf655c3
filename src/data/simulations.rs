//! A simulation set: parameters and the observations they gave, checked.

use super::{Bands, Observation, ObservationSchema, Photometry, PhotometrySchema, Spectrum};
use crate::error::{Error, Result};
use crate::numbers::Matrix;
use crate::prior::Prior;

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

    /// See [`Matrix::bytes`].
    fn bytes(&self) -> [u64; 2] {
        match self {
            Self::PerValue(m) => m.bytes(),
            // As long as a row, whatever the number of rows.
            Self::PerWavelength(_) | Self::Scalar(_) => [0; 2],
        }
    }

    /// A copy of those of the rows in `indices`.
    fn select(&self, indices: &[usize]) -> Self {
        match self {
            Self::PerValue(m) => Self::PerValue(m.select(indices)),
            shared => shared.clone(),
        }
    }

    /// Those of the rows in `kept`; see [`Matrix::keep_rows`].
    pub(super) fn keep_rows(self, kept: &[usize]) -> std::result::Result<Self, String> {
        match self {
            Self::PerValue(m) => m.keep_rows(kept).map(Self::PerValue),
            shared => Ok(shared),
        }
    }
}

/// The photometry of a set, F bands.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotometrySet {
    /// Observed values, (N, F). A row in which no visible one is a number has no photometry.
    pub values: Matrix<f32>,
    /// Uncertainties of `values`, in their units.
    pub sigma: Option<Uncertainty>,
    /// 1 where a band is masked, (N, F).
    pub mask: Option<Matrix<u8>>,
    /// What tells the bands apart, (F).
    pub bands: Option<Bands>,
}

impl PhotometrySet {
    /// Row `i`; none where it has no photometry.
    pub fn row(&self, i: usize) -> Option<Photometry> {
        let photometry = Photometry {
            values: self.values.row(i).to_vec(),
            sigma: self.sigma.as_ref().map(|s| s.row(i, self.values.cols())),
            mask: self.mask.as_ref().map(|m| m.row(i).to_vec()),
            bands: self.bands.clone(),
        };
        let points = photometry.points();
        let known = points.visible().any(|j| !points.values[j].is_nan());
        known.then_some(photometry)
    }

    fn select(&self, indices: &[usize]) -> Self {
        Self {
            values: self.values.select(indices),
            sigma: self.sigma.as_ref().map(|s| s.select(indices)),
            mask: self.mask.as_ref().map(|m| m.select(indices)),
            bands: self.bands.clone(),
        }
    }

    fn keep_rows(self, kept: &[usize]) -> std::result::Result<Self, String> {
        Ok(Self {
            values: self.values.keep_rows(kept)?,
            sigma: self.sigma.map(|s| s.keep_rows(kept)).transpose()?,
            mask: self.mask.map(|m| m.keep_rows(kept)).transpose()?,
            bands: self.bands,
        })
    }
}

/// What a `.npz`, `.npy` or CSV file of simulations holds, validated: N rows, D parameters, W data points, F bands. A clone
/// shares the arrays.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulationSet {
    /// The file's name, for messages and the model's metadata.
    pub file: String,
    /// Parameters in physical units, (N, D).
    pub theta: Matrix<f64>,
    /// Observed values, (N, W); (N, 0) where there is photometry alone.
    pub x: Matrix<f32>,
    /// Uncertainties of `x`, in its units.
    pub sigma: Option<Uncertainty>,
    /// 1 where a point is masked, that is to be ignored (the convention of numpy.ma and astropy), (N, W).
    pub mask: Option<Matrix<u8>>,
    /// The grid of `x`, in the file's units, (W).
    pub wavelengths: Option<Vec<f64>>,
    /// Photometry beside or instead of `x`.
    pub photometry: Option<PhotometrySet>,
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
        self.schema_of(&(0..self.len()).collect::<Vec<_>>())
    }

    /// The same, if `rows` is all that is known: a block that every one of them has may not be absent.
    pub fn schema_of(&self, rows: &[usize]) -> ObservationSchema {
        ObservationSchema {
            n_wavelengths: self.x.cols(),
            wavelengths: self.wavelengths.clone(),
            has_sigma: self.sigma.is_some(),
            has_mask: self.mask.is_some(),
            spectrum_may_be_absent: self.mask.as_ref().is_some_and(|m| {
                let wholly_masked = |&row: &usize| m.row(row).iter().all(|&masked| masked != 0);
                self.x.cols() > 0 && rows.iter().any(wholly_masked)
            }),
            photometry: self.photometry.as_ref().map(|p| PhotometrySchema {
                n_bands: p.values.cols(),
                bands: p.bands.clone(),
                has_sigma: p.sigma.is_some(),
                has_mask: p.mask.is_some(),
                may_be_absent: rows.iter().any(|&row| p.row(row).is_none()),
            }),
        }
    }

    /// Row `i` as an observation.
    pub fn observation(&self, i: usize) -> Observation {
        let spectrum = (self.x.cols() > 0).then(|| Spectrum {
            values: self.x.row(i).to_vec(),
            sigma: self.sigma.as_ref().map(|s| s.row(i, self.x.cols())),
            mask: self.mask.as_ref().map(|m| m.row(i).to_vec()),
            wavelengths: self.wavelengths.clone(),
        });
        Observation { spectrum, photometry: self.photometry.as_ref().and_then(|p| p.row(i)) }
    }

    /// Bytes that the arrays with a row per simulation take, in memory and in scratch files.
    pub fn bytes(&self) -> [u64; 2] {
        let photometry = self.photometry.as_ref();
        let arrays = [
            Some(self.theta.bytes()),
            Some(self.x.bytes()),
            self.sigma.as_ref().map(Uncertainty::bytes),
            self.mask.as_ref().map(Matrix::bytes),
            photometry.map(|p| p.values.bytes()),
            photometry.and_then(|p| p.sigma.as_ref()).map(Uncertainty::bytes),
            photometry.and_then(|p| p.mask.as_ref()).map(Matrix::bytes),
        ];
        arrays.into_iter().flatten().fold([0; 2], |[memory, scratch], [m, s]| [memory + m, scratch + s])
    }

    /// A copy of the simulations in `indices`, in that order, in memory.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            file: self.file.clone(),
            theta: self.theta.select(indices),
            x: self.x.select(indices),
            sigma: self.sigma.as_ref().map(|s| s.select(indices)),
            mask: self.mask.as_ref().map(|m| m.select(indices)),
            wavelengths: self.wavelengths.clone(),
            photometry: self.photometry.as_ref().map(|p| p.select(indices)),
            parameter_names: self.parameter_names.clone(),
            priors: self.priors.clone(),
            dropped_rows: self.dropped_rows,
            notes: self.notes.clone(),
        }
    }

    /// Drops all simulations but those in `kept`, which ascend, without a copy of the set.
    pub(crate) fn keep_rows(self, kept: &[usize]) -> Result<Self> {
        let failed = |message| Error::file(&self.file, message);
        Ok(Self {
            theta: self.theta.keep_rows(kept).map_err(failed)?,
            x: self.x.keep_rows(kept).map_err(failed)?,
            sigma: self.sigma.map(|s| s.keep_rows(kept)).transpose().map_err(failed)?,
            mask: self.mask.map(|m| m.keep_rows(kept)).transpose().map_err(failed)?,
            photometry: self.photometry.map(|p| p.keep_rows(kept)).transpose().map_err(failed)?,
            ..self
        })
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
        self.photometry.iter().flat_map(|p| p.values.values()).for_each(|v| feed(&v.to_le_bytes()));
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
        if w == 0 && self.photometry.is_none() {
            return Err(Error::array("x", format!("shape ({n}, 0): expected at least one column")));
        }
        check_shapes(["sigma", "mask"], self.sigma.as_ref(), self.mask.as_ref(), [n, w])?;
        if let Some(p) = &self.photometry {
            let (rows, f) = (p.values.rows(), p.values.cols());
            if rows != n || f == 0 {
                let expected = format!("expected {n} rows, as many as theta has, and a column per band");
                return Err(Error::array("photometry", format!("shape ({rows}, {f}): {expected}")));
            }
            check_shapes(["photometry_sigma", "photometry_mask"], p.sigma.as_ref(), p.mask.as_ref(), [n, f])?;
            if let Some(bands) = p.bands.as_ref().filter(|bands| bands.len() != f) {
                let came = format!("{} bands ({})", bands.len(), bands.words().join(", "));
                return Err(Error::array("bands", format!("{came}: expected {f}, as photometry has columns")));
            }
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

/// Holds uncertainties and a mask, of those names, against the shape of the values they are of.
fn check_shapes(
    [sigma_name, mask_name]: [&str; 2],
    sigma: Option<&Uncertainty>,
    mask: Option<&Matrix<u8>>,
    [n, w]: [usize; 2],
) -> Result<()> {
    let expected = format!("expected ({n}, {w}), ({w},) or a scalar");
    match sigma {
        Some(Uncertainty::PerValue(m)) if (m.rows(), m.cols()) != (n, w) => {
            Err(Error::array(sigma_name, format!("shape ({}, {}): {expected}", m.rows(), m.cols())))
        }
        Some(Uncertainty::PerWavelength(v)) if v.len() != w => {
            Err(Error::array(sigma_name, format!("shape ({},): {expected}", v.len())))
        }
        _ => Ok(()),
    }?;
    match mask {
        Some(m) if (m.rows(), m.cols()) != (n, w) => {
            Err(Error::array(mask_name, format!("shape ({}, {}): expected ({n}, {w})", m.rows(), m.cols())))
        }
        _ => Ok(()),
    }
}
