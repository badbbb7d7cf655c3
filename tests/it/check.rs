//! `flowglass check` and the diagnostics behind it pass a model that is right, and fail a model that is wrong.

use crate::linear_gaussian::{PROBLEM, trained};
use crate::models::{POINTS, model, small};
use crate::problems::LinearGaussian;
use crate::program::Folder;
use burn::tensor::Device;
use flowglass::data::{BlockSet, Observations, SimulationSet};
use flowglass::diagnostics::{Check, CheckOptions, Report, VerdictKind};
use flowglass::numbers::Matrix;
use flowglass::posterior::Posterior;
use flowglass::prior::Prior;
use flowglass::reading::write_npz;
use flowglass::space::SpaceKind;
use flowglass::storage;
use pollster::block_on;
use serde_json::Value;
use std::fs;

const OPTIONS: CheckOptions = CheckOptions { n_simulations: 400, n_draws: 300, seed: 1 };

fn report(posterior: &Posterior, set: &SimulationSet, options: CheckOptions) -> Report {
    let mut check = Check::new(posterior, set, options, None).unwrap();
    while !check.is_done() {
        block_on(check.run(usize::MAX)).unwrap();
    }
    check.finish().unwrap()
}

/// Simulations with twice the noise that they claim to have.
fn noisier() -> SimulationSet {
    let set = LinearGaussian { sigma: 2.0 * PROBLEM.sigma, ..PROBLEM }.simulate(400, 21);
    set.with_spectra(|spectra| spectra.sigma = PROBLEM.simulate(1, 0).spectra().sigma.clone())
}

/// A folder with a trained model and two fresh sets: one like the training set, and one with twice the noise.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("model.safetensors", block_on(storage::save(&trained(SpaceKind::Unconstrained))).unwrap());
    folder.write("fresh.npz", write_npz(&PROBLEM.simulate(400, 21)));
    folder.write("noisier.npz", write_npz(&noisier()));
    folder
}

#[test]
fn check_passes_a_trained_model() {
    // With so few draws, the shells closest to the edges of the prior are not judged. With 300 draws they are, and the
    // draws there are not as dense as the prior: that would need a longer training.
    let ran = folder().run("check model.safetensors fresh.npz -n 50 --strict").succeeds();
    for words in ["parameter", "correlation", "68 %", "95 %", "  right\n", "\na ", "\nb ", "\nnext: "] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn only_strict_fails_a_model_on_noise_that_it_does_not_expect() {
    let folder = folder();
    folder.run("check model.safetensors noisier.npz -n 300").succeeds();
    let ran = folder.run("check model.safetensors noisier.npz -n 300 --strict");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("error[calibration]") && ran.err.contains("a: too narrow by "), "{}", ran.err);
}

/// The report of a check of 30 simulations, with these further arguments.
fn written(folder: &Folder, more: &str) -> Value {
    folder.run(&format!("check model.safetensors fresh.npz -n 50 -o r.json --max-rows 30 {more}")).succeeds();
    serde_json::from_slice(&fs::read(folder.path("r.json")).unwrap()).unwrap()
}

#[test]
fn the_report_has_the_results_of_every_simulation() {
    let report = written(&folder(), "");
    assert_eq!(report["options"]["n_simulations"], 30);
    for parameter in report["parameters"].as_array().unwrap() {
        for list in ["truths", "ranks"] {
            assert_eq!(parameter[list].as_array().unwrap().len(), 30);
        }
        assert_eq!(parameter["estimates"]["std"].as_array().unwrap().len(), 30);
        let levels: Vec<f64> =
            parameter["intervals"].as_array().unwrap().iter().map(|c| c["level"].as_f64().unwrap()).collect();
        assert_eq!(levels, [0.68, 0.95]);
    }
}

#[test]
fn the_report_has_a_verdict_on_each_parameter_on_regions_and_on_the_whole() {
    let report = written(&folder(), "");
    for of in
        report["parameters"].as_array().unwrap().iter().chain([&report["highest_density"], &report["tarp_uniform"]])
    {
        assert!(of["verdict"]["kind"].is_string() && of["verdict"]["words"].is_string(), "{}", of["verdict"]);
    }
    // Two parameters with four tests of ranks each. 1,500 draws are expected to have 135 in the widest shells, and
    // fewer than 20 in others.
    assert_eq!(report["verdict"]["tests"], 2 * (4 + 2) + 3);
    assert_eq!(report["verdict"]["is_right"], report["verdict"]["wrong"].as_array().unwrap().is_empty());
    assert_eq!(report["parameters"][0]["edges"].as_array().unwrap().len(), 8);
    assert!(report["verdict"]["next"].is_string());
}

