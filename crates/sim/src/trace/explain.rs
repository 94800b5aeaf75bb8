//! What a verdict means and what to do, in the words of lifecycle section 7.

use std::net::IpAddr;

use abi::DropReason;
use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net};
use model::{AccountId, Direction, NextHop, PeeringStatus, ServerId, SubnetId, VpcId};

use super::repair::{Ways, chain, live_peering};
use super::{Choice, Fact, Leg, Step, Target, Trace, name};

/// Explains a trace to an account, or to an operator when `viewer` is `None`. For an account the trace must be as
/// [`super::redact`] gives it.
#[must_use]
pub fn explain(catalog: &Catalog, trace: &Trace, viewer: Option<AccountId>) -> String {
    let verdict = &trace.verdict;
    let text = Text { catalog, trace, viewer };
    if verdict.reachable {
        return text.reachable();
    }
    if verdict.hidden {
        return "The packet left your VPC; no answer from the peer side. Ask the owner of the peer VPC to look there."
            .to_owned();
    }
    // What a counter names more exactly than the verdict is explained more exactly.
    let reason = match text.steps().last().map(|step| &step.fact) {
        Some(Fact::Dropped { reason: reason @ (DropReason::GatewayService | DropReason::NotForwarded) }) => {
            Some(*reason)
        }
        _ => verdict.reason,
    };
    match reason {
        None => "Nothing is known about why it does not arrive.".to_owned(),
        Some(DropReason::NoRoute) => text.no_route(),
        Some(DropReason::NoReturnRoute) => text.no_return_route(),
        Some(DropReason::PeeringNotActive) => text.peering_not_active(),
        Some(DropReason::LocalRoutePreferred) => text.local_route_preferred(),
        Some(DropReason::Misrouted) => text.misrouted(),
        Some(DropReason::NonTransitive) => text.no_transit(),
        Some(DropReason::EipNotShared) => {
            "A peering does not share EIPs. Use a NAT gateway or an SNAT server in the peer VPC, with a default route \
             to it in that VPC's default route table."
                .to_owned()
        }
        Some(DropReason::NoSuchHost) => text.no_such_host(),
        Some(DropReason::SourceCheck) => text.source_check(),
        Some(DropReason::SecurityGroup) => text.security_group(),
        Some(DropReason::NextHopDown) => {
            format!("{}: the server or address that it names is not there or is stopped.", text.last_route())
        }
        Some(DropReason::NextHopNotForwarding) => {
            format!("{}: that server got the packet, but it does not forward.", text.last_route())
        }
        Some(DropReason::RoutingLoop) => text.routing_loop(),
        Some(DropReason::EdgeSite) => "VPCs at different edge sites cannot communicate through peering.".to_owned(),
        Some(DropReason::DifferentRegion) => {
            "Peering connects VPCs of one region only. For different regions use Cloud Connect, or EIPs if only a few \
             servers need to talk."
                .to_owned()
        }
        Some(DropReason::NetworkAcl) => text.network_acl(),
        Some(DropReason::NoSnatRule) => "The gateway that the route names has no SNAT rule for the source.".to_owned(),
        Some(DropReason::GatewayService) => {
            "A gateway answers pings of its own subnet and nothing else; choose a server as the destination.".to_owned()
        }
        Some(DropReason::NotForwarded) => {
            "Broadcast, multicast, link-local and loopback addresses are never forwarded.".to_owned()
        }
        Some(reason) => format!("The packet was dropped: {}.", reason.code().replace('_', " ")),
    }
}

struct Text<'a> {
    catalog: &'a Catalog,
    trace: &'a Trace,
    viewer: Option<AccountId>,
}

