//! Options that are made for a set.

use flowglass::data::SimulationSet;
use flowglass::encoder::SpectrumEncoderType;
use flowglass::options::Config;
use flowglass::prior::Prior;
use flowglass::simulators::simulate;
use flowglass::space::SpaceKind;

#[test]
fn options_for_accuracy_are_valid_for_every_set() {
    for (task, n) in [("two_moons", 100), ("slcp", 5_000), ("gaussian_linear_uniform", 40_000), ("transit", 300)] {
        let set = simulate(task, n, 1).unwrap();
        let config = Config::accurate(&set);
        config.validate().unwrap();
        config.validate_for(&set.schema(), set.parameter_dim()).unwrap();
        let without = SimulationSet { priors: vec![Prior::None; set.parameter_dim()], ..set };
        assert_eq!(Config::accurate(&without).parameter_space, SpaceKind::Physical);
        Config::accurate(&without).validate().unwrap();
    }
}

fn settings(task: &str, n: usize) -> Config {
    Config::accurate(&simulate(task, n, 1).unwrap())
}

#[test]
fn more_simulations_get_larger_networks() {
    assert!(settings("slcp", 1_000).hidden_dim < settings("slcp", 10_000).hidden_dim);
}

#[test]
fn spectra_on_a_grid_get_a_convolution() {
    assert_eq!(settings("transit", 10).spectrum_encoder_type, SpectrumEncoderType::Conv1d);
}

#[test]
fn spectra_without_a_grid_get_dense_layers() {
    assert_eq!(settings("slcp", 10).spectrum_encoder_type, SpectrumEncoderType::Mlp);
}
