//! The flows that training makes: a family, sizes, and a seed from which splits and orders follow.

use super::{BaseDistribution, FlowDescription, Layers, Split, mask};
use crate::error::{Error, Result};
use crate::kernels::affine::AffineShape;
use crate::kernels::monotone_network::NetworkShape;
use crate::kernels::scalar_map::ScalarMap;
use crate::kernels::spline::SplineShape;
use serde::{Deserialize, Serialize};

/// The families of flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowFamily {
    /// Coupling layers with monotone rational-quadratic splines: [`FlowConfig::nsf`].
    #[default]
    Spline,
    /// Coupling layers with shift and scale: [`FlowConfig::realnvp`].
    Affine,
    /// Masked autoregressive layers with the [`AutoregressiveTransform`]: [`FlowConfig::maf`] and
    /// [`FlowConfig::nsf_autoregressive`].
    Autoregressive,
    /// Masked autoregressive layers with a monotone network per dimension: [`FlowConfig::naf`].
    NeuralAutoregressive,
}

/// The scalar map of [`FlowFamily::Autoregressive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoregressiveTransform {
    /// Shift and scale.
    Affine,
    /// Monotone rational-quadratic splines.
    #[default]
    Spline,
}

/// Sizes and kinds of the parts of a flow. The presets ([`nsf`](Self::nsf) and the others) are a start; every field may
/// be changed.
///
/// ```
/// use flowglass::flow::{Flow, FlowConfig};
/// use flowglass::random::{Purpose, Random};
///
/// // Three parameters, an embedding of 16 numbers, six layers instead of four.
/// let config = FlowConfig { num_coupling_layers: 6, ..FlowConfig::nsf(3, 16) };
/// let device = burn::tensor::Device::flex();
/// let flow = Flow::init(&config, &mut Random::new(0, Purpose::Initialization), &device);
/// assert_eq!(config.describe().layers.len(), 6);
/// # drop(flow);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FlowConfig {
    /// D, the number of parameters.
    pub parameter_dim: usize,
    /// E, the size of the embedding.
    pub embedding_dim: usize,
    /// The kind of the layers.
    pub flow_family: FlowFamily,
    /// Number of layers. Default: 4.
    pub num_coupling_layers: usize,
    /// Units of each hidden layer of a conditioner. Default: 128. An autoregressive flow needs at least D.
    pub hidden_dim: usize,
    /// Hidden layers of each conditioner. Default: 2.
    pub conditioner_depth: usize,
    /// The splines, if the family has them. Default: 8 bins on [-10, 10].
    pub spline: SplineShape,
    /// The map of [`FlowFamily::Autoregressive`]; the other families do not use it.
    pub autoregressive_transform: AutoregressiveTransform,
    /// The monotone networks of [`FlowFamily::NeuralAutoregressive`]; the other families do not use them. Default: 16
    /// units.
    pub neural: NetworkShape,
    /// The distribution of base space. Default: standard normal.
    pub base_distribution: BaseDistribution,
    /// Whether the base moves and widens with the embedding. Default: false.
    pub use_base_affine: bool,
    /// Seed of the splits and orders of the layers. Default: 0.
    pub seed: u64,
}

impl FlowConfig {
    /// Neural spline flow: coupling layers with monotone rational-quadratic splines (Durkan, Bekasov, Murray &
    /// Papamakarios 2019, "Neural Spline Flows").
    ///
    /// One layer costs one pass of its conditioner in both directions, so sampling is as fast as computing densities.
    ///
    /// # Warning
    /// A spline is the identity outside `[-bound, bound]`. Data far outside are modeled by the base distribution alone.
    pub fn nsf(parameter_dim: usize, embedding_dim: usize) -> Self {
        Self {
            parameter_dim,
            embedding_dim,
            flow_family: FlowFamily::Spline,
            num_coupling_layers: 4,
            hidden_dim: 128,
            conditioner_depth: 2,
            spline: SplineShape::new(8, 10.0),
            autoregressive_transform: AutoregressiveTransform::default(),
            neural: NetworkShape { units: 16, min_slope: 1e-3, min_residual: 0.05, bisection_steps: 48 },
            base_distribution: BaseDistribution::default(),
            use_base_affine: false,
            seed: 0,
        }
    }

