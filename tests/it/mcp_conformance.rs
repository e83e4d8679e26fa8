//! The official conformance suite against the production handler over HTTP, with the tools,
//! resources and prompts that the suite asks for by name beside docent's own.
//!
//! What is expected to fail, and why, stands in `mcp_conformance/*.yml`; one that no longer fails
//! fails the test.

use std::path::Path;
use std::sync::Arc;

use docent::mcp::{DocumentServer, HttpServer, HttpSettings, Toolset};
use rmcp::model::*;
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;

use crate::mcp_support::Library;
use crate::node::Node;
use crate::python::said;

const SUITE: &str = "@modelcontextprotocol/conformance@0.2.0-alpha.12";
/// One pixel, and no sound at all.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// docent, and what the suite asks for.
#[derive(Clone)]
struct WithFixtures(DocumentServer, Arc<Library>);

/// The suite's tool for changing the list of tools: a changelog comes or goes, and `changelog` with it.
const CHANGES_TOOLS: &str = "test_trigger_tool_change";
const CHANGELOG: &str = "CHANGELOG.md";

fn tools() -> Vec<Tool> {
    let names = [
        "test_simple_text",
        "test_image_content",
        "test_audio_content",
        "test_embedded_resource",
        "test_multiple_content_types",
        "test_error_handling",
        "test_tool_with_progress",
        "test_streaming_elicitation",
        "test_logging_tool",
        "test_missing_capability",
        CHANGES_TOOLS,
    ];
    let schema = Arc::new(json!({"type": "object"}).as_object().unwrap().clone());
    names.into_iter().map(|name| Tool::new(name, "A fixture of the suite", Arc::clone(&schema))).collect()
}

async fn call(name: &str, context: &RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
    let text = |text: &str| ContentBlock::text(text);
    let image = ContentBlock::image(PNG, "image/png");
    let embedded = |uri: &str| ContentBlock::resource(ResourceContents::text("embedded", uri));
    let blocks = match name {
        "test_image_content" => vec![image],
        "test_audio_content" => vec![ContentBlock::audio(WAV, "audio/wav")],
        "test_embedded_resource" => vec![embedded("test://embedded-resource")],
        "test_multiple_content_types" => {
            vec![text("mixed"), image, embedded("test://mixed-content-resource")]
        }
        "test_error_handling" => return Ok(CallToolResult::error(vec![text("This tool always fails")])),
        "test_missing_capability"
            if context.client_capabilities().is_none_or(|own| own.sampling.is_none()) =>
        {
            let sampling = serde_json::from_value(json!({"sampling": {}})).unwrap();
            return Err(ErrorData::missing_required_client_capability(sampling));
        }
        "test_tool_with_progress" => {
            if let Some(token) = context.meta.get_progress_token() {
                for done in [0.0, 50.0, 100.0] {
                    let progress = ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
                    let _ = context.peer.notify_progress(progress).await;
                }
            }
            vec![text("done")]
        }
        _ => vec![text("This is a simple text response for testing.")],
    };
    Ok(CallToolResult::success(blocks))
}

fn read(uri: &str) -> Option<ResourceContents> {
    match uri {
        "test://static-text" => Some(ResourceContents::text("static text", uri)),
        "test://static-binary" => Some(ResourceContents::blob(PNG, uri).with_mime_type("image/png")),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            Some(ResourceContents::text(data.to_string(), uri).with_mime_type("application/json"))
        }
    }
}

fn prompts() -> Vec<Prompt> {
    let argument = |name: &str| PromptArgument::new(name).with_description("A text").with_required(true);
    let prompt = |name: &str, arguments| Prompt::new(name, Some("A fixture of the suite"), arguments);
    vec![
        prompt("test_simple_prompt", None),
        prompt("test_prompt_with_arguments", Some(vec![argument("arg1"), argument("arg2")])),
        prompt("test_prompt_with_embedded_resource", Some(vec![argument("resourceUri")])),
        prompt("test_prompt_with_image", None),
    ]
}

