//! Objects across the border: small things as plain objects, numbers as typed arrays.

use crate::data::Spectrum;
use crate::error::{Error, Result};
use js_sys::{Float32Array, Float64Array, Object, Reflect, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

/// A plain object, with `null` for none and plain objects for maps.
pub fn to_js(value: &impl Serialize) -> Result<JsValue> {
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|e| Error::State(format!("cannot hand the result over: {e}")))
}

/// From a plain object named `name`; `undefined` and `null` give the default.
pub fn from_js<T: DeserializeOwned + Default>(name: &str, value: JsValue) -> Result<T> {
    if value.is_undefined() || value.is_null() {
        return Ok(T::default());
    }
    serde_wasm_bindgen::from_value(value).map_err(|e| Error::option(name, "given", e.to_string()))
}

/// Sets a property of a fresh plain object, which cannot fail.
pub fn set(object: &Object, name: &str, value: impl Into<JsValue>) {
    let _ = Reflect::set(object, &name.into(), &value.into());
}

/// `{values, sigma?, mask?, wavelengths?}` as typed arrays.
pub fn observation_to_js(spectrum: &Spectrum) -> JsValue {
    let object = Object::new();
    set(&object, "values", Float32Array::from(spectrum.values.as_slice()));
    if let Some(sigma) = &spectrum.sigma {
        set(&object, "sigma", Float32Array::from(sigma.as_slice()));
    }
    if let Some(mask) = &spectrum.mask {
        set(&object, "mask", Uint8Array::from(mask.as_slice()));
    }
    if let Some(grid) = &spectrum.wavelengths {
        set(&object, "wavelengths", Float64Array::from(grid.as_slice()));
    }
    object.into()
}

/// An observation from `{values, sigma?, mask?, wavelengths?}`; plain arrays serve as well as typed ones.
pub fn observation_from_js(value: &JsValue) -> Result<Spectrum> {
    let field = |name: &str| Reflect::get(value, &name.into()).ok().filter(|v| !v.is_undefined() && !v.is_null());
    let numbers = |name: &str| field(name).map(|v| numbers(name, &v)).transpose();
    let single = |v: Vec<f64>| v.into_iter().map(|x| x as f32).collect::<Vec<_>>();
    let values = numbers("values")?.ok_or_else(|| Error::array("values", "missing from the observation"))?;
    Ok(Spectrum {
        values: single(values),
        sigma: numbers("sigma")?.map(single),
        mask: numbers("mask")?.map(|m| m.into_iter().map(|x| u8::from(x != 0.0)).collect()),
        wavelengths: numbers("wavelengths")?,
    })
}

/// The numbers of a typed or plain array.
fn numbers(name: &str, value: &JsValue) -> Result<Vec<f64>> {
    if let Some(array) = value.dyn_ref::<Float64Array>() {
        return Ok(array.to_vec());
    }
    if let Some(array) = value.dyn_ref::<Float32Array>() {
        return Ok(array.to_vec().into_iter().map(f64::from).collect());
    }
    if let Some(array) = value.dyn_ref::<Uint8Array>() {
        return Ok(array.to_vec().into_iter().map(f64::from).collect());
    }
    let array = value.dyn_ref::<js_sys::Array>().ok_or_else(|| Error::array(name, "expected an array of numbers"))?;
    let number = |v: JsValue| v.as_f64().or(v.as_bool().map(|b| f64::from(u8::from(b))));
    let all: Option<Vec<f64>> = array.iter().map(number).collect();
    all.ok_or_else(|| Error::array(name, "holds something that is not a number"))
}
