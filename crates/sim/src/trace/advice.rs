//! The commands that make a question's answer `reachable`, as far as commands can.
//!
//! Each is tried out: applied to a copy of the catalog, then the question is asked again, until the packet arrives or
//! nothing more is known. A command that changes nothing about the answer is not given.

use std::net::Ipv4Addr;
use std::sync::Arc;

use abi::DropReason;
use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net};
use model::{
    AccountId, Direction, IpVersion, NextHop, Peering, PeeringEnd, PeeringId, PeeringStatus, Protocol, Record, Remote,
    Route, RouteId, RouteTableId, RuleAction, SecurityGroup, SecurityGroupRule, SecurityGroupRuleId, ServiceRange, Vni,
    VpcId,
};
use store::{Change, ChangeSet};
use uuid::Uuid;

use super::{Choice, Fact, Leg, Trace, Tracer, command, name};

/// A command that somebody has to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The account that has to give it.
    pub account: AccountId,
    /// The command.
    pub command: String,
}

/// A command with what it does to the catalog.
struct Proposal {
    fix: Fix,
    puts: Vec<Record>,
    deletes: Vec<String>,
    /// The packet does not notice it, but the next command needs it.
    prepares: bool,
}

const MAX_FIXES: usize = 10;

/// The commands, in the order in which they must be given; empty when the packet arrives or nothing helps.
///
/// For a `viewer` (an account that is no operator, with the trace as [`super::redact`] gives it) only own commands are
/// given, up to the first that would be another account's, and a request to another account ends the list: nothing is
/// told about what is on the other side.
#[must_use]
pub fn fixes(catalog: &Catalog, trace: &Trace, viewer: Option<AccountId>) -> Vec<Fix> {
    let mut fixes = Vec::new();
    // Commands that only make later ones possible: of no use without those.
    let mut prepared = Vec::new();
    let mut catalog = catalog.clone();
    let mut trace = trace.clone();
    for number in 0..MAX_FIXES {
        if trace.verdict.reachable || trace.verdict.hidden {
            break;
        }
        let Some(proposal) = propose(&catalog, &trace, viewer, number) else { break };
        if viewer.is_some_and(|viewer| viewer != proposal.fix.account) {
            break;
        }
        let Some(next) = changed(&catalog, &proposal) else { break };
        let Ok(answer) = Tracer::for_questions(&next, [&trace.question]).ask(&trace.question) else { break };
        let answer = match viewer {
            Some(viewer) => super::redact(&next, &answer, viewer),
            None => answer,
        };
        let same = answer.verdict == trace.verdict && answer.lost_on() == trace.lost_on();
        if same && !proposal.prepares {
            break;
        }
        prepared.push(proposal.fix);
        if !same {
            fixes.append(&mut prepared);
        }
        (catalog, trace) = (next, answer);
    }
    fixes
}

fn changed(catalog: &Catalog, proposal: &Proposal) -> Option<Catalog> {
    let revision = catalog.revision().next();
    let mut changes = Vec::new();
    for record in &proposal.puts {
        let value = Some(Arc::from(record.encode().ok()?));
        changes.push(Change { key: record.key(), value, mod_revision: revision });
    }
    changes.extend(proposal.deletes.iter().map(|key| Change { key: key.clone(), value: None, mod_revision: revision }));
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    catalog.apply(&ChangeSet { revision, changes }).ok().map(|(catalog, _)| catalog)
}

fn propose(catalog: &Catalog, trace: &Trace, viewer: Option<AccountId>, number: usize) -> Option<Proposal> {
    let at = trace.verdict.at?;
    let (_, destination, meant) = trace.ends(trace.verdict.leg);
    match trace.verdict.reason? {
        DropReason::NoRoute | DropReason::NoReturnRoute => {
            let table = trace.lost_on().iter().rev().find_map(|step| match step.fact {
                Fact::Route { table, choice: Choice::Nothing, .. } => Some(table),
                _ => None,
            })?;
            route_towards(catalog, at, table, meant?, destination, 0, viewer, number)
        }
        DropReason::NonTransitive => {
            let meant = meant?;
            if live_peering(catalog, at, meant).is_some() {
                let table = catalog.vpc(at)?.default_route_table;
                return route_towards(catalog, at, table, meant, destination, 0, viewer, number);
            }
            instead_of_first_route(catalog, trace, meant, destination, viewer, number)
        }
        DropReason::Misrouted => instead_of_first_route(catalog, trace, meant?, destination, viewer, number),
        DropReason::PeeringNotActive => peering_not_active(catalog, trace),
        DropReason::SecurityGroup => allow(catalog, trace, number),
        _ => None,
    }
}

/// A route of the first table on the way, longer than the one that was chosen there.
fn instead_of_first_route(
    catalog: &Catalog,
    trace: &Trace,
    meant: VpcId,
    destination: Ipv4Addr,
    viewer: Option<AccountId>,
    number: usize,
) -> Option<Proposal> {
    let (vpc, table, route) = trace.lost_on().iter().find_map(|step| match step.fact {
        Fact::Route { table, choice: Choice::Custom(route), .. } => Some((step.vpc?, table, route)),
        _ => None,
    })?;
    let longer_than = catalog.route(route)?.destination.prefix_len();
    route_towards(catalog, vpc, table, meant, destination, longer_than + 1, viewer, number)
}

