//! What goes wrong while documentation is put in order.

use std::io;
use std::path::PathBuf;

use crate::source::SourceError;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A folder that cannot be walked.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No page, no example and no changelog.
    #[error("`{}` holds no pages, examples or changelogs where they were looked for", project.display())]
    Nothing {
        /// The project.
        project: PathBuf,
    },
    /// The output would replace something that docent did not write.
    #[error("`{}` holds `{found}`, which docent did not write there", output.display())]
    NotOurs {
        /// The output.
        output: PathBuf,
        /// What else is in it.
        found: String,
    },
    /// A link leads out of the project.
    #[error("`{}` leads out of the project, to `{}`", folder.display(), target.display())]
    Outside {
        /// The link, or a folder behind one.
        folder: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Two sources would become one file.
    #[error("two files, or a package and a feed of one name, would become `{path}`")]
    Twice {
        /// Its path below the output.
        path: String,
    },
    /// A file or folder cannot be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl PrepareError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Source(error) => error.hint(),
            Self::Nothing { .. } => {
                "name the folders below the project: `--docs DIR`, `--examples DIR`, `--packages DIR`".into()
            }
            Self::NotOurs { .. } => "name a folder that is new or empty with `--output DIR`".into(),
            Self::Outside { .. } => {
                "name the folder itself, if it is to be taken: `--docs DIR` and so on".into()
            }
            Self::Twice { .. } => "give one of them another name".into(),
            Self::Write { .. } => "check the permissions, and the space on the disk".into(),
        }
    }
}
