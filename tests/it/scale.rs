//! Scaling by which no point and no parameter is lost: spectra over decades, with and without their wavelengths, and
//! sets with a single wild number.

use crate::problems::train;
use burn::tensor::Device;
use flowglass::data::preprocessing::PreprocessingKind;
use flowglass::data::{Axis, BlockSet, Observations, SimulationSet, set_notes};
use flowglass::diagnostics::{Check, CheckOptions, Report, summarize};
use flowglass::encoder::SpectrumEncoderType;
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::simulators::{SHIPPED, Simulator};
use flowglass::space::SpaceKind;
use flowglass::trainer::Trainer;
use pollster::block_on;

/// Points of a spectrum.
const W: usize = 64;

/// Emission spectra of an invented planet, (n, 64), whose flux grows by four decades from 0.5 to 5 um. `theta_1` is in
/// seven faint points below 1 um, `theta_2` in the bright points above 4 um. The noise is 2 % of the flux.
fn emission(n: usize, seed: u64) -> SimulationSet {
    let mut random = Random::new(seed, Purpose::Sampling(31));
    let grid: Vec<f64> = (0..W).map(|i| 0.5 + 4.5 * i as f64 / (W - 1) as f64).collect();
    let theta: Vec<f64> = random.uniform(2 * n, 1.0).into_iter().map(f64::from).collect();
    let noise = random.normal(n * W);
    let value = |k: usize| {
        let (own, at) = (&theta[k / W * 2..][..2], grid[k % W]);
        let signal = own[0] * f64::from(u8::from(at < 1.0)) + own[1] * f64::from(u8::from(at > 4.0));
        (1e-17 * (at / 0.5).powi(4) * (1.0 + 0.3 * signal + 0.02 * f64::from(noise[k]))) as f32
    };
    let x = (0..n * W).map(value).collect();
    let axis = Some(Axis::Wavelengths(grid));
    set(Matrix::new(n, 2, theta), BlockSet { values: Matrix::new(n, W, x), axis, ..BlockSet::default() })
}

/// A set of two parameters with uniform priors in ±1.
fn set(theta: Matrix<f64>, spectra: BlockSet) -> SimulationSet {
    let set = SimulationSet {
        file: "made here".into(),
        theta,
        observations: Observations::spectra(spectra),
        parameter_names: vec!["theta_1".into(), "theta_2".into()],
        priors: vec![Prior::Uniform { low: -1.0, high: 1.0 }; 2],
        ..SimulationSet::default()
    };
    set.validate().unwrap()
}

fn without_wavelengths(set: &SimulationSet) -> SimulationSet {
    set.clone().with_spectra(|spectra| spectra.axis = None)
}

fn quick(seed: u64) -> Config {
    Config { num_epochs: 6, hidden_dim: 32, seed, ..Config::default() }
}

fn trained(set: &SimulationSet, config: &Config) -> Posterior {
    train(set, config, &Device::flex()).0
}

fn loss(posterior: &Posterior) -> f64 {
    posterior.metadata().training.best_validation_loss.unwrap()
}

fn report(posterior: &Posterior, set: &SimulationSet) -> Report {
    let options = CheckOptions { n_simulations: set.len(), n_draws: 200, seed: 1 };
    let mut check = Check::new(posterior, set, options, None).unwrap();
    while !check.is_done() {
        block_on(check.run(usize::MAX)).unwrap();
    }
    check.finish().unwrap()
}

/// Trains for 0.5 s. Measured: contractions of theta_1 of 0.97 to 0.99 with three encoders and two kinds of scaling.
#[test]
fn a_parameter_in_faint_points_is_learned_with_the_wavelengths_as_without_them() {
    let (set, fresh) = (emission(2000, 1), emission(100, 2));
    let scaled = [PreprocessingKind::Standardize, PreprocessingKind::PerSample];
    for encoder in [SpectrumEncoderType::Conv1d, SpectrumEncoderType::Mlp, SpectrumEncoderType::Transformer] {
        for preprocessing in scaled {
            let config = Config { spectrum_encoder_type: encoder, preprocessing, ..quick(0) };
            let posterior = trained(&set, &config);
            let found = report(&posterior, &fresh);
            assert!(found.parameters[0].contraction > 0.9, "{encoder:?} {preprocessing:?}: {:?}", found.parameters[0]);
            assert_eq!(found.notes, [] as [String; 0], "{encoder:?} {preprocessing:?}");
            let plain = Trainer::new(&without_wavelengths(&set), &config, &Device::flex()).unwrap();
            let plain = block_on(plain.finish()).unwrap();
            assert_eq!(posterior.metadata().preprocessing, plain.metadata().preprocessing);
        }
    }
}