#[test]
fn noise_that_a_model_does_not_expect_makes_its_intervals_too_narrow() {
    let found = report(&trained(SpaceKind::Unconstrained), &noisier(), OPTIONS);
    for parameter in &found.parameters {
        let verdict = &parameter.verdict;
        // With twice the noise, intervals have half of their right width. The standard error of the ratio is about
        // 0.03.
        assert_eq!(verdict.kind, VerdictKind::TooNarrow, "{verdict:?}");
        assert!((verdict.size.unwrap() - 0.5).abs() < 0.1, "{verdict:?}");
    }
    assert!(!found.verdict.is_right && found.verdict.sentence.contains("too narrow by "), "{}", found.verdict.sentence);
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let folder = folder();
    let report = written(&folder, "");
    assert_eq!(report, written(&folder, "--seed 0"));
    assert_ne!(report["parameters"], written(&folder, "--seed 1")["parameters"]);
}

#[test]
fn parts_of_a_set_give_what_the_whole_gives() {
    let (posterior, set) = (trained(SpaceKind::Unconstrained), PROBLEM.simulate(400, 21));
    // A part has at most 256 simulations, so there is a second part.
    let found = report(&posterior, &set, OPTIONS);
    let observations: Vec<_> = (0..400).map(|i| set.observation(i)).collect();
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    let draws = block_on(posterior.batch_sample_posterior(embeddings, 300, 1, SpaceKind::Physical)).unwrap().values;
    let ranks = flowglass::diagnostics::sbc_ranks(&draws, &set.theta);
    for (j, parameter) in found.parameters.iter().enumerate() {
        let whole: Vec<u32> = (0..400).map(|i| ranks.row(i)[j]).collect();
        let differ = whole.iter().zip(&parameter.ranks).filter(|(a, b)| a.abs_diff(**b) > 1).count();
        assert_eq!(differ, 0, "{}", parameter.name);
    }
}

#[test]
fn a_set_that_does_not_fit_the_model_is_refused_with_what_does_not_fit() {
    let folder = folder();
    let good = PROBLEM.simulate(4, 1);
    let mut theta = good.theta.values().to_vec();
    theta[5] = 4.5;
    let cases = [
        (
            "simulation 2: b = 4.5 is outside of the model's prior (uniform from -4 to 4)",
            SimulationSet { theta: Matrix::new(4, 2, theta), priors: vec![Prior::None; 2], ..good.clone() },
        ),
        (
            "parameter_names': b, a: this model has a, b",
            SimulationSet { parameter_names: vec!["b".into(), "a".into()], ..good.clone() },
        ),
        (
            "theta': 1 parameter: this model has 2",
            SimulationSet {
                theta: Matrix::new(4, 1, vec![0.0; 4]),
                parameter_names: vec!["a".into()],
                priors: vec![Prior::None],
                ..good.clone()
            },
        ),
        (
            "simulation 0: 3 points: this model expects 5",
            good.clone().with_spectra(|spectra| spectra.values = Matrix::new(4, 3, vec![0.0; 12])),
        ),
        ("sigma': simulation 0: missing", good.clone().with_spectra(|spectra| spectra.sigma = None)),
    ];
    for (words, set) in cases {
        folder.write("wrong.npz", write_npz(&set));
        folder.run("check model.safetensors wrong.npz --quiet").refuses(3, &["wrong.npz", words]);
    }
    folder.run("check model.safetensors fresh.npz -o fresh.npz").refuses(2, &["output"]);
    folder.run("check model.safetensors fresh.npz -n 1").refuses(2, &["-n"]);
}

#[test]
fn a_check_says_when_the_set_is_the_training_set_or_of_another_prior() {
    let posterior = trained(SpaceKind::Unconstrained);
    let options = CheckOptions { n_simulations: 2, n_draws: 2, seed: 0 };
    let notes = |set: &SimulationSet| report(&posterior, set, options).notes;
    assert!(notes(&PROBLEM.simulate(8000, 1))[0].contains("trained on"));
    let narrower = LinearGaussian { half_width: 2.0, ..PROBLEM }.simulate(10, 3);
    let found = notes(&narrower);
    assert!(
        found.len() == 2
            && found[0].contains("prior of a (uniform from -2 to 2) is not the model's (uniform from -4 to 4)"),
        "{found:?}"
    );
    assert!(notes(&PROBLEM.simulate(10, 3)).is_empty());
}

const UNBOUNDED: CheckOptions = CheckOptions { n_simulations: 2, n_draws: 20, seed: 0 };
const LOG_NORMAL: Prior = Prior::LogNormal { mean: 0.5, std: 0.5 };

/// A model whose parameters have log-normal priors.
fn log_normal_model() -> Posterior {
    model(small(), vec![LOG_NORMAL; 2], &[1.0; 2], &Device::flex())
}

