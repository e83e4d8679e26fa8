//! Packages: fetched by the registry's own client, which knows mirrors, proxies and credentials of
//! this machine. Nothing of a package is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::archive::{Documents, unpack_tar, unpack_wheel};
use super::command::run;
use super::{FetchError, replace_folder, workshop};
use crate::source::{Registry, SourcePath};

/// Puts the documents of a package into `place`.
pub(super) fn update(
    registry: Registry,
    package: &str,
    version: Option<&str>,
    place: &Path,
) -> Result<(), FetchError> {
    let at = version.map(|version| format!("@{version}")).unwrap_or_default();
    let purpose = format!("the {} package `{package}{at}`", registry.as_str());
    let workshop = workshop(place)?;
    let fetched = workshop.path().join("fetched");
    let made = workshop.path().join("documents");
    for folder in [&fetched, &made] {
        fs::create_dir(folder).map_err(|source| FetchError::Write { path: folder.clone(), source })?;
    }
    let mut documents = Documents::new(&made, &purpose);
    match registry {
        Registry::Npm => npm(&format!("{package}{at}"), &fetched, &mut documents, &purpose)?,
        Registry::Pypi => pip(package, version, &fetched, &mut documents, &purpose)?,
        Registry::Crates => cargo(package, &at, &mut documents, &purpose)?,
    }
    if documents.files == 0 {
        return Err(FetchError::NoDocuments { purpose });
    }
    replace_folder(&made, place)
}

fn npm(package: &str, folder: &Path, documents: &mut Documents<'_>, purpose: &str) -> Result<(), FetchError> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut npm = Command::new(program);
    npm.current_dir(folder).args(["pack", "--silent", "--ignore-scripts", "--", package]);
    run(&mut npm, purpose)?;
    unpack_tar(&only_file(folder, "tgz", purpose)?, documents)
}

/// A wheel, never a source distribution: pip would run that one's build to learn its name.
fn pip(
    package: &str,
    version: Option<&str>,
    folder: &Path,
    documents: &mut Documents<'_>,
    purpose: &str,
) -> Result<(), FetchError> {
    let requirement = version.map_or_else(|| package.to_owned(), |version| format!("{package}=={version}"));
    let arguments = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", "."];
    let fetched = |python: &str| {
        run(Command::new(python).current_dir(folder).args(arguments).arg("--").arg(&requirement), purpose)
    };
    match fetched("python3") {
        Err(FetchError::NoProgram { .. }) => fetched("python")?,
        other => other?,
    };
    unpack_wheel(&only_file(folder, "whl", purpose)?, documents)
}

/// `cargo info` fetches and unpacks the crate that it tells about.
fn cargo(package: &str, at: &str, documents: &mut Documents<'_>, purpose: &str) -> Result<(), FetchError> {
    let said = run(
        Command::new("cargo").args(["info", "--quiet", "--color", "never", &format!("{package}{at}")]),
        purpose,
    )?;
    let version = said.lines().find_map(|line| line.strip_prefix("version:")).map(str::trim);
    let version = version.and_then(|version| version.split_whitespace().next()).unwrap_or_default();
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    let sources = fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    let unpacked =
        sources.map(|source| source.path().join(format!("{package}-{version}"))).find(|path| path.is_dir());
    let Some(unpacked) = unpacked else {
        let reason =
            format!("cargo left no `{package}-{version}` in `{}`", home.join("registry/src").display());
        return Err(FetchError::Archive { purpose: purpose.to_owned(), reason });
    };
    take_folder(&unpacked, &unpacked, documents)
}

fn take_folder(root: &Path, folder: &Path, documents: &mut Documents<'_>) -> Result<(), FetchError> {
    let unreadable = |source| FetchError::Write { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)?.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            take_folder(root, &entry.path(), documents)?;
        } else if kind.is_file()
            && let Ok(path) = SourcePath::relative_to(root, &entry.path())
        {
            documents.take(path.as_str(), fs::File::open(entry.path()).map_err(unreadable)?)?;
        }
    }
    Ok(())
}

/// The one file with this extension that a client left.
fn only_file(folder: &Path, extension: &str, purpose: &str) -> Result<PathBuf, FetchError> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found = files.filter(|path| path.extension().is_some_and(|known| known == extension));
    found.next().ok_or_else(|| FetchError::Archive {
        purpose: purpose.to_owned(),
        reason: format!("its client left no .{extension} file"),
    })
}
