//! Checks of numbers that JavaScript gives. They are all floats, so a count or a seed may come as -1, 2.5 or 1e300.

use crate::error::{Error, Result};

/// The whole number that JavaScript gives for `name`, at most `max`.
///
/// # Errors
/// [`Error::Option`] with the value that came: it is negative, larger than `max`, not whole, or not a number.
pub(crate) fn whole(name: &str, value: f64, max: u64) -> Result<u64> {
    // A cast alone would round and saturate without an error. `max as f64` is exact for limits up to `MAX_SEED`.
    if value >= 0.0 && value.fract() == 0.0 && value <= max as f64 {
        Ok(value as u64)
    } else {
        Err(Error::option(name, value, format!("a whole number from 0 to {max}")))
    }
}

/// The time in seconds that JavaScript gives for `name` in milliseconds.
///
/// # Errors
/// [`Error::Option`] with the value that came: it is negative, infinite, or not a number.
pub(crate) fn seconds(name: &str, ms: f64) -> Result<f64> {
    if ms >= 0.0 && ms.is_finite() {
        Ok(ms / 1000.0)
    } else {
        Err(Error::option(name, ms, "a number of milliseconds, 0 or more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::MAX_SEED;

    #[test]
    fn whole_numbers_up_to_the_limit_are_taken_as_they_are() {
        for value in [0, 1, 41, MAX_SEED - 1, MAX_SEED] {
            assert_eq!(whole("seed", value as f64, MAX_SEED), Ok(value));
        }
        assert_eq!(whole("n", -0.0, 0), Ok(0));
    }

    #[test]
    fn a_number_above_the_limit_is_refused_with_the_limit() {
        let text = whole("n", 11.0, 10).unwrap_err().to_string();
        assert_eq!(text, "option n = 11: expected a whole number from 0 to 10");
    }

    #[test]
    fn two_seeds_that_a_cast_would_make_one_are_refused() {
        let (a, b) = (1e300, 2e300);
        assert_eq!(a as u64, b as u64);
        for seed in [a, b, MAX_SEED as f64 + 1.0, f64::INFINITY] {
            assert_eq!(whole("seed", seed, MAX_SEED).unwrap_err().code(), "option", "{seed}");
        }
    }

    #[test]
    fn a_value_that_is_not_a_whole_number_is_refused_by_name() {
        for value in [-1.0, 0.5, 2.5, 1e-300, f64::NAN, f64::NEG_INFINITY] {
            let text = whole("n_draws", value, 100).unwrap_err().to_string();
            assert!(text.starts_with(&format!("option n_draws = {value}: expected a whole number")), "{text}");
        }
    }

    #[test]
    fn a_time_without_an_end_is_refused() {
        assert_eq!(seconds("max_ms", 250.0), Ok(0.25));
        for ms in [-1.0, f64::INFINITY, f64::NAN] {
            assert_eq!(seconds("max_ms", ms).unwrap_err().code(), "option", "{ms}");
        }
    }
}
