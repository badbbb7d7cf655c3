//! From a set and options to a trainer: splits, preprocessing, spaces, objective and the first weights.

use super::batches::Split;
use super::loss::{Objective, Sums};
use super::noise::Noise;
use super::prior_loss::prior_loss;
use super::run::{Member, RunState};
use super::{ElboLikelihood, Plan, Schedule, Trainer};
use crate::data::preprocessing::Preprocessing;
use crate::data::{
    ObservationSchema, PriorFit, SimulationSet, check_priors, rows_with_wild_parameters, rows_with_wild_values,
};
use crate::error::{Error, Result};
use crate::kernels::DeviceKind;
use crate::options::{Config, TrainingObjective};
use crate::posterior::{DatasetInfo, Example, FORMAT_VERSION, Metadata, Posterior, Rows, TrainingRecord, parameters};
use crate::space::{ParameterSpace, SpaceKind};
use burn::tensor::Device;

impl Trainer {
    /// Splits the set, fits the preprocessing to the training split and makes the initial weights.
    ///
    /// # Errors
    /// [`Error::Option`] for a configuration that cannot work with this set; [`Error::Array`] for a set too small, or
    /// for one in which most rows lie outside of the priors.
    pub fn new(set: &SimulationSet, config: &Config, device: &Device) -> Result<Self> {
        Self::build(set, config, None, device)
    }

    /// [`new`](Self::new) with the caller's own likelihood for the evidence lower bound. Training learns from the
    /// observations of `set` only.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Option`] if the objective is not the evidence lower bound; [`Error::Likelihood`]
    /// if the gradient of the likelihood is not the derivative of its value, or if the likelihood fails.
    pub fn with_likelihood(
        set: &SimulationSet,
        config: &Config,
        likelihood: ElboLikelihood,
        device: &Device,
    ) -> Result<Self> {
        Self::build(set, config, Some(likelihood), device)
    }

    fn build(
        set: &SimulationSet,
        config: &Config,
        likelihood: Option<ElboLikelihood>,
        device: &Device,
    ) -> Result<Self> {
        config.validate()?;
        let (rows, schema) = split(set, config)?;
        check_priors(set)?;
        let theta = set.theta.select(&rows.train);
        let names = set.parameter_names.clone();
        let space = ParameterSpace::fit(config.parameter_space, names, set.priors.clone(), theta.values())?;
        let mut space = space.with_edges(config.edges);
        // The evidence lower bound learns from the prior and not from the theta of the set.
        if config.training_objective == TrainingObjective::Npe {
            let masses = PriorFit::of_set(set).into_iter().map(|fit| fit.point_masses);
            space = space.with_point_masses(masses.collect(), theta.values());
        }
        let preprocessing = Preprocessing::fit(config.preprocessing, set, &rows.train);
        let dataset = DatasetInfo::of(set, &rows.train);
        let metadata = metadata(set, config, &rows, (space, schema, preprocessing), dataset);
        Self::of_parts(set, rows, Posterior::from_metadata(metadata, &device.clone().inner())?, likelihood)
    }

    /// A trainer that starts from the weights of `posterior`, by the options of its header. `rows` says how `set` is
    /// split.
    pub(super) fn of_parts(
        set: &SimulationSet,
        rows: Rows,
        posterior: Posterior,
        likelihood: Option<ElboLikelihood>,
    ) -> Result<Self> {
        let Metadata { config, space, schema, preprocessing, .. } = posterior.metadata();
        let of_rows = |rows: &[usize], with_log_scales: bool| {
            let split = Split::new(set, schema, rows, (preprocessing, space), config.seed);
            if with_log_scales { split.with_log_scales() } else { split }
        };
        let has_scale_head = config.aux_scale_loss_weight > 0.0;
        let train = of_rows(&rows.train, has_scale_head);
        let validation = of_rows(&rows.validation, has_scale_head && config.collects_diagnostics());
        let judged = set.theta.select(if rows.validation.is_empty() { &rows.train } else { &rows.validation });
        // The evidence lower bound holds the likelihood too, so the prior's loss does not compare with it.
        let prior_loss =
            (config.training_objective == TrainingObjective::Npe).then(|| prior_loss(space, judged.values()));
        let noise = Noise::new(config, &train);
        let objective = Objective::new(config, likelihood, set, space, &train)?;
        let device = posterior.device().clone();
        let mut state = RunState::new(config, DeviceKind::of(&device).name());
        state.record.prior_loss = prior_loss;
        state.record.n_validation = Some(rows.validation.len());
        let batch_size = config.batch_size.min(train.len());
        let plan = plan(config, batch_size, rows, parameters::flatten(posterior.network()).dims()[0]);
        Ok(Self {
            schedule: Schedule::new(config, plan.steps_per_epoch),
            member: Member::new(posterior.network(), config),
            state,
            recent: Sums::zero(&device),
            recent_steps: 0,
            finished: Vec::new(),
            ended: None,
            posterior,
            train,
            validation,
            plan,
            batch_size,
            noise,
            objective,
        })
    }
}

