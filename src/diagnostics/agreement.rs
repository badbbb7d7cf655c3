//! Compares two devices. A kernel that fails in a browser may log the failure and return stale numbers. So a GPU is
//! compared with the CPU before it is trusted.

use crate::data::preprocessing::{Preprocessing, PreprocessingKind};
use crate::data::{BlockSet, Observation, Observations, SimulationSet, Spectrum, Uncertainty};
use crate::encoder::Input;
use crate::error::Result;
use crate::kernels::adamw::AdamW;
use crate::kernels::{cat, from_values};
use crate::numbers::Matrix;
use crate::options::Config;
use crate::posterior::{DatasetInfo, FORMAT_VERSION, Metadata, Posterior, TrainingRecord, parameters, read};
use crate::prior::Prior;
use crate::random::{Purpose, Random};
use crate::space::{ParameterSpace, SpaceKind};
use burn::tensor::Device;

/// Largest difference allowed between two devices, in flow coordinates, log densities and gradients of order one.
/// Measured differences from flex are 3e-6 for ndarray and 8e-6 for a software WebGPU adapter. On other adapters exp
/// and log may be off by a few units in the last place, and the errors of the layers add up. A kernel that did not run
/// leaves zeros or stale numbers, and is off by the size of the numbers themselves.
const TOLERANCE: f64 = 2e-3;

/// The difference between two devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Largest absolute difference over draws, log densities, the gradient of all weights and a step of training;
    /// infinite if a number of either device is not finite.
    pub max_abs_error: f64,
    /// Largest difference allowed.
    pub tolerance: f64,
}

/// Whether the flows of two configurations run the same kernels.
pub fn same_kernels(a: &Config, b: &Config) -> bool {
    a.kernels_alone() == b.kernels_alone()
}

impl Agreement {
    /// Whether the difference is within the tolerance.
    pub fn agrees(&self) -> bool {
        self.max_abs_error <= self.tolerance
    }
}

/// Compares draws, log densities, training gradients and a step of training on both devices, for one small model with
/// random weights. Its flow is of the kind that `config` names, because another kind runs other kernels.
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if a device fails outright.
pub async fn device_agreement(device: &Device, reference: &Device, config: &Config) -> Result<Agreement> {
    let (ours, theirs) = (fingerprint(device, config).await?, fingerprint(reference, config).await?);
    let apart = |(a, b): (&f32, &f32)| {
        let difference = f64::from((a - b).abs());
        if difference.is_finite() { difference } else { f64::INFINITY }
    };
    let max_abs_error = ours.iter().zip(&theirs).map(apart).fold(0.0, f64::max);
    Ok(Agreement { max_abs_error, tolerance: TOLERANCE })
}

/// Observations in the comparison.
const ROWS: usize = 7;
/// Draws for each observation. The 525 rows fill several workgroups of a GPU, and leave the last one partly full.
const DRAWS: usize = 75;

/// The numbers that are compared: results of everything that inference and training compute.
async fn fingerprint(device: &Device, config: &Config) -> Result<Vec<f32>> {
    let posterior = small_model(device, config)?;
    let mut random = Random::new(1, Purpose::Sampling(0));
    let d = posterior.metadata().space.dim();
    let w = posterior.metadata().schema.n_wavelengths;
    let observations: Vec<Observation> = (0..ROWS)
        .map(|_| Spectrum { values: random.normal(w), sigma: Some(vec![0.1; w]), ..Spectrum::default() }.into())
        .collect();
    let embedding = posterior.batch_encode_observation(&observations)?;
    let draws = posterior.batch_sample_posterior(embedding, DRAWS, 3, SpaceKind::Unconstrained).await?;
    let mut numbers: Vec<f32> = draws.values.iter().map(|&v| v as f32).collect();

    let schema = &posterior.metadata().schema;
    let input = posterior.metadata().preprocessing.apply(schema, observations.iter());
    let input = Input::new(input, schema, device);
    let theta = from_values(random.normal(ROWS * d), [ROWS, d], device);
    let base = posterior.metadata().config.base_distribution;
    let flat = parameters::flatten(posterior.network());
    let network = || posterior.network().clone();
    // Once with all layers of the flow in one kernel, on devices that can do so, and once with one layer after another.
    let mut found = Vec::new();
    for tracked in [parameters::tracked(network(), &flat), parameters::leaves(network(), &flat)] {
        let log_q = tracked.log_prob(base, theta.clone(), tracked.encoder.forward(input.clone()));
        let mut gradients = log_q.clone().mean().backward();
        found.extend([log_q.inner(), parameters::gradient(&tracked, &mut gradients)]);
    }
    // One step of training. Its gradient is the same random numbers on both devices: the step follows the signs of the
    // gradient, and rounding must not change a sign.
    let [n] = flat.dims();
    let mut adam = AdamW::new(flat, 0.01, Some(1.0));
    adam.step(from_values(random.normal(n), [n], device), 0.5);
    found.push(adam.weights().clone());
    numbers.extend(read(cat(found, 0)).await?);
    Ok(numbers)
}

/// A model of three parameters, 40 wavelengths and two layers. Its weights are far from those of an identity flow.
fn small_model(device: &Device, like: &Config) -> Result<Posterior> {
    let (d, w) = (3, 40);
    let config = Config {
        hidden_dim: 16,
        embedding_dim: 8,
        spectrum_embedding_dim: 8,
        num_coupling_layers: 2,
        // A draw that rounding moves over a bound would be another draw. The kernels are the same in every space.
        parameter_space: SpaceKind::Unconstrained,
        ..like.kernels_alone()
    };
    let set = SimulationSet {
        file: String::new(),
        theta: Matrix::new(1, d, vec![0.5; d]),
        observations: Observations::spectra(BlockSet {
            values: Matrix::new(1, w, vec![0.0; w]),
            sigma: Some(Uncertainty::Scalar(0.1)),
            ..BlockSet::default()
        }),
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
    let weights = from_values(weights, [n], device);
    Ok(posterior.with_weights(&weights))
}
