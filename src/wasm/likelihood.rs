//! A likelihood that is a function in JavaScript: `(theta, observation) => ({ value, gradient })`.

use super::convert::{field, numbers, spectrum_to_js};
use crate::data::Spectrum;
use crate::trainer::{ElboLikelihood, Scored};
use js_sys::{Error, Float64Array, Function, Promise};
use wasm_bindgen::{JsCast, JsValue};

/// Wraps a JavaScript function so that the trainer can call it.
pub(super) fn caller_likelihood(function: Function) -> ElboLikelihood {
    ElboLikelihood::Function(Box::new(move |theta: &[f64], spectrum: &Spectrum| -> Scored {
        let (theta, observation) = (Float64Array::from(theta), spectrum_to_js(spectrum));
        let returned = function.call2(&JsValue::UNDEFINED, &theta, &observation).map_err(|e| thrown(&e))?;
        let [value, gradient] = ["value", "gradient"].map(|name| field(&returned, name));
        match (value.and_then(|value| value.as_f64()), gradient) {
            (Some(value), Some(gradient)) => Ok((value, numbers("gradient", &gradient)?)),
            (value, _) => {
                let lacking = if value.is_none() { "a value that is a number" } else { "a gradient" };
                let came = if returned.is_instance_of::<Promise>() { "a promise".into() } else { kind(&returned) };
                let expected = "expected { value, gradient }, a number and an array of numbers";
                Err(format!("returned {came} without {lacking}: {expected}").into())
            }
        }
    }))
}

/// A message about a value that was thrown.
fn thrown(value: &JsValue) -> String {
    match value.dyn_ref::<Error>() {
        Some(error) => String::from(error.to_string()).trim_start_matches("Error: ").into(),
        None => value.as_string().unwrap_or_else(|| format!("threw {}", kind(value))),
    }
}

fn kind(value: &JsValue) -> String {
    value.js_typeof().as_string().unwrap_or_default()
}
