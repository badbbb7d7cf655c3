//! The style sheet of plots, for light and dark.

use std::fmt::Write;

const RULES: &str = include_str!("figure.css");

/// Names of colors in the rules, with the color for light and for dark.
const COLORS: [(&str, [&str; 2]); 9] = [
    ("ink", ["#1d2530", "#e6eaf0"]),
    ("soft", ["#5a6675", "#9ba7b6"]),
    ("paper", ["#fff", "#14181f"]),
    ("grid", ["#e6e9ee", "#272e38"]),
    ("frame", ["#aab3bf", "#4d5866"]),
    ("band", ["#d5e2f4", "#263c5c"]),
    ("a", ["#1f5fbf", "#7fb2ff"]),
    ("b", ["#b8560b", "#f0a15c"]),
    ("bad", ["#b3261e", "#ff8a80"]),
];

/// The style sheet for a page with plots: the colors as variables, which the page's own rules may use, and the rules of
/// plots.
pub fn page_style() -> String {
    let variables = |of: usize| {
        COLORS.iter().fold(String::new(), |mut text, (name, colors)| {
            let _ = write!(text, "--{name}: {}; ", colors[of]);
            text
        })
    };
    let (light, dark) = (variables(0), variables(1));
    format!(":root {{ {light}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}\n{RULES}")
}

/// The style sheet for an SVG file. The colors are written out, because viewers and editors of SVG do not know
/// variables. Most do not know dark mode either, and skip that part.
pub(crate) fn file_style() -> String {
    let with = |of: usize| {
        COLORS
            .iter()
            .fold(RULES.to_string(), |rules, (name, colors)| rules.replace(&format!("var(--{name})"), colors[of]))
    };
    let (light, dark) = (with(0), with(1));
    format!("{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")
}
