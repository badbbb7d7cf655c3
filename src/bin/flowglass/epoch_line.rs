//! The diagnostics of an epoch, as one line of text.

use crate::number_text::{fixed, power, short};
use flowglass::kernels::spline::SplineStatistics;
use flowglass::posterior::{EpochDiagnostics, EpochRecord};

/// Gradient norm, learning rate, errors of the inverse, share of draws on the edge, terms that options add to the loss,
/// and statistics of the splines of all layers. The smallest bins are shares of a uniform bin, width x height.
pub(crate) fn line(record: &EpochRecord, diagnostics: &EpochDiagnostics) -> String {
    let EpochDiagnostics { inverse, losses, splines } = diagnostics;
    let mut parts = vec![
        format!("gradient {}", fixed(record.gradient_norm, 3)),
        format!("rate {}", short(record.learning_rate)),
        format!("inverse {}, log-det {}", size(inverse.max_abs_error), size(inverse.max_abs_log_det_closure)),
        format!("on the edge {} %", percent(inverse.edge_share)),
    ];
    let added = [
        ("small bins", losses.spline_small_bin),
        ("entropy", losses.spline_entropy),
        ("derivatives", losses.spline_derivative),
        ("scale", losses.aux_scale),
        ("parameters", losses.aux_parameter),
    ];
    let added = added.into_iter().filter_map(|(name, loss)| Some(format!("{name} +{}", fixed(loss?, 4))));
    let added: Vec<String> = added.collect();
    if !added.is_empty() {
        parts.push(format!("added: {}", added.join(", ")));
    }
    if !splines.is_empty() {
        let all = |of: fn(&Layer) -> Option<f64>| splines.iter().filter_map(of).collect::<Vec<f64>>();
        let least = |of| three_decimals(all(of).into_iter().reduce(f64::min));
        let most = |of| three_decimals(all(of).into_iter().reduce(f64::max));
        let mean = |of| {
            let all = all(of);
            all.iter().sum::<f64>() / all.len() as f64
        };
        parts.push(format!(
            "bins from {} x {} of uniform, entropy {} x {}, derivatives {} to {}, outside {} %",
            least(|l| l.width.smallest),
            least(|l| l.height.smallest),
            fixed(mean(|l| l.width.entropy), 3),
            fixed(mean(|l| l.height.entropy), 3),
            least(|l| l.smallest_derivative),
            most(|l| l.largest_derivative),
            percent(mean(|l| l.outside))
        ));
    }
    parts.join("  ")
}

/// Statistics of the splines of one layer. A number that is not finite is `None`.
type Layer = SplineStatistics<Option<f64>>;

fn three_decimals(number: Option<f64>) -> String {
    fixed(number.unwrap_or(f64::NAN), 3)
}

fn size(error: Option<f64>) -> String {
    power(error.unwrap_or(f64::NAN))
}

fn percent(share: f64) -> String {
    fixed(100.0 * share, 2)
}
