//! A folder of its own for each test, and the real program in it.
//!
//! The program sees nothing of the environment that the tests run in: a HOME and a store of models
//! in the folder, an empty PATH, and proxies that lead nowhere. What it prints is compared whole,
//! with what differs from run to run (the folder, times, scores) replaced by names in brackets. A
//! failing comparison shows the command, the folder and both streams.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A proxy that nobody listens at.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Two pages on different subjects.
pub(crate) const PAGES: &[(&str, &str)] = &[
    ("docs/guides/webhooks.mdx", "# Webhooks\n\nA failed delivery is retried for three days.\n"),
    ("docs/keys.md", "# Keys\n\nRotate an API key every ninety days.\n"),
];

/// A folder with files, and what it takes to run docent in it.
pub(crate) struct TestEnv {
    folder: TempDir,
}

impl TestEnv {
    /// A folder with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let env = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["bin", "home"] {
            fs::create_dir(env.path(folder)).unwrap();
        }
        for (path, text) in files {
            env.write(path, text);
        }
        env
    }

    /// The same, with `docs` indexed by the encoder that needs no files.
    pub(crate) fn indexed(files: &[(&str, &str)]) -> Self {
        let env = Self::new(files);
        env.docent(&["index", "docs", "--model", "hashing", "--quiet"]).succeeds().prints("").tells("");
        env
    }

    /// The folder itself, under its one true name.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Changes the index's manifest and takes off its seal, as another docent's would have none.
    pub(crate) fn edit_manifest(&self, edit: impl FnOnce(&mut Value)) {
        let text = fs::read_to_string(self.path("index/manifest.json")).unwrap();
        let mut manifest: Value = serde_json::from_str(&text).unwrap();
        edit(&mut manifest);
        manifest.as_object_mut().unwrap().remove("seal");
        self.write("index/manifest.json", manifest.to_string());
    }

    /// What the names in a folder are, in order.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Puts a shell script on the PATH.
    #[cfg(unix)]
    pub(crate) fn add_program(&self, name: &str, script: &str) {
        let stand_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stand_in.sh");
        let link = self.path("bin").join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(stand_in, link).unwrap();
        }
        self.write(&format!("bin/{name}.script"), script);
    }

    /// Whether the tests run as a user to whom permissions mean nothing.
    #[cfg(unix)]
    pub(crate) fn is_root(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(self.path("home")).unwrap().uid() == 0
    }

    /// A run of docent, still to be started.
    pub(crate) fn command<Argument: AsRef<OsStr>>(&self, arguments: &[Argument]) -> Run<'_> {
        let arguments = arguments.iter().map(|argument| argument.as_ref().to_owned()).collect();
        let mut run = Run { env: self, command: Command::new(program()), arguments, input: Vec::new() };
        run.command.current_dir(self.folder.path()).env_clear();
        let variables = [
            ("HOME", self.path("home").into_os_string()),
            ("PATH", self.path("bin").into_os_string()),
            ("DOCENT_MODELS", self.path("models").into_os_string()),
            ("HTTP_PROXY", NOWHERE.into()),
            ("HTTPS_PROXY", NOWHERE.into()),
            ("NO_PROXY", "127.0.0.1".into()),
        ];
        run.command.envs(variables);
        run
    }

    /// Runs docent.
    pub(crate) fn docent<Argument: AsRef<OsStr>>(&self, arguments: &[Argument]) -> Outcome {
        self.command(arguments).run()
    }

    /// Runs docent and reads the one JSON object that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.docent(arguments).succeeds().tells("");
        assert_eq!(outcome.stdout.matches('\n').count(), 1, "{}", outcome.report);
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}\n{}", outcome.report))
    }

    /// The paths that a question finds, best first, those that say the same behind each.
    pub(crate) fn found(&self, question: &str) -> Vec<String> {
        let answer = self.json(&["ask", question, "--json", "--limit", "100"]);
        let hits = answer["hits"].as_array().unwrap();
        let with_duplicates = hits
            .iter()
            .flat_map(|hit| [hit].into_iter().chain(hit["duplicates"].as_array().into_iter().flatten()));
        with_duplicates.map(|hit| hit["path"].as_str().unwrap().to_owned()).collect()
    }
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_docent"))
}

