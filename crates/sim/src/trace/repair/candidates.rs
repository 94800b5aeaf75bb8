//! What could help against each reason (behaviour section 16): proposals, tried out by the search.

use std::collections::BTreeSet;
use std::net::IpAddr;

use abi::DropReason;
use catalog::Catalog;
use ipnet::IpNet;
use model::{AccountId, NextHop, PeeringId, PeeringStatus, Port, RouteTableId, ServerId, ServerState, SubnetId, VpcId};

use super::ways::live_peering;
use super::{CHANGE_COST, Change};
use crate::trace::{Choice, Fact, Leg, Target, Trace, name};

/// Changes that belong together.
pub(super) struct Alternative {
    pub(super) changes: Vec<Proposal>,
    /// How much it opens or takes away: decides between ways with equally many changes.
    pub(super) penalty: u32,
}

impl Alternative {
    pub(super) fn of(proposal: Proposal) -> Self {
        Self { changes: vec![proposal], penalty: 0 }
    }

    pub(super) fn with_penalty(mut self, penalty: u32) -> Self {
        self.penalty += penalty;
        self
    }

    pub(super) fn price(&self) -> u32 {
        let changes = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
        changes.saturating_mul(CHANGE_COST).saturating_add(self.penalty)
    }
}

/// A change, perhaps by way of something that an earlier one of the same alternative makes.
pub(super) struct Proposal {
    what: What,
    pub(super) warning: Option<String>,
}

enum What {
    Change(Change),
    /// A route to the peering between two VPCs that is live by then.
    RouteToPeer {
        table: RouteTableId,
        destination: IpNet,
        vpc: VpcId,
        peer: VpcId,
    },
}

impl Proposal {
    pub(super) fn new(change: Change) -> Self {
        Self { what: What::Change(change), warning: None }
    }

    pub(super) fn route_to_peer(table: RouteTableId, destination: IpNet, vpc: VpcId, peer: VpcId) -> Self {
        Self { what: What::RouteToPeer { table, destination, vpc, peer }, warning: None }
    }

    pub(super) fn warn(mut self, warning: Option<String>) -> Self {
        self.warning = warning;
        self
    }

    /// The change in the catalog that it meets; `None` when what it needs is not there.
    pub(super) fn resolve(&self, catalog: &Catalog) -> Option<Change> {
        match &self.what {
            What::Change(change) => Some(change.clone()),
            What::RouteToPeer { table, destination, vpc, peer } => {
                let peering = live_peering(catalog, *vpc, *peer)?;
                let next_hop = NextHop::Peering(peering.id);
                Some(Change::AddRoute { table: *table, destination: *destination, next_hop })
            }
        }
    }
}

/// A refusal, and what is known about it.
pub(super) struct Case<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) trace: &'a Trace,
    pub(super) viewer: Option<AccountId>,
    /// Source of the lost packet.
    pub(super) source: IpAddr,
    /// Its destination.
    pub(super) destination: IpAddr,
    /// The VPC that it is meant for, as far as that is known or can only be one.
    pub(super) meant: Option<VpcId>,
    /// The VPC in which it was lost.
    pub(super) at: VpcId,
}

impl<'a> Case<'a> {
    pub(super) fn of(catalog: &'a Catalog, trace: &'a Trace, viewer: Option<AccountId>) -> Option<Self> {
        let (source, destination, meant) = trace.ends(trace.verdict.leg);
        let at = trace.verdict.at?;
        let meant = meant.or_else(|| guessed(catalog, at, destination, viewer));
        Some(Self { catalog, trace, viewer, source, destination, meant, at })
    }

    /// The table lookups on the lost leg, in order: where, in which table, with what outcome.
    pub(super) fn lookups(&self) -> Vec<(VpcId, RouteTableId, Choice)> {
        let lookup = |step: &crate::trace::Step| match step.fact {
            Fact::Route { table, choice, .. } => Some((step.vpc?, table, choice)),
            _ => None,
        };
        self.trace.lost_on().iter().filter_map(lookup).collect()
    }

    /// The server that is meant on the lost leg.
    pub(super) fn meant_server(&self) -> Option<ServerId> {
        match (self.trace.verdict.leg, self.trace.question.to) {
            (Leg::Return, _) => Some(self.trace.question.from),
            (Leg::Forward, Target::Server(server)) => Some(server),
            (Leg::Forward, Target::Address { intended, .. }) => intended,
        }
    }
}

