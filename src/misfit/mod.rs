//! Can the model make such data? A p-value of an observation before its posterior: how rare it would be among the
//! simulations that the model learned from.
//!
//! Scores look for different faults. Three compare the data with a Gaussian model of the training data with few factors
//! (`factors`): the sum of squares of what the factors leave over, too large or too small; the stretch of neighboring
//! points that is off by most; and the factors themselves. One is the distance of the embedding from the embeddings of the
//! training data: it sees what the encoder would see. If the simulator is built in, two more look at what its predictions
//! from draws of the posterior leave over. Each score becomes a p-value by its rank among held-out simulations, and so does
//! the smallest of them. So the p-value is uniform for a fresh simulation, whatever the scores are.

mod emulator;
mod factors;
mod null;
mod prediction;
mod principal;
mod reference;
mod scan;
mod stored;
mod words;

pub use prediction::Predictions;
pub use reference::{Misfit, MisfitReport, RARE, Residuals, Score, Simulated, residuals_about};
pub use scan::Stretch;
pub use stored::{MisfitArrays, MisfitSizes};
