//! Prompts: ways of working with the documents that a person can pick from a menu. They lead to the
//! tools by the names that these have here; without tools that find something there are none.

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};

use super::arguments::nearest;
use super::tools::ToolName;
use super::toolset::Toolset;

const ANSWER: &str = "answer_from_docs";
const COMPARE: &str = "compare";
pub(super) const COLLECTION: &str = "collection";

/// The tools that prompts lead to.
struct Means<'tools> {
    tools: &'tools Toolset,
    search: ToolName,
    search_name: &'tools str,
    /// What reads on, and its name.
    read: Option<(ToolName, &'tools str)>,
}

impl<'tools> Means<'tools> {
    fn of(tools: &'tools Toolset) -> Option<Self> {
        let first = |of: [ToolName; 3]| of.into_iter().find_map(|tool| Some((tool, tools.name_of(tool)?)));
        let (search, search_name) = first([ToolName::Search, ToolName::Excerpts, ToolName::Find])?;
        let read = first([ToolName::Read, ToolName::Page, ToolName::Fetch]);
        // A document that is named and cannot be read answers nothing.
        let is_enough = search != ToolName::Find || read.is_some();
        is_enough.then_some(Self { tools, search, search_name, read })
    }

    /// What a parameter of the tool that finds is called here, where it is offered.
    fn parameter(&self, built_in: &str) -> Option<&'tools str> {
        self.tools.parameter_of(self.search, built_in)
    }

    fn answer(&self, question: &str) -> String {
        let rephrasings = self.parameter("rephrasings");
        let rephrasings = rephrasings.map_or_else(String::new, |name| format!(" and three `{name}`"));
        let read = match self.read {
            None => String::new(),
            Some((ToolName::Read, name)) => {
                format!("; `{name}` around the best hits where a passage is not enough")
            }
            Some((_, name)) => format!("; then `{name}` the best documents for their text"),
        };
        format!(
            "Answer from the indexed documents only: {question}\n\n\
            Call `{}` with the question{rephrasings}{read}. Cite `path:lines` for every claim. \
            If the documents do not say, say so.",
            self.search_name
        )
    }

    fn compare(&self, first: &str, second: &str) -> String {
        let how = match self.parameter("queries") {
            Some(queries) => format!("with `{queries}`: one question on each, and one on their difference"),
            None => "once on each, and once on their difference".to_owned(),
        };
        format!(
            "Compare {first} and {second} by what the indexed documents say.\n\n\
            Call `{}` {how}. Answer with a table of the differences, citing `path:lines` in each row, and leave \
            empty what the documents do not say.",
            self.search_name
        )
    }

    /// What keeps to one collection.
    fn only(&self, prompt: &str, collection: &str) -> Result<String, ErrorData> {
        match self.parameter(COLLECTION) {
            Some(name) => Ok(format!("\n\nGive `{}` the `{name}` {collection} each time.", self.search_name)),
            // Passing over it would answer from documents that were not meant.
            None => Err(ErrorData::invalid_params(
                format!("the prompt `{prompt}` has no argument `{COLLECTION}` here: leave it out"),
                None,
            )),
        }
    }
}

pub(super) fn all(tools: &Toolset) -> Vec<Prompt> {
    let Some(means) = Means::of(tools) else { return Vec::new() };
    let argument = |name: &str, description: &str| {
        PromptArgument::new(name).with_description(description).with_required(true)
    };
    let collection = || {
        means.parameter(COLLECTION).map(|_| {
            let collection = PromptArgument::new(COLLECTION).with_required(false);
            collection.with_description("Only this collection of the index")
        })
    };
    let prompt = |name: &str, title: &str, description: &str, arguments: Vec<PromptArgument>| {
        let arguments = arguments.into_iter().chain(collection()).collect();
        Prompt::new(name, Some(description), Some(arguments)).with_title(title)
    };
    vec![
        prompt(
            ANSWER,
            "Answer from the documents",
            "Answer a question from the indexed documents only, with sources",
            vec![argument("question", "What you want to know")],
        ),
        prompt(
            COMPARE,
            "Compare two things",
            "Compare two things by what the indexed documents say about each",
            vec![argument("first", "One of them"), argument("second", "The other one")],
        ),
    ]
}

