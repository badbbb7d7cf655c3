//! Plots as SVG text: of reports, and of a run while it trains. Nothing is drawn on a screen, and no file is written.

mod calibration;
mod corner;
mod figure;
mod held_out;
mod number_text;
pub mod report;
mod sheet;
mod style;
mod training;

pub use calibration::{calibration, ranks};
pub use corner::posterior;
pub use figure::{Figure, SIZE, escape, range};
pub use held_out::HeldOut;
pub use number_text::{by_width, count, digits, fixed, of_posterior, power, row, short};
pub use sheet::{Cell, sheet};
pub use style::page_style;
pub use training::{losses, training};
