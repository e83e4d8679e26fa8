//! `page`: a whole page as it is, with what there is beside, above and below it. It is offered by
//! presets: docent's own `read` and `list` cost an agent less.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::failure::ToolError;
use crate::mcp::folder::parent;
use crate::mcp::layout::Layout;
use crate::mcp::paths::{find, without_page_extension};
use crate::retrieval::{DocumentKind, DocumentRecord, Freshness, Reader, Resident};

pub(super) const PARAMETERS: &[&str] = &["path"];
const MOST_NAMED: usize = 10;
/// How alike two names must be for one to be proposed for the other.
const ALIKE: f64 = 0.85;

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {"path": {"type": "string", "description": "Page or folder; the extension may be left out"}},
        "required": ["path"],
        "additionalProperties": false,
    });
    reading_tool(ToolName::Page, "Page", "Read a whole page, and see what is near it.", input)
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let path = arguments.required_text("path")?.trim().to_owned();
    Ok(Box::new(move |call| answer(&call.resident, &path)))
}

fn answer(resident: &Resident, asked: &str) -> Result<CallToolResult, ToolError> {
    let reader = resident.reader()?;
    let pages = Pages::of(&reader)?;
    if pages.pages.is_empty() {
        let text = "No documentation is indexed.\n\nhint: run `docent index` with a folder of pages";
        return Ok(CallToolResult::error(vec![ContentBlock::text(text)]));
    }
    // A search names what is beside the documentation by all of its path.
    if let Some(document) = reader.document(asked)?.filter(|document| pages.is_beside(&reader, document)) {
        return whole(&reader, &document, &pages.near("", ""));
    }
    let Some(wanted) = pages.layout.below_docs(asked) else { return Ok(pages.not_found(asked)) };
    if let Some(page) = pages.find(&wanted) {
        return whole(&reader, page.document, &pages.near(parent(page.path), page.path));
    }
    if pages.is_folder(&wanted) {
        let listed = format!("`{wanted}` is a folder.{}", pages.near(&wanted, ""));
        return Ok(CallToolResult::success(vec![ContentBlock::text(listed)]));
    }
    // Nothing below the documentation: the same path as models write it.
    let found = find(&reader, asked)?.map(|located| located.document);
    match found.filter(|document| pages.is_beside(&reader, document)) {
        Some(document) => whole(&reader, &document, &pages.near("", "")),
        None => Ok(pages.not_found(asked)),
    }
}

/// All of a document, and `near`, what there is near it.
fn whole(reader: &Reader, document: &DocumentRecord, near: &str) -> Result<CallToolResult, ToolError> {
    let source = reader.text(document)?;
    let text = format!("{}{near}{}", source.text, note(source.freshness));
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

fn note(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::AsIndexed => "",
        Freshness::Changed => {
            "\n\n⚠️ The page has changed since it was indexed: `docent index` takes that in."
        }
        Freshness::Gone => {
            "\n\n⚠️ The source is gone: this is put together from the index. `docent index` fetches it again."
        }
    }
}

/// A page by its name: the path below the documentation, without its extension.
struct Page<'a> {
    path: &'a str,
    document: &'a DocumentRecord,
}

struct Pages {
    layout: Layout,
    /// Names and documents, in the order of the names.
    pages: Vec<(String, DocumentRecord)>,
}