/// A route from a table to the VPC that is meant, by the peering between the two; or that peering, if there is none.
#[expect(clippy::too_many_arguments, reason = "each is one fact about the route")]
fn route_towards(
    catalog: &Catalog,
    vpc: VpcId,
    table: RouteTableId,
    meant: VpcId,
    address: Ipv4Addr,
    least_prefix: u8,
    viewer: Option<AccountId>,
    number: usize,
) -> Option<Proposal> {
    if vpc == meant {
        return None;
    }
    let Some(peering) = live_peering(catalog, vpc, meant) else { return create(catalog, vpc, meant, number) };
    let ranges = destinations(catalog, vpc, table, meant, address, viewer);
    let destination = ranges.into_iter().find(|range| range.prefix_len() >= least_prefix)?;
    let record = catalog.route_table(table)?;
    let route = Route {
        id: RouteId::new(made_up(number)),
        project: record.project,
        table,
        vpc,
        destination: IpNet::V4(destination),
        next_hop: NextHop::Peering(peering.id),
        description: String::new(),
        created_at: record.created_at,
    };
    let fix = Fix {
        account: name::owner(catalog, vpc)?,
        command: command::add_route(catalog, table, destination, peering.id),
    };
    Some(Proposal { fix, puts: vec![route.into()], deletes: Vec::new(), prepares: false })
}

/// A new peering, not accepted yet when it is between accounts.
fn create(catalog: &Catalog, local: VpcId, peer: VpcId, number: usize) -> Option<Proposal> {
    let (requester, accepter) = (catalog.vpc(local)?, catalog.vpc(peer)?);
    let account = name::owner(catalog, local)?;
    let same = name::owner(catalog, peer) == Some(account);
    let name = new_name(catalog, local, peer, same);
    let end = |vpc: &model::Vpc, below: u32| {
        Some(PeeringEnd { vpc: vpc.id, project: vpc.project, entry_vni: Vni::new(Vni::MAX - below)? })
    };
    let number = u32::try_from(number).unwrap_or(0);
    let peering = Peering {
        id: PeeringId::new(made_up(number as usize)),
        name: name.clone(),
        description: String::new(),
        region: requester.region.clone(),
        status: if same { PeeringStatus::Active } else { PeeringStatus::PendingAcceptance },
        requester: end(requester, number * 2)?,
        accepter: end(accepter, number * 2 + 1)?,
        created_at: requester.created_at,
        updated_at: requester.created_at,
        expires_at: None,
    };
    let fix = Fix { account, command: command::create_peering(catalog, &name, local, peer) };
    Some(Proposal { fix, puts: vec![peering.into()], deletes: Vec::new(), prepares: true })
}

