//! Git repositories: the newest commit of one branch, and nothing of its past.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::command::run;
use super::{FetchError, replace_folder, workshop};
use crate::source::without_password;

/// Clones the repository into `place`, or brings what is there up to date.
pub(super) fn update(url: &str, branch: Option<&str>, place: &Path) -> Result<(), FetchError> {
    let purpose = format!("the repository `{}`", without_password(url));
    if url.starts_with('-') || branch.is_some_and(|branch| branch.starts_with('-')) {
        let output = "it begins with a dash, which git would take for an option".to_owned();
        return Err(FetchError::Program { program: "git".into(), purpose, output });
    }
    if !place.join(".git").is_dir() {
        return clone(url, branch, place, &purpose);
    }
    // A lock that a killed git left, or a clone that is damaged, would fail for ever; where the repository cannot be
    // reached at all, a new clone fails as well, and what is there stays.
    pull(branch, place, &purpose).or_else(|error| clone(url, branch, place, &purpose).map_err(|_| error))
}

/// Brings the clone in `place` up to date.
fn pull(branch: Option<&str>, place: &Path, purpose: &str) -> Result<(), FetchError> {
    let target = branch.unwrap_or("HEAD");
    run(git_in(place).args(["fetch", "--quiet", "--depth", "1", "origin", target]), purpose)?;
    run(git_in(place).args(["reset", "--quiet", "--hard", "FETCH_HEAD"]), purpose)?;
    run(git_in(place).args(["clean", "--quiet", "-fdx"]), purpose)?;
    Ok(())
}

fn clone(url: &str, branch: Option<&str>, place: &Path, purpose: &str) -> Result<(), FetchError> {
    let workshop = workshop(place)?;
    let made = workshop.path().join("clone");
    let mut clone = git();
    clone.args(["clone", "--quiet", "--depth", "1", "--single-branch", "--no-tags"]);
    if let Some(branch) = branch {
        clone.args(["--branch", branch]);
    }
    run(clone.arg("--").arg(address(url)).arg(&made), purpose)?;
    replace_folder(&made, place)
}

/// git for the clone in `place`, which is named: left to itself, git would look for a repository in the folders above
/// where it finds none here, and that may be the user's own.
fn git_in(place: &Path) -> Command {
    let mut git = git();
    git.current_dir(place).args(["--git-dir=.git", "--work-tree=."]);
    git
}

/// What names another repository, where docent itself is run by git.
const OTHERS: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
];

/// git as a tool: it asks nothing, runs no hooks, and speaks no protocol that runs programs.
fn git() -> Command {
    let mut git = Command::new("git");
    git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_LFS_SKIP_SMUDGE", "1");
    for variable in OTHERS {
        git.env_remove(variable);
    }
    git.args([
        "-c",
        "protocol.ext.allow=never",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "advice.detachedHead=false",
    ]);
    git
}

/// A folder of this machine as a URL, without which git would copy all of its past.
fn address(url: &str) -> String {
    let path = Path::new(url);
    match path.canonicalize() {
        Ok(path) if path.is_dir() && cfg!(unix) => format!("file://{}", path.display()),
        _ => url.to_owned(),
    }
}

/// The folder of a repository that was asked for. A link in the repository that leads out of it is no folder of it:
/// what is there would be read as if it were the repository's.
pub(super) fn below(place: PathBuf, folder: Option<&str>, url: &str) -> Result<PathBuf, FetchError> {
    let Some(folder) = folder else { return Ok(place) };
    let is_plain = Path::new(folder).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let wanted = place.join(folder);
    let is_inside = || match (wanted.canonicalize(), place.canonicalize()) {
        (Ok(wanted), Ok(place)) => wanted.starts_with(place),
        // Not there, which is told by whoever looks for it.
        _ => true,
    };
    if is_plain && is_inside() {
        return Ok(wanted);
    }
    Err(FetchError::NoFolder { source_name: without_password(url), folder: folder.into() })
}
