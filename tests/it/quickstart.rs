//! `docent quickstart`: the whole path once.

use serde_json::Value;

use crate::testenv::{PAGES, TestEnv};

const OUTPUT: &str = r#"> What is Keys?

1. keys.md:3-3  (score [SCORE])
   Keys

   Rotate an API key every ninety days.

confidence [CONFIDENCE]: no good match, only the nearest passages

Connect an agent

Claude Code (run this once):
  claude mcp add docent -- [DOCENT] serve --index [ROOT]/index --models [ROOT]/models

Claude Desktop (claude_desktop_config.json) and Cursor (.cursor/mcp.json):
{
  "mcpServers": {
    "docent": {
      "args": [
        "serve",
        "--index",
        "[ROOT]/index",
        "--models",
        "[ROOT]/models"
      ],
      "command": "[DOCENT]"
    }
  }
}

VS Code (.vscode/mcp.json):
{
  "servers": {
    "docent": {
      "args": [
        "serve",
        "--index",
        "[ROOT]/index",
        "--models",
        "[ROOT]/models"
      ],
      "command": "[DOCENT]",
      "type": "stdio"
    }
  }
}

Next:
  [DOCENT] install CLIENT --index [ROOT]/index
  [DOCENT] ask 'What is Keys?' --index [ROOT]/index
  [DOCENT] index PATH --index [ROOT]/index
  [DOCENT] status --index [ROOT]/index
  [DOCENT] --help
"#;

#[test]
fn it_indexes_asks_and_shows_what_comes_next() {
    let env = TestEnv::new(&PAGES[1..]);
    let quickstart = || env.docent(&["quickstart", "docs", "--model", "hashing"]).succeeds().prints(OUTPUT);
    quickstart().tells(
        "1. model\n\
         hashing: built in, nothing to fetch\n\
         2. index\n\
         nothing was left out\n\
         indexed 1 document, 1 chunk in `index`, generation 1: 1 embedded, 0 reused ([SECONDS] s)\n\
         3. first question\n",
    );
    quickstart().tells(
        "1. model\n\
         hashing: built in, nothing to fetch\n\
         2. index\n\
         nothing was left out\n\
         up to date: 1 document, 1 chunk in `index`, generation 1 ([SECONDS] s)\n\
         3. first question\n",
    );
}

#[test]
fn without_a_path_it_takes_the_manual_and_asks_about_it() {
    let env = TestEnv::new(PAGES);
    let outcome = env.docent(&["quickstart", "--model", "hashing"]).succeeds();
    assert!(outcome.stdout.starts_with("> How do I connect docent to my AI agent?\n"), "{}", outcome.stdout);
}

#[test]
#[cfg(unix)]
fn what_it_prints_can_be_pasted_and_run() {
    let env = TestEnv::new(PAGES);
    let folder = env.path("it's a folder");
    std::fs::rename(env.path("docs"), &folder).unwrap();
    let outcome =
        env.docent(&["quickstart", "it's a folder", "--model", "hashing", "--index", "my index"]).succeeds();
    let root = env.root().display().to_string();
    let program = crate::testenv::program().display().to_string();
    let text = outcome.stdout.replace("[ROOT]", &root).replace("[DOCENT]", &program);

    // The commands, by a shell.
    let next = text.split_once("\nNext:\n").unwrap().1;
    let (mut asked, mut shown) = (false, false);
    for line in next
        .lines()
        .map(str::trim)
        .filter(|line| ![" PATH ", " CLIENT "].iter().any(|word| line.contains(word)))
    {
        let run = env.command::<&str>(&[]).through(line).run().succeeds().tells("");
        asked |= line.contains(" ask ") && run.stdout.starts_with("1. ");
        shown |= line.contains(" status ") && run.stdout.contains("documents  2");
    }
    assert!(asked && shown, "{next}");

    // The configuration, as a client reads it.
    let start = text.find('{').unwrap();
    let configuration = &text[start..text.find("\n\nVS Code").unwrap()];
    let configuration: Value = serde_json::from_str(configuration).unwrap();
    let server = &configuration["mcpServers"]["docent"];
    assert_eq!(server["command"], program.as_str());
    let arguments: Vec<&str> =
        server["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()).collect();
    env.command(&arguments).in_folder(std::path::Path::new("/")).run().succeeds().prints("").tells("");
}
