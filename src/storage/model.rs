//! A model to bytes and back, and an estimator with initial weights from a header alone.

use super::header::{self, header};
use super::misfit;
use crate::error::{Error, Result, counted};
use crate::files::MODEL_ENTRY;
use crate::kernels::{cat, from_values};
use crate::posterior::{Network, NetworkDescription, Posterior, TrainingRecord, parameters, read};
use burn::tensor::Device;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;

/// Largest number of weights in a network that is built from a header alone (4 bytes each: 1 GiB), so that a forged
/// header cannot exhaust the memory.
const MOST_WEIGHTS: u64 = 1 << 28;

/// Writes the model as a `.safetensors` file.
///
/// # Errors
/// [`Error::Device`] if the weights cannot be read off the device.
pub async fn save(posterior: &Posterior) -> Result<Vec<u8>> {
    let flat = read(cat(posterior.members().iter().map(parameters::flatten).collect(), 0)).await?;
    let bytes = bytes_of(&flat);
    let kept = posterior.misfit().map(misfit::arrays).unwrap_or_default();
    let kept: Vec<(String, Vec<usize>, Vec<u8>)> =
        kept.into_iter().map(|(name, shape, values)| (name, shape, bytes_of(&values))).collect();
    let mut at = 0;
    let mut views = Vec::new();
    for (name, shape) in layout(posterior.members()) {
        let end = at + 4 * shape.iter().product::<usize>();
        views.push((name, view(shape, &bytes[at..end])?));
        at = end;
    }
    for (name, shape, bytes) in &kept {
        views.push((name.clone(), view(shape.clone(), bytes)?));
    }
    let header = serde_json::to_string(&header(posterior))
        .map_err(|e| Error::Model(format!("cannot write the model's header: {e}")))?;
    safetensors::serialize(views, Some(HashMap::from([(MODEL_ENTRY.to_string(), header)])))
        .map_err(|e| Error::Model(format!("cannot write the model: {e}")))
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn view(shape: Vec<usize>, bytes: &[u8]) -> Result<TensorView<'_>> {
    TensorView::new(Dtype::F32, shape, bytes).map_err(|e| Error::Model(format!("cannot write the weights: {e}")))
}

/// Reads a model from the bytes of `file`.
///
/// # Errors
/// [`Error::File`] saying what is wrong: not safetensors, not of Flowglass, of a newer format, a header that is damaged
/// or that describes what this version cannot compute, weights missing, of a wrong shape or not finite.
pub fn load(file: &str, bytes: &[u8], device: &Device) -> Result<Posterior> {
    let refuse = |message: String| Error::file(file, message);
    let (_, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|e| refuse(format!("not a readable .safetensors file ({e}) of {}", counted(bytes.len(), "byte"))))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| refuse(format!("a damaged .safetensors file: {e}")))?;
    let Some(text) = metadata.metadata().as_ref().and_then(|m| m.get(MODEL_ENTRY)) else {
        let mut names: Vec<_> = tensors.names().into_iter().take(3).collect();
        names.sort_unstable();
        let came = if names.is_empty() { "no tensors".into() } else { format!("tensors such as {}", names.join(", ")) };
        return Err(refuse(format!(
            "a .safetensors file, but not a Flowglass model: its header has no '{MODEL_ENTRY}' entry (it holds {came})"
        )));
    };
    let header = header::read(file, text)?;
    let networks = header.networks_of_weights(file)?;
    // Before format 3, a perceptron on the observation had no shortcut. With a shortcut of zeros, the model is the
    // same.
    let without_shortcuts = header.format < 3;
    refuse_other_count(&tensors, &networks, without_shortcuts).map_err(refuse)?;
    let array = |name: &str, shape: &[usize]| weights(&tensors, name, shape);
    let kept = header.misfit(file, &networks)?;
    let kept = kept.map(|(sizes, simulator)| misfit::read((&sizes, simulator), array));
    let kept = kept.transpose().map_err(refuse)?;
    let posterior = Posterior::described(header.metadata, &networks, device)?.with_misfit(kept);
    let mut flat = Vec::new();
    for (name, shape) in layout(posterior.members()) {
        if without_shortcuts && name.ends_with("shortcut.weight") {
            flat.resize(flat.len() + shape.iter().product::<usize>(), 0.0);
            continue;
        }
        flat.extend(weights(&tensors, &name, &shape).map_err(refuse)?);
    }
    let n = flat.len();
    Ok(posterior.with_weights(&from_values(flat, [n], device)))
}

/// Refuses a file with another number of weights than its header describes. This comes before the networks are built: a
/// header may claim more than fits any memory.
fn refuse_other_count(
    tensors: &SafeTensors,
    networks: &[NetworkDescription],
    without_shortcuts: bool,
) -> std::result::Result<(), String> {
    let of_shape = |shape: &[usize]| shape.iter().map(|&n| n as u64).product::<u64>();
    let held: u64 =
        tensors.iter().filter(|(name, _)| !misfit::is_own(name)).map(|(_, view)| of_shape(view.shape())).sum();
    let of_network = |network: &NetworkDescription| {
        network.count() - if without_shortcuts { network.encoder.shortcuts() } else { 0 }
    };
    let needed = networks.iter().map(of_network).fold(0, u64::saturating_add);
    if needed != held {
        return Err(format!("a model of {needed} weights by its header, but the file holds {held}"));
    }
    Ok(())
}

/// The weights of that name.
fn weights(tensors: &SafeTensors, name: &str, shape: &[usize]) -> std::result::Result<Vec<f32>, String> {
    let view = tensors.tensor(name).map_err(|_| format!("the weights '{name}' are missing"))?;
    if view.dtype() != Dtype::F32 || view.shape() != shape {
        let came = format!("{:?} of shape {:?}", view.dtype(), view.shape());
        return Err(format!("the weights '{name}' are {came}: expected F32 of shape {shape:?}"));
    }
    let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let values: Vec<f32> = view.data().chunks_exact(4).map(number).collect();
    if values.iter().any(|v| !v.is_finite()) {
        return Err(format!("the weights '{name}' hold numbers that are not finite"));
    }
    Ok(values)
}

/// Makes an estimator with its initial weights from the header of another, as JSON: the same networks, options,
/// parameters, preprocessing and observations, without what the other model learned, and without its training history.
/// `file` is what messages call the header.
///
/// # Errors
/// [`Error::File`] saying what is wrong with the header, or that its networks are too large; [`Error::Option`] for a
/// configuration that cannot work.
pub fn from_metadata(file: &str, json: &str, device: &Device) -> Result<Posterior> {
    let mut header = header::read(file, json)?;
    header.metadata.training = TrainingRecord::default();
    header.metadata.flowglass_version = env!("CARGO_PKG_VERSION").into();
    let networks = header.networks();
    let needed = networks.iter().map(NetworkDescription::count).fold(0, u64::saturating_add);
    if needed > MOST_WEIGHTS {
        return Err(Error::file(file, format!("a model of {needed} weights: expected at most {MOST_WEIGHTS}")));
    }
    Posterior::described(header.metadata, &networks, device)
}

/// Name and shape of all weights, member after member. If there is a single flow, the names leave out the member.
fn layout(members: &[Network]) -> Vec<(String, Vec<usize>)> {
    let named = |(m, network)| {
        let of_member = parameters::layout(network).into_iter();
        of_member.map(move |(name, shape)| match members.len() {
            1 => (name, shape),
            _ => (format!("members.{m}.{name}"), shape),
        })
    };
    members.iter().enumerate().flat_map(named).collect()
}
