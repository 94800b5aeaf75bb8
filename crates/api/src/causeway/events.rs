//! The audit log (lifecycle section 8): what an account may read of who did what.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use control::Caller;
use model::{AccountId, Actor, ChangeKind, Event, EventId, EventResource, EventResult, Kind, ProjectId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::id;
use crate::query::{PAGE_LIMIT, Query};
use crate::state::State;
use crate::wire::body;

/// Events on a page when the client names no limit.
const DEFAULT_LIMIT: usize = 100;
/// Rows read from the store at a time.
const CHUNK: usize = 500;
/// Rows that one call looks at: a filter that fits few of many answers with the page that it has, and goes on from there.
const LOOK: usize = 20_000;

/// An event.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventObject {
    /// A UUID of version 7: ids ascend in the order of the changes.
    id: String,
    /// When, UTC.
    time: String,
    /// The project that it is about; `null` for what concerns all of the account.
    project_id: Option<String>,
    /// Operation id of this document, or what the server did by itself in the same words.
    operation: String,
    actor: ActorObject,
    /// Address of the client; of calls of the own account only.
    source_address: Option<String>,
    /// What the client calls itself; of calls of the own account only.
    user_agent: Option<String>,
    /// `X-Request-Id` of the answer; of calls of the own account only.
    request_id: Option<String>,
    /// What it is about.
    resource: Option<ResourceObject>,
    /// What changed: 32 objects at most.
    changes: Vec<ChangeObject>,
    /// Objects that changed besides those in `changes`.
    more_changes: usize,
    /// Custom routes that it removed.
    routes_removed: Vec<RoutesRemoved>,
    /// `success` or `failure`.
    result: &'static str,
    /// Why it was refused; `null` for a success.
    error: Option<ErrorObject>,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActorObject {
    /// `user`; `unproven`, somebody whose credentials for this user were refused; `peer`, the account at the other end of
    /// the peering; `operator`; `system`.
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    /// Of a `peer`: its project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
}

/// An object that an event is about.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceObject {
    /// `vpc`, `subnet`, `network`, `cidr-reservation`, `route-table`, `route`, `peering`, `security-group`,
    /// `security-group-rule`, `network-acl`, `network-acl-policy`, `network-acl-rule`, `address-group`, `port`, `server`,
    /// `account`, `project`, `user`, `policy`, `access-key`, `token` or `enterprise-project`; of refusals also what there
    /// is not, such as `flow-log`.
    r#type: String,
    id: String,
    name: String,
}

/// What happened to an object.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeObject {
    #[serde(flatten)]
    resource: ResourceObject,
    /// `created`, `updated` or `deleted`.
    change: &'static str,
    /// The fields of an updated object that have another value now.
    fields: Vec<String>,
    /// Of a peering: the state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_state: Option<&'static str>,
    /// Of a peering: the state after; `DELETED` when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_state: Option<&'static str>,
}

/// Custom routes that were removed.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoutesRemoved {
    vpc_id: String,
    count: usize,
}

/// Why a call was refused: what its answer said.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorObject {
    /// HTTP status.
    status: u16,
    /// The code in the words of the answer's API family.
    code: String,
    /// Causeway's own code, the same in every family.
    error: String,
    message: String,
}

/// A page of events, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventList {
    events: Vec<EventObject>,
    page_info: EventPage,
}

/// What follows a page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage {
    current_count: usize,
    /// What to send as `marker` for older events; `null` at the end. A page may have fewer events than asked for, even
    /// none, and still be followed by others.
    next_marker: Option<String>,
}

body! {
    /// An event.
    EventBody { "event" event: EventObject }
}

