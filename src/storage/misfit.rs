//! What a model keeps of its simulations, in a model file: an entry of the header with the sizes, and arrays beside the
//! weights.

use super::entry::{Entry, object};
use crate::error::Result;
use crate::misfit::{Misfit, MisfitArrays, MisfitSizes};
use serde_json::Value;

/// The key of the header's entry, and the first part of the names of the arrays.
pub(super) const KEY: &str = "misfit";
/// Most factors, points and simulations: far beyond what training makes, and few enough that products do not overflow.
const MOST: usize = 1 << 24;
/// Highest degree of the polynomial of an emulator.
const MOST_DEGREE: usize = 64;

/// The name of an array in the file.
fn full(name: &str) -> String {
    format!("{KEY}.{name}")
}

/// Whether an array of a file belongs to this part of a model.
pub(super) fn is_own(name: &str) -> bool {
    name.strip_prefix(KEY).is_some_and(|rest| rest.starts_with('.'))
}

/// The entry of the header.
pub(super) fn written(misfit: &Misfit) -> Value {
    let MisfitSizes { data_factors, embedding_factors, emulator_degree, n_simulations, .. } = misfit.sizes();
    object([
        ("simulator", misfit.simulator().into()),
        ("data_factors", data_factors.into()),
        ("embedding_factors", embedding_factors.into()),
        ("emulator_degree", emulator_degree.into()),
        ("n_simulations", n_simulations.into()),
    ])
}

/// The arrays, with their names and shapes.
pub(super) fn arrays(misfit: &Misfit) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let shapes = misfit.sizes().shapes();
    let named = shapes.into_iter().zip(misfit.arrays());
    named.map(|((name, shape), values)| (full(name), shape, values)).collect()
}

/// Reads the entry of a header for a model of `points` data points, embeddings of `embedding` numbers
/// and `parameters` parameters.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) naming a size that is missing or cannot be.
pub(super) fn sizes(entry: &Entry, [points, embedding, parameters]: [usize; 3]) -> Result<MisfitSizes> {
    entry.only(&["simulator", "data_factors", "embedding_factors", "emulator_degree", "n_simulations"])?;
    let size = |name: &str| entry.get(name)?.count(0..=MOST);
    let emulator_degree = entry.get("emulator_degree")?.count(0..=MOST_DEGREE)?;
    Ok(MisfitSizes {
        points,
        embedding,
        parameters,
        emulator_degree,
        has_simulator: simulator(entry)?.is_some(),
        data_factors: size("data_factors")?,
        embedding_factors: size("embedding_factors")?,
        n_simulations: size("n_simulations")?,
    })
}

/// Reads the name of the simulator, if there is one.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) if it is no name.
pub(super) fn simulator(entry: &Entry) -> Result<Option<String>> {
    entry.get("simulator")?.optional().map(|name| name.text()).transpose()
}

/// Reads the arrays; `array` gives the one of a name and a shape.
///
/// # Errors
/// A sentence that says which array is missing or wrong.
pub(super) fn read(
    (sizes, simulator): (&MisfitSizes, Option<String>),
    mut array: impl FnMut(&str, &[usize]) -> std::result::Result<Vec<f32>, String>,
) -> std::result::Result<Misfit, String> {
    let shapes = sizes.shapes();
    let arrays: Vec<Vec<f32>> =
        shapes.iter().map(|(name, shape)| array(&full(name), shape)).collect::<std::result::Result<_, _>>()?;
    let arrays: MisfitArrays = arrays.try_into().map_err(|_| "arrays of the misfit are missing".to_string())?;
    Misfit::stored(sizes, arrays, simulator).ok_or_else(|| format!("the arrays {} do not fit each other", full("*")))
}
