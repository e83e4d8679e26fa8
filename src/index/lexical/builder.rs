//! Collects postings chunk by chunk. What is in memory is bounded: from time to time it is spooled as a
//! sorted run, and the runs are merged at the end. Chunks come in order, so a term's postings of one run
//! follow those of the runs before.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::super::failure::BuildError;
use super::super::spool::Spool;
use super::super::storage::ArrayWriter;
use super::postings::{FIELDS, FieldTexts, KIND, Posting};
use super::terms::TermMaker;

/// Postings in memory, of eight bytes each; in tests so few that little corpora have runs.
const MOST_POSTINGS: usize = if cfg!(test) { 20 } else { 1 << 19 };
/// Bytes of a run that are read at once.
const BLOCK: usize = 64 << 10;

/// Collects the terms of chunks into a data file. Of each chunk it keeps eight bytes in memory, and every
/// term once.
pub(in crate::index) struct LexicalBuilder {
    folder: PathBuf,
    terms: TermMaker,
    postings: BTreeMap<String, Vec<Posting>>,
    /// How many these are, and how many they may be.
    count: usize,
    most: usize,
    lengths: Vec<[u16; FIELDS]>,
    runs: Vec<Spool>,
}

impl LexicalBuilder {
    /// What is collected waits in `folder`.
    pub(in crate::index) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            terms: TermMaker::default(),
            postings: BTreeMap::new(),
            count: 0,
            most: MOST_POSTINGS,
            lengths: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds the next chunk.
    pub(in crate::index) fn add(&mut self, texts: &FieldTexts<'_>) -> Result<(), BuildError> {
        let chunk = self.lengths.len() as u32;
        let mut lengths = [0_u16; FIELDS];
        let mut frequencies: HashMap<String, [u8; FIELDS]> = HashMap::new();
        for (field, text) in [texts.body, texts.headings, texts.title, texts.path].into_iter().enumerate() {
            self.terms.each(text, &mut |term| {
                lengths[field] = lengths[field].saturating_add(1);
                let count = &mut frequencies.entry(term.to_owned()).or_default()[field];
                *count = count.saturating_add(1);
            });
        }
        self.count += frequencies.len();
        for (term, frequencies) in frequencies {
            self.postings.entry(term).or_default().push(Posting { chunk, frequencies });
        }
        self.lengths.push(lengths);
        if self.count >= self.most { self.spool_run() } else { Ok(()) }
    }

    fn spool_run(&mut self) -> Result<(), BuildError> {
        let mut run = Spool::new(&self.folder)?;
        for (term, list) in std::mem::take(&mut self.postings) {
            run.push(&(term.len() as u32).to_le_bytes())?;
            run.push(&(list.len() as u32).to_le_bytes())?;
            run.push(term.as_bytes())?;
            run.push(bytemuck::cast_slice(&list))?;
        }
        self.count = 0;
        self.runs.push(run);
        Ok(())
    }

    pub(in crate::index) fn finish(mut self) -> Result<ArrayWriter<'static>, BuildError> {
        let mut merged = Merged::new(&self.folder)?;
        if self.runs.is_empty() {
            for (term, list) in &self.postings {
                merged.push(term.as_bytes(), std::iter::once(list.as_slice()))?;
            }
        } else {
            self.spool_run()?;
            merge(&self.runs, &mut merged)?;
        }
        let mut writer = ArrayWriter::new(KIND);
        writer.push(&merged.term_bytes).push(&merged.term_offsets);
        writer.push_spool(merged.postings).push(&merged.posting_offsets);
        writer.push(&self.lengths).push(&average_lengths(&self.lengths));
        Ok(writer)
    }
}

/// The terms in order, each with all of its postings.
struct Merged {
    term_bytes: Vec<u8>,
    term_offsets: Vec<u64>,
    postings: Spool,
    posting_offsets: Vec<u64>,
}

impl Merged {
    fn new(folder: &Path) -> Result<Self, BuildError> {
        let postings = Spool::new(folder)?;
        Ok(Self { term_bytes: Vec::new(), term_offsets: vec![0], postings, posting_offsets: vec![0] })
    }

