//! The description of an encoder in a model's header. The observation's schema says how many points and channels it
//! has.

use super::entry::{Entry, object};
use crate::data::{Block, BlockShape, ObservationSchema};
use crate::encoder::{
    AttentionBlock, Conv1dEncoder, EncoderConfig, Norm, SpectrumEncoderConfig, SpectrumEncoderType, TransformerEncoder,
};
use crate::error::{Result, counted};
use serde_json::Value;

/// Largest number of units in a layer, of points in a patch, and of outputs: the maximum of the options `hidden_dim`,
/// `encoder_patch_size` and `embedding_dim`. A header that claims more is refused, so that it cannot exhaust memory.
const MOST_UNITS: usize = 4096;

/// The description as JSON.
pub(super) fn written(encoder: &EncoderConfig) -> Value {
    let spectrum = encoder.spectrum.as_ref().map(|spectrum| match spectrum.kind {
        SpectrumEncoderType::Conv1d => conv1d(spectrum),
        SpectrumEncoderType::Mlp => mlp(spectrum.width, spectrum.outputs),
        SpectrumEncoderType::Transformer => transformer(spectrum),
    });
    object([
        ("spectrum", spectrum.into()),
        ("photometry", encoder.photometry.map(|_| mlp(encoder.hidden_dim, encoder.photometry_embedding_dim)).into()),
        (
            "fusion",
            object([
                ("hidden", [encoder.hidden_dim].into()),
                ("activation", "gelu".into()),
                ("normalization", "none".into()),
                ("outputs", encoder.embedding_dim.into()),
            ]),
        ),
    ])
}

fn conv1d(spectrum: &SpectrumEncoderConfig) -> Value {
    object([
        ("kind", "conv1d".into()),
        ("channels", Conv1dEncoder::channels(spectrum.shape.points).into()),
        ("kernel", Conv1dEncoder::KERNEL.into()),
        ("stride", Conv1dEncoder::STRIDE.into()),
        ("activation", "gelu".into()),
        ("normalization", "none".into()),
        ("outputs", spectrum.outputs.into()),
    ])
}

fn mlp(width: usize, outputs: usize) -> Value {
    object([
        ("kind", "mlp".into()),
        ("hidden", [width, width].into()),
        ("shortcut", true.into()),
        ("activation", "gelu".into()),
        ("normalization", "none".into()),
        ("outputs", outputs.into()),
    ])
}

fn transformer(spectrum: &SpectrumEncoderConfig) -> Value {
    object([
        ("kind", "transformer".into()),
        ("patch_size", spectrum.patch_size.into()),
        ("width", spectrum.width.into()),
        ("blocks", TransformerEncoder::BLOCKS.into()),
        ("heads", AttentionBlock::heads(spectrum.width).into()),
        ("feed_forward", AttentionBlock::feed_forward(spectrum.width).into()),
        ("activation", "gelu".into()),
        ("normalization", "layer_norm".into()),
        ("normalization_epsilon", Norm::EPSILON.into()),
        ("outputs", spectrum.outputs.into()),
    ])
}

/// The encoder of observations of `schema`; `features` is the number of features of each block.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) naming the place and the value of what is damaged, does not fit the
/// schema, or is beyond what this version can compute.
pub(super) fn read(encoder: &Entry, schema: &ObservationSchema, features: usize) -> Result<EncoderConfig> {
    encoder.only(&["spectrum", "photometry", "fusion"])?;
    let fusion = encoder.get("fusion")?;
    fusion.only(&["hidden", "activation", "normalization", "outputs"])?;
    plain(&fusion)?;
    let hidden_dim = units(&fusion.get("hidden")?, 1)?;
    let block = |key, block: Block| {
        let entry = encoder.get(key)?;
        match (entry.optional(), schema.shape(block)) {
            (None, Some(_)) => Err(entry.refuse(format!("an encoder, as the schema has {key}"))),
            (Some(_), None) => Err(entry.refuse(format!("null, as the schema has no {key}"))),
            (described, shape) => Ok(described.zip(shape)),
        }
    };
    let spectrum = block("spectrum", Block::Spectrum)?;
    let spectrum = spectrum.map(|(entry, shape)| read_spectrum(&entry, shape, hidden_dim)).transpose()?;
    let photometry = block("photometry", Block::Photometry)?;
    let photometry_outputs = match &photometry {
        Some((entry, _)) => {
            entry.get("kind")?.word(&["mlp"])?;
            let (width, outputs) = read_mlp(entry)?;
            if width != hidden_dim {
                let units = counted(hidden_dim, "unit");
                return Err(entry.get("hidden")?.refuse(format!("{units}, as encoder.fusion has")));
            }
            outputs
        }
        // Without photometry, this number has no effect.
        None => 1,
    };
    Ok(EncoderConfig {
        spectrum,
        photometry: photometry.map(|(_, shape)| shape),
        photometry_embedding_dim: photometry_outputs,
        features,
        hidden_dim,
        embedding_dim: outputs(&fusion)?,
    })
}

