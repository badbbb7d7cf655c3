//! Conversion between Rust and JavaScript: small values become plain objects, many numbers become typed arrays.

use crate::data::{Axis, Observation, Photometry, Points, Spectrum};
use crate::error::{Error, Result};
use crate::kernels::from_values;
use crate::posterior::Posterior;
use burn::tensor::Tensor;
use js_sys::{Array, Float32Array, Float64Array, Object, Reflect, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

/// Converts a value to a plain object. `None` becomes `null`, and a map a plain object.
pub(super) fn to_js(value: &impl Serialize) -> Result<JsValue> {
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|e| Error::cannot_write("the result", e))
}

/// Converts a plain object, which messages call `name`. `undefined` and `null` give the default.
pub(super) fn from_js<T: DeserializeOwned + Default>(name: &str, value: JsValue) -> Result<T> {
    if value.is_undefined() || value.is_null() {
        return Ok(T::default());
    }
    serde_wasm_bindgen::from_value(value).map_err(|e| Error::option(name, "given", e.to_string()))
}

/// Sets a property of a new plain object. That cannot fail.
pub(super) fn set(object: &Object, name: &str, value: impl Into<JsValue>) {
    let _ = Reflect::set(object, &name.into(), &value.into());
}

/// Converts an observation to `{values?, sigma?, mask?, wavelengths?, photometry?: {values, sigma?, mask?, bands?}}`,
/// with typed arrays.
pub(super) fn observation_to_js(observation: &Observation) -> JsValue {
    let object = Object::new();
    if let Some(spectrum) = &observation.spectrum {
        set_spectrum(&object, spectrum);
    }
    if let Some(photometry) = &observation.photometry {
        let block = Object::new();
        set_points(&block, photometry.points());
        match &photometry.bands {
            None => {}
            Some(Axis::Wavelengths(centers)) => set(&block, "bands", Float64Array::from(centers.as_slice())),
            Some(Axis::Names(names)) => {
                set(&block, "bands", names.iter().map(|name| JsValue::from(name.as_str())).collect::<Array>());
            }
        }
        set(&object, "photometry", block);
    }
    object.into()
}

/// Converts a spectrum to `{values, sigma?, mask?, wavelengths?}`, with typed arrays.
pub(super) fn spectrum_to_js(spectrum: &Spectrum) -> JsValue {
    let object = Object::new();
    set_spectrum(&object, spectrum);
    object.into()
}

fn set_spectrum(object: &Object, spectrum: &Spectrum) {
    set_points(object, spectrum.points());
    if let Some(grid) = &spectrum.wavelengths {
        set(object, "wavelengths", Float64Array::from(grid.as_slice()));
    }
}

fn set_points(object: &Object, points: Points<'_>) {
    set(object, "values", Float32Array::from(points.values));
    if let Some(sigma) = points.sigma {
        set(object, "sigma", Float32Array::from(sigma));
    }
    if let Some(mask) = points.mask {
        set(object, "mask", Uint8Array::from(mask));
    }
}

/// Converts an object like that of [`observation_to_js`] to an observation. Plain arrays are accepted too.
pub(super) fn observation_from_js(value: &JsValue) -> Result<Observation> {
    let spectrum = match points_from_js(value, ["values", "sigma", "mask"])? {
        Some((values, sigma, mask)) => {
            let wavelengths = field(value, "wavelengths").map(|v| numbers("wavelengths", &v)).transpose()?;
            Some(Spectrum { values, sigma, mask, wavelengths })
        }
        None => None,
    };
    let photometry = match field(value, "photometry") {
        Some(block) => {
            let names = ["photometry.values", "photometry.sigma", "photometry.mask"];
            let points = points_from_js(&block, names)?;
            let (values, sigma, mask) =
                points.ok_or_else(|| Error::array(names[0], "missing from the observation's photometry"))?;
            let bands = field(&block, "bands").map(|v| bands_from_js(&v)).transpose()?;
            Some(Photometry { values, sigma, mask, bands })
        }
        None => None,
    };
    if spectrum.is_none() && photometry.is_none() {
        return Err(Error::array("values", "missing from the observation, which has no photometry either"));
    }
    Ok(Observation { spectrum, photometry })
}

/// The embeddings (B, E) of a list of B observations, or a list of B embeddings, each a `Float32Array` (E).
pub(super) fn embeddings(posterior: &Posterior, list: &Array) -> Result<Tensor<2>> {
    let given: Vec<Vec<f32>> = list.iter().filter_map(|v| Some(v.dyn_ref::<Float32Array>()?.to_vec())).collect();
    if given.is_empty() {
        let observations: Vec<_> = list.iter().map(|v| observation_from_js(&v)).collect::<Result<_>>()?;
        return posterior.batch_encode_observation(&observations);
    }
    let width = given[0].len();
    if given.len() != list.length() as usize || given.iter().any(|row| row.len() != width) {
        let expected = "expected observations, or embeddings of one length, and not both";
        return Err(Error::array("observations", format!("a list of {}: {expected}", list.length())));
    }
    Ok(from_values(given.concat(), [given.len(), width], posterior.device()))
}

/// Values, uncertainties and mask of a block.
type BlockArrays = (Vec<f32>, Option<Vec<f32>>, Option<Vec<u8>>);

/// Reads the arrays of a block; `None` if the object has no values. Messages call the arrays by `names`. The field of a
/// name is the part after its last dot.
fn points_from_js(object: &JsValue, names: [&str; 3]) -> Result<Option<BlockArrays>> {
    let read = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        field(object, last).map(|v| numbers(name, &v)).transpose()
    };
    let single = |v: Vec<f64>| v.into_iter().map(|x| x as f32).collect::<Vec<_>>();
    let [values, sigma, mask] = [read(names[0])?, read(names[1])?, read(names[2])?];
    let mask = mask.map(|m| m.into_iter().map(|x| u8::from(x != 0.0)).collect());
    Ok(values.map(|values| (single(values), sigma.map(single), mask)))
}

/// Reads bands: names if all elements are text, else central wavelengths.
fn bands_from_js(value: &JsValue) -> Result<Axis> {
    let names = value.dyn_ref::<Array>().and_then(|a| a.iter().map(|v| v.as_string()).collect::<Option<Vec<_>>>());
    match names {
        Some(names) => Ok(Axis::Names(names)),
        None => numbers("photometry.bands", value).map(Axis::Wavelengths),
    }
}

/// A property of an object; `None` if it is `undefined` or `null`.
pub(super) fn field(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &name.into()).ok().filter(|v| !v.is_undefined() && !v.is_null())
}

/// The numbers of a typed or plain array.
pub(super) fn numbers(name: &str, value: &JsValue) -> Result<Vec<f64>> {
    if let Some(array) = value.dyn_ref::<Float64Array>() {
        return Ok(array.to_vec());
    }
    if let Some(array) = value.dyn_ref::<Float32Array>() {
        return Ok(array.to_vec().into_iter().map(f64::from).collect());
    }
    if let Some(array) = value.dyn_ref::<Uint8Array>() {
        return Ok(array.to_vec().into_iter().map(f64::from).collect());
    }
    let array = value.dyn_ref::<Array>().ok_or_else(|| Error::array(name, "expected an array of numbers"))?;
    let number = |v: JsValue| v.as_f64().or(v.as_bool().map(|b| f64::from(u8::from(b))));
    let all: Option<Vec<f64>> = array.iter().map(number).collect();
    all.ok_or_else(|| Error::array(name, "holds something that is not a number"))
}
