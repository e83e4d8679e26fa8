//! The arguments of a call, as models write them: integers in quotes or with a fraction of zero,
//! and null for what they leave out, are understood; a name that does not exist is not, since
//! whatever it was meant to do would silently not happen.

use rmcp::model::JsonObject;
use serde_json::Value;

use super::failure::ToolError;

/// Names at least this alike (Jaro-Winkler, 0 to 1) are taken for one another's misspelling.
const ALIKE: f64 = 0.7;

/// What servers of other makers call these parameters, without underscores: the right one is named where
/// letters alone would lead elsewhere.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("query", &["q", "question", "text", "prompt", "search", "input", "keywords", "searchquery"]),
    ("queries", &["questions"]),
    ("rephrasings", &["paraphrases", "synonyms", "variants", "alternatives"]),
    ("limit", &["k", "n", "topk", "count", "size", "maxresults", "numresults", "pagesize"]),
    ("max_tokens", &["tokens", "budget", "tokenbudget", "maxlength", "maxchars"]),
    (
        "path",
        &["file", "filename", "filepath", "document", "uri", "url", "folder", "directory", "dir", "glob"],
    ),
    ("lines", &["line", "range", "linerange", "startline", "endline", "start", "end"]),
    ("heading", &["section", "title", "anchor"]),
    ("around", &["context", "contextlines"]),
    ("cursor", &["page", "offset", "next", "nextcursor", "pagetoken"]),
    ("collection", &["namespace", "dataset", "corpus", "source"]),
    ("kind", &["type", "category"]),
    ("detail", &["format", "verbosity", "responseformat"]),
    ("id", &["passage", "hit", "passageid", "chunkid", "documentid"]),
    ("group", &["example", "name"]),
    ("package", &["name", "library"]),
    ("since", &["version", "date", "from"]),
];

/// The arguments of one call, all of whose names are known.
pub(super) struct Arguments {
    values: JsonObject,
}

impl Arguments {
    /// Refuses names other than `known`.
    pub(super) fn new(values: Option<JsonObject>, known: &[&'static str]) -> Result<Self, ToolError> {
        let values = values.unwrap_or_default();
        match values.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self { values }),
            Some(name) => Err(unknown_parameter(name, known)),
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, ToolError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, "a string", other)),
        }
    }

    /// The same without white space around it; a blank is what models write for what they leave out.
    pub(super) fn filled(&self, name: &'static str) -> Result<Option<&str>, ToolError> {
        Ok(self.text(name)?.map(str::trim).filter(|text| !text.is_empty()))
    }

    pub(super) fn required_text(&self, name: &'static str) -> Result<&str, ToolError> {
        self.text(name)?.ok_or(ToolError::MissingParameter { name })
    }

    /// A number of things: an integer that is not negative.
    pub(super) fn count(&self, name: &'static str) -> Result<Option<usize>, ToolError> {
        let Some(value) = self.given(name) else { return Ok(None) };
        let integer = match value {
            Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
            Value::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
            }
            _ => None,
        };
        match integer.and_then(|integer| usize::try_from(integer).ok()) {
            Some(integer) => Ok(Some(integer)),
            None => Err(wrong_type(name, "an integer of 0 or more", value)),
        }
    }

    /// The same between two bounds.
    pub(super) fn count_within(
        &self,
        name: &'static str,
        least: usize,
        most: usize,
    ) -> Result<Option<usize>, ToolError> {
        match self.count(name)? {
            Some(given) if !(least..=most).contains(&given) => {
                Err(ToolError::OutOfRange { name, least, most, given })
            }
            count => Ok(count),
        }
    }

    /// One of `choices`, in any case.
    pub(super) fn choice(
        &self,
        name: &'static str,
        choices: &[&'static str],
    ) -> Result<Option<&'static str>, ToolError> {
        let Some(text) = self.filled(name)? else { return Ok(None) };
        match choices.iter().find(|choice| choice.eq_ignore_ascii_case(text)) {
            Some(choice) => Ok(Some(choice)),
            None => Err(ToolError::Choice { name, choices: choices.join("` or `"), found: shortened(text) }),
        }
    }

    /// Texts. A single one is a list of one, and a list that came as a string is read as JSON.
    /// White space is no text.
    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<String>, ToolError> {
        let wrong = |found: &Value| wrong_type(name, "an array of strings", found);
        let parsed: Value;
        let values = match self.given(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(Value::String(text)) if text.trim_start().starts_with('[') => {
                parsed = serde_json::from_str(text).unwrap_or_default();
                parsed.as_array().ok_or_else(|| wrong(&Value::String(text.clone())))?
            }
            Some(text @ Value::String(_)) => std::slice::from_ref(text),
            Some(other) => return Err(wrong(other)),
        };
        let texts = values.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(value)));
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        Ok(texts.into_iter().filter(|text| !text.trim().is_empty()).collect())
    }

    /// What was given for `name`; null is nothing.
    pub(super) fn given(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }
}

