//! A new index with the documents, chunks and words of another, and with vectors that were made
//! elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::commit::{commit_with, ensure_index_folder};
use super::failure::BuildError;
use super::generation::{CHUNKS_FILE, DOCUMENTS_FILE, LEXICAL_FILE, TOKENS_FILE, VECTORS_FILE};
use super::manifest::{FORMAT_VERSION, Imported, Manifest};
use super::tokens::{ChunkTokens, TokensWriter};
use super::vectors::VectorArrays;
use super::{Index, OpenError, WriterLock, storage};
use crate::embedding::{Embedding, InvalidVector, Matrix, ModelIdentity};

/// Chunks that stand in for questions where the spread of the similarities is measured.
const SPREAD_SAMPLE: usize = 64;

/// What makes the new index.
pub struct Import<'work> {
    /// Where the new index is to be: a new or empty folder, or an index that is replaced.
    pub folder: &'work Path,
    /// The index whose chunks these are.
    pub source: &'work Index,
    /// A row for each chunk of it, in its order.
    pub vectors: Matrix,
    /// What made them.
    pub model: ModelIdentity,
    /// The name of their file, for the record.
    pub file: String,
    /// The spread of their similarities, where it is known; measured over the chunks where not.
    pub spread: Option<f32>,
}

/// Vectors that cannot become those of an index.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The new index cannot be written.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The other index is damaged.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another number of rows than chunks.
    #[error("there are {rows} vectors for {chunks} chunks")]
    Count {
        /// Rows of the file.
        rows: usize,
        /// Chunks of the index.
        chunks: usize,
    },
    /// A vector without a direction.
    #[error("the vector of row {row} (from 0) cannot be used: {source}")]
    Row {
        /// The row, from 0.
        row: usize,
        /// Why.
        source: InvalidVector,
    },
    /// The new index would replace the one that it is made from.
    #[error("`{}` is the index that the chunks come from", folder.display())]
    SameFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// An index of an earlier format, whose files cannot stand beside new ones.
    #[error("the index in `{}` has format {found}, and a new one has {FORMAT_VERSION}", folder.display())]
    OldFormat {
        /// The other index.
        folder: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Chunks in another order, or of another generation.
    #[error("line {line} of `{}` is not chunk {number} of the index: {reason}", path.display())]
    OtherChunks {
        /// The file of chunks beside the vectors.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The chunk that should stand there, from 0.
        number: usize,
        /// What stands there.
        reason: String,
    },
}

impl ImportError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Build(BuildError::NotAnIndex { .. }) | Self::SameFolder { .. } => {
                "name a new or empty folder for the new index with --into DIR".into()
            }
            Self::Build(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::Count { .. } | Self::OtherChunks { .. } => {
                "the index has changed since its chunks were exported: `docent export DIR`, and make vectors of those chunks".into()
            }
            Self::Row { .. } => "encode that chunk again, or give it any other direction".into(),
            Self::OldFormat { .. } => "bring it up to date first: `docent index`".into(),
        }
    }
}

