//! Configuration in JSON. Comments, order and layout are kept: the text is edited as a syntax tree,
//! and afterwards read again, to be sure that nothing but the one server is different.

use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde_json::{Map, Value, json};

use super::{EditError, Entry};

const BOM: char = '\u{feff}';

/// What the clients themselves read: JSON with comments and trailing commas, and no more.
fn dialect() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

pub(super) fn with_server(text: &str, servers: &str, name: &str, entry: &Entry) -> Result<String, EditError> {
    if text.trim_start_matches(BOM).trim().is_empty() {
        return Ok(new_file(servers, name, entry));
    }
    let is_there = |server: Option<&Value>| {
        fields(entry).iter().all(|(key, value)| server.and_then(|server| server.get(key)) == Some(value))
    };
    edited(text, servers, name, is_there, |root| {
        let list = root.object_value_or_create(servers).ok_or_else(|| not_an_object(servers))?;
        match list.get(name) {
            None => {
                list.append(name, input(entry));
            }
            Some(there) => {
                let key = format!("{servers}.{name}");
                let there = there.object_value().ok_or_else(|| not_an_object(&key))?;
                if ["url", "serverUrl"].iter().any(|key| there.get(key).is_some()) {
                    return Err(EditError::OtherKind { name: name.to_owned() });
                }
                update(&there, entry);
            }
        }
        Ok(())
    })
}

pub(super) fn without_server(text: &str, servers: &str, name: &str) -> Result<String, EditError> {
    if text.trim_start_matches(BOM).trim().is_empty() {
        return Ok(text.to_owned());
    }
    edited(
        text,
        servers,
        name,
        |server| server.is_none(),
        |root| {
            if let Some(list) = root.get(servers) {
                let list = list.object_value().ok_or_else(|| not_an_object(servers))?;
                if let Some(there) = list.get(name) {
                    there.remove();
                }
            }
            Ok(())
        },
    )
}

/// `text` after `edit`, which may change the one server and nothing else. A client reads the result
/// as this does: `is_right` of the server that it finds.
fn edited(
    text: &str,
    servers: &str,
    name: &str,
    is_right: impl Fn(Option<&Value>) -> bool,
    edit: impl FnOnce(&CstObject) -> Result<(), EditError>,
) -> Result<String, EditError> {
    let (mark, body) = match text.strip_prefix(BOM) {
        Some(body) => (BOM.to_string(), body),
        None => (String::new(), text),
    };
    // First, since it says best what is broken.
    let tree = CstRootNode::parse(body, &dialect()).map_err(broken)?;
    let (before, _) = divided(body, servers, name)?;
    let root = tree.object_value().ok_or_else(|| not_an_object("the whole file"))?;
    edit(&root)?;
    let after = tree.to_string();
    match divided(&after, servers, name) {
        Ok((others, server)) if others == before && is_right(server.as_ref()) => Ok(mark + &after),
        _ => Err(EditError::Unsafe { name: name.to_owned() }),
    }
}

/// Everything in the file but the one server, and that server.
fn divided(text: &str, servers: &str, name: &str) -> Result<(Map<String, Value>, Option<Value>), EditError> {
    let value: Value = parse_to_serde_value(text, &dialect()).map_err(broken)?;
    let Value::Object(mut whole) = value else { return Err(not_an_object("the whole file")) };
    let mut server = None;
    if let Some(list) = whole.get_mut(servers).and_then(Value::as_object_mut) {
        server = list.remove(name);
        if list.is_empty() {
            whole.remove(servers);
        }
    }
    Ok((whole, server))
}

fn fields(entry: &Entry) -> Vec<(&'static str, Value)> {
    let mut fields: Vec<_> = entry.kind.map(|kind| ("type", json!(kind))).into_iter().collect();
    fields.extend([("command", json!(entry.command)), ("args", json!(entry.arguments))]);
    fields
}

fn new_file(servers: &str, name: &str, entry: &Entry) -> String {
    let server: Map<String, Value> =
        fields(entry).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    format!("{:#}\n", json!({ servers: { name: server } }))
}

/// Sets what docent knows, and leaves what the user may have added: an environment, permissions.
fn update(there: &CstObject, entry: &Entry) {
    for (key, value) in fields(entry) {
        match there.get(key) {
            Some(property) if property.to_serde_value().as_ref() == Some(&value) => {}
            Some(property) => property.set_value(input_value(&value)),
            None => {
                there.append(key, input_value(&value));
            }
        }
    }
}