fn whole(number: f64) -> Option<u64> {
    // Above this a float no longer tells one integer from the next.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    ((0.0..=EXACT).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// The error on a name that is not in `known`.
pub(super) fn unknown_parameter(name: &str, known: &[&str]) -> ToolError {
    ToolError::UnknownParameter {
        name: shortened(name),
        nearest: known_elsewhere(name, known).or_else(|| nearest(name, known)).map(str::to_owned),
        known: known.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// The name in `known` of what others call `name`.
fn known_elsewhere<'known>(name: &str, known: &[&'known str]) -> Option<&'known str> {
    let plain: String = name.chars().take(64).filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    let mut own = ELSEWHERE.iter().filter(|(_, others)| others.contains(&plain.as_str()));
    own.find_map(|(own, _)| known.iter().find(|known| *known == own)).copied()
}

/// The name in `known` that `name` was probably meant to be.
pub(super) fn nearest<'known>(name: &str, known: &[&'known str]) -> Option<&'known str> {
    let name: String = name.chars().take(64).flat_map(char::to_lowercase).collect();
    let alike = |known: &&'known str| (strsim::jaro_winkler(&name, known), *known);
    let (likeness, best) = known.iter().map(alike).max_by(|one, other| one.0.total_cmp(&other.0))?;
    (likeness >= ALIKE).then_some(best)
}

pub(super) fn wrong_type(name: &'static str, expected: &'static str, found: &Value) -> ToolError {
    ToolError::WrongType { name, expected, found: shortened(&found.to_string()) }
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["query", "limit"];

    fn arguments(json: &str) -> Result<Arguments, ToolError> {
        Arguments::new(serde_json::from_str(json).unwrap(), KNOWN)
    }

    #[test]
    fn integers_are_read_as_models_write_them() {
        for json in [r#"{"limit": 5}"#, r#"{"limit": "5"}"#, r#"{"limit": " 5.0 "}"#, r#"{"limit": 5.0}"#] {
            assert_eq!(arguments(json).unwrap().count("limit"), Ok(Some(5)), "{json}");
        }
        for json in [r#"{"limit": null}"#, "{}", "null"] {
            assert_eq!(arguments(json).unwrap().count("limit"), Ok(None), "{json}");
        }
        for value in ["-1", "5.5", "\"five\"", "[5]", "true", "1e300", "\"\"", "\"NaN\""] {
            let read = arguments(&format!(r#"{{"limit": {value}}}"#)).unwrap().count("limit");
            assert!(matches!(read, Err(ToolError::WrongType { .. })), "{value}: {read:?}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_known_one() {
        let near = |name: &str| match arguments(&format!(r#"{{"{name}": 1}}"#)) {
            Err(ToolError::UnknownParameter { nearest, .. }) => nearest,
            _ => panic!("{name} was accepted"),
        };
        assert_eq!(near("querry").as_deref(), Some("query"));
        assert_eq!(near("Query").as_deref(), Some("query"));
        assert_eq!(near("q").as_deref(), Some("query"));
        assert_eq!(near("limits").as_deref(), Some("limit"));
        for other in ["question", "text", "searchQuery"] {
            assert_eq!(near(other).as_deref(), Some("query"), "{other}");
        }
        for other in ["top_k", "n", "max_results", "maxResults", "page-size"] {
            assert_eq!(near(other).as_deref(), Some("limit"), "{other}");
        }
        assert_eq!(near("colour"), None);
    }

    #[test]
    fn a_blank_is_nothing_where_something_may_be_left_out() {
        let blank = arguments(r#"{"query": " \n"}"#).unwrap();
        assert_eq!(blank.filled("query"), Ok(None));
        assert_eq!(blank.choice("query", &["a"]), Ok(None));
        assert_eq!(arguments(r#"{"query": " a "}"#).unwrap().filled("query"), Ok(Some("a")));
    }

    #[test]
    fn lists_are_read_as_models_write_them() {
        let known = &["rephrasings"];
        let texts = |json: &str| {
            let values = serde_json::from_str(&format!(r#"{{"rephrasings": {json}}}"#)).unwrap();
            Arguments::new(Some(values), known).unwrap().texts("rephrasings")
        };
        for json in [r#"["a", "b"]"#, r#""[\"a\", \"b\"]""#, r#"["a", " ", "b"]"#] {
            assert_eq!(texts(json).unwrap(), ["a", "b"], "{json}");
        }
        assert_eq!(texts(r#""a, b""#).unwrap(), ["a, b"]);
        assert_eq!(texts("null").unwrap(), Vec::<String>::new());
        for json in ["7", "[7]", r#""[7""#, r#"{"a": 1}"#] {
            assert!(texts(json).is_err(), "{json}");
        }
    }

    #[test]
    fn texts_are_not_guessed_from_other_values() {
        assert_eq!(arguments(r#"{"query": "a"}"#).unwrap().required_text("query"), Ok("a"));
        assert!(arguments(r#"{"query": 1}"#).unwrap().text("query").is_err());
        assert!(arguments(r#"{"query": null}"#).unwrap().required_text("query").is_err());
    }
}