impl Import<'_> {
    /// Writes the new index.
    ///
    /// # Errors
    /// Where the vectors do not fit the chunks, or the index cannot be written: see [`ImportError`].
    pub fn run(mut self) -> Result<Manifest, ImportError> {
        self.check()?;
        self.normalize()?;
        let document_of: Vec<u32> = (0..self.source.chunk_count())
            .map(|chunk| Ok(self.source.chunk(chunk)?.document))
            .collect::<Result<_, OpenError>>()?;
        let spread = self.spread.unwrap_or_else(|| dense_spread(&self.vectors));
        ensure_index_folder(self.folder)?;
        storage::create_folder(self.folder)?;
        let _lock = WriterLock::acquire(self.folder).map_err(BuildError::from)?;
        let manifest = Manifest {
            model: self.model.clone(),
            arithmetic: None,
            // Nobody here can ask it unrelated questions.
            calibration: None,
            // The other index's is one of other vectors.
            graph: None,
            imported: Some(Imported { file: self.file.clone(), dense_spread: spread }),
            indexed_at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            ..self.source.manifest().clone()
        };
        Ok(commit_with(self.folder, manifest, None, |files| self.write(files, &document_of))?)
    }

    fn check(&self) -> Result<(), ImportError> {
        let from = self.source.folder();
        if from.canonicalize().ok().is_some_and(|from| self.folder.canonicalize().ok() == Some(from)) {
            return Err(ImportError::SameFolder { folder: self.folder.to_owned() });
        }
        let found = self.source.manifest().format;
        if found != FORMAT_VERSION {
            return Err(ImportError::OldFormat { folder: from.to_owned(), found });
        }
        let (rows, chunks) = (self.vectors.rows, self.source.chunk_count());
        if rows == chunks { Ok(()) } else { Err(ImportError::Count { rows, chunks }) }
    }

    /// Brings every vector to unit length.
    fn normalize(&mut self) -> Result<(), ImportError> {
        for (row, vector) in self.vectors.values.chunks_exact_mut(self.vectors.columns).enumerate() {
            let unit =
                Embedding::of_unit(vector.to_vec()).map_err(|source| ImportError::Row { row, source })?;
            vector.copy_from_slice(unit.as_slice());
        }
        Ok(())
    }

    /// The files of the generation: what does not depend on the model is the other index's own.
    fn write(&self, files: &Path, document_of: &[u32]) -> Result<BTreeMap<String, String>, BuildError> {
        storage::create_folder(files)?;
        let source = self.source.manifest();
        let from = source.generation_folder(self.source.folder());
        let mut checksums = BTreeMap::new();
        for name in [DOCUMENTS_FILE, CHUNKS_FILE, LEXICAL_FILE] {
            storage::copy_file(&from.join(name), &files.join(name))?;
            checksums.extend(source.checksums.get(name).map(|sum| (name.to_owned(), sum.clone())));
        }
        let columns = self.vectors.columns;
        // Vectors of whole texts say nothing of their tokens.
        let mut tokens = TokensWriter::new(self.folder)?;
        (0..document_of.len()).try_for_each(|_| tokens.push(&ChunkTokens::default()))?;
        let vectors =
            VectorArrays::new(&self.vectors.values, columns, document_of, self.source.document_count());
        checksums.insert(VECTORS_FILE.to_owned(), vectors.encode().write(&files.join(VECTORS_FILE))?);
        let tokens = tokens.finish(&vec![0.0; columns]);
        checksums.insert(TOKENS_FILE.to_owned(), tokens.write(&files.join(TOKENS_FILE))?);
        storage::sync_folder(files)?;
        Ok(checksums)
    }
}

/// How much the similarities of these vectors differ: the standard deviation of the cosines, less their
/// mean vector, of some chunks with all others. Questions, which nobody has seen yet, differ less:
/// for docent-minilm over the manual this is 0.165, and the catalogue has 0.11 for questions.
fn dense_spread(vectors: &Matrix) -> f32 {
    let kept = VectorArrays::new(&vectors.values, vectors.columns, &[], 0);
    let step = vectors.rows.div_ceil(SPREAD_SAMPLE).max(1);
    let (mut sum, mut squares, mut count) = (0.0_f64, 0.0_f64, 0_u32);
    for (sampled, question) in vectors.iter().enumerate().step_by(step) {
        let question = kept.centred(question);
        for other in (0..kept.len()).filter(|other| *other != sampled) {
            let cosine = f64::from(kept.rows().score(&question, other));
            sum += cosine;
            squares += cosine * cosine;
            count += 1;
        }
    }
    let (count, least) = (f64::from(count.max(1)), 0.01);
    let variance = squares / count - (sum / count).powi(2);
    // Of a few chunks that are all alike nothing can be learned, and it is divided by.
    (variance.max(0.0).sqrt() as f32).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_centred_cosines() {
        // Two opposite directions around a common one: cosines are 1 and -1, half of each.
        let rows = [[0.8_f32, 0.6], [0.8, -0.6], [0.8, 0.6], [0.8, -0.6]];
        let values: Vec<f32> = rows.iter().flatten().copied().collect();
        let spread = dense_spread(&Matrix { values, rows: 4, columns: 2 });
        let expected = (8.0_f32 / 9.0).sqrt();
        assert!((spread - expected).abs() < 1e-4, "{spread} instead of {expected}");
        let same = Matrix { values: vec![1.0, 0.0, 1.0, 0.0], rows: 2, columns: 2 };
        assert!((dense_spread(&same) - 0.01).abs() < 1e-6);
    }
}