/// The one VPC that an address can be meant in: one that has it, preferably a peer's.
fn guessed(catalog: &Catalog, at: VpcId, address: IpAddr, viewer: Option<AccountId>) -> Option<VpcId> {
    let known = |vpc: VpcId| viewer.is_none_or(|viewer| name::owner(catalog, vpc) == Some(viewer));
    let having: BTreeSet<VpcId> = catalog
        .ports()
        .filter(|port| port.addresses().any(|own| own == address) && known(port.vpc))
        .map(|port| port.vpc)
        .collect();
    let peers: Vec<VpcId> =
        having.iter().copied().filter(|vpc| *vpc != at && live_peering(catalog, at, *vpc).is_some()).collect();
    match (peers.as_slice(), having.iter().collect::<Vec<_>>().as_slice()) {
        ([one], _) => Some(*one),
        (_, [one]) => Some(**one),
        _ => None,
    }
}

/// What could help, best first. Empty for what no change of the configuration can repair.
pub(super) fn alternatives(catalog: &Catalog, trace: &Trace, viewer: Option<AccountId>) -> Vec<Alternative> {
    let Some(case) = Case::of(catalog, trace, viewer) else { return Vec::new() };
    let Some(reason) = trace.verdict.reason else { return Vec::new() };
    match reason {
        DropReason::NoRoute | DropReason::NoReturnRoute => case.missing_route(),
        DropReason::NonTransitive | DropReason::EipNotShared | DropReason::RoutingLoop => case.other_routes(false),
        DropReason::Misrouted => case.other_routes(true),
        DropReason::NoSuchHost => case.no_such_host(),
        DropReason::PeeringNotActive => case.peering_not_active(),
        DropReason::NextHopDown => case.next_hop_down(),
        DropReason::NextHopNotForwarding => case.around_next_hop(),
        DropReason::SourceCheck => case.source_check(),
        DropReason::SecurityGroup => case.security_group(),
        DropReason::NetworkAcl => case.network_acl(),
        DropReason::LocalRoutePreferred => case.shadowing_subnet(),
        // Nothing that is configured is the cause.
        DropReason::NoSnatRule
        | DropReason::EdgeSite
        | DropReason::DifferentRegion
        | DropReason::Malformed
        | DropReason::UnsupportedProtocol
        | DropReason::UnknownPort
        | DropReason::SpoofedMac
        | DropReason::NotForwarded
        | DropReason::FragmentUnknown
        | DropReason::DhcpServer
        | DropReason::ArpIgnored
        | DropReason::GatewayService
        | DropReason::InconsistentTables
        | DropReason::WorkloadStopped
        | DropReason::RouterAdvertisement
        | DropReason::NeighbourIgnored
        | DropReason::DhcpIgnored
        | DropReason::PacketTooBig => Vec::new(),
    }
}