/// A name for a new peering that none of either project has. The peer's name is not told to other accounts.
fn new_name(catalog: &Catalog, local: VpcId, peer: VpcId, same: bool) -> String {
    let local_name = name::vpc(catalog, local);
    let base = if same { format!("{local_name}-{}", name::vpc(catalog, peer)) } else { format!("{local_name}-peer") };
    let base: String = base.chars().take(60).collect();
    let projects = [local, peer].map(|vpc| catalog.vpc(vpc).map(|vpc| vpc.project));
    let taken = |name: &str| {
        projects.iter().flatten().any(|project| catalog.peerings_of_project(*project).any(|other| other.name == name))
    };
    let numbered = (2..100).map(|n| format!("{base}-{n}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
}

/// Acceptance of a request; a new peering in place of one that was refused or has expired.
fn peering_not_active(catalog: &Catalog, trace: &Trace) -> Option<Proposal> {
    let id = trace.lost_on().iter().rev().find_map(|step| match step.fact {
        Fact::Crossing { peering, crossed: false, .. } => Some(peering),
        _ => None,
    })?;
    let peering = catalog.peering(id)?;
    if peering.status == PeeringStatus::PendingAcceptance {
        let account = name::owner(catalog, peering.accepter.vpc)?;
        let accepted = Peering { status: PeeringStatus::Active, ..(**peering).clone() };
        let fix = Fix { account, command: command::accept_peering(catalog, id) };
        return Some(Proposal { fix, puts: vec![accepted.into()], deletes: Vec::new(), prepares: false });
    }
    let at = trace.verdict.at?;
    let other = peering.other_end(at)?.vpc;
    if live_peering(catalog, at, other).is_none() {
        // The left-over routes go with it, and the next proposals make new ones.
        let mut deletes: Vec<String> =
            catalog.routes_to_peering(id).map(|route| Record::from((**route).clone()).key()).collect();
        deletes.push(Record::from((**peering).clone()).key());
        let fix = Fix { account: name::owner(catalog, at)?, command: command::delete_peering(catalog, id) };
        return Some(Proposal { fix, puts: Vec::new(), deletes, prepares: false });
    }
    None
}

/// A rule that lets the packet pass.
fn allow(catalog: &Catalog, trace: &Trace, number: usize) -> Option<Proposal> {
    let (source, destination, _) = trace.ends(trace.verdict.leg);
    let (server, direction) = trace.lost_on().iter().rev().find_map(|step| match step.fact {
        Fact::SecurityGroup { server, direction, allowed: false, .. } => Some((server, direction)),
        _ => None,
    })?;
    let server = catalog.server(server)?;
    let port = catalog.port(server.port)?;
    let group = port.security_groups.iter().find_map(|group| catalog.security_group(*group))?;
    // A rule speaks of the destination port: of a reply that is the asking side's, which only state can let pass.
    if trace.verdict.leg == Leg::Return {
        return None;
    }
    let remote = Ipv4Net::from(if direction == Direction::Ingress { source } else { destination });
    let protocol = trace.question.protocol;
    let service = matches!(protocol, Protocol::TCP | Protocol::UDP).then_some(trace.question.port);
    let rule = SecurityGroupRule {
        id: SecurityGroupRuleId::new(made_up(number)),
        direction,
        action: RuleAction::Allow,
        priority: 1,
        version: IpVersion::V4,
        protocol: Some(protocol),
        services: service.map(|port| ServiceRange { first: port, last: port }).into_iter().collect(),
        remote: Remote::Cidr(IpNet::V4(remote)),
        description: String::new(),
        enabled: true,
        created_at: group.created_at,
    };
    let command = command::add_rule(catalog, group.id, direction, protocol, service, remote);
    let mut with: SecurityGroup = (**group).clone();
    with.rules.push(rule);
    let fix = Fix { account: catalog.account_of(server.project)?, command };
    Some(Proposal { fix, puts: vec![with.into()], deletes: Vec::new(), prepares: false })
}

/// An id that no object of the copied catalog has: version and variant bits are none that ids are made with.
fn made_up(number: usize) -> Uuid {
    Uuid::from_u128(u128::MAX - ((number as u128) << 64))
}

/// The peering between two VPCs that is or may become ACTIVE.
pub(super) fn live_peering(catalog: &Catalog, a: VpcId, b: VpcId) -> Option<&Arc<Peering>> {
    catalog.peering_between(a, b).find(|peering| peering.status.is_live())
}

/// The VPC in which the lost leg began.
pub(super) fn start_of(trace: &Trace) -> Option<VpcId> {
    trace.lost_on().iter().find_map(|step| step.vpc)
}

/// The shortest way between two VPCs over ACTIVE peerings, both included, if it has a VPC in between.
pub(super) fn chain(catalog: &Catalog, from: VpcId, to: VpcId) -> Option<Vec<VpcId>> {
    let mut before = std::collections::BTreeMap::from([(from, from)]);
    let mut open = std::collections::VecDeque::from([from]);
    while let Some(vpc) = open.pop_front().filter(|vpc| *vpc != to) {
        for peering in catalog.peerings_of(vpc).filter(|peering| peering.status == PeeringStatus::Active) {
            if let Some(other) = peering.other_end(vpc).map(|end| end.vpc).filter(|other| !before.contains_key(other)) {
                before.insert(other, vpc);
                open.push_back(other);
            }
        }
    }
    let mut way = vec![to];
    let mut at = to;
    while at != from {
        at = *before.get(&at)?;
        way.push(at);
    }
    way.reverse();
    (way.len() > 2).then_some(way)
}

/// Destinations that a route from a table of `vpc` to an address of the VPC `meant` can have, widest first: that VPC's
/// range, the subnet, the address. Left out are those that touch a subnet of `vpc` or are taken (rules RT-8, RT-9),
/// and what the viewer does not know (lifecycle section 4).
pub(super) fn destinations(
    catalog: &Catalog,
    vpc: VpcId,
    table: RouteTableId,
    meant: VpcId,
    address: Ipv4Addr,
    viewer: Option<AccountId>,
) -> Vec<Ipv4Net> {
    let owner = viewer.is_none_or(|viewer| name::owner(catalog, meant) == Some(viewer));
    let active = live_peering(catalog, vpc, meant)
        .is_some_and(|peering| peering.status == PeeringStatus::Active || peering.accepter.vpc == vpc);
    let range = catalog.vpc(meant).and_then(|vpc| vpc.range_of(address)).filter(|_| owner || active);
    let subnet = catalog.subnets_of(meant).map(|subnet| subnet.cidr).find(|cidr| cidr.contains(&address));
    let own: Vec<Ipv4Net> = catalog.subnets_of(vpc).map(|subnet| subnet.cidr).collect();
    let free = |range: &Ipv4Net| {
        catalog.route_for(table, IpNet::V4(*range)).is_none()
            && !own.iter().any(|own| own.contains(range) || range.contains(own))
    };
    let ranges = [range, subnet.filter(|_| owner), Some(Ipv4Net::from(address))];
    ranges.into_iter().flatten().filter(free).collect()
}
