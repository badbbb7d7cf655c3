//! Whether a model can make an observation, and what data its posterior expects: on trained models.

use flowglass::data::{BlockSet, Observation, Observations, SimulationSet, Uncertainty};
use flowglass::diagnostics::{misfit_reports, posterior_predictive};
use flowglass::misfit::MisfitReport;
use flowglass::numbers::Matrix;
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::simulators::{named, simulate};
use flowglass::storage;
use pollster::block_on;

use crate::problems::train;

fn config() -> Config {
    Config {
        num_epochs: 3,
        hidden_dim: 32,
        embedding_dim: 16,
        num_coupling_layers: 2,
        validation_fraction: 0.2,
        ..Config::default()
    }
}

fn trained(set: &SimulationSet, config: &Config) -> Posterior {
    train(set, config, &burn::tensor::Device::flex()).0
}

fn observations(set: &SimulationSet) -> Vec<Observation> {
    (0..set.len()).map(|i| set.observation(i)).collect()
}

fn reports(posterior: &Posterior, observations: &[Observation]) -> Vec<MisfitReport> {
    block_on(misfit_reports(posterior, observations)).unwrap().expect("the model keeps its simulations")
}

/// A change of the values of a spectrum, given its uncertainties and random numbers.
type Change = fn(&mut [f32], &[f32], &mut Random);

/// Observations whose spectra `change` has changed, given the uncertainties and random numbers.
fn changed(all: &[Observation], change: Change) -> Vec<Observation> {
    let mut random = Random::new(9, Purpose::Simulation(0));
    let mut all = all.to_vec();
    for observation in &mut all {
        let spectrum = observation.spectrum.as_mut().unwrap();
        let sigma = spectrum.sigma.clone().unwrap_or_else(|| vec![0.0; spectrum.values.len()]);
        change(&mut spectrum.values, &sigma, &mut random);
    }
    all
}

fn share_of(reports: &[MisfitReport], found: impl Fn(&MisfitReport) -> bool) -> f64 {
    reports.iter().filter(|report| found(report)).count() as f64 / reports.len() as f64
}

/// The shipped model, whose simulator is built in.
fn demonstration() -> Posterior {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/www/models/demo.safetensors");
    storage::load("demo.safetensors", &std::fs::read(path).unwrap(), &burn::tensor::Device::flex()).unwrap()
}

const POINTS: usize = 60;
const SIGMA: f64 = 0.05;

/// Simulations of three lines on a slope, of four parameters. The uncertainty differs from row to row. `noise` is a
/// multiple of it.
fn lines(n: usize, seed: u64, noise: f64) -> SimulationSet {
    let (mut theta, mut x, mut sigma) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..n {
        let mut random = Random::new(seed, Purpose::Simulation(i as u32));
        let at: Vec<f64> = random.uniform(4, 1.0).into_iter().map(f64::from).collect();
        let error = SIGMA * f64::from(random.uniform(1, 1.0)[0]).exp();
        let e = random.normal(POINTS);
        for (j, e) in e.into_iter().enumerate() {
            let t = j as f64 / POINTS as f64;
            let line = |center: f64, depth: f64| (depth - 2.0) * (-0.5 * ((t - center) / 0.04).powi(2)).exp();
            let clean = at[0] + 0.5 * at[0] * t + line(0.2, at[1]) + line(0.5, at[2]) + line(0.8, at[3]);
            x.push((clean + noise * error * f64::from(e)) as f32);
        }
        sigma.extend([error as f32; POINTS]);
        theta.extend(at);
    }
    SimulationSet {
        file: "lines".into(),
        theta: Matrix::new(n, 4, theta),
        observations: Observations::spectra(BlockSet {
            values: Matrix::new(n, POINTS, x),
            sigma: Some(Uncertainty::PerValue(Matrix::new(n, POINTS, sigma))),
            ..BlockSet::default()
        }),
        parameter_names: ["a", "b", "c", "d"].map(String::from).to_vec(),
        priors: vec![Prior::Uniform { low: -1.0, high: 1.0 }; 4],
        ..SimulationSet::default()
    }
}

