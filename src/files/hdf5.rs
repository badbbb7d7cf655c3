//! Arrays in an HDF5 file: every dataset, by its path without the first slash.

use super::array_info::shape_words;
use super::npy_header::MAX_ARRAY;
use super::npz::{MAX_ENTRIES, MAX_RATIO};
use super::number::{Number, REAL};
use super::{ArrayInfo, Source};
use crate::error::{Error, Result};
use crate::numbers::{Budget, Kind, NumbersWriter, Values};
use hdf5_reader::group::Group;
use hdf5_reader::{ByteOrder, Dataset, Datatype, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem, StringSize};
use std::collections::HashSet;
use std::convert::Infallible;

/// Deepest nesting of groups that is searched.
const MAX_DEPTH: usize = 16;

/// Largest chunk that is read, in bytes. Chunks written by h5py have about a megabyte.
const MAX_CHUNK: usize = 1 << 28;

/// Bytes of a dataset that are read in one part.
const PART: usize = 1 << 24;

/// An array as the file stores it.
pub(crate) enum Stored {
    /// Numbers, row-major.
    Numbers {
        number: Number,
        big_endian: bool,
        bytes: Vec<u8>,
    },
    Text(Vec<String>),
    /// Something that is neither numbers nor text.
    Other,
}

/// An open file. Its datasets were found; their values were not read yet.
pub(crate) struct Hdf5 {
    datasets: Vec<Dataset>,
    bytes: u64,
    /// The datasets, with their paths as names.
    pub arrays: Vec<ArrayInfo>,
}

impl Hdf5 {
    /// Opens a file and finds the datasets in all of its groups.
    ///
    /// # Errors
    /// [`Error::File`] if a structure of the file is damaged or not supported.
    pub(crate) fn open(file: &str, source: Source) -> Result<Self> {
        let there = source.bytes().len();
        Self::opened(file, there, |options| match source {
            Source::Bytes(bytes) => Hdf5File::from_bytes_with_options(bytes, options),
            #[cfg(not(target_arch = "wasm32"))]
            Source::Mapped(file) => Hdf5File::from_owner(file.clone(), options),
        })
    }