/// Whether a test that cannot run here has to fail: on a build machine nothing is skipped.
pub(crate) fn nothing_may_be_skipped() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// A run of docent, still to be started.
#[must_use]
pub(crate) struct Run<'env> {
    env: &'env TestEnv,
    command: Command,
    arguments: Vec<OsString>,
    input: Vec<u8>,
}

impl Run<'_> {
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_variable(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// The environment that the tests run in: what the real pip needs of it, nobody knows.
    pub(crate) fn with_the_real_environment(mut self) -> Self {
        let kept = ["DOCENT_MODELS"];
        self.command.envs(std::env::vars_os().filter(|(name, _)| !kept.iter().any(|kept| name == kept)));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "HOME", "PATH"] {
            match std::env::var_os(name) {
                Some(value) => self.command.env(name, value),
                None => self.command.env_remove(name),
            };
        }
        self.command.env_remove("DOCENT_INDEX").env_remove("ORT_DYLIB_PATH");
        self
    }

    pub(crate) fn input(mut self, text: &str) -> Self {
        self.input = text.as_bytes().to_vec();
        self
    }

    /// In another folder than the test's own.
    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Through `shell`, a bash script that gets the program and its arguments as `"$@"`.
    #[cfg(unix)]
    pub(crate) fn through(self, shell: &str) -> Self {
        self.wrapped(OsStr::new("/bin/bash"), &["-c".into(), shell.into(), "bash".into(), program().into()])
    }

    /// As a user to whom permissions apply, also where the tests run as root.
    #[cfg(unix)]
    pub(crate) fn by_a_plain_user(mut self) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        use std::os::unix::process::CommandExt as _;
        const NOBODY: u32 = 65534;
        if !self.env.is_root() {
            return self;
        }
        // The checkout may be in a folder that only root may enter.
        let copy = self.env.path("docent-of-nobody");
        if !copy.exists() {
            fs::hard_link(program(), &copy).or_else(|_| fs::copy(program(), &copy).map(|_| ())).unwrap();
        }
        fs::set_permissions(self.env.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        self = self.wrapped(copy.as_os_str(), &[]);
        self.command.uid(NOBODY).gid(NOBODY);
        self
    }

    /// The same environment and folder, with another program in front.
    #[cfg(unix)]
    fn wrapped(mut self, program: &OsStr, before: &[OsString]) -> Self {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.command.get_current_dir().unwrap());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.arguments.splice(0..0, before.iter().cloned());
        Self { command, ..self }
    }

    /// The command as it is, for tests that do something of their own with it.
    pub(crate) fn into_command(mut self) -> Command {
        self.command.args(&self.arguments);
        self.command
    }

    pub(crate) fn run(self) -> Outcome {
        let (env, input) = (self.env, self.input.clone());
        let mut command = self.into_command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read what it is given is none of our business.
        let _ = stdin.write_all(&input);
        drop(stdin);
        Outcome::new(env, &command, &child.wait_with_output().unwrap())
    }
}

/// What a run printed, with the changing parts named, and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// With what changes from run to run.
    pub(crate) raw_stderr: String,
    status: Option<i32>,
    report: String,
}

impl Outcome {
    fn new(env: &TestEnv, command: &Command, output: &Output) -> Self {
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut report = format!("command: {command:?}\nstatus: {}\n", output.status);
        report.push_str(&format!("--- folder ---\n{}", listing(env.folder.path())));
        report.push_str(&format!("--- stdout ---\n{stdout}--- stderr ---\n{stderr}--- end ---"));
        Self {
            stdout: normalized(env, &stdout),
            stderr: without_stages(&normalized(env, &stderr)),
            raw_stderr: stderr.into_owned(),
            status: output.status.code(),
            report,
        }
    }

