//! Digits of posterior numbers: the command line and the page have one rule.

use flowglass::plots::{by_width, of_posterior};

/// Rows of a number, the ends of its 68 % interval, whether its prior is one of the logarithm, and its text.
const CASES: &str = include_str!("../reference/digits/cases.json");

#[test]
fn numbers_of_a_posterior_have_the_digits_that_their_interval_allows() {
    let cases: Vec<(f64, f64, f64, bool, String)> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 20);
    for (v, low, high, logarithmic, text) in cases {
        assert_eq!(of_posterior(v, [low, high], logarithmic), text, "{v} in {low} to {high}");
    }
}

#[test]
fn an_uncertainty_has_two_digits_and_decides_those_of_its_number() {
    assert_eq!([by_width(-6.942, 0.040174), by_width(0.040174, 0.040174)], ["-6.942", "0.040"]);
    assert_eq!(by_width(f64::NAN, 1.0), "not finite");
    assert_eq!(by_width(0.25, f64::INFINITY), "0.25000");
}
