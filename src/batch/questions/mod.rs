//! Where the questions come from: a file or a pipe, in any of the forms that they come in.

mod distinct;
mod lines;
mod record;
mod topics;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use super::failure::BatchError;
use distinct::Distinct;
use lines::Lines;

/// What a question asks for, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The question.
    pub text: String,
    /// The same in other words.
    pub rephrasings: Vec<String>,
    /// A glob over the documents to ask.
    pub path: Option<String>,
}

impl Wanted {
    fn bare(text: &str) -> Self {
        Self { text: text.to_owned(), rephrasings: Vec::new(), path: None }
    }
}

/// A question of the input, or what stands in the place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its first line, from 1.
    pub line: u64,
    /// Its id; none where the line is too malformed to have one.
    pub id: Option<String>,
    /// What it asks for.
    pub content: Result<Wanted, LineError>,
}

/// A line that is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than any question.
    #[error("longer than {most} bytes")]
    TooLong {
        /// The most that is read.
        most: u64,
    },
    /// Not text.
    #[error("not UTF-8 (byte {byte})")]
    NotUtf8 {
        /// The first byte that is not, from 1.
        byte: usize,
    },
    /// Not a record.
    #[error("not JSON: {reason} (column {column})")]
    NotJson {
        /// What the parser says.
        reason: String,
        /// Where, from 1.
        column: usize,
    },
    /// JSON of another kind.
    #[error("not a JSON object")]
    NotAnObject,
    /// A field that does not exist.
    #[error("unknown field `{name}`{}", nearest.map(|nearest| format!(": did you mean `{nearest}`?")).unwrap_or_default())]
    UnknownField {
        /// As written.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// A field with a value that it cannot have.
    #[error("`{field}` is not {wanted}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// Two names for the same thing in one record.
    #[error("both `{one}` and `{other}` are there")]
    Twice {
        /// A field.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A record without a question.
    #[error("no question: there is no field `query`")]
    NoQuestion,
    /// A line of a table without columns.
    #[error("no id and question with a tab between them")]
    NoTab,
    /// A TREC topic that lacks something.
    #[error("{reason}")]
    Topic {
        /// What.
        reason: String,
    },
}

impl LineError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "ask for one thing, in a sentence or two",
            Self::NotUtf8 { .. } => "convert the file to UTF-8",
            Self::UnknownField { .. } => {
                "known fields are id, query, rephrasings, path; keep data of your own under metadata"
            }
            Self::NoTab => "a line looks like this: ID<TAB>QUESTION",
            Self::Topic { .. } => "a topic looks like this: <top> <num> ID <title> QUESTION </top>",
            _ => r#"a line looks like this: {"id": "q1", "query": "..."}"#,
        }
    }
}

/// The forms that questions come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputFormat {
    /// JSON records, one a line: docent's own, or BEIR's `queries.jsonl`.
    Jsonl,
    /// Lines of an id, a tab and the question.
    Tsv,
    /// TREC topics in `<top>` blocks.
    Topics,
    /// Nothing but questions, one a line.
    Lines,
}

impl InputFormat {
    /// By the file's name, or else by its first line that is not blank.
    fn of(name: Option<&Path>, first: &str) -> Self {
        let extension = name.and_then(Path::extension).and_then(|extension| extension.to_str());
        match extension.map(str::to_lowercase).as_deref() {
            Some("jsonl" | "ndjson" | "json") => Self::Jsonl,
            Some("tsv") => Self::Tsv,
            _ if first.starts_with('{') => Self::Jsonl,
            _ if first.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("<top")) => Self::Topics,
            _ if first.contains('\t') => Self::Tsv,
            _ => Self::Lines,
        }
    }
}

/// Questions that can be read more than once.
pub struct QuestionFile {
    name: String,
    path: Option<PathBuf>,
    file: File,
    format: InputFormat,
}

/// What a first reading found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survey {
    /// Questions, malformed ones included.
    pub questions: u64,
    /// Those that are malformed.
    pub malformed: u64,
}

