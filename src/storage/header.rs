//! The header of a model file: everything but the weights, as JSON.

use super::entry::{Entry, object};
use super::{encoder, flow, header_checks, misfit};
use crate::encoder::SpectrumEncoderType;
use crate::error::{Error, Result};
use crate::flow::{AutoregressiveTransform, FlowDescription, FlowFamily, Layers};
use crate::kernels::scalar_map::ScalarMap;
use crate::misfit::MisfitSizes;
use crate::options::{Config, OptionSpec};
use crate::posterior::{FORMAT_VERSION, Metadata, NetworkDescription, Posterior};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The first format whose header describes the networks. In older ones they follow from the options and the seed.
const DESCRIBED: u32 = 4;
/// Largest number of members in an ensemble: as many as the option `ensemble_size` allows.
const MOST_FLOWS: usize = 64;
/// The keys that describe the networks.
const DESCRIPTIONS: [&str; 3] = ["encoder", "flows", "auxiliary_heads"];
/// All other keys.
const OTHERS: [&str; 10] = [
    "format_version",
    "flowglass_version",
    "config",
    "space",
    "schema",
    "preprocessing",
    "dataset",
    "training",
    "example",
    misfit::KEY,
];

/// The header of a model file, in the order of the file: everything except the weights.
#[derive(Debug, Serialize)]
pub struct Header {
    #[serde(flatten)]
    metadata: Metadata,
    encoder: Value,
    flows: Vec<Value>,
    auxiliary_heads: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    misfit: Option<Value>,
}

/// The header of a model, as its file has it: without the folders of the machine that trained the model.
pub fn header(posterior: &Posterior) -> Header {
    let metadata = posterior.metadata();
    let first = posterior.network().description();
    Header {
        metadata: Metadata { config: metadata.config.portable(), ..metadata.clone() },
        encoder: encoder::written(&first.encoder),
        flows: posterior.members().iter().map(|member| flow::written(&member.description().flow)).collect(),
        auxiliary_heads: object([("log_scale", first.scale_head.into()), ("parameters", first.parameter_head.into())]),
        misfit: posterior.misfit().map(misfit::written),
    }
}

/// What a header says, as this version would write it.
pub(super) struct Read {
    pub(super) metadata: Metadata,
    /// The networks of each member, if the header describes them. In older formats they follow from the options.
    pub(super) described: Option<Vec<NetworkDescription>>,
    /// What the header says of the simulations that are kept.
    misfit: Option<Value>,
    /// The format that it came in.
    pub(super) format: u32,
}

impl Read {
    /// The networks of each member.
    pub(super) fn networks(&self) -> Vec<NetworkDescription> {
        self.described.clone().unwrap_or_else(|| NetworkDescription::of_members(&self.metadata))
    }

    /// The sizes of what is kept of the simulations, and the name of their simulator, if anything is kept.
    ///
    /// # Errors
    /// [`Error::File`] naming a size that is missing or cannot be.
    pub(super) fn misfit(
        &self,
        file: &str,
        networks: &[NetworkDescription],
    ) -> Result<Option<(MisfitSizes, Option<String>)>> {
        let Some(value) = &self.misfit else { return Ok(None) };
        let (whole, schema) = (object([(misfit::KEY, value.clone())]), &self.metadata.schema);
        let embedding = networks.iter().map(|network| network.encoder.embedding_dim).sum();
        let parameters = self.metadata.space.dim();
        let entry = Entry::of(file, &whole, misfit::KEY)?;
        Ok(Some((misfit::sizes(&entry, [schema.n_points(), embedding, parameters])?, misfit::simulator(&entry)?)))
    }

    /// The networks of each member, for a file that has their weights.
    ///
    /// # Errors
    /// [`Error::File`] if the format has a description of the networks, and this header lacks it.
    pub(super) fn networks_of_weights(&self, file: &str) -> Result<Vec<NetworkDescription>> {
        if self.format >= DESCRIBED && self.described.is_none() {
            let keys = DESCRIPTIONS.join(", ");
            return Err(Error::file(
                file,
                format!("a damaged model header: it lacks the description of its networks, {keys}"),
            ));
        }
        Ok(self.networks())
    }
}

