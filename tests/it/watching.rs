//! `docent watch`: the index follows what happens to the documents. Each test waits for what it wants
//! to see, and fails only if it never comes.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use docent::index::{Index, read_manifest};

use crate::testenv::{PAGES, TestEnv};

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

struct Watching<'env> {
    env: &'env TestEnv,
    child: Child,
}

impl<'env> Watching<'env> {
    fn start(env: &'env TestEnv, paths: &[&str]) -> Self {
        let arguments = [&["watch", "--model", "hashing", "-q"], paths].concat();
        let mut command = env.command(&arguments).into_command();
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let watching = Self { env, child };
        watching.until("the first index", |texts| !texts.is_empty());
        watching
    }

    /// Waits until the texts of the index are as wanted.
    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) {
        let started = Instant::now();
        loop {
            let texts = texts(self.env);
            if wanted(&texts) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{what} never came: {texts:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn generation(&self) -> u64 {
        read_manifest(&self.env.path("index")).unwrap().generation
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn texts(env: &TestEnv) -> Vec<String> {
    let Ok(index) = Index::open_whole(&env.path("index")) else { return Vec::new() };
    (0..index.chunk_count()).map(|number| index.chunk(number).unwrap().chunk.text).collect()
}

fn has(text: &str) -> impl Fn(&[String]) -> bool {
    move |texts| texts.iter().any(|found| found.contains(text))
}

#[test]
fn writing_renaming_and_removing_are_followed() {
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["docs"]);
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    watching.until("the change", has("every week"));
    // As editors save: another file, renamed over the old one.
    env.write("docs/.keys.md.swp", "# Keys\n\nRotate a key every day.\n");
    fs::rename(env.path("docs/.keys.md.swp"), env.path("docs/keys.md")).unwrap();
    watching.until("the saved file", has("every day"));
    env.write("docs/deep/er/new.md", "# New\n\nIn a folder that is new too.\n");
    watching.until("the new folder", has("that is new too"));
    env.write("docs/deep/er/new.md", "# New\n\nWatched like the others.\n");
    watching.until("the change in the new folder", has("like the others"));
    fs::remove_dir_all(env.path("docs/deep")).unwrap();
    watching.until("the removal", |texts| !has("like the others")(texts));
    assert_eq!(texts(&env).len(), 2);
}

#[test]
fn a_single_file_that_is_saved_by_renaming() {
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["docs/keys.md"]);
    for round in 0..3 {
        env.write("docs/keys.tmp", format!("# Keys\n\nRound {round}.\n"));
        fs::rename(env.path("docs/keys.tmp"), env.path("docs/keys.md")).unwrap();
        watching.until("the saved file", has(&format!("Round {round}.")));
    }
}

#[test]
fn a_burst_of_files_is_a_few_generations() {
    const FILES: usize = 1_000;
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["docs"]);
    for file in 0..FILES {
        env.write(&format!("docs/burst/page-{file}.md"), format!("# Page {file}\n\nText {file}.\n"));
    }
    watching.until("all files", |texts| texts.len() == FILES + 2);
    assert!(watching.generation() < 20, "{} generations", watching.generation());
}

#[test]
fn an_index_among_the_documents_does_not_wake_its_own_watch() {
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["."]);
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    watching.until("the change", has("every week"));
    env.write("docs/more.md", "# More\n\nMore.\n");
    watching.until("the next change", has("More."));
    // Time for several rounds, if its own writing were a change to it.
    let generation = watching.generation();
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(watching.generation(), generation);
}

#[test]
fn a_root_that_is_moved_away_and_back() {
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["docs"]);
    let generation = watching.generation();
    fs::rename(env.path("docs"), env.path("elsewhere")).unwrap();
    env.write("elsewhere/keys.md", "# Keys\n\nChanged while away.\n");
    // Longer than docent takes to see that it is gone.
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(watching.generation(), generation, "documents that may come back are dropped");
    assert!(env.found("rotate a key").contains(&"keys.md".to_owned()));
    fs::rename(env.path("elsewhere"), env.path("docs")).unwrap();
    watching.until("what changed while it was away", has("while away"));
    // Another folder under the same name.
    fs::rename(env.path("docs"), env.path("elsewhere")).unwrap();
    env.write("docs/other.md", "# Other\n\nAnother folder.\n");
    watching.until("the other folder", |texts| texts == ["Another folder."]);
    env.write("docs/other.md", "# Other\n\nWatched as well.\n");
    watching.until("the change in the other folder", |texts| texts == ["Watched as well."]);
}

#[test]
fn what_cannot_be_watched_is_an_error_at_once() {
    let env = TestEnv::new(PAGES);
    env.docent(&["watch"]).fails_with(
        "error: nothing to index: no PATH is given, and `index` holds no index to bring up to date\n\n\
         hint: name a folder of documents: `docent index docs/`\n",
    );
    env.docent(&["watch", "docs/nowhere", "--model", "hashing"]).fails_with(
        "error: `docs/nowhere` does not exist\n\n\
         hint: check the spelling, or give a folder of documents: `docent index docs/`\n",
    );
}
