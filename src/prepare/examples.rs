//! Examples: as they are, grouped by their first folder, with an `index.json` for each group.

use std::collections::BTreeMap;

use serde::Serialize;

use super::files::{Workshop, read_all};
use super::{Preparation, PrepareError, Prepared};
use crate::source::SourcePath;

/// Of files that are in no folder.
const UNGROUPED: &str = "misc";

/// `index.json` of a group.
#[derive(Serialize)]
struct Group<'a> {
    name: &'a str,
    path: &'a str,
    files: &'a [String],
}

pub(super) fn write(
    preparation: &Preparation<'_>,
    workshop: &Workshop,
    prepared: &mut Prepared,
) -> Result<(), PrepareError> {
    let root = preparation.below(preparation.examples)?;
    let (files, skipped) = read_all(&root, workshop.old.as_deref(), &is_example)?;
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in &files {
        let path = file.path.as_str();
        let (group, path) = match path.split_once('/') {
            Some((group, _)) => (group, path.to_owned()),
            None => (UNGROUPED, format!("{UNGROUPED}/{path}")),
        };
        workshop.write(&format!("examples/{path}"), text)?;
        groups.entry(group.to_owned()).or_default().push(path);
    }
    for (name, files) in &groups {
        let index = Group { name, path: name, files };
        let json = serde_json::to_string_pretty(&index).unwrap_or_default();
        workshop.write(&format!("examples/{name}/index.json"), &json)?;
    }
    prepared.examples = files.len();
    prepared.groups = groups.len();
    prepared.skipped += skipped;
    Ok(())
}

fn is_example(path: &SourcePath) -> bool {
    const CODE: [&str; 15] =
        ["ts", "js", "tsx", "jsx", "mjs", "py", "rb", "go", "java", "php", "rs", "kt", "cs", "swift", "sh"];
    let is_built = path.as_str().split('/').any(|part| part == "dist");
    !is_built && CODE.contains(&path.extension().as_str())
}
