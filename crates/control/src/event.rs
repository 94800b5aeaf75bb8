//! What a change is in the audit log: one event for each account that it concerns, with what that one may see (lifecycle
//! section 8).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use catalog::Catalog;
use model::{
    AccountId, Actor, ChangeKind, Event, EventChange, EventResource, EventResult, Kind, Peering, PeeringStatus,
    ProjectId, Record, SecurityGroup, Timestamp, UserId, VpcId,
};
use serde_json::Value;

use crate::Changes;

/// Kinds by how well they say what an operation was about, the best first: a server is made with its port, a VPC with its
/// route table.
const RANK: [Kind; 21] = [
    Kind::Account,
    Kind::User,
    Kind::Policy,
    Kind::AccessKey,
    Kind::Token,
    Kind::Server,
    Kind::Vpc,
    Kind::Subnet,
    Kind::Network,
    Kind::CidrReservation,
    Kind::Peering,
    Kind::RouteTable,
    Kind::NetworkAcl,
    Kind::NetworkAclPolicy,
    Kind::NetworkAclRule,
    Kind::AddressGroup,
    Kind::Port,
    Kind::Route,
    Kind::SecurityGroup,
    Kind::Project,
    Kind::Claim,
];

/// How events name the rules inside a security group.
const RULE: &str = "security-group-rule";

/// Digits of a token's hash that name the token: enough to find its end, of no use to anybody else.
const TOKEN_DIGITS: usize = 16;

/// Where a change comes from: what its events say of who, by what and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who acts.
    pub who: Who,
    /// The operation's id in the API, or the system's act in the same words.
    pub operation: String,
    /// The project that the call is scoped to.
    pub project: Option<ProjectId>,
    /// The object that the call names; its name may be empty.
    pub target: Option<EventResource>,
    /// Address of the client.
    pub source: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A user.
    User {
        /// The user's account.
        account: AccountId,
        /// The account's name.
        account_name: String,
        /// The user.
        user: UserId,
        /// The user's name.
        user_name: String,
        /// Whether the user has proved to be that one. Only a refusal may come from one who has not.
        proven: bool,
    },
    /// The server itself.
    System,
}

impl Origin {
    /// An act of the server itself.
    #[must_use]
    pub fn system(operation: &str) -> Self {
        Self {
            who: Who::System,
            operation: operation.to_owned(),
            project: None,
            target: None,
            source: None,
            user_agent: None,
            request_id: None,
        }
    }

    /// The account that acts.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match &self.who {
            Who::User { account, .. } => Some(*account),
            Who::System => None,
        }
    }

    /// The event of a call that was refused; nobody's when nobody is known to have called.
    #[must_use]
    pub fn refused(self, now: Timestamp, result: EventResult) -> Option<Event> {
        let account = self.account()?;
        Some(Event {
            time: now,
            account,
            project: self.project,
            actor: self.actor(),
            operation: self.operation,
            source: self.source,
            user_agent: self.user_agent,
            request_id: self.request_id,
            resource: self.target,
            changes: Vec::new(),
            more_changes: 0,
            routes_removed: BTreeMap::new(),
            result,
        })
    }

    /// The actor as the own account sees it.
    fn actor(&self) -> Actor {
        match &self.who {
            Who::User { account, account_name, user, user_name, proven: true } => Actor::User {
                account: *account,
                account_name: account_name.clone(),
                user: *user,
                user_name: user_name.clone(),
            },
            Who::User { user, user_name, .. } => Actor::Unproven { user: *user, user_name: user_name.clone() },
            Who::System => Actor::System,
        }
    }
}

/// A record that is not what it was.
struct Touched {
    kind: Kind,
    old: Option<Record>,
    new: Option<Record>,
    /// The accounts that it is of, with the project: two of a peering between accounts.
    owners: Vec<(AccountId, Option<ProjectId>)>,
}

impl Touched {
    fn record(&self) -> Option<&Record> {
        self.new.as_ref().or(self.old.as_ref())
    }

    fn change(&self) -> ChangeKind {
        match (&self.old, &self.new) {
            (None, _) => ChangeKind::Created,
            (_, None) => ChangeKind::Deleted,
            _ => ChangeKind::Updated,
        }
    }

    fn is_of(&self, account: AccountId) -> bool {
        self.owners.iter().any(|(owner, _)| *owner == account)
    }
}

/// The events of a change: one for the account that acts and one for every other that the change concerns. Nothing when
/// nothing is made, changed or removed.
pub(crate) fn events(catalog: &Catalog, origin: &Origin, changes: &Changes, now: Timestamp) -> Vec<Event> {
    let touched = touched(catalog, origin, changes);
    if touched.is_empty() {
        return Vec::new();
    }
    let mut accounts: BTreeSet<AccountId> =
        touched.iter().flat_map(|one| one.owners.iter().map(|(account, _)| *account)).collect();
    accounts.extend(origin.account());
    accounts.into_iter().filter_map(|account| event(origin, &touched, account, now)).collect()
}

