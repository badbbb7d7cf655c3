//! Arrays with roles.

use super::roles::Role;
use crate::numbers::Values;

/// An array with its role and values, row-major.
pub(super) struct Named {
    pub role: Role,
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Values,
}
