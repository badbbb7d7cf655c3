//! The numbers of a report as rows of text. The first row is the head.

use crate::diagnostics::{Conclusion, Coverage, LEVELS, Report};
use crate::plots::{by_width, fixed, power, row};

/// Correlation, coverage and verdict of each parameter.
pub fn intervals(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![row(["parameter", "correlation"])];
    for level in LEVELS {
        rows[0].extend([format!("{} %", level * 100.0), "± ideal".into(), "off by".into()]);
    }
    rows[0].push("verdict".into());
    for p in &report.parameters {
        let mut cells = vec![p.name.clone(), fixed(p.recovery.correlation, 4)];
        p.intervals.iter().for_each(|c| cells.extend(coverage(c)));
        cells.push(p.verdict.words.clone());
        rows.push(cells);
    }
    rows
}

/// Recovery of each parameter.
pub fn recovery(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![row(["parameter", "RMSE", "bias", "z mean", "z rms", "contraction"])];
    for p in &report.parameters {
        let (of, m) = (&p.recovery, p.truths.len() as f64);
        // Standard errors over the simulations, the first one for errors that are normal.
        let (rmse, bias) = (by_width(of.rmse, of.rmse / (2.0 * m).sqrt()), by_width(of.bias, of.rmse / m.sqrt()));
        let (z_mean, z_rms, contraction) = (fixed(p.z_mean, 3), fixed(p.z_rms, 3), fixed(p.contraction, 4));
        rows.push(row([&p.name, &rmse, &bias, &z_mean, &z_rms, &contraction]));
    }
    rows
}

/// Coverage of regions over all parameters together.
pub fn regions(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![row(["all parameters together", "at 50 %", "at 90 %", "verdict"])];
    for (name, region) in report.regions() {
        let at = |level: f64| {
            let nearest =
                region.coverage.iter().min_by(|a, b| (a.level - level).abs().total_cmp(&(b.level - level).abs()));
            nearest.map_or("-".into(), |c| fixed(c.coverage, 4))
        };
        rows.push(row([name, &at(0.5), &at(0.9), &region.verdict.words]));
    }
    rows
}

/// The verdict on the model, and the next step: a line each.
pub fn verdict(report: &Report) -> String {
    let Conclusion { sentence, next, .. } = &report.verdict;
    format!("verdict: {sentence}\nnext: {next}\n")
}

/// What fits into no table, a line each: edges of the prior that are wrong, stability and predictions.
pub fn others(report: &Report) -> String {
    let s = &report.stability;
    let mut text = report.verdict.edges.iter().map(|edge| format!("{edge}\n")).collect::<String>();
    text += &format!(
        "inverse: error {} in z, {} in the log-determinant; {} % of draws on the edge of the prior\n",
        power(s.max_abs_error),
        power(s.max_abs_log_det_closure),
        fixed(100.0 * s.edge_share, 2)
    );
    if let Some(p) = &report.predictive {
        text += &format!(
            "predictions by {}: {} % of the observations have a p-value below 5 % (at most 10 % are expected)\n",
            p.simulator,
            fixed(100.0 * p.below_5_percent, 1)
        );
    }
    text
}

/// A coverage, its standard error, and its deviation in standard errors.
fn coverage(c: &Coverage) -> [String; 3] {
    [fixed(c.coverage, 4), fixed(c.standard_error, 4), format!("{:+.1} se", c.deviation)]
}

/// A p-value in four digits, or its power of ten if it is small.
pub fn p_value(p: f64) -> String {
    if p < 1e-4 { format!("{p:.0e}") } else { fixed(p, 4) }
}
