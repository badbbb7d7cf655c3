//! The text of numbers for people.

/// A whole number with a space between thousands.
pub fn count(n: usize) -> String {
    let text = n.to_string();
    let groups: Vec<&str> = text.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap_or("")).collect();
    groups.join(" ")
}

/// A row of a table of text.
pub fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

/// A number with five significant digits.
pub fn digits(v: f64) -> String {
    let size = v.abs();
    if !v.is_finite() {
        return v.to_string();
    }
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{v:.4e}");
    }
    let exponent = if size == 0.0 { 0 } else { size.log10().floor() as i32 };
    format!("{v:.*}", usize::try_from(4 - exponent).unwrap_or(0))
}

/// A number with five significant digits, without zeros at the end.
pub fn short(v: f64) -> String {
    let text = digits(v);
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{}e{exponent}", trimmed(digits)),
        None => trimmed(&text).to_string(),
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_number_has_at_most_five_digits() {
        let cases = [(0.0, "0"), (-1.0, "-1"), (0.012_345_6, "0.012346"), (1234.56, "1234.6"), (1e-7, "1e-7")];
        for (v, text) in cases {
            assert_eq!(short(v), text);
        }
    }

    #[test]
    fn a_number_of_five_digits_keeps_its_zeros() {
        assert_eq!(digits(-1.0), "-1.0000");
    }
}
