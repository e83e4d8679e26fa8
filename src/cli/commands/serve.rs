//! `docent serve`: MCP over stdin and stdout.

use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::settings::Settings;
use crate::embedding::ModelIdentity;
use crate::mcp;
use crate::retrieval::{LoadFailure, Resident};

/// Serves until the client hangs up. What is wrong with the index or the model is told to the
/// client, question by question: a server that does not start tells it nothing.
pub(in crate::cli) fn run(settings: Settings) -> Result<ExitStatus, Failure> {
    let index = settings.index.clone();
    let load = move |made_by: &ModelIdentity| {
        let load = || model::load(&settings, model::by_identity(&settings, made_by)?, Purpose::Asking);
        load().map_err(|failure| LoadFailure { message: failure.message(), hint: failure.hint() })
    };
    mcp::serve_stdio(Resident::new(&index, Box::new(load)))?;
    Ok(ExitStatus::Success)
}
