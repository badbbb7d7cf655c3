//! Flowglass: simulation-based inference in the browser.

pub mod data;
pub mod error;
pub mod space;