/// The same spectra with one scale for all points, as they had it once: their root mean square is about 3e-14.
#[test]
fn one_scale_for_all_points_hides_the_faint_ones() {
    let one_scale = |set: SimulationSet| {
        set.with_spectra(|spectra| {
            let x = spectra.values.values().iter().map(|v| (v - 2e-14) / 3e-14).collect();
            spectra.values = Matrix::new(spectra.values.rows(), W, x);
        })
    };
    let config = Config { preprocessing: PreprocessingKind::None, ..quick(0) };
    let found = report(&trained(&one_scale(emission(2000, 1)), &config), &one_scale(emission(100, 2)));
    assert!(found.parameters[0].contraction < 0.3, "{:?}", found.parameters[0].contraction);
}

/// Validation losses with the wavelengths less those without them.
fn differences(simulator: &dyn Simulator, n: usize, config: &Config, seeds: u64) -> Vec<f64> {
    let set = simulator.simulations(n, 1).unwrap();
    let of_seed = |seed: u64| {
        let config = Config { seed, ..config.clone() };
        loss(&trained(&set, &config)) - loss(&trained(&without_wavelengths(&set), &config))
    };
    (0..seeds).map(of_seed).collect()
}

/// Mean of numbers, and its standard error.
fn mean(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    (mean, (numbers.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt())
}

fn with_a_grid() -> impl Iterator<Item = &'static &'static dyn Simulator> {
    SHIPPED.iter().filter(|simulator| simulator.wavelengths().is_some())
}

/// Measured on transit: 0.31, -0.20 and -0.02. Differences of single seeds have a standard deviation of 0.26; the bound is
/// four standard errors of the mean of three. An encoder that sees nothing loses much more.
#[test]
fn no_shipped_simulator_is_learned_worse_with_its_wavelengths() {
    for simulator in with_a_grid() {
        let found = differences(*simulator, 2000, &quick(0), 3);
        let (mean, error) = mean(&found);
        println!("{}: {found:?}, {mean} ± {error}", simulator.name());
        assert!(mean < 4.0 * 0.26 / 3_f64.sqrt(), "{}: {found:?}, {mean} ± {error}", simulator.name());
    }
}

/// `cargo test --release --test it -- --ignored --nocapture no_shipped_simulator_is_learned_worse`. Measured on transit,
/// where all points share a scale: 0.12 ± 0.08.
#[test]
#[ignore = "100 s"]
fn no_shipped_simulator_is_learned_worse_with_its_wavelengths_in_longer_training() {
    for simulator in with_a_grid() {
        let config = Config { num_epochs: 8, use_cosine_schedule: true, ..Config::default() };
        let found = differences(*simulator, 4000, &config, 10);
        let (mean, error) = mean(&found);
        println!("{}: {found:.2?}, {mean:.2} ± {error:.2}", simulator.name());
        assert!(mean < 3.0 * error, "{}: {found:?}, {mean} ± {error}", simulator.name());
    }
}

/// The set with value `point` of row `row` replaced.
fn with_value(set: &SimulationSet, [row, point]: [usize; 2], value: f32) -> SimulationSet {
    set.clone().with_spectra(|spectra| {
        let (n, w) = (spectra.values.rows(), spectra.points());
        let mut x = spectra.values.values().to_vec();
        x[row * w + point] = value;
        spectra.values = Matrix::new(n, w, x);
    })
}

/// Spectra that are alike at all points, (2000, 64), so that one scale serves: theta_1 and theta_2 are the amplitudes of
/// waves, and the noise is 0.1.
fn waves() -> SimulationSet {
    const N: usize = 2000;
    let mut random = Random::new(1, Purpose::Sampling(33));
    let theta: Vec<f64> = random.uniform(2 * N, 1.0).into_iter().map(f64::from).collect();
    let noise = random.normal(N * W);
    let value = |k: usize| {
        let (own, (sin, cos)) = (&theta[k / W * 2..][..2], (0.2 * (k % W) as f64).sin_cos());
        (own[0] * sin + own[1] * cos) as f32 + 0.1 * noise[k]
    };
    let x = (0..N * W).map(value).collect();
    let axis = Some(Axis::Wavelengths((0..W).map(|i| i as f64).collect()));
    set(Matrix::new(N, 2, theta), BlockSet { values: Matrix::new(N, W, x), axis, ..BlockSet::default() })
}

#[test]
fn a_wild_value_is_named_and_does_no_harm() {
    for set in [waves(), emission(2000, 1)] {
        assert_eq!(set_notes(&set), [] as [String; 0]);
        let plan = Trainer::new(&set, &quick(0), &Device::flex()).unwrap().plan().clone();
        let trains = (0..set.len()).find(|row| !plan.validation_rows.contains(row)).unwrap();
        let plain = loss(&trained(&set, &quick(0)));
        // If the wild row would validate, the weights are the same, and the loss differs by one of 200 rows alone
        // (measured: 0.003). If it trains, the steps differ as with another seed, by up to 0.4.
        for (row, noise) in [(plan.validation_rows[0], 0.1), (trains, 0.8)] {
            let wild = with_value(&set, [row, 17], 1e6);
            let notes = set_notes(&wild);
            let start = format!("x has wild values (counted from 0): row {row}, point 17 is 1000000, ");
            assert!(notes.len() == 1 && notes[0].starts_with(&start), "{notes:?}");
            let own = loss(&trained(&wild, &quick(0)));
            println!("row {row}: {plain} {own}");
            assert!(own < plain + noise, "row {row}: {plain} {own}");
        }
    }
}

#[test]
fn a_wild_value_that_counts_for_the_scale_hides_all_others() {
    let set = with_value(&waves(), [0, 17], 1e6);
    let x = set.spectra().values.values();
    let std = (x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / x.len() as f64).sqrt() as f32;
    let x = x.iter().map(|v| v / std).collect();
    let scaled = set.with_spectra(|spectra| spectra.values = Matrix::new(spectra.values.rows(), W, x));
    let config = Config { preprocessing: PreprocessingKind::None, ..quick(0) };
    let (own, plain) = (loss(&trained(&scaled, &config)), loss(&trained(&waves(), &quick(0))));
    // Measured: 3.97 and -0.88.
    assert!(own > plain + 2.0, "{own} {plain}");
}

/// Theta in ±1 and x = theta a + 0.1 noise, (2000, 8), but the first parameter of row 3 is `wild`. There are no priors.
fn linear(wild: Option<f64>) -> SimulationSet {
    let mut random = Random::new(1, Purpose::Sampling(32));
    let mut theta: Vec<f64> = random.uniform(4000, 1.0).into_iter().map(f64::from).collect();
    let (a, noise) = (random.normal(16), random.normal(16_000));
    let value = |k: usize| {
        let (own, j) = (&theta[k / 8 * 2..][..2], k % 8);
        own[0] as f32 * a[j] + own[1] as f32 * a[8 + j] + 0.1 * noise[k]
    };
    let x = (0..16_000).map(value).collect();
    theta[6] = wild.unwrap_or(theta[6]);
    let spectra = BlockSet { values: Matrix::new(2000, 8, x), ..BlockSet::default() };
    SimulationSet { priors: vec![Prior::None; 2], ..set(Matrix::new(2000, 2, theta), spectra) }
}

#[test]
fn a_wild_parameter_is_named_and_does_no_harm() {
    let config = Config { parameter_space: SpaceKind::Physical, ..quick(0) };
    let medians = |set: &SimulationSet| {
        let posterior = trained(set, &config);
        let embedding = posterior.encode_observation(&set.observation(0)).unwrap();
        let draws = block_on(posterior.sample_posterior(embedding, 1000, 0, SpaceKind::Physical)).unwrap();
        (summarize(&draws.values, 2).unwrap().iter().map(|s| s.median).collect::<Vec<_>>(), loss(&posterior))
    };
    let wild = linear(Some(1e6));
    let note = &set_notes(&wild)[0];
    let start = "theta_1 has outliers: 1 of 2000 rows hold half of its variance (row 3 is 1000000), and training in \
                 the physical space leaves them out";
    assert!(note.starts_with(start), "{note}");
    let rows = |set: &SimulationSet| Trainer::new(set, &config, &Device::flex()).unwrap().plan().clone();
    let [with, without] = [&wild, &linear(None)].map(rows);
    assert_eq!(with.n_train + with.n_validation + 1, without.n_train + without.n_validation);
    let ((median, own), (plain_median, plain)) = (medians(&wild), medians(&linear(None)));
    println!("{median:?} {own}, {plain_median:?} {plain}, truth {:?}", wild.theta.row(0));
    assert!(median.iter().zip(wild.theta.row(0)).all(|(m, truth)| (m - truth).abs() < 0.3), "{median:?}");
    // Measured: -2.21 and -2.07. Other seeds differ by as much.
    assert!(own < plain + 0.8, "{own} {plain}");
}