/// Two simulations; `theta` is the first parameter of the second one.
fn two_simulations(theta: f64) -> SimulationSet {
    SimulationSet {
        theta: Matrix::new(2, 2, vec![1.0, 2.0, theta, 3.0]),
        observations: Observations::spectra(BlockSet {
            values: Matrix::new(2, POINTS, vec![0.0; 2 * POINTS]),
            ..BlockSet::default()
        }),
        parameter_names: vec!["theta_1".into(), "theta_2".into()],
        priors: vec![Prior::Normal { mean: 0.0, std: 1.0 }, LOG_NORMAL],
        ..PROBLEM.simulate(2, 1)
    }
}

#[test]
fn a_theta_that_a_prior_without_bounds_cannot_give_is_refused() {
    let posterior = log_normal_model();
    for theta in [-1.0, 0.0] {
        let set = two_simulations(theta);
        let refused = Check::new(&posterior, &set, UNBOUNDED, None).err().expect("it was taken").to_string();
        let expected = format!("theta_1 = {theta} is outside of the model's prior (log-normal, ln mean 0.5, std 0.5)");
        assert!(refused.contains(&expected), "{refused}");
    }
}

#[test]
fn the_report_on_a_prior_without_bounds_has_finite_numbers() {
    let found = report(&log_normal_model(), &two_simulations(50.0), UNBOUNDED);
    assert!(found.notes.iter().any(|n| n.contains("theta_1 (normal, mean 0, std 1) is not")), "{:?}", found.notes);
    assert!(found.parameters.iter().all(|p| p.contraction.is_finite()));
}

#[test]
fn a_prior_of_the_logarithm_has_a_logarithmic_axis_in_the_report() {
    let mut set = two_simulations(50.0);
    set.theta = Matrix::new(2, 2, vec![1e-3, 2.0, 50.0, 3.0]);
    let mut found = report(&log_normal_model(), &set, UNBOUNDED);
    assert!(found.parameters.iter().all(|p| p.logarithmic));
    let page = |found: &Report| flowglass::plots::report::page(found, &Default::default(), "t");
    // On a linear axis up to 50, no tick is so close to zero. Both axes of the first parameter's plot have it.
    let ticks = |page: String| page.matches(">0.01</text>").count();
    let logarithmic = ticks(page(&found));
    found.parameters.iter_mut().for_each(|p| p.logarithmic = false);
    assert_eq!(logarithmic - ticks(page(&found)), 2);
}

/// The p-values of all diagnostics of the trained model on `set`, and the root mean square of each parameter's
/// z-scores.
fn judged(set: &SimulationSet) -> (Vec<f64>, Vec<f64>) {
    let found = report(&trained(SpaceKind::Unconstrained), set, OPTIONS);
    let regions = [&found.highest_density, &found.tarp_uniform, &found.tarp_neighbor];
    let mut p: Vec<f64> = regions.iter().flat_map(|r| [r.ecdf.p_value, r.uniformity.p_value]).collect();
    p.extend(found.parameters.iter().flat_map(|p| [p.ecdf.p_value, p.sbc.p_value]));
    println!("{p:?}");
    (p, found.parameters.iter().map(|p| p.z_rms).collect())
}

#[test]
fn every_diagnostic_passes_a_trained_model() {
    let (p, z) = judged(&PROBLEM.simulate(400, 21));
    // There are ten tests of a model that is nearly right, each at the level of 1 in 1000. Seeds are fixed.
    assert!(p.iter().all(|&p| p > 1e-3), "{p:?}");
    // The standard error of the root mean square of 400 normal numbers is 0.035. The bound is four standard errors, and
    // what a short training leaves.
    assert!(z.iter().all(|z| (z - 1.0).abs() < 0.2), "{z:?}");
}

#[test]
fn every_diagnostic_fails_a_model_on_twice_the_noise_that_it_was_trained_on() {
    let (p, z) = judged(&noisier());
    assert!(p.iter().all(|&p| p < 1e-3), "{p:?}");
    assert!(z.iter().all(|&z| z > 1.5), "{z:?}");
}