/// The rows that train and the rows that validate, and the schema of the observations that train.
fn split(set: &SimulationSet, config: &Config) -> Result<(Rows, ObservationSchema)> {
    enough(set)?;
    let mut rows = Rows::split(set.len(), config);
    leave_out_wild(&mut rows, set, config.parameter_space);
    let schema = set.schema_of(&rows.train);
    config.validate_for(&schema, set.parameter_dim())?;
    // A model does not learn to do without a block that every training row has. A validation row that lacks the block
    // would validate an untrained vector.
    rows.validation.retain(|&row| schema.check_absences(&set.observation(row)).is_ok());
    Ok((rows, schema))
}

/// Makes sure that one simulation can train and one validate.
pub(super) fn enough(set: &SimulationSet) -> Result<()> {
    if set.len() < 2 {
        return Err(Error::array("theta", format!("{} simulation: expected at least 2 to train", set.len())));
    }
    Ok(())
}

/// Leaves out the rows with wild numbers that would harm training or validation in this space.
pub(super) fn leave_out_wild(rows: &mut Rows, set: &SimulationSet, space: SpaceKind) {
    let leave_out = |rows: &mut Vec<usize>, wild: &[usize]| rows.retain(|row| wild.binary_search(row).is_err());
    // In the other spaces, a parameter far from all others is moved to the edge of its prior.
    if space == SpaceKind::Physical {
        let wild = rows_with_wild_parameters(set);
        leave_out(&mut rows.train, &wild);
        leave_out(&mut rows.validation, &wild);
    }
    // One of 200 validation rows with a wild value raised the validation loss by 0.7. One of 1 800 training rows had no
    // such effect, since the norm of gradients is limited.
    leave_out(&mut rows.validation, &rows_with_wild_values(set));
}

/// The header of the model that is trained on these rows.
pub(super) fn metadata(
    set: &SimulationSet,
    config: &Config,
    rows: &Rows,
    (space, schema, preprocessing): (ParameterSpace, ObservationSchema, Preprocessing),
    dataset: DatasetInfo,
) -> Metadata {
    // A row that the model would accept: a model's file cannot hold numbers that are not finite.
    let example = rows.validation.iter().chain(&rows.train).find(|&&row| schema.check(&set.observation(row)).is_ok());
    let example = example
        .map(|&row| Example { theta: set.theta.row(row).to_vec(), observation: set.observation(row).without_masked() });
    Metadata {
        format_version: FORMAT_VERSION,
        flowglass_version: env!("CARGO_PKG_VERSION").into(),
        config: config.clone(),
        space,
        schema,
        preprocessing,
        dataset,
        training: TrainingRecord::default(),
        example,
    }
}

/// The plan of a run whose members have `weights` weights each.
fn plan(config: &Config, batch_size: usize, rows: Rows, weights: usize) -> Plan {
    // A last batch that is not full is left out: its gradient is noisier, and the order changes every epoch.
    let steps_per_epoch = rows.train.len() / batch_size;
    Plan {
        steps_per_epoch,
        total_steps: steps_per_epoch * config.num_epochs * config.ensemble_size,
        num_parameters: weights * config.ensemble_size,
        n_train: rows.train.len(),
        n_validation: rows.validation.len(),
        validation_rows: rows.validation,
    }
}
