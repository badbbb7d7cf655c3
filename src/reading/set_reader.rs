//! Reads simulation sets, and lists the arrays of a file.

use super::named::Named;
use super::open::open;
use super::roles::{self, Reading};
use super::{AssignedArray, Assignment, assemble, csv};
use crate::data::SimulationSet;
use crate::error::{Error, Result};
use crate::files::{ArrayInfo, Format, Header, Source, format, shape_words, text};
use crate::numbers::Budget;

/// A simulation set and the arrays from which it was made.
#[derive(Debug, Clone)]
pub struct ReadSet {
    /// The set, validated.
    pub set: SimulationSet,
    /// Every array of the file, with or without a role.
    pub arrays: Vec<AssignedArray>,
}

/// Reads a simulation set: an `.npz`, HDF5 or `.safetensors` with theta and x or photometry (and more), or a CSV with a
/// header line.
///
/// # Errors
/// [`Error::File`] if the file is damaged, has a wrong name, or lacks an array. [`Error::Array`] if the shape, the type
/// or the values of an array do not fit. Both tell what came and what was expected.
pub fn read_set(file: &str, bytes: &[u8], assign: &Assignment) -> Result<ReadSet> {
    read_set_within(file, bytes.into(), assign, &mut Budget::unlimited())
}

/// Reads a simulation set in parts, and keeps no more of it in memory than `budget` allows.
///
/// # Errors
/// As [`read_set`]; [`Error::Array`] too if a scratch file cannot be written.
pub fn read_set_within(file: &str, source: Source, assign: &Assignment, budget: &mut Budget) -> Result<ReadSet> {
    let bytes = source.bytes();
    let format = format(file, bytes)?;
    if let Some(mut container) = open(format, file, source, assign)? {
        let roles = roles::resolve(file, container.arrays(), assign, Reading::Set)?;
        let (mut arrays, mut named, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (i, role) in roles.into_iter().enumerate() {
            let info = container.arrays()[i].clone();
            match role {
                None => {
                    let shape = shape_words(&info.shape);
                    notes.push(format!("array '{}' {shape} was not used: its name gives no role", info.name));
                }
                Some(role) => {
                    role.check_shape(&info)?;
                    let (name, shape) = (info.name.clone(), info.shape.clone());
                    named.push(Named { role, name, shape, values: container.values(i, role.kind(), budget)? });
                }
            }
            arrays.push(AssignedArray { info, role: role.map(|role| role.name().into()) });
        }
        return Ok(ReadSet { set: assemble::assemble(file, named, notes, &assign.priors)?, arrays });
    }
    if format == Format::Npy {
        let header = Header::of(file, bytes)?;
        let came = format!("one array, shape {}, type '{}'", shape_words(&header.shape), header.dtype);
        let hint = "a lone .npy cannot say which columns are parameters and which are data: save an .npz with theta \
                    and x, numpy.savez(\"set.npz\", theta=theta, x=x)";
        return Err(Error::file(file, format!("{came}: {hint}")));
    }
    let (arrays, named, notes) = csv::read(file, text(file, bytes)?, assign, budget)?;
    Ok(ReadSet { set: assemble::assemble(file, named, notes, &assign.priors)?, arrays })
}

/// Lists the arrays of a file without reading their values. A user can choose roles for them if [`read_set`] finds no
/// theta or no x. The list is empty for text.
///
/// # Errors
/// As [`read_set`], if the file cannot be opened.
pub fn list_arrays(file: &str, bytes: &[u8]) -> Result<Vec<ArrayInfo>> {
    let format = format(file, bytes)?;
    if let Some(container) = open(format, file, bytes.into(), &Assignment::default())? {
        return Ok(container.arrays().to_vec());
    }
    if format == Format::Npy {
        let header = Header::of(file, bytes)?;
        return Ok(vec![ArrayInfo { name: file.into(), shape: header.shape, dtype: header.dtype }]);
    }
    Ok(Vec::new())
}
