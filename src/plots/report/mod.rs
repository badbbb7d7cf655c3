//! The report of a check for people: rows of text, and one page with plots.

mod page;
mod panels;
mod rows;

pub use page::page;
pub use rows::{intervals, others, p_value, recovery, regions, verdict};
