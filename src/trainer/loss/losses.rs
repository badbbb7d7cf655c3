//! The losses over simulated pairs, what options add to them, and sums over steps.

use crate::error::Result;
use crate::flow::MapInputs;
use crate::kernels::cat;
use crate::kernels::spline::SplinePenalty;
use crate::kernels::square;
use crate::options::Config;
use crate::posterior::{Metadata, Network, read};
use crate::trainer::batches::Batch;
use burn::tensor::{Device, Tensor};

/// -log q(theta | x) of each row, (batch): the validation loss.
pub(crate) fn losses(network: &Network, metadata: &Metadata, batch: Batch) -> Tensor<1> {
    let embedding = network.encoder.forward(batch.input);
    let losses = network.log_prob(metadata.config.base_distribution, batch.theta, embedding).neg();
    let [n] = losses.dims();
    batch.log_image.into_iter().fold(losses, |losses, log_image| losses + log_image.reshape([n]))
}

/// The training loss, (1): the mean of -log q(theta | x) over the batch, plus the losses that options add.
pub(crate) fn training_loss(network: &Network, config: &Config, batch: Batch) -> Tensor<1> {
    let Batch { input, theta, log_scale, log_image } = batch;
    let embedding = network.encoder.forward(input);
    let base = config.base_distribution;
    let (log_prob, maps) = if needs_maps(config) {
        let (z, log_det, maps) = network.flow.forward_with_maps(theta.clone(), embedding.clone());
        (base.log_prob(z) + log_det, maps)
    } else {
        (network.log_prob(base, theta.clone(), embedding.clone()), vec![])
    };
    let loss = log_prob.mean().neg();
    let loss = log_image.into_iter().fold(loss, |loss, log_image| loss + log_image.mean());
    let added = added_losses(network, config, embedding, &maps, (theta, log_scale));
    added.into_iter().flatten().fold(loss, |sum, term| sum + term)
}

/// Whether the training loss depends on the inputs of the layers' maps, as the regularization of splines does.
pub(crate) fn needs_maps(config: &Config) -> bool {
    config.has_splines() && !spline_penalty(config).is_off()
}

/// The weighted losses that options add to -log q, (1) each; `None` for a loss that no option turns on. In order: small
/// bins, entropy and derivatives of the splines, the error of the scale head, the error of the parameter head. The last
/// argument holds the targets of the two heads.
pub(crate) fn added_losses(
    network: &Network,
    config: &Config,
    embedding: Tensor<2>,
    maps: &[MapInputs],
    (theta, log_scale): (Tensor<2>, Option<Tensor<2>>),
) -> [Option<Tensor<1>>; 5] {
    let mut splines = [None, None, None];
    if config.has_splines() {
        let (penalty, shape) = (spline_penalty(config), config.spline_shape());
        for given in maps {
            for (sum, term) in splines.iter_mut().zip(penalty.terms(given.raw.clone(), shape)) {
                let Some(term) = term.map(|term| term / maps.len() as f64) else { continue };
                *sum = Some(match sum.take() {
                    Some(sum) => sum + term,
                    None => term,
                });
            }
        }
    }
    let scale = network.scale_head.as_ref().zip(log_scale).map(|(head, log_scale)| {
        let error = head.forward(embedding.clone()) - log_scale;
        square(error).mean() * config.aux_scale_loss_weight
    });
    let parameters = network.parameter_head.as_ref().map(|head| {
        let error = head.forward(embedding) - theta;
        square(error).mean() * config.aux_parameter_loss_weight
    });
    let [small_bin, entropy, derivative] = splines;
    [small_bin, entropy, derivative, scale, parameters]
}

fn spline_penalty(config: &Config) -> SplinePenalty {
    SplinePenalty {
        small_bin_weight: config.spline_small_bin_regularization_weight.unwrap_or(0.0),
        min_bin_ratio: config.spline_min_bin_ratio_target,
        entropy_weight: config.spline_entropy_regularization_weight,
        entropy_floor: config.spline_entropy_floor,
        derivative_weight: config.spline_derivative_regularization_weight,
        derivative_range: [config.spline_min_derivative_target, config.spline_max_derivative_target],
    }
}

/// Sums over steps: loss, gradient norm, steps taken, (1) each. They stay on the device until they are read.
#[derive(Clone)]
pub(crate) struct Sums([Tensor<1>; 3]);

impl Sums {
    /// The sums over no steps.
    pub(crate) fn zero(device: &Device) -> Self {
        Self(std::array::from_fn(|_| Tensor::zeros([1], device)))
    }

    /// Adds the numbers of a step.
    pub(crate) fn add(&mut self, terms: [Tensor<1>; 3]) {
        for (sum, term) in self.0.iter_mut().zip(terms) {
            *sum = sum.clone() + term;
        }
    }

    /// Reads the device once.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device fails.
    pub(crate) async fn read(self) -> Result<[f64; 3]> {
        let values = read(cat(self.0.to_vec(), 0)).await?;
        Ok(std::array::from_fn(|i| f64::from(values[i])))
    }
}
