//! The estimator in a worker: train, save, load, sample; and the devices of this artifact agree.

use burn::tensor::Device;
use flowglass::data::{BlockSet, Observations, SimulationSet, Uncertainty};
#[cfg(any(feature = "ndarray", feature = "webgpu"))]
use flowglass::diagnostics::device_agreement;
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::space::SpaceKind;
use flowglass::storage;
use flowglass::trainer::Trainer;
use wasm_bindgen_test::wasm_bindgen_test;

/// x = theta repeated, plus noise.
fn set(n: usize) -> SimulationSet {
    let (d, w) = (2, 12);
    let mut random = Random::new(5, Purpose::Sampling(9));
    let theta: Vec<f64> = random.uniform(n * d, 1.0).into_iter().map(f64::from).collect();
    let noise = random.normal(n * w);
    let x = (0..n * w).map(|i| theta[i / w * d + i % d] as f32 + 0.1 * noise[i]).collect();
    SimulationSet {
        file: "toy".into(),
        theta: Matrix::new(n, d, theta),
        observations: Observations::spectra(BlockSet {
            values: Matrix::new(n, w, x),
            sigma: Some(Uncertainty::Scalar(0.1)),
            ..BlockSet::default()
        }),
        parameter_names: vec!["a".into(), "b".into()],
        priors: vec![Prior::Uniform { low: -1.0, high: 1.0 }; d],
        dropped_rows: 0,
        notes: vec![],
    }
}

fn config() -> Config {
    Config {
        num_epochs: 2,
        batch_size: 16,
        hidden_dim: 16,
        embedding_dim: 8,
        num_coupling_layers: 2,
        ..Config::default()
    }
}

async fn train(device: &Device) -> Posterior {
    // An epoch has three steps, because a software GPU needs about a second for each.
    let mut trainer = Trainer::new(&set(56), &config(), device).expect("a configuration that works");
    while !trainer.is_done() {
        trainer.run(10).await.expect("training goes on");
    }
    trainer.finish().await.expect("it encodes simulations")
}

async fn draws(posterior: &Posterior, n: usize) -> Vec<f64> {
    let observation = set(3).observation(1);
    let embedding = posterior.encode_observation(&observation).expect("it fits");
    posterior.sample_posterior(embedding, n, 4, SpaceKind::Physical).await.expect("draws").values
}

/// A model that is trained, saved and loaded on one device gives exactly the same draws.
async fn a_saved_model_gives_the_same_draws(device: &Device) {
    let trained = train(device).await;
    let history = &trained.metadata().training.history;
    assert_eq!(history.len(), 2);
    assert!(history.iter().all(|e| e.train_loss.is_finite() && e.skipped == 0), "{history:?}");
    let bytes = storage::save(&trained).await.expect("saves");
    let loaded = storage::load("model.safetensors", &bytes, device).expect("loads");
    let (a, b) = (draws(&trained, 50).await, draws(&loaded, 50).await);
    assert!(a.iter().all(|v| v.abs() <= 1.0), "draws stay in the prior's box");
    assert_eq!(a, b);
}

