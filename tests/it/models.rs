//! Untrained models with the weights that a test asks for.

use burn::tensor::{Device, Tensor, TensorData};
use flowglass::data::preprocessing::{Preprocessing, PreprocessingKind};
use flowglass::data::{BlockSet, Observations, SimulationSet, Spectrum};
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::{DatasetInfo, FORMAT_VERSION, Metadata, Posterior, TrainingRecord, parameters};
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::space::ParameterSpace;

/// Data points of the observations that these models read.
pub(crate) const POINTS: usize = 6;

/// A small configuration.
pub(crate) fn small() -> Config {
    Config { hidden_dim: 16, embedding_dim: 8, spectrum_embedding_dim: 8, ..Config::default() }
}

/// A model with its initial weights. Mean and standard deviation of the physical space are fitted to `theta`, row-major
/// (n, D).
pub(crate) fn model(config: Config, priors: Vec<Prior>, theta: &[f64], device: &Device) -> Posterior {
    let d = priors.len();
    let names: Vec<String> = (1..=d).map(|i| format!("theta_{i}")).collect();
    let set = SimulationSet {
        file: "none".into(),
        theta: Matrix::new(1, d, theta[..d].to_vec()),
        observations: Observations::spectra(BlockSet {
            values: Matrix::new(1, POINTS, vec![0.0; POINTS]),
            ..BlockSet::default()
        }),
        parameter_names: names.clone(),
        priors: priors.clone(),
        dropped_rows: 0,
        notes: vec![],
    };
    let config = Config { preprocessing: PreprocessingKind::None, ..config };
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        flowglass_version: "0".into(),
        space: ParameterSpace::fit(config.parameter_space, names, priors, theta).unwrap(),
        schema: set.schema(),
        preprocessing: Preprocessing::fit(PreprocessingKind::None, &set, &[0]),
        config,
        dataset: DatasetInfo::default(),
        training: TrainingRecord::default(),
        example: None,
    };
    Posterior::from_metadata(metadata, device).unwrap()
}

/// The same model with normal weights of standard deviation `std`: far from the identity.
pub(crate) fn randomized(posterior: Posterior, std: f32, seed: u64) -> Posterior {
    let n = parameters::count(posterior.network());
    let weights: Vec<f32> = Random::new(seed, Purpose::Sampling(0)).normal(n).into_iter().map(|v| v * std).collect();
    let weights = Tensor::from_data(TensorData::new(weights, [n]), posterior.device());
    posterior.with_weights(&weights)
}

/// An observation of [`POINTS`] normal numbers.
pub(crate) fn observation(seed: u64) -> Spectrum {
    Spectrum { values: Random::new(seed, Purpose::Sampling(1)).normal(POINTS), ..Spectrum::default() }
}

/// The numbers of a tensor.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("a tensor of f32")
}

/// Largest absolute difference; infinite if a number is not finite or the lengths differ.
pub(crate) fn apart(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let worst = |(a, b): (&f32, &f32)| if (a - b).is_finite() { f64::from((a - b).abs()) } else { f64::INFINITY };
    a.iter().zip(b).map(worst).fold(0.0, f64::max)
}
