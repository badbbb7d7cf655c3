//! Bytes to models and back: one `.safetensors` file that holds the weights by name and, in its header, everything else
//! a model needs to be used and understood. No file system here.

use crate::encoder::SpectrumEncoderType;
use crate::error::{Error, Result};
use crate::files::MODEL_ENTRY;
use crate::kernels::{cat, from_values};
use crate::posterior::{FORMAT_VERSION, Metadata, Network, Posterior, TrainingRecord, parameters, read};
use burn::tensor::Device;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;

/// The model as a `.safetensors` file.
///
/// # Errors
/// [`Error::Device`] if the weights cannot be read off the device.
pub async fn save(posterior: &Posterior) -> Result<Vec<u8>> {
    let flat = read(cat(posterior.members().iter().map(parameters::flatten).collect(), 0)).await?;
    let bytes: Vec<u8> = flat.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut at = 0;
    let mut views = Vec::new();
    for (name, shape) in layout(posterior) {
        let end = at + 4 * shape.iter().product::<usize>();
        let view = TensorView::new(Dtype::F32, shape, &bytes[at..end]);
        views.push((name, view.map_err(|e| Error::Model(format!("cannot write the weights: {e}")))?));
        at = end;
    }
    let metadata = posterior.metadata();
    let header = serde_json::to_string(&Metadata { config: metadata.config.portable(), ..metadata.clone() })
        .map_err(|e| Error::Model(format!("cannot write the model's header: {e}")))?;
    safetensors::serialize(views, Some(HashMap::from([(MODEL_ENTRY.to_string(), header)])))
        .map_err(|e| Error::Model(format!("cannot write the model: {e}")))
}

/// A model from the bytes of `file`.
///
/// # Errors
/// [`Error::File`] saying what is wrong: not safetensors, not of Flowglass, of a newer format, weights missing, of a
/// wrong shape or not finite.
pub fn load(file: &str, bytes: &[u8], device: &Device) -> Result<Posterior> {
    let refuse = |message: String| Error::file(file, message);
    let (_, header) = SafeTensors::read_metadata(bytes)
        .map_err(|e| refuse(format!("not a readable .safetensors file ({e}); {} bytes came", bytes.len())))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| refuse(format!("a damaged .safetensors file: {e}")))?;
    let Some(text) = header.metadata().as_ref().and_then(|m| m.get(MODEL_ENTRY)) else {
        let mut names: Vec<_> = tensors.names().into_iter().take(3).collect();
        names.sort_unstable();
        let came = if names.is_empty() { "no tensors".into() } else { format!("tensors such as {}", names.join(", ")) };
        return Err(refuse(format!(
            "a .safetensors file, but not a Flowglass model: its header has no '{MODEL_ENTRY}' entry (it holds {came})"
        )));
    };
    let (metadata, format_version) = read_header(file, text)?;
    // Until format 3 a perceptron on the observation had no shortcut: one of zeros is the same model.
    let without_shortcuts = format_version < 3;
    // Before the networks are built: a header may claim more than fits any memory.
    let held: u64 = tensors.iter().map(|(_, view)| view.shape().iter().map(|&n| n as u64).product::<u64>()).sum();
    let (features, d) = (metadata.preprocessing.num_features(), metadata.space.dim());
    let each = Network::count(&metadata.config, &metadata.schema, features, d);
    let absent = if without_shortcuts { metadata.config.encoder(&metadata.schema, features).shortcuts() } else { 0 };
    let needed = (each - absent).saturating_mul(metadata.config.ensemble_size as u64);
    if needed != held {
        return Err(refuse(format!("a model of {needed} weights by its header, but the file holds {held}")));
    }
    let posterior = Posterior::from_metadata(metadata, device)?;
    let mut flat = Vec::new();
    for (name, shape) in layout(&posterior) {
        if without_shortcuts && name.ends_with("shortcut.weight") {
            flat.resize(flat.len() + shape.iter().product::<usize>(), 0.0);
            continue;
        }
        let view = tensors.tensor(&name).map_err(|_| refuse(format!("the weights '{name}' are missing")))?;
        if view.dtype() != Dtype::F32 || view.shape() != shape {
            let came = format!("{:?} of shape {:?}", view.dtype(), view.shape());
            return Err(refuse(format!("the weights '{name}' are {came}: expected F32 of shape {shape:?}")));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        flat.extend(values);
        if flat.iter().rev().take(shape.iter().product()).any(|v| !v.is_finite()) {
            return Err(refuse(format!("the weights '{name}' hold numbers that are not finite")));
        }
    }
    let n = flat.len();
    Ok(posterior.with_weights(&from_values(flat, [n], device)))
}

