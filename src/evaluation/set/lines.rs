//! A file of lines, each of which can be named when it is wrong.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::evaluation::EvaluationError;

/// A text file and what one of its lines should look like.
pub(super) struct TextFile {
    path: PathBuf,
    text: String,
    layout: &'static str,
}

impl TextFile {
    pub(super) fn read(path: &Path, layout: &'static str) -> Result<Self, EvaluationError> {
        let bytes = std::fs::read(path).map_err(EvaluationError::unreadable(path))?;
        let mut file = Self { path: path.to_owned(), text: String::new(), layout };
        match String::from_utf8(bytes) {
            Ok(text) => file.text = text,
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = valid.split(|byte| *byte == b'\n').count();
                return Err(file.fault(line, "not UTF-8"));
            }
        }
        Ok(file)
    }

    /// The whole text, without a byte-order mark.
    pub(super) fn text(&self) -> &str {
        self.text.strip_prefix('\u{feff}').unwrap_or(&self.text)
    }

    /// The lines that are not blank, with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text()
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| (index + 1, line))
    }

    /// Every line as a JSON record.
    pub(super) fn records<T: DeserializeOwned>(&self) -> Result<Vec<(usize, T)>, EvaluationError> {
        let record = |(number, line): (usize, &str)| match serde_json::from_str(line) {
            Ok(record) => Ok((number, record)),
            Err(error) => Err(self.fault(number, &reason_of(&error))),
        };
        self.lines().map(record).collect()
    }

    pub(super) fn fault(&self, line: usize, reason: &str) -> EvaluationError {
        EvaluationError::Line {
            path: self.path.clone(),
            line,
            reason: reason.to_owned(),
            layout: self.layout,
        }
    }
}

/// The parser counts lines of its own one-line text, which would only confuse.
fn reason_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => format!("{reason} (column {})", error.column()),
        None => text,
    }
}
