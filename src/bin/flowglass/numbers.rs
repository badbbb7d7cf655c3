//! Numbers and tables as people read them.

use std::time::Duration;

/// Five significant digits.
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

/// Five significant digits without zeros at the end.
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

/// A whole number with a space between thousands.
pub fn count(n: usize) -> String {
    let text = n.to_string();
    let groups: Vec<&str> = text.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap_or("")).collect();
    groups.join(" ")
}

/// A time as 0:07, 12:30 or 1:02:03.
pub fn clock(time: Duration) -> String {
    let s = time.as_secs();
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        h => format!("{h}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

/// Rows of cells as aligned text, the first column to the left, the others to the right.
pub fn table(indent: usize, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |j: usize| rows.iter().filter_map(|r| r.get(j)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (j, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            line += &if j == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A row of a [`table`].
pub fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_five_digits_and_no_more() {
        let cases = [(0.0, "0"), (-1.0, "-1"), (0.012_345_6, "0.012346"), (1234.56, "1234.6"), (1e-7, "1e-7")];
        for (v, text) in cases {
            assert_eq!(short(v), text);
        }
        assert_eq!((digits(-1.0), count(1_234_567)), ("-1.0000".into(), "1 234 567".into()));
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }
}
