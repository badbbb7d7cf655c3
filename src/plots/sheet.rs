//! Sheets: plots in a grid, as one SVG file that needs no other file.

use super::figure::escape;
use super::style::file_style;
use std::fmt::Write;

/// Margin around the sheet.
const MARGIN: f64 = 10.0;
/// Height of the title above all plots.
const TITLE: f64 = 30.0;
/// Height of the heading above each plot.
const HEADING: f64 = 16.0;

/// A plot on a sheet.
pub struct Cell {
    /// The heading above the plot.
    pub heading: String,
    /// The plot, from [`Figure::svg`](super::Figure::svg).
    pub svg: String,
}

/// An SVG file with `cells`, row by row, in `columns` columns. `None` leaves a gap. The third argument is the width and
/// height of a plot.
pub fn sheet(title: &str, columns: usize, [width, height]: [f64; 2], cells: &[Option<Cell>]) -> String {
    let columns = columns.clamp(1, cells.len().max(1));
    let row = height + HEADING;
    let title = escape(title);
    let (w, h) = (2.0 * MARGIN + width * columns as f64, MARGIN + TITLE + row * cells.len().div_ceil(columns) as f64);
    let mut body = format!(
        "<rect class=\"paper\" width=\"{w}\" height=\"{h}\"/><text class=\"title\" x=\"{MARGIN}\" y=\"22\">{title}</text>"
    );
    for (i, cell) in cells.iter().enumerate() {
        let Some(Cell { heading, svg }) = cell else { continue };
        let (x, y) = (MARGIN + width * (i % columns) as f64, TITLE + row * (i / columns) as f64);
        let (middle, heading) = (x + 0.5 * width, escape(heading));
        let _ = write!(
            body,
            "<text class=\"heading\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{heading}</text>\
             <svg x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{height}\" overflow=\"visible\">{svg}</svg>",
            y + 11.0,
            y + HEADING
        );
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\">\
         <title>{title}</title><style>{}</style>{body}</svg>\n",
        file_style()
    )
}
