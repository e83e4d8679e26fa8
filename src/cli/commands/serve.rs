//! `docent serve`: MCP over stdin and stdout, or over HTTP.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::watch;
use crate::cli::args::ServeArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::settings::Settings;
use crate::embedding::ModelIdentity;
use crate::mcp::{self, HttpSettings, Preset, Token, Toolset};
use crate::retrieval::{LoadFailure, Resident};

/// Serves until the client hangs up or a signal comes. What is wrong with the index or the model is
/// told to the client, question by question: a server that does not start tells it nothing.
pub(in crate::cli) fn run(settings: Settings, arguments: ServeArguments) -> Result<ExitStatus, Failure> {
    let preset = arguments.preset.as_deref().map(preset).transpose()?;
    let tools = preset.as_ref().map_or_else(Toolset::default, Toolset::from);
    #[cfg(unix)]
    if arguments.shared {
        return shared::run(settings, &arguments, tools);
    }
    let watch = Watch::of(&arguments);
    match http_settings(arguments)? {
        None => mcp::serve_stdio(resident(settings, Purpose::Asking, watch), tools)?,
        Some(http) => mcp::serve_http(resident(settings, Purpose::Many, watch), tools, http, |address| {
            // Where stderr is gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "serving MCP at http://{address}/mcp");
        })?,
    }
    Ok(ExitStatus::Success)
}

/// Whether the index is kept up to date.
enum Watch {
    Not,
    /// By what this file declares, where one is named.
    By(Option<PathBuf>),
}

impl Watch {
    fn of(arguments: &ServeArguments) -> Self {
        if arguments.watch { Self::By(arguments.config.clone()) } else { Self::Not }
    }
}

/// What answers, over an index that may be kept up to date beside it.
fn resident(settings: Settings, purpose: Purpose, watch: Watch) -> Resident {
    let settings = Arc::new(settings);
    if let Watch::By(config) = watch {
        watch::beside(Arc::clone(&settings), config);
    }
    let index = settings.index.clone();
    let load = move |made_by: &ModelIdentity| {
        let load = || model::load(&settings, model::by_identity(&settings, made_by)?, purpose);
        load().map_err(|failure| LoadFailure { message: failure.message(), hint: failure.hint() })
    };
    Resident::new(&index, Box::new(load))
}

/// A preset by its name, or in the file of this name.
pub(super) fn preset(name: &Path) -> Result<Preset, Failure> {
    let is_file = name.components().count() > 1 || name.extension().is_some();
    if let Some(name) = name.to_str().filter(|_| !is_file) {
        return Ok(Preset::named(name)?);
    }
    let text = std::fs::read_to_string(name)
        .map_err(|source| Failure::Unreadable { path: name.to_owned(), source })?;
    Preset::parse(&text).map_err(|source| Failure::PresetFile { path: name.to_owned(), source })
}

fn http_settings(arguments: ServeArguments) -> Result<Option<HttpSettings>, Failure> {
    let Some(address) = arguments.http else { return Ok(None) };
    let token = arguments.token_file.as_deref().map(Token::from_file).transpose()?;
    Ok(Some(HttpSettings::new(address, token, arguments.allow_host, arguments.allow_origin)?))
}

/// `docent serve --shared`: this process, or the one behind it.
#[cfg(unix)]
mod shared {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::{Watch, resident};
    use crate::cli::args::{ServeArguments, SourceArguments};
    use crate::cli::clients::Launch;
    use crate::cli::commands::index::declaration;
    use crate::cli::exit_status::ExitStatus;
    use crate::cli::failure::Failure;
    use crate::cli::model::Purpose;
    use crate::cli::settings::Settings;
    use crate::mcp::{self, Meeting, ServeError, Toolset};

    pub(super) fn run(
        settings: Settings,
        arguments: &ServeArguments,
        tools: Toolset,
    ) -> Result<ExitStatus, Failure> {
        let command = command(&settings, arguments);
        let meeting = meeting(&command).map_err(ServeError::from)?;
        if arguments.behind {
            let idle = Duration::from_secs(u64::from(arguments.idle));
            let resident = resident(settings, Purpose::Asking, Watch::of(arguments));
            mcp::serve_behind(resident, tools, &meeting, idle)?;
        } else {
            mcp::relay_stdio(&meeting, || start(&command))?;
        }
        Ok(ExitStatus::Success)
    }

    /// What starts the process behind: the same program with the same index, model and tools.
    fn command(settings: &Settings, arguments: &ServeArguments) -> Vec<String> {
        let mut launch = Launch { shared: true, ..Launch::of(settings) };
        launch = launch.with_preset(arguments.preset.as_deref());
        if arguments.watch {
            // The process behind has its index by name, and would pass over the declaration of the folder.
            let (config, ignores_declaration) = (arguments.config.clone(), settings.index_is_named);
            let wanted = SourceArguments { config, ignores_declaration, ..SourceArguments::default() };
            launch = launch.watching(declaration(&wanted));
        }
        let mut command = vec![launch.program.display().to_string()];
        command.extend(launch.arguments());
        command.extend(["--threads".into(), settings.threads.to_string()]);
        if let Some(model) = &settings.model {
            command.extend(["--model".into(), model.clone()]);
        }
        command.extend(["--idle".into(), arguments.idle.to_string(), "--behind".into()]);
        command
    }

    /// Everybody who would start the same process meets at the same place; a new version of docent
    /// does not meet an old one.
    fn meeting(command: &[String]) -> Result<Meeting, mcp::SharedError> {
        let mut words = vec![env!("CARGO_PKG_VERSION")];
        words.extend(command.iter().map(String::as_str));
        Meeting::new(&words)
    }

    fn start(command: &[String]) -> std::io::Result<()> {
        let [program, arguments @ ..] = command else { return Ok(()) };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What a terminal sends to the agent is not meant for the others behind.
            .process_group(0)
            .spawn()?;
        // It may well end before this process does.
        std::thread::spawn(move || child.wait());
        Ok(())
    }
}
