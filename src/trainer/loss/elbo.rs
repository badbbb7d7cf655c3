//! The evidence lower bound in the cube, where the prior is 1: E_q[ln p(x | theta) - ln q(u | x)] over reparameterized
//! draws (Kingma & Welling 2014; Rezende & Mohamed 2015).

use super::caller::{self, LikelihoodFunction};
use super::gradient_check::{DRAWS, check_gradient};
use crate::data::SimulationSet;
use crate::encoder::Input;
use crate::error::{Error, Result};
use crate::kernels::from_values;
use crate::options::Config;
use crate::posterior::{Metadata, Network};
use crate::random::{Purpose, Random};
use crate::simulators::{Likelihood, likelihood_for};
use crate::space::ParameterSpace;
use crate::trainer::batches::Split;
use burn::tensor::Tensor;

/// A likelihood, in one of two forms.
pub enum ElboLikelihood {
    /// A likelihood over tensors, which autodiff differentiates. A step of training reads nothing back from the device.
    Tensors(Box<dyn Likelihood>),
    /// A function on the CPU that returns its gradient too. A step reads its draws back from the device, once. Before
    /// training, the gradient is checked against differences of the value.
    Function(Box<LikelihoodFunction>),
}

/// Everything that the evidence lower bound needs besides the networks.
pub(crate) struct Elbo {
    likelihood: ElboLikelihood,
    /// Draws per observation.
    samples: usize,
}

impl Elbo {
    /// The bound under the likelihood that the caller brings, or else under the likelihood that `config` names.
    ///
    /// # Errors
    /// [`Error::Option`] if there is no likelihood or there are two, if the set has no spectra, or if the named
    /// likelihood belongs to other data.
    pub(crate) fn new(config: &Config, brought: Option<ElboLikelihood>, set: &SimulationSet) -> Result<Self> {
        let likelihood = match (brought, config.likelihood.as_deref()) {
            (Some(brought), None) => brought,
            (None, Some(name)) => ElboLikelihood::Tensors(Box::new(likelihood_for(name, set)?)),
            (Some(_), Some(name)) => {
                return Err(Error::option("likelihood", name, "none, since a likelihood was given beside the options"));
            }
            (None, None) => {
                let expected = "one of the built-in simulators, or a function of your own beside the options";
                return Err(Error::option("likelihood", "none", expected));
            }
        };
        if set.n_wavelengths() == 0 {
            return Err(Error::option("training_objective", "elbo", "npe, since the set has no spectra"));
        }
        Ok(Self { likelihood, samples: config.elbo_num_samples })
    }

    /// Checks the gradient that a function returns against differences of its value.
    ///
    /// # Errors
    /// [`Error::Likelihood`] if the likelihood fails or its gradient is not the derivative of its value; see
    /// [`check_gradient`].
    pub(crate) fn check(&self, space: &ParameterSpace, train: &Split, seed: u64) -> Result<()> {
        match &self.likelihood {
            ElboLikelihood::Tensors(_) => Ok(()),
            ElboLikelihood::Function(likelihood) => {
                let rows: Vec<usize> = (0..DRAWS).map(|i| i % train.len()).collect();
                check_gradient(likelihood, space, &train.spectra(&rows), seed)
            }
        }
    }

    /// The negative bound of each draw, (batch * samples), the draws of an observation contiguous. The mean is the
    /// loss. The observations are the `rows` of `split`. The last argument is the seed and the number of the base-space
    /// draws. Waits only for a likelihood that is a function.
    ///
    /// # Errors
    /// [`Error::Likelihood`] if the likelihood fails, and [`Error::Device`] if the device does; see
    /// [`caller::log_likelihood`].
    pub(crate) async fn losses(
        &self,
        network: &Network,
        metadata: &Metadata,
        (split, rows): (&Split, &[usize]),
        input: Input,
        (seed, step): (u64, u32),
    ) -> Result<Tensor<1>> {
        let (d, base) = (metadata.space.dim(), metadata.config.base_distribution);
        let embedding = network.encoder.forward(input);
        let (n, device) = (rows.len() * self.samples, embedding.device());
        let z = base.draw(n * d, &mut Random::new(seed, Purpose::Elbo(step)));
        let z = from_values::<2>(z, [n, d], &device);
        let log_base = base.log_prob(z.clone());
        let (v, log_det) = network.flow.inverse(z, embedding);
        let (theta, log_det_cube) = metadata.space.from_unconstrained(v);
        let log_q = log_base - log_det - log_det_cube;
        let log_likelihood = match &self.likelihood {
            ElboLikelihood::Tensors(likelihood) => likelihood.log_likelihood(theta, &split.observed(rows, &device)),
            ElboLikelihood::Function(likelihood) => {
                caller::log_likelihood(likelihood, theta, &split.spectra(rows), &metadata.space.names).await?
            }
        };
        Ok(log_q - log_likelihood)
    }
}
