//! N observations: what a set holds of its simulations, and what a file of observations holds without any theta.

use super::{Block, BlockSet, Observation, ObservationSchema, PerBlock, Photometry, PhotometrySchema, Spectrum};
use crate::error::{Error, Result};

/// N observations, block by block; a block that none of them has is `None`. A clone shares the arrays.
///
/// If no visible value in a row of photometry is a number, that observation has no photometry.
pub type Observations = PerBlock<Option<BlockSet>>;

impl Observations {
    /// Spectra alone.
    pub fn spectra(spectra: BlockSet) -> Self {
        Self { spectrum: Some(spectra), photometry: None }
    }

    /// The blocks of these observations.
    pub fn blocks(&self) -> impl Iterator<Item = (Block, &BlockSet)> {
        self.as_ref().map(|block, set| set.as_ref().map(|set| (block, set))).into_array().into_iter().flatten()
    }

    /// The number of observations, N; 0 if there is no block.
    pub fn len(&self) -> usize {
        self.blocks().next().map_or(0, |(_, set)| set.values.rows())
    }

    /// Whether there are no observations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Points of a row of `block`; 0 if no observation has the block.
    pub fn points(&self, block: Block) -> usize {
        self.get(block).as_ref().map_or(0, BlockSet::points)
    }

    /// Observation `i`.
    pub fn get_row(&self, i: usize) -> Observation {
        let spectrum = self.spectrum.as_ref().map(|set| Spectrum {
            values: set.values.row(i).to_vec(),
            sigma: set.sigma_row(i),
            mask: set.mask_row(i),
            wavelengths: set.wavelengths().cloned(),
        });
        let photometry = self.photometry.as_ref().filter(|set| has_photometry(set, i)).map(|set| Photometry {
            values: set.values.row(i).to_vec(),
            sigma: set.sigma_row(i),
            mask: set.mask_row(i),
            bands: set.axis.clone(),
        });
        Observation { spectrum, photometry }
    }

    /// Whether observation `i` has photometry: a visible value that is a number.
    pub fn has_photometry(&self, i: usize) -> bool {
        self.photometry.as_ref().is_some_and(|set| has_photometry(set, i))
    }

    /// The schema of the observations in `rows`. A block may be absent only if one of these rows lacks it.
    pub fn schema_of(&self, rows: &[usize]) -> ObservationSchema {
        let spectrum = self.spectrum.as_ref();
        ObservationSchema {
            n_wavelengths: self.points(Block::Spectrum),
            wavelengths: spectrum.and_then(BlockSet::wavelengths).cloned(),
            has_sigma: spectrum.is_some_and(|set| set.sigma.is_some()),
            has_mask: spectrum.is_some_and(|set| set.mask.is_some()),
            spectrum_may_be_absent: spectrum.and_then(|set| set.mask.as_ref()).is_some_and(|mask| {
                let wholly_masked = |&row: &usize| mask.row(row).iter().all(|&masked| masked != 0);
                rows.iter().any(wholly_masked)
            }),
            photometry: self.photometry.as_ref().map(|set| PhotometrySchema {
                n_bands: set.points(),
                bands: set.axis.clone(),
                has_sigma: set.sigma.is_some(),
                has_mask: set.mask.is_some(),
                may_be_absent: rows.iter().any(|&row| !has_photometry(set, row)),
            }),
        }
    }

    /// Bytes that the arrays with a row per observation take, in memory and in scratch files.
    pub fn bytes(&self) -> [u64; 2] {
        self.blocks().map(|(_, set)| set.bytes()).fold([0; 2], |[memory, scratch], [m, s]| [memory + m, scratch + s])
    }

    /// A copy of the observations in `indices`, in that order, in memory.
    pub fn select(&self, indices: &[usize]) -> Self {
        self.as_ref().map(|_, set| set.as_ref().map(|set| set.select(indices)))
    }

    /// Drops all observations but those in `kept`, which ascend, without a copy of them.
    pub(crate) fn keep_rows(self, kept: &[usize]) -> std::result::Result<Self, String> {
        let keep = |set: Option<BlockSet>| set.map(|set| set.keep_rows(kept)).transpose();
        Ok(Self { spectrum: keep(self.spectrum)?, photometry: keep(self.photometry)? })
    }

    /// Checks the arrays of every block against each other and against the expected number of rows, `n`.
    ///
    /// # Errors
    /// [`Error::Array`] naming the array, its shape, and what was expected.
    pub(crate) fn validate(&self, n: usize) -> Result<()> {
        if self.blocks().next().is_none() {
            return Err(Error::array("x", "missing: expected spectra, photometry or both"));
        }
        self.blocks().try_for_each(|(block, set)| set.validate(n, block))
    }
}

fn has_photometry(set: &BlockSet, i: usize) -> bool {
    let points = set.row(i, None);
    points.visible().any(|j| !points.values[j].is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Axis, Uncertainty};
    use crate::numbers::Matrix;

    fn both() -> Observations {
        let block = |values: Vec<f32>, axis| BlockSet {
            values: Matrix::new(3, values.len() / 3, values),
            sigma: Some(Uncertainty::Scalar(0.5)),
            mask: None,
            axis: Some(axis),
        };
        Observations {
            spectrum: Some(block(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], Axis::Wavelengths(vec![1.0, 2.0]))),
            photometry: Some(block(vec![7.0, f32::NAN, 9.0], Axis::Names(vec!["K".into()]))),
        }
    }

    #[test]
    fn a_row_of_nan_has_no_photometry() {
        let rows: Vec<bool> = (0..3).map(|i| both().get_row(i).photometry.is_some()).collect();
        assert_eq!(rows, [true, false, true]);
    }

    #[test]
    fn blocks_keep_the_same_rows() {
        let kept = both().keep_rows(&[0, 2]).unwrap();
        assert_eq!(kept, both().select(&[0, 2]));
        assert_eq!(kept.get_row(1), both().get_row(2));
    }

    #[test]
    fn a_block_of_other_rows_is_refused_by_its_name_in_files() {
        let message = |observations: &Observations| observations.validate(3).unwrap_err().to_string();
        let mut wrong = both();
        wrong.photometry = wrong.photometry.map(|set| set.select(&[0, 1]));
        assert!(message(&wrong).contains("'photometry': shape (2, 1): expected 3 rows"), "{}", message(&wrong));
        let mut wrong = both();
        wrong.spectrum.as_mut().unwrap().axis = Some(Axis::Wavelengths(vec![1.0]));
        assert!(message(&wrong).contains("'wavelengths': shape (1,): expected (2,)"), "{}", message(&wrong));
        let mut wrong = both();
        wrong.photometry.as_mut().unwrap().axis = Some(Axis::Names(vec!["J".into(), "K".into()]));
        assert!(message(&wrong).contains("'bands': 2 bands (J, K): expected 1"), "{}", message(&wrong));
        assert!(message(&Observations::default()).contains("expected spectra, photometry or both"));
        assert!(both().validate(3).is_ok());
    }
}
