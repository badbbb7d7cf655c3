//! The networks that the options ask for: the shapes of the flow and of the encoder.

use crate::data::{Block, ObservationSchema};
use crate::encoder::{EncoderConfig, SpectrumEncoderConfig};
use crate::flow::FlowConfig;
use crate::kernels::monotone_network::NetworkShape;
use crate::kernels::spline::SplineShape;
use crate::options::Config;

impl Config {
    /// The splines of this configuration, if it has any.
    pub fn spline_shape(&self) -> SplineShape {
        SplineShape::new(self.num_spline_bins, self.spline_bound)
    }

    /// The flow of this configuration.
    pub fn flow(&self, parameter_dim: usize) -> FlowConfig {
        FlowConfig {
            parameter_dim,
            embedding_dim: self.embedding_dim,
            flow_family: self.flow_family,
            num_coupling_layers: self.num_coupling_layers,
            hidden_dim: self.hidden_dim,
            conditioner_depth: self.conditioner_depth,
            spline: self.spline_shape(),
            autoregressive_transform: self.autoregressive_transform,
            neural: NetworkShape {
                units: self.autoregressive_transform_units,
                min_slope: self.neural_autoregressive_min_slope,
                min_residual: self.neural_autoregressive_min_residual,
                bisection_steps: self.neural_autoregressive_inverse_bisection_steps,
            },
            base_distribution: self.base_distribution,
            use_base_affine: self.use_base_affine,
            seed: self.seed,
        }
    }

    /// The encoder of this configuration; `features` is the number of features of each block.
    pub fn encoder(&self, schema: &ObservationSchema, features: usize) -> EncoderConfig {
        EncoderConfig {
            spectrum: schema.shape(Block::Spectrum).map(|shape| SpectrumEncoderConfig {
                kind: self.spectrum_encoder_type,
                shape,
                width: self.encoder_hidden_dim.unwrap_or(self.hidden_dim),
                patch_size: self.encoder_patch_size,
                outputs: self.spectrum_embedding_dim,
            }),
            photometry: schema.shape(Block::Photometry),
            photometry_embedding_dim: self.photometry_embedding_dim,
            features,
            hidden_dim: self.hidden_dim,
            embedding_dim: self.embedding_dim,
        }
    }
}
