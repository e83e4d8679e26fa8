//! Vectors that were made elsewhere, in the place of an encoder: for questions over an index whose
//! own vectors were imported.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::npy::{Matrix, NpyError};
use super::{EmbedError, Embedder, Embedding, Encoding, InvalidVector, ModelIdentity, Role, Spreads};

/// Knows the vectors of the texts that it was given, and of no others.
pub struct GivenVectors {
    identity: ModelIdentity,
    spreads: Spreads,
    vectors: HashMap<String, Embedding>,
}

/// Vectors that do not fit the questions or the index.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// The file is not in the form that docent takes.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// Another number of rows than there are questions.
    #[error("`{}` has {rows} rows for {questions} questions", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// Its rows.
        rows: usize,
        /// The questions.
        questions: usize,
    },
    /// Vectors of another length than the index's.
    #[error("`{}` has vectors of {given} dimensions; those of the index have {wanted}", path.display())]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// Its columns.
        given: usize,
        /// Those of the index.
        wanted: usize,
    },
    /// A vector without a direction.
    #[error("row {row} (from 0) of `{}` cannot be used: {source}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: usize,
        /// Why.
        source: InvalidVector,
    },
    /// One question with two vectors.
    #[error("rows {first} and {second} (from 0) of `{}` are of the same question, and differ", path.display())]
    Differ {
        /// The file.
        path: PathBuf,
        /// A row, from 0.
        first: usize,
        /// Another.
        second: usize,
    },
}

impl GivenError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Npy(error) => error.hint(),
            Self::Count { .. } => {
                "give a row for each question of the file, in its order, also for those that are left out"
                    .into()
            }
            Self::Dimensions { .. } => "use the model that made the index's vectors".into(),
            Self::Row { .. } => "encode that question again".into(),
            Self::Differ { .. } => "an encoder without randomness gives one vector for one text".into(),
        }
    }
}

impl GivenVectors {
    /// Those in the file at `path`, whose n-th row is the vector of the n-th of `texts`; `None` stands
    /// in the place of a text that cannot be read, whose row is not looked at.
    ///
    /// # Errors
    /// Where the file is not in the form that is taken, or its rows do not fit.
    pub fn read<'texts>(
        path: &Path,
        texts: impl ExactSizeIterator<Item = Option<&'texts str>>,
        identity: ModelIdentity,
        spreads: Spreads,
    ) -> Result<Self, GivenError> {
        let matrix = Matrix::read(path)?;
        let path = || path.to_owned();
        if matrix.columns != identity.dimensions {
            let (given, wanted) = (matrix.columns, identity.dimensions);
            return Err(GivenError::Dimensions { path: path(), given, wanted });
        }
        if matrix.rows != texts.len() {
            return Err(GivenError::Count { path: path(), rows: matrix.rows, questions: texts.len() });
        }
        let mut vectors: HashMap<String, Embedding> = HashMap::new();
        let mut rows: HashMap<&str, usize> = HashMap::new();
        for (row, (vector, text)) in matrix.iter().zip(texts).enumerate() {
            let Some(text) = text.map(str::trim) else { continue };
            let vector = Embedding::of_unit(vector.to_vec()).map_err(|source| GivenError::Row {
                path: path(),
                row,
                source,
            })?;
            if let Some(first) = rows.insert(text, row)
                && vectors.get(text).is_some_and(|before| *before != vector)
            {
                return Err(GivenError::Differ { path: path(), first, second: row });
            }
            vectors.insert(text.to_owned(), vector);
        }
        Ok(Self { identity, spreads, vectors })
    }
}

impl Embedder for GivenVectors {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn encode(&self, text: &str, _role: Role) -> Result<Encoding, EmbedError> {
        let pooled = self.vectors.get(text.trim()).cloned();
        let pooled = pooled.ok_or_else(|| EmbedError::NotGiven { text: text.chars().take(80).collect() })?;
        Ok(Encoding { pooled, token_ids: Vec::new(), token_vectors: Vec::new() })
    }

    /// Words: there is no tokenizer.
    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn parallelism(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    fn spreads(&self) -> Spreads {
        self.spreads
    }
}

#[cfg(test)]
mod tests {
    use super::super::npy::npy_header;
    use super::*;

    fn read(rows: &[[f32; 2]], texts: &[Option<&str>], dimensions: usize) -> Result<GivenVectors, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q.npy");
        let mut bytes = npy_header(rows.len(), 2);
        bytes.extend(rows.iter().flatten().flat_map(|value| value.to_le_bytes()));
        std::fs::write(&path, bytes).unwrap();
        let identity = ModelIdentity { name: "mine".into(), sha256: "x".into(), dimensions, max_tokens: 0 };
        GivenVectors::read(&path, texts.iter().copied(), identity, Spreads::default())
            .map_err(|error| error.to_string().replace(&path.display().to_string(), "Q"))
    }

    #[test]
    fn texts_have_their_rows_vectors_and_others_none() {
        let given = read(&[[3.0, 4.0], [9.0, 9.0], [0.0, 1.0]], &[Some(" a "), None, Some("b")], 2).unwrap();
        assert_eq!(given.encode("a", Role::Query).unwrap().pooled.as_slice(), [0.6, 0.8]);
        assert_eq!(given.encode("b ", Role::Query).unwrap().pooled.as_slice(), [0.0, 1.0]);
        let error = given.encode("c", Role::Query).unwrap_err();
        assert_eq!(error.to_string(), "no vector is given for the question `c`");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let message = |rows: &[[f32; 2]], texts: &[Option<&str>], dimensions| {
            read(rows, texts, dimensions).err().unwrap_or_default()
        };
        assert_eq!(message(&[[1.0, 0.0]], &[Some("a"), Some("b")], 2), "`Q` has 1 rows for 2 questions");
        assert_eq!(
            message(&[[1.0, 0.0]], &[Some("a")], 384),
            "`Q` has vectors of 2 dimensions; those of the index have 384"
        );
        assert_eq!(
            message(&[[1.0, 0.0], [0.0, 0.0]], &[Some("a"), Some("b")], 2),
            "row 1 (from 0) of `Q` cannot be used: its length is zero"
        );
        let twice = [Some("a"), Some("a ")];
        assert_eq!(
            message(&[[1.0, 0.0], [0.0, 1.0]], &twice, 2),
            "rows 0 and 1 (from 0) of `Q` are of the same question, and differ"
        );
        assert_eq!(message(&[[1.0, 0.0], [1.0, 0.0]], &twice, 2), "");
    }
}