impl QuestionFile {
    /// Opens the questions at `path`, a file or a folder with one. A pipe is copied into a
    /// temporary file first: ids are compared before any work starts.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(path: &Path, format: Option<InputFormat>) -> Result<Self, BatchError> {
        let unreadable = |source| BatchError::Unreadable { name: format!("`{}`", path.display()), source };
        let path = question_file_in(path)?;
        let file = File::open(&path).map_err(unreadable)?;
        let is_regular = file.metadata().map_err(unreadable)?.is_file();
        let file = if is_regular { file } else { copied(file).map_err(unreadable)? };
        Self::over(format!("`{}`", path.display()), Some(path), file, format)
    }

    /// Takes all questions of `input`, which `name` says what it is.
    ///
    /// # Errors
    /// Where it cannot be read, or copied into a temporary file.
    pub fn spooled(name: &str, input: impl Read, format: Option<InputFormat>) -> Result<Self, BatchError> {
        let file =
            copied(input).map_err(|source| BatchError::Unreadable { name: name.to_owned(), source })?;
        Self::over(name.to_owned(), None, file, format)
    }

    fn over(
        name: String,
        path: Option<PathBuf>,
        file: File,
        format: Option<InputFormat>,
    ) -> Result<Self, BatchError> {
        let mut questions = Self { name, path, file, format: InputFormat::Lines };
        questions.format = match format {
            Some(format) => format,
            None => InputFormat::of(questions.path.as_deref(), &questions.first_line()?),
        };
        Ok(questions)
    }

    /// The file, where the questions come from one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What to call it in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every question in order, one in memory at a time. A second call starts again and ends the
    /// first one's use.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn items(&self) -> Result<impl Iterator<Item = io::Result<Item>> + Send + '_, BatchError> {
        let lines = Lines::new(self.rewound()?);
        let items: Box<dyn Iterator<Item = io::Result<Item>> + Send + '_> = match self.format {
            InputFormat::Topics => Box::new(topics::Topics::new(lines)),
            format => Box::new(lines.filter_map(move |line| item(format, line).transpose())),
        };
        Ok(items)
    }

    /// Reads everything once: counts the questions, and compares their ids.
    ///
    /// # Errors
    /// Where an id is there twice, or there is no question.
    pub fn survey(&self) -> Result<Survey, BatchError> {
        let mut survey = Survey { questions: 0, malformed: 0 };
        let mut ids = Distinct::default();
        for item in self.items()? {
            let item = item.map_err(|source| self.unreadable(source))?;
            survey.questions += 1;
            survey.malformed += u64::from(item.content.is_err());
            if let Some(id) = &item.id {
                ids.insert(id, item.line).map_err(|source| self.unreadable(source))?;
            }
        }
        if survey.questions == 0 {
            return Err(BatchError::NoQuestions { name: self.name.clone() });
        }
        match ids.first_repeated().map_err(|source| self.unreadable(source))? {
            None => Ok(survey),
            Some((first, line)) => {
                Err(BatchError::SameId { name: self.name.clone(), id: self.id_at(line)?, line, first })
            }
        }
    }

    fn id_at(&self, line: u64) -> Result<String, BatchError> {
        let found = self.items()?.find(|item| item.as_ref().map_or(true, |item| item.line == line));
        let item = found.transpose().map_err(|source| self.unreadable(source))?;
        Ok(item.and_then(|item| item.id).unwrap_or_default())
    }

    pub(super) fn unreadable(&self, source: io::Error) -> BatchError {
        BatchError::Unreadable { name: self.name.clone(), source }
    }

    fn rewound(&self) -> Result<BufReader<&File>, BatchError> {
        (&self.file).rewind().map_err(|source| self.unreadable(source))?;
        Ok(BufReader::new(&self.file))
    }

    /// The first line that is not blank; what follows an unreadable one decides nothing.
    fn first_line(&self) -> Result<String, BatchError> {
        for line in Lines::new(self.rewound()?) {
            match line.map_err(|source| self.unreadable(source))?.1 {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => return Ok(text.trim_start().to_owned()),
                Err(_) => break,
            }
        }
        Ok(String::new())
    }
}

/// The question that a line is, or nothing where it is blank or names the columns.
fn item(format: InputFormat, line: io::Result<lines::Line>) -> io::Result<Option<Item>> {
    let (number, text) = line?;
    let text = match text {
        Ok(text) => text,
        Err(error) => return Ok(Some(Item { line: number, id: None, content: Err(error) })),
    };
    if text.trim().is_empty() || format == InputFormat::Tsv && number == 1 && record::is_header(&text) {
        return Ok(None);
    }
    Ok(Some(match format {
        InputFormat::Jsonl => record::json(number, &text),
        InputFormat::Tsv => record::tabbed(number, &text),
        InputFormat::Topics | InputFormat::Lines => record::plain(number, &text),
    }))
}

fn question_file_in(path: &Path) -> Result<PathBuf, BatchError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let names = ["questions.jsonl", "queries.jsonl"].map(|name| path.join(name));
    names
        .into_iter()
        .find(|file| file.is_file())
        .ok_or_else(|| BatchError::NoQuestionFile { folder: path.to_owned() })
}

fn copied(input: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut BufReader::new(input), &mut file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> QuestionFile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        QuestionFile::open(&path, None).unwrap()
    }

    fn ids(file: &QuestionFile) -> Vec<String> {
        file.items().unwrap().map(|item| item.unwrap().id.unwrap_or_else(|| "-".into())).collect()
    }

    #[test]
    fn the_form_is_recognised() {
        assert_eq!(ids(&read("q", "\n {\"id\": \"a\", \"query\": \"A?\"}\n")), ["a"]);
        assert_eq!(ids(&read("q.jsonl", "nothing\n{\"_id\": \"a\", \"text\": \"A?\"}\n")), ["-", "a"]);
        assert_eq!(ids(&read("q", "qid\tquery\n1\tA?\n\n2\tB?")), ["1", "2"]);
        assert_eq!(ids(&read("q.txt", "A?\n\nB?\n")), ["1", "3"]);
        assert_eq!(
            ids(&read("q", "<top><num> 301 <title> A? </top>\n<top>\n<title> B?\n</top>")),
            ["301", "-"]
        );
    }

    #[test]
    fn a_repeated_id_is_named_with_both_lines() {
        let file = read("q", "1\tA?\n2\tB?\n1\tC?\n2\tD?\n");
        let error = file.survey().unwrap_err().to_string();
        assert!(error.ends_with("line 3: the id `1` is also on line 1"), "{error}");
        let survey = read("q.jsonl", "{\"id\":\"a\",\"query\":\"A?\"}\nx\n").survey().unwrap();
        assert_eq!(survey, Survey { questions: 2, malformed: 1 });
        assert!(matches!(read("q", " \n").survey(), Err(BatchError::NoQuestions { .. })));
    }

    #[test]
    fn a_pipe_is_read_more_than_once() {
        let file = QuestionFile::spooled("stdin", "A?\nB?\n".as_bytes(), None).unwrap();
        assert_eq!((ids(&file), ids(&file)), (vec!["1".into(), "2".into()], vec!["1".into(), "2".into()]));
    }
}