fn prompt(request: &GetPromptRequestParams) -> Option<GetPromptResult> {
    let argument = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        value.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let user = |content| PromptMessage::new(Role::User, content);
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![user(ContentBlock::text("This is a simple prompt for testing."))],
        "test_prompt_with_arguments" => {
            let text = format!("arg1='{}', arg2='{}'", argument("arg1"), argument("arg2"));
            vec![user(ContentBlock::text(text))]
        }
        "test_prompt_with_embedded_resource" => {
            let embedded = ResourceContents::text("embedded", argument("resourceUri"));
            vec![user(ContentBlock::resource(embedded)), user(ContentBlock::text("Look at it."))]
        }
        "test_prompt_with_image" => vec![user(ContentBlock::image(PNG, "image/png"))],
        _ => return None,
    };
    Some(GetPromptResult::new(messages))
}

impl ServerHandler for WithFixtures {
    fn get_info(&self) -> ServerConfig {
        self.0.get_info()
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.0.initialize(request, context).await
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.0.on_initialized(context).await;
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.0.accepted_subscription_filter(requested)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.0.listen(context).await
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut listed = self.0.list_tools(request, context).await?;
        listed.tools.extend(tools());
        Ok(listed)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.get_tool(name).or_else(|| tools().into_iter().find(|tool| tool.name == name))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == CHANGES_TOOLS {
            let library = Arc::clone(&self.1);
            let change = move || {
                if std::fs::remove_file(library.documents().join(CHANGELOG)).is_err() {
                    library.write(CHANGELOG, "# Changelog\n\n## 1.0.0\n\nKeys rotate by themselves.\n");
                }
                library.index();
            };
            tokio::task::spawn_blocking(change).await.unwrap();
        }
        if tools().iter().any(|tool| tool.name == request.name) {
            return Ok(call(&request.name, &context).await?.into());
        }
        self.0.call_tool(request, context).await
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.0.list_resources(request, context).await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.0.list_resource_templates(request, context).await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match read(&request.uri) {
            Some(contents) => {
                let result = ReadResourceResult::new(vec![contents]).with_ttl_ms(0);
                Ok(result.with_cache_scope(CacheScope::Private).into())
            }
            None => self.0.read_resource(request, context).await,
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.0.complete(request, context).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut listed = self.0.list_prompts(request, context).await?;
        listed.prompts.extend(prompts());
        Ok(listed)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        match prompt(&request) {
            Some(filled) => Ok(filled.into()),
            None => self.0.get_prompt(request, context).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_suite_passes_in_both_eras() {
    let installed = tokio::task::spawn_blocking(|| Node::with(&[SUITE])).await.unwrap();
    let Some(node) = installed else { return };
    let library = Arc::new(Library::new());
    let resident = Arc::new(library.resident());
    let handler = WithFixtures(DocumentServer::new(Arc::clone(&resident), Toolset::default()), library);
    let settings = HttpSettings::new("127.0.0.1:0".parse().unwrap(), None, Vec::new(), Vec::new()).unwrap();
    let server = HttpServer::bind_handler(handler, resident, settings).await.unwrap();
    let url = format!("http://{}/mcp", server.address().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let runs = ["2025-11-25", "2026-07-28"].map(|requirements| {
        let expected = format!("tests/it/mcp_conformance/{requirements}.yml");
        let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join(expected);
        let output = tempfile::tempdir().unwrap();
        let mut command = node.run("@modelcontextprotocol/conformance/dist/index.js");
        command.args(["server", "--url", &url, "--requirements", requirements, "--expected-failures"]);
        command.arg(expected).arg("-o").arg(output.path());
        tokio::task::spawn_blocking(move || (requirements, command.output().unwrap(), output))
    });
    for run in runs {
        let (requirements, output, _folder) = run.await.unwrap();
        assert!(output.status.success(), "{requirements}: {}", said(&output));
        assert!(said(&output).contains("Baseline check passed"), "{requirements}: {}", said(&output));
    }
    stop.send(()).unwrap();
    running.await.unwrap();
}
