//! The tools as one server offers them: docent's own, or those of a preset.

use std::collections::BTreeMap;
use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::model::{JsonObject, Tool};

use super::arguments::{nearest, unknown_parameter};
use super::failure::ToolError;
use super::preset::{Preset, PresetTool};
use super::tools::{ToolName, Work};
use crate::retrieval::DocumentKind;

/// What is offered, in order. Cheap to clone.
#[derive(Clone)]
pub struct Toolset {
    tools: Arc<[Offered]>,
    /// What instructions say on when to call which tool, where a preset says it.
    instructions: Option<Arc<str>>,
}

struct Offered {
    definition: Tool,
    built_in: ToolName,
    /// For a tool of a preset: the built-in's names of its parameters, and what is fixed.
    preset: Option<Translation>,
}

struct Translation {
    names: BTreeMap<String, String>,
    /// The preset's names of those that a call must have.
    required: Vec<String>,
    fixed: JsonObject,
}

impl Default for Toolset {
    /// docent's own tools.
    fn default() -> Self {
        let own = |tool: ToolName| Offered { definition: tool.definition(), built_in: tool, preset: None };
        Self { tools: ToolName::OFFERED.map(own).into(), instructions: None }
    }
}

impl From<&Preset> for Toolset {
    fn from(preset: &Preset) -> Self {
        // A preset was checked when it was read: what is left out here does not occur.
        let tools = preset.tools.iter().filter_map(Offered::of).collect();
        Self { tools, instructions: preset.instructions.as_deref().map(Arc::from) }
    }
}

impl Toolset {
    /// In the order in which they are listed, for an index that holds what `holds` says. A preset
    /// offers what it says, whatever the index holds.
    pub(super) fn definitions(&self, holds: &dyn Fn(DocumentKind) -> bool) -> Vec<Tool> {
        let is_listed = |tool: &&Offered| tool.preset.is_some() || tool.built_in.needs().is_none_or(holds);
        self.tools.iter().filter(is_listed).map(|tool| tool.definition.clone()).collect()
    }

    /// Whether what is listed depends on what the index holds.
    pub(super) fn follows_the_index(&self) -> bool {
        self.tools.iter().any(|tool| tool.preset.is_none() && tool.built_in.needs().is_some())
    }

    pub(super) fn definition(&self, name: &str) -> Option<Tool> {
        self.offered(name).map(|tool| tool.definition.clone())
    }

    pub(super) fn instructions(&self) -> Option<&str> {
        self.instructions.as_deref()
    }

    /// What a built-in is called here, where it is offered.
    pub(super) fn name_of(&self, built_in: ToolName) -> Option<&str> {
        let offered = self.tools.iter().find(|tool| tool.built_in == built_in);
        offered.map(|tool| tool.definition.name.as_ref())
    }

    /// What a parameter of a built-in is called here, where it is offered.
    pub(super) fn parameter_of(&self, built_in: ToolName, parameter: &str) -> Option<&str> {
        let offered = self.tools.iter().find(|tool| tool.built_in == built_in)?;
        match &offered.preset {
            None => built_in.parameters().iter().copied().find(|known| *known == parameter),
            Some(preset) => {
                let renamed = preset.names.iter().find(|(_, known)| *known == parameter);
                renamed.map(|(name, _)| name.as_str())
            }
        }
    }

    /// Reads the arguments of a call.
    pub(super) fn prepare(
        &self,
        name: &str,
        arguments: Option<JsonObject>,
    ) -> Result<Result<Work, ToolError>, ErrorData> {
        match self.offered(name) {
            Some(tool) => Ok(tool.prepare(arguments)),
            None => Err(self.unknown(name)),
        }
    }

    fn offered(&self, name: &str) -> Option<&Offered> {
        self.tools.iter().find(|tool| tool.definition.name == name)
    }

    fn unknown(&self, name: &str) -> ErrorData {
        let known: Vec<&str> = self.tools.iter().map(|tool| tool.definition.name.as_ref()).collect();
        let advice = match nearest(name, &known) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("known tools: {}", known.join(", ")),
        };
        let name: String = name.chars().take(64).collect();
        ErrorData::invalid_params(format!("unknown tool `{name}`; {advice}"), None)
    }
}

impl Offered {
    fn of(tool: &PresetTool) -> Option<Self> {
        let built_in = ToolName::of(&tool.tool)?;
        let mut definition = built_in.definition();
        definition.name = tool.name.clone().into();
        if let Some(title) = &tool.title {
            definition.title = Some(title.clone());
            if let Some(annotations) = &mut definition.annotations {
                annotations.title = Some(title.clone());
            }
        }
        if let Some(description) = &tool.description {
            definition.description = Some(description.clone().into());
        }
        definition.input_schema = Arc::new(input_schema(tool, &definition.input_schema));
        let names = tool.parameters.iter();
        let names = names.map(|(name, parameter)| (name.clone(), parameter.built_in(name).to_owned()));
        let required = tool.parameters.iter().filter(|(_, parameter)| parameter.required);
        let preset = Translation {
            names: names.collect(),
            required: required.map(|(name, _)| name.clone()).collect(),
            fixed: tool.fixed.clone(),
        };
        Some(Self { definition, built_in, preset: Some(preset) })
    }

    fn prepare(&self, arguments: Option<JsonObject>) -> Result<Work, ToolError> {
        let Some(preset) = &self.preset else { return self.built_in.prepare(arguments) };
        let translated = preset.translated(arguments.unwrap_or_default())?;
        self.built_in.prepare(Some(translated)).map_err(|error| error.renamed(&preset.names))
    }
}

impl Translation {
    fn translated(&self, arguments: JsonObject) -> Result<JsonObject, ToolError> {
        let mut translated = self.fixed.clone();
        for (name, value) in arguments {
            let Some(built_in) = self.names.get(&name) else {
                let known: Vec<&str> = self.names.keys().map(String::as_str).collect();
                return Err(unknown_parameter(&name, &known));
            };
            translated.insert(built_in.clone(), value);
        }
        // The built-in may do without what the preset asks for.
        let is_given = |name: &String| {
            let built_in = self.names.get(name).unwrap_or(name);
            translated.get(built_in).is_some_and(|value| !value.is_null())
        };
        if let Some(name) = self.required.iter().find(|name| !is_given(name)) {
            let message = format!("the parameter `{name}` is missing");
            return Err(ToolError::Renamed { message, hint: format!("call again with `{name}`") });
        }
        Ok(translated)
    }
}

fn input_schema(tool: &PresetTool, built_in: &JsonObject) -> JsonObject {
    let own = built_in.get("properties").and_then(|properties| properties.as_object());
    let mut properties = JsonObject::new();
    let mut required = Vec::new();
    for (name, parameter) in &tool.parameters {
        let schema = own.and_then(|own| own.get(parameter.built_in(name)));
        properties.insert(name.clone(), parameter.schema(schema));
        if parameter.required {
            required.push(serde_json::Value::from(name.as_str()));
        }
    }
    let mut schema = JsonObject::new();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.into());
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema.insert("additionalProperties".into(), false.into());
    schema
}
