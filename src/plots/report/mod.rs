//! What a check found, for people: rows of text, and one page with a plot of everything.

mod page;
mod panels;
mod rows;

pub use page::page;
pub use rows::{intervals, others, recovery, regions};
