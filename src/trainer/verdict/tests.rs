//! Verdicts on histories of losses.

use super::TrainingVerdictKind as Kind;
use super::*;
use crate::data::preprocessing::{Preprocessing, PreprocessingKind};
use crate::posterior::DatasetInfo;
use crate::simulators::simulate;
use crate::space::{ParameterSpace, SpaceKind};

/// A run on 2,000 simulations of two parameters, of which 200 are held out, with these training and validation
/// losses. The prior's loss is 4, and the noise sqrt(2 / 400) = 0.07.
fn run(losses: &[[f64; 2]]) -> Metadata {
    let history = losses.iter().enumerate().map(|(i, &[train_loss, validation_loss])| EpochRecord {
        member: 1,
        epoch: i + 1,
        train_loss,
        validation_loss: Some(validation_loss),
        validation_error: None,
        validation_lost: 0,
        learning_rate: 1e-3,
        gradient_norm: 1.0,
        skipped: 0,
        stability: None,
        diagnostics: None,
    });
    let set = simulate("two_moons", 2, 0).unwrap();
    let (names, priors) = (set.parameter_names.clone(), set.priors.clone());
    Metadata {
        format_version: 0,
        flowglass_version: String::new(),
        config: Config::default(),
        space: ParameterSpace::fit(SpaceKind::Unconstrained, names, priors, set.theta.values()).unwrap(),
        schema: set.schema_of(&[0, 1]),
        preprocessing: Preprocessing::fit(PreprocessingKind::None, &set, &[0, 1]),
        dataset: DatasetInfo { n: 2000, ..DatasetInfo::default() },
        training: TrainingRecord {
            history: history.collect(),
            prior_loss: Some(4.0),
            n_validation: Some(200),
            ..TrainingRecord::default()
        },
        example: None,
    }
}

fn kind(metadata: &Metadata) -> Kind {
    training_verdict(metadata).expect("a run that says how it went").kind
}

/// Losses that fall to 2 and stay there, training and validation alike.
fn healthy() -> Vec<[f64; 2]> {
    [3.5, 2.5, 2.1, 2.0, 2.01, 1.99, 2.02, 2.0].map(|loss| [loss, loss + 0.02]).to_vec()
}

#[test]
fn a_healthy_run_has_learned_and_is_to_be_checked() {
    let verdict = training_verdict(&run(&healthy())).unwrap();
    assert_eq!(verdict.kind, Kind::Learned);
    assert!(verdict.sentence.contains("1.99 below") && verdict.next.contains("check"), "{verdict:?}");
}

#[test]
fn a_loss_above_that_of_the_prior_is_worse_than_knowing_nothing() {
    for losses in [&[[900.0, 60.0], [30.0, 12.0], [9.0, 8.0]][..], &[[4.4, 4.3]; 6]] {
        assert_eq!(kind(&run(losses)), Kind::WorseThanPrior, "{losses:?}");
    }
    assert!(training_verdict(&run(&[[9.0, 9.0]; 2])).unwrap().next.contains("learning_rate, such as 0.0001"));
}

#[test]
fn a_loss_above_that_of_the_prior_that_falls_since_the_start_still_falls() {
    assert_eq!(kind(&run(&[[5.1, 4.8], [4.6, 4.4]])), Kind::StillFalling);
}

#[test]
fn a_loss_that_falls_by_more_than_its_noise_in_the_last_tenth_still_falls() {
    let mut losses = healthy();
    losses.push([1.92, 1.95]);
    assert_eq!(kind(&run(&losses)), Kind::Learned, "0.06 in the last epoch is noise");
    losses.push([1.8, 1.85]);
    let verdict = training_verdict(&run(&losses)).unwrap();
    assert_eq!(verdict.kind, Kind::StillFalling);
    assert!(verdict.sentence.contains("by 0.10 in the last epoch") && verdict.next.contains("= 20"), "{verdict:?}");
}

#[test]
fn a_single_epoch_is_compared_with_its_own_steps() {
    assert_eq!(kind(&run(&[[3.0, 2.2]])), Kind::StillFalling);
    assert_eq!(kind(&run(&[[2.2, 2.2]])), Kind::Learned);
}

