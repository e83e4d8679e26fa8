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
    if place.join(".git").is_dir() {
        let target = branch.unwrap_or("HEAD");
        run(git().current_dir(place).args(["fetch", "--quiet", "--depth", "1", "origin", target]), &purpose)?;
        run(git().current_dir(place).args(["reset", "--quiet", "--hard", "FETCH_HEAD"]), &purpose)?;
        run(git().current_dir(place).args(["clean", "--quiet", "-fdx"]), &purpose)?;
        return Ok(());
    }
    let workshop = workshop(place)?;
    let made = workshop.path().join("clone");
    let mut clone = git();
    clone.args(["clone", "--quiet", "--depth", "1", "--single-branch", "--no-tags"]);
    if let Some(branch) = branch {
        clone.args(["--branch", branch]);
    }
    run(clone.arg("--").arg(address(url)).arg(&made), &purpose)?;
    replace_folder(&made, place)
}

/// git as a tool: it asks nothing, runs no hooks, and speaks no protocol that runs programs.
fn git() -> Command {
    let mut git = Command::new("git");
    git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_LFS_SKIP_SMUDGE", "1");
    // Where docent itself is run by git, these would name another repository.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
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

/// The folder of a repository that was asked for.
pub(super) fn below(place: PathBuf, folder: Option<&str>, url: &str) -> Result<PathBuf, FetchError> {
    let Some(folder) = folder else { return Ok(place) };
    let is_plain = Path::new(folder).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if is_plain {
        return Ok(place.join(folder));
    }
    Err(FetchError::NoFolder { source_name: without_password(url), folder: folder.into() })
}
