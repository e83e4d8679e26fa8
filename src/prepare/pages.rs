//! Pages: as they are, with their original path in the front matter.

use super::files::{Workshop, read_all};
use super::{Preparation, PrepareError, Prepared};

pub(super) fn write(
    preparation: &Preparation<'_>,
    workshop: &Workshop,
    prepared: &mut Prepared,
) -> Result<(), PrepareError> {
    let root = preparation.below(preparation.docs)?;
    let is_page = |path: &crate::source::SourcePath| ["md", "mdx"].contains(&path.extension().as_str());
    let (files, skipped) = read_all(&root, workshop.old.as_deref(), &is_page)?;
    for (file, text) in &files {
        let original = preparation.docs.join(file.path.as_str());
        let original = original.to_string_lossy().replace('\\', "/");
        workshop.write(&format!("docs/{}", file.path), &with_original_path(text, &original))?;
    }
    prepared.pages = files.len();
    prepared.skipped += skipped;
    Ok(())
}

/// `text` with `originalPath` in its front matter, unless that has one, and a line break at its end.
fn with_original_path(text: &str, original: &str) -> String {
    let line = format!("originalPath: {}", scalar(original));
    let (mut page, content) = match front_matter(text) {
        None => (format!("---\n{line}\n---\n"), text),
        Some((matter, content)) if matter.lines().any(|line| line.starts_with("originalPath:")) => {
            (format!("---{matter}\n---\n"), content)
        }
        Some((matter, content)) => (format!("---{matter}\n{line}\n---\n"), content),
    };
    page.push_str(content);
    if !content.ends_with('\n') {
        page.push('\n');
    }
    page
}

/// What stands between the line `---` that a page begins with and the next one, without the line
/// break before that, and what stands after it.
fn front_matter(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("---")?;
    let first = inside.lines().next().unwrap_or_default();
    if !first.trim().is_empty() {
        return None;
    }
    let (matter, content) = inside.split_once("\n---")?;
    let content = content.strip_prefix('\r').unwrap_or(content);
    Some((matter.trim_end_matches('\r'), content.strip_prefix('\n').unwrap_or(content)))
}

/// A text as YAML has it, in quotes where it would be read as something else (YAML 1.2, 7.3.3).
fn scalar(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_./-@+()".contains(letter) || letter == ' ';
    let begins_well =
        text.starts_with(|letter: char| letter.is_alphanumeric() || letter == '.' || letter == '_');
    if begins_well && text.chars().all(is_plain) && !text.ends_with(' ') {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_path_goes_into_the_front_matter() {
        for (text, page) in [
            ("# A\n", "---\noriginalPath: docs/a.md\n---\n# A\n"),
            ("---\ntitle: A\n---\n\n# A", "---\ntitle: A\noriginalPath: docs/a.md\n---\n\n# A\n"),
            ("---\noriginalPath: b.md\n---\nA\n", "---\noriginalPath: b.md\n---\nA\n"),
            ("---\n---\nA\n", "---\noriginalPath: docs/a.md\n---\nA\n"),
            ("---- rule\n", "---\noriginalPath: docs/a.md\n---\n---- rule\n"),
            ("---\ntitle: A\n---", "---\ntitle: A\noriginalPath: docs/a.md\n---\n\n"),
            ("", "---\noriginalPath: docs/a.md\n---\n\n"),
        ] {
            assert_eq!(with_original_path(text, "docs/a.md"), page, "{text:?}");
        }
    }

    #[test]
    fn paths_are_quoted_where_yaml_would_misread_them() {
        assert_eq!(scalar("docs/my page (2).md"), "docs/my page (2).md");
        assert_eq!(scalar("docs/a: b's.md"), "'docs/a: b''s.md'");
        assert_eq!(scalar("#a.md"), "'#a.md'");
    }
}