/// The prompt `name`, filled in.
pub(super) fn get(
    tools: &Toolset,
    name: &str,
    arguments: Option<&JsonObject>,
) -> Result<GetPromptResult, ErrorData> {
    let given = |argument: &str| {
        let value = arguments.and_then(|arguments| arguments.get(argument)).and_then(|value| value.as_str());
        value.map(str::trim).filter(|value| !value.is_empty())
    };
    let filled = |argument: &str| {
        given(argument).ok_or_else(|| {
            ErrorData::invalid_params(format!("the prompt `{name}` needs the argument `{argument}`"), None)
        })
    };
    let Some(means) = Means::of(tools) else { return Err(unknown(name, &[])) };
    let text = match name {
        ANSWER => means.answer(filled("question")?),
        COMPARE => means.compare(filled("first")?, filled("second")?),
        _ => return Err(unknown(name, &[ANSWER, COMPARE])),
    };
    let only = given(COLLECTION).map(|collection| means.only(name, collection)).transpose()?;
    let text = text + only.as_deref().unwrap_or_default();
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]))
}

fn unknown(name: &str, known: &[&str]) -> ErrorData {
    let advice = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are none with these tools".to_owned(),
        None => format!("known prompts: {}", known.join(", ")),
    };
    let name: String = name.chars().take(64).collect();
    ErrorData::invalid_params(format!("unknown prompt `{name}`; {advice}"), None)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::mcp::preset::Preset;

    fn named(preset: &str) -> Toolset {
        Toolset::from(&Preset::named(preset).unwrap())
    }

    fn text(tools: &Toolset, name: &str, arguments: &Value) -> Result<String, String> {
        let filled = get(tools, name, arguments.as_object());
        filled
            .map(|prompt| serde_json::to_string(&prompt).unwrap())
            .map_err(|error| error.message.into_owned())
    }

    #[test]
    fn tools_are_called_what_they_are_called_here() {
        let question = json!({"question": "why?"});
        let both = json!({"first": "a", "second": "b"});
        let own = text(&Toolset::default(), ANSWER, &question).unwrap();
        assert!(
            own.contains("Call `search` with the question and three `rephrasings`; `read` around"),
            "{own}"
        );
        let workos = text(&named("workos"), ANSWER, &question).unwrap();
        assert!(
            workos.contains("Call `workos_search` with the question and three `rephrasings`"),
            "{workos}"
        );
        assert!(workos.contains("then `workos_docs` the best documents"), "{workos}");
        let chatgpt = text(&named("chatgpt"), ANSWER, &question).unwrap();
        assert!(chatgpt.contains("Call `search` with the question; then `fetch` the best"), "{chatgpt}");
        let own = text(&Toolset::default(), COMPARE, &both).unwrap();
        assert!(own.contains("Call `search` with `queries`: one question on each"), "{own}");
        let chatgpt = text(&named("chatgpt"), COMPARE, &both).unwrap();
        assert!(chatgpt.contains("Call `search` once on each"), "{chatgpt}");
    }

    #[test]
    fn a_collection_is_offered_where_it_can_be_asked() {
        let only = json!({"question": "why?", "collection": "handbook"});
        let own = text(&Toolset::default(), ANSWER, &only).unwrap();
        assert!(own.contains("Give `search` the `collection` handbook each time."), "{own}");
        let refused = text(&named("chatgpt"), ANSWER, &only).unwrap_err();
        assert_eq!(refused, "the prompt `answer_from_docs` has no argument `collection` here: leave it out");
        let arguments = |tools: &Toolset| all(tools)[0].arguments.as_ref().map(Vec::len);
        assert_eq!((arguments(&Toolset::default()), arguments(&named("chatgpt"))), (Some(2), Some(1)));
    }

    #[test]
    fn without_tools_that_find_there_are_no_prompts() {
        let tools = |tool: &str| {
            let text = format!("name = \"a\"\n[[tools]]\nname = \"b\"\ntool = \"{tool}\"");
            Toolset::from(&Preset::parse(&text).unwrap())
        };
        for tool in ["status", "find"] {
            assert!(all(&tools(tool)).is_empty(), "{tool}");
            let error = text(&tools(tool), COMPARE, &json!({})).unwrap_err();
            assert_eq!(error, "unknown prompt `compare`; there are none with these tools");
        }
        assert_eq!(all(&tools("search")).len(), 2);
    }
}