    /// RealNVP: coupling layers with shift and scale (Dinh, Sohl-Dickstein & Bengio 2017, "Density estimation using
    /// Real NVP").
    ///
    /// One layer costs one pass of its conditioner in both directions. RealNVP is the fastest family and the least
    /// flexible: for each observation, a layer only shifts and scales.
    pub fn realnvp(parameter_dim: usize, embedding_dim: usize) -> Self {
        Self { flow_family: FlowFamily::Affine, ..Self::nsf(parameter_dim, embedding_dim) }
    }

    /// Masked autoregressive flow: every parameter is shifted and scaled by functions of the parameters before it
    /// (Papamakarios, Pavlakou & Murray 2017, "Masked Autoregressive Flow for Density Estimation").
    ///
    /// Densities cost one pass per layer. Sampling takes D steps per layer, because the map of a parameter needs all
    /// parameters before it.
    pub fn maf(parameter_dim: usize, embedding_dim: usize) -> Self {
        Self {
            flow_family: FlowFamily::Autoregressive,
            autoregressive_transform: AutoregressiveTransform::Affine,
            ..Self::nsf(parameter_dim, embedding_dim)
        }
    }

    /// The autoregressive neural spline flow: as [`maf`](Self::maf), with the splines of [`nsf`](Self::nsf) instead of
    /// shift and scale (Durkan et al. 2019, section 4).
    ///
    /// Densities cost one pass per layer, sampling D steps per layer.
    ///
    /// # Warning
    /// A spline is the identity outside `[-bound, bound]`. Data far outside are modeled by the base distribution alone.
    pub fn nsf_autoregressive(parameter_dim: usize, embedding_dim: usize) -> Self {
        Self { autoregressive_transform: AutoregressiveTransform::Spline, ..Self::maf(parameter_dim, embedding_dim) }
    }

    /// Neural autoregressive flow: as [`maf`](Self::maf), with a small monotone network for every parameter (Huang,
    /// Krueger, Lacoste & Courville 2018, "Neural Autoregressive Flows").
    ///
    /// Densities cost one pass per layer. Sampling is the slowest of all families: D steps per layer, and in each step
    /// a search for the inverse of the network by bisection.
    ///
    /// # Warning
    /// An untrained flow is close to the identity, but not the identity.
    pub fn naf(parameter_dim: usize, embedding_dim: usize) -> Self {
        Self { flow_family: FlowFamily::NeuralAutoregressive, ..Self::nsf(parameter_dim, embedding_dim) }
    }

    /// The map that every layer applies to a single dimension.
    pub fn scalar_map(&self) -> ScalarMap {
        match (self.flow_family, self.autoregressive_transform) {
            (FlowFamily::Spline, _) | (FlowFamily::Autoregressive, AutoregressiveTransform::Spline) => {
                ScalarMap::Spline(self.spline)
            }
            (FlowFamily::Affine, _) | (FlowFamily::Autoregressive, AutoregressiveTransform::Affine) => {
                ScalarMap::Affine(AffineShape::default())
            }
            (FlowFamily::NeuralAutoregressive, _) => ScalarMap::MonotoneNetwork(self.neural),
        }
    }

    /// Whether the layers are autoregressive.
    pub fn is_autoregressive(&self) -> bool {
        matches!(self.flow_family, FlowFamily::Autoregressive | FlowFamily::NeuralAutoregressive)
    }

    /// The description of such a flow, with the splits or orders that follow from the seed.
    pub fn describe(&self) -> FlowDescription {
        let (dim, layers) = (self.parameter_dim, self.num_coupling_layers);
        FlowDescription {
            parameter_dim: dim,
            embedding_dim: self.embedding_dim,
            layers: if self.is_autoregressive() {
                Layers::Autoregressive(mask::orders(dim, layers, self.seed))
            } else {
                Layers::Coupling(Split::alternating(dim, layers, self.seed))
            },
            width: self.hidden_dim,
            depth: self.conditioner_depth,
            map: self.scalar_map(),
            base: self.base_distribution,
            base_affine: self.use_base_affine.then(AffineShape::default),
        }
    }

    /// Checks what depends on D.
    ///
    /// # Errors
    /// [`Error::Option`] for a masked conditioner that is narrower than D. Such a conditioner would lose dependencies
    /// between parameters without an error.
    pub fn validate(&self) -> Result<()> {
        if self.is_autoregressive() && self.hidden_dim < self.parameter_dim {
            let least =
                format!("at least the number of parameters, {}, for an autoregressive flow_family", self.parameter_dim);
            return Err(Error::option("hidden_dim", self.hidden_dim, least));
        }
        Ok(())
    }
}
