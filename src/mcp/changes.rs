//! Notices: what clients are told when the index they read from has moved on.
//!
//! While somebody listens, the manifest is looked at once in a while (one `stat`); a new generation
//! is opened, compared with the one before, and what differs is told. 2026-07-28 listens by
//! `subscriptions/listen`, over either transport; 2025-11-25 by `resources/subscribe`, over a
//! connection that lasts.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::SubscriptionContext;
use rmcp::{Peer, RoleServer};

use super::failure::ToolError;
use super::paths::locate;
use super::toolset::Toolset;
use crate::retrieval::{DocumentRecord, Reader, Resident};

/// How often the manifest is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// The resources that one connection of 2025-11-25 wants to hear of.
#[derive(Default)]
pub(super) struct Subscriptions {
    uris: Mutex<BTreeSet<String>>,
}

impl Subscriptions {
    pub(super) fn add(&self, uri: String) {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).insert(uri);
    }

    pub(super) fn remove(&self, uri: &str) {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }

    fn all(&self) -> Vec<String> {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// What is different in a new generation.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    /// Whether other tools are listed: some are only where there are documents for them.
    tools: bool,
    /// Whether documents came, went, or are described otherwise.
    list: bool,
    /// Of the resources that were asked about, those whose text is another one.
    updated: Vec<String>,
}

/// One listener's view of the index.
struct Watch {
    resident: Arc<Resident>,
    tools: Toolset,
    seen: Option<Arc<Reader>>,
}

impl Watch {
    async fn new(resident: Arc<Resident>, tools: Toolset) -> Self {
        let seen = newest(&resident).await;
        Self { resident, tools, seen }
    }

    /// Waits a while, and says what is different then, if anything. `uris` are asked for then.
    async fn poll(&mut self, uris: impl Fn() -> Vec<String>) -> Option<Change> {
        tokio::time::sleep(INTERVAL).await;
        let now = newest(&self.resident).await?;
        let before = self.seen.replace(Arc::clone(&now));
        if before.as_ref().is_some_and(|before| Arc::ptr_eq(before, &now)) {
            return None;
        }
        let (uris, tools) = (uris(), self.tools.clone());
        let compared =
            tokio::task::spawn_blocking(move || difference(&tools, before.as_deref(), &now, &uris));
        // A damaged record is met, and told, by whoever reads it.
        compared.await.ok()?.ok()
    }
}

async fn newest(resident: &Arc<Resident>) -> Option<Arc<Reader>> {
    let resident = Arc::clone(resident);
    tokio::task::spawn_blocking(move || resident.reader().ok()).await.ok().flatten()
}

/// The names of the tools that are listed over this index, or over none.
fn listed_tools(tools: &Toolset, index: Option<&Reader>) -> Vec<Cow<'static, str>> {
    let holds = |kind| index.is_some_and(|index| index.manifest().holds(kind));
    tools.definitions(&holds).into_iter().map(|tool| tool.name).collect()
}

fn difference(
    tools: &Toolset,
    before: Option<&Reader>,
    now: &Reader,
    uris: &[String],
) -> Result<Change, ToolError> {
    let tools = listed_tools(tools, before) != listed_tools(tools, Some(now));
    let Some(before) = before else {
        return Ok(Change { tools, list: true, updated: uris.to_vec() });
    };
    let listed =
        |reader: &Reader| -> Result<Vec<DocumentRecord>, ToolError> { Ok(reader.documents(0..usize::MAX)?) };
    let list = before.manifest().generation != now.manifest().generation && listed(before)? != listed(now)?;
    let hash = |reader: &Reader, uri: &str| locate(reader, uri).ok().map(|found| found.document.hash);
    let changed = |uri: &&String| hash(before, uri) != hash(now, uri);
    Ok(Change { tools, list, updated: uris.iter().filter(changed).cloned().collect() })
}

/// Tells a listener of 2026-07-28 until it leaves.
pub(super) async fn tell_listener(resident: Arc<Resident>, tools: Toolset, context: &SubscriptionContext) {
    let mut watch = Watch::new(resident, tools).await;
    let uris = context.accepted().resource_subscriptions.clone().unwrap_or_default();
    let wants_list = context.accepted().resources_list_changed == Some(true);
    let wants_tools = context.accepted().tools_list_changed == Some(true);
    loop {
        let change = tokio::select! {
            change = watch.poll(|| uris.clone()) => change,
            () = context.cancelled() => return,
        };
        let Some(change) = change else { continue };
        if wants_tools && change.tools && context.sink().notify_tool_list_changed().await.is_err() {
            return;
        }
        if wants_list && change.list && context.sink().notify_resource_list_changed().await.is_err() {
            return;
        }
        for uri in change.updated {
            if context.sink().notify_resource_updated(uri).await.is_err() {
                return;
            }
        }
    }
}

/// Tells a client of 2025-11-25 until its connection ends.
pub(super) async fn tell_peer(
    resident: Arc<Resident>,
    tools: Toolset,
    peer: Peer<RoleServer>,
    subscriptions: Arc<Subscriptions>,
) {
    let mut watch = Watch::new(resident, tools).await;
    while !peer.is_transport_closed() {
        let Some(change) = watch.poll(|| subscriptions.all()).await else { continue };
        if change.tools && peer.notify_tool_list_changed().await.is_err() {
            return;
        }
        if change.list && peer.notify_resource_list_changed().await.is_err() {
            return;
        }
        for uri in change.updated {
            let updated = ResourceUpdatedNotificationParam::new(uri);
            if peer.notify_resource_updated(updated).await.is_err() {
                return;
            }
        }
    }
}