impl ResourceObject {
    fn new(resource: EventResource) -> Self {
        Self { r#type: resource.kind, id: resource.id, name: resource.name }
    }
}

impl ActorObject {
    fn new(actor: Actor) -> Self {
        let nobody = |r#type| Self {
            r#type,
            account_id: None,
            account_name: None,
            user_id: None,
            user_name: None,
            project_id: None,
        };
        match actor {
            Actor::User { account, account_name, user, user_name } => Self {
                account_id: Some(account.to_string()),
                account_name: Some(account_name),
                user_id: Some(user.to_string()),
                user_name: Some(user_name),
                ..nobody("user")
            },
            Actor::Unproven { user, user_name } => {
                Self { user_id: Some(user.to_string()), user_name: Some(user_name), ..nobody("unproven") }
            }
            Actor::Peer { project } => Self { project_id: Some(project.to_string()), ..nobody("peer") },
            Actor::Operator => nobody("operator"),
            Actor::System => nobody("system"),
        }
    }
}

impl EventObject {
    fn new(id: EventId, event: Event) -> Self {
        let peering = Kind::Peering.prefix();
        let changes = event.changes.into_iter().map(|change| ChangeObject {
            old_state: change.old_state.map(model::PeeringStatus::as_str),
            new_state: match change.new_state {
                Some(state) => Some(state.as_str()),
                None if change.change == ChangeKind::Deleted && change.resource.kind == peering => Some("DELETED"),
                None => None,
            },
            resource: ResourceObject::new(change.resource),
            change: change.change.as_str(),
            fields: change.fields,
        });
        let (result, error) = match event.result {
            EventResult::Success => ("success", None),
            EventResult::Failure { status, code, error, message } => {
                ("failure", Some(ErrorObject { status, code, error, message }))
            }
        };
        Self {
            id: id.to_string(),
            time: event.time.with_zone(),
            project_id: event.project.map(|project| project.to_string()),
            operation: event.operation,
            actor: ActorObject::new(event.actor),
            source_address: event.source.map(|address| address.to_string()),
            user_agent: event.user_agent,
            request_id: event.request_id,
            resource: event.resource.map(ResourceObject::new),
            changes: changes.collect(),
            more_changes: event.more_changes,
            routes_removed: event
                .routes_removed
                .into_iter()
                .map(|(vpc, count)| RoutesRemoved { vpc_id: vpc.to_string(), count })
                .collect(),
            result,
            error,
        }
    }
}

/// Whose events are asked for: all of an account, or those of a project of it.
struct Reader {
    account: AccountId,
    project: Option<ProjectId>,
}

impl Reader {
    fn of(caller: &Caller, query: &Query) -> Result<Self, Problem> {
        match query.one("account_id") {
            None => Ok(Self { account: caller.account, project: caller.project }),
            Some(text) => {
                let account: AccountId = id(text, "account_id")?;
                if account == caller.account {
                    Ok(Self { account, project: caller.project })
                } else if caller.operator {
                    Ok(Self { account, project: None })
                } else {
                    Err(Problem::forbidden("only the operator's account may read the events of other accounts"))
                }
            }
        }
    }

    fn sees(&self, event: &Event) -> bool {
        self.project.is_none_or(|project| event.project == Some(project))
    }
}

/// What events are asked for.
struct Filter<'a> {
    query: &'a Query,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    succeeded: Option<bool>,
}

impl<'a> Filter<'a> {
    fn of(query: &'a Query) -> Result<Self, Problem> {
        let time = |name: &str| match query.one(name).map(str::parse::<jiff::Timestamp>) {
            None => Ok(None),
            Some(Ok(time)) => Ok(Some(Timestamp::from(time))),
            Some(Err(_)) => Err(Problem::invalid(format!("{name}: a time such as 2026-01-02T03:04:05Z is expected"))),
        };
        let succeeded = match query.one("result") {
            None => None,
            Some("success") => Some(true),
            Some("failure") => Some(false),
            Some(_) => return Err(Problem::invalid("result: success or failure is expected")),
        };
        Ok(Self { query, since: time("since")?, until: time("until")?, succeeded })
    }

