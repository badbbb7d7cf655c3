//! What a run holds between two steps, and its checkpoint: weights and moments, counters, and the best epochs so far.

mod bits;
mod checkpoint;
mod member;
mod state;
mod stopping;

pub(crate) use member::Member;
pub(crate) use state::RunState;
