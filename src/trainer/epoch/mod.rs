//! The end of an epoch: measurements, the choice of weights, and what comes next.

mod end;
mod measure;
mod stable;
mod validation;

pub(crate) use validation::Validation;
