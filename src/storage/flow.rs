//! The description of a flow in a model's header.
//!
//! The format can say more than this version can compute: every layer has a conditioner and a map of its own, and every
//! hidden unit a degree of its own. What cannot be computed is refused by its place in the header and its value.

use super::entry::{Entry, object};
use crate::error::{Result, counted};
use crate::flow::{BaseDistribution, DEGREES_OF_FREEDOM, Degrees, FlowDescription, Layers, Split};
use crate::kernels::affine::AffineShape;
use crate::kernels::monotone_network::{INITIAL_SPAN, INITIAL_SUM, MAX_UNITS, NetworkShape};
use crate::kernels::scalar_map::ScalarMap;
use crate::kernels::spline::{MAX_BINS, SplineShape};
use serde_json::Value;
use std::ops::RangeInclusive;

/// Largest number of layers in a flow: the maximum of the option `num_coupling_layers`. A header that claims more is
/// refused, so that it cannot exhaust memory.
const MOST_LAYERS: usize = 64;
/// Largest number of hidden layers in a conditioner: the maximum of the option `conditioner_depth`.
const MOST_HIDDEN: usize = 16;
/// Largest number of units in a hidden layer: the maximum of the option `hidden_dim`.
const MOST_UNITS: usize = 4096;
/// Bounds of splines that are read: the range of the option `spline_bound`.
const BOUNDS: RangeInclusive<f64> = 0.1..=1000.0;
/// Lower limit of the smallest bin and of the smallest derivative of a spline. Smaller numbers would vanish in f32
/// beside a share of 1.
const LEAST: f64 = 1e-6;
/// Bounds of log scales. e^80 still fits f32; a bound near zero would leave no scale at all.
const LOG_SCALE_BOUNDS: RangeInclusive<f64> = 0.1..=80.0;

/// The description as JSON.
pub(super) fn written(flow: &FlowDescription) -> Value {
    let map = written_map(&flow.map);
    let conditioner = object([("hidden", vec![flow.width; flow.depth].into()), ("activation", "relu".into())]);
    let layers: Vec<Value> = match &flow.layers {
        Layers::Coupling(splits) => {
            let layer = |split: &Split| {
                object([
                    ("kind", "coupling".into()),
                    ("kept", split.kept.clone().into()),
                    ("transformed", split.transformed.clone().into()),
                    ("conditioner", conditioner.clone()),
                    ("map", map.clone()),
                ])
            };
            splits.iter().map(layer).collect()
        }
        Layers::Autoregressive(orders) => {
            let mut conditioner = conditioner;
            conditioner["degrees"] = vec![degrees(flow.parameter_dim, flow.width); flow.depth].into();
            let layer = |order: &Vec<usize>| {
                object([
                    ("kind", "autoregressive".into()),
                    ("order", order.clone().into()),
                    ("conditioner", conditioner.clone()),
                    ("map", map.clone()),
                ])
            };
            orders.iter().map(layer).collect()
        }
    };
    let mut base = match flow.base {
        BaseDistribution::Gaussian => object([("kind", "gaussian".into())]),
        BaseDistribution::Logistic => object([("kind", "logistic".into())]),
        BaseDistribution::StudentT => {
            object([("kind", "student_t".into()), ("degrees_of_freedom", DEGREES_OF_FREEDOM.into())])
        }
    };
    base["affine"] = flow.base_affine.map_or(Value::Null, |shape| written_map(&ScalarMap::Affine(shape)));
    object([("layers", layers.into()), ("base", base)])
}

fn written_map(map: &ScalarMap) -> Value {
    match *map {
        ScalarMap::Affine(AffineShape { log_scale_bound }) => object([
            ("kind", "affine".into()),
            ("log_scale", "tanh".into()),
            ("log_scale_bound", log_scale_bound.into()),
        ]),
        ScalarMap::Spline(shape) => object([
            ("kind", "rational_quadratic_spline".into()),
            ("bins", shape.bins.into()),
            ("bound", shape.bound.into()),
            ("outside", "identity".into()),
            ("sizes", "softmax".into()),
            ("min_bin_width", shape.min_bin_width.into()),
            ("min_bin_height", shape.min_bin_height.into()),
            ("derivatives", "softplus".into()),
            ("min_derivative", shape.min_derivative.into()),
            ("derivative_shift", shape.derivative_shift.into()),
            ("end_derivatives", "one".into()),
        ]),
        ScalarMap::MonotoneNetwork(shape) => object([
            ("kind", "monotone_network".into()),
            ("units", shape.units.into()),
            ("activation", "tanh".into()),
            ("min_slope", shape.min_slope.into()),
            ("min_residual", shape.min_residual.into()),
            ("initial_sum", INITIAL_SUM.into()),
            ("initial_span", INITIAL_SPAN.into()),
            ("bisection_steps", shape.bisection_steps.into()),
        ]),
    }
}

