//! Whether a model can make observations: their misfit, with the predictions of its simulator if that is known.

use crate::data::Observation;
use crate::error::Result;
use crate::kernels::from_values;
use crate::misfit::{MisfitReport, Residuals, residuals_about};
use crate::posterior::{Posterior, read};
use crate::random::{Diagnostic, Purpose, Random};
use crate::simulators::{Simulator, named};
use crate::space::SpaceKind;
use burn::tensor::Tensor;

/// Observations that are encoded in one pass.
const AT_ONCE: usize = 256;
/// Predictions of an observation: several for each direction that they may differ in.
const PREDICTIONS: usize = 32;

/// Whether the model can make each of these observations, in their order. `None` if it keeps nothing to compare them
/// with; see [`Posterior::misfit`].
///
/// # Errors
/// [`Error::Array`](crate::error::Error::Array) if an observation does not fit the model;
/// [`Error::Option`](crate::error::Error::Option) if this version does not have the model's simulator;
/// [`Error::Device`](crate::error::Error::Device) if the device fails.
pub async fn misfit_reports(posterior: &Posterior, observations: &[Observation]) -> Result<Option<Vec<MisfitReport>>> {
    let mut reports = Vec::with_capacity(observations.len());
    for part in observations.chunks(AT_ONCE) {
        let embeddings = posterior.batch_encode_observation(part)?;
        match encoded_misfit_reports(posterior, part, embeddings).await? {
            Some(of_part) => reports.extend(of_part),
            None => return Ok(None),
        }
    }
    Ok(posterior.misfit().map(|_| reports))
}

/// [`misfit_reports`] of observations whose embeddings, (B, E), are computed already.
///
/// # Errors
/// As [`misfit_reports`].
pub async fn encoded_misfit_reports(
    posterior: &Posterior,
    observations: &[Observation],
    embeddings: Tensor<2>,
) -> Result<Option<Vec<MisfitReport>>> {
    let Some(misfit) = posterior.misfit() else { return Ok(None) };
    let simulator = misfit.simulator().map(|name| named("simulator", name)).transpose()?;
    let schema = &posterior.metadata().schema;
    let [_, e] = embeddings.dims();
    let embeddings = read(embeddings).await?;
    let mut reports = Vec::with_capacity(observations.len());
    for (observation, embedding) in observations.iter().zip(embeddings.chunks_exact(e)) {
        let residuals = match simulator {
            Some(simulator) => Some(simulated_residuals(posterior, simulator, (observation, embedding)).await?),
            None => None,
        };
        reports.push(misfit.report(schema, (observation, embedding), residuals));
    }
    Ok(Some(reports))
}

/// What predictions of `simulator` leave over of an observation with this embedding, (E). They come from draws of its
/// posterior.
///
/// # Errors
/// As [`misfit_reports`].
pub async fn simulated_residuals(
    posterior: &Posterior,
    simulator: &dyn Simulator,
    (observation, embedding): (&Observation, &[f32]),
) -> Result<Residuals> {
    let metadata = posterior.metadata();
    let embedding = from_values(embedding.to_vec(), [1, embedding.len()], posterior.device());
    // The same draws for the same observation, whichever others it comes with.
    let theta = posterior.sample_posterior(embedding, PREDICTIONS, 0, SpaceKind::Physical).await?.values;
    let mut random = Random::new(0, Purpose::Diagnostic(Diagnostic::Prediction(0)));
    let mut predictions = Vec::new();
    for theta in theta.chunks_exact(metadata.space.dim()) {
        predictions.extend(clean(simulator, theta, &mut random)?);
    }
    Ok(residuals_about(&metadata.schema, observation, &predictions))
}

/// What the simulator predicts at `theta` without noise, if it has uncertainties: they are made too small to be seen.
pub(super) fn clean(simulator: &dyn Simulator, theta: &[f64], random: &mut Random) -> Result<Vec<f64>> {
    let sigma = simulator.has_sigma().then(|| vec![f32::MIN_POSITIVE; simulator.n_values()]);
    Ok(simulator.prediction(theta, sigma.as_deref(), random)?.into_iter().map(f64::from).collect())
}
