//! What is embedded for a chunk: where it stands, what its page is about, and its own text.

use super::TokenCounter;
use crate::parse::ParsedDocument;
use crate::source::SourcePath;

/// The header of the passages of one document.
pub(super) struct Header<'document> {
    folders: Vec<String>,
    document: &'document ParsedDocument,
}

impl<'document> Header<'document> {
    pub(super) fn new(path: &SourcePath, document: &'document ParsedDocument) -> Self {
        Self { folders: folder_words(path), document }
    }

    /// The header over a chunk under `headings`, in at most `limit` tokens: what says least is
    /// left out first.
    pub(super) fn over(&self, headings: &[String], limit: usize, counter: &dyn TokenCounter) -> String {
        let title = self.document.title.as_str();
        let crumb = breadcrumb(title, headings);
        let above: Vec<&str> = self.folders.iter().map(String::as_str).chain([crumb.as_str()]).collect();
        let place = above.join(" > ");
        let full = self.document.description.as_ref().map(|description| format!("{place}\n{description}"));
        let last = headings.last().cloned().unwrap_or_else(|| title.to_owned());
        let candidates = full.into_iter().chain([place, crumb, last]);
        candidates.into_iter().find(|header| counter.count(header) <= limit).unwrap_or_default()
    }
}

/// `Title > Heading > Heading`.
#[must_use]
pub fn breadcrumb(title: &str, headings: &[String]) -> String {
    let mut line = title.to_owned();
    for heading in headings {
        line.push_str(" > ");
        line.push_str(heading);
    }
    line
}

/// `docs/user-management/roles.mdx` is in "user management". Folders that say "documentation" say
/// nothing.
fn folder_words(path: &SourcePath) -> Vec<String> {
    const SILENT: [&str; 6] = ["docs", "doc", "documentation", "content", "pages", "src"];
    let folders = path.as_str().rsplit_once('/').map_or("", |(folders, _)| folders);
    folders
        .split('/')
        .filter(|folder| !folder.is_empty() && !SILENT.contains(folder))
        .map(|folder| folder.replace(['-', '_'], " ").trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Words;

    impl TokenCounter for Words {
        fn count(&self, text: &str) -> usize {
            text.split_whitespace().count()
        }
    }

    #[test]
    fn a_header_gives_up_what_says_least() {
        let document = ParsedDocument {
            title: "Roles".into(),
            description: Some("Who may do what.".into()),
            sections: Vec::new(),
        };
        let path = SourcePath::try_from("docs/user-management/roles.mdx".to_owned()).unwrap();
        let header = Header::new(&path, &document);
        let over = |limit| header.over(&["Custom".into()], limit, &Words);
        assert_eq!(over(20), "user management > Roles > Custom\nWho may do what.");
        assert_eq!(over(8), "user management > Roles > Custom");
        assert_eq!(over(3), "Roles > Custom");
        assert_eq!(over(1), "Custom");
        assert_eq!(over(0), "");
    }
}
