//! The callers that pull a trainer: a whole run in one call, with its journal; a run by the clock; and the timing of a
//! device.

mod fit;
mod journal;
mod pace;
mod timing;

pub use fit::{fit, tune};
pub use pace::{Pace, Part};
pub use timing::{Timing, Work};
