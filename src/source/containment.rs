//! Where links lead.

use std::io;
use std::path::{Path, PathBuf};

use ignore::DirEntry;

use super::SkipReason;

/// A folder, in its canonical form. A link may point anywhere under it, and nowhere else: an index must not
/// quietly carry text from outside of what the user named.
pub(super) struct Containment<'base> {
    pub(super) base: &'base Path,
    /// The folder of the last file, and whether it is inside: the files of a folder come one after the other, and
    /// following every name on the way to each takes most of the time of a walk.
    last: Option<(PathBuf, bool)>,
}

impl<'base> Containment<'base> {
    pub(super) fn within(base: &'base Path) -> Self {
        Self { base, last: None }
    }

    /// Refuses what is somewhere else.
    pub(super) fn ensure(&mut self, entry: &DirEntry) -> Result<(), SkipReason> {
        let path = entry.path();
        let is_inside = match path.parent() {
            // What is no link itself is where its folder is.
            Some(folder) if !entry.path_is_symlink() => self.holds_folder(folder),
            _ => self.holds(path),
        };
        match is_inside {
            Ok(true) => Ok(()),
            Ok(false) => Err(SkipReason::leads_out()),
            Err(error) => Err(SkipReason::Symlink { message: format!("cannot be followed: {error}") }),
        }
    }

    fn holds_folder(&mut self, folder: &Path) -> io::Result<bool> {
        if let Some((known, is_inside)) = &self.last
            && known == folder
        {
            return Ok(*is_inside);
        }
        let is_inside = self.holds(folder)?;
        self.last = Some((folder.to_owned(), is_inside));
        Ok(is_inside)
    }

    fn holds(&self, path: &Path) -> io::Result<bool> {
        Ok(path.canonicalize()?.starts_with(self.base))
    }
}
