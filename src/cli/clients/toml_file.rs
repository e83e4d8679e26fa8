//! Configuration in TOML. Comments, order and layout are kept, and the result is read again, to be
//! sure that nothing but the one server is different.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::{EditError, Entry};

pub(super) fn with_server(text: &str, servers: &str, name: &str, entry: &Entry) -> Result<String, EditError> {
    edited(text, servers, name, |document| {
        let list = document.entry(servers).or_insert_with(|| {
            let mut table = Table::new();
            // No heading of its own where it holds nothing but tables.
            table.set_implicit(true);
            Item::Table(table)
        });
        let is_inline = list.is_inline_table();
        let list = list.as_table_like_mut().ok_or_else(|| not_a_table(servers))?;
        match list.get_mut(name) {
            None => {
                list.insert(name, new_server(is_inline, entry));
            }
            Some(there) => {
                let key = format!("{servers}.{name}");
                let there = there.as_table_like_mut().ok_or_else(|| not_a_table(&key))?;
                if there.contains_key("url") {
                    return Err(EditError::OtherKind { name: name.to_owned() });
                }
                update(there, entry);
            }
        }
        Ok(())
    })
}

pub(super) fn without_server(text: &str, servers: &str, name: &str) -> Result<String, EditError> {
    edited(text, servers, name, |document| {
        if let Some(list) = document.get_mut(servers) {
            list.as_table_like_mut().ok_or_else(|| not_a_table(servers))?.remove(name);
        }
        Ok(())
    })
}

/// `text` after `edit`, which may change the one server and nothing else.
fn edited(
    text: &str,
    servers: &str,
    name: &str,
    edit: impl FnOnce(&mut DocumentMut) -> Result<(), EditError>,
) -> Result<String, EditError> {
    let before = others(text, servers, name)?;
    let mut document: DocumentMut = text.parse().map_err(broken)?;
    edit(&mut document)?;
    let after = document.to_string();
    if others(&after, servers, name).ok() != Some(before) {
        return Err(EditError::Unsafe { name: name.to_owned() });
    }
    Ok(after)
}

/// Everything in the file but the one server.
fn others(text: &str, servers: &str, name: &str) -> Result<toml::Table, EditError> {
    let mut whole: toml::Table = toml::from_str(text).map_err(broken)?;
    if let Some(list) = whole.get_mut(servers).and_then(toml::Value::as_table_mut) {
        list.remove(name);
        if list.is_empty() {
            whole.remove(servers);
        }
    }
    Ok(whole)
}

fn fields(entry: &Entry) -> [(&'static str, Value); 2] {
    let arguments: Array = entry.arguments.iter().collect();
    [("command", entry.command.as_str().into()), ("args", arguments.into())]
}

fn new_server(inline: bool, entry: &Entry) -> Item {
    if inline {
        return Item::Value(InlineTable::from_iter(fields(entry)).into());
    }
    let mut table = Table::new();
    for (key, value) in fields(entry) {
        table.insert(key, Item::Value(value));
    }
    Item::Table(table)
}

/// Sets what docent knows, and leaves what the user may have added: an environment, time limits.
fn update(there: &mut dyn TableLike, entry: &Entry) {
    for (key, value) in fields(entry) {
        let mut value = value;
        match there.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) if same(old, &value) => {}
            Some(old) => {
                // A comment after the value stays.
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => {
                there.insert(key, Item::Value(value));
            }
        }
    }
}

/// Whether two values mean the same, however they are laid out.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.value() == other.value(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| same(one, other))
        }
        _ => false,
    }
}

fn not_a_table(key: &str) -> EditError {
    EditError::Shape { key: key.to_owned(), expected: "a table" }
}

#[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
fn broken(error: impl ToString) -> EditError {
    EditError::Broken { reason: error.to_string().trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry { kind: None, command: "/opt/docent".into(), arguments: vec!["serve".into(), "a \"b\"".into()] }
    }

    fn with(text: &str) -> Result<String, EditError> {
        with_server(text, "mcp_servers", "docent", &entry())
    }

    fn server(text: &str) -> toml::Value {
        let whole: toml::Table = toml::from_str(text).unwrap();
        whole["mcp_servers"]["docent"].clone()
    }

    #[test]
    fn what_is_there_is_kept_to_the_letter() {
        let text =
            "# mine\nmodel = \"x\" # why\n\n[mcp_servers.other]\ncommand = \"o\"\n\n[tui]\ntheme = 'dark'\n";
        let changed = with(text).unwrap();
        assert_eq!(server(&changed)["args"][1].as_str(), Some("a \"b\""));
        for piece in
            ["# mine\nmodel = \"x\" # why\n", "[mcp_servers.other]\ncommand = \"o\"\n", "theme = 'dark'"]
        {
            assert!(changed.contains(piece), "{changed}");
        }
        assert_eq!(with(&changed).unwrap(), changed, "a second time changes nothing");
        assert_eq!(without_server(&changed, "mcp_servers", "docent").unwrap(), text);
    }

    #[test]
    fn every_way_to_write_a_table_is_understood() {
        assert_eq!(
            with("").unwrap(),
            "[mcp_servers.docent]\ncommand = \"/opt/docent\"\nargs = [\"serve\", 'a \"b\"']\n"
        );
        for text in ["mcp_servers = { other = { command = \"o\" } }\n", "mcp_servers.other.command = \"o\"\n"]
        {
            let changed = with(text).unwrap();
            assert_eq!(server(&changed)["command"].as_str(), Some("/opt/docent"), "{changed}");
        }
        let old = "[mcp_servers.docent]\ncommand = \"old\" # here\nenabled = false\n[mcp_servers.docent.env]\nA = \"1\"\n";
        let changed = with(old).unwrap();
        let there = server(&changed);
        assert_eq!((there["enabled"].as_bool(), there["env"]["A"].as_str()), (Some(false), Some("1")));
        assert!(changed.contains("command = \"/opt/docent\" # here"), "{changed}");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(matches!(with("a = "), Err(EditError::Broken { .. })));
        assert!(matches!(with("mcp_servers = 7"), Err(EditError::Shape { .. })));
        assert!(matches!(with("[mcp_servers]\ndocent = 7"), Err(EditError::Shape { .. })));
        let url = "[mcp_servers.docent]\nurl = \"http://x\"\n";
        assert!(matches!(with(url), Err(EditError::OtherKind { .. })));
    }
}
