//! What a simulation set holds, as text and as JSON.

use crate::info::prior_row;
use crate::numbers::{count, row, short, table};
use flowglass::data::{SimulationSet, Uncertainty};
use flowglass::reading::ReadSet;
use serde_json::{Value, json};

/// Everything about the set but its values.
pub fn values(read: &ReadSet) -> Value {
    let set = &read.set;
    let range = |r: Option<(f64, f64)>| r.map(|(low, high)| [low, high]);
    let parameters: Vec<Value> = (0..set.parameter_dim())
        .map(|j| json!({"name": set.parameter_names[j], "prior": set.priors[j], "range": range(theta_range(set, j))}))
        .collect();
    json!({
        "arrays": read.arrays,
        "n": set.len(),
        "parameters": parameters,
        "n_wavelengths": set.x.cols(),
        "x_range": range(x_range(set)),
        "sigma_range": range(sigma_range(set)),
        "wavelengths": set.wavelengths,
        "masked_share": masked_share(set),
        "n_bands": set.photometry.as_ref().map(|p| p.values.cols()),
        "bands": set.photometry.as_ref().and_then(|p| p.bands.as_ref()),
        "rows_with_photometry": rows_with_photometry(set),
        "dropped_rows": set.dropped_rows,
        "fingerprint": set.fingerprint(),
        "notes": set.notes,
    })
}

/// The same for people.
pub fn text(read: &ReadSet) -> String {
    let set = &read.set;
    let (n, d, w) = (count(set.len()), set.parameter_dim(), count(set.x.cols()));
    let f = set.photometry.as_ref().map_or(String::new(), |p| format!(" and {} bands", p.values.cols()));
    let mut text = format!("simulation set: {n} simulations of {d} parameters and {w} data points{f}\n\narrays\n");
    let mut rows = Vec::new();
    for a in &read.arrays {
        let shape: Vec<String> = a.info.shape.iter().map(ToString::to_string).collect();
        let role = a.role.as_deref().unwrap_or("not used");
        rows.push(row([&a.info.name, &format!("({})", shape.join(", ")), &a.info.dtype, role]));
    }
    text += &table(2, &rows);
    text += &format!("\nparameters ({d})\n");
    let mut rows = vec![row(["name", "prior", "low", "high", "smallest", "largest"])];
    for j in 0..d {
        let (low, high) = theta_range(set, j).map_or((String::new(), String::new()), |(a, b)| (short(a), short(b)));
        rows.push([prior_row(&set.parameter_names[j], &set.priors[j]), vec![low, high]].concat());
    }
    text += &table(2, &rows);
    text += "\ndata\n";
    let span = |r: Option<(f64, f64)>| r.map(|(a, b)| format!("{} to {}", short(a), short(b)));
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text += &format!("  {name:<12}  {value}\n");
        }
    };
    line("x", span(x_range(set)));
    line("sigma", span(sigma_range(set)));
    line("wavelengths", span(set.wavelengths.as_ref().and_then(|g| range(g.iter().copied()))));
    let bands = set.photometry.as_ref().and_then(|p| p.bands.as_ref());
    line("bands", bands.map(|b| b.words().join(", ")));
    line("photometry", rows_with_photometry(set).map(|rows| format!("in {} simulations", count(rows))));
    line("masked", masked_share(set).map(|share| format!("{} % of all points", short(100.0 * share))));
    for note in &set.notes {
        text += &format!("\nnote: {note}");
    }
    if set.notes.is_empty() { text } else { text + "\n" }
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.filter(|v| v.is_finite());
    finite.fold(None, |r, v| Some(r.map_or((v, v), |(low, high): (f64, f64)| (low.min(v), high.max(v)))))
}

fn theta_range(set: &SimulationSet, j: usize) -> Option<(f64, f64)> {
    range((0..set.len()).map(|i| set.theta.row(i)[j]))
}

/// Of the points that are not masked: what is there may be anything.
fn x_range(set: &SimulationSet) -> Option<(f64, f64)> {
    let masked = |i: usize| set.mask.as_ref().is_some_and(|m| m.values()[i] != 0);
    range(set.x.values().iter().enumerate().filter(|(i, _)| !masked(*i)).map(|(_, &v)| f64::from(v)))
}

fn sigma_range(set: &SimulationSet) -> Option<(f64, f64)> {
    match set.sigma.as_ref()? {
        Uncertainty::PerValue(m) => range(m.values().iter().map(|&v| f64::from(v))),
        Uncertainty::PerWavelength(v) => range(v.iter().map(|&v| f64::from(v))),
        Uncertainty::Scalar(s) => range(std::iter::once(f64::from(*s))),
    }
}

fn rows_with_photometry(set: &SimulationSet) -> Option<usize> {
    let photometry = set.photometry.as_ref()?;
    Some((0..set.len()).filter(|&i| photometry.row(i).is_some()).count())
}

fn masked_share(set: &SimulationSet) -> Option<f64> {
    let mask = set.mask.as_ref()?.values();
    Some(mask.iter().filter(|&&m| m != 0).count() as f64 / mask.len().max(1) as f64)
}