/// What changes, by key. Claims are how values are kept unique, and old tokens are swept up: neither is anybody's act.
fn touched(catalog: &Catalog, origin: &Origin, changes: &Changes) -> Vec<Touched> {
    let mut made = BTreeMap::new();
    for record in changes.puts() {
        if let Record::Project(project) = record {
            made.insert(project.id, project.account);
        }
    }
    let account_of = |project: ProjectId| made.get(&project).copied().or_else(|| catalog.account_of(project));
    let of_project = |project: ProjectId| account_of(project).map(|account| (account, Some(project)));
    let mut touched = Vec::new();
    for (key, new) in changes.effects() {
        let old = catalog.record(key);
        if old.as_ref() == new {
            continue;
        }
        let Some(record) = new.or(old.as_ref()) else { continue };
        let owners: Vec<_> = match record {
            Record::Claim(_) => continue,
            Record::Token(_) if new.is_none() && origin.who == Who::System => continue,
            Record::Account(account) => vec![(account.id, None)],
            Record::Project(project) => vec![(project.account, None)],
            Record::User(user) => vec![(user.account, None)],
            Record::AccessKey(key) => vec![(key.account, None)],
            Record::Token(token) => vec![(token.account, None)],
            Record::Peering(peering) => {
                let ends = [&peering.requester, &peering.accepter].into_iter();
                let mut owners: Vec<_> = ends.filter_map(|end| of_project(end.project)).collect();
                owners.dedup_by_key(|(account, _)| *account);
                owners
            }
            Record::Vpc(vpc) => of_project(vpc.project).into_iter().collect(),
            Record::Subnet(subnet) => of_project(subnet.project).into_iter().collect(),
            Record::RouteTable(table) => of_project(table.project).into_iter().collect(),
            Record::Route(route) => of_project(route.project).into_iter().collect(),
            Record::SecurityGroup(group) => of_project(group.project).into_iter().collect(),
            Record::NetworkAcl(acl) => of_project(acl.project).into_iter().collect(),
            Record::NetworkAclPolicy(policy) => of_project(policy.project).into_iter().collect(),
            Record::NetworkAclRule(rule) => of_project(rule.project).into_iter().collect(),
            Record::AddressGroup(group) => of_project(group.project).into_iter().collect(),
            Record::Port(port) => of_project(port.project).into_iter().collect(),
            Record::Server(server) => of_project(server.project).into_iter().collect(),
            Record::Network(network) => of_project(network.project).into_iter().collect(),
            Record::CidrReservation(reservation) => of_project(reservation.project).into_iter().collect(),
            Record::Policy(policy) => vec![(policy.account, None)],
        };
        touched.push(Touched { kind: record.kind(), new: new.cloned(), old, owners });
    }
    touched
}

/// The event of one account: its own objects, and the peerings that it is a party to.
fn event(origin: &Origin, touched: &[Touched], account: AccountId, now: Timestamp) -> Option<Event> {
    let own = origin.account() == Some(account);
    let mut visible: Vec<&Touched> = touched.iter().filter(|one| one.is_of(account)).collect();
    if visible.is_empty() && own {
        // An operator acted on what is another account's.
        visible = touched.iter().collect();
    }
    let peering = visible.iter().find(|one| one.kind == Kind::Peering).copied();
    let stranger = !own && origin.who != Who::System;
    let (actor, operation) = match peering {
        Some(peering) if stranger => (other_party(origin, peering, account), transition(peering).to_owned()),
        None if stranger => (Actor::Operator, origin.operation.clone()),
        _ => (origin.actor(), origin.operation.clone()),
    };

    visible.sort_by_key(|one| (one.change() != ChangeKind::Created, RANK.iter().position(|kind| *kind == one.kind)));
    let mut changes = Vec::new();
    let mut more_changes = 0;
    let mut routes_removed: BTreeMap<VpcId, usize> = BTreeMap::new();
    for one in &visible {
        if let (Some(Record::Route(route)), None) = (&one.old, &one.new) {
            *routes_removed.entry(route.vpc).or_default() += 1;
        }
        for change in describe(one) {
            if changes.len() < Event::MAX_CHANGES {
                changes.push(change);
            } else {
                more_changes += 1;
            }
        }
    }

    let named = origin.target.as_ref().filter(|_| !stranger);
    let about = match named {
        Some(target) => changes.iter().find(|change| change.resource.id == target.id),
        // Another account's event of a peering is about the peering, whatever it came with.
        None if stranger => changes.iter().find(|change| change.resource.kind == Kind::Peering.prefix()),
        None => None,
    };
    let resource = match (about, named) {
        (Some(change), _) => Some(change.resource.clone()),
        (None, Some(target)) => Some(target.clone()),
        (None, None) => {
            let made = changes.iter().find(|change| change.change == ChangeKind::Created);
            made.or(changes.first()).map(|change| change.resource.clone())
        }
    };
    let project =
        visible.first().and_then(|one| one.owners.iter().find(|(owner, _)| *owner == account)).and_then(|o| o.1);
    Some(Event {
        time: now,
        account,
        project: if own { origin.project.or(project) } else { project },
        operation,
        actor,
        source: origin.source.filter(|_| own),
        user_agent: origin.user_agent.clone().filter(|_| own),
        request_id: origin.request_id.clone().filter(|_| own),
        resource,
        changes,
        more_changes,
        routes_removed,
        result: EventResult::Success,
    })
}

