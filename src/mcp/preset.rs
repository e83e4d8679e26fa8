//! Presets: the tools under other names, for clients that ask for certain ones.
//!
//! A preset is a small TOML file. Each of its tools names the built-in one that does the work, and
//! says how it is called, described, and which of the built-in's parameters it has, under which
//! names; parameters that it does not offer can be fixed.

use std::collections::{BTreeMap, BTreeSet};

use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;

use super::tools::ToolName;

/// The presets that come with docent: name and text.
const BUILT_IN: &[(&str, &str)] =
    &[("chatgpt", include_str!("presets/chatgpt.toml")), ("workos", include_str!("presets/workos.toml"))];
/// What clients accept as the name of a tool.
const LONGEST_NAME: usize = 64;
/// Hosts cut longer descriptions off.
const LONGEST_DESCRIPTION: usize = 2_048;

/// Which tools are offered, and how they are called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What messages call it.
    pub(super) name: String,
    /// When to call which tool, in place of the built-in sentences.
    pub(super) instructions: Option<String>,
    pub(super) tools: Vec<PresetTool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PresetTool {
    pub(super) name: String,
    /// The built-in that does the work.
    pub(super) tool: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, PresetParameter>,
    /// Arguments of the built-in that are always given.
    #[serde(default)]
    pub(super) fixed: JsonObject,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PresetParameter {
    /// The built-in's parameter, where it has another name.
    #[serde(rename = "is")]
    pub(super) built_in: Option<String>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
}

/// A preset that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresetError {
    /// No preset that comes with docent has this name.
    #[error("there is no preset `{name}`")]
    Unknown {
        /// As asked.
        name: String,
    },
    /// Not TOML, or not of this form.
    #[error("the preset is not of the right form: {reason}")]
    Form {
        /// What is wrong, and where.
        reason: String,
    },
    /// A tool that cannot be offered.
    #[error("the preset's tool `{tool}` {problem}")]
    Tool {
        /// Its name in the preset.
        tool: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl PresetError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        match self {
            Self::Unknown { .. } => format!("there is `{}`; or name a file of your own", names.join("`, `")),
            Self::Form { .. } | Self::Tool { .. } => {
                "the manual's page on the MCP server describes presets".into()
            }
        }
    }
}

impl Preset {
    /// A preset that comes with docent.
    ///
    /// # Errors
    /// Where there is none of this name.
    pub fn named(name: &str) -> Result<Self, PresetError> {
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(text),
            None => Err(PresetError::Unknown { name: name.to_owned() }),
        }
    }

    /// A preset from the text of its file.
    ///
    /// # Errors
    /// Where it is not TOML of this form, names what docent does not have, or offers nothing.
    pub fn parse(text: &str) -> Result<Self, PresetError> {
        let preset: Self = toml::from_str(text)
            .map_err(|error| PresetError::Form { reason: error.to_string().trim_end().to_owned() })?;
        if preset.tools.is_empty() {
            return Err(PresetError::Form { reason: format!("`{}` has no tools", preset.name) });
        }
        let mut names = BTreeSet::new();
        for tool in &preset.tools {
            let problem = tool.problem().or_else(|| {
                let is_new = names.insert(tool.name.as_str());
                (!is_new).then(|| "is there twice".to_owned())
            });
            if let Some(problem) = problem {
                return Err(PresetError::Tool { tool: tool.name.clone(), problem });
            }
        }
        Ok(preset)
    }
}

impl PresetTool {
    fn problem(&self) -> Option<String> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        if self.name.is_empty() || self.name.len() > LONGEST_NAME || !self.name.chars().all(is_plain) {
            return Some(format!(
                "needs a name of up to {LONGEST_NAME} letters, digits, `_`, `-` and `.` without accents"
            ));
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
            return Some(format!(
                "has a description of more than {LONGEST_DESCRIPTION} characters, which clients cut off"
            ));
        }
        let Some(built_in) = ToolName::of(&self.tool) else {
            let known = ToolName::KNOWN.map(ToolName::as_str).join("`, `");
            return Some(format!("is to be done by `{}`; there is `{known}`", self.tool));
        };
        let known = built_in.parameters();
        let wanted = self.parameters.iter().map(|(name, parameter)| parameter.built_in(name));
        let unknown = wanted.chain(self.fixed.keys().map(String::as_str)).find(|name| !known.contains(name));
        unknown.map(|name| {
            let known = known.join("`, `");
            format!("has a parameter that `{}` does not: `{name}`, of `{known}`", self.tool)
        })
    }
}

impl PresetParameter {
    /// The built-in's name of the parameter that the preset calls `name`.
    pub(super) fn built_in<'name>(&'name self, name: &'name str) -> &'name str {
        self.built_in.as_deref().unwrap_or(name)
    }

    /// The built-in's schema of the parameter, in the preset's words.
    pub(super) fn schema(&self, built_in: Option<&Value>) -> Value {
        let mut schema = built_in.cloned().unwrap_or_else(|| Value::Object(JsonObject::new()));
        if let (Some(text), Some(schema)) = (&self.description, schema.as_object_mut()) {
            schema.insert("description".into(), text.as_str().into());
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_that_come_with_docent_are_good() {
        for (name, _) in BUILT_IN {
            assert_eq!(Preset::named(name).unwrap().name, *name);
        }
        let error = Preset::named("chatgtp").unwrap_err();
        assert_eq!(error.to_string(), "there is no preset `chatgtp`");
        assert_eq!(error.hint(), "there is `chatgpt`, `workos`; or name a file of your own");
    }

    #[test]
    fn a_preset_is_checked_whole() {
        let problem = |text: &str| Preset::parse(text).unwrap_err().to_string();
        assert!(problem("name = 1").contains("expected a string"), "{}", problem("name = 1"));
        assert!(problem("name = \"a\"\ntools = []").contains("`a` has no tools"));
        let tool = |rest: &str| problem(&format!("name = \"a\"\n[[tools]]\n{rest}"));
        assert!(tool("name = \"b\"\ntool = \"list\"\ncolour = 1").contains("unknown field `colour`"));
        assert!(
            tool("name = \"b\"\ntool = \"nothing\"")
                .starts_with("the preset's tool `b` is to be done by `nothing`; there is `search`")
        );
        assert!(tool("name = \"ä\"\ntool = \"list\"").contains("needs a name of up to 64 letters"));
        let unknown = tool("name = \"b\"\ntool = \"list\"\n[tools.parameters.folder]\nis = \"paht\"");
        assert_eq!(
            unknown,
            "the preset's tool `b` has a parameter that `list` does not: `paht`, of `path`, `collection`, `limit`, `cursor`"
        );
        assert!(tool("name = \"b\"\ntool = \"list\"\n[tools.fixed]\nx = 1").contains("does not: `x`"));
        let twice = "name = \"b\"\ntool = \"list\"\n[[tools]]\nname = \"b\"\ntool = \"status\"";
        assert!(tool(twice).contains("is there twice"));
    }
}
