//! `docent.toml`: the sources of an index, written down.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::source::{CollectionName, DocumentKind, Globs, InvalidSource, Origin, SourceSpec};

/// Read where `docent index` is given neither sources nor `--config`.
pub(super) const FILE: &str = "docent.toml";

/// A `docent.toml` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeclarationError {
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("`{}` is not of the right form: {reason}", path.display())]
    Form { path: PathBuf, reason: String },
    #[error("`{}`, source {number}: {reason}", path.display())]
    Source { path: PathBuf, number: usize, reason: String },
}

impl DeclarationError {
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the spelling and the permissions".into(),
            Self::Form { .. } | Self::Source { .. } => {
                "the manual's page on sources shows a whole file".into()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    #[serde(default, rename = "source")]
    sources: Vec<Declared>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    #[serde(rename = "type")]
    origin: OriginType,
    path: Option<PathBuf>,
    url: Option<String>,
    branch: Option<String>,
    package: Option<String>,
    name: Option<String>,
    collection: Option<CollectionName>,
    kind: Option<DocumentKind>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OriginType {
    Changelog,
    Directory,
    Examples,
    Feed,
    Git,
    Package,
}

/// The sources that the file at `path` declares. Paths in it are relative to its folder.
pub(super) fn read(path: &Path) -> Result<Vec<SourceSpec>, DeclarationError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DeclarationError::Unreadable { path: path.to_owned(), source })?;
    let form = |reason: String| DeclarationError::Form { path: path.to_owned(), reason };
    let declaration: Declaration =
        toml::from_str(&text).map_err(|error| form(error.to_string().trim_end().to_owned()))?;
    if declaration.sources.is_empty() {
        return Err(form("it declares no [[source]]".into()));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let sources = declaration.sources.into_iter().enumerate();
    sources
        .map(|(index, declared)| {
            let failed =
                |reason| DeclarationError::Source { path: path.to_owned(), number: index + 1, reason };
            declared.into_spec(folder).map_err(failed)
        })
        .collect()
}

impl Declared {
    fn into_spec(self, folder: &Path) -> Result<SourceSpec, String> {
        self.refuse_what_does_not_belong()?;
        let local =
            |path: Option<PathBuf>| path.map(|path| folder.join(path)).ok_or("`path` is missing".to_owned());
        let of_text = |text: String| text.parse().map_err(|error: InvalidSource| error.reason);
        let spec = match self.origin {
            OriginType::Directory => SourceSpec::directory(local(self.path)?),
            OriginType::Changelog => SourceSpec::changelogs(local(self.path)?),
            OriginType::Examples => SourceSpec::examples(local(self.path)?),
            OriginType::Package => {
                of_text(format!("package:{}", self.package.ok_or("`package` is missing")?))?
            }
            OriginType::Feed => of_text(format!("feed:{}", local_or_url(self.url, folder)?))?,
            OriginType::Git => SourceSpec::of(Origin::Git {
                url: local_or_url(self.url, folder)?,
                branch: self.branch,
                folder: self.path.map(|path| path.to_string_lossy().into_owned()),
            }),
        };
        Globs::new(&self.include, &self.exclude).map_err(|error| error.to_string())?;
        if let Some(name) = self.name.as_deref().filter(|name| [".", ".."].contains(name)) {
            return Err(format!("`name` has to be a name, not `{name}`"));
        }
        let given = |own: Vec<String>, default: Vec<String>| if own.is_empty() { default } else { own };
        Ok(SourceSpec {
            kind: self.kind.or(spec.kind),
            name: self.name.or(spec.name),
            collection: self.collection,
            include: given(self.include, spec.include),
            exclude: given(self.exclude, spec.exclude),
            origin: spec.origin,
        })
    }

    /// A key that its type has no use for was meant for something that would silently not happen.
    fn refuse_what_does_not_belong(&self) -> Result<(), String> {
        use OriginType::{Changelog, Directory, Examples, Feed, Git, Package};
        let keys: [(&str, bool, &[OriginType]); 4] = [
            ("path", self.path.is_some(), &[Changelog, Directory, Examples, Git]),
            ("url", self.url.is_some(), &[Feed, Git]),
            ("branch", self.branch.is_some(), &[Git]),
            ("package", self.package.is_some(), &[Package]),
        ];
        match keys.iter().find(|(_, given, types)| *given && !types.contains(&self.origin)) {
            Some((key, ..)) => Err(format!("`{key}` means nothing for a source of this type")),
            None => Ok(()),
        }
    }
}

/// A URL as it is; a path relative to the file's folder.
fn local_or_url(url: Option<String>, folder: &Path) -> Result<String, String> {
    let url = url.ok_or("`url` is missing")?;
    // `git@host:path` is an address as well.
    let is_remote = url.contains("://") || (url.contains(':') && !folder.join(&url).exists());
    Ok(if is_remote { url } else { folder.join(url).to_string_lossy().into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<SourceSpec>, DeclarationError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn every_type_is_read() {
        let sources = read_text(
            r#"
            [[source]]
            type = "directory"
            path = "docs"
            include = ["**/*.md"]
            kind = "docs"
            [[source]]
            type = "git"
            url = "https://example.com/a.git"
            branch = "main"
            path = "guide"
            [[source]]
            type = "feed"
            url = "https://example.com/rss.xml"
            name = "platform"
            [[source]]
            type = "package"
            package = "npm:@workos/mcp-docs-server@0.1.0"
            [[source]]
            type = "changelog"
            path = "packages"
            [[source]]
            type = "examples"
            path = "examples"
            "#,
        )
        .unwrap();
        let shown: Vec<String> = sources.iter().map(ToString::to_string).collect();
        assert!(shown[0].ends_with("docs"), "{shown:?}");
        assert_eq!(shown[1], "git:https://example.com/a.git#main");
        assert_eq!(
            (shown[2].as_str(), sources[2].name.as_deref()),
            ("feed:https://example.com/rss.xml", Some("platform"))
        );
        assert_eq!(shown[3], "package:npm:@workos/mcp-docs-server@0.1.0");
        let kinds: Vec<_> = sources.iter().map(|source| source.kind).collect();
        assert_eq!(
            kinds,
            [
                Some(DocumentKind::Docs),
                None,
                Some(DocumentKind::Changelog),
                None,
                Some(DocumentKind::Changelog),
                Some(DocumentKind::Example),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_source() {
        let message = |text: &str| read_text(text).unwrap_err().to_string();
        assert!(message("").ends_with("declares no [[source]]"));
        assert!(message("[[source]]\ntype = \"web\"").contains("unknown variant `web`"));
        assert!(message("[[source]]\ntype = \"git\"").ends_with("source 1: `url` is missing"));
        assert!(
            message("[[source]]\ntype = \"directory\"\npath = \"a\"\nbranch = \"b\"")
                .contains("`branch` means nothing")
        );
        assert!(
            message("[[source]]\ntype = \"directory\"\npath = \"a\"\ninclude = [\"a[\"]")
                .contains("not a glob")
        );
        assert!(
            message("[[source]]\ntype = \"package\"\npackage = \"npm:-g\"").contains("no name of a package")
        );
    }
}
