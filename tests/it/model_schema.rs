//! The JSON Schema of the model file's header, and the page that describes it, fit the headers that models have.

use crate::model_file::{FORMAT_3, demo, load, read, saved};
use crate::model_headers::header;
use crate::models::{model, small};
use burn::tensor::Device;
use flowglass::options::Config;
use flowglass::posterior::parameters;
use flowglass::prior::Prior;
use flowglass::storage;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../docs/reference/model-file.schema.json");
const PAGE: &str = include_str!("../../docs/reference/model-file.md");

struct Schema(Value);

impl Schema {
    fn new() -> Self {
        Self(serde_json::from_str(SCHEMA).unwrap())
    }

    /// What is wrong with a header, if anything is.
    fn wrong(&self, header: &Value) -> Option<String> {
        self.check(&self.0, header).err()
    }

    /// Checks a value against a part of the schema. It knows only the keywords that this schema uses;
    /// `tests/e2e/model-file.test.mjs` checks the same headers with a complete validator.
    fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let count = |least: bool, n: f64, limit: &Value| {
            let limit = limit.as_f64().expect("a number");
            if least { n >= limit } else { n <= limit }
        };
        let number = value.as_f64();
        let size = value.as_array().map(|items| items.len() as f64);
        for (keyword, rule) in schema.as_object().expect("a schema") {
            let fits = match keyword.as_str() {
                "$schema" | "title" | "description" | "$defs" | "properties" | "required" => true,
                "$ref" => {
                    let pointer = rule.as_str().and_then(|r| r.strip_prefix('#')).expect("a local reference");
                    self.check(self.0.pointer(pointer).expect(pointer), value)?;
                    true
                }
                "oneOf" => {
                    let fitting = rule.as_array().unwrap().iter().filter(|part| self.check(part, value).is_ok());
                    fitting.count() == 1
                }
                "const" => equal(rule, value),
                "enum" => rule.as_array().unwrap().iter().any(|one| equal(one, value)),
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|one| is(one, value)),
                    one => is(one, value),
                },
                "minimum" => number.is_none_or(|n| count(true, n, rule)),
                "maximum" => number.is_none_or(|n| count(false, n, rule)),
                "exclusiveMinimum" => number.is_none_or(|n| n > rule.as_f64().unwrap()),
                "minItems" => size.is_none_or(|n| count(true, n, rule)),
                "maxItems" => size.is_none_or(|n| count(false, n, rule)),
                "items" => {
                    value.as_array().into_iter().flatten().try_for_each(|item| self.check(rule, item))?;
                    true
                }
                "uniqueItems" => {
                    value.as_array().is_none_or(|items| (1..items.len()).all(|i| !items[..i].contains(&items[i])))
                }
                "additionalProperties" => {
                    assert_eq!(*rule, Value::Bool(false));
                    let known = schema["properties"].as_object().expect("properties");
                    value.as_object().is_none_or(|object| object.keys().all(|key| known.contains_key(key)))
                }
                other => panic!("the schema has the keyword {other}, which this test does not know"),
            };
            if !fits {
                return Err(format!("{keyword} {rule}: {value}"));
            }
        }
        let Some(object) = value.as_object() else { return Ok(()) };
        for key in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if !object.contains_key(key.as_str().unwrap()) {
                return Err(format!("without {key}: {value}"));
            }
        }
        for (key, part) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = object.get(key) {
                self.check(part, value).map_err(|e| format!("{key}: {e}"))?;
            }
        }
        Ok(())
    }
}

/// Numbers are equal as numbers: 5 and 5.0 are one number.
fn equal(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && b.is_number() && a.as_f64() == b.as_f64())
}

fn is(name: &Value, value: &Value) -> bool {
    match name.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        other => panic!("the schema has the type {other}"),
    }
}

/// A header with photometry, made from options alone.
fn with_photometry() -> Value {
    let start = model(small(), vec![Prior::Uniform { low: 0.0, high: 1.0 }; 2], &[0.5; 2], &Device::flex());
    let mut options = serde_json::to_value(start.metadata()).unwrap();
    options["schema"]["photometry"] =
        json!({"n_bands": 2, "bands": ["J", "H"], "has_sigma": true, "has_mask": false, "may_be_absent": true});
    options["preprocessing"]["photometry"] = json!({});
    let made = storage::from_metadata("header", &options.to_string(), &Device::flex()).unwrap();
    serde_json::to_value(storage::header(&made)).unwrap()
}

/// Headers of every family, encoder, base and preprocessing.
fn headers() -> Vec<(String, Value)> {
    let again = |bytes: &[u8]| header(&saved(&load(bytes)));
    let old = FORMAT_3.iter().map(|name| (name.to_string(), again(&read(&format!("format-3/{name}.safetensors")))));
    let by_hand = ["coupling", "made", "network"].into_iter().flat_map(|name| {
        let bytes = read(&format!("{name}.safetensors"));
        [(format!("{name} by hand"), header(&bytes)), (name.into(), again(&bytes))]
    });
    let rest = [("demo".into(), again(&demo().0)), ("photometry".into(), with_photometry())];
    old.chain(by_hand).chain(rest).collect()
}

#[test]
fn every_header_that_is_written_fits_the_schema() {
    let schema = Schema::new();
    for (name, header) in headers() {
        assert_eq!(schema.wrong(&header), None, "{name}");
    }
}

