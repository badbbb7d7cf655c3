//! What an engine refuses at the border. JavaScript's numbers are floats, and a cast would turn any of them into a
//! count or a seed.

use flowglass::wasm::Engine;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

async fn engine() -> Engine {
    Engine::create("flex".into()).await.expect("every artifact has flex")
}

/// The `code` of a JavaScript error, and its message.
fn refused<T>(result: Result<T, JsValue>) -> (String, String) {
    let Err(error) = result else { panic!("it was taken") };
    let word = |name: &str| js_sys::Reflect::get(&error, &name.into()).ok()?.as_string();
    (word("code").unwrap_or_default(), word("message").unwrap_or_default())
}

#[wasm_bindgen_test]
async fn a_count_that_is_not_a_whole_number_is_refused() {
    let engine = engine().await;
    for n in [-1.0, 2.5, 1e300, f64::NAN] {
        let (code, message) = refused(engine.simulate("two_moons", n, 0.0));
        assert!(code == "option" && message.starts_with("option n ="), "{n}: {code}: {message}");
    }
    engine.simulate("two_moons", 3.0, 0.0).expect("three simulations");
}

#[wasm_bindgen_test]
async fn a_seed_that_another_number_would_share_is_refused() {
    let engine = engine().await;
    for seed in [-1.0, 0.5, 9_007_199_254_740_992.0, 1e300, f64::INFINITY] {
        let (code, message) = refused(engine.simulate("two_moons", 3.0, seed));
        assert!(code == "option" && message.starts_with("option seed ="), "{seed}: {code}: {message}");
    }
    let draws = |seed: f64| engine.simulate("two_moons", 3.0, seed).expect("three simulations");
    assert_ne!(draws(9_007_199_254_740_991.0), draws(9_007_199_254_740_990.0));
}

#[wasm_bindgen_test]
async fn a_row_that_is_not_in_the_set_is_refused() {
    let engine = engine().await;
    let set = engine.simulate("two_moons", 3.0, 0.0).expect("three simulations");
    engine.read_set("set.npz", &set, JsValue::UNDEFINED).expect("a set");
    for row in [-1.0, 0.5, 3.0] {
        assert_eq!(refused(engine.set_row(row)).0, "option", "{row}");
    }
    engine.set_row(2.0).expect("the last row");
}

#[wasm_bindgen_test]
async fn a_time_without_an_end_is_refused() {
    let engine = engine().await;
    for ms in [-1.0, f64::INFINITY, f64::NAN] {
        assert_eq!(refused(engine.train_run(ms).await).0, "option", "{ms}");
    }
}

#[wasm_bindgen_test]
async fn a_file_says_what_it_is() {
    let engine = engine().await;
    let set = engine.simulate("two_moons", 3.0, 0.0).expect("three simulations");
    let what = engine.what_is("anything", &set).expect("an answer");
    let word = |name: &str| js_sys::Reflect::get(&what, &name.into()).expect("an object").as_string();
    assert_eq!((word("format").as_deref(), word("holds").as_deref()), (Some("npz"), Some("set")));
}