impl Pages {
    fn of(reader: &Reader) -> Result<Self, ToolError> {
        let documents = reader.documents(0..usize::MAX)?;
        let layout = Layout::of(reader.manifest(), &documents);
        let named = documents.into_iter().filter_map(|document| {
            let name = layout.page(reader.manifest(), &document)?;
            Some((name, document))
        });
        let mut pages: Vec<_> = named.collect();
        pages.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self { layout, pages })
    }

    /// Whether a document is documentation by its kind, but not by its place.
    fn is_beside(&self, reader: &Reader, document: &DocumentRecord) -> bool {
        let manifest = reader.manifest();
        manifest.kind_of(document) == DocumentKind::Docs && self.layout.page(manifest, document).is_none()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().map(|(name, _)| name.as_str())
    }

    /// `sso` is `sso.md`, `sso/index.md` or `sso/README.md`.
    fn find(&self, wanted: &str) -> Option<Page<'_>> {
        let plain = without_page_extension(wanted);
        let below = |name: &str| if plain.is_empty() { name.to_owned() } else { format!("{plain}/{name}") };
        let candidates = [plain.to_owned(), below("index"), below("README")];
        candidates.iter().find_map(|candidate| {
            let (path, document) = self.pages.iter().find(|(name, _)| name == candidate)?;
            Some(Page { path, document })
        })
    }

    fn is_folder(&self, folder: &str) -> bool {
        folder.is_empty()
            || self.names().any(|name| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// What is directly in a folder: pages, but for its index, and folders.
    fn children(&self, folder: &str) -> (Vec<&str>, Vec<String>) {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut pages = Vec::new();
        let mut folders: Vec<String> = Vec::new();
        for name in self.names() {
            let Some(below) = name.strip_prefix(&prefix) else { continue };
            match below.split_once('/') {
                Some((child, _)) => {
                    let child = format!("{prefix}{child}");
                    if folders.last() != Some(&child) && !folders.contains(&child) {
                        folders.push(child);
                    }
                }
                None if below != "index" => pages.push(name),
                None => {}
            }
        }
        (pages, folders)
    }

    fn near(&self, folder: &str, page: &str) -> String {
        let (siblings, folders) = self.children(folder);
        let shown = if folder.is_empty() { "the top" } else { folder };
        let mut hint = "\n\n---\n### Navigation Hints\n".to_owned();
        if !folders.is_empty() {
            hint.push_str(&format!(
                "\n**Subdirectories in {shown}:**\n{}",
                bullets(folders.iter().map(|path| format!("{path}/")))
            ));
        }
        let others: Vec<&str> = siblings.into_iter().filter(|path| *path != page).collect();
        if !others.is_empty() {
            hint.push_str(&format!("\n\n**Other pages in {shown}:**\n{}", bullets(others)));
        }
        if !folder.is_empty() {
            let above = self.children(parent(folder)).0;
            if !above.is_empty() {
                hint.push_str(&format!("\n\n**Parent directory pages:**\n{}", bullets(above)));
            }
        }
        hint.push_str("\n\n💡 **Tip:** Give one of these paths as `path` to read it.");
        hint
    }

    fn not_found(&self, asked: &str) -> CallToolResult {
        CallToolResult::error(vec![ContentBlock::text(self.what_there_is(asked))])
    }

    fn what_there_is(&self, asked: &str) -> String {
        let shown: String = asked.chars().take(200).collect();
        let mut text = format!("📚 Documentation path \"{shown}\" not found.\n");
        let similar = self.similar(&shown.to_lowercase());
        if !similar.is_empty() {
            text.push_str(&format!("\n**Similar documentation pages:**\n{}\n", bullets(similar)));
        }
        let parent = parent(shown.trim_matches('/'));
        if !parent.is_empty() && self.is_folder(parent) {
            let (pages, folders) = self.children(parent);
            let there =
                pages.into_iter().map(str::to_owned).chain(folders.iter().map(|folder| format!("{folder}/")));
            text.push_str(&format!(
                "\n**Available pages in \"{parent}\":**\n{}\n",
                bullets(there.take(MOST_NAMED))
            ));
        }
        let (_, top) = self.children("");
        text.push_str(&format!(
            "\n**Top-level documentation categories:**\n{}\n",
            bullets(top.iter().map(|path| format!("{path}/")))
        ));
        text.push_str("\n💡 **Tip:** Give a category to see what is in it, or search.");
        text
    }

    /// Pages whose path has the name in it, or is nearly the same.
    fn similar(&self, asked: &str) -> Vec<&str> {
        let asked = asked.trim_matches('/');
        let last = asked.rsplit('/').next().unwrap_or(asked);
        if last.is_empty() {
            return Vec::new();
        }
        let mut alike: Vec<(f64, &str)> = self
            .names()
            .filter_map(|name| {
                let lower = name.to_lowercase();
                let own = lower.rsplit('/').next().unwrap_or(&lower);
                let likeness = if lower.contains(asked) {
                    2.0
                } else if lower.contains(last) {
                    1.5
                } else {
                    strsim::jaro_winkler(own, last)
                };
                (likeness >= ALIKE).then_some((likeness, name))
            })
            .collect();
        alike.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.len().cmp(&other.1.len())));
        alike.into_iter().take(MOST_NAMED).map(|(_, name)| name).collect()
    }
}

pub(super) fn bullets(items: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    items.into_iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n")
}
