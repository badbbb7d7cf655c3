//! One kind of block of N observations.

use super::{Axis, Block, Points};
use crate::error::{Error, Result, counted};
use crate::numbers::Matrix;

/// Uncertainties of N rows of values, as they came.
#[derive(Debug, Clone, PartialEq)]
pub enum Uncertainty {
    /// One for every value, (N, points).
    PerValue(Matrix<f32>),
    /// One for every point, shared by all rows, (points).
    PerPoint(Vec<f32>),
    /// One number for all.
    Scalar(f32),
}

impl Uncertainty {
    /// The uncertainties of row `i`, (points).
    pub fn row(&self, i: usize, points: usize) -> Vec<f32> {
        match self {
            Self::PerValue(m) => m.row(i).to_vec(),
            Self::PerPoint(v) => v.clone(),
            Self::Scalar(s) => vec![*s; points],
        }
    }

    /// The uncertainty of point `j` of row `i`.
    pub(super) fn at(&self, i: usize, j: usize) -> f32 {
        match self {
            Self::PerValue(m) => m.row(i)[j],
            Self::PerPoint(v) => v[j],
            Self::Scalar(s) => *s,
        }
    }

    /// See [`Matrix::bytes`].
    fn bytes(&self) -> [u64; 2] {
        match self {
            Self::PerValue(m) => m.bytes(),
            // These arrays do not grow with the number of rows.
            Self::PerPoint(_) | Self::Scalar(_) => [0; 2],
        }
    }

    /// A copy with the rows in `indices`.
    fn select(&self, indices: &[usize]) -> Self {
        match self {
            Self::PerValue(m) => Self::PerValue(m.select(indices)),
            shared => shared.clone(),
        }
    }

    /// The rows in `kept`; see [`Matrix::keep_rows`].
    fn keep_rows(self, kept: &[usize]) -> std::result::Result<Self, String> {
        match self {
            Self::PerValue(m) => m.keep_rows(kept).map(Self::PerValue),
            shared => Ok(shared),
        }
    }
}

/// One kind of block of N observations: spectra of W points, or photometry in F bands. A clone shares the arrays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BlockSet {
    /// Observed values, (N, points).
    pub values: Matrix<f32>,
    /// Uncertainties of `values`, in their units.
    pub sigma: Option<Uncertainty>,
    /// 1 where a point is masked, that is to be ignored (the convention of numpy.ma and astropy), (N, points).
    pub mask: Option<Matrix<u8>>,
    /// The grid of spectra or the bands of photometry, (points).
    pub axis: Option<Axis>,
}

/// Names of the arrays of a block in files and messages.
pub(super) struct ArrayNames {
    pub values: &'static str,
    pub sigma: &'static str,
    mask: &'static str,
    axis: &'static str,
}

impl ArrayNames {
    /// The names that files and messages have for the arrays of `block`.
    pub(super) fn of(block: Block) -> &'static Self {
        match block {
            Block::Spectrum => &Self { values: "x", sigma: "sigma", mask: "mask", axis: "wavelengths" },
            Block::Photometry => {
                &Self { values: "photometry", sigma: "photometry_sigma", mask: "photometry_mask", axis: "bands" }
            }
        }
    }
}

impl BlockSet {
    /// Points of a row: W or F.
    pub fn points(&self) -> usize {
        self.values.cols()
    }

    /// The points of row `i`, whose uncertainties are `sigma`, (points).
    pub fn row<'a>(&'a self, i: usize, sigma: Option<&'a [f32]>) -> Points<'a> {
        Points { values: self.values.row(i), sigma, mask: self.mask.as_ref().map(|m| m.row(i)) }
    }

    /// The uncertainties of row `i`, (points).
    pub fn sigma_row(&self, i: usize) -> Option<Vec<f32>> {
        self.sigma.as_ref().map(|sigma| sigma.row(i, self.points()))
    }

