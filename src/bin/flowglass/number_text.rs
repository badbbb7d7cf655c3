//! Numbers and tables, written for people.

pub(crate) use flowglass::error::counted;
pub(crate) use flowglass::plots::{by_width, count, digits, fixed, of_posterior, power, row, short};
use flowglass::prior::Prior;
use std::time::Duration;

/// A time as 0:07, 12:30 or 1:02:03.
pub(crate) fn clock(time: Duration) -> String {
    let s = time.as_secs();
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        h => format!("{h}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

/// Rows of cells as aligned text: the first column is left-aligned, the others are right-aligned.
pub(crate) fn table(indent: usize, rows: &[Vec<String>]) -> String {
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

/// The row of a table that says the name of a parameter and its prior.
pub(crate) fn prior_row(name: &str, prior: &Prior) -> Vec<String> {
    let spread = |std: f64| format!("std {}", short(std));
    match prior {
        Prior::Uniform { low, high } => row([name, "uniform", &short(*low), &short(*high)]),
        Prior::LogUniform { low, high } => row([name, "log-uniform", &short(*low), &short(*high)]),
        Prior::Normal { mean, std } => row([name, "normal", &format!("mean {}", short(*mean)), &spread(*std)]),
        Prior::LogNormal { mean, std } => {
            row([name, "log-normal", &format!("ln mean {}", short(*mean)), &spread(*std)])
        }
        Prior::None => row([name, "no prior", "", ""]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thousands_of_a_count_are_grouped() {
        assert_eq!(count(1_234_567), "1 234 567");
    }

    #[test]
    fn a_time_has_hours_minutes_seconds() {
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }
}
