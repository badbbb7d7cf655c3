//! Reads rows of numbers whose columns the caller names: parameters to evaluate, or embeddings.

use super::roles::Role;
use crate::error::{Error, Result, counted};
use crate::files::{Container, Header, cell_number, shape_words, table};
use crate::numbers::{Budget, Kind, Values};
use std::io::Cursor;

/// Description of the wanted rows.
pub(super) struct Wanted<'a> {
    /// Names of an array that holds the rows; the first is used in messages.
    pub array: &'a [&'static str],
    /// Names of the columns.
    pub columns: &'a [String],
    /// Number of observations that the rows belong to. Each has the same number of rows.
    pub batch: usize,
}

impl<'a> Wanted<'a> {
    /// Parameters, for each of `batch` observations.
    pub(super) fn theta(columns: &'a [String], batch: usize) -> Self {
        Self { array: Role::Theta.aliases(), columns, batch }
    }

    /// Embeddings.
    pub(super) fn embeddings(columns: &'a [String]) -> Self {
        Self { array: &["embeddings", "embedding"], columns, batch: 1 }
    }

    /// The names of the columns; if there are many, the first and the last.
    fn column_words(&self) -> String {
        match self.columns {
            [first, second, .., last] if self.columns.len() > 12 => format!("{first}, {second}, ..., {last}"),
            few => few.join(", "),
        }
    }
}

/// Reads the array of the wanted name, which may be in a group, or else the only array of the file.
pub(super) fn from_arrays(file: &str, mut container: Container, wanted: &Wanted) -> Result<Vec<f64>> {
    let arrays = container.arrays().to_vec();
    let called = |name: &str| wanted.array.contains(&name);
    let outside = arrays.iter().position(|a| called(&a.name));
    let within = || arrays.iter().position(|a| a.name.rsplit_once('/').is_some_and(|(_, last)| called(last)));
    let Some(i) = outside.or_else(within).or((arrays.len() == 1).then_some(0)) else {
        let came: Vec<&str> = arrays.iter().take(12).map(|a| a.name.as_str()).collect();
        let (what, names) = (wanted.array[0], wanted.array.join(", "));
        return Err(Error::file(file, format!("no array for {what}: it has {}; looked for {names}", came.join(", "))));
    };
    let (name, shape) = (arrays[i].name.clone(), arrays[i].shape.clone());
    check(&shape, wanted).map_err(|m| Error::array(&name, m))?;
    let Values::F64(values) = container.values(i, Kind::F64, &mut Budget::unlimited())? else {
        return Err(Error::array(name, "expected numbers"));
    };
    Ok(values.into_vec())
}

/// Reads the rows from a single array.
pub(super) fn from_npy(file: &str, bytes: &[u8], wanted: &Wanted) -> Result<Vec<f64>> {
    let refuse = |m| Error::file(file, m);
    check(&Header::of(file, bytes)?.shape, wanted).map_err(refuse)?;
    let mut reader = Cursor::new(bytes);
    let header = Header::read(&mut reader, bytes.len() as u64);
    match header.and_then(|h| h.values(&mut reader, Kind::F64, &mut Budget::unlimited())) {
        Ok(Values::F64(values)) => Ok(values.into_vec()),
        Ok(_) => Err(refuse("expected numbers".into())),
        Err(message) => Err(refuse(message)),
    }
}

/// Reads rows of text. If the header has all names, in any order and among others, columns are found by name; otherwise
/// by position. With several observations, a column `observation` must agree with the order of the rows.
pub(super) fn from_text(file: &str, text: &str, wanted: &Wanted) -> Result<Vec<f64>> {
    let (names, batch) = (wanted.columns, wanted.batch);
    let table = table(file, text, &format!("columns of {}: {}", wanted.array[0], wanted.column_words()))?;
    let found: Option<Vec<usize>> = names
        .iter()
        .map(|name| table.header.as_ref()?.iter().position(|h| h.strip_prefix("theta:").unwrap_or(h) == name))
        .collect();
    let columns = match found {
        Some(columns) => {
            let own = |header: &Vec<String>| header.iter().position(|h| h == "observation" && !names.contains(h));
            if let (Some(j), 2..) = (table.header.as_ref().and_then(own), batch) {
                let each = table.rows.len() / batch;
                for (i, (line, cells)) in table.rows.iter().enumerate() {
                    if cell_number(file, *line, j, Some("observation"), cells[j])? != (i / each.max(1)) as f64 {
                        let expected = format!("as many rows for each of {batch}, one after another, from 0");
                        return Err(Error::file(
                            file,
                            format!("line {line}, observation {}: expected {expected}", cells[j]),
                        ));
                    }
                }
            }
            columns
        }
        None if table.columns == names.len() => (0..names.len()).collect(),
        None => {
            let came = match &table.header {
                Some(header) => header.iter().take(8).cloned().collect::<Vec<_>>().join(", "),
                None => "no header".into(),
            };
            let expected = wanted.column_words();
            let columns = counted(table.columns, "column");
            return Err(Error::file(file, format!("{columns} ({came}): expected {expected}")));
        }
    };
    let mut values = Vec::with_capacity(table.rows.len() * names.len());
    for (line, cells) in &table.rows {
        for (&j, name) in columns.iter().zip(names) {
            values.push(cell_number(file, *line, j, Some(name), cells[j])?);
        }
    }
    Ok(values)
}