#[test]
fn densities_of_many_observations_at_once_are_those_one_by_one() {
    let posterior = trained(SpaceKind::Cube);
    let set = PROBLEM.simulate(5, 3);
    let observations: Vec<_> = (0..5).map(|i| set.observation(i)).collect();
    let embeddings = posterior.batch_encode_observation(&observations).unwrap();
    // Several observations in a pass of 1024 rows, and several passes for one of them.
    for n in [1, 300, 1500] {
        let draws =
            block_on(posterior.batch_sample_posterior(embeddings.clone(), n, 2, SpaceKind::Physical)).unwrap().values;
        let all = block_on(posterior.batch_log_prob(embeddings.clone(), &draws, SpaceKind::Physical)).unwrap();
        for (i, own) in draws.chunks_exact(2 * n).enumerate() {
            let embedding = embeddings.clone().narrow(0, i, 1);
            let one = block_on(posterior.log_prob(embedding, own, SpaceKind::Physical)).unwrap();
            let apart = one.iter().zip(&all[i * n..]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(apart < 1e-4, "{n} rows, observation {i}: {apart}");
        }
    }
    let error = block_on(posterior.batch_log_prob(embeddings, &[0.0; 12], SpaceKind::Physical)).unwrap_err();
    assert!(error.to_string().contains("as many for each of 5"), "{error}");
}

/// The page of a check whose first parameter has the name `<b>&"`.
fn page() -> String {
    let folder = folder();
    let mut metadata = trained(SpaceKind::Unconstrained).metadata().clone();
    metadata.space.names[0] = "<b>&\"".into();
    let named = trained(SpaceKind::Unconstrained).with_metadata(metadata);
    folder.write("named.safetensors", block_on(storage::save(&named)).unwrap());
    let mut set = PROBLEM.simulate(60, 21);
    set.parameter_names = named.metadata().space.names.clone();
    folder.write("named.npz", write_npz(&set));
    folder.run("check named.safetensors named.npz -n 50 --html r.html").succeeds();
    fs::read_to_string(folder.path("r.html")).unwrap()
}

#[test]
fn the_page_has_every_plot() {
    let page = page();
    // Ranks, recovery and z-scores of each of two parameters; two plots of coverage; losses.
    assert_eq!(page.matches("<figure>").count(), 9, "{page}");
    assert_eq!(page.matches("aria-label=\"losses").count(), 1);
}

#[test]
fn a_name_cannot_break_the_page() {
    let page = page();
    assert!(page.contains("&lt;b&gt;&amp;&quot;") && !page.contains("<b>"), "{page}");
}

#[test]
fn a_report_has_words_for_numbers_that_are_not_finite() {
    let folder = folder();
    let set = PROBLEM.simulate(60, 21);
    let theta = (0..60).flat_map(|i| [0.5, set.theta.row(i)[1]]).collect();
    folder.write("constant.npz", write_npz(&SimulationSet { theta: Matrix::new(60, 2, theta), ..set }));
    let ran = folder.run("check model.safetensors constant.npz -n 50 --html r.html").succeeds();
    let page = fs::read_to_string(folder.path("r.html")).unwrap();
    for text in [&ran.out, &page] {
        assert!(text.contains("not finite"), "the correlation with a truth that never changes: {text}");
        let bare = text.split(|c: char| !c.is_alphanumeric()).find(|word| ["NaN", "inf"].contains(word));
        assert_eq!(bare, None, "{text}");
    }
}

#[test]
fn the_page_fetches_nothing() {
    let page = page();
    for fetched in ["http", "src=", "href=", "url(", "<script", "@import"] {
        assert!(!page.contains(fetched), "{fetched}");
    }
}

#[test]
fn a_page_in_the_place_of_another_file_is_refused() {
    let folder = folder();
    folder.run("check model.safetensors fresh.npz -o a --html a").refuses(2, &["html"]);
    folder.run("check model.safetensors fresh.npz --html fresh.npz").refuses(2, &["html"]);
}

#[test]
fn the_command_line_reproduces_the_kept_report_as_the_page_does() {
    let folder = Folder::new();
    let root = env!("CARGO_MANIFEST_DIR");
    folder.write("demo.safetensors", fs::read(format!("{root}/www/models/demo.safetensors")).unwrap());
    folder.run("simulate transit -n 16 --seed 99 -o fresh.npz").succeeds();
    folder.run("check demo.safetensors fresh.npz -n 200 -o report.json").succeeds();
    let [found, kept] = [folder.path("report.json"), format!("{root}/tests/reference/check/report.json").into()]
        .map(|path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap());
    assert_eq!(found["options"], kept["options"]);
    let list = |of: &Value| of.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<_>>();
    for j in 0..7 {
        let [p, q] = [&found, &kept].map(|report| &report["parameters"][j]);
        assert_eq!(p["name"], q["name"]);
        let spread = list(&q["estimates"]["std"]);
        let [p, q] = [p, q].map(|of| (list(&of["ranks"]), list(&of["estimates"]["mean"])));
        for (i, spread) in spread.iter().enumerate() {
            // Machines round sums differently: a draw of 200 may step over the truth, as in tests/e2e/check.test.mjs.
            assert!((p.0[i] - q.0[i]).abs() <= 1.0, "parameter {j}, simulation {i}");
            assert!((p.1[i] - q.1[i]).abs() <= 0.005 * spread, "parameter {j}, simulation {i}");
        }
    }
}
