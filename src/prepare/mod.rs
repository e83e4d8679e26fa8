//! A project's documentation, examples and changelogs, put in order in one folder: `docs/` with each
//! page's original path in its front matter, `examples/` in groups with an `index.json`, and
//! `changelogs/` as JSON. It is the layout of `.docs/organized` in packages that serve a project's
//! documentation, for what was built to read that.

mod changelogs;
mod examples;
mod failure;
mod files;
mod pages;

use std::path::{Path, PathBuf};

pub use failure::PrepareError;

use crate::progress::Progress;
use crate::source::Limits;
use files::Workshop;

/// Newest entries of a changelog that are kept, and of a feed.
const CHANGELOG_ENTRIES: usize = 10;
const FEED_ENTRIES: usize = 25;

/// What to put in order, and where.
#[derive(Debug)]
pub struct Preparation<'a> {
    /// The project's folder.
    pub project: &'a Path,
    /// Folders of the project: pages, examples, and packages with a `CHANGELOG.md` each. One that is
    /// not there has nothing in it.
    pub docs: &'a Path,
    /// See `docs`.
    pub examples: &'a Path,
    /// See `docs`.
    pub packages: &'a Path,
    /// Feeds, each with the name of its changelog.
    pub feeds: &'a [(String, String)],
    /// The folder to write; what was prepared there before is replaced.
    pub output: &'a Path,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Pages of documentation.
    pub pages: usize,
    /// Files of examples.
    pub examples: usize,
    /// Groups that these are in.
    pub groups: usize,
    /// Changelogs, feeds included.
    pub changelogs: usize,
    /// Files left out: too large, no text, secrets, links that lead out.
    pub skipped: usize,
}

impl Preparation<'_> {
    /// Writes the output anew. What is there stays as it is until all of the new is written.
    ///
    /// # Errors
    /// Where nothing is found, a file cannot be written, or the output holds what docent did not
    /// write.
    pub fn run(&self, progress: &dyn Progress) -> Result<Prepared, PrepareError> {
        let workshop = Workshop::for_output(self.output, self.project)?;
        let mut prepared = Prepared::default();
        pages::write(self, &workshop, &mut prepared)?;
        examples::write(self, &workshop, &mut prepared)?;
        changelogs::write(self, &workshop, progress, &mut prepared)?;
        if (prepared.pages, prepared.examples, prepared.changelogs) == (0, 0, 0) {
            return Err(PrepareError::Nothing { project: self.project.to_owned() });
        }
        workshop.put_in_place(self.output)?;
        Ok(prepared)
    }

    /// A folder of the project. One that was named as lying elsewhere may; a link in the project that leads out of it
    /// may not: the project may be somebody else's.
    fn below(&self, folder: &Path) -> Result<PathBuf, PrepareError> {
        let wanted = self.project.join(folder);
        let is_plain = folder.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        match (wanted.canonicalize(), self.project.canonicalize()) {
            (Ok(target), Ok(project)) if is_plain && !target.starts_with(&project) => {
                Err(PrepareError::Outside { folder: wanted, target })
            }
            _ => Ok(wanted),
        }
    }
}

fn limits() -> Limits {
    Limits::default()
}
