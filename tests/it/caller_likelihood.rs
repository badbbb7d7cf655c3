//! A likelihood that is a function on the host, with its gradient, for the evidence lower bound.

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

/// ln N(x; A theta, sigma^2 I) and its gradient, as `Gaussian` is over tensors.
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

fn trainer(set: &SimulationSet, config: &Config, likelihood: Box<LikelihoodFunction>) -> Result<Trainer> {
    Trainer::with_likelihood(set, config, ElboLikelihood::Function(likelihood), &Device::flex())
}

/// A few quick steps: six in an epoch.
fn short() -> Config {
    Config { num_epochs: 3, batch_size: 15, ..config(TrainingObjective::Elbo) }
}

fn weights(posterior: &Posterior) -> Vec<f32> {
    numbers(parameters::flatten(posterior.network()))
}

#[test]
fn it_recovers_a_closed_form() {
    let set = unpaired(PROBLEM.simulate(6000, 1));
    let likelihood = Box::new(|theta: &[f64], x: &Spectrum| -> Scored { Ok(gaussian(theta, x)) });
    let (mean, width) = compared(&to_the_end(trainer(&set, &config(TrainingObjective::Elbo), likelihood).unwrap()));
    println!("elbo on the host: mean off by {mean:.3}, width {width:.3?}");
    // As for the one over tensors.
    assert!(mean < 0.3 && width[0] > 0.85 && width[1] < 1.15, "{mean} {width:?}");
}

#[test]
fn its_losses_are_those_of_the_one_over_tensors() {
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
    let on_host = losses(ElboLikelihood::Function(Box::new(|theta, x| Ok(gaussian(theta, x)))));
    let over_tensors = losses(ElboLikelihood::Tensors(Box::new(Gaussian(PROBLEM.sigma))));
    assert_eq!((on_host.len(), over_tensors.len()), (21, 21));
    for (a, b) in on_host.iter().zip(&over_tensors) {
        // Both compute in f32 from there on: rounding that eighteen steps carry along.
        assert!((a - b).abs() < 1e-4 * b.abs(), "{on_host:?} {over_tensors:?}");
    }
}

#[test]
fn what_it_is_asked_about_is_the_observation_with_its_masked_points_blank() {
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

#[test]
fn a_wrong_gradient_and_a_wrong_length_are_refused_by_name() {
    let refused = |change: fn(&mut Vec<f64>)| {
        let likelihood = Box::new(move |theta: &[f64], x: &Spectrum| -> Scored {
            let (value, mut gradient) = gaussian(theta, x);
            change(&mut gradient);
            Ok((value, gradient))
        });
        let error = trainer(&PROBLEM.simulate(100, 1), &short(), likelihood).err().expect("it was accepted");
        assert_eq!(error.code(), "likelihood");
        error.to_string()
    };
    for change in [|g: &mut Vec<f64>| g[1] *= -1.0, |g: &mut Vec<f64>| g[1] *= 2.0, |g: &mut Vec<f64>| g[1] /= 2.0] {
        let message = refused(change);
        assert!(message.contains("gradient for b is") && message.contains("the value give"), "{message}");
    }
    let message = refused(|g| g.push(0.0));
    assert!(message.contains("a gradient of 3 numbers: expected 2, one each for a, b"), "{message}");
    assert!(refused(Vec::clear).contains("0 numbers"));
}

#[test]
fn its_own_error_ends_training_and_what_was_trained_stays() {
    let set = PROBLEM.simulate(100, 1);
    let failing = |from: usize| {
        let calls = Cell::new(0);
        Box::new(move |theta: &[f64], x: &Spectrum| -> Scored {
            calls.set(calls.get() + 1);
            if calls.get() > from { Err("the opacity table ends at 3000 K".into()) } else { Ok(gaussian(theta, x)) }
        })
    };
    let said = |error: Error| {
        assert_eq!(error.code(), "likelihood");
        assert!(error.to_string().contains("the opacity table ends at 3000 K"), "{error}");
    };
    said(trainer(&set, &short(), failing(0)).err().expect("it was accepted"));
    // Before training: three draws, and eight differences for each of two parameters. Then it fails in the eleventh step, in
    // the second epoch: an epoch is six steps of fifteen and a validation of ten.
    let whole = trainer(&set, &short(), failing(3 * 17 + 100 + 4 * 15 + 7)).unwrap();
    let mut failed = whole;
    block_on(failed.run(1000)).unwrap();
    said(block_on(failed.run(1000)).unwrap_err());
    assert_eq!(failed.step(), 10);
    let bytes = block_on(failed.checkpoint()).unwrap();
    let posterior = failed.finish();
    assert_eq!(posterior.metadata().training.history.len(), 1);
    // And goes on from there with a function that works, as a run that never failed.
    let working = || -> Box<LikelihoodFunction> { Box::new(|theta, x| Ok(gaussian(theta, x))) };
    let resumed = trainer(&set, &short(), working()).unwrap().resumed("run", &bytes).unwrap();
    let whole = to_the_end(trainer(&set, &short(), working()).unwrap());
    assert_eq!(weights(&to_the_end(resumed)), weights(&whole));
    // A checkpoint does not hold the function.
    let error = Trainer::resume(&set, &short(), "run", &bytes, &Device::flex()).err().expect("it went on without one");
    assert!(error.to_string().contains("likelihood = none"), "{error}");
}

#[test]
fn numbers_that_are_not_finite_skip_the_step_and_change_no_weight() {
    let set = PROBLEM.simulate(100, 1);
    type Spoil = fn(&mut (f64, Vec<f64>));
    let spoils: [Spoil; 3] = [|(v, _)| *v = f64::NEG_INFINITY, |(_, g)| g[0] = f64::NAN, |(_, g)| g[1] = 1e300];
    for spoil in spoils {
        let calls = Cell::new(0);
        // One row of the first step.
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
        let [before, skipped] = [fresh(), trainer].map(|trainer| weights(&trainer.finish()));
        assert_eq!(before, skipped);
    }
}

#[test]
fn it_is_refused_where_it_would_not_be_used() {
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