/// Who acted on a peering, as the account at one of its ends sees it: the one at the other end, or else an operator.
fn other_party(origin: &Origin, peering: &Touched, account: AccountId) -> Actor {
    let party = peering.owners.iter().find(|(owner, _)| *owner != account && origin.account() == Some(*owner));
    match party {
        Some((_, Some(project))) => Actor::Peer { project: *project },
        _ => Actor::Operator,
    }
}

/// What happened to a peering, in the words of the API: what else the other party did by the same call is its business.
fn transition(peering: &Touched) -> &'static str {
    match (status(peering.old.as_ref()), status(peering.new.as_ref())) {
        (None, _) => "createVpcPeering",
        (_, None) => "deleteVpcPeering",
        (Some(old), Some(new)) if old == new => "updateVpcPeering",
        (_, Some(PeeringStatus::Active)) => "acceptVpcPeering",
        (_, Some(PeeringStatus::Rejected)) => "rejectVpcPeering",
        (_, Some(PeeringStatus::Expired)) => "expirePeering",
        (_, Some(PeeringStatus::PendingAcceptance)) => "updateVpcPeering",
    }
}

fn status(record: Option<&Record>) -> Option<PeeringStatus> {
    match record {
        Some(Record::Peering(Peering { status, .. })) => Some(*status),
        _ => None,
    }
}

/// What an event says of a record: the object, and of a security group its rules one by one.
fn describe(one: &Touched) -> Vec<EventChange> {
    let Some(record) = one.record() else { return Vec::new() };
    let fields = match (&one.old, &one.new) {
        (Some(old), Some(new)) => fields(old, new),
        _ => Vec::new(),
    };
    let mut changes = vec![EventChange {
        resource: resource(record),
        change: one.change(),
        fields,
        old_state: status(one.old.as_ref()),
        new_state: status(one.new.as_ref()),
    }];
    if let (Some(Record::SecurityGroup(old)), Some(Record::SecurityGroup(new))) = (&one.old, &one.new) {
        let lacks = |group: &SecurityGroup, id| group.rules.iter().all(|rule| rule.id != id);
        let rule = |id: model::SecurityGroupRuleId, change| EventChange {
            resource: EventResource { kind: RULE.to_owned(), id: id.to_string(), name: String::new() },
            change,
            fields: Vec::new(),
            old_state: None,
            new_state: None,
        };
        let made = new.rules.iter().filter(|made| lacks(old, made.id)).map(|made| rule(made.id, ChangeKind::Created));
        let gone = old.rules.iter().filter(|gone| lacks(new, gone.id)).map(|gone| rule(gone.id, ChangeKind::Deleted));
        changes.extend(made.chain(gone));
    }
    changes
}

fn resource(record: &Record) -> EventResource {
    let name = match record {
        Record::Account(account) => account.name.clone(),
        Record::Project(project) => project.name.clone(),
        Record::User(user) => user.name.clone(),
        Record::Vpc(vpc) => vpc.name.clone(),
        Record::Subnet(subnet) => subnet.name.clone(),
        Record::RouteTable(table) => table.name.clone(),
        Record::Route(route) => route.destination.to_string(),
        Record::Peering(peering) => peering.name.clone(),
        Record::SecurityGroup(group) => group.name.clone(),
        Record::NetworkAcl(acl) => acl.name.clone(),
        Record::NetworkAclPolicy(policy) => policy.name.clone(),
        Record::NetworkAclRule(rule) => rule.name.clone(),
        Record::AddressGroup(group) => group.name.clone(),
        Record::Port(port) => port.name.clone(),
        Record::Server(server) => server.name.clone(),
        Record::Network(network) => network.name.clone(),
        Record::CidrReservation(reservation) => reservation.cidr.to_string(),
        Record::Policy(policy) => policy.name.clone(),
        Record::AccessKey(_) | Record::Token(_) | Record::Claim(_) => String::new(),
    };
    let id = match record {
        Record::Token(token) => token.hash.chars().take(TOKEN_DIGITS).collect(),
        record => record.key().split_once('/').map(|(_, id)| id.to_owned()).unwrap_or_default(),
    };
    EventResource { kind: record.kind().prefix().to_owned(), id, name }
}

/// The names of the fields that differ. Values are left out: some are secrets.
fn fields(old: &Record, new: &Record) -> Vec<String> {
    let object = |record: &Record| match record.encode().map(|text| serde_json::from_slice(&text)) {
        Ok(Ok(Value::Object(fields))) => fields,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (object(old), object(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = names.into_iter().filter(|name| name.as_str() != "updated_at" && old.get(*name) != new.get(*name));
    differing.map(|name| if name == "password_hash" { "password".to_owned() } else { name.clone() }).collect()
}
