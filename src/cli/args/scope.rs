//! Which documents are asked: the same for every command that asks.

use clap::Args;

use crate::retrieval::{Day, PathFilter, QueryError, Scope};
use crate::source::{CollectionName, DocumentKind, Language};

/// The documents to ask.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which documents to ask")]
pub(in crate::cli) struct ScopeArguments {
    /// Only documents under these paths: a folder, or a glob such as `docs/**/*.md`
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) path: Option<String>,

    /// Only documents of this kind: docs, example, changelog or code
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) kind: Option<DocumentKind>,

    /// Only documents in this language, by the ending of their names: python, typescript, markdown...
    #[arg(long, value_name = "LANGUAGE")]
    pub(in crate::cli) language: Option<Language>,

    /// Only documents whose files were changed on DAY or later, like 2026-01-31, 2026-01 or 2026 (UTC)
    #[arg(long, value_name = "DAY")]
    pub(in crate::cli) since: Option<Day>,

    /// Only this collection of the index
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) collection: Option<CollectionName>,
}

impl ScopeArguments {
    /// The documents that they let in.
    pub(in crate::cli) fn scope(&self) -> Result<Scope, QueryError> {
        Ok(Scope {
            path: self.path.as_deref().map(PathFilter::new).transpose()?,
            kind: self.kind,
            collection: self.collection.clone(),
            language: self.language,
            since: self.since,
        })
    }
}
