//! The posterior predictive of an observation: what data the posterior expects, beside the data that were observed. A
//! simulator predicts them where there is one, else the emulator that is kept with the model.

use super::{Summary, predictive, summarize};
use crate::data::{AllPoints, Observation};
use crate::error::{Error, Result};
use crate::numbers::column;
use crate::posterior::Posterior;
use crate::random::{Diagnostic, Purpose, Random};
use crate::simulators::Simulator;
use crate::space::SpaceKind;

/// What data the posterior of an observation expects. Points of photometry follow those of the spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct PosteriorPredictive {
    /// Who predicts: the name of a simulator, or `emulator`.
    pub source: String,
    /// The error of the emulator on held-out simulations, as a share of the typical noise of a point; `None` for a
    /// simulator.
    pub emulator_error: Option<f64>,
    /// Median and central intervals of the data without the noise of the observation: what the parameters leave open, and
    /// the error of the emulator, (P).
    pub without_noise: Vec<Summary>,
    /// The same with the noise of the observation: a data point is inside of its 68 % interval with a probability of
    /// 68 %, (P).
    pub with_noise: Vec<Summary>,
    /// The observation less the mean prediction, in standard deviations of predictions with noise, (P); NaN where a point
    /// is masked.
    pub residuals: Vec<f64>,
    /// The mean square of the residuals.
    pub chi_squared: f64,
    /// Posterior predictive p-value: the share of predictions that are at least as unlike the others as the observation
    /// is; see [`predictive()`]. Few values are near 0 or 1 for a right posterior.
    pub p_value: f64,
    /// Number of predictions.
    pub n: usize,
}

/// Predicts an observation from `n` draws of its posterior, with the random numbers of `seed`. `simulator` predicts it
/// if it is given, else the emulator of the model. `None` if there is neither.
///
/// # Errors
/// [`Error::Option`] for fewer than two draws; [`Error::Array`] if the observation does not fit the model or the
/// simulator; [`Error::Device`] if the device fails.
pub async fn posterior_predictive(
    posterior: &Posterior,
    observation: &Observation,
    (n, seed): (usize, u64),
    simulator: Option<&dyn Simulator>,
) -> Result<Option<PosteriorPredictive>> {
    if n < 2 {
        return Err(Error::option("n", n, "at least 2 draws"));
    }
    let metadata = posterior.metadata();
    let emulator = posterior.misfit().filter(|misfit| misfit.emulator_error().is_some());
    if simulator.is_none() && emulator.is_none() {
        return Ok(None);
    }
    let points = metadata.schema.all_points(observation);
    let embedding = posterior.encode_observation(observation)?;
    let theta = posterior.sample_posterior(embedding, n, seed, SpaceKind::Physical).await?.values;
    let mut random = Random::new(seed, Purpose::Diagnostic(Diagnostic::Prediction(0)));
    let p = points.values.len();
    let (mut clean, mut noisy) = (Vec::with_capacity(n * p), Vec::with_capacity(n * p));
    let mut source = "emulator".to_string();
    if let Some(simulator) = simulator {
        source = simulator.name().into();
        let sigma = observation.spectrum.as_ref().and_then(|spectrum| spectrum.sigma.as_deref());
        for theta in theta.chunks_exact(metadata.space.dim()) {
            clean.extend(super::misfit::clean(simulator, theta, &mut random)?);
            noisy.extend(simulator.prediction(theta, sigma, &mut random)?.into_iter().map(f64::from));
        }
    } else if let Some(of) = emulator.and_then(|misfit| misfit.predict(&metadata.space.in_box(&theta))) {
        let normal = random.normal(2 * n * p);
        let (errors, noise) = normal.split_at(n * p);
        for (i, value) in of.values.iter().enumerate() {
            let j = i % p;
            let value = value + of.errors[j] * f64::from(errors[i]);
            clean.push(value);
            noisy.push(value + points.sigma[j] * f64::from(noise[i]));
        }
    }
    if noisy.len() != n * p {
        let came = noisy.len() / n;
        return Err(Error::array("x", format!("{p} data points: the simulator {source} makes {came}")));
    }
    let residuals = residuals(&points, &noisy);
    let seen: Vec<f64> = residuals.iter().copied().filter(|r| r.is_finite()).collect();
    let single: Vec<f32> = noisy.iter().map(|&v| v as f32).collect();
    let masked: Vec<u8> = points.seen.iter().map(|seen| u8::from(!seen)).collect();
    let own: Vec<f32> = points.values.iter().map(|&v| v as f32).collect();
    Ok(Some(PosteriorPredictive {
        emulator_error: if simulator.is_some() { None } else { emulator.and_then(|misfit| misfit.emulator_error()) },
        source,
        without_noise: summarize(&clean, p)?,
        with_noise: summarize(&noisy, p)?,
        chi_squared: seen.iter().map(|r| r * r).sum::<f64>() / seen.len().max(1) as f64,
        p_value: predictive(&own, Some(&masked), &single).p_value,
        residuals,
        n,
    }))
}

/// The values less the means of the predictions, row-major (n, P), in standard deviations of the predictions. NaN where
/// a point is not seen.
fn residuals(points: &AllPoints, predictions: &[f64]) -> Vec<f64> {
    let p = points.values.len();
    let n = (predictions.len() / p) as f64;
    let of_point = |j: usize| {
        let own = || column(predictions, p, j);
        let mean = own().sum::<f64>() / n;
        let std = (own().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        if points.seen[j] { (points.values[j] - mean) / std } else { f64::NAN }
    };
    (0..p).map(of_point).collect()
}
