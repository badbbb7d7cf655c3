//! Observation blocks: what a masked point holds cannot matter, and an absent block is something the model has learned.

use crate::models::{numbers, randomized, small};
use crate::problems::train;
use crate::training::{trainer, weights};
use burn::tensor::Device;
use flowglass::data::preprocessing::PreprocessingKind;
use flowglass::data::{Axis, Block, BlockSet, Observation, Observations, Photometry, SimulationSet, Uncertainty};
use flowglass::encoder::{Input, SpectrumEncoderType};
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::{Metadata, Posterior, parameters};
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::space::SpaceKind;
use flowglass::storage;
use pollster::block_on;

const POINTS: usize = 12;
const BANDS: usize = 3;
const KINDS: [PreprocessingKind; 3] =
    [PreprocessingKind::Standardize, PreprocessingKind::PerSample, PreprocessingKind::None];
const ENCODERS: [SpectrumEncoderType; 3] =
    [SpectrumEncoderType::Conv1d, SpectrumEncoderType::Mlp, SpectrumEncoderType::Transformer];

/// Which rows have a block.
#[derive(Clone, Copy, PartialEq)]
enum Rows {
    All,
    /// Rows whose number is not a multiple of three.
    TwoThirds,
    None,
}

impl Rows {
    fn has(self, row: usize, rest: usize) -> bool {
        self == Self::All || (self == Self::TwoThirds && row % 3 != rest)
    }
}

/// Simulations in which the parameter `a` is the level of the spectrum and `b` the level of the bands, so that a block
/// tells about one parameter only. A fifth of the points, never the first one, is masked and holds `hidden`; a block
/// that a row lacks holds `hidden` too.
fn set(n: usize, [spectra, photometry]: [Rows; 2], hidden: f32) -> SimulationSet {
    let mut random = Random::new(3, Purpose::Sampling(5));
    let theta: Vec<f64> = random.uniform(2 * n, 1.0).into_iter().map(f64::from).collect();
    let mut block = |points: usize, rows: Rows, rest: usize| {
        let noise = random.normal(n * points);
        let hide = random.uniform(n * points, 1.0);
        let (mut values, mut sigma, mut mask) = (noise, Vec::new(), Vec::new());
        for (i, value) in values.iter_mut().enumerate() {
            let row = i / points;
            let masked = (hide[i] < -0.6 && i % points > 0) || !rows.has(row, rest);
            *value = if masked { hidden } else { theta[2 * row + rest] as f32 + 0.1 * *value };
            sigma.push(if masked { -hidden } else { 0.1 + 0.01 * (i % 7) as f32 });
            mask.push(u8::from(masked));
        }
        let matrix = |values| Matrix::new(n, points, values);
        let sigma = Some(Uncertainty::PerValue(matrix(sigma)));
        BlockSet { values: matrix(values), sigma, mask: Some(Matrix::new(n, points, mask)), axis: None }
    };
    let grid = Axis::Wavelengths((0..POINTS).map(|i| 1.0 + i as f64).collect());
    let names = Axis::Names(["J", "H", "K"].map(String::from).to_vec());
    let spectrum = BlockSet { axis: Some(grid), ..block(POINTS, spectra, 0) };
    let bands = BlockSet { axis: Some(names), ..block(BANDS, photometry, 1) };
    SimulationSet {
        file: "blocks".into(),
        theta: Matrix::new(n, 2, theta),
        observations: Observations {
            spectrum: (spectra != Rows::None).then_some(spectrum),
            photometry: (photometry != Rows::None).then_some(bands),
        },
        parameter_names: vec!["a".into(), "b".into()],
        priors: vec![Prior::Uniform { low: -1.0, high: 1.0 }; 2],
        dropped_rows: 0,
        notes: vec![],
    }
    .validate()
    .unwrap()
}

fn config(encoder: SpectrumEncoderType, preprocessing: PreprocessingKind) -> Config {
    let patch = if encoder == SpectrumEncoderType::Transformer { 5 } else { Config::default().encoder_patch_size };
    Config { spectrum_encoder_type: encoder, preprocessing, encoder_patch_size: patch, num_epochs: 1, ..small() }
}

/// Every encoder with every preprocessing.
fn configs() -> impl Iterator<Item = Config> {
    ENCODERS.into_iter().flat_map(|encoder| KINDS.map(|kind| config(encoder, kind)))
}

/// A model of `set` with random weights, far from its initial weights.
fn model(set: &SimulationSet, config: &Config) -> Posterior {
    randomized(block_on(trainer(set, config).finish()).unwrap(), 0.3, 8)
}