impl Text<'_> {
    fn steps(&self) -> &[Step] {
        self.trace.lost_on()
    }

    /// Source, destination and intended VPC of the lost packet.
    fn ends(&self) -> (IpAddr, IpAddr, Option<VpcId>) {
        self.trace.ends(self.trace.verdict.leg)
    }

    /// Whether names of this VPC may be told.
    fn known(&self, vpc: VpcId) -> bool {
        self.viewer.is_none_or(|viewer| name::owner(self.catalog, vpc) == Some(viewer))
    }

    fn vpc(&self, vpc: VpcId) -> String {
        if self.known(vpc) { name::vpc(self.catalog, vpc) } else { format!("VPC {vpc}") }
    }

    /// The server that is meant on a leg.
    fn meant(&self) -> Option<ServerId> {
        match (self.trace.verdict.leg, self.trace.question.to) {
            (Leg::Return, _) => Some(self.trace.question.from),
            (Leg::Forward, Target::Server(server)) => Some(server),
            (Leg::Forward, Target::Address { intended, .. }) => intended,
        }
    }

    fn reachable(&self) -> String {
        let verdict = &self.trace.verdict;
        let to = verdict.delivered_to.map_or_else(
            || self.trace.destination.to_string(),
            |server| format!("{} ({})", name::server(self.catalog, server), self.trace.destination),
        );
        let via = |servers: &[ServerId]| -> String {
            let names: Vec<String> = servers.iter().map(|server| name::server(self.catalog, *server)).collect();
            if names.is_empty() { String::new() } else { format!(" by way of {}", names.join(", ")) }
        };
        format!(
            "The packet is delivered to {to}{}, and the reply comes back{}. If there is no answer, check the firewall \
             in the guest and that the service listens.",
            via(&verdict.via),
            via(&verdict.return_via)
        )
    }

    /// The last lookup: table and choice.
    fn last_lookup(&self) -> Option<(model::RouteTableId, Choice)> {
        self.steps().iter().rev().find_map(|step| match step.fact {
            Fact::Route { table, choice, .. } => Some((table, choice)),
            _ => None,
        })
    }

    /// `Route CIDR → … of table TABLE`.
    fn last_route(&self) -> String {
        match self.last_lookup() {
            Some((table, Choice::Custom(route))) => {
                format!("Route {} of {}", name::route(self.catalog, route), name::table(self.catalog, table))
            }
            Some((table, _)) => format!("Route table {}", name::table(self.catalog, table)),
            None => "The route".to_owned(),
        }
    }

    /// Subnet and table from which the packet was lost, and the VPC.
    fn sending(&self) -> Option<(VpcId, SubnetId, model::RouteTableId)> {
        self.steps().iter().rev().find_map(|step| match step.fact {
            Fact::Sent { subnet, table, .. } => Some((step.vpc?, subnet, table)),
            _ => None,
        })
    }

    fn no_route(&self) -> String {
        let (_, destination, meant) = self.ends();
        let Some((vpc, subnet, table)) = self.sending() else { return format!("No route to {destination}.") };
        let (subnet_name, table_name) = (name::subnet(self.catalog, subnet), name::table(self.catalog, table));
        let default = self.catalog.vpc(vpc).map(|vpc| vpc.default_route_table);
        if default.is_some_and(|default| default != table && self.covers(default, destination)) {
            return format!(
                "Subnet {subnet_name} uses table {table_name}, not the default table. Add the route there."
            );
        }
        let mut text = format!("The route table {table_name} of subnet {subnet_name} has no route to {destination}.");
        let Some(meant) = meant.filter(|meant| *meant != vpc) else { return text };
        match live_peering(self.catalog, vpc, meant) {
            Some(peering) => {
                let near = self.catalog.routes_of(table).find(|route| route.next_hop == NextHop::Peering(peering.id));
                if let Some(route) = near {
                    text = format!(
                        "The route covers {}, the server has {destination}. Correct the destination: peer VPC CIDR, \
                         peer subnet, or peer address.",
                        route.destination
                    );
                }
                let range = self.range(vpc, table, meant, destination);
                text.push_str(&format!(" Add: {range} → peering {}.", peering.name));
            }
            None if self.viewer.is_none() && chain(self.catalog, vpc, meant).is_some() => {
                text.push(' ');
                text.push_str(&self.no_transit());
            }
            None => text.push_str(&format!(
                " {} and {} have no peering connection: create one, then add routes on both sides.",
                self.vpc(vpc),
                self.vpc(meant)
            )),
        }
        text
    }

    /// What a route to an address should cover, as the documents advise: the range of its VPC where that can be.
    fn range(&self, vpc: VpcId, table: model::RouteTableId, meant: VpcId, address: IpAddr) -> IpNet {
        let ways = Ways { catalog: self.catalog, vpc, table, meant, address, viewer: self.viewer };
        ways.range().or_else(|| ways.subnet()).unwrap_or_else(|| ways.host())
    }

    fn covers(&self, table: model::RouteTableId, address: IpAddr) -> bool {
        self.catalog.routes_of(table).any(|route| route.destination.contains(&address))
    }

    fn no_return_route(&self) -> String {
        let (_, destination, meant) = self.ends();
        let Some((vpc, _, table)) = self.sending() else { return "The peer VPC has no route back.".to_owned() };
        let default = self.catalog.vpc(vpc).map(|vpc| vpc.default_route_table);
        if default.is_some_and(|default| default != table && self.covers(default, destination)) {
            return self.no_route();
        }
        let range = meant.map_or(IpNet::from(destination), |meant| self.range(vpc, table, meant, destination));
        let mut text = format!("The peer VPC has no route back to {range}.");
        let peering = meant.and_then(|meant| live_peering(self.catalog, vpc, meant));
        let way = peering.map_or_else(|| "the peering".to_owned(), |peering| format!("peering {}", peering.name));
        let table = name::table(self.catalog, table);
        match (name::owner(self.catalog, vpc), name::owner(self.catalog, self.trace.from_vpc)) {
            (Some(owner), Some(asking)) if owner != asking => {
                let owner = name::account(self.catalog, owner);
                text.push_str(&format!(" Its owner {owner} has to add {range} → {way} to {table}."));
            }
            _ => text.push_str(&format!(" Add {range} → {way} to {table}.")),
        }
        text
    }

    fn peering_not_active(&self) -> String {
        let crossing = self.steps().iter().rev().find_map(|step| match step.fact {
            Fact::Crossing { peering, status, .. } => Some((peering, status)),
            _ => None,
        });
        let Some((peering, status)) = crossing else { return "The peering is not active.".to_owned() };
        let what_to_do = match status {
            PeeringStatus::PendingAcceptance => "Ask the peer account to accept it.",
            _ => "Create a new request.",
        };
        format!("The peering {} is {}. {what_to_do}", name::peering(self.catalog, peering), name::status(status))
    }

    fn local_route_preferred(&self) -> String {
        let (_, destination, meant) = self.ends();
        let local = self.steps().iter().rev().find_map(|step| match &step.fact {
            Fact::Route { choice: Choice::Local(subnet), losing, .. } => Some((*subnet, losing)),
            _ => None,
        });
        let Some((subnet, losing)) = local else { return format!("{destination} is local.") };
        let subnet_name = name::subnet(self.catalog, subnet);
        let Some(found) = self.catalog.subnet(subnet) else { return format!("{destination} is local.") };
        let mut text = format!(
            "{destination} is inside your own subnet {subnet_name} ({}), so packets stay in {}.",
            found.cidr,
            self.vpc(found.vpc)
        );
        for route in losing.iter().filter_map(|losing| self.catalog.route(losing.route)) {
            text.push_str(&format!(" Route {} is shadowed by your subnet {subnet_name}.", route.destination));
        }
        let Some(meant) = meant.filter(|meant| self.known(*meant)) else { return text };
        let usable = self.usable(found.vpc, meant);
        if usable.is_empty() {
            text.push_str(" VPCs whose subnets all overlap cannot be peered usefully. Re-plan the addresses.");
        } else {
            text.push_str(&format!(
                " Only subnets that do not overlap can be connected. Use routes to those instead of the VPC CIDR. \
                 Usable here: {}.",
                usable.join(", ")
            ));
        }
        text
    }

    /// Subnets of `other` that overlap none of `vpc`.
    fn usable(&self, vpc: VpcId, other: VpcId) -> Vec<String> {
        let own: Vec<Ipv4Net> = self.catalog.subnets_of(vpc).map(|subnet| subnet.cidr).collect();
        let free = |range: &Ipv4Net| !own.iter().any(|own| own.contains(range) || range.contains(own));
        let subnets = self.catalog.subnets_of(other).filter(|subnet| free(&subnet.cidr));
        subnets.map(|subnet| format!("{} ({})", name::subnet(self.catalog, subnet.id), subnet.cidr)).collect()
    }

    fn misrouted(&self) -> String {
        let (_, destination, meant) = self.ends();
        let first = self.steps().iter().find_map(|step| match step.fact {
            Fact::Route { choice: Choice::Custom(route), .. } => Some((step.vpc?, self.catalog.route(route)?)),
            _ => None,
        });
        let Some((vpc, route)) = first else {
            return format!("{destination} was delivered in another VPC than intended.");
        };
        let by = match route.next_hop {
            NextHop::Peering(id) => format!("peering {}", name::peering(self.catalog, id)),
            other => other.to_string(),
        };
        let mut text = format!("{destination} is sent to {by} by route {}", route.destination);
        let right = meant.and_then(|meant| live_peering(self.catalog, vpc, meant));
        match (self.meant(), right) {
            (_, Some(peering)) => text.push_str(&format!(
                ", but the server is behind {}. Use longer prefixes, or separate subnets with their own tables.",
                peering.name
            )),
            _ => text.push_str(", but the server is not behind it."),
        }
        text
    }

    /// The VPC in which the lost leg began.
    fn start(&self) -> Option<VpcId> {
        self.steps().iter().find_map(|step| step.vpc)
    }

    /// Texts of `non_transitive`, and of `no_route` between VPCs that only others join.
    fn no_transit(&self) -> String {
        let (_, _, meant) = self.ends();
        let mut text = "Peering does not connect third VPCs by itself.".to_owned();
        let Some((start, meant)) = self.start().zip(meant).filter(|(start, meant)| start != meant) else {
            return text;
        };
        text.push_str(&format!(
            " Create a peering between {} and {}, or add routes on every hop",
            self.vpc(start),
            self.vpc(meant)
        ));
        match chain(self.catalog, start, meant).filter(|_| self.viewer.is_none()) {
            Some(vpcs) => {
                let hops: Vec<String> = vpcs.iter().map(|vpc| self.vpc(*vpc)).collect();
                text.push_str(&format!(": {}.", hops.join(" → ")));
            }
            None => text.push('.'),
        }
        text
    }

    fn no_such_host(&self) -> String {
        let (_, destination, _) = self.ends();
        let at = self.trace.verdict.at.map_or_else(|| "the VPC".to_owned(), |vpc| self.vpc(vpc));
        let mut text = format!("Nobody in {at} has the address {destination}.");
        let stopped = self.meant().and_then(|id| self.catalog.server(id)).filter(|server| {
            server.state == model::ServerState::Stopped
                && self.catalog.port(server.port).is_some_and(|port| port.addresses().any(|own| own == destination))
        });
        if let Some(server) = stopped {
            text = format!("{} has the address {destination}, but it is stopped.", server.name);
        }
        text
    }

    fn source_check(&self) -> String {
        let failed = self.steps().iter().rev().find_map(|step| match step.fact {
            Fact::SourceCheck { server, passed: false, .. } => Some((server, true)),
            Fact::DestinationCheck { server, passed: false, .. } => Some((server, false)),
            _ => None,
        });
        let (source, destination, _) = self.ends();
        match failed {
            Some((server, true)) => format!(
                "{0} sends with the address {source}, which is not its own. Turn off the source/destination check of \
                 {0} if it is to forward.",
                name::server(self.catalog, server)
            ),
            Some((server, false)) => format!(
                "{0} is the next hop, but the packet is for {destination}. Turn off the source/destination check of \
                 {0} if it is to forward.",
                name::server(self.catalog, server)
            ),
            None => "Dropped by the source/destination check.".to_owned(),
        }
    }

    fn security_group(&self) -> String {
        let (source, destination, _) = self.ends();
        let refused = self.steps().iter().rev().find_map(|step| match step.fact {
            Fact::SecurityGroup { server, direction, rule, allowed: false, .. } => Some((server, direction, rule)),
            _ => None,
        });
        let Some((server, direction, rule)) = refused else { return "Refused by a security group.".to_owned() };
        let service = name::service(self.trace.question.protocol, self.trace.question.port);
        let port = self.catalog.server(server).and_then(|server| self.catalog.port(server.port));
        let groups: Vec<String> = match rule {
            Some((group, _)) => vec![name::group(self.catalog, group)],
            None => port.into_iter().flat_map(|p| &p.security_groups).map(|g| name::group(self.catalog, *g)).collect(),
        };
        let server = name::server(self.catalog, server);
        if groups.is_empty() {
            return format!("{server} has no security group, so everything is denied. Give it one.");
        }
        let groups = groups.join(", ");
        let same = self
            .trace
            .to_vpc
            .is_some_and(|to| name::owner(self.catalog, to) == name::owner(self.catalog, self.trace.from_vpc));
        let allow = if same { "Allow the peer's group or CIDR." } else { "Allow the peer's CIDR." };
        match direction {
            Direction::Ingress => {
                format!("Inbound rules of {groups} on {server} do not allow {service} from {source}. {allow}")
            }
            Direction::Egress => {
                format!("Outbound rules of {groups} on {server} do not allow {service} to {destination}. {allow}")
            }
        }
    }

    fn network_acl(&self) -> String {
        let (source, destination, _) = self.ends();
        let refused = self.steps().iter().rev().find_map(|step| match step.fact {
            Fact::NetworkAcl { acl, subnet, direction, rule, allowed: false } => Some((acl, subnet, direction, rule)),
            _ => None,
        });
        let Some((acl, subnet, direction, rule)) = refused else { return "Refused by a network ACL.".to_owned() };
        let service = name::service(self.trace.question.protocol, self.trace.question.port);
        let rule = rule.map_or_else(|| "default rule".to_owned(), |(_, number)| format!("rule {number}"));
        let what = match direction {
            Direction::Ingress => format!("{service} from {source}"),
            Direction::Egress => format!("{service} to {destination}"),
        };
        format!(
            "ACL {} of subnet {} refuses {what} ({rule}).",
            name::network_acl(self.catalog, acl),
            name::subnet(self.catalog, subnet)
        )
    }

    fn routing_loop(&self) -> String {
        let at = self.trace.verdict.at.map_or_else(|| "the VPC".to_owned(), |vpc| self.vpc(vpc));
        let mut text = format!("{} sends the packet back where it came from, in {at}.", self.last_route());
        if !self.trace.verdict.via.is_empty() || !self.trace.verdict.return_via.is_empty() {
            text.push_str(
                " Arriving traffic uses the default table (route to the firewall there); the firewall's subnet needs \
                 a custom table with routes to the peerings.",
            );
        }
        text
    }
}
