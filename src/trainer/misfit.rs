//! What a model keeps of its simulations, to say later whether it can make an observation.

use super::batches::Split;
use crate::data::{Block, Observation, is_free_of_noise, rows_with_wild_values};
use crate::diagnostics::simulated_residuals;
use crate::error::Result;
use crate::misfit::{Misfit, Simulated};
use crate::posterior::{Posterior, read};
use crate::random::{Diagnostic, Purpose, Random};
use crate::simulators::simulator_of;

/// Most simulations that give the models of data and embeddings: several for each of hundreds of points.
const FITTED: usize = 2000;
/// Most held-out simulations that give the distributions of the scores. A p-value of 1 % needs a hundred.
const HELD_OUT: usize = 2000;
/// The same if a simulator predicts each of them several times: about a second of work.
const SIMULATED: usize = 500;
/// Most values of the simulations that are held at once: 8 MB in double precision.
const VALUES: usize = 1 << 20;
/// Simulations that are encoded in one pass.
const PASS: usize = 256;

/// Compares the training split with the validation split, as `posterior` encodes them. `None` if nothing was held out.
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if the device fails.
pub(super) async fn misfit(posterior: &Posterior, train: &Split, validation: &Split) -> Result<Option<Misfit>> {
    let schema = &posterior.metadata().schema;
    let most = VALUES / schema.n_points().max(1);
    // A block without noise gets in training as much as the options say, and an observation has it.
    let std = posterior.metadata().config.embedding_noise_std;
    let set = train.set();
    let lacks_noise = |block| set.observations.get(block).as_ref().is_some_and(|own| is_free_of_noise(&set.theta, own));
    let noisy: Vec<Block> = Block::ALL.into_iter().filter(|&block| std > 0.0 && lacks_noise(block)).collect();
    let mut random = Random::new(posterior.metadata().config.seed, Purpose::Diagnostic(Diagnostic::Misfit));
    let space = &posterior.metadata().space;
    // One of them would be the scale of all.
    let wild = rows_with_wild_values(set);
    let mut taken = |split: &Split, most: usize| {
        let step = split.len().div_ceil(most.max(1)).max(1);
        let mut rows: Vec<usize> = (0..split.len()).step_by(step).collect();
        // Rows with numbers that are not finite were of no use in training either.
        rows.retain(|&row| wild.binary_search(&split.row(row)).is_err());
        rows.retain(|&row| split.observations(&[row]).all(|observation| schema.check(&observation).is_ok()));
        let mut observations: Vec<Observation> = split.observations(&rows).collect();
        for observation in &mut observations {
            noisy.iter().for_each(|&block| add_noise(observation, block, std, &mut random));
        }
        (observations, space.in_box(&split.theta(&rows)))
    };
    let (fitted, of_fitted) = taken(train, FITTED.min(most.max(2)));
    let simulator = simulator_of(set).filter(|simulator| simulator.has_sigma() && schema.has_sigma);
    let (held_out, of_held_out) = taken(validation, if simulator.is_some() { SIMULATED } else { HELD_OUT });
    if held_out.is_empty() {
        return Ok(None);
    }
    let (encoded, encoded_held_out) = (embeddings(posterior, &fitted).await?, embeddings(posterior, &held_out).await?);
    let fitted = Simulated { observations: &fitted, embeddings: &encoded, parameters: &of_fitted };
    let held_out = Simulated { observations: &held_out, embeddings: &encoded_held_out, parameters: &of_held_out };
    let mut residuals = None;
    if let Some(simulator) = simulator {
        let mut all = Vec::with_capacity(held_out.observations.len());
        let each = encoded_held_out.len() / held_out.observations.len();
        for own in held_out.observations.iter().zip(encoded_held_out.chunks_exact(each)) {
            all.push(simulated_residuals(posterior, simulator, own).await?);
        }
        residuals = Some((simulator.name().to_string(), all));
    }
    Ok(Misfit::new(schema, fitted, held_out, residuals))
}

/// Adds noise of `std` times the uncertainties.
fn add_noise(observation: &mut Observation, block: Block, std: f64, random: &mut Random) {
    let (values, sigma) = match (block, &mut observation.spectrum, &mut observation.photometry) {
        (Block::Spectrum, Some(spectrum), _) => (&mut spectrum.values, &spectrum.sigma),
        (Block::Photometry, _, Some(photometry)) => (&mut photometry.values, &photometry.sigma),
        _ => return,
    };
    let noise = random.normal(values.len());
    for ((value, sigma), noise) in values.iter_mut().zip(sigma.iter().flatten()).zip(noise) {
        *value += std as f32 * sigma * noise;
    }
}

/// The embeddings of observations, row-major (n, E).
async fn embeddings(posterior: &Posterior, observations: &[Observation]) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    for part in observations.chunks(PASS) {
        all.extend(read(posterior.batch_encode_observation(part)?).await?);
    }
    Ok(all)
}
