//! A plot as inline SVG: two axes with lines, bands, points and bars. Colors and fonts are classes of a style sheet, so
//! one picture serves light and dark.
//!
//! The drawing library that was tried (plotters) writes colors into the picture. It also turns on a feature of
//! num-traits for which all of burn would be rebuilt.

use super::number_text::short;
use std::fmt::Write;

/// Width and height of a picture, in SVG units. They fit the screen of a phone without scaling.
pub const SIZE: [f64; 2] = [340.0, 230.0];
/// Width and height of a small picture, one among many, in SVG units.
pub(crate) const SMALL: [f64; 2] = [170.0, 140.0];
const LEFT: f64 = 50.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 38.0;

/// Approximate number of ticks on an axis.
const TICKS: f64 = 5.0;
/// Approximate number of ticks on an axis of a small picture.
const FEW_TICKS: f64 = 3.5;

/// A plot under construction. Later elements lie on top. Numbers that are not finite are left out.
pub struct Figure {
    size: [f64; 2],
    ticks: [f64; 2],
    logarithmic: bool,
    /// Whether the numbers of x and of y are logarithms to base ten, so that ticks show powers.
    powers: [bool; 2],
    x: [f64; 2],
    y: [f64; 2],
    /// The description for people who do not see the picture, and the labels of the axes.
    labels: [String; 3],
    body: String,
    legend: Vec<(&'static str, String)>,
    legend_x: f64,
}

impl Figure {
    /// A plot with axes from the first to the second number of `x` and `y`.
    pub fn new(x: [f64; 2], y: [f64; 2]) -> Self {
        let (labels, body, legend) = Default::default();
        let (ticks, powers, legend_x) = ([TICKS; 2], [false; 2], LEFT + 8.0);
        Self { size: SIZE, ticks, logarithmic: false, powers, x, y, labels, body, legend, legend_x }
    }

    /// A small plot.
    pub fn small(x: [f64; 2], y: [f64; 2]) -> Self {
        Self { size: SMALL, ticks: [FEW_TICKS; 2], ..Self::new(x, y) }
    }

    /// A plot with logarithmic axes, for positive numbers.
    pub fn logarithmic(x: [f64; 2], y: [f64; 2]) -> Self {
        Self { logarithmic: true, powers: [true; 2], ..Self::new(x.map(f64::log10), y.map(f64::log10)) }
    }

    /// The plot with ticks at powers of ten on the axes whose numbers are logarithms to base ten.
    pub(crate) fn powers(self, powers: [bool; 2]) -> Self {
        Self { powers, ..self }
    }

    /// The plot without ticks on the y axis, for heights that matter only relative to each other.
    pub fn without_y_ticks(mut self) -> Self {
        self.ticks[1] = 0.0;
        self
    }

    /// The plot with its legend on the right, where falling lines leave room.
    pub fn legend_right(mut self) -> Self {
        self.legend_x = self.size[0] - 100.0;
        self
    }

    /// The plot with a description for people who do not see it, and labels of the axes.
    pub fn labels(self, shows: &str, x: &str, y: &str) -> Self {
        Self { labels: [shows, x, y].map(escape), ..self }
    }

    /// Draws a line, with a gap at a number that is not finite.
    pub fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let (mut path, mut pen) = (String::new(), 'M');
        for (x, y) in points {
            if x.is_finite() && y.is_finite() {
                let _ = write!(path, "{pen}{:.1} {:.1}", self.px(x), self.py(y));
                pen = 'L';
            } else {
                pen = 'M';
            }
        }
        self.draw(&format!("<path class=\"line {class}\" d=\"{path}\"/>"));
    }

    /// Draws the area between two lines over the same x.
    pub fn band(&mut self, at: &[f64], low: impl Iterator<Item = f64>, high: impl DoubleEndedIterator<Item = f64>) {
        let mut corners: Vec<(f64, f64)> = at.iter().copied().zip(low).collect();
        let high: Vec<f64> = high.collect();
        corners.extend(at.iter().copied().zip(high).rev());
        let corners: Vec<String> =
            corners.into_iter().map(|(x, y)| format!("{:.1},{:.1}", self.px(x), self.py(y))).collect();
        self.draw(&format!("<polygon class=\"band\" points=\"{}\"/>", corners.join(" ")));
    }