    #[track_caller]
    pub(crate) fn ends_with_status(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.report);
        self
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status == Some(0)
    }

    /// Found, or done.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.ends_with_status(0)
    }

    /// An error, with this on stderr and nothing on stdout.
    #[track_caller]
    pub(crate) fn fails_with(self, stderr: &str) -> Self {
        self.ends_with_status(2).prints("").tells(stderr)
    }

    /// stdout is exactly this.
    #[track_caller]
    pub(crate) fn prints(self, stdout: &str) -> Self {
        assert!(
            self.stdout == stdout,
            "stdout should be:\n{stdout}\nand is:\n{}\n{}",
            self.stdout,
            self.report
        );
        self
    }

    /// stderr is exactly this.
    #[track_caller]
    pub(crate) fn tells(self, stderr: &str) -> Self {
        assert!(
            self.stderr == stderr,
            "stderr should be:\n{stderr}\nand is:\n{}\n{}",
            self.stderr,
            self.report
        );
        self
    }
}

/// Replaces what differs from run to run.
fn normalized(env: &TestEnv, text: &str) -> String {
    let mut text = text.to_owned();
    for (path, name) in
        [(env.root(), "[ROOT]"), (env.folder.path().to_owned(), "[ROOT]"), (program(), "[DOCENT]")]
    {
        text = text.replace(path.to_str().unwrap(), name);
    }
    let text = replace_between(&text, "(score ", ")", "[SCORE]");
    let text = replace_between(&text, "\nconfidence ", "", "[CONFIDENCE]");
    let text = replace_between(&text, "(", " s)", "[SECONDS]");
    replace_between(&without_cost(&text), "(", " s)", "[SECONDS]")
}

/// Without the threads and the memory of a build, behind its seconds.
fn without_cost(text: &str) -> String {
    let short = |line: &str| {
        let (before, cost) = line.split_once(" s, ")?;
        let is_cost = cost.contains(" thread") && (cost.ends_with(" MB)") || cost.ends_with(')'));
        is_cost.then(|| format!("{before} s)"))
    };
    text.split('\n').map(|line| short(line).unwrap_or_else(|| line.to_owned())).collect::<Vec<_>>().join("\n")
}

/// Replaces each number between `before` and `after`.
fn replace_between(text: &str, before: &str, after: &str, name: &str) -> String {
    let mut output = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(before).map(|start| start + before.len()) {
        let (head, tail) = rest.split_at(start);
        output.push_str(head);
        let length = tail.find(|character: char| !(character.is_ascii_digit() || character == '.'));
        rest = match length {
            Some(length) if length > 0 && tail[length..].starts_with(after) => {
                output.push_str(name);
                &tail[length..]
            }
            _ => tail,
        };
    }
    output + rest
}

/// Leaves out the lines on stages that took long: how long they take is the machine's affair.
fn without_stages(text: &str) -> String {
    let stages = ["reading: ", "embedding: ", "asking: "];
    let is_stage = |line: &str| stages.iter().any(|stage| line.starts_with(stage));
    text.split_inclusive('\n').filter(|line| !is_stage(line)).collect()
}

fn listing(folder: &Path) -> String {
    let mut output = String::new();
    list_into(folder, 0, &mut output);
    output
}

fn list_into(folder: &Path, depth: usize, output: &mut String) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let size = entry.metadata().map_or(0, |metadata| metadata.len());
        let name = entry.file_name();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let size = if is_folder { "/".to_owned() } else { format!("  {size}") };
        output.push_str(&format!("{}{}{size}\n", "  ".repeat(depth), name.display()));
        if is_folder && depth < 4 {
            list_into(&entry.path(), depth + 1, output);
        }
    }
}
