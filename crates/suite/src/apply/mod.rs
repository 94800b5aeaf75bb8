//! Makes a server as a topology document says, through the public API, changing only what differs.
//!
//! The document owns what is inside the VPCs that it names: subnets, servers, custom route tables and routes, and the
//! peerings that these VPCs request. What is there and not in the document is deleted. VPCs that it does not name are
//! left alone. Running twice changes nothing the second time.

pub(crate) mod acl;
mod group;
mod peering;
mod ranges;
mod remove;
mod route;
mod server;
pub(crate) mod vip;
mod vpc;

use std::collections::BTreeMap;
use std::fmt;

use client::{Client, Error};

pub(crate) use group::{ALLOW_ALL, find_rule, rule_request};
pub use remove::{remove, remove_all};
pub(crate) use route::next_hop;
pub(crate) use server::kind;
pub(crate) use vpc::subnet_create;

use crate::access::{Access, AccessError};
use crate::document::{Defaults, Scenario, suggestion};

/// What could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An account that cannot be called as.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The server refused one operation; what was done before stays, and applying again goes on from there.
    #[error("{what}")]
    Api {
        /// The change that was tried.
        what: String,
        /// Why it was refused.
        #[source]
        source: Error,
    },
    /// The document asks for what cannot be applied.
    #[error("{0}")]
    Unsupported(String),
    /// A name that the document does not have.
    #[error("there is no {kind} `{name}` in the document{suggestion}")]
    Unknown {
        /// Kind of object.
        kind: &'static str,
        /// The name.
        name: String,
        /// "; did you mean …?" or nothing.
        suggestion: String,
    },
}

/// What a change does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Made.
    Create,
    /// Changed.
    Update,
    /// Removed.
    Delete,
}

/// One change, as it is reported: `+ vpc VPC-A`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeLine {
    /// What it does.
    pub kind: ChangeKind,
    /// Object and what changes of it.
    pub text: String,
}

impl fmt::Display for ChangeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            ChangeKind::Create => '+',
            ChangeKind::Update => '~',
            ChangeKind::Delete => '-',
        };
        write!(f, "{sign} {}", self.text)
    }
}

/// Where an object of the document is on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Its id; empty in a dry run for what would be made.
    pub id: String,
    /// The account that owns it.
    pub account: String,
    /// Its region.
    pub region: String,
}

/// The document's objects by name, with their ids.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// VPCs.
    pub vpcs: BTreeMap<String, Placed>,
    /// Subnets.
    pub subnets: BTreeMap<String, Placed>,
    /// Route tables, default ones included.
    pub tables: BTreeMap<String, Placed>,
    /// Peering connections; the account is the requester's.
    pub peerings: BTreeMap<String, Placed>,
    /// Servers.
    pub servers: BTreeMap<String, Placed>,
    /// The primary ports of servers, by the server's name.
    pub ports: BTreeMap<String, String>,
    /// Virtual IPs.
    pub vips: BTreeMap<String, Placed>,
    /// The addresses of virtual IPs, by name.
    pub vip_addresses: BTreeMap<String, String>,
    /// Network ACLs.
    pub acls: BTreeMap<String, Placed>,
    /// Security groups by account, region and name.
    pub groups: BTreeMap<(String, String, String), String>,
    /// What was changed, in order.
    pub changes: Vec<ChangeLine>,
}

impl Applied {
    /// Looks a name up.
    ///
    /// # Errors
    /// [`ApplyError::Unknown`] with a suggestion.
    pub fn find<'a>(
        objects: &'a BTreeMap<String, Placed>,
        kind: &'static str,
        name: &str,
    ) -> Result<&'a Placed, ApplyError> {
        objects.get(name).ok_or_else(|| ApplyError::Unknown {
            kind,
            name: name.to_owned(),
            suggestion: suggestion(name, objects.keys().map(String::as_str)),
        })
    }
}