    /// Draws a dot for every point.
    pub fn dots(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
            // A line without length, with round ends, takes a third of the bytes of a circle.
            let _ = write!(path, "M{:.1} {:.1}h0", self.px(x), self.py(y));
        }
        self.draw(&format!("<path class=\"dots {class}\" d=\"{path}\"/>"));
    }

    /// Draws bars from zero, each as wide as its part of the x axis.
    pub fn bars(&mut self, heights: &[f64]) {
        let width = (self.x[1] - self.x[0]) / heights.len() as f64;
        for (i, &height) in heights.iter().enumerate() {
            let (left, right) = (self.px(self.x[0] + width * i as f64), self.px(self.x[0] + width * (i + 1) as f64));
            let (top, base) = (self.py(height), self.py(0.0));
            let (w, h) = (right - left - 1.0, base - top);
            self.draw(&format!(
                "<rect class=\"bar\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"/>"
            ));
        }
    }

    /// Adds a class of lines to the legend.
    pub fn name(&mut self, class: &'static str, text: &str) {
        self.legend.push((class, text.into()));
    }

    /// The picture.
    pub fn svg(&self) -> String {
        let mut axes = String::new();
        let [width, height] = self.size;
        let (bottom, right) = (height - BOTTOM, width - RIGHT);
        let ticks = |k: usize, axis| (if self.powers[k] { powers } else { ticks })(axis, self.ticks[k]);
        for (at, label) in ticks(0, self.x) {
            let x = self.across(at);
            let _ = write!(axes, "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>");
            let _ = write!(axes, "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", bottom + 14.0);
        }
        for (at, label) in ticks(1, self.y) {
            let y = self.down(at);
            let _ = write!(axes, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>");
            let (x, y) = (LEFT - 5.0, y + 3.5);
            let _ = write!(axes, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>");
        }
        let [shows, x_label, y_label] = &self.labels;
        let (middle_x, middle_y) = (0.5 * (LEFT + right), 0.5 * (TOP + bottom));
        let _ = write!(axes, "<text x=\"{middle_x}\" y=\"{}\" text-anchor=\"middle\">{x_label}</text>", height - 6.0);
        let _ = write!(
            axes,
            "<text transform=\"translate(11 {middle_y}) rotate(-90)\" text-anchor=\"middle\">{y_label}</text>"
        );
        let mut legend = String::new();
        for (i, (class, text)) in self.legend.iter().enumerate() {
            let y = TOP + 12.0 + 15.0 * i as f64;
            let x = self.legend_x;
            let _ = write!(legend, "<path class=\"line {class}\" d=\"M{x} {y}h16\"/>");
            let _ = write!(legend, "<text x=\"{}\" y=\"{}\">{}</text>", x + 21.0, y + 3.5, escape(text));
        }
        let (w, h) = (right - LEFT, bottom - TOP);
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" overflow=\"visible\" role=\"img\" aria-label=\"{shows}\">{axes}\
             <svg x=\"{LEFT}\" y=\"{TOP}\" width=\"{w}\" height=\"{h}\" viewBox=\"{LEFT} {TOP} {w} {h}\">{}</svg>\
             <rect class=\"frame\" x=\"{LEFT}\" y=\"{TOP}\" width=\"{w}\" height=\"{h}\"/>{legend}</svg>",
            self.body
        )
    }

    fn draw(&mut self, element: &str) {
        self.body += element;
    }

    fn px(&self, x: f64) -> f64 {
        self.across(if self.logarithmic { x.log10() } else { x })
    }

    fn py(&self, y: f64) -> f64 {
        self.down(if self.logarithmic { y.log10() } else { y })
    }

    /// The horizontal position of `x`, which is a logarithm if the axis is logarithmic.
    fn across(&self, x: f64) -> f64 {
        LEFT + (x - self.x[0]) / (self.x[1] - self.x[0]) * (self.size[0] - LEFT - RIGHT)
    }

    fn down(&self, y: f64) -> f64 {
        let height = self.size[1];
        height - BOTTOM - (y - self.y[0]) / (self.y[1] - self.y[0]) * (height - BOTTOM - TOP)
    }
}

