//! What the handlers work with, and how a use case becomes an answer.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use agent::Agent;
use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use catalog::Catalog;
use control::{Caller, Context, Driver, Error, Limits, Origin, Outcome};
use model::{Record, Timestamp};
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::OpenApi;

use crate::audit::{self, Operations, Refusals};
use crate::auth::password::Passwords;
use crate::error::Problem;
use crate::frame::Frame;
use crate::names::Names;

/// The header with what the caller should know about a success: a JSON array of sentences, percent-encoded. The bodies
/// stay as documented (lifecycle section 3).
pub const WARNINGS_HEADER: &str = "x-causeway-warnings";

/// How long an answer waits for the data plane to have a change in force.
pub const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the API serves. Cheap to clone.
#[derive(Clone)]
pub struct State {
    driver: Arc<Driver>,
    agent: Arc<dyn Agent>,
    pub(crate) passwords: Passwords,
    names: Arc<Names>,
    operations: Arc<OnceLock<Operations>>,
    refusals: Refusals,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("driver", &self.driver).field("agent", &self.agent.kind()).finish_non_exhaustive()
    }
}

/// A committed change: its value, the catalog that has it, and what the caller should know.
pub(crate) struct Done<T> {
    pub(crate) value: T,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) warnings: Vec<String>,
}

impl State {
    /// The API of this driver's objects and this agent's data plane. Limits, regions and the clock are the driver's.
    #[must_use]
    pub fn new(driver: Arc<Driver>, agent: Arc<dyn Agent>) -> Self {
        Self {
            driver,
            agent,
            passwords: Passwords::default(),
            names: Arc::default(),
            operations: Arc::default(),
            refusals: Refusals::default(),
        }
    }

    /// The same with other host names.
    #[must_use]
    pub fn with_names(self, names: Names) -> Self {
        Self { names: Arc::new(names), ..self }
    }

