//! The clients that docent can be put into.

use super::{Entry, Launch};

/// An MCP client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Client {
    /// Claude Code
    ClaudeCode,
    /// Claude Desktop
    ClaudeDesktop,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    #[value(name = "vscode", alias = "vs-code")]
    VsCode,
    /// Windsurf
    Windsurf,
    /// Zed
    Zed,
    /// Codex: its command line, extension and desktop program
    Codex,
}

/// How a client writes its list of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Format {
    /// JSON, with comments or without, and the object that holds the servers.
    Json { servers: &'static str },
    /// TOML, and the table that holds the servers.
    Toml { servers: &'static str },
}

impl Client {
    pub(in crate::cli) fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::Windsurf => "Windsurf",
            Self::Zed => "Zed",
            Self::Codex => "Codex",
        }
    }

    pub(in crate::cli) fn format(self) -> Format {
        match self {
            Self::ClaudeCode | Self::ClaudeDesktop | Self::Cursor | Self::Windsurf => {
                Format::Json { servers: "mcpServers" }
            }
            Self::VsCode => Format::Json { servers: "servers" },
            Self::Zed => Format::Json { servers: "context_servers" },
            Self::Codex => Format::Toml { servers: "mcp_servers" },
        }
    }

    /// What the client has to be told to start docent.
    pub(in crate::cli) fn entry(self, launch: &Launch) -> Entry {
        let kind = matches!(self, Self::ClaudeCode | Self::VsCode).then_some("stdio");
        Entry { kind, command: launch.program.display().to_string(), arguments: launch.arguments() }
    }

    /// When the client sees the change.
    pub(in crate::cli) fn next_step(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "restart Claude Desktop",
            Self::Cursor => "Cursor's settings show it under MCP",
            Self::VsCode => "start it with *MCP: List Servers*",
            Self::Windsurf => "refresh the servers in Cascade, or restart Windsurf",
            Self::Zed => "Zed starts it at once; its agent panel shows it",
            Self::ClaudeCode | Self::Codex => "it is there in the next session; `/mcp` shows it",
        }
    }
}