fn input(entry: &Entry) -> CstInputValue {
    let fields = fields(entry).into_iter();
    CstInputValue::Object(fields.map(|(key, value)| (key.to_owned(), input_value(&value))).collect())
}

/// The texts and lists of texts that an entry is made of.
fn input_value(value: &Value) -> CstInputValue {
    match value {
        Value::Array(values) => CstInputValue::Array(values.iter().map(input_value).collect()),
        other => CstInputValue::String(other.as_str().unwrap_or_default().to_owned()),
    }
}

fn not_an_object(key: &str) -> EditError {
    EditError::Shape { key: key.to_owned(), expected: "an object" }
}

#[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
fn broken(error: impl ToString) -> EditError {
    EditError::Broken { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            kind: Some("stdio"),
            command: "/opt/docent".into(),
            arguments: vec!["serve".into(), "it's \"quoted\" \\".into()],
        }
    }

    fn with(text: &str) -> Result<String, EditError> {
        with_server(text, "servers", "docent", &entry())
    }

    fn server(text: &str) -> Value {
        let value: Value = parse_to_serde_value(text, &dialect()).unwrap();
        value["servers"]["docent"].clone()
    }

    #[test]
    fn what_is_there_is_kept_to_the_letter() {
        let text = "{\n    // my servers\n    \"servers\": {\n        \"other\": {\"url\": \"http://x\"}, // keep\n    },\n    /* and */ \"z\": [1, 2,\n 3]\n}\n";
        let changed = with(text).unwrap();
        for piece in
            ["// my servers", "\"other\": {\"url\": \"http://x\"}, // keep", "/* and */ \"z\": [1, 2,\n 3]"]
        {
            assert!(changed.contains(piece), "{changed}");
        }
        assert_eq!(server(&changed)["args"][1], "it's \"quoted\" \\");
        assert_eq!(with(&changed).unwrap(), changed, "a second time changes nothing");
        let removed = without_server(&changed, "servers", "docent").unwrap();
        assert_eq!(removed, text);
    }

    #[test]
    fn an_entry_that_is_there_keeps_what_the_user_added() {
        let text = r#"{"servers": {"docent": {"command": "old", "env": {"A": "1"}, "disabled": true}}}"#;
        let there = server(&with(text).unwrap());
        assert_eq!(there["command"], "/opt/docent");
        assert_eq!((&there["env"]["A"], &there["disabled"]), (&json!("1"), &json!(true)));
    }

    #[test]
    fn empty_files_and_byte_order_marks_are_understood() {
        for text in ["", " \n", "\u{feff}"] {
            assert_eq!(server(&with(text).unwrap())["command"], "/opt/docent");
            assert_eq!(without_server(text, "servers", "docent").unwrap(), text);
        }
        assert!(with("\u{feff}{}\r\n").unwrap().starts_with("\u{feff}{"));
        assert_eq!(server(&with("{ \"servers\": {} }").unwrap())["type"], "stdio");
        assert_eq!(without_server("{}", "servers", "docent").unwrap(), "{}");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let broken = |text: &str| matches!(with(text), Err(EditError::Broken { .. }));
        assert!(broken("{") && broken("{\"a\": }") && broken("{a: 1}") && broken("{} {}"));
        assert!(broken(&"[".repeat(100_000)));
        for text in ["[]", "7", "null", r#"{"servers": []}"#, r#"{"servers": {"docent": 7}}"#] {
            assert!(matches!(with(text), Err(EditError::Shape { .. })), "{text}");
        }
        let url = r#"{"servers": {"docent": {"url": "http://x"}}}"#;
        assert!(matches!(with(url), Err(EditError::OtherKind { .. })));
    }

    #[test]
    fn a_key_that_is_there_twice_is_not_guessed_at() {
        let twice = r#"{"servers": {"docent": {"command": "a"}, "docent": {"command": "b"}}}"#;
        assert_eq!(with(twice), Err(EditError::Unsafe { name: "docent".into() }));
        let lists = r#"{"servers": {"a": {}}, "servers": {"b": {}}}"#;
        assert_eq!(with(lists), Err(EditError::Unsafe { name: "docent".into() }));
    }
}
