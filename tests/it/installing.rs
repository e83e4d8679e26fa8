//! `docent install` and `docent uninstall`: a client's configuration, changed and changed back.

use serde_json::{Value, json};

use crate::testenv::{PAGES, TestEnv};

/// Each client, its file in the home folder, and the object that holds its servers.
const CLIENTS: &[(&str, &str, &str)] = &[
    ("claude-code", ".claude.json", "mcpServers"),
    ("claude-desktop", ".config/Claude/claude_desktop_config.json", "mcpServers"),
    ("cursor", ".cursor/mcp.json", "mcpServers"),
    ("vscode", ".config/Code/User/mcp.json", "servers"),
    ("windsurf", ".codeium/windsurf/mcp_config.json", "mcpServers"),
    ("zed", ".config/zed/settings.json", "context_servers"),
];

fn read(env: &TestEnv, path: &str) -> String {
    std::fs::read_to_string(env.path(path)).unwrap()
}

fn parsed(env: &TestEnv, path: &str) -> Value {
    serde_json::from_str(&read(env, path)).unwrap()
}

/// What a client starts.
fn command(env: &TestEnv) -> (Value, Value) {
    let root = env.root();
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let arguments = json!(["serve", "--index", path("index"), "--models", env.path("models")]);
    (json!(crate::testenv::program()), arguments)
}

#[test]
#[cfg(target_os = "linux")]
fn every_client_gets_what_it_reads_and_loses_nothing_else() {
    let env = TestEnv::indexed(PAGES);
    let (program, arguments) = command(&env);
    for (client, file, servers) in CLIENTS {
        let path = format!("home/{file}");
        env.docent(&["install", client]).succeeds();
        let entry = parsed(&env, &path)[servers]["docent"].take();
        assert_eq!((&entry["command"], &entry["args"]), (&program, &arguments), "{client}");
        let before = json!({"theme": "dark", *servers: {"other": {"command": "x"}}}).to_string();
        env.write(&path, &before);
        env.docent(&["install", client]).succeeds();
        let mut whole = parsed(&env, &path);
        let entry = whole[servers].as_object_mut().unwrap().remove("docent").unwrap();
        assert_eq!(entry["command"], program, "{client}");
        assert_eq!(whole, serde_json::from_str::<Value>(&before).unwrap(), "{client}");
        env.docent(&["uninstall", client]).succeeds();
        assert_eq!(parsed(&env, &path), whole, "{client}");
        assert_eq!(read(&env, &format!("{path}.bak-1")), before, "{client}");
    }
    env.docent(&["install", "codex"]).succeeds();
    let codex: toml::Table = toml::from_str(&read(&env, "home/.codex/config.toml")).unwrap();
    assert_eq!(codex["mcp_servers"]["docent"]["command"].as_str(), program.as_str());
}

#[test]
#[cfg(target_os = "linux")]
fn the_change_is_shown_kept_and_not_made_twice() {
    let env = TestEnv::indexed(PAGES);
    let before =
        "{\n  // mine\n  \"mcpServers\": {\n    \"secret\": { \"env\": { \"TOKEN\": \"hush\" } }\n  }\n}\n";
    env.write("home/.cursor/mcp.json", before);
    let shown = "[ROOT]/home/.cursor/mcp.json
-    \"secret\": { \"env\": { \"TOKEN\": \"hush\" } }
+    \"secret\": { \"env\": { \"TOKEN\": \"hush\" } },
+    \"docent\": {
+      \"command\": \"[DOCENT]\",
+      \"args\": [\"serve\", \"--index\", \"[ROOT]/index\", \"--models\", \"[ROOT]/models\"]
+    }
";
    env.docent(&["install", "cursor", "--dry-run"])
        .succeeds()
        .prints(shown)
        .tells("nothing was written: --dry-run\n");
    assert_eq!(read(&env, "home/.cursor/mcp.json"), before);
    env.docent(&["install", "cursor"]).succeeds().prints(shown).tells(
        "the file as it was is kept in `[ROOT]/home/.cursor/mcp.json.bak-1`\n\
         written for Cursor: Cursor's settings show it under MCP\n",
    );
    assert_eq!(read(&env, "home/.cursor/mcp.json.bak-1"), before);
    env.docent(&["install", "cursor"])
        .succeeds()
        .prints("")
        .tells("nothing to change in `[ROOT]/home/.cursor/mcp.json`\n");
    assert_eq!(env.names("home/.cursor"), ["mcp.json", "mcp.json.bak-1"]);
    env.docent(&["uninstall", "cursor", "--quiet"]).succeeds().tells("");
    assert_eq!(read(&env, "home/.cursor/mcp.json"), before);
    env.docent(&["uninstall", "cursor", "--quiet"]).succeeds().prints("").tells("");
}