/// Reads a header.
///
/// # Errors
/// [`Error::File`] naming what is damaged, or beyond what this version can compute; [`Error::Option`] for options that
/// cannot work.
pub(super) fn read(file: &str, text: &str) -> Result<Read> {
    let damaged = |e: String| Error::file(file, format!("a damaged model header: {e}"));
    let mut header: Value = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
    let format = version(file, &header)?;
    if format >= DESCRIBED {
        refuse_unknown_keys(&Entry::whole(file, &header))?;
    }
    let misfit = header.get(misfit::KEY).filter(|value| !value.is_null()).cloned();
    let descriptions = (format >= DESCRIBED).then(|| take_descriptions(&mut header)).flatten();
    let options = header.get("config").cloned().unwrap_or_else(|| object([]));
    let mut metadata: Metadata = serde_json::from_value(header).map_err(|e| damaged(e.to_string()))?;
    metadata.format_version = FORMAT_VERSION;
    // Before format 2, a width was accepted together with conv1d, which has no such width. It had no effect.
    if format < 2 && metadata.config.spectrum_encoder_type == SpectrumEncoderType::Conv1d {
        metadata.config.encoder_hidden_dim = None;
    }
    header_checks::check(&metadata).map_err(damaged)?;
    let mut described = None;
    if let Some(descriptions) = descriptions {
        let networks = networks(file, &descriptions, &metadata)?;
        metadata.config = agreed(file, options, &metadata, &networks)?;
        described = Some(networks);
    }
    // Older files may hold folders of the machine that trained the model. They must not be saved again.
    metadata.config = metadata.config.portable();
    metadata.config.validate()?;
    if described.is_none() {
        metadata.config.flow(metadata.space.dim()).validate()?;
    }
    header_checks::same_space(&metadata).map_err(damaged)?;
    Ok(Read { metadata, described, misfit, format })
}

/// Refuses keys that could change what a model computes. The keys inside dataset, training and example are not checked,
/// because nothing that a model computes depends on them.
fn refuse_unknown_keys(header: &Entry) -> Result<()> {
    header.only(&[&OTHERS[..], &DESCRIPTIONS].concat())?;
    let space = header.get("space")?;
    space.only(&["kind", "names", "priors", "mean", "std", "point_masses", "mirror"])?;
    if let Ok(masses) = space.get("point_masses") {
        masses.items()?.iter().try_for_each(|of| of.only(&["at", "shares", "range"]))?;
    }
    let (schema, preprocessing) = (header.get("schema")?, header.get("preprocessing")?);
    let spectrum = ["n_wavelengths", "wavelengths", "has_sigma", "has_mask", "spectrum_may_be_absent", "photometry"];
    schema.only(&spectrum)?;
    if let Some(photometry) = schema.get("photometry").ok().and_then(|p| p.optional()) {
        photometry.only(&["n_bands", "bands", "has_sigma", "has_mask", "may_be_absent"])?;
    }
    preprocessing.only(&["kind", "value", "sigma", "features", "photometry"])?;
    match preprocessing.get("photometry").ok().and_then(|p| p.optional()) {
        Some(photometry) => photometry.only(&["value", "sigma", "features"]),
        None => Ok(()),
    }
}

/// Removes the description of the networks from a header and returns it. A header may have options alone. They are
/// enough to make a new model, but not to read weights.
fn take_descriptions(header: &mut Value) -> Option<Value> {
    let header = header.as_object_mut()?;
    let taken: Map<String, Value> = DESCRIPTIONS.iter().filter_map(|&key| header.remove_entry(key)).collect();
    (!taken.is_empty()).then_some(Value::Object(taken))
}

/// The format of a header. A newer format may have any shape, so the version is read first, and nothing else with it.
fn version(file: &str, header: &Value) -> Result<u32> {
    let version = header["format_version"].as_u64();
    let version = version.ok_or_else(|| Error::file(file, "a damaged model header: no format_version"))?;
    match u32::try_from(version) {
        Ok(version) if version <= FORMAT_VERSION => Ok(version),
        _ => Err(Error::file(
            file,
            format!("a model of format {version}; this version of Flowglass reads up to {FORMAT_VERSION}: update it"),
        )),
    }
}

/// The networks of each member, as the header describes them.
fn networks(file: &str, descriptions: &Value, metadata: &Metadata) -> Result<Vec<NetworkDescription>> {
    let entry = |key| Entry::of(file, descriptions, key);
    let (dim, features) = (metadata.space.dim(), metadata.preprocessing.num_features());
    let encoder = encoder::read(&entry("encoder")?, &metadata.schema, features)?;
    let heads = entry("auxiliary_heads")?;
    heads.only(&["log_scale", "parameters"])?;
    let (scale_head, parameter_head) = (heads.get("log_scale")?.flag()?, heads.get("parameters")?.flag()?);
    let flows = entry("flows")?;
    let items = flows.items()?;
    if items.is_empty() || items.len() > MOST_FLOWS {
        return Err(flows.refuse(format!("1 to {MOST_FLOWS} flows")));
    }
    let network = |item: &Entry| {
        let flow = flow::read(item, dim, encoder.embedding_dim)?;
        Ok(NetworkDescription { encoder: encoder.clone(), flow, scale_head, parameter_head })
    };
    let networks: Vec<NetworkDescription> = items.iter().map(network).collect::<Result<_>>()?;
    // The options, draws and densities have one base and one kind of layer for all members.
    let alike = |flow: &FlowDescription| {
        let kind = (flow.is_autoregressive(), flow.layers.len(), flow.width, flow.depth);
        (kind, flow.map, flow.base, flow.base_affine)
    };
    match networks.iter().position(|network| alike(&network.flow) != alike(&networks[0].flow)) {
        Some(i) => Err(items[i].refuse("the same flow as flows[0], except for kept, transformed and order")),
        None => Ok(networks),
    }
}