#[test]
fn p_values_of_fresh_simulations_are_uniform() {
    let simulated = |name, n| {
        let posterior = trained(&simulate(name, 2500, 1).unwrap(), &config());
        reports(&posterior, &observations(&simulate(name, n, 4242).unwrap()))
    };
    let sets = [
        ("lines", reports(&trained(&lines(2500, 1, 1.0), &config()), &observations(&lines(2000, 4242, 1.0)))),
        ("two_moons", simulated("two_moons", 2000)),
        ("gaussian_linear_uniform", simulated("gaussian_linear_uniform", 2000)),
        ("transit", reports(&demonstration(), &observations(&simulate("transit", 1000, 4242).unwrap()))),
    ];
    for (name, reports) in sets {
        let (m, n) = (reports.len() as f64, reports[0].n_simulations as f64);
        for a in [0.01, 0.05, 0.2, 0.5, 0.9] {
            let share = share_of(&reports, |report| report.p_value <= a);
            // Four standard errors of the share in the held-out simulations and in the fresh ones.
            let most = 4.0 * (a * (1.0 - a) * (1.0 / m + 1.0 / n)).sqrt() + 1.0 / n;
            assert!((share - a).abs() < most, "{name}: {share} below {a}");
        }
    }
}

/// Ways in which data are wrong.
const WRONGS: [(&str, Change); 8] = [
    ("per cent", |x, _, _| x.iter_mut().for_each(|x| *x *= 100.0)),
    ("pixel numbers", |x, _, _| x.iter_mut().enumerate().for_each(|(j, x)| *x = j as f32)),
    ("noise twice what is claimed", |x, sigma, random| {
        let noise = random.normal(x.len());
        x.iter_mut().zip(sigma).zip(noise).for_each(|((x, s), e)| *x += 3_f32.sqrt() * s * e);
    }),
    ("a bite, 4 sigma deep", |x, sigma, _| {
        let (from, to) = (x.len() / 3, x.len() / 3 + 15);
        (from..to).for_each(|j| x[j] -= 4.0 * sigma[j]);
    }),
    ("a band shifted by 3 sigma", |x, sigma, _| {
        let (from, to) = (x.len() * 3 / 5, x.len() * 4 / 5);
        (from..to).for_each(|j| x[j] += 3.0 * sigma[j]);
    }),
    ("an unknown absorber, 4 sigma deep", |x, sigma, _| {
        let center = 0.35 * x.len() as f32;
        (0..x.len()).for_each(|j| x[j] -= 4.0 * sigma[j] * (-0.5 * ((j as f32 - center) / 5.0).powi(2)).exp());
    }),
    ("reversed", |x, _, _| x.reverse()),
    ("unchanged", |_, _, _| ()),
];

#[test]
fn data_that_no_simulation_is_like_are_found() {
    let models = [
        ("lines", trained(&lines(2500, 1, 1.0), &config()), observations(&lines(200, 4242, 1.0))),
        ("transit", demonstration(), observations(&simulate("transit", 200, 4242).unwrap())),
    ];
    assert_eq!(models[1].1.misfit().and_then(|misfit| misfit.simulator()), Some("transit"));
    for (of, posterior, fresh) in &models {
        for (name, change) in WRONGS {
            let found = share_of(&reports(posterior, &changed(fresh, change)), MisfitReport::is_rare);
            // Some of the turned spectra are hardly lopsided. Of the unchanged ones, 4.2 % are four standard errors.
            let fits = match name {
                "unchanged" => found < 0.042,
                "reversed" => found > 0.8,
                _ => found >= 0.95,
            };
            assert!(fits, "{of}, {name}: {found}");
        }
    }
}

#[test]
fn the_place_of_what_is_odd_is_named() {
    let posterior = trained(&lines(2500, 1, 1.0), &config());
    let fresh = observations(&lines(20, 4242, 1.0));
    let odd = reports(&posterior, &changed(&fresh, |x, sigma, _| (36..40).for_each(|j| x[j] += 6.0 * sigma[j])));
    for report in &odd {
        assert!(report.is_rare());
        let worst = report.odd[0];
        assert!(worst.first >= 34 && worst.last <= 41 && worst.off > 6.0, "{worst:?}");
        let words = report.words(&posterior.metadata().schema);
        assert!(words.contains("standard deviations too high"), "{words}");
    }
}

