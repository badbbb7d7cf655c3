//! Training runs end in a verdict and one next step: those that failed, and one that did not.

use crate::problems::train;
use crate::program::Folder;
use burn::tensor::Device;
use flowglass::data::SimulationSet;
use flowglass::encoder::SpectrumEncoderType;
use flowglass::options::Config;
use flowglass::simulators::simulate;
use flowglass::trainer::{Event, TrainingVerdict, TrainingVerdictKind as Kind, training_verdict};

/// A configuration that learns two_moons within a second.
fn quick() -> Config {
    Config {
        num_epochs: 16,
        batch_size: 64,
        learning_rate: 2e-3,
        use_cosine_schedule: true,
        spectrum_encoder_type: SpectrumEncoderType::Mlp,
        hidden_dim: 32,
        embedding_dim: 16,
        spectrum_embedding_dim: 16,
        ..Config::default()
    }
}

/// The verdict on a run, which the model and the last event tell alike.
fn verdict(set: &SimulationSet, config: &Config) -> TrainingVerdict {
    let (posterior, events) = train(set, config, &Device::flex());
    println!("{:?}", posterior.metadata().training.history.iter().map(|e| e.validation_loss).collect::<Vec<_>>());
    let Some(Event::Finished { verdict, .. }) = events.last() else { panic!("the last event is the end") };
    let of_model = training_verdict(posterior.metadata());
    assert_eq!(*verdict, of_model);
    of_model.expect("a run of this version says how it went")
}

fn moons(n: usize) -> SimulationSet {
    simulate("two_moons", n, 1).expect("a built-in simulator")
}

#[test]
fn a_healthy_run_gets_no_reproach() {
    let found = verdict(&moons(4000), &quick());
    assert_eq!(found.kind, Kind::Learned, "{found:?}");
    assert!(found.next.contains("check the model"), "{found:?}");
}

#[test]
fn a_learning_rate_of_one_is_no_success() {
    let found = verdict(&moons(2000), &Config { learning_rate: 1.0, num_epochs: 4, ..quick() });
    assert!([Kind::WorseThanPrior, Kind::Diverged, Kind::ManySkipped].contains(&found.kind), "{found:?}");
    assert!(found.next.contains("learning_rate, such as 0.1"), "{found:?}");
}

#[test]
fn twenty_simulations_are_too_few_to_tell() {
    let found = verdict(&moons(20), &quick());
    assert!(found.kind == Kind::FewHeldOut && found.sentence.starts_with("2 simulations"), "{found:?}");
    assert!(found.next.contains("1000 simulations"), "{found:?}");
}

#[test]
fn a_single_epoch_still_falls() {
    let found = verdict(&moons(4000), &Config { num_epochs: 1, use_cosine_schedule: false, ..quick() });
    assert!(found.kind == Kind::StillFalling && found.next.contains("num_epochs = 10"), "{found:?}");
}

#[test]
fn parameters_that_have_nothing_to_do_with_the_data_are_not_learned() {
    let set = moons(4000);
    let next_row: Vec<usize> = (0..set.len()).map(|i| (i + 1) % set.len()).collect();
    let unrelated = SimulationSet { theta: set.theta.select(&next_row), ..set };
    let found = verdict(&unrelated, &Config { num_epochs: 6, ..quick() });
    assert!(found.kind == Kind::NothingLearned && found.next.contains("belong together"), "{found:?}");
}

#[test]
fn the_command_line_ends_with_the_verdict_and_the_next_step() {
    let folder = Folder::new();
    folder.run("simulate two_moons -n 20 -o few.npz").succeeds();
    let line = format!("train few.npz -o m.safetensors {}", crate::program::TINY);
    let ran = folder.run(&line).succeeds();
    let last: Vec<&str> = ran.err.trim_end().lines().rev().take(2).collect();
    assert!(last[1].starts_with("verdict: 2 simulations held out"), "{}", ran.err);
    assert_eq!(last[0], "next: make at least 1000 simulations");
    assert_eq!(folder.run(&format!("{line} --force --quiet")).succeeds().err, "");
}
