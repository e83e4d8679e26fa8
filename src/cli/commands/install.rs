//! `docent install` and `docent uninstall`: docent in a client's list of servers.

use std::path::{Path, PathBuf};

use super::index::declaration;
use super::serve::preset;
use crate::cli::args::{ClientArguments, InstallArguments, SourceArguments};
use crate::cli::clients::{ClientError, Launch, Surroundings, project_file};
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output_file::{self, Replaced};
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::index::read_manifest;
use crate::progress::Progress as _;

/// Puts docent into the client's configuration.
pub(in crate::cli) fn run(settings: &Settings, arguments: &InstallArguments) -> Result<ExitStatus, Failure> {
    // A client would start a server that finds nothing, and its user would look for the reason.
    read_manifest(&settings.index)?;
    // As it would of a preset that is none.
    arguments.preset.as_deref().map(preset).transpose()?;
    let to = &arguments.client;
    let entry = to.client.entry(&launch(settings, arguments));
    change(settings, to, |text| to.client.format().with_server(text, &to.name, &entry))
}

/// Takes docent out of it.
pub(in crate::cli) fn remove(settings: &Settings, from: &ClientArguments) -> Result<ExitStatus, Failure> {
    change(settings, from, |text| from.client.format().without_server(text, &from.name))
}

fn launch(settings: &Settings, arguments: &InstallArguments) -> Launch {
    let mut launch = Launch::of(settings).with_preset(arguments.preset.as_deref());
    if arguments.watch {
        // As a server that is started here would understand it, wherever the client starts its own.
        let (config, ignores_declaration) = (arguments.sources.clone(), settings.index_is_named);
        let wanted = SourceArguments { config, ignores_declaration, ..SourceArguments::default() };
        launch = launch.watching(declaration(&wanted));
    }
    #[cfg(unix)]
    let launch = Launch { shared: arguments.shared, ..launch };
    launch
}

fn change(
    settings: &Settings,
    at: &ClientArguments,
    edit: impl FnOnce(&str) -> Result<String, crate::cli::clients::EditError>,
) -> Result<ExitStatus, Failure> {
    let path = configuration(at)?;
    let before = read(&path)?;
    let text = before.as_deref().unwrap_or_default();
    let after = edit(text).map_err(|source| ClientError::Edit { path: path.clone(), source })?;
    let note = |text: &str| settings.progress.note(text);
    if after == text {
        note(&format!("nothing to change in `{}`", path.display()));
        return Ok(ExitStatus::Success);
    }
    render::text(&format!("{}\n{}", path.display(), difference(text, &after)))?;
    if at.dry_run {
        note("nothing was written: --dry-run");
        return Ok(ExitStatus::Success);
    }
    if read(&path)? != before {
        return Err(ClientError::Raced { path }.into());
    }
    let Replaced { backup } = output_file::replace(&path, &after)
        .map_err(|source| ClientError::Write { path: path.clone(), source })?;
    if let Some(backup) = backup {
        note(&format!("the file as it was is kept in `{}`", backup.display()));
    }
    note(&format!("written for {}: {}", at.client.title(), at.client.next_step()));
    Ok(ExitStatus::Success)
}

fn configuration(at: &ClientArguments) -> Result<PathBuf, ClientError> {
    match (&at.config, &at.project) {
        (Some(file), _) => Ok(file.clone()),
        (None, Some(folder)) => project_file(at.client, folder),
        (None, None) => Surroundings::here().user_file(at.client),
    }
}

fn read(path: &Path) -> Result<Option<String>, ClientError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ClientError::Read { path: path.to_owned(), source }),
    }
}

/// The lines that go and come. Nothing around them is shown: it may hold other servers' secrets.
fn difference(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let start = before.iter().zip(&after).take_while(same).count();
    let (old, new) = (&before[start..], &after[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let gone = old[..old.len() - end].iter().map(|line| format!("-{line}\n"));
    let come = new[..new.len() - end].iter().map(|line| format!("+{line}\n"));
    gone.chain(come).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_differ_are_shown() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "-b\n+x\n+y\n");
        assert_eq!(difference("", "a\n"), "+a\n");
        assert_eq!(difference("a\na\n", "a\n"), "-a\n");
        assert_eq!(difference("a\n", "a\n"), "");
    }
}