fn bits(posterior: &Posterior, observation: &Observation) -> Vec<u32> {
    numbers(posterior.encode_observation(observation).unwrap()).into_iter().map(f32::to_bits).collect()
}

/// The observation with its masked points overwritten, in every array.
fn overwritten(mut observation: Observation, with: f32, mask: u8) -> Observation {
    let write = |values: &mut [f32], sigma: &mut Option<Vec<f32>>, masks: &mut Option<Vec<u8>>| {
        let (sigma, masks) = (sigma.as_mut().unwrap(), masks.as_mut().unwrap());
        for i in (0..values.len()).filter(|&i| masks[i] != 0).collect::<Vec<_>>() {
            (values[i], sigma[i], masks[i]) = (with, -with, mask);
        }
    };
    if let Some(s) = &mut observation.spectrum {
        write(&mut s.values, &mut s.sigma, &mut s.mask);
        if let (Some(grid), Some(mask)) = (&mut s.wavelengths, &s.mask) {
            grid.iter_mut().zip(mask).filter(|(_, m)| **m != 0).for_each(|(w, _)| *w = f64::from(with));
        }
    }
    if let Some(p) = &mut observation.photometry {
        write(&mut p.values, &mut p.sigma, &mut p.mask);
    }
    observation
}

#[test]
fn gradients_reach_every_weight_of_every_encoder() {
    let set = set(60, [Rows::TwoThirds; 2], f32::NAN);
    for config in configs() {
        let posterior = model(&set, &config);
        let Metadata { schema, preprocessing, .. } = posterior.metadata();
        let flat = parameters::flatten(posterior.network());
        let network = parameters::leaves(posterior.network().clone(), &flat);
        let input = preprocessing.apply(schema, (0..60).map(|i| set.observation(i)));
        let embedding = network.encoder.forward(Input::new(input, schema, &Device::flex()));
        let mut gradients = (embedding.clone() * embedding).sum().backward();
        let gradient = numbers(parameters::gradient(&network, &mut gradients));
        let (mut at, mut absent) = (0, 0);
        for (name, shape) in parameters::layout(&network) {
            let own = &gradient[at..at + shape.iter().product::<usize>()];
            at += own.len();
            if name.starts_with("encoder.") {
                absent += usize::from(name.ends_with("_absent"));
                assert!(own.iter().all(|g| g.is_finite()), "{name}");
                assert!(own.iter().any(|g| *g != 0.0), "no gradient reaches {name}");
            }
        }
        assert_eq!(absent, 2);
    }
}

#[test]
fn what_a_masked_point_holds_never_changes_an_embedding() {
    let set = set(60, [Rows::TwoThirds; 2], 0.0);
    for config in configs() {
        let posterior = model(&set, &config);
        let name = format!("{:?} {:?}", config.spectrum_encoder_type, config.preprocessing);
        for row in 0..6 {
            let observation = set.observation(row);
            let before = bits(&posterior, &observation);
            for with in [f32::NAN, f32::INFINITY, f32::MAX, -1e30, 1e-40] {
                for mask in [1, 255] {
                    let after = bits(&posterior, &overwritten(observation.clone(), with, mask));
                    assert_eq!(before, after, "{name}: {with} in row {row}");
                }
            }
            // The comparison can fail: the value of a visible point matters, and so does masking it.
            let Some(seen) = observation.points(Block::Spectrum).and_then(|points| points.visible().next()) else {
                continue;
            };
            let mut other = observation.clone();
            other.spectrum.as_mut().unwrap().values[seen] += 0.5;
            assert_ne!(before, bits(&posterior, &other), "{name}");
            let mut masked = observation;
            masked.spectrum.as_mut().unwrap().mask.as_mut().unwrap()[seen] = 1;
            assert_ne!(before, bits(&posterior, &masked), "{name}");
        }
    }
}

#[test]
fn a_wholly_masked_block_is_an_absent_one() {
    let set = set(60, [Rows::TwoThirds; 2], 0.0);
    for config in configs() {
        let posterior = model(&set, &config);
        // Row 1 has no photometry, and row 3 has a spectrum that is wholly masked.
        let absent = set.observation(1);
        let photometry = Photometry { mask: Some(vec![1; BANDS]), ..set.observation(2).photometry.unwrap() };
        let masked = Observation { photometry: Some(photometry), ..absent.clone() };
        assert!(absent.photometry.is_none());
        assert_eq!(bits(&posterior, &absent), bits(&posterior, &masked));
        let masked = set.observation(3);
        assert!(masked.spectrum.is_some() && masked.points(Block::Spectrum).is_none());
        assert_eq!(bits(&posterior, &masked), bits(&posterior, &Observation { spectrum: None, ..masked.clone() }));
    }
}

