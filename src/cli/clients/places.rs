//! Where clients keep their configuration, on each operating system.

use std::path::{Path, PathBuf};

use super::{Client, ClientError};

/// What decides on where configuration lies.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Surroundings {
    system: System,
    /// The user's own folder.
    home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    xdg: Option<PathBuf>,
    /// `APPDATA`, on Windows.
    roaming: Option<PathBuf>,
    /// `CLAUDE_CONFIG_DIR`.
    claude: Option<PathBuf>,
    /// `CODEX_HOME`.
    codex: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Linux,
    MacOs,
    Windows,
}

impl Surroundings {
    /// Those of this process.
    pub(in crate::cli) fn here() -> Self {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let system = match std::env::consts::OS {
            "macos" => System::MacOs,
            "windows" => System::Windows,
            _ => System::Linux,
        };
        let home = if system == System::Windows { "USERPROFILE" } else { "HOME" };
        Self {
            system,
            home: variable(home),
            xdg: variable("XDG_CONFIG_HOME").filter(|path| path.is_absolute()),
            roaming: variable("APPDATA"),
            claude: variable("CLAUDE_CONFIG_DIR"),
            codex: variable("CODEX_HOME"),
        }
    }

    /// The file with the servers of all of a user's projects.
    pub(in crate::cli) fn user_file(&self, client: Client) -> Result<PathBuf, ClientError> {
        match client {
            Client::ClaudeCode => match &self.claude {
                Some(folder) => Ok(folder.join(".claude.json")),
                None => self.in_home(client, ".claude.json"),
            },
            Client::ClaudeDesktop => self.in_config(client, "Claude/claude_desktop_config.json"),
            Client::Cursor => self.in_home(client, ".cursor/mcp.json"),
            Client::VsCode => self.in_config(client, "Code/User/mcp.json"),
            Client::Windsurf => self.in_home(client, ".codeium/windsurf/mcp_config.json"),
            Client::Zed if self.system == System::MacOs => self.in_home(client, ".config/zed/settings.json"),
            Client::Zed if self.system == System::Windows => self.in_config(client, "Zed/settings.json"),
            Client::Zed => self.in_config(client, "zed/settings.json"),
            Client::Codex => match &self.codex {
                Some(folder) => Ok(folder.join("config.toml")),
                None => self.in_home(client, ".codex/config.toml"),
            },
        }
    }

    fn in_home(&self, client: Client, path: &str) -> Result<PathBuf, ClientError> {
        let variable = if self.system == System::Windows { "USERPROFILE" } else { "HOME" };
        self.home.as_ref().map(|home| home.join(path)).ok_or(ClientError::NoHome { client, variable })
    }

    /// In the folder for the configuration of programs.
    fn in_config(&self, client: Client, path: &str) -> Result<PathBuf, ClientError> {
        match (self.system, &self.xdg, &self.roaming) {
            (System::Linux, Some(folder), _) | (System::Windows, _, Some(folder)) => Ok(folder.join(path)),
            (System::Linux, None, _) => Ok(self.in_home(client, ".config")?.join(path)),
            (System::MacOs, _, _) => Ok(self.in_home(client, "Library/Application Support")?.join(path)),
            (System::Windows, _, None) => Err(ClientError::NoHome { client, variable: "APPDATA" }),
        }
    }
}

/// The file with the servers of one project, in its folder.
pub(in crate::cli) fn project_file(client: Client, folder: &Path) -> Result<PathBuf, ClientError> {
    let path = match client {
        Client::ClaudeCode => ".mcp.json",
        Client::Cursor => ".cursor/mcp.json",
        Client::VsCode => ".vscode/mcp.json",
        Client::Zed => ".zed/settings.json",
        Client::Codex => ".codex/config.toml",
        Client::ClaudeDesktop | Client::Windsurf => return Err(ClientError::NoProject { client }),
    };
    Ok(folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(system: System) -> Surroundings {
        Surroundings {
            system,
            home: Some("/me".into()),
            xdg: None,
            roaming: Some("/me/roaming".into()),
            claude: None,
            codex: None,
        }
    }

    #[test]
    fn every_client_has_its_place_on_every_system() {
        let places = |client| {
            [System::Linux, System::MacOs, System::Windows].map(|system| {
                let path = surroundings(system).user_file(client).unwrap();
                path.to_str().unwrap().replace('\\', "/")
            })
        };
        let everywhere = |path: &str| [path; 3].map(str::to_owned);
        assert_eq!(places(Client::ClaudeCode), everywhere("/me/.claude.json"));
        assert_eq!(places(Client::Cursor), everywhere("/me/.cursor/mcp.json"));
        assert_eq!(places(Client::Windsurf), everywhere("/me/.codeium/windsurf/mcp_config.json"));
        assert_eq!(places(Client::Codex), everywhere("/me/.codex/config.toml"));
        assert_eq!(
            places(Client::ClaudeDesktop),
            [
                "/me/.config/Claude/claude_desktop_config.json",
                "/me/Library/Application Support/Claude/claude_desktop_config.json",
                "/me/roaming/Claude/claude_desktop_config.json",
            ]
        );
        assert_eq!(
            places(Client::VsCode),
            [
                "/me/.config/Code/User/mcp.json",
                "/me/Library/Application Support/Code/User/mcp.json",
                "/me/roaming/Code/User/mcp.json",
            ]
        );
        assert_eq!(
            places(Client::Zed),
            [
                "/me/.config/zed/settings.json",
                "/me/.config/zed/settings.json",
                "/me/roaming/Zed/settings.json"
            ]
        );
    }

    #[test]
    fn the_clients_own_variables_are_honoured() {
        let mut here = surroundings(System::Linux);
        here.xdg = Some("/conf".into());
        here.claude = Some("/claude".into());
        here.codex = Some("/codex".into());
        let file = |client| here.user_file(client).unwrap();
        assert_eq!(file(Client::VsCode), Path::new("/conf/Code/User/mcp.json"));
        assert_eq!(file(Client::ClaudeCode), Path::new("/claude/.claude.json"));
        assert_eq!(file(Client::Codex), Path::new("/codex/config.toml"));
        assert_eq!(project_file(Client::Zed, Path::new("/p")).unwrap(), Path::new("/p/.zed/settings.json"));
        assert!(project_file(Client::Windsurf, Path::new("/p")).is_err());
        here.home = None;
        let error = here.user_file(Client::Cursor).unwrap_err();
        assert_eq!(error.to_string(), "where Cursor keeps its configuration is not known: HOME is not set");
    }
}
