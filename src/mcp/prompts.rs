//! Prompts: ways of working with the documents that a person can pick from a menu.

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};

use super::arguments::nearest;

const ANSWER: &str = "answer_from_docs";
const COMPARE: &str = "compare";
pub(super) const COLLECTION: &str = "collection";

pub(super) fn all() -> Vec<Prompt> {
    let argument = |name: &str, description: &str| {
        PromptArgument::new(name).with_description(description).with_required(true)
    };
    let collection = || {
        let collection = PromptArgument::new(COLLECTION).with_required(false);
        collection.with_description("Only this collection of the index")
    };
    let prompt = |name: &str, title: &str, description: &str, arguments| {
        Prompt::new(name, Some(description), Some(arguments)).with_title(title)
    };
    vec![
        prompt(
            ANSWER,
            "Answer from the documents",
            "Answer a question from the indexed documents only, with sources",
            vec![argument("question", "What you want to know"), collection()],
        ),
        prompt(
            COMPARE,
            "Compare two things",
            "Compare two things by what the indexed documents say about each",
            vec![argument("first", "One of them"), argument("second", "The other one"), collection()],
        ),
    ]
}

/// The prompt `name`, filled in.
pub(super) fn get(name: &str, arguments: Option<&JsonObject>) -> Result<GetPromptResult, ErrorData> {
    let given = |argument: &str| {
        let value = arguments.and_then(|arguments| arguments.get(argument)).and_then(|value| value.as_str());
        value.map(str::trim).filter(|value| !value.is_empty())
    };
    let filled = |argument: &str| {
        given(argument).ok_or_else(|| {
            ErrorData::invalid_params(format!("the prompt `{name}` needs the argument `{argument}`"), None)
        })
    };
    let text = match name {
        ANSWER => format!(
            "Answer from the indexed documents only: {}\n\n\
            Call `search` with the question and three rephrasings; `read` around the best hits where a \
            passage is not enough. Cite `path:lines` for every claim. If the documents do not say, say so.",
            filled("question")?
        ),
        COMPARE => format!(
            "Compare {} and {} by what the indexed documents say.\n\n\
            Call `search` with `queries`: one question on each, and one on their difference. Answer with a \
            table of the differences, citing `path:lines` in each row, and leave empty what the documents \
            do not say.",
            filled("first")?,
            filled("second")?
        ),
        _ => {
            let advice = nearest(name, &[ANSWER, COMPARE]).map_or_else(
                || format!("known prompts: {ANSWER}, {COMPARE}"),
                |near| format!("did you mean `{near}`?"),
            );
            let name: String = name.chars().take(64).collect();
            return Err(ErrorData::invalid_params(format!("unknown prompt `{name}`; {advice}"), None));
        }
    };
    let only = given(COLLECTION)
        .map_or_else(String::new, |name| format!("\n\nGive `search` the `collection` {name} each time."));
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text + &only)]))
}
