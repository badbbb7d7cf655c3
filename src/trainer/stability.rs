//! Whether an epoch's flow is inverted well enough to be kept.

use super::batches::Split;
use crate::error::Result;
use crate::posterior::{Config, EpochStability, InverseStability, Metadata, Network};
use burn::tensor::Device;

/// Observations whose flow is looked at, and draws for each.
const OBSERVATIONS: usize = 64;
const DRAWS: usize = 16;

/// Whether the options say what a stable epoch is.
pub fn is_judged(config: &Config) -> bool {
    thresholds(config).iter().any(Option::is_some)
}

/// How well `network` is inverted, for the first observations of `split`, and what the thresholds of the options say of
/// it; none where nobody asks.
///
/// # Errors
/// [`Error::Device`](crate::error::Error::Device) if the device fails.
pub async fn stability(
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

    #[test]
    fn each_threshold_is_held_and_none_disables_it() {
        let fine = InverseStability { max_abs_error: 1e-5, max_abs_log_det_closure: 1e-5, edge_share: 0.0 };
        let config = Config::default();
        assert!(judged(&config, fine).stable);
        let broken = [
            InverseStability { max_abs_error: 1e-3, ..fine },
            InverseStability { max_abs_log_det_closure: f64::INFINITY, ..fine },
            InverseStability { edge_share: 1e-3, ..fine },
        ];
        assert!(broken.iter().all(|&found| !judged(&config, found).stable));
        let off = Config {
            stable_inverse_forward_max_abs_error_threshold: None,
            stable_inverse_forward_logdet_closure_max_abs_error_threshold: None,
            stable_cube_edge_hit_rate_threshold: None,
            ..config
        };
        assert!(broken.iter().all(|&found| judged(&off, found).stable));
    }
}