    /// Opens a file from its bytes, as [`open`](Self::open) does, and owns them.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn from_vec(file: &str, bytes: Vec<u8>) -> Result<Self> {
        Self::opened(file, bytes.len(), |options| Hdf5File::from_vec_with_options(bytes, options))
    }

    fn opened(
        file: &str,
        there: usize,
        open: impl FnOnce(OpenOptions) -> hdf5_reader::error::Result<Hdf5File>,
    ) -> Result<Self> {
        let damaged =
            |e: hdf5_reader::error::Error| Error::file(file, format!("cannot be read as HDF5; is it truncated? ({e})"));
        let options = OpenOptions {
            max_chunk_bytes: MAX_CHUNK,
            max_read_bytes: usize::try_from(MAX_ARRAY).unwrap_or(usize::MAX),
            // No cache: every chunk is read once.
            chunk_cache_bytes: 0,
            ..OpenOptions::default()
        };
        let hdf5 = open(options).map_err(damaged)?;
        let mut found = Found::default();
        found.walk(&hdf5.root_group().map_err(damaged)?, "", 0).map_err(damaged)?;
        match found.datasets.len() {
            0 => return Err(Error::file(file, "no datasets: expected some such as theta and x")),
            1..=MAX_ENTRIES => {}
            _ => return Err(Error::file(file, format!("too many datasets: expected at most {MAX_ENTRIES}"))),
        }
        let (mut arrays, mut datasets) = (Vec::new(), Vec::new());
        found.datasets.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, dataset) in found.datasets {
            let shape: Option<Vec<usize>> = dataset.shape().iter().map(|&n| usize::try_from(n).ok()).collect();
            let shape = shape.ok_or_else(|| Error::array(&name, "claims more values than a computer can hold"))?;
            arrays.push(ArrayInfo { name, shape, dtype: words(dataset.dtype()) });
            datasets.push(dataset);
        }
        Ok(Self { datasets, bytes: there as u64, arrays })
    }

    /// Reads the values of array `i`, row-major.
    ///
    /// # Errors
    /// [`Error::Array`] if the type cannot be converted to `kind`, if the array claims more values than the file can
    /// hold, if the data are damaged, or if the compression is not supported.
    pub(crate) fn values(&self, i: usize, kind: Kind, budget: &mut Budget) -> Result<Values> {
        let (dataset, info) = (&self.datasets[i], &self.arrays[i]);
        let refuse = |message: String| Error::array(&info.name, message);
        let refused = |expected: &str| refuse(format!("type '{}': expected {expected}", info.dtype));
        let (claimed, count) = self.claimed(i)?;
        match (is_text(dataset.dtype()), kind) {
            (true, Kind::Text | Kind::TextOrF64) => return self.text(i).map(Values::Text),
            (false, Kind::Text) => return Err(refused("text")),
            _ => {}
        }
        let (number, big_endian) = number(dataset.dtype()).ok_or_else(|| refused(REAL))?;
        let mut numbers = NumbersWriter::new(kind, count, budget).map_err(refuse)?;
        let Some(&n) = info.shape.first() else {
            let bytes = dataset.read_raw_bytes().map_err(|e| self.unread(i, &e))?;
            number.each(&bytes, big_endian, |v| numbers.push(v)).map_err(refuse)?;
            return numbers.finish().map_err(refuse);
        };
        // Rows without columns take no bytes, so a file may claim any number of them.
        let n = if count > 0 { n } else { 0 };
        let rows = rows_per_part(dataset, claimed / n.max(1), PART);
        for start in (0..n).step_by(rows) {
            for Real(value) in read_rows(dataset, start, n.min(start + rows)).map_err(|e| self.unread(i, &e))? {
                numbers.push(value).map_err(refuse)?;
            }
        }
        numbers.finish().map_err(refuse)
    }

    /// Reads array `i` as the file stores it.
    ///
    /// # Errors
    /// [`Error::Array`] if the array claims more values than the file can hold, if the data are damaged, or if the
    /// compression is not supported.
    pub(crate) fn stored(&self, i: usize) -> Result<Stored> {
        let dataset = &self.datasets[i];
        self.claimed(i)?;
        if is_text(dataset.dtype()) {
            return self.text(i).map(Stored::Text);
        }
        let Some((number, big_endian)) = number(dataset.dtype()) else { return Ok(Stored::Other) };
        let bytes = dataset.read_raw_bytes().map_err(|e| self.unread(i, &e))?;
        Ok(Stored::Numbers { number, big_endian, bytes })
    }

    fn unread(&self, i: usize, mut e: &hdf5_reader::error::Error) -> Error {
        // Some errors contain the name of the dataset. The message names it already.
        while let hdf5_reader::error::Error::Context { source, .. } = e {
            e = source;
        }
        let expected = "expected a whole file, uncompressed or with gzip, as h5py writes it";
        Error::array(&self.arrays[i].name, format!("cannot be read ({e}): {expected}"))
    }

    /// Bytes and number of the values that array `i` claims, if the file can hold that many.
    fn claimed(&self, i: usize) -> Result<(usize, usize)> {
        let (dataset, info) = (&self.datasets[i], &self.arrays[i]);
        let refuse = |message: String| Error::array(&info.name, message);
        let claimed = dataset.raw_byte_len().map_err(|e| self.unread(i, &e))?;
        let count = dataset.num_elements().map_err(|e| self.unread(i, &e))?;
        // Chunks that were never written take no bytes and read as zeros. This bound limits what a small file can
        // expand to.
        if claimed as u64 > self.bytes.saturating_mul(MAX_RATIO) {
            let (shape, there) = (shape_words(&info.shape), self.bytes);
            return Err(refuse(format!(
                "claims {claimed} bytes of values (shape {shape}, type '{}'): a file of {there} bytes cannot hold that",
                info.dtype
            )));
        }
        if (claimed as u64).max(count.saturating_mul(8)) > MAX_ARRAY {
            return Err(refuse(format!(
                "{count} values: expected at most {} (this is a limit of memory)",
                MAX_ARRAY / 8
            )));
        }
        Ok((claimed, count as usize))
    }

    fn text(&self, i: usize) -> Result<Vec<String>> {
        let dataset = &self.datasets[i];
        if !self.holds_text(dataset).map_err(|e| self.unread(i, &e))? {
            return Err(Error::array(&self.arrays[i].name, "claims more text than the file can hold"));
        }
        dataset.read_strings().map_err(|e| self.unread(i, &e))
    }

    /// Whether texts of variable length fit into the file. Each of them is stored with its length.
    fn holds_text(&self, dataset: &Dataset) -> hdf5_reader::error::Result<bool> {
        if matches!(dataset.dtype(), Datatype::String { size: StringSize::Fixed(_), .. }) {
            return Ok(true);
        }
        let bytes = dataset.read_raw_bytes()?;
        let elements = bytes.chunks_exact(dataset.vlen_reference_size());
        let lengths = elements.filter_map(|e| e.first_chunk()).map(|&length| u64::from(u32::from_le_bytes(length)));
        Ok(lengths.sum::<u64>() <= self.bytes)
    }
}

