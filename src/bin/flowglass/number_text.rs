//! Numbers and tables, written for people.

pub(crate) use flowglass::error::counted;
pub(crate) use flowglass::plots::{by_width, count, digits, fixed, of_posterior, power, row, short};
use flowglass::posterior::TrainingRecord;
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

/// A number with two significant digits, never as a power of ten.
pub(crate) fn two_digits(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return short(v);
    }
    // Written with an exponent first, so that 0.0996 becomes 0.10 and not 0.100.
    let rounded: f64 = format!("{v:.1e}").parse().unwrap_or(v);
    format!("{rounded:.*}", (1 - rounded.abs().log10().floor() as i32).clamp(0, 9) as usize)
}

/// The loss of the best epoch with its standard error, and what it would be without the luck of being the best, if the
/// digits of the error show a difference: `2.4164 ± 0.031 (2.436 without the luck of the best of 8 epochs)`.
pub(crate) fn best_loss(loss: f64, training: &TrainingRecord) -> String {
    let epochs = training.history.len();
    let Some(error) = training.best_validation_error else { return fixed(loss, 4) };
    let text = format!("{} ± {}", fixed(loss, 4), two_digits(error));
    // As many decimals as the two digits of the error have.
    let decimals = two_digits(error).split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let honest = fixed(loss + training.best_validation_bias.unwrap_or(0.0), decimals);
    if honest == fixed(loss, decimals) {
        return text;
    }
    format!("{text} ({honest} without the luck of the best of {epochs} epochs)")
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
    fn two_digits_are_the_first_that_are_not_zero() {
        let expected = [(3.2345, "3.2"), (0.0996, "0.10"), (12.7, "13"), (0.0634, "0.063"), (0.0, "0"), (100.0, "100")];
        for (value, text) in expected {
            assert_eq!(two_digits(value), text);
        }
        assert_eq!(two_digits(-0.15), "-0.15");
    }

    #[test]
    fn the_best_loss_is_said_with_its_error_and_its_luck() {
        let said = |error, bias| {
            let training = TrainingRecord {
                best_validation_error: error,
                best_validation_bias: bias,
                ..TrainingRecord::default()
            };
            best_loss(2.41642, &training)
        };
        assert_eq!(said(None, None), "2.4164");
        assert_eq!(said(Some(0.0312), Some(0.0)), "2.4164 ± 0.031");
        let with_luck = said(Some(0.0312), Some(0.02));
        assert_eq!(with_luck, "2.4164 ± 0.031 (2.436 without the luck of the best of 0 epochs)");
    }

    #[test]
    fn a_time_has_hours_minutes_seconds() {
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }
}
