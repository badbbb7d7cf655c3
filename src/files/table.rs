//! Tables in text: columns between commas, semicolons or white space, with comments and perhaps a header.

use crate::error::{Error, Result, counted};
use csv::{ReaderBuilder, StringRecord, Trim};

/// A table of numbers, with the names of its columns if it has any. Each row has the number of its line.
pub(crate) struct Table<'a> {
    pub header: Option<Vec<String>>,
    pub columns: usize,
    pub rows: Vec<(usize, Vec<&'a str>)>,
}

/// Reads a table of numbers. `expected` tells in messages which columns are expected.
///
/// # Errors
/// [`Error::File`] with the line that has another number of columns.
pub(crate) fn table<'a>(file: &str, text: &'a str, expected: &str) -> Result<Table<'a>> {
    let mut comments: Vec<&str> = Vec::new();
    let mut header = None;
    let mut rows: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut separator = None;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') && rows.is_empty() {
            comments.push(line.trim_start_matches(['#', ' ', '\t']));
        }
        let line = unquoted(line).find(|(_, c)| *c == '#').map_or(line, |(comment, _)| &line[..comment]).trim();
        if line.is_empty() {
            continue;
        }
        if rows.is_empty() && header.is_none() {
            separator = [',', ';'].into_iter().find(|&separator| unquoted(line).any(|(_, c)| c == separator));
            let words = words(line, separator);
            if words.iter().all(|w| w.parse::<f64>().is_err()) {
                header = Some(words);
                continue;
            }
        }
        rows.push((i + 1, split_cells(line, separator)));
    }
    let Some((first, cells)) = rows.first() else {
        return Err(Error::file(file, format!("no row of numbers: expected {expected}")));
    };
    let columns = cells.len();
    if let Some((line, cells)) = rows.iter().find(|(_, cells)| cells.len() != columns) {
        let came = counted(cells.len(), "column");
        return Err(Error::file(file, format!("line {line} has {came}: expected {columns}, as line {first}")));
    }
    if header.is_none() {
        // A comment is the header if it has one word for every column and none of them is a number.
        header = comments.iter().rev().find_map(|comment| {
            let mut cells = [separator, Some(','), None].into_iter().map(|s| words(comment, s));
            cells.find(|c| c.len() == columns && c.iter().all(|c| c.parse::<f64>().is_err()))
        });
    } else if header.as_ref().is_some_and(|h: &Vec<String>| h.len() != columns) {
        let came = header.map_or(0, |h| h.len());
        return Err(Error::file(
            file,
            format!("line {first} has {}: expected {came}, as the header has", counted(columns, "column")),
        ));
    }
    Ok(Table { header, columns, rows })
}

/// Iterates over the characters of a line that are not between double quotes, with their positions.
fn unquoted(line: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quoted = false;
    line.char_indices().filter(move |(_, c)| {
        quoted ^= *c == '"';
        !quoted
    })
}

/// Splits a header into cells. Between quotes, a separator is part of a name, and two quotes mean one quote.
fn words(line: &str, separator: Option<char>) -> Vec<String> {
    let Some(separator) = separator else { return line.split_whitespace().map(String::from).collect() };
    let mut record = StringRecord::new();
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).trim(Trim::All).delimiter(separator as u8);
    // Reading cannot fail: a line of text is always a record.
    let _ = builder.from_reader(line.as_bytes()).read_record(&mut record);
    record.iter().map(String::from).collect()
}

/// Splits a row of numbers into cells, at `separator`, or at white space if there is none.
pub(crate) fn split_cells(line: &str, separator: Option<char>) -> Vec<&str> {
    match separator {
        Some(c) => line.split(c).map(|cell| cell.trim().trim_matches('"')).collect(),
        None => line.split_whitespace().collect(),
    }
}

/// Parses the number in a cell. `column` counts from 0.
pub(crate) fn cell_number(file: &str, line: usize, column: usize, header: Option<&str>, cell: &str) -> Result<f64> {
    cell.trim().parse().map_err(|_| {
        let name = header.map_or(String::new(), |h| format!(" ('{h}')"));
        let shown: String = cell.chars().take(24).collect();
        let message = format!("line {line}, column {}{name}: '{shown}': expected a number (or nan)", column + 1);
        Error::file(file, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_a_header_keep_separators_and_hashes_in_its_names() {
        let header = |text: &str| table("t", text, "numbers").unwrap().header.map(|h| h.join("|"));
        assert_eq!(header("\"T, K\",log µ\n1,2\n").as_deref(), Some("T, K|log µ"));
        assert_eq!(header("\"T, K\";\"a \"\"b\"\"\"\n1;2\n").as_deref(), Some("T, K|a \"b\""));
        assert_eq!(header("\"#1\",b # and a comment\n1,2\n").as_deref(), Some("#1|b"));
        assert_eq!(header("# \"T, K\",b\n1,2\n").as_deref(), Some("T, K|b"));
        assert!(table("t", "\"T, K\",b\n1,2,3\n", "numbers").err().unwrap().to_string().contains("expected 2"));
        assert_eq!(header("\"a,b\n1\n").as_deref(), Some("\"a,b"));
    }

    #[test]
    fn a_header_is_a_line_of_words_or_the_last_comment_that_fits() {
        let header = |text: &str| table("t", text, "numbers").unwrap().header.map(|h| h.join("|"));
        assert_eq!(header("a, b\n1, 2\n").as_deref(), Some("a|b"));
        assert_eq!(header("# by hand\n# wave,flux\n# in the lab\n1 2\n").as_deref(), Some("wave|flux"));
        assert_eq!(header("# 2 3\n1 2\n"), None);
    }

    #[test]
    fn rows_keep_their_line_numbers_past_blanks_and_comments() {
        let table = table("t", "# c\n\n1 2 # first\n\n3 4\n", "numbers").unwrap();
        assert_eq!(table.rows.iter().map(|r| r.0).collect::<Vec<_>>(), [3, 5]);
    }
}
