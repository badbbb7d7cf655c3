//! Judges whether the flow of an epoch is inverted well enough to be kept: the measurement of
//! [`inverse_stability`](crate::posterior::Network::inverse_stability) against the thresholds of the options.

use crate::error::Result;
use crate::options::Config;
use crate::posterior::{EpochStability, InverseStability, Metadata, Network};
use crate::trainer::batches::Split;
use burn::tensor::Device;

/// Observations whose flow is measured.
const OBSERVATIONS: usize = 64;
/// Draws for each observation.
const DRAWS: usize = 16;

/// Whether the options set a threshold, so that epochs are judged.
pub(crate) fn is_judged(config: &Config) -> bool {
    thresholds(config).iter().any(Option::is_some)
}

/// Measures how well `network` is inverted for the first observations of `split`, and judges it by the thresholds of
/// the options. `None` if the options request neither a judgment nor diagnostics.
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if the device fails.
pub(crate) async fn stability(
    network: &Network,
    metadata: &Metadata,
    split: &Split,
    device: &Device,
) -> Result<Option<EpochStability>> {
    let config = &metadata.config;
    if !is_judged(config) && !config.collects_diagnostics() {
        return Ok(None);
    }
    let rows: Vec<usize> = (0..split.len().min(OBSERVATIONS)).collect();
    let embeddings = network.encoder.forward(split.batch(&rows, device).input);
    let how = (config.base_distribution, &metadata.space);
    Ok(Some(judged(config, network.inverse_stability(how, embeddings, DRAWS, config.seed).await?)))
}

fn thresholds(config: &Config) -> [Option<f64>; 3] {
    [
        config.stable_inverse_forward_max_abs_error_threshold,
        config.stable_inverse_forward_logdet_closure_max_abs_error_threshold,
        config.stable_cube_edge_hit_rate_threshold,
    ]
}

fn judged(config: &Config, found: InverseStability) -> EpochStability {
    let InverseStability { max_abs_error, max_abs_log_det_closure, edge_share } = found;
    let found = [max_abs_error, max_abs_log_det_closure, edge_share];
    let within = |(found, most): (&f64, Option<f64>)| most.is_none_or(|most| *found <= most);
    let finite = |v: f64| v.is_finite().then_some(v);
    EpochStability {
        max_abs_error: finite(max_abs_error),
        max_abs_log_det_closure: finite(max_abs_log_det_closure),
        edge_share,
        stable: found.iter().zip(thresholds(config)).all(within),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: InverseStability =
        InverseStability { max_abs_error: 1e-5, max_abs_log_det_closure: 1e-5, edge_share: 0.0 };

    /// One measurement beyond each threshold.
    const BROKEN: [InverseStability; 3] = [
        InverseStability { max_abs_error: 1e-3, ..FINE },
        InverseStability { max_abs_log_det_closure: f64::INFINITY, ..FINE },
        InverseStability { edge_share: 1e-3, ..FINE },
    ];

    #[test]
    fn a_measurement_within_all_thresholds_is_stable() {
        assert!(judged(&Config::default(), FINE).stable);
    }

    #[test]
    fn a_measurement_beyond_one_threshold_is_not_stable() {
        assert!(BROKEN.iter().all(|&found| !judged(&Config::default(), found).stable));
    }

    #[test]
    fn without_thresholds_every_measurement_is_stable() {
        let off = Config {
            stable_inverse_forward_max_abs_error_threshold: None,
            stable_inverse_forward_logdet_closure_max_abs_error_threshold: None,
            stable_cube_edge_hit_rate_threshold: None,
            ..Config::default()
        };
        assert!(BROKEN.iter().all(|&found| judged(&off, found).stable));
    }
}
