//! Events of the audit log (Causeway's own operations).

use serde::{Deserialize, Serialize};

/// Who did what, when, from where, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// UUID; ids ascend in the order of the changes.
    pub id: String,
    /// UTC.
    pub time: String,
    /// The project that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Operation id of the OpenAPI document.
    pub operation: String,
    /// Who did it.
    pub actor: EventActor,
    /// Address of the client; of calls of the own account only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_address: Option<String>,
    /// What the client calls itself; of calls of the own account only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The request's id; of calls of the own account only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<EventResource>,
    /// What changed: 32 objects at most.
    pub changes: Vec<EventChange>,
    /// Objects that changed besides those in `changes`.
    pub more_changes: u64,
    /// Custom routes that it removed.
    pub routes_removed: Vec<RoutesRemoved>,
    /// `success` or `failure`.
    pub result: String,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<EventError>,
}

/// Who did it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventActor {
    /// `user`, `unproven`, `peer`, `operator` or `system`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// Of a user, and of one who says to be that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Of a user, and of one who says to be that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Of the account at the other end of a peering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}

/// An object that an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventResource {
    /// `vpc`, `route-table`, `peering`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name, if it has one that is known.
    pub name: String,
}

/// What happened to an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventChange {
    /// `vpc`, `route-table`, `peering`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `created`, `updated` or `deleted`.
    pub change: String,
    /// The fields that have another value now.
    pub fields: Vec<String>,
    /// Of a peering: the state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_state: Option<String>,
    /// Of a peering: the state after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_state: Option<String>,
}

/// Custom routes that were removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutesRemoved {
    /// The VPC that had them.
    pub vpc_id: String,
    /// How many.
    pub count: u64,
}

/// Why a call was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventError {
    /// HTTP status.
    pub status: u16,
    /// The code in the words of the answer's API family.
    pub code: String,
    /// Causeway's own code.
    pub error: String,
    /// For people.
    pub message: String,
}

/// Which events to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EventFilter {
    /// From this time on, such as `2026-01-02T03:04:05Z`.
    pub since: Option<String>,
    /// Before this time.
    pub until: Option<String>,
    /// Operation ids, separated by commas.
    pub operation: Option<String>,
    /// About this object, or changing it.
    pub resource_id: Option<String>,
    /// About objects of this kind, or changing some.
    pub resource_type: Option<String>,
    /// By the user of this name or id.
    pub user: Option<String>,
    /// `success` or `failure`.
    pub result: Option<String>,
    /// Of this request.
    pub request_id: Option<String>,
    /// Of another account; operators only.
    pub account_id: Option<String>,
    /// Newer than this event.
    pub after: Option<String>,
    /// Older than this event.
    pub marker: Option<String>,
    /// At most this many, up to 2000.
    pub limit: Option<usize>,
}

/// A page of events, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// What follows.
    pub page_info: EventPageInfo,
}

/// What follows a page of events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventPageInfo {
    /// Events on the page.
    pub current_count: u64,
    /// The marker of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}
