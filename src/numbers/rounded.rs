//! Numbers with few digits.

/// A number rounded to `n` significant digits.
pub(crate) fn rounded(v: f64, n: usize) -> f64 {
    format!("{v:.*e}", n - 1).parse().unwrap_or(v)
}