/// The range of all finite numbers, with a margin. It is never empty.
pub fn range(values: impl IntoIterator<Item = f64>) -> [f64; 2] {
    let finite = values.into_iter().filter(|v| v.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return [0.0, 1.0];
    }
    let margin = if high > low { 0.05 * (high - low) } else { 0.5 * high.abs().max(1e-3) };
    [low - margin, high + margin]
}

/// Round numbers within a range, about `count` of them, with their texts.
fn ticks([low, high]: [f64; 2], count: f64) -> Vec<(f64, String)> {
    if count == 0.0 {
        return Vec::new();
    }
    let rough = (high - low) / count;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    // A product for each tick, so that no rounding errors add up.
    (first..=last).map(|k| k as f64 * step).map(|v| (v, short(if v.abs() < 1e-9 * step { 0.0 } else { v }))).collect()
}

/// Powers of ten within a range of logarithms, at most about `count` of them. If the range has few, also twice and five
/// times each power. If it has fewer than two of these, round numbers.
fn powers([low, high]: [f64; 2], count: f64) -> Vec<(f64, String)> {
    if count == 0.0 {
        return Vec::new();
    }
    let factors: &[f64] = if high - low < 0.5 * count { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let step = ((high - low) / count).ceil().max(1.0) as usize;
    let all = (low.floor() as i32..=high.floor() as i32).step_by(step);
    let all = all.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
    let all: Vec<_> = all.map(|v| (v.log10(), short(v))).filter(|(at, _)| (low..=high).contains(at)).collect();
    if all.len() > 1 {
        return all;
    }
    ticks([low, high].map(|end| 10_f64.powf(end)), count).into_iter().map(|(v, text)| (v.log10(), text)).collect()
}

/// Escapes text for HTML, SVG and their attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        let texts = |range| ticks(range, TICKS).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts([0.0, 1.0]), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(texts([-3.2, 3.2]), ["-2", "0", "2"]);
        assert_eq!(texts([500.0, 1500.0]), ["600", "800", "1000", "1200", "1400"]);
    }

    #[test]
    fn a_range_leaves_out_numbers_that_are_not_finite() {
        assert_eq!(range([f64::NAN, 2.0, 4.0]), [1.9, 4.1]);
    }

    #[test]
    fn a_range_of_one_number_has_an_axis() {
        assert!(ticks(range([7.0, 7.0]), TICKS).len() > 2);
    }

    #[test]
    fn logarithmic_axes_have_powers_of_ten() {
        let texts = |range: [f64; 2]| {
            powers(range.map(f64::log10), TICKS).into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(texts([0.5, 3e4]), ["1", "10", "100", "1000", "10000"]);
        assert_eq!(texts([30.0, 700.0]), ["50", "100", "200", "500"]);
        assert_eq!(texts([210.0, 290.0]), ["220", "240", "260", "280"]);
    }

    #[test]
    fn equal_factors_have_equal_lengths_on_a_logarithmic_axis() {
        let figure = Figure::logarithmic([1.0, 1e4], [1.0, 10.0]);
        let apart = |a: f64, b: f64| figure.px(b) - figure.px(a);
        assert!((apart(1.0, 10.0) - apart(1e3, 1e4)).abs() < 1e-9 && apart(1.0, 10.0) > 1.0);
    }

    #[test]
    fn a_number_that_is_not_finite_breaks_a_line() {
        let mut figure = Figure::new([0.0, 1.0], [0.0, 1.0]);
        figure.line("a", [(0.0, 0.0), (0.5, f64::NAN), (1.0, 1.0)]);
        assert_eq!(figure.body.matches('M').count(), 2);
    }

    #[test]
    fn names_cannot_break_out_of_the_picture() {
        let svg = Figure::new([0.0, 1.0], [0.0, 1.0]).labels("<script>", "a\"b", "y & z").svg();
        assert!(!svg.contains("<script>") && svg.contains("a&quot;b") && svg.contains("y &amp; z"), "{svg}");
    }
}
