//! The pipeline's steps in terms of the catalog's objects.

use std::net::IpAddr;
use std::sync::Arc;

use abi::{ACL_EGRESS, CONTEXT_OUT, FAMILY_V4, FAMILY_V6, NO_ID, ROUTE_LOCAL, ROUTE_SYSTEM};
use compiler::{ip_address, rules_before_acl};
use model::{Direction, IpVersion, NextHop, PeeringStatus, Route, RouteTableId, ServerId, ServerState, VpcId};
use pipeline::Step as Raw;

use super::{Choice, Fact, Losing, LosingReason, Step, Tracer};

impl Tracer {
    /// The pipeline's steps in terms of objects.
    pub(super) fn translate(&self, raw: &[Raw], source: IpAddr, destination: IpAddr, steps: &mut Vec<Step>) {
        let mut vpc = None;
        let mut route = None;
        for raw in raw {
            let Some((at, fact)) = self.fact(raw, source, destination, route) else { continue };
            if let Raw::Route { kind, .. } = raw {
                route = Some(*kind);
            }
            vpc = at.or(vpc);
            steps.push(Step { vpc, fact });
        }
    }

    /// One step; `None` for what people need not see. The VPC is `None` where the packet stays in the one it was in.
    fn fact(
        &self,
        raw: &Raw,
        source: IpAddr,
        destination: IpAddr,
        last_route: Option<u8>,
    ) -> Option<(Option<VpcId>, Fact)> {
        let objects = &self.objects;
        let vpc = |vni: u32| objects.vpcs.get(&vni).copied();
        let owner = |port| objects.ports.get(port).copied();
        let server = |port| owner(port).map(|(server, _)| server);
        let found = match raw {
            Raw::Sent { port, vni, subnet, table } => {
                let (subnet, table) = (*objects.subnets.get(subnet)?, *objects.tables.get(table)?);
                (vpc(*vni), Fact::Sent { server: server(port)?, subnet, table, source, destination })
            }
            Raw::SourceCheck { port, checked, passed } => {
                let (server, port) = owner(port)?;
                (None, Fact::SourceCheck { server, port, checked: *checked, passed: *passed })
            }
            Raw::DestinationCheck { port, checked, passed } => {
                let (server, port) = owner(port)?;
                (None, Fact::DestinationCheck { server, port, checked: *checked, passed: *passed })
            }
            Raw::Gateway { subnet, answered } => {
                (None, Fact::Gateway { subnet: *objects.subnets.get(subnet)?, answered: *answered })
            }
            Raw::SecurityGroup { port, context, rule, allowed, .. } => {
                let direction = if *context == CONTEXT_OUT { Direction::Egress } else { Direction::Ingress };
                let rule = if *rule == NO_ID { None } else { objects.rules.get(rule).copied() };
                let (server, port) = owner(port)?;
                (None, Fact::SecurityGroup { server, port, direction, rule, allowed: *allowed })
            }
            Raw::NetworkAcl { port, direction, family, place, allowed, .. } => {
                let (_, port) = owner(port)?;
                let asked_port = self.catalog.port(port)?;
                let subnet = asked_port.subnet;
                let acl = self.catalog.network_acl_of_subnet(subnet)?;
                let direction = if *direction == ACL_EGRESS { Direction::Egress } else { Direction::Ingress };
                let version = if *family == FAMILY_V4 { IpVersion::V4 } else { IpVersion::V6 };
                let rules = (1..).zip(acl.rules(direction));
                let mut asked = rules.filter(|(_, rule)| rule.enabled && rule.version == version);
                // Before the rules of the ACL stand the services of the port that go past it.
                let before = if direction == Direction::Ingress { rules_before_acl(asked_port) } else { 0 };
                let place = place.and_then(|place| usize::try_from(place).ok()?.checked_sub(before));
                let rule = place.and_then(|place| asked.nth(place));
                let rule = rule.map(|(number, rule)| (rule.id, number));
                (None, Fact::NetworkAcl { acl: acl.id, subnet, direction, rule, allowed: *allowed })
            }
            Raw::Tracked { port, outbound } => (None, Fact::Tracked { server: server(port)?, outbound: *outbound }),
            Raw::Route { vni, table, route, kind, .. } => {
                let choice = match *kind {
                    ROUTE_LOCAL => Choice::Local(*objects.subnets.get(route)?),
                    ROUTE_SYSTEM => Choice::System,
                    _ => Choice::Custom(*objects.routes.get(route)?),
                };
                (vpc(*vni), self.route(*objects.tables.get(table)?, choice, destination))
            }
            Raw::NoRoute { vni, table } => {
                (vpc(*vni), self.route(*objects.tables.get(table)?, Choice::Nothing, destination))
            }
            Raw::Crossing { peering, from, to, crossed, .. } => {
                let peering = *objects.peerings.get(peering)?;
                let status = self.catalog.peering(peering).map_or(PeeringStatus::Expired, |peering| peering.status);
                (vpc(*from), Fact::Crossing { peering, to: vpc(*to)?, status, crossed: *crossed })
            }
            Raw::HandOver { vni, address, port, .. } => {
                let family = if destination.is_ipv4() { FAMILY_V4 } else { FAMILY_V6 };
                let address = ip_address(family, *address);
                let next_hop = last_route != Some(ROUTE_LOCAL);
                (vpc(*vni), Fact::HandOver { server: server(port)?, address, next_hop })
            }
            Raw::Flow { .. } | Raw::Arp { .. } | Raw::Dropped { .. } | Raw::Delivered { .. } => return None,
        };
        Some(found)
    }

    /// A lookup with the routes that lost (rules RT-5, RT-7).
    fn route(&self, table: RouteTableId, choice: Choice, destination: IpAddr) -> Fact {
        let covers = |route: &&Arc<Route>| route.destination.contains(&destination);
        let why = match choice {
            Choice::Local(_) => LosingReason::Local,
            Choice::System => LosingReason::System,
            Choice::Custom(_) | Choice::Nothing => LosingReason::Shorter,
        };
        let losing = self
            .catalog
            .routes_of(table)
            .filter(covers)
            .filter(|route| choice != Choice::Custom(route.id))
            .map(|route| Losing { route: route.id, why });
        Fact::Route { table, choice, losing: losing.collect(), dead: self.dead(choice) }
    }
    /// Whether a chosen route's next hop takes no packets now (rules PEER-5, NH-7).
    fn dead(&self, choice: Choice) -> bool {
        let Choice::Custom(route) = choice else { return false };
        let Some(route) = self.catalog.route(route) else { return false };
        let up =
            |server: ServerId| self.catalog.server(server).is_some_and(|server| server.state == ServerState::Running);
        match route.next_hop {
            NextHop::Peering(id) => {
                self.catalog.peering(id).is_none_or(|peering| peering.status != PeeringStatus::Active)
            }
            NextHop::Ecs(server) => !up(server),
            NextHop::Eni(port) | NextHop::Subeni(port) => {
                !self.catalog.port(port).and_then(|port| port.server).is_some_and(up)
            }
            NextHop::Vip(address) => {
                let vip =
                    self.catalog.ports_of_vpc(route.vpc).find(|p| p.is_vip() && p.addresses().any(|a| a == address));
                let holder = vip.and_then(|vip| vip.holder).and_then(|holder| self.catalog.port(holder));
                !holder.and_then(|holder| holder.server).is_some_and(up)
            }
            NextHop::Nat(_) => true,
        }
    }
}
