//! Who uses the network: `pull` and `quickstart`, and nobody else.
#![cfg(unix)]

use crate::loopback::{Answer, Loopback};
use crate::testenv::{Outcome, PAGES, TestEnv};

/// Every way out leads to a server that notes who comes, and pip to a script that does.
struct Guarded {
    env: TestEnv,
    trap: Loopback,
}

impl Guarded {
    fn new() -> Self {
        let env = TestEnv::new(PAGES);
        for program in ["python3", "python", "pip", "pip3", "curl", "git"] {
            let note = format!("echo \"{program} $@\" >> '{}'; exit 1", env.path("called").display());
            env.add_program(program, &note);
        }
        Self { env, trap: Loopback::start(|_| Answer::status(404)) }
    }

    fn docent(&self, arguments: &[&str]) -> Outcome {
        let mut run = self.env.command(arguments).without_variable("NO_PROXY");
        for name in [
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
            "HF_ENDPOINT",
            "PIP_INDEX_URL",
            "PIP_PROXY",
        ] {
            run = run.variable(name, self.trap.url());
        }
        run.run()
    }

    fn assert_untouched(&self) {
        let requests = self.trap.requests();
        assert!(requests.is_empty(), "{requests:?}");
        assert!(!self.env.path("called").exists(), "{:?}", std::fs::read_to_string(self.env.path("called")));
    }
}

#[test]
fn no_other_command_touches_the_network() {
    let guarded = Guarded::new();
    guarded.docent(&["index", "docs", "--model", "hashing"]).succeeds();
    guarded.docent(&["index"]).succeeds();
    guarded.docent(&["ask", "rotate a key"]).succeeds();
    guarded.docent(&["ask", "rotate a key", "--json"]).succeeds();
    guarded.docent(&["status"]).succeeds();
    guarded.docent(&["models"]).succeeds();
    guarded.docent(&["completions", "zsh"]).succeeds();
    guarded.docent(&["serve"]).succeeds();
    guarded.docent(&["--help"]).succeeds();
    guarded.docent(&["pull", "hashing"]).succeeds();
    // Not even where a model is missing or damaged, nor where its name looks like a hub's.
    guarded.docent(&["index", "docs", "--model", "docent-minilm"]).ends_with_status(2);
    guarded.docent(&["index", "docs", "--model", "BAAI/bge-small-en-v1.5"]).ends_with_status(2);
    guarded.docent(&["ask", "key", "--model", "bge-small-en-v1.5"]).ends_with_status(2);
    guarded.env.write("models/bge-small-en-v1.5/model.onnx", "rubbish");
    guarded.env.write("models/bge-small-en-v1.5/tokenizer.json", "{}");
    guarded.docent(&["index", "docs", "--model", "bge-small-en-v1.5"]).ends_with_status(2);
    guarded.docent(&["models", "--json"]).succeeds();
    guarded.assert_untouched();
}

/// Without this the test above would pass with a trap that catches nobody.
#[test]
fn pull_and_quickstart_do() {
    for arguments in
        [&["pull", "bge-small-en-v1.5"][..], &["quickstart", "docs", "--model", "bge-small-en-v1.5"]]
    {
        let guarded = Guarded::new();
        guarded.docent(arguments).ends_with_status(2);
        let called = std::fs::read_to_string(guarded.env.path("called")).unwrap();
        assert!(called.starts_with("python3 -m pip download "), "{called}");
        assert!(guarded.trap.requests().is_empty(), "the runtime comes first, and pip gives nothing");

        guarded.env.write("own.so", "a library");
        let outcome = guarded
            .env
            .command(arguments)
            .variable("ORT_DYLIB_PATH", guarded.env.path("own.so"))
            .variable("HF_ENDPOINT", guarded.trap.url())
            .run()
            .ends_with_status(2);
        assert!(!guarded.trap.requests().is_empty(), "{outcome:?}");
    }
}
