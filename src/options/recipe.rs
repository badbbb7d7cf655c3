//! Presets: one for each kind of flow, the defaults adapted to a set, and settings for accuracy that follow from the
//! numbers of simulations and parameters.

use super::Config;
use crate::data::SimulationSet;
use crate::encoder::SpectrumEncoderType;
use crate::flow::{BaseDistribution, FlowFamily};
use crate::prior::Prior;
use crate::space::SpaceKind;

/// Up to this number, parameters count as few. A posterior of few parameters may be sharp and curved. It then needs
/// many layers, and few simulations are enough to train them without overfitting.
const FEW_PARAMETERS: usize = 4;

impl Config {
    /// Coupling with rational-quadratic splines (Durkan et al. 2019), which is the default.
    pub fn spline() -> Self {
        Self { flow_family: FlowFamily::Spline, ..Self::default() }
    }

    /// Coupling with shift and scale (RealNVP, Dinh et al. 2017).
    pub fn affine() -> Self {
        Self { flow_family: FlowFamily::Affine, ..Self::default() }
    }

    /// A masked autoregressive flow (MAF, Papamakarios et al. 2017). Its maps are splines or, with
    /// `autoregressive_transform`, shift and scale.
    pub fn autoregressive() -> Self {
        Self { flow_family: FlowFamily::Autoregressive, ..Self::default() }
    }

    /// A masked autoregressive flow with a monotone network for each parameter (NAF, Huang et al. 2018).
    pub fn neural_autoregressive() -> Self {
        Self { flow_family: FlowFamily::NeuralAutoregressive, ..Self::default() }
    }

    /// The defaults, adapted to this set. Without a prior for every parameter, only the physical space is left.
    pub fn for_set(set: &SimulationSet) -> Self {
        let parameter_space =
            if set.priors.contains(&Prior::None) { SpaceKind::Physical } else { Self::default().parameter_space };
        Self { parameter_space, ..Self::default() }
    }

    /// Settings for accuracy: an ensemble of flows, trained until the learning rate has run out. They depend on the
    /// number of simulations N, on the number of parameters D, and on whether the data have a grid of wavelengths,
    /// never on the task. They were tried out on tasks of Lueckmann et al. 2021 (two_moons, gaussian_linear_uniform,
    /// slcp, Bernoulli GLM). Training takes minutes on one core for up to 100,000 simulations of ten parameters.
    pub fn accurate(set: &SimulationSet) -> Self {
        let (n, d) = (set.len(), set.parameter_dim());
        let few = d <= FEW_PARAMETERS;
        let size = Size::of(n);
        Self {
            // Values without a grid have no order, so a convolution cannot use their order.
            spectrum_encoder_type: match set.schema_of(&[]).wavelengths {
                Some(_) => SpectrumEncoderType::Conv1d,
                None => SpectrumEncoderType::Mlp,
            },
            flow_family: if few { FlowFamily::Autoregressive } else { FlowFamily::Spline },
            num_coupling_layers: if few { 8 } else { size.layers },
            num_spline_bins: size.bins,
            hidden_dim: size.hidden,
            embedding_dim: 32,
            batch_size: size.batch,
            learning_rate: size.learning_rate,
            num_epochs: size.epochs,
            early_stopping_patience: Some(size.patience),
            use_cosine_schedule: true,
            // The more parameters, the more there is to overfit.
            weight_decay: (size.decay_per_parameter * d as f64).min(1.0),
            base_distribution: if few { BaseDistribution::Gaussian } else { size.base },
            ensemble_size: size.members,
            // Sharp posteriors cannot be inverted to 1e-4 in f32 (docs/limits.md), and the best epoch would be lost.
            stable_inverse_forward_max_abs_error_threshold: None,
            stable_inverse_forward_logdet_closure_max_abs_error_threshold: None,
            stable_cube_edge_hit_rate_threshold: None,
            ..Self::for_set(set)
        }
    }
}

/// Settings that depend on the number of simulations.
struct Size {
    layers: usize,
    bins: usize,
    hidden: usize,
    batch: usize,
    learning_rate: f64,
    epochs: usize,
    patience: usize,
    decay_per_parameter: f64,
    /// The base distribution for more than a few parameters. The logistic distribution is the prior itself. With many
    /// simulations, the edges of the prior are learned better from it.
    base: BaseDistribution,
    members: usize,
}

impl Size {
    fn of(n: usize) -> Self {
        match n {
            ..3_000 => Self {
                layers: 4,
                bins: 8,
                hidden: 32,
                batch: 50,
                learning_rate: 5e-4,
                epochs: 300,
                patience: 40,
                decay_per_parameter: 0.0,
                base: BaseDistribution::Gaussian,
                members: 8,
            },
            3_000..30_000 => Self {
                layers: 5,
                bins: 10,
                hidden: 64,
                batch: 100,
                learning_rate: 5e-4,
                epochs: 100,
                patience: 30,
                decay_per_parameter: 0.07,
                base: BaseDistribution::Gaussian,
                members: 6,
            },
            30_000.. => Self {
                layers: 5,
                bins: 10,
                hidden: 64,
                batch: 200,
                learning_rate: 1e-3,
                epochs: 40,
                patience: 30,
                decay_per_parameter: 0.05,
                base: BaseDistribution::Logistic,
                members: 6,
            },
        }
    }
}
