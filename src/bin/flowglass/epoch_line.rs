//! The diagnostics of an epoch, as one line of text.

use crate::number_text::short;
use flowglass::kernels::spline::SplineStatistics;
use flowglass::posterior::{EpochDiagnostics, EpochRecord};

/// Gradient norm, learning rate, errors of the inverse, share of draws on the edge, terms that options add to the loss,
/// and statistics of the splines of all layers. The smallest bins are shares of a uniform bin, width x height.
pub(crate) fn line(record: &EpochRecord, diagnostics: &EpochDiagnostics) -> String {
    let EpochDiagnostics { inverse, losses, splines } = diagnostics;
    let mut parts = vec![
        format!("gradient {:.3}", record.gradient_norm),
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
    let added = added.into_iter().filter_map(|(name, loss)| Some(format!("{name} +{:.4}", loss?)));
    let added: Vec<String> = added.collect();
    if !added.is_empty() {
        parts.push(format!("added: {}", added.join(", ")));
    }
    if !splines.is_empty() {
        let all = |of: fn(&Layer) -> Option<f64>| splines.iter().filter_map(of).collect::<Vec<f64>>();
        let least = |of| fixed(all(of).into_iter().reduce(f64::min));
        let most = |of| fixed(all(of).into_iter().reduce(f64::max));
        let mean = |of| {
            let all = all(of);
            all.iter().sum::<f64>() / all.len() as f64
        };
        parts.push(format!(
            "bins from {} x {} of uniform, entropy {:.3} x {:.3}, derivatives {} to {}, outside {} %",
            least(|l| l.width.smallest),
            least(|l| l.height.smallest),
            mean(|l| l.width.entropy),
            mean(|l| l.height.entropy),
            least(|l| l.smallest_derivative),
            most(|l| l.largest_derivative),
            percent(mean(|l| l.outside))
        ));
    }
    parts.join("  ")
}

/// Statistics of the splines of one layer. A number that is not finite is `None`.
type Layer = SplineStatistics<Option<f64>>;

fn fixed(number: Option<f64>) -> String {
    number.map_or("not finite".into(), |v| format!("{v:.3}"))
}

fn size(error: Option<f64>) -> String {
    error.map_or("not finite".into(), |e| format!("{e:.1e}"))
}

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}
