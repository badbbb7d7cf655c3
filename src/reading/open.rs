//! Opens a file of named arrays.

use super::{Assignment, roles};
use crate::error::Result;
use crate::files::{Container, Format, Source};

/// Opens a file of named arrays; `None` if the format holds no named arrays. `assign` may tell that some arrays are
/// text.
pub(super) fn open<'a>(
    format: Format,
    file: &str,
    source: Source<'a>,
    assign: &Assignment,
) -> Result<Option<Container<'a>>> {
    Container::open(format, file, source, |name| roles::is_text(name, assign))
}
