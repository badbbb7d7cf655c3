//! Settings made for a set.

use flowglass::data::SimulationSet;
use flowglass::encoder::SpectrumEncoderType;
use flowglass::options::Config;
use flowglass::prior::Prior;
use flowglass::simulators::simulate;
use flowglass::space::SpaceKind;

#[test]
fn settings_for_accuracy_are_valid_whatever_the_set() {
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

#[test]
fn more_simulations_get_larger_networks_and_a_grid_a_convolution() {
    let settings = |task: &str, n: usize| Config::accurate(&simulate(task, n, 1).unwrap());
    assert!(settings("slcp", 1_000).hidden_dim < settings("slcp", 10_000).hidden_dim);
    assert_eq!(settings("transit", 10).spectrum_encoder_type, SpectrumEncoderType::Conv1d);
    assert_eq!(settings("slcp", 10).spectrum_encoder_type, SpectrumEncoderType::Mlp);
}
