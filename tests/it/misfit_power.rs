//! How often the misfit finds observations that the model cannot make. Outside of the tests, since it takes minutes:
//! `cargo test --release --test it misfit_power -- --ignored --nocapture`.

use flowglass::data::{Observation, SimulationSet};
use flowglass::diagnostics::simulated_residuals;
use flowglass::misfit::{Misfit, Score, Simulated};
use flowglass::posterior::{Posterior, read};
use flowglass::random::{Purpose, Random};
use flowglass::{
    simulators::{named, simulate},
    storage,
};
use pollster::block_on;

/// A way in which data are wrong: its name, and what it does to the values, given the uncertainties and random numbers.
type Wrong = (&'static str, fn(&mut [f32], &[f32], &mut Random));

fn position(n: usize, length: usize, random: &mut Random) -> usize {
    ((f64::from(random.uniform(1, 1.0)[0]) + 1.0) / 2.0 * (n - length) as f64) as usize
}

const WRONGS: [Wrong; 10] = [
    ("as simulated", |_, _, _| {}),
    ("47 points shifted by 1 sigma", |x, s, r| {
        let at = position(x.len(), 47, r);
        (at..at + 47).for_each(|j| x[j] += s[j]);
    }),
    ("flat", |x, s, r| {
        let mean = x.iter().sum::<f32>() / x.len() as f32;
        let noise = r.normal(x.len());
        x.iter_mut().zip(s).zip(noise).for_each(|((x, s), e)| *x = mean + s * e);
    }),
    ("an unknown absorber, 2 sigma in 20 points", |x, s, r| {
        let at = position(x.len(), 60, r);
        (0..60).for_each(|k| x[at + k] += 2.0 * s[at + k] * (-0.5 * ((k as f32 - 30.0) / 10.0).powi(2)).exp());
    }),
    ("in per cent", |x, _, _| x.iter_mut().for_each(|x| *x *= 100.0)),
    ("pixel numbers", |x, _, _| x.iter_mut().enumerate().for_each(|(j, x)| *x = j as f32)),
    ("noise twice what is claimed", |x, s, r| {
        let noise = r.normal(x.len());
        x.iter_mut().zip(s).zip(noise).for_each(|((x, s), e)| *x += 3_f32.sqrt() * s * e);
    }),
    ("noise 1.2 times what is claimed", |x, s, r| {
        let noise = r.normal(x.len());
        x.iter_mut().zip(s).zip(noise).for_each(|((x, s), e)| *x += 0.44_f32.sqrt() * s * e);
    }),
    ("reversed", |x, _, _| x.reverse()),
    ("a bite of 15 points, 3 sigma deep", |x, s, r| {
        let at = position(x.len(), 15, r);
        (at..at + 15).for_each(|j| x[j] -= 3.0 * s[j]);
    }),
];

fn observations(set: &SimulationSet) -> Vec<Observation> {
    (0..set.len()).map(|i| set.observation(i)).collect()
}

fn embeddings(posterior: &Posterior, observations: &[Observation]) -> Vec<f32> {
    observations
        .chunks(256)
        .flat_map(|part| block_on(read(posterior.batch_encode_observation(part).unwrap())).unwrap())
        .collect()
}

#[test]
#[ignore = "minutes"]
fn power_on_transit() {
    let bytes = std::fs::read("www/models/demo.safetensors").unwrap();
    let posterior = storage::load("demo", &bytes, &burn::tensor::Device::flex()).unwrap();
    let schema = posterior.metadata().schema.clone();
    let simulated = |n, seed| {
        let set = simulate("transit", n, seed).unwrap();
        (observations(&set), posterior.metadata().space.in_box(set.theta.values()))
    };
    let ((fitted, at), (held_out, at_held_out), (fresh, _)) =
        (simulated(2000, 1), simulated(1000, 2), simulated(500, 4242));
    let begin = std::time::Instant::now();
    let (of_fitted, of_held_out) = (embeddings(&posterior, &fitted), embeddings(&posterior, &held_out));
    println!("encoded in {:?}", begin.elapsed());
    let transit = named("simulator", "transit").unwrap();
    let residuals = |of: &Observation, embedding: &[f32]| {
        block_on(simulated_residuals(&posterior, transit, (of, embedding))).unwrap()
    };
    for by in [false, true] {
        let misfit = Misfit::new(
            &schema,
            Simulated { observations: &fitted, embeddings: &of_fitted, parameters: &at },
            Simulated { observations: &held_out, embeddings: &of_held_out, parameters: &at_held_out },
            by.then(|| {
                (
                    "transit".into(),
                    held_out
                        .iter()
                        .zip(of_held_out.chunks_exact(of_held_out.len() / held_out.len()))
                        .map(|(of, e)| residuals(of, e))
                        .collect(),
                )
            }),
        )
        .unwrap();
        println!("fitted in {:?}: {:?}", begin.elapsed(), misfit.sizes());
        println!("error of the emulator: {:?} of the noise", misfit.emulator_error());
        println!("{:44} all  {:?}", "found at 1 %", Score::ALL);
        for (name, wrong) in WRONGS {
            let mut random = Random::new(9, Purpose::Simulation(0));
            let mut wrong_ones = fresh.clone();
            for observation in &mut wrong_ones {
                let spectrum = observation.spectrum.as_mut().unwrap();
                let sigma = spectrum.sigma.clone().unwrap();
                wrong(&mut spectrum.values, &sigma, &mut random);
            }
            let own = embeddings(&posterior, &wrong_ones);
            let e = own.len() / fresh.len();
            let mut found = [0; 7];
            for (observation, embedding) in wrong_ones.iter().zip(own.chunks_exact(e)) {
                let report =
                    misfit.report(&schema, (observation, embedding), by.then(|| residuals(observation, embedding)));
                found[0] += usize::from(report.p_value <= 0.01);
                report.scores.iter().zip(&mut found[1..]).for_each(|(p, found)| *found += usize::from(*p <= 0.01));
            }
            let shares = found.map(|count| count as f64 / fresh.len() as f64);
            println!("{name:44} {shares:.3?}");
        }
    }
}
