//! A likelihood that is a function of the caller's, with its gradient, for the evidence lower bound.

use crate::elbo::{Gaussian, compared, config, to_the_end, unpaired};
use crate::linear_gaussian::{PROBLEM, sized};
use crate::models::numbers;
use crate::problems::LinearGaussian;
use burn::tensor::Device;
use flowglass::data::{Axis, SimulationSet, Spectrum};
use flowglass::error::{Error, Result};
use flowglass::options::{Config, TrainingObjective};
use flowglass::posterior::{Posterior, parameters};
use flowglass::trainer::{ElboLikelihood, Event, LikelihoodFunction, Scored, Trainer};
use pollster::block_on;
use std::cell::Cell;

/// ln N(x; A theta, sigma^2 I) and its gradient. `Gaussian` is the same likelihood over tensors.
fn gaussian(theta: &[f64], x: &Spectrum) -> (f64, Vec<f64>) {
    let design = LinearGaussian::design_transposed().map(|column| column.map(f64::from));
    let variance = PROBLEM.sigma * PROBLEM.sigma;
    let (mut value, mut gradient) = (0.0, vec![0.0; 2]);
    for (i, &x) in x.values.iter().enumerate() {
        let off = f64::from(x) - design[0][i] * theta[0] - design[1][i] * theta[1];
        value -= 0.5 * off * off / variance;
        (0..2).for_each(|j| gradient[j] += design[j][i] * off / variance);
    }
    (value, gradient)
}

/// A trainer with this function.
fn trainer(set: &SimulationSet, config: &Config, likelihood: Box<LikelihoodFunction>) -> Result<Trainer> {
    Trainer::with_likelihood(set, config, ElboLikelihood::Function(likelihood), &Device::flex())
}

/// Options for a few quick steps, six in an epoch.
fn short() -> Config {
    Config { num_epochs: 3, batch_size: 15, ..config(TrainingObjective::Elbo) }
}

fn weights(posterior: &Posterior) -> Vec<f32> {
    numbers(parameters::flatten(posterior.network()))
}

#[test]
fn training_with_a_function_recovers_a_closed_form() {
    let set = unpaired(PROBLEM.simulate(6000, 1));
    let likelihood = Box::new(|theta: &[f64], x: &Spectrum| -> Scored { Ok(gaussian(theta, x)) });
    let (mean, width) = compared(&to_the_end(trainer(&set, &config(TrainingObjective::Elbo), likelihood).unwrap()));
    println!("elbo with a function: mean off by {mean:.3}, width {width:.3?}");
    // These are the bounds of the test with a likelihood over tensors.
    assert!(mean < 0.3 && width[0] > 0.85 && width[1] < 1.15, "{mean} {width:?}");
}

#[test]
fn a_function_has_the_losses_of_its_twin_over_tensors() {
    let set = PROBLEM.simulate(100, 1);
    let config = Config { elbo_num_samples: 2, ..short() };
    let losses = |likelihood| {
        let mut trainer = Trainer::with_likelihood(&set, &config, likelihood, &Device::flex()).unwrap();
        let mut losses = Vec::new();
        while !trainer.is_done() {
            losses.extend(block_on(trainer.run(1)).unwrap().into_iter().filter_map(|event| match event {
                Event::Progress { train_loss, .. } => train_loss,
                Event::Epoch { record, .. } => record.validation_loss,
                _ => None,
            }));
        }
        losses
    };
    let with_function = losses(ElboLikelihood::Function(Box::new(|theta, x| Ok(gaussian(theta, x)))));
    let over_tensors = losses(ElboLikelihood::Tensors(Box::new(Gaussian(PROBLEM.sigma))));
    assert_eq!((with_function.len(), over_tensors.len()), (21, 21));
    for (a, b) in with_function.iter().zip(&over_tensors) {
        // After the likelihood both compute in f32, and eighteen steps carry the rounding along.
        assert!((a - b).abs() < 1e-4 * b.abs(), "{with_function:?} {over_tensors:?}");
    }
}

#[test]
fn a_function_sees_the_observation_with_blank_masked_points() {
    let hidden = |row: usize, i: usize| (row + i).is_multiple_of(4);
    let mask = (0..200).map(|k| u8::from(hidden(k / 5, k % 5))).collect();
    let set = PROBLEM.simulate(40, 1).with_spectra(|spectra| {
        spectra.mask = Some(flowglass::numbers::Matrix::new(40, 5, mask));
        spectra.axis = Some(Axis::Wavelengths(vec![1.0, 2.0, 3.0, 4.0, 5.0]));
    });
    let same = set.clone();
    let likelihood = Box::new(move |theta: &[f64], x: &Spectrum| -> Scored {
        let row = (0..40).find(|&row| {
            (0..5).all(|i| x.values[i] == if hidden(row, i) { 0.0 } else { same.spectra().values.row(row)[i] })
        });
        let row = row.ok_or("not a row of the set")?;
        let sigma = (0..5).map(|i| if hidden(row, i) { 1.0 } else { PROBLEM.sigma as f32 }).collect::<Vec<_>>();
        assert_eq!(x.sigma.as_ref(), Some(&sigma));
        assert_eq!(x.mask.as_ref(), Some(&(0..5).map(|i| u8::from(hidden(row, i))).collect::<Vec<_>>()));
        assert_eq!(x.wavelengths.as_ref(), same.spectra().wavelengths());
        assert!(theta.iter().all(|t| t.abs() <= PROBLEM.half_width), "in physical units");
        Ok((0.0, vec![0.0; 2]))
    });
    to_the_end(trainer(&set, &Config { num_epochs: 1, ..short() }, likelihood).unwrap());
}