impl Case<'_> {
    /// NH-1: the server is stopped, or another VPC was meant.
    fn no_such_host(&self) -> Vec<Alternative> {
        if self.meant.is_some_and(|meant| meant != self.at) {
            return self.other_routes(true);
        }
        if let Some(vip) = self.vip(self.at, self.destination) {
            return self.holder(vip, self.destination);
        }
        let having = self.catalog.ports_of_vpc(self.at).filter(|port| port.addresses().any(|a| a == self.destination));
        let servers = having.filter_map(|port| port.server).chain(self.meant_server());
        servers.filter_map(|server| self.start(server)).take(1).collect()
    }

    /// The virtual IP of a VPC with this address.
    pub(super) fn vip(&self, vpc: VpcId, address: IpAddr) -> Option<&Port> {
        let mut vips = self.catalog.ports_of_vpc(vpc).filter(|port| port.is_vip());
        vips.find(|vip| vip.addresses().any(|own| own == address)).map(AsRef::as_ref)
    }

    /// VIP-3, VIP-4: the holder starts, or one of the servers that a virtual IP is bound to claims it.
    pub(super) fn holder(&self, vip: &Port, address: IpAddr) -> Vec<Alternative> {
        let bound: Vec<_> = self.catalog.bound_ports(vip).collect();
        let holder = bound.iter().find(|port| vip.holder == Some(port.id)).and_then(|port| port.server);
        if let Some(start) = holder.and_then(|server| self.start(server)) {
            return vec![start];
        }
        let claim = |port: &Port| {
            let server = port.server?;
            let name = name::server(self.catalog, server);
            let warning = format!("gives {address} to the interface of {name}; better let its own guest claim it");
            let change = Change::ClaimVip { vip: vip.id, address, server, port: port.id };
            let start = self.start(server).into_iter().flat_map(|start| start.changes);
            let changes = start.chain([Proposal::new(change).warn(Some(warning))]).collect();
            Some(Alternative { changes, penalty: 0 })
        };
        bound.into_iter().filter_map(|port| claim(port)).collect()
    }

    pub(super) fn start(&self, server: ServerId) -> Option<Alternative> {
        let stopped = self.catalog.server(server)?.state == ServerState::Stopped;
        stopped.then(|| Alternative::of(Proposal::new(Change::StartServer { server })))
    }

    /// Acceptance of a request; a new one in place of one that was refused or has expired.
    fn peering_not_active(&self) -> Vec<Alternative> {
        let crossing = self.trace.lost_on().iter().rev().find_map(|step| match step.fact {
            Fact::Crossing { peering, crossed: false, .. } => Some(peering),
            _ => None,
        });
        let Some(peering) = crossing.and_then(|id| self.catalog.peering(id)) else { return Vec::new() };
        if peering.status == PeeringStatus::PendingAcceptance {
            return vec![Alternative::of(Proposal::new(Change::AcceptPeering { peering: peering.id }))];
        }
        let mut found = self.other_routes(false);
        if let Some(again) = self.peer_again(peering.id) {
            found.insert(0, again);
        }
        found
    }

    /// A dead peering goes, its routes with it, and a new one comes.
    fn peer_again(&self, dead: PeeringId) -> Option<Alternative> {
        let peering = self.catalog.peering(dead)?;
        let peer = peering.other_end(self.at)?.vpc;
        if live_peering(self.catalog, self.at, peer).is_some() {
            return None;
        }
        let (_, table, choice) = self.lookups().pop()?;
        let Choice::Custom(route) = choice else { return None };
        let destination = self.catalog.route(route)?.destination;
        let routes = self.catalog.routes_to_peering(dead).filter(|route| route.vpc == self.at).count();
        let warning = format!(
            "deletes the dead peering and the {routes} route{} of {} to it",
            if routes == 1 { "" } else { "s" },
            name::vpc(self.catalog, self.at)
        );
        let delete = Proposal::new(Change::DeletePeering { peering: dead }).warn(Some(warning));
        let create = Proposal::new(self.create_peering(self.at, peer)?);
        let route = Proposal::route_to_peer(table, destination, self.at, peer);
        let route = route.warn(self.wide(destination));
        Some(Alternative { changes: vec![delete, create, route], penalty: 0 })
    }

    /// CHK-2, CHK-3: the check goes off, or the packet takes another way.
    fn source_check(&self) -> Vec<Alternative> {
        let failed = self.trace.lost_on().iter().rev().find_map(|step| match step.fact {
            Fact::SourceCheck { server, port, passed: false, .. } => Some((server, port, false)),
            Fact::DestinationCheck { server, port, passed: false, .. } => Some((server, port, true)),
            _ => None,
        });
        let Some((server, port, receiving)) = failed else { return Vec::new() };
        let mut found = Vec::new();
        // The command line changes the primary port.
        if self.catalog.server(server).is_some_and(|server| server.port == port) {
            let name = name::server(self.catalog, server);
            let warning = format!("{name} may then send and receive packets with any address");
            let change = Proposal::new(Change::TurnCheckOff { server, port }).warn(Some(warning));
            found.push(Alternative::of(change));
        }
        if receiving {
            found.extend(self.around_next_hop());
        }
        found
    }

    /// RT-10: a subnet that nobody uses takes the packets of a route.
    fn shadowing_subnet(&self) -> Vec<Alternative> {
        let local = self.lookups().into_iter().rev().find_map(|(_, _, choice)| match choice {
            Choice::Local(subnet) => Some(subnet),
            _ => None,
        });
        let Some(subnet) = local.filter(|subnet| self.unused(*subnet)) else { return Vec::new() };
        let warning = format!("deletes the subnet {}, in which there is nothing", name::subnet(self.catalog, subnet));
        vec![Alternative::of(Proposal::new(Change::DeleteSubnet { subnet }).warn(Some(warning))).with_penalty(50)]
    }

    fn unused(&self, subnet: SubnetId) -> bool {
        self.catalog.ports_in(subnet).next().is_none()
    }
}
