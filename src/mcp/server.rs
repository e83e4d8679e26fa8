//! The protocol's requests, answered from a resident retriever.

use std::sync::Arc;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    CustomRequest, CustomResult, GetPromptRequestParams, GetPromptResponse, Icon, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, Reference, ServerCapabilities, ServerConfig, SubscribeRequestMethod,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestMethod, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::call::Call;
use super::changes::{self, Subscriptions};
use super::failure::ToolError;
use super::instructions::instructions;
use super::toolset::Toolset;
use super::workers::Workers;
use super::{collections, malformed, prompts, resources};
use crate::retrieval::Resident;

/// A sheet of paper with lines: clients may show it beside the server's name.
const ICON: &str = concat!(
    "data:image/svg+xml;base64,",
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyNCAyNCI+PHBhdGggZD",
    "0iTTQgM2gxMWw1IDV2MTNINHoiIGZpbGw9IiMyNDQ3NmIiLz48cGF0aCBkPSJNNyAxMWgxME03IDE0aDEwTTcgMTdo",
    "NiIgc3Ryb2tlPSIjZmZmIiBzdHJva2Utd2lkdGg9IjEuNSIvPjwvc3ZnPg==",
);

/// The definitions change only with the program. Which of them are listed changes with the index too:
/// who listens is told, and who does not asks again.
const DEFINITIONS_TTL_MS: u64 = 300_000;

/// Serves one resident retriever to any number of connections: the protocol's requests, whatever
/// carries them.
#[derive(Clone)]
pub struct DocumentServer {
    resident: Arc<Resident>,
    workers: Arc<Workers>,
    tools: Toolset,
    /// What the client of a connection that lasts wants to hear of. Where each request stands for
    /// itself, nothing can be told to clients of 2025-11-25.
    subscriptions: Option<Arc<Subscriptions>>,
}

impl DocumentServer {
    /// For requests that stand for themselves, as over HTTP.
    #[must_use]
    pub fn new(resident: Arc<Resident>, tools: Toolset) -> Self {
        Self { resident, workers: Arc::default(), tools, subscriptions: None }
    }

    /// The same for one connection that lasts.
    pub(super) fn for_connection(&self) -> Self {
        Self { subscriptions: Some(Arc::default()), ..self.clone() }
    }

    /// Runs `work` on one of the workers, and tells the client meanwhile how far it is.
    async fn work<T: Send + 'static>(
        &self,
        context: &RequestContext<RoleServer>,
        work: impl FnOnce(&Call) -> Result<T, ToolError> + Send + 'static,
    ) -> Result<T, ToolError> {
        let (call, listener) = Call::new(Arc::clone(&self.resident), context);
        listener.during(self.workers.run(context, move || work(&call))).await
    }
}

impl ServerHandler for DocumentServer {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_title("docent: local documents")
            .with_description(env!("CARGO_PKG_DESCRIPTION"))
            .with_icons(vec![
                Icon::new(ICON).with_mime_type("image/svg+xml").with_sizes(vec!["any".to_owned()]),
            ]);
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_prompts()
            .enable_completions()
            .build();
        if self.tools.follows_the_index()
            && let Some(tools) = &mut capabilities.tools
        {
            tools.list_changed = Some(true);
        }
        ServerConfig::new(capabilities)
            .with_server_info(server)
            .with_instructions(instructions(&self.resident, &self.tools))
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        let mut result = self.negotiate_initialize(&request)?;
        if self.subscriptions.is_none() {
            untold(&mut result.capabilities);
        }
        Ok(result)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        if let Some(subscriptions) = &self.subscriptions {
            let (resident, subscriptions) = (Arc::clone(&self.resident), Arc::clone(subscriptions));
            tokio::spawn(changes::tell_peer(resident, self.tools.clone(), context.peer, subscriptions));
        }
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        changes::tell_listener(Arc::clone(&self.resident), self.tools.clone(), &context).await;
        Ok(())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let Some(subscriptions) = &self.subscriptions else {
            return Err(ErrorData::method_not_found::<SubscribeRequestMethod>());
        };
        let uri = request.uri.clone();
        let known = self.work(&context, move |call| resources::exists(&call.resident, &request.uri)).await;
        known.map_err(|error| resources::reading_error(&error, &uri))?;
        subscriptions.add(uri);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let Some(subscriptions) = &self.subscriptions else {
            return Err(ErrorData::method_not_found::<UnsubscribeRequestMethod>());
        };
        subscriptions.remove(&request.uri);
        Ok(())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        refuse_cursor(request)?;
        // Without a readable manifest there is nothing yet that needs a tool of its own.
        let manifest = self.resident.manifest().ok();
        let holds = |kind| manifest.as_ref().is_some_and(|manifest| manifest.holds(kind));
        Ok(ListToolsResult::with_all_items(self.tools.definitions(&holds))
            .with_ttl_ms(DEFINITIONS_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.definition(name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let outcome = match self.tools.prepare(&request.name, request.arguments)? {
            Ok(work) => self.work(&context, work).await,
            Err(error) => Err(error),
        };
        Ok(outcome.unwrap_or_else(ToolError::into_result).into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let page = self.work(&context, move |call| resources::list(&call.resident, cursor.as_deref())).await;
        page.map_err(|error| resources::protocol_error(&error))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        refuse_cursor(request)?;
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.clone();
        let read = self.work(&context, move |call| resources::read(&call.resident, &request.uri)).await;
        read.map(Into::into).map_err(|error| resources::reading_error(&error, &uri))
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let typed = request.argument.value;
        let found = match (&request.r#ref, request.argument.name.as_str()) {
            (Reference::Resource(template), "path") if template.uri == resources::TEMPLATE => {
                self.work(&context, move |call| resources::complete(&call.resident, &typed)).await
            }
            (Reference::Prompt(_), prompts::COLLECTION) => {
                self.work(&context, move |call| collections::complete(&call.resident, &typed)).await
            }
            _ => return Ok(CompleteResult::default()),
        };
        found.map(CompleteResult::new).map_err(|error| resources::protocol_error(&error))
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(malformed::error(&request.method))
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        refuse_cursor(request)?;
        Ok(ListPromptsResult::with_all_items(prompts::all(&self.tools))
            .with_ttl_ms(DEFINITIONS_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&self.tools, &request.name, request.arguments.as_ref()).map(Into::into)
    }
}

/// Takes out the notices that cannot reach a client of 2025-11-25 whose requests stand for themselves.
fn untold(capabilities: &mut ServerCapabilities) {
    if let Some(resources) = &mut capabilities.resources {
        (resources.subscribe, resources.list_changed) = (None, None);
    }
    if let Some(tools) = &mut capabilities.tools {
        tools.list_changed = None;
    }
}

/// A list that is always whole has no second page to point at.
fn refuse_cursor(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params("unknown cursor: this list has one page", None)),
    }
}