/// An estimator with its initial weights from the header of another, as JSON: the same options, parameters, preprocessing
/// and observations, without what the other one learned and the history of that. `file` is what messages call it.
///
/// # Errors
/// [`Error::File`] saying what is wrong with the header, or that its networks are too large; [`Error::Option`] for a
/// configuration that cannot work.
pub fn from_metadata(file: &str, json: &str, device: &Device) -> Result<Posterior> {
    let (mut metadata, _) = read_header(file, json)?;
    metadata.training = TrainingRecord::default();
    metadata.flowglass_version = env!("CARGO_PKG_VERSION").into();
    let (config, features) = (&metadata.config, metadata.preprocessing.num_features());
    let each = Network::count(config, &metadata.schema, features, metadata.space.dim());
    let needed = each.saturating_mul(config.ensemble_size as u64);
    if needed > MOST_WEIGHTS {
        return Err(Error::file(file, format!("a model of {needed} weights: expected at most {MOST_WEIGHTS}")));
    }
    Posterior::from_metadata(metadata, device)
}

/// Of networks that no file of weights vouches for: 1 GiB.
const MOST_WEIGHTS: u64 = 1 << 28;

/// A header that networks can be built from, as this version writes it, and the format it came in.
fn read_header(file: &str, text: &str) -> Result<(Metadata, u32)> {
    let refuse = |message: String| Error::file(file, message);
    check_version(text).map_err(refuse)?;
    let mut metadata: Metadata =
        serde_json::from_str(text).map_err(|e| refuse(format!("a damaged model header: {e}")))?;
    let came = std::mem::replace(&mut metadata.format_version, FORMAT_VERSION);
    // Until format 2 a width beside conv1d, which has none, was accepted and had no effect.
    if came < 2 && metadata.config.spectrum_encoder_type == SpectrumEncoderType::Conv1d {
        metadata.config.encoder_hidden_dim = None;
    }
    // Older files may hold folders of the machine that trained the model; they must not be saved again.
    metadata.config = metadata.config.portable();
    metadata.config.validate()?;
    check_header(&metadata).map_err(refuse)?;
    Ok((metadata, came))
}

/// Name and shape of all weights, member after member; a single flow's names go without the member.
fn layout(posterior: &Posterior) -> Vec<(String, Vec<usize>)> {
    let members = posterior.members();
    let named = |(m, network)| {
        let of_member = parameters::layout(network).into_iter();
        of_member.map(move |(name, shape)| match members.len() {
            1 => (name, shape),
            _ => (format!("members.{m}.{name}"), shape),
        })
    };
    members.iter().enumerate().flat_map(named).collect()
}

/// A newer format may have any shape, so its version is looked at alone, first.
fn check_version(header: &str) -> std::result::Result<(), String> {
    let version = serde_json::from_str::<serde_json::Value>(header)
        .map_err(|e| format!("a damaged model header: {e}"))?["format_version"]
        .as_u64()
        .ok_or("a damaged model header: no format_version")?;
    let ours = u64::from(FORMAT_VERSION);
    if version > ours {
        return Err(format!("a model of format {version}; this version of Flowglass reads up to {ours}: update it"));
    }
    Ok(())
}

/// What the networks take for granted: a header may have been edited by hand.
fn check_header(m: &Metadata) -> std::result::Result<(), String> {
    let d = m.space.names.len();
    let lengths = [m.space.priors.len(), m.space.mean.len(), m.space.std.len()];
    if d == 0 || lengths.iter().any(|&n| n != d) {
        return Err(format!("a damaged model header: {d} parameter names, but priors, mean and std of {lengths:?}"));
    }
    /// No block is longer; a larger claim would only exhaust the memory.
    const MOST: usize = 1 << 24;
    let (w, photometry) = (m.schema.n_wavelengths, m.schema.photometry.as_ref());
    let no_spectrum = w == 0 && photometry.is_none();
    if no_spectrum || w > MOST || m.schema.wavelengths.as_ref().is_some_and(|g| g.len() != w) {
        return Err(format!("a damaged model header: n_wavelengths is {w}, and the grid does not fit it"));
    }
    if let Some(p) = photometry
        && (p.n_bands == 0 || p.n_bands > MOST || p.bands.as_ref().is_some_and(|bands| bands.len() != p.n_bands))
    {
        return Err(format!("a damaged model header: n_bands is {}, and the bands do not fit it", p.n_bands));
    }
    if !m.preprocessing.fits(&m.schema) {
        let bands = photometry.map_or(String::new(), |p| format!(" and {} bands", p.n_bands));
        return Err(format!("a damaged model header: the preprocessing does not fit {w} points{bands}"));
    }
    let bounds = m.space.names.iter().zip(&m.space.priors).try_for_each(|(name, prior)| prior.validate(name).map(drop));
    bounds.map_err(|e| format!("a damaged model header: {e}"))?;
    m.space.require(m.space.kind).map_err(|e| format!("a damaged model header: {e}"))?;
    if m.space.kind != m.config.parameter_space {
        return Err(format!("a damaged model header: space {} and {}", m.space.kind, m.config.parameter_space));
    }
    if m.space.std.iter().any(|&s| s <= 0.0) {
        return Err(format!("a damaged model header: standard deviations {:?}", m.space.std));
    }
    if let Some(example) = &m.example {
        if example.theta.len() != d {
            return Err(format!("a damaged model header: an example of {} parameters", example.theta.len()));
        }
        m.schema.check(&example.observation).map_err(|e| format!("a damaged model header: its example: {e}"))?;
    }
    Ok(())
}
