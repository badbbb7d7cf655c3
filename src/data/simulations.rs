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
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut feed = |bytes: &[u8]| {
            for &b in bytes {
                hash = (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for n in [self.theta.rows(), self.theta.cols(), self.n_wavelengths()] {
            feed(&(n as u64).to_le_bytes());
        }
        self.theta.values().iter().for_each(|v| feed(&v.to_le_bytes()));
        let values = self.observations.blocks().flat_map(|(_, set)| set.values.values());
        values.for_each(|v| feed(&v.to_le_bytes()));
        format!("{hash:016x}")
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