/// Number of rows, of `row` bytes each, that are read in one part of about `part` bytes. A part has whole rows of
/// chunks, so every chunk is decompressed once. Chunks that have more rows than a part are decompressed again in every
/// part.
fn rows_per_part(dataset: &Dataset, row: usize, part: usize) -> usize {
    let (row, chunk) = (row.max(1), dataset.chunks().map_or(1, |dims| dims[0].max(1) as usize));
    match chunk.saturating_mul(row) {
        chunks if chunks > MAX_CHUNK => (MAX_CHUNK / row).max(1),
        chunks => chunk * (part / chunks).max(1),
    }
}

/// Reads the rows from `start` up to, but not including, `end`.
fn read_rows(dataset: &Dataset, start: usize, end: usize) -> hdf5_reader::error::Result<impl Iterator<Item = Real>> {
    let mut part = SliceInfo::all(dataset.ndim());
    part.selections[0] = SliceInfoElem::Slice { start: start as u64, end: end as u64, step: 1 };
    Ok(dataset.read_slice::<Real>(&part)?.into_iter())
}

/// A number of any type that a dataset can have.
#[derive(Clone)]
struct Real(f64);

impl H5Type for Real {
    fn hdf5_type() -> Datatype {
        f64::hdf5_type()
    }

    fn element_size(of: &Datatype) -> usize {
        number(of).map_or(0, |(number, _)| number.size())
    }

    fn from_bytes(bytes: &[u8], of: &Datatype) -> hdf5_reader::error::Result<Self> {
        let mut values = Self::decode_vec(bytes, of, 1).transpose()?.unwrap_or_default();
        values.pop().ok_or_else(|| hdf5_reader::error::Error::InvalidData("no number".into()))
    }

    fn decode_vec(bytes: &[u8], of: &Datatype, count: usize) -> Option<hdf5_reader::error::Result<Vec<Self>>> {
        let (number, big_endian) = number(of)?;
        let mut values = Vec::with_capacity(count);
        let Ok(()) = number.each(bytes, big_endian, |v| {
            values.push(Self(v));
            Ok::<_, Infallible>(())
        });
        Some(Ok(values))
    }
}

/// Datasets by path. Links can form circles, so each group is visited once, by the first path that leads to it.
#[derive(Default)]
struct Found {
    groups: HashSet<u64>,
    datasets: Vec<(String, Dataset)>,
}

