//! Does a device compute what another one does? A kernel that fails in a browser may return stale numbers and only log
//! it, so a GPU is asked before it is trusted.

use crate::data::preprocessing::{Preprocessing, PreprocessingKind};
use crate::data::{Matrix, Observation, SimulationSet, Spectrum, Uncertainty};
use crate::encoder::Input;
use crate::error::Result;
use crate::posterior::{Config, DatasetInfo, FORMAT_VERSION, Metadata, Posterior, TrainingRecord, parameters, read};
use crate::random::{Purpose, Random};
use crate::space::{ParameterSpace, Prior, SpaceKind};
use burn::tensor::{Device, Tensor, TensorData};

/// Largest difference allowed between two devices, in flow coordinates, log densities and gradients of order one.
/// Measured: flex against ndarray 3e-6, against a software WebGPU adapter 1.5e-4 (exp and log there may be off by a few
/// units in the last place, and the layers add up). A kernel that did not run leaves zeros or stale numbers, which are off
/// by the numbers' own size.
const TOLERANCE: f64 = 2e-3;

/// How far two devices are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Largest absolute difference over draws, log densities and the gradient of all weights; infinite if a number on
    /// either side is not finite.
    pub max_abs_error: f64,
    /// What is allowed.
    pub tolerance: f64,
}

impl Agreement {
    /// Whether the difference is within the tolerance.
    pub fn agrees(&self) -> bool {
        self.max_abs_error <= self.tolerance
    }
}

/// Compares draws, log densities and a training gradient of one small model with random weights on both devices.
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if one of them fails outright.
pub async fn device_agreement(device: &Device, reference: &Device) -> Result<Agreement> {
    let (ours, theirs) = (fingerprint(device).await?, fingerprint(reference).await?);
    let apart = |(a, b): (&f32, &f32)| {
        let difference = f64::from((a - b).abs());
        if difference.is_finite() { difference } else { f64::INFINITY }
    };
    let max_abs_error = ours.iter().zip(&theirs).map(apart).fold(0.0, f64::max);
    Ok(Agreement { max_abs_error, tolerance: TOLERANCE })
}

/// Observations in the comparison.
const ROWS: usize = 8;

/// The numbers that are compared: everything that inference and training compute.
async fn fingerprint(device: &Device) -> Result<Vec<f32>> {
    let posterior = small_model(device)?;
    let mut random = Random::new(1, Purpose::Sampling(0));
    let d = posterior.metadata().space.dim();
    let w = posterior.metadata().schema.n_wavelengths;
    let observations: Vec<Observation> = (0..ROWS)
        .map(|_| Spectrum { values: random.normal(w), sigma: Some(vec![0.1; w]), ..Spectrum::default() }.into())
        .collect();
    let embedding = posterior.batch_encode_observation(&observations)?;
    let draws = posterior.batch_sample_posterior(embedding, 4, 3, SpaceKind::Unconstrained).await?;
    let mut numbers: Vec<f32> = draws.values.iter().map(|&v| v as f32).collect();

    let tracked = parameters::unflatten(posterior.network().clone(), &parameters::flatten(posterior.network()), true);
    let schema = &posterior.metadata().schema;
    let input = posterior.metadata().preprocessing.apply(schema, observations.iter());
    let input = Input::new(input, schema, device);
    let theta = TensorData::new(random.normal(ROWS * d), [ROWS, d]);
    let embedding = tracked.encoder.forward(input);
    let base = posterior.metadata().config.base_distribution;
    let log_q = tracked.log_prob(base, Tensor::from_data(theta, device), embedding);
    let mut gradients = log_q.clone().mean().backward();
    let gradient = parameters::gradient(&tracked, &mut gradients);
    numbers.extend(read(Tensor::cat(vec![log_q.inner(), gradient], 0)).await?);
    Ok(numbers)
}

/// Three parameters, 40 wavelengths, two layers; weights far from the identity.
fn small_model(device: &Device) -> Result<Posterior> {
    let (d, w) = (3, 40);
    let config = Config {
        hidden_dim: 16,
        embedding_dim: 8,
        spectrum_embedding_dim: 8,
        num_coupling_layers: 2,
        ..Config::default()
    };
    let set = SimulationSet {
        file: String::new(),
        theta: Matrix::new(1, d, vec![0.5; d]),
        x: Matrix::new(1, w, vec![0.0; w]),
        sigma: Some(Uncertainty::Scalar(0.1)),
        mask: None,
        wavelengths: None,
        photometry: None,
        parameter_names: (1..=d).map(|i| format!("theta_{i}")).collect(),
        priors: vec![Prior::Uniform { low: 0.0, high: 1.0 }; d],
        dropped_rows: 0,
        notes: vec![],
    };
    let space = ParameterSpace::fit(
        config.parameter_space,
        set.parameter_names.clone(),
        set.priors.clone(),
        set.theta.values(),
    )?;
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        flowglass_version: env!("CARGO_PKG_VERSION").into(),
        schema: set.schema(),
        preprocessing: Preprocessing::fit(PreprocessingKind::None, &set, &[0]),
        config,
        space,
        dataset: DatasetInfo::default(),
        training: TrainingRecord::default(),
        example: None,
    };
    let posterior = Posterior::from_metadata(metadata, device)?;
    let n = parameters::count(posterior.network());
    let weights: Vec<f32> = Random::new(2, Purpose::Sampling(0)).normal(n).into_iter().map(|v| 0.2 * v).collect();
    let weights = Tensor::from_data(TensorData::new(weights, [n]), device);
    Ok(posterior.with_weights(&weights))
}
