//! A report as one HTML page. Everything is inline; the page fetches nothing.

use super::panels::{self, Panel};
use super::rows;
use crate::diagnostics::{Conclusion, Report};
use crate::plots::{count, escape, page_style};
use crate::posterior::TrainingRecord;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

const INTERVALS: &str = "Correlation is that of posterior mean and truth. Coverage is the share of truths inside central \
    intervals. ± is the standard error of a calibrated model; the deviation is in standard errors. The verdict takes the \
    number of all tests into account: a right model gets another one than right, or not constrained, in at most 1 % of \
    all checks. Not constrained: right, and as wide as the prior. Too narrow or too wide: by how much the 68 % intervals \
    differ from those that would hold 68 % of the truths. Shifted: by how many posterior standard deviations (sd).";
const RECOVERY_TABLE: &str = "Bias and RMSE are errors of the posterior mean. z is (mean - truth) / posterior standard \
    deviation. If the model is right, the mean of z is 0 and its root mean square is 1. Contraction is 1 - posterior \
    variance / prior variance: near 1 the data determine the parameter, near 0 they tell nothing about it.";
const REGIONS: &str = "Regions over all parameters together. They reveal wrong correlations, which intervals of single \
    parameters cannot show.";
const SBC: &str = "Each curve shows how much more often than expected the truth has a rank below that share of its draws. \
    A calibrated curve stays inside the band everywhere with a probability of 95 %; one right curve of twenty leaves it. An S that starts upward means that \
    posteriors are too narrow; an S that starts downward, too wide. An arch above zero means that parameters are \
    overestimated; an arch below zero, underestimated.";
const RECOVERY: &str = "Each dot is a simulation. On the dashed line the posterior mean is the truth. A flat cloud means \
    that the data do not determine the parameter.";
const Z: &str = "Each dot is a simulation. Dots farther to the right are simulations whose data tell more about the \
    parameter. Dots farther from z = 0 have a posterior mean that is more standard deviations off. Dots on the right should \
    be within ±2; many dots beyond that mean that posteriors are too narrow.";
const DENSITY: &str = "Share of truths inside the region of highest density of each credibility. Above the dashed line \
    posteriors are too wide; below it they are too narrow or wrong. 95 % of exact posteriors stay inside the band.";
const TARP: &str = "Tests of accuracy with random points (TARP): for each credibility, the share of truths inside balls \
    around reference points. A curve that leaves the band belongs to wrong posteriors. Reference points that are the \
    parameters of similar data also reveal a posterior that ignores the observation.";

/// The page. `record` is the training history of the model.
pub fn page(report: &Report, record: &TrainingRecord, title: &str) -> String {
    let title = escape(title);
    let (m, n) = (count(report.options.n_simulations), count(report.options.n_draws));
    let mut body = format!(
        "<h1>{title}</h1><p class=\"soft\">{m} simulations, {n} posterior draws for each, seed {}.</p>",
        report.options.seed
    );
    for note in &report.notes {
        let _ = write!(body, "<p class=\"warning\">{}.</p>", escape(note));
    }
    let Conclusion { sentence, next, .. } = &report.verdict;
    let _ = write!(body, "<p><strong>Verdict: {}.</strong> Next: {}.</p>", escape(sentence), escape(next));
    let _ = write!(body, "<h2>Numbers</h2><p class=\"soft\">{INTERVALS}</p>{}", table(&rows::intervals(report)));
    let _ = write!(body, "<p class=\"soft\">{RECOVERY_TABLE}</p>{}", table(&rows::recovery(report)));
    let _ = write!(body, "<p class=\"soft\">{REGIONS}</p>{}", table(&rows::regions(report)));
    for line in rows::others(report).lines().filter(|line| !line.is_empty()) {
        let _ = write!(body, "<p>{}</p>", escape(line));
    }
    let each = |panel: &dyn Fn(usize) -> Panel| (0..report.parameters.len()).map(panel).collect::<Vec<_>>();
    let parameters = &report.parameters;
    body += &section("Calibration of each parameter", SBC, &each(&|j| panels::sbc(&parameters[j], &report.band)));
    let [(_, density), (uniform, by_uniform), (neighbor, by_neighbor)] = report.regions();
    let together = [
        panels::coverage(&[("a", "highest density", density)], &report.band, DENSITY),
        panels::coverage(&[("b", uniform, by_uniform), ("a", neighbor, by_neighbor)], &report.band, TARP),
    ];
    body += &section("Calibration of all parameters together", "", &together);
    body += &section("Recovery", RECOVERY, &each(&|j| panels::recovery(&parameters[j])));
    body += &section("What the data tell", Z, &each(&|j| panels::z_scores(&parameters[j])));
    if let Some(predictive) = &report.predictive {
        body += &section("Predictions", "", &[panels::predictive(predictive)]);
    }
    if let Some(losses) = panels::losses(record) {
        body += &section("Training", "", &[losses]);
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{}{STYLE}</style></head>\
         <body>{body}</body></html>\n",
        page_style()
    )
}

fn section(title: &str, how_to_read: &str, panels: &[Panel]) -> String {
    let intro = if how_to_read.is_empty() { String::new() } else { format!("<p class=\"soft\">{how_to_read}</p>") };
    let mut text = format!("<h2>{title}</h2>{intro}<div class=\"plots\">");
    for Panel { svg, caption } in panels {
        let _ = write!(text, "<figure>{svg}<figcaption>{}</figcaption></figure>", escape(caption));
    }
    text + "</div>"
}

/// A table in HTML; the first of `rows` is the head.
fn table(rows: &[Vec<String>]) -> String {
    let mut text = String::from("<div class=\"scroll\"><table>");
    for (i, cells) in rows.iter().enumerate() {
        text += "<tr>";
        for (cell, head) in cells.iter().zip(&rows[0]) {
            let tag = if i == 0 { "th" } else { "td" };
            let is_bad = i > 0 && head == "verdict" && !["right", "not constrained"].contains(&cell.as_str());
            let class = if is_bad { " class=\"bad\"" } else { "" };
            let _ = write!(text, "<{tag}{class}>{}</{tag}>", escape(cell));
        }
        text += "</tr>";
    }
    text + "</table></div>"
}
