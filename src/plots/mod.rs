//! Plots as SVG, of reports and of a run as it goes. Text in, nothing drawn on a screen, no file system.

mod calibration;
mod corner;
mod figure;
mod held_out;
mod numbers;
pub mod report;
mod sheet;
mod style;
mod training;

pub use calibration::{calibration, ranks};
pub use corner::posterior;
pub use figure::{Figure, SIZE, escape, range};
pub use held_out::HeldOut;
pub use numbers::{count, digits, row, short};
pub use sheet::{Cell, sheet};
pub use style::page_style;
pub use training::{losses, training};
