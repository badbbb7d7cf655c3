//! Tables in text: columns at commas, semicolons or white space, with comments and perhaps a header.

use super::csv::split;
use crate::error::{Error, Result};

/// A table of numbers, the names of its columns if it has any, and the line its first row is on.
pub(super) struct Table<'a> {
    pub header: Option<Vec<String>>,
    pub columns: usize,
    pub rows: Vec<(usize, Vec<&'a str>)>,
}

/// Reads a table of numbers; `expected` says of what, for messages.
///
/// # Errors
/// [`Error::File`] naming the line whose columns do not fit.
pub(super) fn table<'a>(file: &str, text: &'a str, expected: &str) -> Result<Table<'a>> {
    let mut comments: Vec<&str> = Vec::new();
    let mut header = None;
    let mut rows: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut separator = None;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') && rows.is_empty() {
            comments.push(line.trim_start_matches(['#', ' ', '\t']));
        }
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        if rows.is_empty() && header.is_none() {
            separator = [',', ';'].into_iter().find(|&c| line.contains(c));
        }
        let cells = split(line, separator);
        if rows.is_empty() && header.is_none() && cells.iter().all(|c| c.parse::<f64>().is_err()) {
            header = Some(cells.into_iter().map(String::from).collect());
            continue;
        }
        rows.push((i + 1, cells));
    }
    let Some((first, cells)) = rows.first() else {
        return Err(Error::file(file, format!("no row of numbers: expected {expected}")));
    };
    let columns = cells.len();
    if let Some((line, cells)) = rows.iter().find(|(_, cells)| cells.len() != columns) {
        let came = cells.len();
        return Err(Error::file(file, format!("line {line} has {came} columns: expected {columns}, as line {first}")));
    }
    if header.is_none() {
        // A comment is the header if it has a word for every column and no number among them.
        header = comments.iter().rev().find_map(|comment| {
            let cells = [separator, Some(','), None].into_iter().map(|s| split(comment, s));
            let mut fitting = cells.filter(|c| c.len() == columns && c.iter().all(|c| c.parse::<f64>().is_err()));
            fitting.next().map(|c| c.into_iter().map(String::from).collect())
        });
    } else if header.as_ref().is_some_and(|h: &Vec<String>| h.len() != columns) {
        let came = header.map_or(0, |h| h.len());
        return Err(Error::file(
            file,
            format!("line {first} has {columns} columns: expected {came}, as the header has"),
        ));
    }
    Ok(Table { header, columns, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

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
