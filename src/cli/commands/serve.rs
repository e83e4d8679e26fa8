//! `docent serve`: MCP over stdin and stdout, or over HTTP.

use std::io::Write;
use std::path::Path;

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
    let tools = arguments
        .preset
        .as_deref()
        .map(preset)
        .transpose()?
        .as_ref()
        .map_or_else(Toolset::default, Toolset::from);
    let http = http_settings(arguments)?;
    let index = settings.index.clone();
    let load = move |made_by: &ModelIdentity| {
        let load = || model::load(&settings, model::by_identity(&settings, made_by)?, Purpose::Asking);
        load().map_err(|failure| LoadFailure { message: failure.message(), hint: failure.hint() })
    };
    let resident = Resident::new(&index, Box::new(load));
    match http {
        None => mcp::serve_stdio(resident, tools)?,
        Some(http) => mcp::serve_http(resident, tools, http, |address| {
            // Where stderr is gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "serving MCP at http://{address}/mcp");
        })?,
    }
    Ok(ExitStatus::Success)
}

/// A preset by its name, or in the file of this name.
fn preset(name: &Path) -> Result<Preset, Failure> {
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
