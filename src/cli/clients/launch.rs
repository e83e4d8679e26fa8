//! How a client starts docent, and its configuration ready to be pasted.
//!
//! Everything is given as arguments with absolute paths: clients start servers in a folder of
//! their own choice and pass on little of the environment.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::settings::Settings;

/// How a client starts the server.
pub(in crate::cli) struct Launch {
    /// The docent program.
    pub(in crate::cli) program: PathBuf,
    /// Folder of the index.
    pub(in crate::cli) index: PathBuf,
    /// Folder of the models.
    pub(in crate::cli) models: PathBuf,
    /// Folder with the model's own files, where the user has given one.
    pub(in crate::cli) model_dir: Option<PathBuf>,
    /// A preset by its name, or the absolute path of its file.
    pub(in crate::cli) preset: Option<PathBuf>,
    /// Whether the index is kept up to date beside the server.
    pub(in crate::cli) watch: bool,
    /// The file that declares what is kept up to date.
    pub(in crate::cli) config: Option<PathBuf>,
    /// Whether agents share one process.
    pub(in crate::cli) shared: bool,
}

impl Launch {
    /// This very program, with the index and the models of `settings`.
    pub(in crate::cli) fn of(settings: &Settings) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("docent")),
            index: absolute(&settings.index),
            models: absolute(settings.models.root()),
            model_dir: settings.model_dir.as_deref().map(absolute),
            preset: None,
            watch: false,
            config: None,
            shared: false,
        }
    }

    /// The same, keeping the index up to date by what `config` declares, where it is named.
    pub(in crate::cli) fn watching(self, config: Option<&Path>) -> Self {
        let config = config.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
        Self { watch: true, config, ..self }
    }

    /// The same with a preset: a name of docent's own, or a file, of which only the latter has a folder.
    pub(in crate::cli) fn with_preset(self, preset: Option<&Path>) -> Self {
        let found = preset.map(|preset| {
            let file = std::path::absolute(preset).ok().filter(|file| file.is_file());
            file.unwrap_or_else(|| preset.to_owned())
        });
        Self { preset: found, ..self }
    }

    pub(in crate::cli) fn arguments(&self) -> Vec<String> {
        let text = |path: &PathBuf| path.display().to_string();
        let mut arguments =
            vec!["serve".into(), "--index".into(), text(&self.index), "--models".into(), text(&self.models)];
        if let Some(folder) = &self.model_dir {
            arguments.extend(["--model-dir".into(), text(folder)]);
        }
        if let Some(preset) = &self.preset {
            arguments.extend(["--preset".into(), text(preset)]);
        }
        if let Some(config) = &self.config {
            arguments.extend(["--config".into(), text(config)]);
        }
        let flags = [(self.watch, "--watch"), (self.shared, "--shared")];
        arguments.extend(flags.iter().filter(|(is_given, _)| *is_given).map(|(_, flag)| (*flag).to_owned()));
        arguments
    }
}

/// The configuration of every client that docent knows.
pub(in crate::cli) fn snippets(launch: &Launch) -> String {
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
pub(in crate::cli) fn shell_quoted(text: &str) -> String {
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
            model_dir: None,
            preset: None,
            watch: false,
            config: None,
            shared: false,
        };
        let text = snippets(&launch);
        assert!(text.contains(
            r"claude mcp add docent -- '/opt/my docent/docent' serve --index '/data/it'\''s/index'"
        ));
        let json = &text[text.find('{').unwrap()..text.find("\n\nVS Code").unwrap()];
        let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(parsed["mcpServers"]["docent"]["args"][2], "/data/it's/index");
    }
}