/// The degree of each of `width` hidden units.
fn degrees(dim: usize, width: usize) -> Vec<usize> {
    let degrees = Degrees { dim, width };
    (0..width).map(|unit| degrees.degree(unit)).collect()
}

/// The description of a flow of `dim` parameters and an embedding of size `embedding`.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) naming the place and the value of what is damaged, or of what this
/// version cannot compute.
pub(super) fn read(flow: &Entry, dim: usize, embedding: usize) -> Result<FlowDescription> {
    flow.only(&["layers", "base"])?;
    let list = flow.get("layers")?;
    let entries = list.items()?;
    let Some(first) = entries.first().filter(|_| entries.len() <= MOST_LAYERS) else {
        return Err(list.refuse(format!("1 to {MOST_LAYERS} layers")));
    };
    let coupling = first.get("kind")?.word(&["coupling", "autoregressive"])? == "coupling";
    let first = Parts::read(first, coupling, dim)?;
    let (mut splits, mut orders) = (Vec::new(), Vec::new());
    for (i, entry) in entries.iter().enumerate() {
        entry.get("kind")?.is(if coupling { "coupling" } else { "autoregressive" })?;
        let parts = if i == 0 { first } else { Parts::read(entry, coupling, dim)? };
        if parts.size != first.size {
            return Err(entry.get("conditioner")?.get("hidden")?.refuse("the same sizes in every layer"));
        }
        if parts.map != first.map {
            return Err(entry.get("map")?.refuse("the same map in every layer"));
        }
        if coupling { splits.push(split(entry, dim)?) } else { orders.push(order(entry, dim)?) }
    }
    let (base, base_affine) = read_base(&flow.get("base")?)?;
    Ok(FlowDescription {
        parameter_dim: dim,
        embedding_dim: embedding,
        layers: if coupling { Layers::Coupling(splits) } else { Layers::Autoregressive(orders) },
        width: first.size.0,
        depth: first.size.1,
        map: first.map,
        base,
        base_affine,
    })
}

/// The parts of a layer that are equal in all layers of a flow.
#[derive(Clone, Copy)]
struct Parts {
    /// Width and number of the hidden layers.
    size: (usize, usize),
    map: ScalarMap,
}

impl Parts {
    fn read(layer: &Entry, coupling: bool, dim: usize) -> Result<Self> {
        if coupling {
            layer.only(&["kind", "kept", "transformed", "conditioner", "map"])?;
        } else {
            layer.only(&["kind", "order", "conditioner", "map"])?;
        }
        let map = layer.get("map")?;
        let shape = read_map(&map)?;
        if coupling && matches!(shape, ScalarMap::MonotoneNetwork(_)) {
            return Err(map.get("kind")?.refuse("affine or rational_quadratic_spline in a coupling layer"));
        }
        Ok(Self { size: conditioner(&layer.get("conditioner")?, coupling, dim)?, map: shape })
    }
}

/// Width and number of the hidden layers of a conditioner.
fn conditioner(entry: &Entry, coupling: bool, dim: usize) -> Result<(usize, usize)> {
    entry.only(if coupling { &["hidden", "activation"] } else { &["hidden", "activation", "degrees"] })?;
    entry.get("activation")?.word(&["relu"])?;
    let hidden = entry.get("hidden")?;
    let widths = hidden.items()?;
    let widths: Vec<usize> = widths.iter().map(|width| width.count(1..=MOST_UNITS)).collect::<Result<_>>()?;
    let depth = widths.len();
    let Some(&width) = widths.first().filter(|_| depth <= MOST_HIDDEN) else {
        return Err(hidden.refuse(format!("1 to {MOST_HIDDEN} hidden layers")));
    };
    if widths.iter().any(|&other| other != width) {
        return Err(hidden.refuse("hidden layers of equal size, which is what this version of Flowglass can compute"));
    }
    if coupling {
        return Ok((width, depth));
    }
    if width < dim {
        return Err(hidden.refuse(format!("at least as many units as parameters, {dim}, in an autoregressive layer")));
    }
    let layers = entry.get("degrees")?;
    let rows = layers.items()?;
    if rows.len() != depth {
        return Err(layers.refuse(format!("the degrees of {}", counted(depth, "hidden layer"))));
    }
    for row in rows {
        let units = row.items()?;
        if units.len() != width {
            return Err(row.refuse(format!("{}, one for each hidden unit", counted(width, "degree"))));
        }
        for (unit, degree) in units.iter().zip(degrees(dim, width)) {
            if unit.count(0..=dim - 1)? != degree {
                let even =
                    format!("{degree}: this version of Flowglass computes degrees that rise evenly with the unit,");
                return Err(unit.refuse(format!("{even} floor(unit * {dim} / {width})")));
            }
        }
    }
    Ok((width, depth))
}

