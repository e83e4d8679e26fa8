//! The protocol's requests, answered from a resident retriever.

use std::sync::Arc;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::arguments::nearest;
use super::failure::ToolError;
use super::instructions::instructions;
use super::tools::ToolName;
use super::workers::Workers;
use crate::retrieval::Resident;

/// The definitions change only with the program.
const DEFINITIONS_TTL_MS: u64 = 300_000;

/// Serves one resident retriever to any number of connections.
#[derive(Clone)]
pub(super) struct DocumentServer {
    resident: Arc<Resident>,
    workers: Arc<Workers>,
    tools: Arc<[Tool]>,
}

impl DocumentServer {
    pub(super) fn new(resident: Arc<Resident>, workers: Workers) -> Self {
        let tools = ToolName::ALL.map(ToolName::definition);
        Self { resident, workers: Arc::new(workers), tools: tools.into() }
    }

    async fn call(
        &self,
        tool: ToolName,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ToolError> {
        let work = tool.prepare(request.arguments)?;
        let resident = Arc::clone(&self.resident);
        let result = self.workers.run(context, move || work(&resident)).await?;
        Ok(result.into())
    }
}

impl ServerHandler for DocumentServer {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_title("docent: local documents")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(server)
            .with_instructions(instructions(&self.resident))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        refuse_cursor(request)?;
        Ok(ListToolsResult::with_all_items(self.tools.to_vec())
            .with_ttl_ms(DEFINITIONS_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = ToolName::of(&request.name) else { return Err(unknown_tool(&request.name)) };
        Ok(match self.call(tool, request, &context).await {
            Ok(response) => response,
            Err(error) => error.into_result().into(),
        })
    }
}

/// A list that is always whole has no second page to point at.
fn refuse_cursor(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params("unknown cursor: this list has one page", None)),
    }
}

fn unknown_tool(name: &str) -> ErrorData {
    let known = ToolName::ALL.map(ToolName::as_str);
    let advice = match nearest(name, &known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known tools: {}", known.join(", ")),
    };
    let name: String = name.chars().take(64).collect();
    ErrorData::invalid_params(format!("unknown tool `{name}`; {advice}"), None)
}
