//! The two directions of a map, as the maps and the flows name them.

/// The direction in which a map is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Data to base.
    Forward,
    /// Base to data.
    Inverse,
}