/// The message of the error about a function whose gradient is changed by `change`.
fn refused(change: fn(&mut Vec<f64>)) -> String {
    let likelihood = Box::new(move |theta: &[f64], x: &Spectrum| -> Scored {
        let (value, mut gradient) = gaussian(theta, x);
        change(&mut gradient);
        Ok((value, gradient))
    });
    let error = trainer(&PROBLEM.simulate(100, 1), &short(), likelihood).err().expect("it was accepted");
    assert_eq!(error.code(), "likelihood");
    error.to_string()
}

#[test]
fn a_wrong_gradient_is_refused_by_the_name_of_its_parameter() {
    for change in [|g: &mut Vec<f64>| g[1] *= -1.0, |g: &mut Vec<f64>| g[1] *= 2.0, |g: &mut Vec<f64>| g[1] /= 2.0] {
        let message = refused(change);
        assert!(message.contains("gradient for b is") && message.contains("the value give"), "{message}");
    }
}

#[test]
fn a_gradient_of_a_wrong_length_is_refused() {
    let message = refused(|g| g.push(0.0));
    assert!(message.contains("a gradient of 3 numbers: expected 2, one each for a, b"), "{message}");
    assert!(refused(Vec::clear).contains("0 numbers"));
}

/// A function that fails after `calls` calls.
fn failing_after(calls: usize) -> Box<LikelihoodFunction> {
    let done = Cell::new(0);
    Box::new(move |theta: &[f64], x: &Spectrum| -> Scored {
        done.set(done.get() + 1);
        if done.get() > calls { Err("the opacity table ends at 3000 K".into()) } else { Ok(gaussian(theta, x)) }
    })
}

fn working() -> Box<LikelihoodFunction> {
    Box::new(|theta, x| Ok(gaussian(theta, x)))
}

/// Makes sure that `error` is the function's own.
fn is_its_own(error: &Error) {
    assert_eq!(error.code(), "likelihood");
    assert!(error.to_string().contains("the opacity table ends at 3000 K"), "{error}");
}

/// A run whose function failed in the eleventh step, in the second epoch. Before training there are three draws with
/// eight differences for each of two parameters. An epoch is six steps of fifteen rows and a validation of ten.
fn failed() -> Trainer {
    let calls = 3 * 17 + 100 + 4 * 15 + 7;
    let mut failed = trainer(&PROBLEM.simulate(100, 1), &short(), failing_after(calls)).unwrap();
    block_on(failed.run(1000)).unwrap();
    is_its_own(&block_on(failed.run(1000)).unwrap_err());
    failed
}

#[test]
fn a_function_that_fails_at_once_is_refused_with_its_own_error() {
    is_its_own(&trainer(&PROBLEM.simulate(100, 1), &short(), failing_after(0)).err().expect("it was accepted"));
}

#[test]
fn the_steps_before_a_failure_are_kept() {
    let failed = failed();
    assert_eq!(failed.step(), 10);
    assert_eq!(block_on(failed.finish()).unwrap().metadata().training.history.len(), 1);
}

#[test]
fn a_run_that_failed_resumes_with_a_function_that_works() {
    let set = PROBLEM.simulate(100, 1);
    let bytes = block_on(failed().checkpoint()).unwrap();
    let resumed = trainer(&set, &short(), working()).unwrap().resumed("run", &bytes).unwrap();
    let whole = to_the_end(trainer(&set, &short(), working()).unwrap());
    assert_eq!(weights(&to_the_end(resumed)), weights(&whole));
}

#[test]
fn a_checkpoint_does_not_hold_the_function() {
    let (set, bytes) = (PROBLEM.simulate(100, 1), block_on(failed().checkpoint()).unwrap());
    let error = Trainer::resume(&set, &short(), "run", &bytes, &Device::flex()).err().expect("it resumed without one");
    assert!(error.to_string().contains("likelihood = none"), "{error}");
}

#[test]
fn a_step_whose_likelihood_is_not_finite_changes_no_weight() {
    let set = PROBLEM.simulate(100, 1);
    type Spoil = fn(&mut (f64, Vec<f64>));
    let spoils: [Spoil; 3] = [|(v, _)| *v = f64::NEG_INFINITY, |(_, g)| g[0] = f64::NAN, |(_, g)| g[1] = 1e300];
    for spoil in spoils {
        let calls = Cell::new(0);
        // Spoils one row of the first step.
        let fresh = || trainer(&set, &short(), Box::new(|theta, x| Ok(gaussian(theta, x)))).unwrap();
        let likelihood = Box::new(move |theta: &[f64], x: &Spectrum| -> Scored {
            calls.set(calls.get() + 1);
            let mut scored = gaussian(theta, x);
            if calls.get() == 3 * 17 + 4 {
                spoil(&mut scored);
            }
            Ok(scored)
        });
        let mut trainer = trainer(&set, &short(), likelihood).unwrap();
        let first = block_on(trainer.run(1)).unwrap();
        assert!(matches!(first[..], [Event::Skipped { count: 1, .. }, Event::Progress { train_loss: None, .. }]));
        let [before, skipped] = [fresh(), trainer].map(|trainer| weights(&block_on(trainer.finish()).unwrap()));
        assert_eq!(before, skipped);
    }
}

#[test]
fn a_function_that_would_not_be_used_is_refused() {
    let refused = |config: &Config| {
        let likelihood = Box::new(|theta: &[f64], x: &Spectrum| -> Scored { Ok(gaussian(theta, x)) });
        let error = trainer(&PROBLEM.simulate(100, 1), config, likelihood).err().expect("it was accepted");
        assert_eq!(error.code(), "option");
        error.to_string()
    };
    assert!(refused(&sized(Config::default())).contains("training_objective = npe"));
    let named = Config { likelihood: Some("transit".into()), ..short() };
    assert!(refused(&named).contains("likelihood = transit: expected none"));
}