fn read_spectrum(entry: &Entry, shape: BlockShape, hidden_dim: usize) -> Result<SpectrumEncoderConfig> {
    let of = |kind, width, patch_size, outputs| SpectrumEncoderConfig { kind, shape, width, patch_size, outputs };
    match entry.get("kind")?.word(&["conv1d", "mlp", "transformer"])? {
        "conv1d" => {
            entry.only(&["kind", "channels", "kernel", "stride", "activation", "normalization", "outputs"])?;
            plain(entry)?;
            entry.get("channels")?.is(Conv1dEncoder::channels(shape.points))?;
            entry.get("kernel")?.is(Conv1dEncoder::KERNEL)?;
            entry.get("stride")?.is(Conv1dEncoder::STRIDE)?;
            Ok(of(SpectrumEncoderType::Conv1d, hidden_dim, 1, outputs(entry)?))
        }
        "mlp" => {
            let (width, outputs) = read_mlp(entry)?;
            Ok(of(SpectrumEncoderType::Mlp, width, 1, outputs))
        }
        _ => {
            let sizes = ["patch_size", "width", "blocks", "heads", "feed_forward", "outputs"];
            entry.only(&[&["kind", "activation", "normalization", "normalization_epsilon"][..], &sizes].concat())?;
            entry.get("activation")?.word(&["gelu"])?;
            entry.get("normalization")?.word(&["layer_norm"])?;
            entry.get("normalization_epsilon")?.is(Norm::EPSILON)?;
            let width = entry.get("width")?.count(1..=MOST_UNITS)?;
            entry.get("blocks")?.is(TransformerEncoder::BLOCKS)?;
            entry.get("heads")?.is(AttentionBlock::heads(width))?;
            entry.get("feed_forward")?.is(AttentionBlock::feed_forward(width))?;
            let patch_size = entry.get("patch_size")?.count(1..=MOST_UNITS)?;
            Ok(of(SpectrumEncoderType::Transformer, width, patch_size, outputs(entry)?))
        }
    }
}

/// Width and outputs of a perceptron.
fn read_mlp(entry: &Entry) -> Result<(usize, usize)> {
    entry.only(&["kind", "hidden", "shortcut", "activation", "normalization", "outputs"])?;
    plain(entry)?;
    entry.get("shortcut")?.is(true)?;
    Ok((units(&entry.get("hidden")?, 2)?, outputs(entry)?))
}

/// Refuses activations other than GELU, and a normalization.
fn plain(entry: &Entry) -> Result<()> {
    entry.get("activation")?.word(&["gelu"])?;
    entry.get("normalization")?.word(&["none"]).map(drop)
}

fn outputs(entry: &Entry) -> Result<usize> {
    entry.get("outputs")?.count(1..=MOST_UNITS)
}

/// The units of `layers` hidden layers, which must be equal.
fn units(hidden: &Entry, layers: usize) -> Result<usize> {
    let widths: Vec<usize> = hidden.items()?.iter().map(|width| width.count(1..=MOST_UNITS)).collect::<Result<_>>()?;
    match widths.first() {
        Some(&width) if widths == vec![width; layers] => Ok(width),
        _ => Err(hidden.refuse(match layers {
            1 => "one hidden layer".to_string(),
            _ => format!("{layers} hidden layers of equal size, which is what this version of Flowglass can compute"),
        })),
    }
}
