//! Whether an id is there twice, in memory that does not grow with the number of ids.
//!
//! Hashes of ids are sorted in runs; runs that fill up go to temporary files and are merged in the
//! end (external sorting, D. E. Knuth, "The Art of Computer Programming", vol. 3, 5.4).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// Entries of a run: 2 MiB.
const RUN: usize = 1 << 16;
const ENTRY_BYTES: usize = 24;

/// The first 128 bits of an id's blake3 hash, and its line.
type Entry = (u128, u64);

/// Ids as they come in, with their lines.
#[derive(Default)]
pub(super) struct Distinct {
    run: Vec<Entry>,
    spilled: Vec<File>,
}

impl Distinct {
    pub(super) fn insert(&mut self, id: &str, line: u64) -> io::Result<()> {
        let mut half = [0; 16];
        half.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
        self.run.push((u128::from_le_bytes(half), line));
        if self.run.len() < RUN {
            return Ok(());
        }
        self.spill()
    }

    fn spill(&mut self) -> io::Result<()> {
        self.run.sort_unstable();
        let mut writer = BufWriter::new(tempfile::tempfile()?);
        for (hash, line) in self.run.drain(..) {
            writer.write_all(&hash.to_le_bytes())?;
            writer.write_all(&line.to_le_bytes())?;
        }
        self.spilled.push(writer.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }

    /// The lines of the repetition that comes first in the file: where its id stood before, and
    /// where it stands again.
    pub(super) fn first_repeated(mut self) -> io::Result<Option<(u64, u64)>> {
        self.run.sort_unstable();
        let mut runs: Vec<Box<dyn Iterator<Item = io::Result<Entry>>>> =
            vec![Box::new(self.run.into_iter().map(Ok))];
        for mut file in self.spilled {
            file.rewind()?;
            let mut reader = BufReader::new(file);
            runs.push(Box::new(std::iter::from_fn(move || entry(&mut reader).transpose())));
        }
        let mut found: Option<(u64, u64)> = None;
        let mut before: Option<Entry> = None;
        merged(runs, |entry| {
            // Within one id the lines ascend: the second of them is where it is first repeated.
            if let Some((_, line)) = before.filter(|before| before.0 == entry.0)
                && found.is_none_or(|found| entry.1 < found.1)
            {
                found = Some((line, entry.1));
            }
            before = Some(entry);
        })?;
        Ok(found)
    }
}

fn merged(
    mut runs: Vec<Box<dyn Iterator<Item = io::Result<Entry>>>>,
    mut visit: impl FnMut(Entry),
) -> io::Result<()> {
    let mut heads = BinaryHeap::new();
    for (number, run) in runs.iter_mut().enumerate() {
        heads.extend(run.next().transpose()?.map(|entry| Reverse((entry, number))));
    }
    while let Some(Reverse((entry, number))) = heads.pop() {
        visit(entry);
        heads.extend(runs[number].next().transpose()?.map(|entry| Reverse((entry, number))));
    }
    Ok(())
}

fn entry(reader: &mut impl Read) -> io::Result<Option<Entry>> {
    let mut bytes = [0; ENTRY_BYTES];
    match reader.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let (mut hash, mut line) = ([0; 16], [0; 8]);
    hash.copy_from_slice(&bytes[..16]);
    line.copy_from_slice(&bytes[16..]);
    Ok(Some((u128::from_le_bytes(hash), u64::from_le_bytes(line))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_found_across_runs() {
        let lines = 3 * RUN as u64 + 7;
        let distinct = |id_of: &dyn Fn(u64) -> u64| {
            let mut distinct = Distinct::default();
            for line in 1..=lines {
                distinct.insert(&id_of(line).to_string(), line).unwrap();
            }
            assert_eq!(distinct.spilled.len(), 3);
            distinct.first_repeated().unwrap()
        };
        assert_eq!(distinct(&|line| line), None);
        assert_eq!(distinct(&|line| if line == lines { 5 } else { line }), Some((5, lines)));
        let far = RUN as u64 + 3;
        let twice = |line| if line == far || line == lines { 9 } else { line };
        assert_eq!(distinct(&twice), Some((9, far)));
    }
}