#[test]
fn the_schema_finds_what_is_wrong_with_a_header() {
    let schema = Schema::new();
    let right = header(&read("coupling.safetensors"));
    assert_eq!(schema.wrong(&right), None);
    for (pointer, value) in [
        ("/format_version", json!(3)),
        ("/flows", json!([])),
        ("/flows/0/layers/0/kind", json!("lu_linear")),
        ("/flows/0/layers/0/kept", json!([0, 0])),
        ("/flows/0/layers/0/transformed", json!([])),
        ("/flows/0/layers/0/conditioner/activation", json!("tanh")),
        ("/flows/0/layers/0/map/bins", json!(1)),
        ("/flows/0/layers/0/map/bound", json!("3")),
        ("/flows/0/layers/0/map/end_derivatives", json!("learned")),
        ("/flows/0/base/kind", json!("gaussian")),
        ("/space/std", json!([0.0, 1.0, 1.0])),
        ("/space/priors/0", json!({"kind": "uniform", "low": 0.0})),
        ("/schema/has_sigma", json!(1)),
        ("/encoder/spectrum/shortcut", json!(false)),
        ("/auxiliary_heads", json!({"log_scale": true})),
    ] {
        let mut wrong = right.clone();
        *wrong.pointer_mut(pointer).expect(pointer) = value.clone();
        assert!(schema.wrong(&wrong).is_some(), "{pointer} = {value}");
    }
}

/// The places of all objects in a value.
fn objects(value: &Value, pointer: String) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => vec![],
    };
    let own = value.is_object().then(|| pointer.clone());
    let inner = inner.into_iter().flat_map(|(key, value)| objects(value, format!("{pointer}/{key}")));
    own.into_iter().chain(inner).collect()
}

#[test]
fn the_schema_knows_every_key_of_what_decides_a_model() {
    let schema = Schema::new();
    for name in ["coupling", "made", "network"] {
        let right = header(&read(&format!("{name}.safetensors")));
        for pointer in objects(&right, String::new()) {
            let mut wrong = right.clone();
            wrong.pointer_mut(&pointer).unwrap()["dropout"] = json!(0.1);
            assert!(schema.wrong(&wrong).is_some(), "{name}: an unknown key at '{pointer}'");
        }
    }
}

#[test]
fn the_schema_asks_for_every_key_of_the_networks() {
    let schema = Schema::new();
    for name in ["coupling", "made", "network"] {
        let right = header(&read(&format!("{name}.safetensors")));
        for pointer in objects(&right, String::new()).into_iter().filter(|p| p.starts_with("/flows/0/layers/0")) {
            for key in right.pointer(&pointer).unwrap().as_object().unwrap().keys() {
                let mut wrong = right.clone();
                wrong.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(key);
                assert!(schema.wrong(&wrong).is_some(), "{name}: without {key} at '{pointer}'");
            }
        }
    }
}

/// The example on the page.
fn example() -> Value {
    let text = PAGE.split("```json\n").nth(1).expect("an example").split("```").next().unwrap();
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_example_of_the_page_fits_the_schema() {
    assert_eq!(Schema::new().wrong(&example()), None);
}

#[test]
fn the_example_of_the_page_has_the_arrays_that_the_page_lists() {
    let made = storage::from_metadata("page", &example().to_string(), &Device::flex()).unwrap();
    let section = PAGE.split("## Example").nth(1).unwrap().split("```json").next().unwrap();
    // A name in the page may begin with a dot: it then has the prefix of the name before it.
    let (mut listed, mut layer, mut encoder) = (vec![], String::new(), String::new());
    for part in section.split('`').skip(1).step_by(2).filter(|part| part.contains('.') && !part.contains(' ')) {
        let name = match part.strip_prefix('.') {
            None => part.to_string(),
            Some("bias") => format!("{layer}.bias"),
            Some(rest) => format!("{encoder}.{rest}"),
        };
        layer = name.rsplit_once('.').unwrap().0.to_string();
        encoder = layer.rsplit_once('.').unwrap().0.to_string();
        listed.push(name);
    }
    let mut names: Vec<String> = parameters::layout(made.network()).into_iter().map(|(name, _)| name).collect();
    names.sort();
    listed.sort();
    assert_eq!(listed, names);
}

#[test]
fn the_page_names_every_key_of_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    fn keys(value: &Value, found: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            found.extend(properties.keys().cloned());
        }
        match value {
            Value::Object(object) => object.values().for_each(|value| keys(value, found)),
            Value::Array(items) => items.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }
    let mut found = vec![];
    keys(&schema, &mut found);
    // The training history does not affect what a model computes; the code documents it.
    let of_history = ["epoch", "stability", "passed_over"].map(|name| match name {
        "passed_over" => schema["$defs"]["training"]["properties"]["passed_over"].clone(),
        "stability" => schema["$defs"]["epoch"]["properties"]["stability"].clone(),
        other => schema["$defs"][other].clone(),
    });
    let mut history = vec!["passed_over".to_string()];
    of_history.iter().for_each(|value| keys(value, &mut history));
    for key in found.iter().filter(|key| !history.contains(key)) {
        assert!(
            PAGE.contains(&format!("`{key}`")) || PAGE.contains(&format!("\"{key}\"")),
            "the page does not name {key}"
        );
    }
}

#[test]
fn options_follow_from_the_networks_that_they_make() {
    // Every option about networks follows from the description of the networks, so a header without options is
    // complete.
    for config in [Config::spline(), Config::affine(), Config::autoregressive(), Config::neural_autoregressive()] {
        let config = Config { flow_family: config.flow_family, use_base_affine: true, ..small() };
        let priors = vec![Prior::Uniform { low: 0.0, high: 1.0 }; 3];
        let start = model(config, priors, &[0.5; 3], &Device::flex());
        let mut header = serde_json::to_value(storage::header(&start)).unwrap();
        header.as_object_mut().unwrap().remove("config");
        let made = storage::from_metadata("header", &header.to_string(), &Device::flex()).unwrap();
        assert_eq!(made.metadata().config, start.metadata().config);
    }
}