impl Found {
    fn walk(&mut self, group: &Group, path: &str, depth: usize) -> hdf5_reader::error::Result<()> {
        if depth > MAX_DEPTH || !self.groups.insert(group.address()) {
            return Ok(());
        }
        let (groups, datasets) = group.members()?;
        for dataset in datasets {
            if self.datasets.len() <= MAX_ENTRIES {
                self.datasets.push((format!("{path}{}", dataset.name()), dataset));
            }
        }
        groups.iter().try_for_each(|group| self.walk(group, &format!("{path}{}/", group.name()), depth + 1))
    }
}

/// Type of the numbers of a dataset, and whether they are big-endian. NumPy's bool is an enumeration in HDF5.
fn number(of: &Datatype) -> Option<(Number, bool)> {
    let (number, order) = match of {
        Datatype::FloatingPoint { size, byte_order } => {
            let number = match size {
                2 => Number::F16,
                4 => Number::F32,
                8 => Number::F64,
                _ => return None,
            };
            (number, byte_order)
        }
        Datatype::FixedPoint { size, signed, byte_order } => {
            let number = match (size, signed) {
                (1, true) => Number::I8,
                (2, true) => Number::I16,
                (4, true) => Number::I32,
                (8, true) => Number::I64,
                (1, false) => Number::U8,
                (2, false) => Number::U16,
                (4, false) => Number::U32,
                (8, false) => Number::U64,
                _ => return None,
            };
            (number, byte_order)
        }
        Datatype::Enum { base, members } if members.len() == 2 => match **base {
            Datatype::FixedPoint { size: 1, .. } => (Number::Bool, &ByteOrder::LittleEndian),
            _ => return None,
        },
        _ => return None,
    };
    Some((number, *order == ByteOrder::BigEndian))
}

fn is_text(of: &Datatype) -> bool {
    match of {
        Datatype::String { .. } => true,
        Datatype::VarLen { kind, .. } => *kind == hdf5_reader::VarLenKind::String,
        _ => false,
    }
}

/// The name of a type: NumPy's, or HDF5's if NumPy has none.
fn words(of: &Datatype) -> String {
    match of {
        Datatype::String { size: StringSize::Fixed(n), .. } => format!("|S{n}"),
        of if is_text(of) => "text".into(),
        of => match (number(of), of) {
            (Some((number, big_endian)), _) => number.words(big_endian),
            (None, Datatype::FloatingPoint { size, .. }) => format!("float of {size} bytes"),
            (None, Datatype::Compound { .. }) => "compound".into(),
            (None, Datatype::Array { .. }) => "array".into(),
            (None, Datatype::VarLen { .. }) => "list of variable length".into(),
            (None, Datatype::Enum { .. }) => "enumeration".into(),
            (None, Datatype::Reference { .. }) => "reference".into(),
            _ => "opaque".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_read_in_parts_is_the_array_read_at_once() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/hdf5");
        for name in ["contiguous", "packed", "packed_latest", "grown", "big_endian"] {
            let bytes = std::fs::read(format!("{folder}/{name}.h5")).unwrap();
            let hdf5 = Hdf5::open(name, Source::Bytes(&bytes)).unwrap();
            let x = &hdf5.datasets[hdf5.arrays.iter().position(|a| a.name == "x").unwrap()];
            let read = |rows: usize| -> Vec<f64> {
                let starts = (0..6).step_by(rows);
                starts.flat_map(|start| read_rows(x, start, 6.min(start + rows)).unwrap()).map(|v| v.0).collect()
            };
            // The smallest number of rows that chunks allow, and numbers of rows that cut through chunks.
            let least = rows_per_part(x, 40 * 8, 1);
            assert_eq!(least, x.chunks().map_or(1, |dims| dims[0] as usize), "{name}");
            for rows in [least, 1, 4] {
                assert_eq!(read(rows), read(6), "{name}, {rows} rows at a time");
            }
        }
    }
}
