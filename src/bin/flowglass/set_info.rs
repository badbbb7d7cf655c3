//! What a simulation set holds, as text and as JSON.

use crate::number_text::{count, counted, prior_row, row, short, table};
use flowglass::data::{ParameterInfo, SetSummary};
use flowglass::prior::Prior;
use flowglass::reading::{AssignedArray, ReadSet};
use serde::Serialize;

/// Everything about a set but its values, as `info --json` prints it.
#[derive(Serialize)]
pub(crate) struct SetInfo<'a> {
    #[serde(flatten)]
    summary: SetSummary<'a>,
    arrays: &'a [AssignedArray],
    fingerprint: String,
}

impl<'a> SetInfo<'a> {
    /// Reads through all values of the set.
    pub(crate) fn new(read: &'a ReadSet) -> Self {
        Self { summary: SetSummary::new(&read.set), arrays: &read.arrays, fingerprint: read.set.fingerprint() }
    }
}

/// What a set holds, for people.
pub(crate) fn text(read: &ReadSet) -> String {
    let set = SetSummary::new(&read.set);
    let (n, d) = (counted(count(set.n), "simulation"), counted(set.parameter_dim, "parameter"));
    let w = counted(count(set.n_wavelengths), "data point");
    let f = set.n_bands.map_or(String::new(), |f| format!(" and {}", counted(f, "band")));
    let mut text = format!("simulation set: {n} of {d} and {w}{f}\n\narrays\n");
    let mut rows = Vec::new();
    for AssignedArray { info, role } in &read.arrays {
        let shape: Vec<String> = info.shape.iter().map(ToString::to_string).collect();
        let role = role.as_deref().unwrap_or("not used");
        rows.push(row([&info.name, &format!("({})", shape.join(", ")), &info.dtype, role]));
    }
    text += &table(2, &rows);
    text += &format!("\nparameters ({})\n", set.parameter_dim);
    let mut rows = vec![row(["name", "prior", "low", "high", "smallest", "largest"])];
    for parameter in &set.parameters {
        let range = parameter.range.map_or_else(Default::default, |range| range.map(short));
        rows.push([prior_row(parameter.name, &parameter.prior), range.to_vec()].concat());
    }
    text += &table(2, &rows);
    text += &rows_in_priors(&set.parameters);
    text += "\ndata\n";
    let span = |[low, high]: [f64; 2]| format!("{} to {}", short(low), short(high));
    let lines = [
        ("x", set.x_range.map(span)),
        ("sigma", set.sigma_range.map(span)),
        ("wavelengths", set.wavelength_range.map(span)),
        ("bands", set.bands.map(|b| b.words().join(", "))),
        ("photometry", set.rows_with_photometry.map(|rows| format!("in {}", counted(count(rows), "simulation")))),
        ("masked", set.masked_share.map(|share| format!("{} % of all points", short(100.0 * share)))),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            text += &format!("  {name:<12}  {value}\n");
        }
    }
    for note in set.notes {
        text += &format!("\nnote: {note}");
    }
    if set.notes.is_empty() { text } else { text + "\n" }
}

/// Where the rows lie in the priors of those parameters that have one.
fn rows_in_priors(parameters: &[ParameterInfo]) -> String {
    let mut rows =
        vec![row(["name", "below", "on low", "near low", "near high", "on high", "above", "values", "fit p"])];
    for ParameterInfo { name, fit, .. } in parameters.iter().filter(|p| p.prior != Prior::None) {
        let counts =
            [fit.below, fit.on_low, fit.near_low, fit.near_high, fit.on_high, fit.above, fit.distinct].map(count);
        let p_value = fit.difference.map_or("-".into(), |difference| short(difference.p_value));
        rows.push([vec![name.to_string()], counts.to_vec(), vec![p_value]].concat());
    }
    if rows.len() == 1 { String::new() } else { format!("\nrows in the priors\n{}", table(2, &rows)) }
}
