//! What of a page is not its content.

use html5ever::tokenizer::Tag;

use super::attribute;

/// Elements that hold no content.
const ELEMENTS: [&str; 16] = [
    "script", "style", "noscript", "template", "nav", "footer", "aside", "svg", "iframe", "select", "button",
    "dialog", "noembed", "noframes", "textarea", "object",
];

/// Roles that hold no content (WAI-ARIA landmarks).
const ROLES: [&str; 6] = ["navigation", "banner", "contentinfo", "search", "complementary", "menu"];

/// Elements whose ids are names of parts of the page. Those of others (`<h2 id="pagination">`,
/// `<section id="set-cookie">`) are made from headings, and say what the content is about.
const LAYOUT: [&str; 3] = ["div", "ul", "ol"];

/// Words that classes and ids of what is no content are made of.
const WORDS: [&str; 17] = [
    "sidebar",
    "breadcrumb",
    "breadcrumbs",
    "navbar",
    "cookie",
    "toc",
    "pagination",
    "headerlink",
    "permalink",
    "footer",
    "menu",
    "masthead",
    "skiplink",
    "sphinxsidebar",
    "advertisement",
    "newsletter",
    "navigation",
];

/// Whether the element and all in it is left out. `in_content` is whether the page has said that
/// its content has begun: a header in it is the content's own.
pub(super) fn is_boilerplate(tag: &Tag, in_content: bool) -> bool {
    let name: &str = &tag.name;
    if matches!(name, "main" | "article" | "body" | "html") {
        return false;
    }
    ELEMENTS.contains(&name)
        || (name == "header" && !in_content)
        || ROLES.contains(&attribute(tag, "role"))
        || tag.attrs.iter().any(|attribute| &*attribute.name.local == "hidden")
        || attribute(tag, "aria-hidden") == "true"
        || is_named_so(attribute(tag, "class"))
        || (!in_content && is_layout(tag) && is_named_so(attribute(tag, "id")))
}

/// Whether the element is there for the layout. A `div` of the class `section` is a section.
fn is_layout(tag: &Tag) -> bool {
    LAYOUT.contains(&&*tag.name) && !attribute(tag, "class").split_whitespace().any(|name| name == "section")
}

fn is_named_so(names: &str) -> bool {
    names.split_whitespace().any(|name| {
        let mut words = name.split(['-', '_']).filter(|word| !word.is_empty());
        // `has-sidebar`, `with-toc` and the like say something about what is in them.
        let about =
            words.clone().next().is_some_and(|first| ["has", "with", "no", "is", "js"].contains(&first));
        !about && words.any(|word| WORDS.contains(&word.to_ascii_lowercase().as_str()))
    })
}
