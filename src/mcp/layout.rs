//! Where documentation, examples and changelogs begin in an index.
//!
//! Tools of presets speak of `sso/overview`, whatever folder the pages are in. A folder with `docs`
//! beside `changelogs` or `examples` in it (what `docent prepare` writes) says so itself; else
//! pages begin at the folder that all documentation is in.

use super::paths::without_page_extension;
use crate::retrieval::{DocumentKind, DocumentRecord, Manifest};

/// Prefixes of paths, each empty or with `/` at its end.
pub(super) struct Layout {
    docs: String,
    examples: String,
}

impl Layout {
    pub(super) fn of(manifest: &Manifest, documents: &[DocumentRecord]) -> Self {
        if let Some(base) = organised(documents) {
            return Self { docs: format!("{base}docs/"), examples: format!("{base}examples/") };
        }
        let common = |kind: DocumentKind| {
            let of_kind = documents.iter().filter(|document| manifest.kind_of(document) == kind);
            common_folder(of_kind.map(|document| document.path.as_str()))
        };
        Self { docs: common(DocumentKind::Docs), examples: common(DocumentKind::Example) }
    }

    /// The name of a page of the documentation: its path below, without its extension.
    pub(super) fn page(&self, manifest: &Manifest, document: &DocumentRecord) -> Option<String> {
        let below = document.path.as_str().strip_prefix(&self.docs)?;
        let is_page = manifest.kind_of(document) == DocumentKind::Docs;
        is_page.then(|| without_page_extension(below).to_owned())
    }

    /// What a page is called in answers: its path below the documentation without its extension;
    /// of what is elsewhere, all of its path.
    pub(super) fn name_of<'path>(&self, path: &'path str) -> &'path str {
        path.strip_prefix(&self.docs).map_or(path, without_page_extension)
    }

    /// The group of an example, the first folder, and its path from that on.
    pub(super) fn example<'path>(&self, path: &'path str) -> (&'path str, &'path str) {
        let below = path.strip_prefix(&self.examples).unwrap_or(path);
        (below.split_once('/').map_or("misc", |(group, _)| group), below)
    }

    /// `a/b` of `/docs/a/./b/`; nothing where a path leads out of the documentation.
    pub(super) fn below_docs(&self, asked: &str) -> Option<String> {
        let mut parts: Vec<&str> = Vec::new();
        for part in asked.split(['/', '\\']) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part if part.contains('\0') => return None,
                part => parts.push(part),
            }
        }
        let path = parts.join("/");
        // Whoever has a path from `search` gives it whole.
        Some(path.strip_prefix(&self.docs).unwrap_or(&path).to_owned())
    }
}

/// The folder that `docs/` stands in beside `changelogs/` or `examples/`, highest first.
fn organised(documents: &[DocumentRecord]) -> Option<String> {
    let folders = |name: &str| -> Vec<&str> {
        let middle = format!("/{name}/");
        let begins = format!("{name}/");
        let bases = documents.iter().filter_map(|document| {
            let path = document.path.as_str();
            if path.starts_with(&begins) { Some("") } else { path.find(&middle).map(|at| &path[..=at]) }
        });
        let mut bases: Vec<&str> = bases.collect();
        bases.sort_unstable();
        bases.dedup();
        bases
    };
    let others = [folders("changelogs"), folders("examples")].concat();
    let mut bases = folders("docs");
    bases.retain(|base| others.contains(base));
    bases.sort_by_key(|base| base.len());
    bases.first().map(|base| (*base).to_owned())
}

fn common_folder<'path>(mut paths: impl Iterator<Item = &'path str>) -> String {
    let Some(first) = paths.next() else { return String::new() };
    let mut common = first.rfind('/').map_or("", |end| &first[..=end]);
    for path in paths {
        while !path.starts_with(common) {
            let shorter = common[..common.len() - 1].rfind('/').map_or(0, |end| end + 1);
            common = &common[..shorter];
        }
    }
    common.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_all_are_in_are_left_out() {
        assert_eq!(common_folder(["a/b/c.md", "a/b/d/e.md"].into_iter()), "a/b/");
        assert_eq!(common_folder(["a/b.md", "ab/c.md"].into_iter()), "");
        assert_eq!(common_folder(["a.md"].into_iter()), "");
        assert_eq!(common_folder(std::iter::empty()), "");
    }

    #[test]
    fn paths_stay_inside() {
        let layout = Layout { docs: "x/docs/".into(), examples: String::new() };
        for (asked, path) in [
            ("sso/overview", Some("sso/overview")),
            ("/sso//./overview/", Some("sso/overview")),
            ("sso/../mfa", Some("mfa")),
            ("x/docs/sso.mdx", Some("sso.mdx")),
            ("", Some("")),
            ("..", None),
            ("a/../../b", None),
            ("..\\..\\etc", None),
            ("a\0b", None),
        ] {
            assert_eq!(layout.below_docs(asked).as_deref(), path, "{asked:?}");
        }
        assert_eq!(layout.example("sso/app.ts"), ("sso", "sso/app.ts"));
        assert_eq!(layout.example("app.ts").0, "misc");
    }
}