    pub(crate) fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names)
    }

    /// Waits until the refusals that were answered so far are in the audit log, for a second at most. For the end of a
    /// server, and for readers of the log.
    pub async fn refusals_written(&self) {
        self.refusals.written().await;
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// What the operations are called. Known once the routes are made, which is before there are requests.
    pub(crate) fn operations(&self) -> &Operations {
        self.operations.get_or_init(Operations::default)
    }

    /// Says what the operations are called.
    pub(crate) fn name_operations(&self, document: OpenApi) {
        let _ = self.operations.set(Operations::of(document));
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(crate) fn shared_driver(&self) -> Arc<Driver> {
        Arc::clone(&self.driver)
    }

    /// Where the changes of the request that is served come from.
    fn origin() -> Origin {
        audit::current().map_or_else(|| Origin::system("unknown"), |attempt| attempt.origin())
    }

    pub(crate) fn agent(&self) -> &dyn Agent {
        self.agent.as_ref()
    }

    pub(crate) fn shared_agent(&self) -> Arc<dyn Agent> {
        Arc::clone(&self.agent)
    }

    /// The catalog as it is now: every read of one request uses one catalog.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.driver.catalog()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.driver.now()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.driver.settings().limits
    }

    /// Seals and opens the secrets of access keys.
    pub(crate) fn vault(&self) -> &control::Vault {
        &self.driver.settings().vault
    }

    pub(crate) fn regions(&self) -> &[control::Region] {
        &self.driver.settings().config.regions
    }

    /// Commits a use case that changes the network, and waits until the data plane has it in force.
    pub(crate) async fn commit<T>(
        &self,
        caller: &Caller,
        mut use_case: impl FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<T>, Error> + Send,
    ) -> Result<Done<T>, Problem> {
        let mut no_room = None;
        let origin = Self::origin();
        let executed = self.driver.execute_as(&origin, |catalog, ctx| {
            let outcome = use_case(catalog, caller, ctx)?;
            // The tables of a kernel have a size: what does not fit is refused here, or its packets would be dropped.
            if grows(catalog, &outcome.changes) {
                no_room = self.agent.full();
            }
            match no_room {
                Some(_) => Err(Error::Exhausted { what: "room in the forwarding tables" }),
                None => Ok(outcome),
            }
        });
        let done = match (executed.await, no_room) {
            (Err(_), Some(reason)) => return Err(Problem::no_room(reason)),
            (done, _) => done?,
        };
        let mut warnings: Vec<String> = done.warnings.iter().map(ToString::to_string).collect();
        // What is committed is committed: a refusal now would be a lie. The caller is told that it is not in force yet.
        let settled = tokio::time::timeout(SETTLE_TIMEOUT, self.agent.settled(done.revision.0)).await;
        let late = match settled {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("not in force after {} s", SETTLE_TIMEOUT.as_secs())),
        };
        if let Some(reason) = late {
            tracing::error!(revision = done.revision.0, reason, "a committed change is not in force");
            warnings.push(format!("The change is stored, but the data plane does not have it yet: {reason}."));
        }
        Ok(Done { value: done.value, catalog: self.catalog(), warnings })
    }

    /// Waits until the catalog fulfils a condition and the data plane has that catalog in force, or the time is up.
    pub(crate) async fn until(&self, timeout: Duration, condition: impl Fn(&Catalog) -> bool) {
        let mut updates = self.driver.watch();
        let fulfilled = async {
            while !condition(updates.catalog()) {
                // The catalog follows nothing any more: nothing will come.
                updates.next().await?;
            }
            Some(updates.catalog().revision())
        };
        if let Ok(Some(revision)) = tokio::time::timeout(timeout, fulfilled).await {
            // What is late here is late for everybody and told by those who wait for their own changes.
            let _ = tokio::time::timeout(SETTLE_TIMEOUT, self.agent.settled(revision.0)).await;
        }
    }

    /// Commits a use case that the data plane has no part in.
    pub(crate) async fn record<T>(
        &self,
        use_case: impl FnMut(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error> + Send,
    ) -> Result<T, Problem> {
        Ok(self.driver.execute_as(&Self::origin(), use_case).await?.value)
    }

    /// Checks a use case without committing it: the answer to a dry run of v3.
    pub(crate) fn rehearse<T>(
        &self,
        caller: &Caller,
        frame: &Frame,
        mut use_case: impl FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<Response, Problem> {
        if let Some(attempt) = audit::current() {
            attempt.rehearses();
        }
        let outcome = self.driver.dry_run(|catalog, ctx| use_case(catalog, caller, ctx))?;
        let warnings: Vec<String> = outcome.warnings.iter().map(ToString::to_string).collect();
        let body = Json(json!({"request_id": frame.request_id}));
        Ok(with_warnings((StatusCode::ACCEPTED, body).into_response(), &warnings))
    }
}

/// Whether the changes make something that takes room in forwarding tables.
fn grows(catalog: &Catalog, changes: &control::Changes) -> bool {
    changes.puts().any(|record| match record {
        Record::SecurityGroup(group) => {
            catalog.security_group(group.id).is_none_or(|old| old.rules.len() < group.rules.len())
        }
        Record::Vpc(vpc) => catalog.vpc(vpc.id).is_none_or(|old| old.cidrs().count() < vpc.cidrs().count()),
        Record::NetworkAcl(acl) => {
            let count = |acl: &model::NetworkAcl| acl.ingress.len() + acl.egress.len();
            catalog.network_acl(acl.id).is_none_or(|old| count(old) < count(acl))
        }
        Record::AddressGroup(group) => {
            catalog.address_group(group.id).is_none_or(|old| old.ranges().len() < group.ranges().len())
        }
        Record::Port(port) => {
            let pairs = |port: &model::Port| port.allowed_address_pairs.len();
            catalog.port(port.id).is_none_or(|old| pairs(old) < pairs(port))
        }
        Record::Subnet(_) | Record::Route(_) | Record::Peering(_) | Record::Server(_) => {
            catalog.mod_revision(&record.key()).is_none()
        }
        _ => false,
    })
}

impl<T> Done<T> {
    /// The answer with a body made of the value and of the catalog that has it.
    pub(crate) fn reply<B: Serialize>(&self, status: StatusCode, body: impl FnOnce(&T, &Catalog) -> B) -> Response {
        let body = body(&self.value, &self.catalog);
        with_warnings((status, Json(body)).into_response(), &self.warnings)
    }

    /// The answer to a deletion.
    pub(crate) fn gone(&self) -> Response {
        with_warnings(StatusCode::NO_CONTENT.into_response(), &self.warnings)
    }
}

fn with_warnings(mut response: Response, warnings: &[String]) -> Response {
    if !warnings.is_empty() {
        let text = signing::encode(&json!(warnings).to_string());
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(WARNINGS_HEADER, value);
        }
    }
    response
}
