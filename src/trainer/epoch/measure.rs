//! Measures the networks at the end of an epoch: the losses that options add, and the shapes of the splines.

use crate::error::Result;
use crate::kernels::spline::{STATISTICS, SplineStatistics};
use crate::kernels::{cat, from_values};
use crate::options::TrainingObjective;
use crate::posterior::{AddedLosses, EpochDiagnostics, EpochStability, Metadata, Network, read};
use crate::random::{Diagnostic, Purpose, Random};
use crate::trainer::batches::Split;
use crate::trainer::loss::added_losses;
use burn::tensor::{Device, Tensor};

/// Rows that are measured: enough for statistics, and few enough for one pass.
const ROWS: usize = 512;

/// Measures `network` on the first rows of `split`. `inverse` is the stability of `network`, which the caller has
/// measured. Reads the device once.
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if the device fails.
pub(crate) async fn diagnostics(
    network: &Network,
    metadata: &Metadata,
    split: &Split,
    inverse: EpochStability,
    device: &Device,
) -> Result<EpochDiagnostics> {
    let config = &metadata.config;
    let rows: Vec<usize> = (0..split.len().min(ROWS)).collect();
    let mut batch = split.batch(&rows, device);
    let embedding = network.encoder.forward(batch.input);
    if config.training_objective == TrainingObjective::Elbo {
        // This objective does not learn from the theta of the set, so these theta need not follow the flow's
        // distribution. The flow's own draws follow it.
        let random = &mut Random::new(config.seed, Purpose::Diagnostic(Diagnostic::RoundTrip));
        let [n, d] = batch.theta.dims();
        let z = from_values(config.base_distribution.draw(n * d, random), [n, d], device);
        batch.theta = network.flow.inverse(z, embedding.clone()).0;
    }
    let (_, _, maps) = network.flow.forward_with_maps(batch.theta.clone(), embedding.clone());
    let added = added_losses(network, config, embedding, &maps, (batch.theta, batch.log_scale));
    let shape = config.spline_shape();
    let splines = maps.into_iter().filter(|_| config.has_splines());
    let splines = splines.flat_map(|given| SplineStatistics::of(given.x, given.raw, shape).into_array());
    let tensors: Vec<Tensor<1>> = added.iter().flatten().cloned().chain(splines).collect();
    let mut numbers = match tensors.is_empty() {
        true => Vec::new(),
        false => read(cat(tensors, 0)).await?,
    }
    .into_iter()
    .map(|v| v.is_finite().then_some(f64::from(v)));
    let [spline_small_bin, spline_entropy, spline_derivative, aux_scale, aux_parameter] =
        added.map(|term| term.and_then(|_| numbers.next().flatten()));
    let losses = AddedLosses { spline_small_bin, spline_entropy, spline_derivative, aux_scale, aux_parameter };
    let numbers: Vec<Option<f64>> = numbers.collect();
    let (layers, _) = numbers.as_chunks::<STATISTICS>();
    let splines = layers.iter().map(|&layer| SplineStatistics::from_array(layer)).collect();
    Ok(EpochDiagnostics { inverse, losses, splines })
}
