//! Training that starts from a model: more epochs on its set, or epochs on another set of the same kind. The space, the
//! scaling of data and the networks are the model's.

use super::build::{enough, leave_out_wild, metadata};
use super::epoch::Validation;
use super::{ElboLikelihood, Trainer};
use crate::data::{SimulationSet, check_priors};
use crate::diagnostics::{fits_schema, other_priors};
use crate::error::{Error, Result};
use crate::kernels::cat;
use crate::options::Config;
use crate::posterior::{DatasetInfo, Metadata, NetworkDescription, Posterior, Rows, parameters};

impl Trainer {
    /// A trainer that starts from the weights of `model`, on its device; all its members are trained on. `name` is what
    /// the new model's header calls it. [`Config::for_tuning`] and [`Config::tuned`] make options from the model's.
    ///
    /// No row validates that the model remembers as a training row. The optimizer begins with fresh moments. The new
    /// model remembers the training rows of both trainings, and is compared with `set` alone: what
    /// [`finish`](Self::finish) keeps of simulations is of `set`.
    ///
    /// # Errors
    /// [`Error::Option`] for an option whose value the model has for good, and for one that cannot work with this set;
    /// [`Error::Array`] naming what differs if the set is not of the kind that the model reads: numbers and names of
    /// parameters, priors, grid, bands, uncertainties and masks; the errors of
    /// [`with_likelihood`](Self::with_likelihood).
    pub fn tune(
        model: &Posterior,
        name: &str,
        set: &SimulationSet,
        config: &Config,
        likelihood: Option<ElboLikelihood>,
    ) -> Result<Self> {
        let before = model.metadata();
        config.validate()?;
        config.check_tunes(&before.config)?;
        check_heads(config, model.network().description())?;
        enough(set)?;
        let all: Vec<usize> = (0..set.len()).collect();
        fits_schema(before, set, &all)?;
        if let Some((name, own, came)) = other_priors(before, set).next() {
            let message =
                format!("the prior of {name} is {came} in the set, and {own} in the model: expected the same");
            return Err(Error::array("priors", message));
        }
        let Metadata { space, schema, preprocessing, .. } = before.clone();
        // A file may leave out names and priors.
        let (parameter_names, priors) = (space.names.clone(), space.priors.clone());
        let set = SimulationSet { parameter_names, priors, ..set.clone() };
        check_priors(&set)?;
        config.validate_for(&schema, space.dim())?;
        let (mut rows, by) = Rows::split_again(&set, config, before)?;
        leave_out_wild(&mut rows, &set, space.kind);
        let dataset = DatasetInfo::of(&set, &rows.train).after(&before.dataset, by);
        let metadata = metadata(&set, config, &rows, (space, schema, preprocessing), dataset);
        let networks: Vec<_> = model.members().iter().map(|member| member.description().clone()).collect();
        let weights = cat(model.members().iter().map(parameters::flatten).collect(), 0);
        let start = Posterior::described(metadata, &networks, &model.device().clone().inner())?.with_weights(&weights);
        let mut trainer = Self::of_parts(&set, rows, start, likelihood)?;
        trainer.state.record.from = before.training.from.clone();
        trainer.state.record.from.push(before.origin(name));
        Ok(trainer)
    }

    /// Measures the validation loss of the weights that a member starts from, once, if they are a model's.
    pub(super) async fn measure_start(&mut self) -> Result<()> {
        let record = &self.state.record;
        if record.from.is_empty() || self.state.step > 0 || record.start_losses.len() > self.index() {
            return Ok(());
        }
        let (network, metadata, device) = (self.network(), self.posterior.metadata(), self.posterior.device());
        let losses = self.objective.validation_losses(network, metadata, &self.validation, device).await?;
        let loss = Validation::of(&losses).map(|validation| validation.loss).filter(|loss| loss.is_finite());
        self.state.record.start_losses.extend(loss);
        Ok(())
    }
}

/// Makes sure that each auxiliary loss has its layer, and each layer its loss.
fn check_heads(config: &Config, network: &NetworkDescription) -> Result<()> {
    for (option, weight, has) in [
        ("aux_scale_loss_weight", config.aux_scale_loss_weight, network.scale_head),
        ("aux_parameter_loss_weight", config.aux_parameter_loss_weight, network.parameter_head),
    ] {
        if (weight > 0.0) != has {
            let expected = if has { "above 0, since the model has" } else { "0, since the model lacks" };
            return Err(Error::option(option, weight, format!("{expected} the layer of this loss")));
        }
    }
    Ok(())
}