#[test]
fn a_loss_that_patience_waited_for_no_longer_falls() {
    let losses = [[3.5, 3.5], [3.0, 3.0], [2.0, 2.0], [2.1, 2.1]];
    let mut stopped = run(&losses);
    stopped.config.early_stopping_patience = Some(1);
    assert_eq!([kind(&stopped), kind(&run(&losses[..3]))], [Kind::Learned, Kind::StillFalling]);
}

#[test]
fn a_loss_like_that_of_the_prior_has_learned_nothing() {
    assert_eq!(kind(&run(&[[4.0, 3.95], [3.98, 3.96], [3.97, 3.94]])), Kind::NothingLearned);
}

#[test]
fn a_loss_below_that_of_the_prior_on_training_rows_alone_is_overfitted() {
    for losses in [&[[3.9, 4.0], [3.0, 3.95]][..], &[[3.9, 4.3], [3.0, 4.25]]] {
        assert_eq!(kind(&run(losses)), Kind::Overfitted, "{losses:?}");
    }
}

#[test]
fn a_wide_gap_is_overfitted_unless_an_ensemble_averages_it() {
    let losses: Vec<_> = healthy().into_iter().map(|[train, validation]| [train - 0.3, validation]).collect();
    assert_eq!(kind(&run(&losses)), Kind::Overfitted);
    let mut ensemble = run(&losses);
    ensemble.config.ensemble_size = 3;
    assert_eq!(kind(&ensemble), Kind::Learned);
}

#[test]
fn few_simulations_held_out_say_little() {
    let mut few = run(&[[4.4, 9.0]; 3]);
    few.training.n_validation = Some(2);
    assert_eq!(kind(&few), Kind::FewHeldOut, "a loss above that of the prior too");
    few.training.history[0].train_loss = 90.0;
    assert_eq!(kind(&few), Kind::WorseThanPrior, "unless the training loss tells by itself");
    let next = |n: usize, n_validation: usize, validation_fraction: f64| {
        let mut few = run(&healthy());
        few.training.n_validation = Some(n_validation);
        few.dataset.n = n;
        few.config.validation_fraction = validation_fraction;
        let verdict = training_verdict(&few).unwrap();
        assert_eq!(verdict.kind, Kind::FewHeldOut);
        verdict.next
    };
    assert!(next(20, 2, 0.1).contains("at least 1000 simulations"));
    assert!(next(600, 60, 0.1).contains("validation_fraction = 0.17"));
    assert!(next(5000, 0, 0.0).contains("validation_fraction = 0.1"));
}

#[test]
fn many_skipped_steps_are_told() {
    let mut skipping = run(&healthy());
    skipping.training.history[2].skipped = 20;
    assert_eq!(kind(&skipping), Kind::Learned, "20 of 448 steps");
    skipping.training.history[3].skipped = 20;
    assert_eq!(kind(&skipping), Kind::ManySkipped);
}

#[test]
fn a_run_that_diverged_or_has_no_epoch_or_no_number_is_not_praised() {
    let mut diverged = run(&healthy());
    diverged.training.diverged = true;
    let never = run(&[[f64::NAN, f64::NAN], [2.0, -f64::NAN]]);
    assert_eq!([kind(&diverged), kind(&never), kind(&run(&[]))], [Kind::Diverged, Kind::Diverged, Kind::NoEpoch]);
}

#[test]
fn a_loss_without_that_of_the_prior_is_judged_by_its_course() {
    let higher: Vec<_> = healthy().into_iter().map(|losses| losses.map(|loss| loss + 15.0)).collect();
    let mut bound = run(&higher);
    assert_eq!(kind(&bound), Kind::WorseThanPrior);
    bound.training.prior_loss = None;
    assert_eq!(kind(&bound), Kind::Learned);
    bound.training.history.truncate(2);
    assert_eq!(kind(&bound), Kind::StillFalling);
}

#[test]
fn a_model_that_does_not_say_how_it_was_trained_has_no_verdict() {
    let mut older = run(&healthy());
    older.training.n_validation = None;
    assert_eq!(training_verdict(&older), None);
}
