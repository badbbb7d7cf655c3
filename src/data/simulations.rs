//! A simulation set: parameters and the observations they gave, checked.

use super::{Block, BlockSet, Observation, ObservationSchema, Observations};
use crate::error::{Error, Result, counted};
use crate::numbers::Matrix;
use crate::prior::Prior;

/// N simulations of D parameters, validated. A clone shares the arrays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SimulationSet {
    /// The file's name, for messages and the model's metadata.
    pub file: String,
    /// Parameters in physical units, (N, D).
    pub theta: Matrix<f64>,
    /// The observation of each simulation, N rows.
    pub observations: Observations,
    /// Names of the parameters, (D).
    pub parameter_names: Vec<String>,
    /// Priors of the parameters, (D); `Prior::None` if the file gives none.
    pub priors: Vec<Prior>,
    /// Rows dropped because a number in them was not finite.
    pub dropped_rows: usize,
    /// What was read and assumed, a sentence each, for the user.
    pub notes: Vec<String>,
}

impl SimulationSet {
    /// The number of simulations, N.
    pub fn len(&self) -> usize {
        self.theta.rows()
    }

    /// Whether there are no simulations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of parameters, D.
    pub fn parameter_dim(&self) -> usize {
        self.theta.cols()
    }

    /// The number of points in a spectrum, W; 0 if there are no spectra.
    pub fn n_wavelengths(&self) -> usize {
        self.observations.points(Block::Spectrum)
    }

    /// The spectra.
    ///
    /// # Panics
    /// If the set has no spectra: [`n_wavelengths`](Self::n_wavelengths) is 0 then.
    pub fn spectra(&self) -> &BlockSet {
        self.observations.spectrum.as_ref().expect("the caller makes sure that the set has spectra")
    }

    /// Returns the set after `change` has been applied to its spectra.
    ///
    /// # Panics
    /// As [`spectra`](Self::spectra).
    pub fn with_spectra(mut self, change: impl FnOnce(&mut BlockSet)) -> Self {
        change(self.observations.spectrum.as_mut().expect("the caller makes sure that the set has spectra"));
        self
    }

    /// The schema of the observations of this set.
    pub fn schema(&self) -> ObservationSchema {
        self.schema_of(&(0..self.len()).collect::<Vec<_>>())
    }

    /// The schema of the observations in `rows`; see [`Observations::schema_of`].
    pub fn schema_of(&self, rows: &[usize]) -> ObservationSchema {
        self.observations.schema_of(rows)
    }

    /// Row `i` as an observation.
    pub fn observation(&self, i: usize) -> Observation {
        self.observations.get_row(i)
    }

    /// Bytes that the arrays with a row per simulation take, in memory and in scratch files.
    pub fn bytes(&self) -> [u64; 2] {
        let ([memory, scratch], [m, s]) = (self.theta.bytes(), self.observations.bytes());
        [memory + m, scratch + s]
    }

