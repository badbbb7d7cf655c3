//! `flowglass info`: what a model or a simulation set holds.

use crate::failure::Failure;
use crate::files;
use crate::number_text::{best_loss, clock, count, counted, fixed, prior_row, row, short, table};
use crate::reading::Reading;
use crate::set_info::{self, SetInfo};
use burn::tensor::Device;
use flowglass::files::Format;
use flowglass::options::{Config, OPTIONS};
use flowglass::posterior::{Metadata, Posterior, parameters};
use flowglass::reading::{Holds, what_is};
use flowglass::storage;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

const CONTENTS: &str =
    "For a model: its parameters and priors, the layout of its observations, its training, its options.
For a set: its arrays with shapes and ranges, its priors, and what the reader noticed.";

/// About how many epochs of the history are listed. --json lists all of them.
const LISTED_EPOCHS: usize = 12;

/// Show what a model or a simulation set holds
#[derive(clap::Args)]
#[command(after_help = CONTENTS)]
pub(crate) struct Args {
    /// A model (.safetensors) or a simulation set (.npz, HDF5, .safetensors, .csv)
    #[arg(value_name = "MODEL|SET")]
    file: PathBuf,
    /// Print everything as JSON. For a model that is the whole header of its file
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    args.reading.check()?;
    let (file, bytes) = (files::shown(&args.file), files::open(&args.file)?);
    let what = what_is(&file, bytes.as_ref());
    let is_set = what.format != Some(Format::Safetensors) || what.holds == Holds::Set;
    let text = if is_set {
        let read = args.reading.read(&args.file, &bytes, &Default::default(), quiet).map_err(Failure::at(&file))?;
        if args.json { json(&SetInfo::new(&read)) } else { set_info::text(&read) }
    } else {
        let bytes = bytes.as_ref();
        let posterior = storage::load(&file, bytes, &Device::flex())?;
        if args.json { json(&storage::header(&posterior)) } else { model_text(&posterior, bytes.len()) }
    };
    files::print(text.as_bytes())
}

fn json(value: &impl serde::Serialize) -> String {
    // Neither headers nor summaries hold a value that JSON cannot express.
    serde_json::to_string_pretty(value).map_or_else(|e| format!("\"{e}\"\n"), |text| text + "\n")
}

fn model_text(posterior: &Posterior, bytes: usize) -> String {
    let m = posterior.metadata();
    let weights = counted(count(parameters::count(posterior.network())), "weight");
    let mut text = format!(
        "model of flowglass {}, format {}: {weights}, {} bytes\n",
        m.flowglass_version,
        m.format_version,
        count(bytes)
    );
    text += &format!("\nparameters ({}), modeled in {} coordinates\n", m.space.dim(), m.space.kind);
    text += &table(2, &m.space.names.iter().zip(&m.space.priors).map(|(n, p)| prior_row(n, p)).collect::<Vec<_>>());
    for (name, masses) in m.space.names.iter().zip(&m.space.point_masses).filter(|(_, masses)| !masses.at.is_empty()) {
        let percent = |share: &f64| format!("{} %", short(100.0 * share));
        let each =
            masses.at.iter().zip(&masses.shares).map(|(&at, share)| format!("{} in {}", short(at), percent(share)));
        text += &format!("  point masses of {name}: {}\n", each.collect::<Vec<_>>().join(", "));
    }
    text += &observation(m);
    // A model that `flowglass from-metadata` made has no device, because nothing was computed for it.
    let untrained = m.training.device.is_empty();
    let trained = if untrained { "not trained; its header is of a model trained" } else { "trained" };
    let n = counted(count(m.dataset.n), "simulation");
    text += &format!("\n{trained} on {}: {n}, fingerprint {}\n", m.dataset.file, m.dataset.fingerprint);
    for from in m.training.from.iter().rev() {
        let n = counted(count(from.n), "simulation");
        text += &format!("  from {}, trained on {}: {n}, seed {}\n", from.model, from.file, from.seed);
    }
    if !untrained {
        text += &training(m);
    }
    text += &options(&m.config);
    if let Some(task) = &m.config.task_metadata {
        text += &format!("\ntask metadata\n  {task}\n");
    }
    if let Some(example) = &m.example {
        let theta: Vec<String> = example.theta.iter().map(|&v| short(v)).collect();
        text += &format!("\nholds one held-out simulation as an example, at {}\n", theta.join(", "));
    }
    text
}

fn observation(m: &Metadata) -> String {
    let s = &m.schema;
    let grid = s
        .wavelengths
        .as_ref()
        .filter(|g| !g.is_empty())
        .map_or(String::new(), |g| format!(", wavelengths {} to {}", short(g[0]), short(g[g.len() - 1])));
    let sigma = if s.has_sigma { ", with uncertainties" } else { ", without uncertainties" };
    let mask = if s.has_mask { ", with masks" } else { "" };
    let absent = if s.spectrum_may_be_absent { ", may be absent" } else { "" };
    let mut text = match s.n_wavelengths {
        0 => "\nobservation\n".into(),
        w => format!("\nobservation: {}{grid}{sigma}{mask}{absent}\n", counted(count(w), "data point")),
    };
    if let Some(p) = &s.photometry {
        let bands = p.bands.as_ref().map_or(String::new(), |b| format!(" ({})", b.words().join(", ")));
        let sigma = if p.has_sigma { ", with uncertainties" } else { ", without uncertainties" };
        let mask = if p.has_mask { ", with masks" } else { "" };
        let absent = if p.may_be_absent { ", may be absent" } else { "" };
        text += &format!("  photometry: {}{bands}{sigma}{mask}{absent}\n", counted(count(p.n_bands), "band"));
    }
    text
}

fn training(m: &Metadata) -> String {
    let t = &m.training;
    let time = clock(Duration::from_secs_f64(t.seconds.clamp(0.0, 1e9)));
    let mut text = format!("  {time} on {}", t.device);
    match (t.best_epoch, t.best_validation_loss) {
        (Some(best), Some(loss)) => {
            text += &format!(", best epoch {best}, validation loss {}", best_loss(loss, t));
        }
        (Some(best), None) => text += &format!(", best epoch {best} by its training loss"),
        (None, _) => text += ", no epoch was finished",
    }
    text.push('\n');
    let (n, mut rows) = (t.history.len(), vec![row(["epoch", "train", "validation", "learning rate"])]);
    let step = n.div_ceil(LISTED_EPOCHS).max(1);
    for (i, r) in t.history.iter().enumerate() {
        // Epochs at even distances, and always the first, the last and the best one.
        if i % step == 0 || i + 1 == n || Some(r.epoch) == t.best_epoch {
            let validation = r.validation_loss.map_or("-".into(), |v| fixed(v, 4));
            let mark = if Some(r.epoch) == t.best_epoch { "  best" } else { "" };
            let rate = format!("{}{mark}", short(r.learning_rate));
            rows.push(row([&r.epoch.to_string(), &fixed(r.train_loss, 4), &validation, &rate]));
        }
    }
    if n > 0 { text + &table(2, &rows) } else { text }
}

fn options(config: &Config) -> String {
    let plain = |v: &Value| match v {
        Value::Null => "none".to_string(),
        Value::String(word) => word.clone(),
        other => other.to_string(),
    };
    let mut rows = Vec::new();
    for spec in OPTIONS.iter().filter(|s| s.name != "task_metadata") {
        let (value, default) = ((spec.value)(config), (spec.default)());
        let note = if value == default { String::new() } else { format!("(default {})", plain(&default)) };
        rows.push(row([spec.name, &plain(&value), &note]));
    }
    format!("\noptions\n{}", table(2, &rows))
}