#[test]
fn what_a_masked_point_holds_never_changes_training() {
    for config in configs() {
        let name = format!("{:?} {:?}", config.spectrum_encoder_type, config.preprocessing);
        let trained = |hidden: f32| {
            let (posterior, _) = train(&set(90, [Rows::TwoThirds; 2], hidden), &config, &Device::flex());
            let metadata = posterior.metadata().clone();
            let history = &metadata.training.history;
            assert!(history.iter().all(|e| e.skipped == 0 && e.validation_loss.is_some()), "{name}: {history:?}");
            (weights(&posterior), metadata.preprocessing, metadata.space, metadata.training.history, metadata.example)
        };
        let zeros = trained(0.0);
        for hidden in [f32::NAN, f32::MAX] {
            let (weights, preprocessing, space, history, example) = trained(hidden);
            assert_eq!(weights, zeros.0, "{name} {hidden}");
            assert_eq!(preprocessing, zeros.1, "{name} {hidden}");
            assert_eq!((space, history, example), (zeros.2.clone(), zeros.3.clone(), zeros.4.clone()));
        }
    }
}

#[test]
fn a_model_learns_from_each_block_what_it_tells() {
    let set = set(3000, [Rows::TwoThirds; 2], 0.0);
    let config = Config { num_epochs: 12, learning_rate: 3e-3, ..config(SpectrumEncoderType::Mlp, KINDS[0]) };
    let (posterior, _) = train(&set, &config, &Device::flex());
    let bytes = block_on(storage::save(&posterior)).unwrap();
    let posterior = storage::load("blocks", &bytes, &Device::flex()).unwrap();
    // Row 2 has both blocks.
    let both = set.observation(2);
    let spread = |observation: &Observation| {
        let embedding = posterior.encode_observation(observation).unwrap();
        let draws = block_on(posterior.sample_posterior(embedding, 2000, 1, SpaceKind::Physical)).unwrap().values;
        [0, 1].map(|j| {
            let mean = draws.iter().skip(j).step_by(2).sum::<f64>() / 2000.0;
            (draws.iter().skip(j).step_by(2).map(|v| (v - mean).powi(2)).sum::<f64>() / 2000.0).sqrt()
        })
    };
    // The prior's standard deviation is 0.58. A block determines its parameter to 0.1 / sqrt(points).
    let spectrum = spread(&Observation { photometry: None, ..both.clone() });
    let photometry = spread(&Observation { spectrum: None, ..both.clone() });
    let all = spread(&both);
    println!("spectrum {spectrum:?}, photometry {photometry:?}, both {all:?}");
    assert!(spectrum[0] < 0.2 && spectrum[1] > 0.45, "{spectrum:?}");
    assert!(photometry[0] > 0.45 && photometry[1] < 0.2, "{photometry:?}");
    assert!(all[0] < 0.2 && all[1] < 0.2, "{all:?}");
}

#[test]
fn a_block_that_no_training_row_lacked_cannot_be_left_out() {
    let set = set(60, [Rows::All; 2], 0.0);
    let posterior = model(&set, &config(SpectrumEncoderType::Mlp, KINDS[0]));
    let whole = set.observation(0);
    posterior.encode_observation(&whole).unwrap();
    for (observation, array) in [
        (Observation { photometry: None, ..whole.clone() }, "'photometry': missing"),
        (Observation { spectrum: None, ..whole }, "'values': missing"),
    ] {
        let message = posterior.encode_observation(&observation).unwrap_err().to_string();
        assert!(
            message.contains(array) && message.contains("no simulation that it was trained on lacked"),
            "{message}"
        );
    }
}

#[test]
fn a_validation_row_that_lacks_what_no_training_row_lacks_is_left_out() {
    let whole = set(200, [Rows::All; 2], 0.0);
    let config = config(SpectrumEncoderType::Mlp, KINDS[0]);
    let held_out = trainer(&whole, &config).plan().validation_rows.clone();
    let mut lacking = whole.clone();
    let photometry = lacking.observations.photometry.as_mut().unwrap();
    let mut values = photometry.values.values().to_vec();
    values[held_out[0] * BANDS..(held_out[0] + 1) * BANDS].fill(f32::NAN);
    photometry.values = Matrix::new(200, BANDS, values);
    assert!(lacking.schema().photometry.unwrap().may_be_absent);
    let run = trainer(&lacking, &config);
    assert_eq!(run.plan().validation_rows, held_out[1..]);
    assert!(!block_on(run.finish()).unwrap().metadata().schema.photometry.as_ref().unwrap().may_be_absent);
}

