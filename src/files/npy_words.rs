//! The words of a `.npy` header: one dictionary of Python with the keys `descr`, `fortran_order` and `shape`.
//!
//! NumPy reads a header as any Python literal, and writes only quoted words, brackets, True or False, and whole
//! numbers. This file reads only these, in one pass without recursion, so that no header takes much time or stack. (The
//! crate npyz, with which tests compare, reads any literal. Its parser was 35 kB of a download of 1.05 MB.)

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// The type, such as `<f8`. For records it is a list, as it stands in the header.
    pub descr: String,
    pub is_fortran: bool,
    pub shape: Vec<u64>,
}

impl Words {
    /// Reads the text of a header.
    ///
    /// # Errors
    /// A message if NumPy does not write such a header.
    pub(super) fn read(header: &[u8]) -> Result<Self, String> {
        let refused = || "its header is not one that NumPy writes".to_string();
        let mut cursor = Cursor { rest: header };
        let (mut descr, mut is_fortran, mut shape) = (None, None, None);
        cursor.take(b'{').ok_or_else(refused)?;
        while cursor.take(b'}').is_none() {
            let key = cursor.quoted().ok_or_else(refused)?;
            cursor.take(b':').ok_or_else(refused)?;
            let was_absent = match key {
                b"descr" => descr.replace(cursor.descr().ok_or_else(refused)?).is_none(),
                b"fortran_order" => is_fortran.replace(cursor.truth().ok_or_else(refused)?).is_none(),
                b"shape" => shape.replace(cursor.shape().ok_or_else(refused)??).is_none(),
                _ => false,
            };
            if !was_absent || (cursor.take(b',').is_none() && cursor.next() != Some(b'}')) {
                return Err(refused());
            }
        }
        let (Some(descr), Some(is_fortran), Some(shape), None) = (descr, is_fortran, shape, cursor.next()) else {
            return Err(refused());
        };
        Ok(Self { descr, is_fortran, shape })
    }
}

/// The rest of a header. A method returns `None` if the rest does not begin with what the method takes.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// The next byte that is not a space, which stays there.
    fn next(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    /// Takes this byte.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.rest = &self.rest[1..])
    }

    /// Takes a quoted word without escapes.
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let quote = self.next().filter(|quote| b"'\"".contains(quote))?;
        let end = 1 + self.rest[1..].iter().position(|&c| c == quote)?;
        let word = &self.rest[1..end];
        self.rest = &self.rest[end + 1..];
        (!word.contains(&b'\\')).then_some(word)
    }

    /// Takes a type: a quoted word, or a list up to its last bracket.
    fn descr(&mut self) -> Option<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if self.next()? != b'[' {
            return self.quoted().map(text);
        }
        let (all, mut depth) = (self.rest, 0_usize);
        loop {
            match self.next()? {
                b'\'' | b'"' => {
                    self.quoted()?;
                    continue;
                }
                b'[' | b'(' => depth += 1,
                b']' | b')' => depth -= 1,
                b',' | b'0'..=b'9' => {}
                _ => return None,
            }
            self.rest = &self.rest[1..];
            if depth == 0 {
                return Some(text(&all[..all.len() - self.rest.len()]));
            }
        }
    }

    fn truth(&mut self) -> Option<bool> {
        self.next()?;
        let found = [(&b"True"[..], true), (b"False", false)].into_iter().find(|(word, _)| self.rest.starts_with(word));
        let (word, truth) = found?;
        self.rest = &self.rest[word.len()..];
        Some(truth)
    }

    /// Takes a tuple of whole numbers. A single one ends with a comma. Python 2 wrote an `L` after large numbers.
    fn shape(&mut self) -> Option<Result<Vec<u64>, String>> {
        self.take(b'(')?;
        let (mut shape, mut comma) = (Vec::new(), false);
        while self.take(b')').is_none() {
            if !shape.is_empty() && !comma {
                return None;
            }
            self.next()?;
            let end = self.rest.iter().position(|c| !c.is_ascii_digit())?;
            let (digits, rest) = self.rest.split_at(end);
            self.rest = rest;
            if digits.is_empty() {
                return None;
            }
            let Ok(number) = str::from_utf8(digits).ok()?.parse() else {
                return Some(Err("its header claims more values than a computer can hold".into()));
            };
            shape.push(number);
            if self.rest.first() == Some(&b'L') {
                self.rest = &self.rest[1..];
            }
            comma = self.take(b',').is_some();
        }
        (shape.len() != 1 || comma).then_some(Ok(shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Words, String> {
        Words::read(text.as_bytes())
    }

    #[test]
    fn the_keys_may_come_in_any_order() {
        let words = Words { descr: "<f8".into(), is_fortran: true, shape: vec![3, 4] };
        assert_eq!(read("{'shape': (3, 4), 'fortran_order': True, 'descr': '<f8'}").unwrap(), words);
        assert_eq!(read("{\"descr\":\"<f8\",\"shape\":(3,4,),\"fortran_order\":True,}  \n").unwrap(), words);
    }

    #[test]
    fn shapes_of_python_2_are_read() {
        assert_eq!(read("{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 4L), }").unwrap().shape, [3, 4]);
    }

    #[test]
    fn records_are_kept_as_they_stand() {
        let records = "[('a', '<f8', (2,)), ('b]', [('c', '|S3')])]";
        let text = format!("{{'descr': {records}, 'fortran_order': False, 'shape': (), }}");
        assert_eq!(read(&text).unwrap(), Words { descr: records.into(), is_fortran: false, shape: vec![] });
    }

    #[test]
    fn other_texts_are_refused() {
        let (descr, order, shape) = ("'descr': '<f8'", "'fortran_order': False", "'shape': (1,)");
        for text in [
            String::new(),
            "{".into(),
            "{}".into(),
            format!("{{{descr}, {order}}}"),
            format!("{{{descr}, {order}, {shape}"),
            format!("{{{descr} {order}, {shape}}}"),
            format!("{{{descr}, {order}, {shape}, {descr}}}"),
            format!("{{{descr}, {order}, {shape}, 'more': 1}}"),
            format!("{{{descr}, {order}, {shape}}} 1"),
            format!("{{{descr}, 'fortran_order': 0, {shape}}}"),
            format!("{{'descr': [(], {order}, {shape}}}"),
            format!("{{'descr': '<f\\8', {order}, {shape}}}"),
        ] {
            assert!(read(&text).is_err(), "{text}");
        }
    }
}