    /// A copy of the simulations in `indices`, in that order, in memory.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            file: self.file.clone(),
            theta: self.theta.select(indices),
            observations: self.observations.select(indices),
            parameter_names: self.parameter_names.clone(),
            priors: self.priors.clone(),
            dropped_rows: self.dropped_rows,
            notes: self.notes.clone(),
        }
    }

    /// Drops all simulations but those in `kept`, which ascend, without a copy of the set.
    pub(crate) fn keep_rows(self, kept: &[usize]) -> Result<Self> {
        let failed = |message| Error::file(&self.file, message);
        let theta = self.theta.keep_rows(kept).map_err(failed)?;
        let observations = self.observations.keep_rows(kept).map_err(failed)?;
        Ok(Self { theta, observations, ..self })
    }

    /// A 64-bit FNV-1a hash over shapes and values, in hexadecimal. A model stores it, so that one can tell which set
    /// it was trained on.
    pub fn fingerprint(&self) -> String {
        let mut hash = Fnv::new();
        for n in [self.theta.rows(), self.theta.cols(), self.n_wavelengths()] {
            hash.feed((n as u64).to_le_bytes());
        }
        self.theta.values().iter().for_each(|v| hash.feed(v.to_le_bytes()));
        let values = self.observations.blocks().flat_map(|(_, set)| set.values.values());
        values.for_each(|v| hash.feed(v.to_le_bytes()));
        format!("{:016x}", hash.0)
    }

    /// A 64-bit hash of simulation `i`: FNV-1a over the bytes of its theta (float64) and of its values (float32), the
    /// spectrum before the photometry, little-endian, and then [`spread`]. It does not depend on where the row stands
    /// in the set, nor on the rest of the set.
    pub(crate) fn row_hash(&self, i: usize) -> u64 {
        let mut hash = Fnv::new();
        self.theta.row(i).iter().for_each(|v| hash.feed(v.to_le_bytes()));
        let values = self.observations.blocks().flat_map(|(_, set)| set.values.row(i));
        values.for_each(|v| hash.feed(v.to_le_bytes()));
        spread(hash.0)
    }

    /// Checks what every reader must have made sure of; readers call it last.
    ///
    /// # Errors
    /// [`Error::Array`] naming the array, its shape, and what was expected.
    pub fn validate(self) -> Result<Self> {
        let (n, d) = (self.theta.rows(), self.theta.cols());
        if n == 0 || d == 0 {
            return Err(Error::array(
                "theta",
                format!("shape ({n}, {d}): expected at least one row and one parameter"),
            ));
        }
        self.observations.validate(n)?;
        if self.parameter_names.len() != d {
            let came = counted(self.parameter_names.len(), "name");
            return Err(Error::array("parameter_names", format!("{came}: expected {d}, as theta has columns")));
        }
        if self.priors.len() != d {
            let came = counted(self.priors.len(), "prior");
            return Err(Error::array("prior_low", format!("{came}: expected {d}")));
        }
        Ok(self)
    }
}

/// The 64-bit FNV-1a hash of the bytes so far.
pub(crate) struct Fnv(pub(crate) u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn feed<const N: usize>(&mut self, bytes: [u8; N]) {
        for b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// Spreads the bits of a hash evenly, as the last step of MurmurHash3 does (fmix64, Appleby). The high bits of FNV-1a
/// alone are not even, and they decide which rows a model remembers.
fn spread(mut hash: u64) -> u64 {
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two simulations of two parameters and three points.
    fn set() -> SimulationSet {
        SimulationSet {
            theta: Matrix::new(2, 2, vec![0.5, -1.25, 3.0, 1e-3]),
            observations: Observations::spectra(BlockSet {
                values: Matrix::new(2, 3, vec![1.0, 2.5, -0.125, 4.0, 0.0, 7.75]),
                ..BlockSet::default()
            }),
            ..SimulationSet::default()
        }
    }

    #[test]
    fn the_hash_of_a_row_is_what_the_model_file_says() {
        // By the Python program of docs/reference/model-file.md.
        assert_eq!([set().row_hash(0), set().row_hash(1)], [0x3b9f_cb9d_e0ef_5aac, 0x5c4d_cbcd_6c31_fc57]);
    }

    #[test]
    fn the_hash_of_a_row_moves_with_the_row_and_changes_with_its_values() {
        let (set, turned) = (set(), set().select(&[1, 0]));
        assert_eq!([set.row_hash(0), set.row_hash(1)], [turned.row_hash(1), turned.row_hash(0)]);
        let other =
            turned.with_spectra(|spectra| spectra.values = Matrix::new(2, 3, vec![4.0, 0.0, 7.5, 1.0, 2.5, -0.125]));
        assert_ne!(other.row_hash(0), set.row_hash(1));
        assert_eq!(other.row_hash(1), set.row_hash(0));
    }
}
