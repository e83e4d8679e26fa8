//! Requests of a known method whose parameters are of another form. rmcp takes them for methods that
//! it does not know; what is wrong with them is something that their author can mend.

use rmcp::ErrorData;
use rmcp::model::ErrorCode;

/// What the parameters of a method have to be.
const FORMS: &[(&str, &str)] = &[
    ("completion/complete", "`ref`: a reference, `argument`: an object with `name` and `value`"),
    ("initialize", "`protocolVersion`: a string, `capabilities` and `clientInfo`: objects"),
    ("prompts/get", "`name`: a string, `arguments`: an object of strings, may be left out"),
    ("prompts/list", "an object, may be left out"),
    ("resources/list", "an object, may be left out"),
    ("resources/read", "`uri`: a string"),
    ("resources/subscribe", "`uri`: a string"),
    ("resources/templates/list", "an object, may be left out"),
    ("resources/unsubscribe", "`uri`: a string"),
    ("subscriptions/listen", "`notifications`: an object"),
    ("tools/call", "`name`: a string, `arguments`: an object, may be left out"),
    ("tools/list", "an object, may be left out"),
];

/// The error on a request that no method of ours was recognised in.
pub(super) fn error(method: &str) -> ErrorData {
    let Some((known, form)) = FORMS.iter().find(|(known, _)| *known == method) else {
        let method: String = method.chars().take(64).collect();
        return ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None);
    };
    let message = format!("`{known}` has parameters of another form than it takes: {form}");
    ErrorData::invalid_params(message, None)
}
