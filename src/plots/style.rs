//! What plots look like, in light and in dark.

use std::fmt::Write;

const RULES: &str = include_str!("figure.css");

/// Names of colors in the rules, in light and in dark.
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

/// For a page that has plots in it: the colors as variables, which its own rules may use, and the rules of plots.
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

/// For a file of its own. The colors are written out: viewers and editors of SVG know no variables, nor, as a rule, dark,
/// and skip what they do not know.
pub fn file_style() -> String {
    let with = |of: usize| {
        COLORS
            .iter()
            .fold(RULES.to_string(), |rules, (name, colors)| rules.replace(&format!("var(--{name})"), colors[of]))
    };
    let (light, dark) = (with(0), with(1));
    format!("{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")
}
