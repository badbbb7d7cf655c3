//! Training recovers a posterior that is known in closed form.

use crate::problems::{LinearGaussian, moments, train};
use burn::tensor::Device;
use flowglass::posterior::Config;
use flowglass::space::SpaceKind;
use pollster::block_on;

#[test]
fn training_recovers_the_closed_form_posterior_of_a_linear_gaussian_problem() {
    let problem = LinearGaussian { sigma: 0.5, half_width: 4.0 };
    let set = problem.simulate(8000, 1);
    let config = Config {
        num_epochs: 15,
        batch_size: 64,
        spectrum_encoder_type: flowglass::encoder::SpectrumEncoderType::Mlp,
        hidden_dim: 64,
        use_cosine_schedule: true,
        ..Config::default()
    };
    let start = std::time::Instant::now();
    let (posterior, events) = train(&set, &config, &Device::flex());
    println!("{:?} for {} events, last {:?}", start.elapsed(), events.len(), events[events.len() - 2]);
    for theta in [[0.0, 0.0], [1.0, -0.7], [-1.5, 1.2]] {
        let observation = problem.observation(theta);
        let embedding = posterior.encode_observation(&observation).unwrap();
        let draws = block_on(posterior.sample_posterior(embedding.clone(), 4000, 3, SpaceKind::Physical)).unwrap();
        let ((mean, cov), (true_mean, true_cov)) = (moments(&draws.values), problem.posterior(&observation));
        println!("{mean:?} {cov:?} {true_mean:?} {true_cov:?}");
    }
}