fn split(layer: &Entry, dim: usize) -> Result<Split> {
    let (kept, transformed) = (layer.get("kept")?, layer.get("transformed")?);
    let split = Split { kept: kept.indices(dim)?, transformed: transformed.indices(dim)? };
    if split.transformed.is_empty() {
        return Err(transformed.refuse("at least one parameter"));
    }
    if !is_permutation(&[&split.kept[..], &split.transformed].concat(), dim) {
        return Err(kept.refuse(format!("every parameter from 0 to {} once, in kept or in transformed", dim - 1)));
    }
    Ok(split)
}

fn order(layer: &Entry, dim: usize) -> Result<Vec<usize>> {
    let entry = layer.get("order")?;
    let order = entry.indices(dim)?;
    if !is_permutation(&order, dim) {
        return Err(entry.refuse(format!("every parameter from 0 to {} once", dim - 1)));
    }
    Ok(order)
}

fn is_permutation(indices: &[usize], dim: usize) -> bool {
    let mut seen = vec![false; dim];
    indices.iter().for_each(|&i| seen[i] = true);
    indices.len() == dim && seen.iter().all(|&seen| seen)
}

fn read_map(map: &Entry) -> Result<ScalarMap> {
    match map.get("kind")?.word(&["affine", "rational_quadratic_spline", "monotone_network"])? {
        "affine" => read_affine(map).map(ScalarMap::Affine),
        "rational_quadratic_spline" => read_spline(map).map(ScalarMap::Spline),
        _ => read_network(map).map(ScalarMap::MonotoneNetwork),
    }
}

fn read_affine(map: &Entry) -> Result<AffineShape> {
    map.only(&["kind", "log_scale", "log_scale_bound"])?;
    map.get("kind")?.is("affine")?;
    map.get("log_scale")?.word(&["tanh"])?;
    Ok(AffineShape { log_scale_bound: map.get("log_scale_bound")?.number(LOG_SCALE_BOUNDS)? })
}

fn read_spline(map: &Entry) -> Result<SplineShape> {
    let constants = ["bins", "bound", "min_bin_width", "min_bin_height", "min_derivative", "derivative_shift"];
    map.only(&[&["kind", "outside", "sizes", "derivatives", "end_derivatives"][..], &constants].concat())?;
    map.get("outside")?.word(&["identity"])?;
    map.get("sizes")?.word(&["softmax"])?;
    map.get("derivatives")?.word(&["softplus"])?;
    map.get("end_derivatives")?.word(&["one"])?;
    let bins = map.get("bins")?.count(2..=MAX_BINS)?;
    // At most half of the interval goes to the least sizes, so that the softmax has the other half to share out.
    let least = |key: &str| map.get(key)?.number(LEAST..=0.5 / bins as f64);
    Ok(SplineShape {
        bins,
        bound: map.get("bound")?.number(BOUNDS)?,
        min_bin_width: least("min_bin_width")?,
        min_bin_height: least("min_bin_height")?,
        min_derivative: map.get("min_derivative")?.number(LEAST..=1.0)?,
        derivative_shift: map.get("derivative_shift")?.number(-20.0..=20.0)?,
    })
}

fn read_network(map: &Entry) -> Result<NetworkShape> {
    let constants = ["units", "min_slope", "min_residual", "initial_sum", "initial_span", "bisection_steps"];
    map.only(&[&["kind", "activation"][..], &constants].concat())?;
    map.get("activation")?.word(&["tanh"])?;
    map.get("initial_sum")?.is(INITIAL_SUM)?;
    map.get("initial_span")?.is(INITIAL_SPAN)?;
    Ok(NetworkShape {
        units: map.get("units")?.count(1..=MAX_UNITS)?,
        min_slope: map.get("min_slope")?.number(1e-6..=0.9)?,
        min_residual: map.get("min_residual")?.number(1e-4..=0.9)?,
        bisection_steps: map.get("bisection_steps")?.count(1..=200)?,
    })
}

fn read_base(base: &Entry) -> Result<(BaseDistribution, Option<AffineShape>)> {
    let distribution = match base.get("kind")?.word(&["gaussian", "logistic", "student_t"])? {
        "gaussian" => BaseDistribution::Gaussian,
        "logistic" => BaseDistribution::Logistic,
        _ => BaseDistribution::StudentT,
    };
    if distribution == BaseDistribution::StudentT {
        base.only(&["kind", "degrees_of_freedom", "affine"])?;
        base.get("degrees_of_freedom")?.is(DEGREES_OF_FREEDOM)?;
    } else {
        base.only(&["kind", "affine"])?;
    }
    Ok((distribution, base.get("affine")?.optional().as_ref().map(read_affine).transpose()?))
}
