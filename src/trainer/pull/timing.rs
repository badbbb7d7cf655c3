//! Times a device at the work at hand: a training step, and a pass of draws.

use crate::data::{Axis, Block, BlockSet, ObservationSchema, Observations, SimulationSet, Uncertainty};
use crate::error::{Error, Result};
use crate::numbers::Matrix;
use crate::options::Config;
use crate::posterior::{Metadata, Rows};
use crate::prior::Prior;
use crate::random::{Purpose, Random};
use crate::space::SpaceKind;
use crate::trainer::Trainer;
use burn::tensor::Device;
use serde::Serialize;
use serde_json::{Map, Value};

/// Draws in a pass: the number that the page makes by default.
const DRAWS: usize = 10_000;
/// Largest number of pieces of work in the warm-up. GPU pipelines compile in the first piece.
const WARM_UP: usize = 3;
/// Time limit of the warm-up after its first piece, in seconds. A device that needs longer is slow, and the warm-up
/// itself gives its time.
const WARM_UP_S: f64 = 0.5;
/// Seconds of a round: about one pull of training in a browser. Like a pull, a round ends with one read of the device.
const ROUND_S: f64 = 0.04;
/// Largest number of rounds. The fastest round counts, because other work on the machine can only slow a round down.
const ROUNDS: usize = 6;
/// Time limit of all rounds together, in seconds, so that timing does not keep a user waiting.
const ROUNDS_S: f64 = 0.3;

/// The work that is timed: as many simulations as one training step takes, and the options.
#[derive(Debug, Clone)]
pub struct Work {
    set: SimulationSet,
    /// The options of training.
    pub config: Config,
}

/// What was timed, and the seconds it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timing {
    /// Seconds of a training step.
    pub train_step_s: f64,
    /// Simulations in the step.
    pub batch: usize,
    /// Seconds of a pass of draws for one observation.
    pub draws_s: f64,
    /// Draws in the pass.
    pub draws: usize,
    /// The options of training.
    pub config: Config,
    /// Number of parameters, D.
    pub parameter_dim: usize,
    /// Number of wavelengths, W.
    pub n_wavelengths: usize,
    /// Number of photometric bands, F; 0 without photometry.
    pub n_bands: usize,
}

impl Work {
    /// The work of training on `set`. Without a set, the data have the shape that `model` reads. Without a set and a
    /// model, they are spectra of an ordinary size. `options` default to the options for the set, or the options of the
    /// model.
    ///
    /// # Errors
    /// [`Error::Option`] for options that do not exist or cannot work together.
    pub fn at_hand(
        set: Option<&SimulationSet>,
        model: Option<&Metadata>,
        options: Option<&Map<String, Value>>,
    ) -> Result<Self> {
        // A single simulation cannot be trained on. Training itself refuses it later.
        let set = set.filter(|set| set.len() > 1);
        let default = match (set, model) {
            (Some(set), _) => Config::for_set(set),
            (None, Some(model)) => model.config.clone(),
            (None, None) => Config::default(),
        };
        let config = options.map_or(Ok(default), Config::from_json)?;
        let set = match (set, model) {
            (Some(set), _) => {
                let trained = Rows::split(set.len(), &config).train.len();
                // A trainer needs at least two simulations.
                set.select(&(0..config.batch_size.min(trained).max(2).min(set.len())).collect::<Vec<_>>())
            }
            (None, Some(model)) => stand_in(&model.schema, model.space.dim(), config.batch_size.max(2)),
            (None, None) => stand_in(&ordinary(), ORDINARY_DIM, config.batch_size.max(2)),
        };
        Ok(Self { set, config })
    }

    /// Times the work on `device`; `clock` gives seconds.
    ///
    /// # Errors
    /// The errors of [`Trainer::new`]; [`Error::Device`] if the device fails.
    pub async fn time(&self, device: &Device, clock: impl Fn() -> f64) -> Result<Timing> {
        let mut trainer = Trainer::new(&self.set, &steps_alone(&self.config), device)?;
        let batch = trainer.batch_size;
        let train_step_s = least(&clock, async |steps| trainer.steps(steps).await).await?;
        let posterior = trainer.kept();
        let example = posterior.metadata().example.as_ref().map(|example| &example.observation);
        let example = example.ok_or_else(|| Error::array("x", "no simulation that a model could read"))?;
        let embedding = posterior.encode_observation(example)?;
        let draws_s = least(&clock, async |passes| {
            for seed in 0..passes {
                posterior.sample_posterior(embedding.clone(), DRAWS, seed as u64, SpaceKind::Physical).await?;
            }
            Ok(())
        });
        let draws_s = draws_s.await?;
        let schema = &posterior.metadata().schema;
        Ok(Timing {
            train_step_s,
            batch,
            draws_s,
            draws: DRAWS,
            config: self.config.clone(),
            parameter_dim: posterior.metadata().space.dim(),
            n_wavelengths: schema.n_wavelengths,
            n_bands: schema.photometry.as_ref().map_or(0, |p| p.n_bands),
        })
    }
}