/// The same weights and seed give the same draws on both devices, within a tolerance. The page tests measure 6e-6
/// relative between flex and a software WebGPU adapter; the tolerance leaves room for other adapters.
#[cfg(any(feature = "ndarray", feature = "webgpu"))]
async fn same_draws(device: &Device, other: &Device) {
    let bytes = storage::save(&train(other).await).await.expect("saves");
    let mut all = Vec::new();
    for device in [device, other] {
        all.push(draws(&storage::load("m", &bytes, device).expect("loads"), 100).await);
    }
    let apart = all[0].iter().zip(&all[1]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    wasm_bindgen_test::console_log!("largest difference between draws: {apart:e}");
    assert!(apart < 1e-3, "{apart}");
}

/// The self-test passes on `device`.
#[cfg(any(feature = "ndarray", feature = "webgpu"))]
async fn agrees(device: &Device) {
    use flowglass::flow::{AutoregressiveTransform as Map, FlowFamily as Family};
    let kinds = [
        (Family::Spline, Map::default()),
        (Family::Affine, Map::default()),
        (Family::Autoregressive, Map::Spline),
        (Family::Autoregressive, Map::Affine),
        (Family::NeuralAutoregressive, Map::default()),
    ];
    for (flow_family, autoregressive_transform) in kinds {
        for use_base_affine in [false, true] {
            let config = Config { flow_family, autoregressive_transform, use_base_affine, ..Config::default() };
            let found = device_agreement(device, &Device::flex(), &config).await.expect("both devices work");
            let kind = format!("{flow_family:?} {autoregressive_transform:?} {use_base_affine}: {found:?}");
            wasm_bindgen_test::console_log!("{kind}");
            assert!(found.agrees(), "{kind}");
        }
    }
}

/// Trains with a likelihood that is a function on the CPU. Its losses on `device` equal those on `other`.
#[cfg(any(feature = "ndarray", feature = "webgpu"))]
async fn a_function_as_likelihood_trains_alike(device: &Device, other: &Device) {
    use flowglass::data::Spectrum;
    use flowglass::options::TrainingObjective;
    use flowglass::trainer::ElboLikelihood;
    let config = Config { training_objective: TrainingObjective::Elbo, ..config() };
    let mut losses = Vec::new();
    for device in [device, other] {
        let likelihood = ElboLikelihood::Function(Box::new(|theta: &[f64], x: &Spectrum| {
            let (mut value, mut gradient) = (0.0, vec![0.0; theta.len()]);
            for (i, &x) in x.values.iter().enumerate() {
                let off = (f64::from(x) - theta[i % theta.len()]) / 0.1;
                value -= 0.5 * off * off;
                gradient[i % theta.len()] += off / 0.1;
            }
            Ok((value, gradient))
        }));
        let mut trainer =
            Trainer::with_likelihood(&set(56), &config, likelihood, device).expect("its gradient is right");
        while !trainer.is_done() {
            trainer.run(10).await.expect("training goes on");
        }
        let history = trainer.finish().await.expect("it encodes simulations").metadata().training.history.clone();
        assert!(history.iter().all(|e| e.skipped == 0), "{history:?}");
        losses.push(history.iter().map(|e| e.train_loss).collect::<Vec<f64>>());
    }
    wasm_bindgen_test::console_log!("losses with a function as likelihood: {losses:?}");
    assert!(losses[0].iter().zip(&losses[1]).all(|(a, b)| (a - b).abs() < 1e-3 * b.abs()), "{losses:?}");
}

#[wasm_bindgen_test]
async fn a_model_saved_on_flex_gives_the_same_draws() {
    a_saved_model_gives_the_same_draws(&Device::flex()).await;
}

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "the device of browsers without SIMD, until burn 0.23 drops it")]
#[wasm_bindgen_test]
async fn ndarray_agrees_with_flex() {
    let device = Device::ndarray();
    a_saved_model_gives_the_same_draws(&device).await;
    same_draws(&device, &Device::flex()).await;
    agrees(&device).await;
    a_function_as_likelihood_trains_alike(&device, &Device::flex()).await;
}

#[cfg(feature = "webgpu")]
#[wasm_bindgen_test]
async fn webgpu_agrees_with_flex() {
    let device = crate::device::webgpu().await;
    agrees(&device).await;
    same_draws(&device, &Device::flex()).await;
    a_saved_model_gives_the_same_draws(&device).await;
    a_function_as_likelihood_trains_alike(&device, &Device::flex()).await;
}

/// Sizes that no other test has, so that their kernels are not compiled yet.
#[cfg(feature = "webgpu")]
#[wasm_bindgen_test]
async fn nothing_is_compiled_when_a_warm_model_draws() {
    use crate::device::{pipelines, webgpu};
    let device = webgpu().await;
    let config = Config { hidden_dim: 24, ..config() };
    let trainer = Trainer::new(&set(56), &config, &Device::flex()).expect("a configuration that works");
    let untrained = trainer.finish().await.expect("it encodes simulations");
    let bytes = storage::save(&untrained).await.expect("saves");
    let loaded = storage::load("model.safetensors", &bytes, &device).expect("loads");
    let cold = pipelines();
    loaded.warm_up().await.expect("it computes");
    let warm = pipelines();
    assert!(warm > cold, "{cold} {warm}");
    let drawn = draws(&loaded, 700).await;
    let embedding = loaded.encode_observation(&set(3).observation(1)).expect("it fits");
    loaded.log_prob(embedding, &drawn, SpaceKind::Physical).await.expect("densities");
    assert_eq!(pipelines(), warm);
}
