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

/// The text of a finite number. NaN and infinities, which not every reader knows, become words.
fn finite(v: f64, text: impl FnOnce(f64) -> String) -> String {
    if v.is_finite() { text(v) } else { "not finite".into() }
}

/// A number with this many decimals.
pub fn fixed(v: f64, decimals: usize) -> String {
    finite(v, |v| format!("{v:.decimals$}"))
}

/// A number as a power of ten with two significant digits, for errors that should be small.
pub fn power(v: f64) -> String {
    finite(v, |v| format!("{v:.1e}"))
}

/// A number of a posterior, such as its median, rounded by the width of the 68 % interval from `low` to `high`. The page
/// has the same rule in `www/views/format.js`; a test compares both.
///
/// Numbers of one parameter end at the same decimal place: that of the second digit of half the width. If the prior is
/// `logarithmic`, each number has a place of its own, by its share of the interval: half of ln(high / low), but at most
/// 1, times the number.
pub fn of_posterior(v: f64, [low, high]: [f64; 2], logarithmic: bool) -> String {
    let relative = if logarithmic && low > 0.0 { 0.5 * (high / low).ln() } else { f64::NAN };
    by_width(v, if relative.is_nan() { 0.5 * (high - low) } else { v.abs() * relative.min(1.0) })
}

/// A number rounded to the decimal place of the second digit of its uncertainty, `width`. Without a width, it has five
/// significant digits.
pub fn by_width(v: f64, width: f64) -> String {
    let width = if width > 0.0 && width.is_finite() { width } else { 1e-3 * v.abs() };
    // A number in double precision has no more than 15 digits.
    finite(v, |v| rounded(v, (1 - exponent(width)).min(14 - exponent(v)).min(300)))
}

/// The power of ten of the first digit.
fn exponent(v: f64) -> i32 {
    format!("{v:e}").split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)
}

/// A number rounded to this many decimals; to tens, hundreds and so on if there are fewer than none.
fn rounded(v: f64, decimals: i32) -> String {
    let power = 10_f64.powi(decimals.abs());
    let digits = (if decimals < 0 { v.abs() / power } else { v.abs() * power }).round().to_string();
    let (sign, size) = (if v < 0.0 && digits != "0" { "-" } else { "" }, v.abs());
    if digits != "0" && (size >= 1e6 || (decimals > 5 && size < 1e-3) || decimals > 9) {
        let point = if digits.len() > 1 { "." } else { "" };
        return format!("{sign}{}{point}{}e{}", &digits[..1], &digits[1..], digits.len() as i32 - 1 - decimals);
    }
    match usize::try_from(decimals) {
        Ok(decimals @ 1..=9) => {
            let digits = format!("{digits:0>width$}", width = decimals + 1);
            let (whole, rest) = digits.split_at(digits.len() - decimals);
            format!("{sign}{whole}.{rest}")
        }
        Err(_) if digits != "0" => format!("{sign}{digits}{}", "0".repeat(decimals.unsigned_abs() as usize)),
        _ => format!("{sign}{digits}"),
    }
}

/// A number with five significant digits.
pub fn digits(v: f64) -> String {
    finite(v, five_digits)
}

fn five_digits(v: f64) -> String {
    let size = v.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{v:.4e}");
    }
    let exponent = if size == 0.0 { 0 } else { size.log10().floor() as i32 };
    format!("{v:.*}", usize::try_from(4 - exponent).unwrap_or(0))
}

/// A number with five significant digits, without zeros at the end.
pub fn short(v: f64) -> String {
    finite(v, |v| without_zeros(&five_digits(v)))
}

fn without_zeros(text: &str) -> String {
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{}e{exponent}", trimmed(digits)),
        None => trimmed(text).to_string(),
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
    fn numbers_that_are_not_finite_are_words() {
        for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for text in [digits(v), short(v), fixed(v, 4), power(v)] {
                assert_eq!(text, "not finite");
            }
        }
        assert_eq!([fixed(-0.5, 4), power(1.2e-6)], ["-0.5000", "1.2e-6"]);
    }

    #[test]
    fn a_number_of_five_digits_keeps_its_zeros() {
        assert_eq!(digits(-1.0), "-1.0000");
    }
}