    fn push<'lists>(
        &mut self,
        term: &[u8],
        lists: impl Iterator<Item = &'lists [Posting]>,
    ) -> Result<(), BuildError> {
        self.term_bytes.extend_from_slice(term);
        self.term_offsets.push(self.term_bytes.len() as u64);
        for list in lists {
            self.postings.push(bytemuck::cast_slice(list))?;
        }
        self.posting_offsets.push(self.postings.len() / size_of::<Posting>() as u64);
        Ok(())
    }
}

fn merge(runs: &[Spool], merged: &mut Merged) -> Result<(), BuildError> {
    let mut readers = runs.iter().map(RunReader::new).collect::<Result<Vec<_>, _>>()?;
    while let Some(term) = readers.iter().filter_map(RunReader::term).min().map(<[u8]>::to_vec) {
        let (lists, holders): (Vec<&[Posting]>, Vec<usize>) = readers
            .iter()
            .enumerate()
            .filter(|(_, reader)| reader.term() == Some(&term))
            .map(|(number, reader)| (reader.list.as_slice(), number))
            .unzip();
        merged.push(&term, lists.into_iter())?;
        for number in holders {
            readers[number].advance()?;
        }
    }
    Ok(())
}

/// Reads a run term by term.
struct RunReader<'run> {
    run: &'run Spool,
    /// Where the block ends in the run.
    read: u64,
    block: Vec<u8>,
    /// How much of the block is used up.
    used: usize,
    term: Option<Vec<u8>>,
    list: Vec<Posting>,
}

impl<'run> RunReader<'run> {
    fn new(run: &'run Spool) -> Result<Self, BuildError> {
        let mut reader = Self { run, read: 0, block: Vec::new(), used: 0, term: None, list: Vec::new() };
        reader.advance()?;
        Ok(reader)
    }

    /// The term it stands at; `None` at the end.
    fn term(&self) -> Option<&[u8]> {
        self.term.as_deref()
    }

    fn advance(&mut self) -> Result<(), BuildError> {
        if self.read == self.run.len() && self.used == self.block.len() {
            self.term = None;
            return Ok(());
        }
        let mut lengths = [[0_u8; 4]; 2];
        for length in &mut lengths {
            length.copy_from_slice(self.take(4)?);
        }
        let [term, list] = lengths.map(|length| u32::from_le_bytes(length) as usize);
        self.term = Some(self.take(term)?.to_vec());
        let list = self.take(list * size_of::<Posting>())?.chunks_exact(size_of::<Posting>());
        self.list = list.map(bytemuck::pod_read_unaligned).collect();
        Ok(())
    }

    /// The next `length` bytes.
    fn take(&mut self, length: usize) -> Result<&[u8], BuildError> {
        let left = self.block.len() - self.used;
        if left < length {
            self.block.drain(..self.used);
            self.used = 0;
            let more = (self.run.len() - self.read).min((length - left).max(BLOCK) as u64) as usize;
            self.block.resize(left + more, 0);
            self.run.read_at(self.read, &mut self.block[left..])?;
            self.read += more as u64;
        }
        let start = self.used;
        self.used = (start + length).min(self.block.len());
        Ok(&self.block[start..self.used])
    }
}

fn average_lengths(lengths: &[[u16; FIELDS]]) -> [f32; FIELDS] {
    let mut averages = [0.0; FIELDS];
    for (field, average) in averages.iter_mut().enumerate() {
        let sum: f64 = lengths.iter().map(|chunk| f64::from(chunk[field])).sum();
        *average = (sum / lengths.len().max(1) as f64).max(1.0) as f32;
    }
    averages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bodies: &[String], most: usize) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = LexicalBuilder { most, ..LexicalBuilder::new(folder.path()) };
        for body in bodies {
            builder.add(&FieldTexts { body, headings: "", title: "a title", path: "b.md" }).unwrap();
        }
        assert_eq!(builder.runs.is_empty(), most == usize::MAX);
        let path = folder.path().join("lexical");
        builder.finish().unwrap().write(&path).unwrap();
        std::fs::read(path).unwrap()
    }

    proptest::proptest! {
        #[test]
        fn runs_that_are_merged_are_what_one_would_be(
            bodies in proptest::collection::vec("([a-f]{1,2} ){0,30}", 20..60),
        ) {
            proptest::prop_assert!(file(&bodies, 20) == file(&bodies, usize::MAX));
        }
    }
}