/// The options with what the description of the networks implies. An option that a header names must agree with it.
fn agreed(file: &str, options: Value, metadata: &Metadata, networks: &[NetworkDescription]) -> Result<Config> {
    let refuse = |message: String| Error::file(file, format!("a damaged model header: {message}"));
    let Value::Object(mut options) = options else { return Err(refuse("config is not an object".into())) };
    for (name, value) in &options {
        OptionSpec::find(name)?.check(value)?;
    }
    for (name, implied, also) in implied(metadata, networks) {
        let Some(came) = options.get(name) else {
            options.insert(name.into(), implied);
            continue;
        };
        let equals = |value: &Value| came == value || came.as_f64().is_some_and(|n| value.as_f64() == Some(n));
        if !equals(&implied) && !also.as_ref().is_some_and(equals) {
            return Err(refuse(format!("config.{name} is {came}, but the rest of it says {implied}")));
        }
    }
    let heads =
        [("aux_scale_loss_weight", networks[0].scale_head), ("aux_parameter_loss_weight", networks[0].parameter_head)];
    for (name, has) in heads {
        if let Some(weight) = options.get(name).and_then(Value::as_f64).filter(|&weight| (weight > 0.0) != has) {
            return Err(refuse(format!("config.{name} is {weight}, but auxiliary_heads says {has}")));
        }
    }
    serde_json::from_value(Value::Object(options)).map_err(|e| refuse(e.to_string()))
}

/// What the rest of a header implies about the options: name, value, and another value with the same meaning.
fn implied(metadata: &Metadata, networks: &[NetworkDescription]) -> Vec<(&'static str, Value, Option<Value>)> {
    let NetworkDescription { encoder, flow, .. } = &networks[0];
    let family = match (&flow.layers, flow.map) {
        (Layers::Coupling(_), ScalarMap::Affine(_)) => FlowFamily::Affine,
        (Layers::Coupling(_), _) => FlowFamily::Spline,
        (Layers::Autoregressive(_), ScalarMap::MonotoneNetwork(_)) => FlowFamily::NeuralAutoregressive,
        (Layers::Autoregressive(_), _) => FlowFamily::Autoregressive,
    };
    let mut all = vec![
        ("parameter_space", json!(metadata.space.kind)),
        ("preprocessing", json!(metadata.preprocessing.kind)),
        ("ensemble_size", networks.len().into()),
        ("flow_family", json!(family)),
        ("num_coupling_layers", flow.layers.len().into()),
        ("hidden_dim", flow.width.into()),
        ("conditioner_depth", flow.depth.into()),
        ("base_distribution", json!(flow.base)),
        ("use_base_affine", flow.base_affine.is_some().into()),
        ("embedding_dim", encoder.embedding_dim.into()),
    ];
    match flow.map {
        ScalarMap::Spline(shape) => {
            all.extend([("num_spline_bins", shape.bins.into()), ("spline_bound", shape.bound.into())]);
        }
        ScalarMap::MonotoneNetwork(shape) => all.extend([
            ("autoregressive_transform_units", shape.units.into()),
            ("neural_autoregressive_min_slope", shape.min_slope.into()),
            ("neural_autoregressive_min_residual", shape.min_residual.into()),
            ("neural_autoregressive_inverse_bisection_steps", shape.bisection_steps.into()),
        ]),
        ScalarMap::Affine(_) => {}
    }
    if family == FlowFamily::Autoregressive {
        let spline = matches!(flow.map, ScalarMap::Spline(_));
        let transform = if spline { AutoregressiveTransform::Spline } else { AutoregressiveTransform::Affine };
        all.push(("autoregressive_transform", json!(transform)));
    }
    if encoder.photometry.is_some() {
        all.push(("photometry_embedding_dim", encoder.photometry_embedding_dim.into()));
    }
    let mut all: Vec<_> = all.into_iter().map(|(name, value)| (name, value, None)).collect();
    if let Some(spectrum) = &encoder.spectrum {
        all.push(("spectrum_encoder_type", json!(spectrum.kind), None));
        all.push(("spectrum_embedding_dim", spectrum.outputs.into(), None));
        if spectrum.kind == SpectrumEncoderType::Transformer {
            all.push(("encoder_patch_size", spectrum.patch_size.into(), None));
        }
        if spectrum.kind != SpectrumEncoderType::Conv1d {
            // Null means the width of the conditioners.
            let is_default = spectrum.width == flow.width;
            let implied = if is_default { Value::Null } else { json!(spectrum.width) };
            all.push(("encoder_hidden_dim", implied, Some(spectrum.width.into())));
        }
    }
    all
}