/// The least seconds of one piece of `work`. The argument of `work` is the number of pieces to do.
async fn least(clock: &impl Fn() -> f64, mut work: impl AsyncFnMut(usize) -> Result<()>) -> Result<f64> {
    work(1).await?;
    let begin = clock();
    let mut one = f64::INFINITY;
    for _ in 1..WARM_UP {
        let start = clock();
        work(1).await?;
        one = one.min(clock() - start);
        if clock() - begin > WARM_UP_S {
            return Ok(one);
        }
    }
    let pieces = (ROUND_S / one.max(1e-6)).clamp(1.0, 1000.0) as usize;
    let begin = clock();
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = clock();
        work(pieces).await?;
        best = best.min((clock() - start) / pieces as f64);
        if clock() - begin > ROUNDS_S {
            break;
        }
    }
    Ok(best)
}

/// The options of the steps that are timed. The set is a single batch, so nothing of it is held out.
fn steps_alone(config: &Config) -> Config {
    Config { validation_fraction: 0.0, ..config.steps_alone() }
}

/// Number of parameters if neither a set nor a model says it.
const ORDINARY_DIM: usize = 7;

/// Spectra of an ordinary size.
fn ordinary() -> ObservationSchema {
    ObservationSchema {
        n_wavelengths: 233,
        wavelengths: None,
        has_sigma: true,
        has_mask: false,
        spectrum_may_be_absent: false,
        photometry: None,
    }
}

/// `n` random simulations of `d` parameters with the shape of `schema`.
fn stand_in(schema: &ObservationSchema, d: usize, n: usize) -> SimulationSet {
    let mut random = Random::new(0, Purpose::Simulation(0));
    let theta = random.uniform(n * d, 0.4).into_iter().map(|v| 0.5 + f64::from(v)).collect();
    let observations = Observations::from_fn(|block| {
        let shape = schema.shape(block)?;
        Some(BlockSet {
            values: Matrix::new(n, shape.points, random.normal(n * shape.points)),
            sigma: shape.has_sigma.then_some(Uncertainty::Scalar(0.1)),
            mask: shape.has_mask.then(|| Matrix::new(n, shape.points, vec![0; n * shape.points])),
            axis: match block {
                Block::Spectrum => schema.wavelengths.clone().map(Axis::Wavelengths),
                Block::Photometry => schema.photometry.as_ref().and_then(|p| p.bands.clone()),
            },
        })
    });
    SimulationSet {
        file: String::new(),
        theta: Matrix::new(n, d, theta),
        observations,
        parameter_names: (1..=d).map(|i| format!("theta_{i}")).collect(),
        priors: vec![Prior::Uniform { low: 0.0, high: 1.0 }; d],
        dropped_rows: 0,
        notes: vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::ready;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// The seconds that `least` finds if the first pieces take `times` and every later piece takes `each`; and the
    /// number of pieces that were done.
    fn found(times: &[f64], each: f64) -> (f64, usize) {
        let (now, done) = (Cell::new(0.0), Cell::new(0));
        let clock = || now.get();
        let work = least(&clock, async |pieces| {
            for _ in 0..pieces {
                now.set(now.get() + times.get(done.get()).unwrap_or(&each));
                done.set(done.get() + 1);
            }
            ready(Ok(())).await
        });
        let Poll::Ready(found) = pin!(work).poll(&mut Context::from_waker(Waker::noop())) else { panic!("it waits") };
        (found.unwrap(), done.get())
    }

    #[test]
    fn the_first_piece_is_not_timed() {
        let (seconds, _) = found(&[30.0, 0.02], 0.01);
        assert!((seconds - 0.01).abs() < 1e-9, "{seconds}");
        // If every piece is slow, the result is slow.
        assert!((found(&[], 0.02).0 - 0.02).abs() < 1e-9);
    }

    #[test]
    fn a_slow_device_is_timed_by_its_second_piece() {
        assert_eq!(found(&[5.0, 2.0], 2.0), (2.0, 2));
    }

    #[test]
    fn a_fast_device_is_timed_over_many_pieces() {
        let (_, many) = found(&[], 0.001);
        assert!(many > 200, "{many}");
    }

    #[test]
    fn the_stand_in_has_the_shape_of_the_schema() {
        let mut schema = ordinary();
        schema.has_mask = true;
        schema.photometry = Some(crate::data::PhotometrySchema {
            n_bands: 4,
            bands: None,
            has_sigma: true,
            has_mask: true,
            may_be_absent: false,
        });
        let set = stand_in(&schema, 3, 8).validate().unwrap();
        assert_eq!(set.schema(), schema);
        assert_eq!((set.len(), set.parameter_dim()), (8, 3));
    }
}