    /// The mask of row `i`, (points).
    pub fn mask_row(&self, i: usize) -> Option<Vec<u8>> {
        self.mask.as_ref().map(|mask| mask.row(i).to_vec())
    }

    /// Whether point `j` of row `i` is masked.
    pub fn is_masked(&self, i: usize, j: usize) -> bool {
        self.mask.as_ref().is_some_and(|mask| mask.row(i)[j] != 0)
    }

    /// The wavelengths of the points, (points); `None` if the points have names, or no axis.
    pub fn wavelengths(&self) -> Option<&Vec<f64>> {
        match &self.axis {
            Some(Axis::Wavelengths(wavelengths)) => Some(wavelengths),
            _ => None,
        }
    }

    /// Bytes that the arrays with a row per observation take, in memory and in scratch files.
    pub(super) fn bytes(&self) -> [u64; 2] {
        let arrays = [
            Some(self.values.bytes()),
            self.sigma.as_ref().map(Uncertainty::bytes),
            self.mask.as_ref().map(Matrix::bytes),
        ];
        arrays.into_iter().flatten().fold([0; 2], |[memory, scratch], [m, s]| [memory + m, scratch + s])
    }

    /// A copy of the rows in `indices`, in that order, in memory.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            values: self.values.select(indices),
            sigma: self.sigma.as_ref().map(|s| s.select(indices)),
            mask: self.mask.as_ref().map(|m| m.select(indices)),
            axis: self.axis.clone(),
        }
    }

    /// The rows in `kept`, which ascend, without a copy of the block.
    pub(super) fn keep_rows(self, kept: &[usize]) -> std::result::Result<Self, String> {
        Ok(Self {
            values: self.values.keep_rows(kept)?,
            sigma: self.sigma.map(|s| s.keep_rows(kept)).transpose()?,
            mask: self.mask.map(|m| m.keep_rows(kept)).transpose()?,
            axis: self.axis,
        })
    }

    /// Checks the arrays against each other and against the expected number of rows, `n`.
    ///
    /// # Errors
    /// [`Error::Array`] with the name that files have for the array of `block`, its shape, and what was expected.
    pub(super) fn validate(&self, n: usize, block: Block) -> Result<()> {
        let names = ArrayNames::of(block);
        let (rows, points) = (self.values.rows(), self.points());
        if rows != n {
            let expected = format!("expected {}, as many as theta has", counted(n, "row"));
            return Err(Error::array(names.values, format!("shape ({rows}, {points}): {expected}")));
        }
        if points == 0 {
            return Err(Error::array(names.values, format!("shape ({n}, 0): expected at least one column")));
        }
        let expected = format!("expected ({n}, {points}), ({points},) or a scalar");
        match &self.sigma {
            Some(Uncertainty::PerValue(m)) if (m.rows(), m.cols()) != (n, points) => {
                return Err(Error::array(names.sigma, format!("shape ({}, {}): {expected}", m.rows(), m.cols())));
            }
            Some(Uncertainty::PerPoint(v)) if v.len() != points => {
                return Err(Error::array(names.sigma, format!("shape ({},): {expected}", v.len())));
            }
            _ => {}
        }
        if let Some(m) = self.mask.as_ref().filter(|m| (m.rows(), m.cols()) != (n, points)) {
            let message = format!("shape ({}, {}): expected ({n}, {points})", m.rows(), m.cols());
            return Err(Error::array(names.mask, message));
        }
        let Some(axis) = self.axis.as_ref().filter(|axis| axis.len() != points) else { return Ok(()) };
        let (came, needed) = match block {
            Block::Spectrum => (format!("shape ({},)", axis.len()), format!("({points},)")),
            Block::Photometry => {
                (format!("{} ({})", counted(axis.len(), "band"), axis.words().join(", ")), points.to_string())
            }
        };
        Err(Error::array(names.axis, format!("{came}: expected {needed}, as {} has columns", names.values)))
    }
}