#[test]
fn a_saved_model_compares_as_it_did() {
    let moons = || simulate("two_moons", 500, 1).unwrap();
    for (set, fresh) in [(lines(500, 1, 1.0), lines(20, 2, 1.0)), (moons(), moons())] {
        let posterior = trained(&set, &config());
        let bytes = block_on(storage::save(&posterior)).unwrap();
        let loaded = storage::load("model.safetensors", &bytes, posterior.device()).unwrap();
        assert!(posterior.misfit().is_some() && loaded.misfit() == posterior.misfit());
        let fresh = &observations(&fresh)[..20];
        assert_eq!(reports(&loaded, fresh), reports(&posterior, fresh));
    }
}

#[test]
fn a_model_that_held_nothing_out_compares_nothing() {
    let set = simulate("two_moons", 300, 1).unwrap();
    let posterior = trained(&set, &Config { validation_fraction: 0.0, num_epochs: 1, ..config() });
    assert!(posterior.misfit().is_none());
    assert_eq!(block_on(misfit_reports(&posterior, &observations(&set)[..1])).unwrap(), None);
    assert_eq!(block_on(posterior_predictive(&posterior, &set.observation(0), (10, 0), None)).unwrap(), None);
}

#[test]
fn noise_that_training_adds_is_there_when_observations_are_compared() {
    let fresh = observations(&lines(300, 4242, 1.0));
    let rare = |embedding_noise_std: f64| {
        let posterior = trained(&lines(2500, 1, 0.0), &Config { embedding_noise_std, ..config() });
        share_of(&reports(&posterior, &fresh), MisfitReport::is_rare)
    };
    assert!(rare(1.0) < 0.05, "{}", rare(1.0));
    assert!(rare(0.0) > 0.95, "trained without noise, the model makes no noisy data: {}", rare(0.0));
}

#[test]
fn the_band_of_the_posterior_predictive_holds_what_it_claims() {
    let transit = named("simulator", "transit").unwrap();
    let fresh = || observations(&simulate("transit", 100, 4242).unwrap());
    let long = Config { num_epochs: 12, use_cosine_schedule: true, ..config() };
    for (name, posterior, fresh, simulator) in [
        ("emulator", trained(&lines(4000, 1, 1.0), &long), observations(&lines(200, 4242, 1.0)), None),
        ("emulator", demonstration(), fresh(), None),
        ("transit", demonstration(), fresh(), Some(transit)),
    ] {
        let (mut inside, mut all) = ([0.0; 2], 0.0);
        for observation in &fresh {
            let found = block_on(posterior_predictive(&posterior, observation, (200, 1), simulator)).unwrap().unwrap();
            assert_eq!(found.source, name);
            for (value, summary) in observation.spectrum.as_ref().unwrap().values.iter().zip(&found.with_noise) {
                for (inside, interval) in inside.iter_mut().zip(summary.intervals) {
                    *inside += f64::from(u8::from((interval.low..=interval.high).contains(&f64::from(*value))));
                }
                all += 1.0;
            }
        }
        let [narrow, wide] = inside.map(|count| count / all);
        println!("{name} {narrow} {wide}");
        // The errors of an emulator differ between simulations, so that its intervals hold more than they claim in most.
        assert!((0.66..0.85).contains(&narrow) && (0.94..1.0).contains(&wide), "{name} {narrow} {wide}");
    }
}

#[test]
fn the_posterior_predictive_finds_data_that_the_posterior_does_not_explain() {
    let posterior = trained(&lines(2500, 1, 1.0), &config());
    let fresh = observations(&lines(20, 4242, 1.0));
    let of = |o: &Observation| block_on(posterior_predictive(&posterior, o, (100, 1), None)).unwrap().unwrap();
    let wrong = changed(&fresh, |x, sigma, _| {
        (20..40).for_each(|j| x[j] += 8.0 * sigma[j] * if j % 2 == 0 { 1.0 } else { -1.0 });
    });
    let mean = |all: &[Observation]| all.iter().map(|o| of(o).chi_squared).sum::<f64>() / all.len() as f64;
    assert!(mean(&wrong) > 3.0 * mean(&fresh), "{} {}", mean(&wrong), mean(&fresh));
    let mean_p = |all: &[Observation]| all.iter().map(|o| of(o).p_value).sum::<f64>() / all.len() as f64;
    assert!(mean_p(&wrong) < 0.5 * mean_p(&fresh), "{} {}", mean_p(&wrong), mean_p(&fresh));
}
