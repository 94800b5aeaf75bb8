//! Events: who did what, when, from where, and what came of it (lifecycle section 8).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, PeeringStatus, ProjectId, Timestamp, UserId, VpcId};

/// One event as one account may see it. Kept in the account's journal; its [`EventId`] is the row's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// The account that may read it.
    pub account: AccountId,
    /// The project that it is about; `None` for what concerns all of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// Operation id of the API, or what the system did in the same words.
    pub operation: String,
    /// Who.
    pub actor: Actor,
    /// Address of the client, for the account that called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// What the client calls itself, for the account that called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// `X-Request-Id` of the answer, for the account that called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What it is about; `None` when nothing in the request or in the change says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<EventResource>,
    /// What changed, [`Event::MAX_CHANGES`] objects at most. Nothing for a refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<EventChange>,
    /// Objects that changed besides those in `changes`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_changes: usize,
    /// Custom routes that the change removed, by VPC.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routes_removed: BTreeMap<VpcId, usize>,
    /// What came of it.
    pub result: EventResult,
}

impl Event {
    /// Objects that one event names at most: a peering may take a thousand routes with it.
    pub const MAX_CHANGES: usize = 32;

    /// The stored form: JSON.
    ///
    /// # Errors
    /// If the event cannot be written as JSON.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads the stored form back.
    ///
    /// # Errors
    /// For a text of another form.
    pub fn decode(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// Whether the event is about an object, or changed it.
    #[must_use]
    pub fn concerns(&self, resource: &str) -> bool {
        let about = self.resource.as_ref().is_some_and(|about| about.id == resource);
        about || self.changes.iter().any(|change| change.resource.id == resource)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the attribute's signature")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Who did it, as far as the reader may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum Actor {
    /// A user who had proved who it was.
    User {
        /// The user's account.
        account: AccountId,
        /// The account's name at that time.
        account_name: String,
        /// The user.
        user: UserId,
        /// The user's name at that time.
        user_name: String,
    },
    /// Somebody who named a user or a key of the account and could not prove it.
    Unproven {
        /// The user that was named.
        user: UserId,
        /// The user's name at that time.
        user_name: String,
    },
    /// The account at the other end of a peering, of which no more is anybody's business (lifecycle section 4).
    Peer {
        /// The project at the other end.
        project: ProjectId,
    },
    /// The operator's account.
    Operator,
    /// The server itself.
    System,
}

/// An object that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventResource {
    /// Its kind: the first part of its record's key, such as `vpc` or `route-table`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name after the change; empty for what has none, and for a refusal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// What an event did to an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventChange {
    /// The object.
    #[serde(flatten)]
    pub resource: EventResource,
    /// What happened to it.
    pub change: ChangeKind,
    /// The fields of an updated object that have another value now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The state of a peering before; `None` when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_state: Option<PeeringStatus>,
    /// The state of a peering after; `None` when it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_state: Option<PeeringStatus>,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was removed.
    Deleted,
}

impl ChangeKind {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum EventResult {
    /// It is committed: the event was written with it.
    Success,
    /// Nothing changed.
    Failure {
        /// The answer's HTTP status.
        status: u16,
        /// The answer's code, in the words of its API family.
        code: String,
        /// Causeway's own code, the same in every family.
        error: String,
        /// The answer's sentence.
        message: String,
    },
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::EventId;

    fn event(result: EventResult) -> Event {
        Event {
            time: Timestamp::from_unix_seconds(1_767_323_045),
            account: AccountId::new(Uuid::nil()),
            project: None,
            operation: "createVpc".to_owned(),
            actor: Actor::System,
            source: Some(IpAddr::from([192, 0, 2, 1])),
            user_agent: None,
            request_id: None,
            resource: Some(EventResource { kind: "vpc".to_owned(), id: "v".to_owned(), name: "one".to_owned() }),
            changes: vec![EventChange {
                resource: EventResource { kind: "subnet".to_owned(), id: "s".to_owned(), name: String::new() },
                change: ChangeKind::Updated,
                fields: vec!["name".to_owned()],
                old_state: None,
                new_state: None,
            }],
            more_changes: 0,
            routes_removed: BTreeMap::from([(VpcId::new(Uuid::nil()), 3)]),
            result,
        }
    }

    #[test]
    fn what_is_stored_comes_back() {
        let failure = EventResult::Failure {
            status: 409,
            code: "VPC.1".to_owned(),
            error: "duplicate".to_owned(),
            message: "no".to_owned(),
        };
        for result in [EventResult::Success, failure] {
            let event = event(result);
            assert_eq!(Event::decode(&event.encode().unwrap()).unwrap(), event);
        }
    }

    #[test]
    fn an_event_concerns_what_it_is_about_and_what_it_changed() {
        let event = event(EventResult::Success);
        assert!(event.concerns("v") && event.concerns("s") && !event.concerns("x"));
    }

    #[test]
    fn ids_ascend_with_time() {
        let id = |seconds, bits| EventId::at(Timestamp::from_unix_seconds(seconds), Uuid::from_bytes([bits; 16]));
        assert!(id(1, 0xff) < id(2, 0));
        assert_eq!(id(1_767_323_045, 7).time().unix_seconds(), 1_767_323_045);
        let text = id(1_767_323_045, 7).to_string();
        assert_eq!(&text[14..15], "7", "{text} is a UUID of version 7");
        assert_eq!(text.parse::<EventId>().unwrap(), id(1_767_323_045, 7));
    }
}