#[test]
fn a_broken_file_is_refused_and_left_alone() {
    let env = TestEnv::indexed(PAGES);
    env.write("mcp.json", "{ \"mcpServers\": ");
    let outcome = env.docent(&["install", "cursor", "--config", "mcp.json"]).ends_with_status(2).prints("");
    let (message, hint) = outcome.stderr.split_once("\n\n").unwrap();
    assert!(message.starts_with("error: `mcp.json` was left as it is: it is broken: "), "{message}");
    assert!(message.contains("line 1 column "), "{message}");
    assert_eq!(hint, "hint: mend it, or put the entry in by hand: `docent quickstart` prints it\n");
    env.write("list.json", "{ \"mcpServers\": [] }");
    env.docent(&["uninstall", "cursor", "--config", "list.json"]).fails_with(
        "error: `list.json` was left as it is: `mcpServers` in it is not an object\n\n\
         hint: mend it, or put the entry in by hand: `docent quickstart` prints it\n",
    );
    env.write("url.json", r#"{"servers": {"docent": {"type": "http", "url": "http://x/mcp"}}}"#);
    env.docent(&["install", "vscode", "--config", "url.json"]).fails_with(
        "error: `url.json` was left as it is: it has a server `docent` already, which is reached by URL\n\n\
         hint: choose another name: --name NAME\n",
    );
    env.write("latin.json", b"{\"\xe9\": 1}");
    let outcome = env.docent(&["install", "zed", "--config", "latin.json"]).ends_with_status(2);
    assert!(outcome.stderr.starts_with("error: `latin.json` cannot be read: "), "{}", outcome.stderr);
    assert_eq!(read(&env, "mcp.json"), "{ \"mcpServers\": ");
    assert!(env.names("").iter().all(|name| !name.contains("bak")));
}

#[test]
fn a_project_and_another_name_can_be_chosen() {
    let env = TestEnv::indexed(PAGES);
    env.write("project/README.md", "# Project\n");
    env.docent(&["install", "claude-code", "--project", "project", "--name", "handbook"]).succeeds();
    let entry = parsed(&env, "project/.mcp.json")["mcpServers"]["handbook"].take();
    assert_eq!(entry["type"], "stdio");
    env.docent(&["install", "codex", "--project", "project"]).succeeds();
    assert!(read(&env, "project/.codex/config.toml").starts_with("[mcp_servers.docent]\n"));
    env.docent(&["install", "windsurf", "--project"]).fails_with(
        "error: Windsurf has no configuration for a project\n\n\
         hint: leave --project out: its configuration is for all projects\n",
    );
    let outcome = env.docent(&["install", "zed", "--name", "a b"]).ends_with_status(2);
    assert!(outcome.stderr.contains("give up to 64 letters without accents"), "{}", outcome.stderr);
}

#[test]
fn what_the_server_is_to_do_is_written_too() {
    let env = TestEnv::indexed(PAGES);
    env.write("docent.toml", "[[source]]\ntype = \"directory\"\npath = \"docs\"\n");
    env.write("own.toml", "[[source]]\ntype = \"directory\"\npath = \"docs\"\n");
    let path = |name: &str| env.root().join(name).to_str().unwrap().to_owned();
    let arguments = |options: &[&str]| {
        env.docent(&[&["install", "cursor", "--config", "mcp.json"], options].concat()).succeeds();
        let mut written = parsed(&env, "mcp.json")["mcpServers"]["docent"]["args"].take();
        written.as_array_mut().unwrap().split_off(5)
    };
    assert_eq!(arguments(&["--watch"]), ["--config", &path("docent.toml"), "--watch"]);
    assert_eq!(arguments(&["--watch", "--sources", "own.toml"]), ["--config", &path("own.toml"), "--watch"]);
    assert_eq!(arguments(&["--watch", "--index", "index"]), ["--watch"], "the file is not of that index");
    assert_eq!(arguments(&["--preset", "workos"]), ["--preset", "workos"]);
    assert_eq!(arguments(&[]), [""; 0]);
    #[cfg(unix)]
    assert_eq!(arguments(&["--shared", "--watch", "--index", "index"]), ["--watch", "--shared"]);
    let outcome = env.docent(&["install", "cursor", "--preset", "chatgtp"]).ends_with_status(2);
    assert!(outcome.stderr.contains("chatgtp"), "{}", outcome.stderr);
}

#[test]
fn without_an_index_nothing_is_written() {
    let env = TestEnv::new(&[]);
    env.docent(&["install", "cursor"]).fails_with(
        "error: no index in `index`\n\n\
         hint: make one with `docent index PATH`, or name its folder with --index DIR or DOCENT_INDEX\n",
    );
    assert_eq!(env.names("home"), Vec::<String>::new());
    let mut run = env.command(&["uninstall", "cursor"]);
    run = run.without_variable("HOME");
    run.run().fails_with(
        "error: where Cursor keeps its configuration is not known: HOME is not set\n\n\
         hint: name the file: --config FILE\n",
    );
}

#[test]
#[cfg(unix)]
fn links_and_permissions_are_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::indexed(PAGES);
    env.write("dotfiles/mcp.json", "{}\n");
    let target = env.path("dotfiles/mcp.json");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::create_dir_all(env.path("home/.cursor")).unwrap();
    std::os::unix::fs::symlink(&target, env.path("home/.cursor/mcp.json")).unwrap();
    env.docent(&["install", "cursor"]).succeeds();
    assert!(env.path("home/.cursor/mcp.json").is_symlink());
    assert!(read(&env, "dotfiles/mcp.json").contains("\"docent\""));
    for name in ["mcp.json", "mcp.json.bak-1"] {
        let mode = std::fs::metadata(env.path("dotfiles").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