/// Checks the shape: rows of all columns, or the same number of rows for each observation of the batch.
fn check(shape: &[usize], wanted: &Wanted) -> std::result::Result<(), String> {
    let (d, batch) = (wanted.columns.len(), wanted.batch);
    match *shape {
        [b, n, columns] if b == batch && columns == d && n > 0 => Ok(()),
        [rows, columns] if columns == d && rows > 0 => Ok(()),
        [n] if n == d || (d == 1 && n > 0) => Ok(()),
        _ => {
            let several = if batch > 1 { format!(" or ({batch}, n, {d})") } else { String::new() };
            let columns = wanted.column_words();
            Err(format!("shape {}: expected (m, {d}){several}, columns {columns}", shape_words(shape)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read_batch_theta, read_embeddings, read_theta};
    use crate::files::testing::{doubles, npz};

    fn read(bytes: &[u8]) -> Result<Vec<f64>, String> {
        read_theta("t", bytes, &["a".into(), "b".into()]).map_err(|e| e.to_string())
    }

    #[test]
    fn columns_go_by_name_if_the_header_has_all_names() {
        assert_eq!(read(b"b, log_prob, a\n1,2,3\n4,5,6\n").unwrap(), [3.0, 1.0, 6.0, 4.0]);
    }

    #[test]
    fn columns_go_by_position_without_the_names() {
        assert_eq!(read(b"p,q\n1,2\n").unwrap(), [1.0, 2.0]);
        assert_eq!(read(b"1 2\n3 4\n").unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let message = read(b"a,c,d\n1,2,3\n").unwrap_err();
        assert!(message.contains("3 columns (a, c, d): expected a, b"), "{message}");
        assert!(read(b"a,b\n").unwrap_err().contains("expected columns of theta: a, b"));
    }

    #[test]
    fn rows_for_several_observations_come_one_observation_after_another() {
        let read = |bytes: &[u8], batch| {
            read_batch_theta("t", bytes, &["a".into(), "b".into()], batch).map_err(|e| e.to_string())
        };
        let values = [1.0, 2.0, 3.0, 4.0];
        let cube = doubles(&[2, 1, 2], &values);
        assert_eq!(read(&cube, 2).unwrap(), values);
        assert_eq!(read(&npz(&[("theta", cube.clone())], true), 2).unwrap(), values);
        assert_eq!(read(&doubles(&[2, 2], &values), 2).unwrap(), values);
        // The number of rows is right, but they belong to other observations.
        assert!(
            read(&doubles(&[1, 2, 2], &values), 2).unwrap_err().contains("(1, 2, 2): expected (m, 2) or (2, n, 2)")
        );
        assert!(read(&cube, 1).unwrap_err().contains("expected (m, 2), columns"));
        let text = "observation,a,b\n0,1,2\n1,3,4\n";
        assert_eq!(read(text.as_bytes(), 2).unwrap(), values);
        for other in ["observation,a,b\n1,1,2\n0,3,4\n", "observation,a,b\n0,1,2\n0,3,4\n1,5,6\n1,7,8\n2,1,2\n2,1,2\n"]
        {
            assert!(read(other.as_bytes(), 2).unwrap_err().contains("as many rows for each of 2"), "{other}");
        }
    }

    #[test]
    fn arrays_are_rows_of_all_parameters() {
        assert_eq!(read(&doubles(&[1, 2], &[1.0, 2.0])).unwrap(), [1.0, 2.0]);
        assert_eq!(read(&doubles(&[2], &[1.0, 2.0])).unwrap(), [1.0, 2.0]);
        assert!(read(&doubles(&[2, 1], &[1.0, 2.0])).unwrap_err().contains("shape (2, 1): expected (m, 2)"));
        let names = ("parameter_names", doubles(&[1], &[0.0]));
        let archive = npz(&[names.clone(), ("theta", doubles(&[1, 2], &[1.0, 2.0]))], true);
        assert_eq!(read(&archive).unwrap(), [1.0, 2.0]);
        assert!(read(&npz(&[names.clone(), ("y", names.1)], true)).unwrap_err().contains("it has parameter_names, y"));
    }

    #[test]
    fn errors_about_embeddings_do_not_speak_of_parameters() {
        let refuse = |bytes: &[u8], e: usize| read_embeddings("e", bytes, e).unwrap_err().to_string();
        let two = [("x", doubles(&[1, 2], &[0.0; 2])), ("y", doubles(&[1, 2], &[0.0; 2]))];
        let archive = refuse(&npz(&two, true), 2);
        assert!(archive.contains("no array for embeddings: it has x, y; looked for embeddings"), "{archive}");
        let narrow = refuse(b"a,b\n1,2\n", 128);
        assert!(narrow.contains("2 columns (a, b): expected embedding_1, embedding_2, ..., embedding_128"), "{narrow}");
        let shape = refuse(&doubles(&[2, 3], &[0.0; 6]), 2);
        assert!(shape.contains("shape (2, 3): expected (m, 2), columns embedding_1, embedding_2"), "{shape}");
        let infinite = refuse(&doubles(&[2, 2], &[0.0, 1.0, f64::INFINITY, 0.0]), 2);
        assert!(infinite.contains("'embeddings': row 1 holds inf"), "{infinite}");
        for text in [archive, narrow, shape, infinite, refuse(b"", 2), refuse(b"a,b\n", 2)] {
            assert!(!text.contains("theta") && !text.contains("parameter"), "{text}");
        }
    }

    #[test]
    fn embeddings_are_found_by_their_name_among_other_arrays() {
        let both = [("theta", doubles(&[1, 2], &[7.0; 2])), ("embeddings", doubles(&[1, 2], &[1.0, 2.0]))];
        assert_eq!(read_embeddings("e", &npz(&both, true), 2).unwrap(), [1.0, 2.0]);
    }
}
