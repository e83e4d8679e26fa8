//! Help, completions, and the list of models.

use serde_json::json;

use crate::testenv::TestEnv;

const COMMANDS: [&str; 12] = [
    "quickstart",
    "pull",
    "models",
    "index",
    "watch",
    "prepare",
    "ask",
    "serve",
    "inspect",
    "status",
    "doctor",
    "completions",
];

#[test]
fn every_command_teaches_by_examples() {
    let env = TestEnv::new(&[]);
    let general = env.docent(&["--help"]).succeeds().tells("").stdout;
    for command in COMMANDS {
        assert!(general.contains(&format!("\n  {command} ")), "{general}");
        let help = env.docent(&[command, "--help"]).succeeds().tells("").stdout;
        assert!(help.contains(&format!("\n\nUsage: docent {command}")), "{help}");
        let examples = help.split_once("\n\nExamples:\n").unwrap_or_else(|| panic!("{help}")).1;
        assert!(examples.starts_with(&format!("  docent {command}")), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        assert_eq!(env.docent(&["help", command]).succeeds().tells("").stdout, help);
    }
    assert!(general.contains("Examples:\n  docent quickstart"), "{general}");
    assert!(general.contains("Exit status: 0 found or done, 1 nothing found, 2 error."), "{general}");
    // -h has the examples too: most people type that.
    assert!(env.docent(&["ask", "-h"]).succeeds().stdout.contains("Examples:"));
}

#[test]
fn the_version() {
    let env = TestEnv::new(&[]);
    let version = format!("docent {}\n", env!("CARGO_PKG_VERSION"));
    env.docent(&["--version"]).succeeds().tells("").prints(&version);
    env.docent(&["-V"]).succeeds().tells("").prints(&version);
}

#[test]
fn completions_for_each_shell() {
    let env = TestEnv::new(&[]);
    for (shell, beginning) in [
        ("bash", "_docent() {"),
        ("zsh", "#compdef docent"),
        ("fish", "# Print an optspec"),
        ("elvish", "\nuse builtin;"),
        ("powershell", "\nusing namespace System.Management.Automation"),
    ] {
        let outcome = env.docent(&["completions", shell]).succeeds().tells("");
        assert!(outcome.stdout.starts_with(beginning), "{shell}: {}", outcome.stdout);
        for command in COMMANDS {
            assert!(outcome.stdout.contains(command), "{shell} {command}");
        }
    }
}

#[test]
#[cfg(unix)]
fn bash_can_read_its_completions() {
    let env = TestEnv::new(&[]);
    env.write("docent.bash", env.docent(&["completions", "bash"]).succeeds().stdout);
    let complete = "source ./docent.bash; COMP_WORDS=(docent sta); COMP_CWORD=1; _docent docent sta docent; echo \"${COMPREPLY[*]}\"";
    env.command::<&str>(&[]).through(complete).run().succeeds().prints("status\n");
}

#[test]
fn nothing_needs_a_home() {
    let env = TestEnv::new(&[("docs/a.md", "# A\n\nText.\n")]);
    let run = |arguments: &[&str]| {
        env.command(arguments).without_variable("HOME").without_variable("DOCENT_MODELS").run()
    };
    run(&["completions", "bash"]).succeeds().tells("");
    run(&["index", "docs", "--model", "hashing", "-q"]).succeeds().tells("");
    run(&["ask", "text"]).succeeds().tells("");
    run(&["status"]).succeeds().tells("");
    run(&["models"]).succeeds().tells("");
}

#[test]
fn the_list_of_models() {
    let env = TestEnv::new(&[]);
    let list = env.json(&["models", "--json"]);
    assert_eq!(list["schema"], 1);
    let models = list["models"].as_array().unwrap();
    assert_eq!(
        models[0],
        json!({
            "name": "docent-minilm",
            "aliases": [],
            "description": "English, small and fast; tuned for questions to documentation; comes with docent",
            "dimensions": 384,
            "max_tokens": 256,
            "default": true,
            "state": "absent",
            "bytes": 0,
        })
    );
    assert_eq!((&models[2]["name"], &models[2]["state"]), (&json!("hashing"), &json!("built_in")));
    assert_eq!(models.iter().filter(|model| model["default"] == true).count(), 1);

    env.write("models/docent-minilm/model.onnx", "weights");
    assert_eq!(env.json(&["models", "--json"])["models"][0]["state"], "incomplete");
    env.write("models/docent-minilm/tokenizer.json", "{}");
    let model = &env.json(&["models", "--json"])["models"][0];
    assert_eq!((&model["state"], &model["bytes"]), (&json!("installed"), &json!(9)));

    let table = env.docent(&["models"]).succeeds().tells("").stdout;
    let lines: Vec<&str> = table.lines().collect();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[0]), ["NAME", "DIM", "TOKENS", "STATE", "DESCRIPTION"]);
    assert_eq!(words(lines[1])[..5], ["docent-minilm", "*", "384", "256", "installed"]);
    assert_eq!(words(lines[3])[..5], ["hashing", "256", "256", "built", "in"]);
    assert_eq!(words(lines[4])[3], "-");
    assert_eq!(lines.last(), Some(&"* the default. `docent pull NAME` fetches one."));
    assert_eq!(lines.len(), models.len() + 3);
}