/// How to apply.
pub struct ApplyOptions<'a> {
    /// Only tell what would be changed.
    pub dry_run: bool,
    /// Told of each change when it is made.
    pub on_change: &'a mut (dyn FnMut(&ChangeLine) + Send),
    /// Told of each account that had to be made.
    pub on_account: &'a mut (dyn FnMut(&str, &crate::access::AccountAccess) + Send),
}

/// Applies one topology.
///
/// # Errors
/// [`ApplyError`]; what was done before stays, and applying again goes on from there.
pub async fn apply(
    access: &mut Access,
    scenario: &Scenario,
    defaults: &Defaults,
    options: &mut ApplyOptions<'_>,
) -> Result<Applied, ApplyError> {
    ranges::check(scenario).map_err(ApplyError::Unsupported)?;
    for (account, site) in accounts(scenario, defaults) {
        if let Some(made) = access.ensure(&account, &site).await? {
            (options.on_account)(&account, &made);
        }
    }
    let mut run = Run { access, scenario, defaults, options, done: Applied::default() };
    run.find_vpcs().await?;
    run.check_peerings()?;
    run.remove_what_is_too_much().await?;
    run.make_vpcs().await?;
    run.make_subnets().await?;
    run.make_acls().await?;
    run.make_tables().await?;
    run.make_groups().await?;
    run.make_servers().await?;
    run.make_vips().await?;
    // A route can name a pending peering, not one that has ended; and only when it has ended is there room for another
    // between the same two VPCs.
    run.make_peerings(true).await?;
    run.make_routes(true).await?;
    run.end_peerings().await?;
    run.make_peerings(false).await?;
    run.make_routes(false).await?;
    Ok(run.done)
}

/// All accounts that a document names, with the sites they belong to.
#[must_use]
pub fn accounts(scenario: &Scenario, defaults: &Defaults) -> BTreeMap<String, String> {
    let mut accounts = BTreeMap::from([(defaults.account.clone(), defaults.site.clone())]);
    for vpc in &scenario.vpcs {
        let site = vpc.site.clone().unwrap_or_else(|| defaults.site.clone());
        accounts.insert(vpc.account.clone().unwrap_or_else(|| defaults.account.clone()), site);
    }
    let others = scenario
        .security_groups
        .iter()
        .map(|g| &g.account)
        .chain(scenario.network_acls.iter().map(|acl| &acl.account))
        .chain(scenario.control.iter().map(|c| &c.operation.by))
        .chain(scenario.steps.iter().map(|s| &s.r#do.by));
    for account in others.flatten() {
        accounts.entry(account.clone()).or_insert_with(|| defaults.site.clone());
    }
    accounts
}

/// One application at work.
struct Run<'a, 'o> {
    access: &'a mut Access,
    scenario: &'a Scenario,
    defaults: &'a Defaults,
    options: &'a mut ApplyOptions<'o>,
    done: Applied,
}

impl Run<'_, '_> {
    fn client(&self, placed: &Placed) -> Result<Client, ApplyError> {
        Ok(self.access.client(&placed.account, &placed.region)?)
    }

    /// Reports a change; whether it is to be made.
    fn change(&mut self, kind: ChangeKind, text: impl Into<String>) -> bool {
        let line = ChangeLine { kind, text: text.into() };
        (self.options.on_change)(&line);
        self.done.changes.push(line);
        !self.options.dry_run
    }

    fn vpc_of_subnet(&self, subnet: &str) -> Result<&Placed, ApplyError> {
        let vpc = self.scenario.subnets.iter().find(|s| s.name == subnet).map_or("", |s| s.vpc.as_str());
        Applied::find(&self.done.vpcs, "VPC", vpc)
    }
}

/// Names the change that the server refused.
fn failed(what: impl Into<String>) -> impl FnOnce(Error) -> ApplyError {
    let what = what.into();
    move |source| ApplyError::Api { what: format!("cannot {what}"), source }
}
