//! Predictions of observations from parameters by the emulator, in the units of the data.

use super::reference::Misfit;

/// Predictions of observations, without noise. Points of photometry follow those of the spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// Values, row-major (n, P).
    pub values: Vec<f64>,
    /// Standard deviations of the errors of the predictions, (P), as held-out simulations show them. They hold the noise
    /// too if the observations of the model have no uncertainties.
    pub errors: Vec<f64>,
}

impl Misfit {
    /// Predicts the observations of these parameters, row-major (n, D), in coordinates in which the prior fills [-1, 1].
    /// `None` if there were too few simulations for an emulator.
    pub fn predict(&self, parameters: &[f64]) -> Option<Predictions> {
        let emulator = self.emulator.as_ref()?;
        let (center, scale) = (&self.data.center, &self.data.scale);
        let mut values = Vec::new();
        for at in parameters.chunks_exact(emulator.dim) {
            let scaled = emulator.predict(&self.data, at).into_iter().zip(center).zip(scale);
            values.extend(scaled.map(|((y, c), s)| f64::from(*c) + y * f64::from(*s)));
        }
        let errors = emulator.errors.iter().zip(scale).map(|(e, s)| f64::from(*e).sqrt() * f64::from(*s));
        Some(Predictions { values, errors: errors.collect() })
    }

    /// The error of the emulator on held-out simulations, as a share of the typical noise of a point: the root of the mean
    /// square over the points. Noise is what the uncertainties say, or all that varies where there are none.
    pub fn emulator_error(&self) -> Option<f64> {
        let errors = &self.emulator.as_ref()?.errors;
        Some((errors.iter().copied().map(f64::from).sum::<f64>() / errors.len() as f64).sqrt())
    }
}