    fn fits(&self, event: &Event) -> bool {
        let query = self.query;
        let user = query.one("user").is_none_or(|wanted| match &event.actor {
            Actor::User { user, user_name, .. } | Actor::Unproven { user, user_name } => {
                user_name == wanted || user.to_string() == wanted
            }
            Actor::Peer { .. } | Actor::Operator | Actor::System => false,
        });
        let kind = query.one("resource_type").is_none_or(|wanted| {
            event.resource.as_ref().is_some_and(|resource| resource.kind == wanted)
                || event.changes.iter().any(|change| change.resource.kind == wanted)
        });
        user && kind
            && query.any("operation", &event.operation)
            && query.one("resource_id").is_none_or(|wanted| event.concerns(wanted))
            && query.one("request_id").is_none_or(|wanted| event.request_id.as_deref() == Some(wanted))
            && self.succeeded.is_none_or(|wanted| (event.result == EventResult::Success) == wanted)
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time < until)
    }
}

/// List events of the account, the newest first: of all of it for a call without a project, else those of the project.
/// Refusals of calls that were answered before are in the list.
#[utoipa::path(get, path = "/causeway/v1/events", tag = "Causeway", operation_id = "listEvents",
    params(
        ("since" = Option<String>, Query, description = "Events from this time on, such as 2026-01-02T03:04:05Z"),
        ("until" = Option<String>, Query, description = "Events before this time"),
        ("operation" = Option<String>, Query, description = "Operation ids, repeated or separated by commas"),
        ("resource_id" = Option<String>, Query, description = "Events about an object, or that changed it"),
        ("resource_type" = Option<String>, Query, description = "Events about objects of a kind, or that changed some"),
        ("user" = Option<String>, Query, description = "Name or id of the user who called"),
        ("result" = Option<String>, Query, description = "success or failure"),
        ("request_id" = Option<String>, Query, description = "X-Request-Id of the call"),
        ("account_id" = Option<String>, Query, description = "Another account's events. Operators only"),
        ("limit" = Option<usize>, Query, description = "Events on a page, 1 to 2000; 100 unless given"),
        ("marker" = Option<String>, Query, description = "Events older than this one: next_marker of the page before"),
        ("after" = Option<String>, Query, description = "Events newer than this one")),
    responses((status = 200, body = EventList)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<EventList>, Problem> {
    let reader = Reader::of(&identity.caller(), &query)?;
    let filter = Filter::of(&query)?;
    let limit = match query.limit()? {
        None => DEFAULT_LIMIT,
        Some(limit) if (1..=PAGE_LIMIT).contains(&limit) => limit,
        Some(limit) => return Err(Problem::invalid(format!("limit: 1 to {PAGE_LIMIT} is expected, not {limit}"))),
    };
    let given = |name: &str| query.one(name).map(|text| id::<EventId>(text, name)).transpose();
    let (mut before, after) = (given("marker")?, given("after")?);
    state.refusals_written().await;

    let mut events = Vec::new();
    let mut looked = 0;
    let next = loop {
        let chunk = state.driver().events(reader.account, after, before, CHUNK).await?;
        let last_chunk = chunk.len() < CHUNK;
        for (id, event) in chunk {
            if events.len() == limit {
                break;
            }
            looked += 1;
            before = Some(id);
            if let Some(event) = event
                && reader.sees(&event)
                && filter.fits(&event)
            {
                events.push(EventObject::new(id, event));
            }
        }
        if events.len() == limit || looked >= LOOK {
            break before;
        }
        if last_chunk {
            break None;
        }
    };
    let page_info = EventPage { current_count: events.len(), next_marker: next.map(|id| id.to_string()) };
    Ok(Json(EventList { events, page_info }))
}

/// Show an event.
#[utoipa::path(get, path = "/causeway/v1/events/{id}", tag = "Causeway", operation_id = "showEvent",
    params(("account_id" = Option<String>, Query, description = "Another account's event. Operators only")),
    responses((status = 200, body = EventBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(event): Path<String>,
    identity: Identity,
    query: Query,
) -> Result<Json<EventBody>, Problem> {
    let reader = Reader::of(&identity.caller(), &query)?;
    let unknown = || Problem::not_found("event not found: it may be older than the log keeps events");
    let id: EventId = event.parse().map_err(|_| unknown())?;
    let found = state.driver().event(reader.account, id).await?.filter(|event| reader.sees(event));
    Ok(Json(EventBody { event: EventObject::new(id, found.ok_or_else(unknown)?) }))
}
