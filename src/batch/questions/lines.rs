//! A stream of lines of which none can fill the memory.

use std::io::{self, BufRead, Read};

use super::LineError;

/// The longest line that is read, in bytes: a hundred times the longest question.
const LONGEST: u64 = 1 << 20;

/// Lines with their numbers, one in memory at a time.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
}

/// A line's number, from 1, and its text without the line break.
pub(super) type Line = (u64, Result<String, LineError>);

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let is_cut = !bytes.ends_with(b"\n") && bytes.len() as u64 > LONGEST;
        if is_cut {
            self.reader.skip_until(b'\n')?;
            return Ok(Some((self.number, Err(LineError::TooLong { most: LONGEST }))));
        }
        Ok(Some((self.number, self.text(bytes))))
    }

    fn text(&self, bytes: Vec<u8>) -> Result<String, LineError> {
        let text = String::from_utf8(bytes)
            .map_err(|error| LineError::NotUtf8 { byte: error.utf8_error().valid_up_to() + 1 })?;
        let text = if self.number == 1 { text.strip_prefix('\u{feff}').unwrap_or(&text) } else { &text };
        let text = text.strip_suffix('\n').unwrap_or(text);
        Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_number_and_no_line_hurts_the_next() {
        let mut bytes = b"\xef\xbb\xbfone\r\n\n".to_vec();
        bytes.extend(vec![b'x'; LONGEST as usize + 5]);
        bytes.extend(b"\n\xff\nlast");
        let lines: Vec<Line> = Lines::new(bytes.as_slice()).map(Result::unwrap).collect();
        let expected = [
            (1, Ok("one".to_owned())),
            (2, Ok(String::new())),
            (3, Err(LineError::TooLong { most: LONGEST })),
            (4, Err(LineError::NotUtf8 { byte: 1 })),
            (5, Ok("last".to_owned())),
        ];
        assert_eq!(lines, expected);
        let longest = vec![b'y'; LONGEST as usize];
        assert!(Lines::new(longest.as_slice()).next().unwrap().unwrap().1.is_ok());
    }
}
