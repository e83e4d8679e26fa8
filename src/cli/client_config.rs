//! Configuration for MCP clients, ready to be pasted.
//!
//! Everything is given as arguments with absolute paths: clients start servers in a folder of
//! their own choice and pass on little of the environment.

use std::path::PathBuf;

use serde_json::json;

/// How a client starts the server.
pub(super) struct Launch {
    /// The docent program.
    pub(super) program: PathBuf,
    /// Folder of the index.
    pub(super) index: PathBuf,
    /// Folder of the models.
    pub(super) models: PathBuf,
}

impl Launch {
    fn arguments(&self) -> Vec<String> {
        let text = |path: &PathBuf| path.display().to_string();
        vec!["serve".into(), "--index".into(), text(&self.index), "--models".into(), text(&self.models)]
    }
}

/// The configuration of every client that docent knows.
pub(super) fn all(launch: &Launch) -> String {
    let program = launch.program.display();
    let arguments: Vec<String> = launch.arguments().iter().map(|argument| shell_quoted(argument)).collect();
    let server = json!({ "command": launch.program, "args": launch.arguments() });
    let desktop = pretty(&json!({ "mcpServers": { "docent": server } }));
    let stdio = json!({ "type": "stdio", "command": launch.program, "args": launch.arguments() });
    let code = pretty(&json!({ "servers": { "docent": stdio } }));
    format!(
        "Connect an agent\n\n\
         Claude Code (run this once):\n  claude mcp add docent -- {} {}\n\n\
         Claude Desktop (claude_desktop_config.json) and Cursor (.cursor/mcp.json):\n{desktop}\n\n\
         VS Code (.vscode/mcp.json):\n{code}\n",
        shell_quoted(&program.to_string()),
        arguments.join(" "),
    )
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// `text` as one word of a POSIX shell.
pub(super) fn shell_quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=+,@".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_spaces_survive() {
        let launch = Launch {
            program: "/opt/my docent/docent".into(),
            index: "/data/it's/index".into(),
            models: "/data/models".into(),
        };
        let text = all(&launch);
        assert!(text.contains(
            r"claude mcp add docent -- '/opt/my docent/docent' serve --index '/data/it'\''s/index'"
        ));
        let json = &text[text.find('{').unwrap()..text.find("\n\nVS Code").unwrap()];
        let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(parsed["mcpServers"]["docent"]["args"][2], "/data/it's/index");
    }
}