#[test]
fn photometry_alone_trains_and_samples() {
    let set = set(400, [Rows::None, Rows::All], 0.0);
    for preprocessing in KINDS {
        let config = Config { num_epochs: 2, preprocessing, ..small() };
        // Without a spectrum, the options of the spectrum must have their defaults.
        let config = Config { spectrum_embedding_dim: Config::default().spectrum_embedding_dim, ..config };
        let (posterior, _) = train(&set, &config, &Device::flex());
        let history = &posterior.metadata().training.history;
        assert!(history[1].validation_loss.unwrap() < history[0].validation_loss.unwrap(), "{history:?}");
        let bytes = block_on(storage::save(&posterior)).unwrap();
        let loaded = storage::load("alone", &bytes, &Device::flex()).unwrap();
        assert_eq!(bits(&loaded, &set.observation(0)), bits(&posterior, &set.observation(0)));
    }
}

/// Asserts that a trainer refuses an option of `config` for `set`, with an error that holds all of `words`.
fn refuses(set: &SimulationSet, config: &Config, words: [&str; 2]) {
    let error = flowglass::trainer::Trainer::new(set, config, &Device::flex()).err().expect("it was accepted");
    assert!(error.code() == "option" && words.iter().all(|w| error.to_string().contains(w)), "{error}");
}

#[test]
fn options_of_a_block_that_the_data_lack_are_refused() {
    let (alone, without) = (set(20, [Rows::None, Rows::All], 0.0), set(20, [Rows::All, Rows::None], 0.0));
    let of_photometry = Config { photometry_embedding_dim: 8, ..small() };
    refuses(&without, &of_photometry, ["photometry_embedding_dim = 8", "unless the data have photometry"]);
    refuses(&alone, &small(), ["spectrum_embedding_dim = 8", "unless the data have a spectrum"]);
    let mlp = Config { spectrum_encoder_type: SpectrumEncoderType::Mlp, ..Config::default() };
    refuses(&alone, &mlp, ["spectrum_encoder_type = \"mlp\"", "unless the data have a spectrum"]);
}

#[test]
fn sizes_that_the_data_do_not_have_are_refused() {
    let without = set(20, [Rows::All, Rows::None], 0.0);
    let wavelengths = Config { n_wavelengths: Some(233), ..small() };
    refuses(&without, &wavelengths, ["n_wavelengths = 233", "12, as the data have"]);
    let parameters = Config { parameter_dim: Some(3), ..small() };
    refuses(&without, &parameters, ["parameter_dim = 3", "2, as the data have"]);
    trainer(&without, &Config { n_wavelengths: Some(POINTS), parameter_dim: Some(2), ..small() });
}

#[test]
fn the_size_of_the_photometry_embedding_changes_the_number_of_weights() {
    let both = set(20, [Rows::All; 2], 0.0);
    let wider = Config { photometry_embedding_dim: 8, ..small() };
    assert_ne!(
        weights(&block_on(trainer(&both, &wider).finish()).unwrap()).len(),
        weights(&block_on(trainer(&both, &small()).finish()).unwrap()).len()
    );
}

#[test]
#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "the device of browsers without SIMD, until burn 0.23 drops it")]
fn every_encoder_agrees_on_flex_and_ndarray() {
    let set = set(60, [Rows::TwoThirds; 2], 0.0);
    for config in configs() {
        let bytes = block_on(storage::save(&model(&set, &config))).unwrap();
        let embeddings = [Device::flex(), Device::ndarray()].map(|device| {
            let posterior = storage::load("model", &bytes, &device).unwrap();
            let observations: Vec<_> = (0..12).map(|i| set.observation(i)).collect();
            numbers(posterior.batch_encode_observation(&observations).unwrap())
        });
        // Measured: 1.4e-7 of the largest number; sums in matrix products are taken in another order.
        let scale = embeddings[0].iter().fold(1.0_f32, |most, v| most.max(v.abs()));
        let worst = crate::models::apart(&embeddings[0], &embeddings[1]) / f64::from(scale);
        println!("{:?} {:?}: {worst:e} of {scale}", config.spectrum_encoder_type, config.preprocessing);
        assert!(worst < 1e-5, "{worst}");
    }
}
