//! Frames through the pipeline, and what becomes of them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use abi::{CONTEXT_OUT, DropReason, GATEWAY_MAC, NO_ID, ROUTE_LOCAL, ROUTE_SYSTEM};
use catalog::Catalog;
use compiler::{compile_installation, compile_vpc, ip_address};
use model::{Direction, NextHop, PeeringStatus, Protocol, Route, RouteTableId, ServerId, ServerState, VpcId};
use pipeline::Step as Raw;

use super::guest::{Guest, Objects};
use super::{Choice, Fact, Leg, Losing, LosingReason, Question, Step, Target, Trace, TraceError, Verdict};
use crate::frame::{Ends, TcpFlags, answer};
use crate::{Outcome, World};

/// A packet is forwarded by at most this many guests, as with crossings (rule PEER-10).
const MAX_FORWARDERS: usize = 16;

/// Longer than any flow is remembered, so that questions do not see each other's flows.
const FORGET: Duration = Duration::from_secs(24 * 3600);

const CLIENT_PORT: u16 = 40_000;
const ECHO_IDENTIFIER: u16 = 0x4357;

/// Answers questions about one state of the installation.
#[derive(Debug)]
pub struct Tracer {
    catalog: Catalog,
    objects: Objects,
    world: World,
}

/// Where packets of a leg are meant to end.
struct Intended {
    server: Option<ServerId>,
    vpc: Option<VpcId>,
}

/// What became of the packets of a leg.
enum End {
    /// A guest has the frame.
    Arrived(Guest, Vec<u8>),
    /// The platform answered.
    Answered,
    /// Lost.
    Lost(DropReason, Option<VpcId>),
}

struct Walked {
    end: End,
    steps: Vec<Step>,
    via: Vec<ServerId>,
    /// The server that had the packet last, wanted or not.
    delivered_to: Option<ServerId>,
}

impl Tracer {
    /// A tracer for all servers.
    #[must_use]
    pub fn new(catalog: &Catalog) -> Self {
        Self::of(catalog, catalog.vpcs().map(|vpc| vpc.id).collect())
    }

    /// A tracer that can answer these questions and no others: it knows the VPCs that their packets can get to, which in
    /// a large installation are few.
    #[must_use]
    pub fn for_questions<'a>(catalog: &Catalog, questions: impl IntoIterator<Item = &'a Question>) -> Self {
        let (mut vpcs, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for question in questions {
            let (ip, server, vpc) = match question.to {
                Target::Server(server) => (None, Some(server), None),
                Target::Address { ip, intended, to_vpc } => (Some(ip), intended, to_vpc),
            };
            let servers = [Some(question.from), server].into_iter().flatten().filter_map(|id| catalog.server(id));
            for port in servers.filter_map(|server| catalog.port(server.port)) {
                vpcs.insert(port.vpc);
                addresses.insert(port.ipv4);
            }
            vpcs.extend(vpc);
            addresses.extend(ip);
        }
        // Whatever happens, a packet with these ends only takes routes that cover one of them.
        let covered = |route: &&Arc<Route>| addresses.iter().any(|ip| route.destination.contains(&IpAddr::V4(*ip)));
        let mut open: Vec<VpcId> = vpcs.iter().copied().collect();
        while let Some(vpc) = open.pop() {
            for route in catalog.routes_of_vpc(vpc).filter(covered) {
                let NextHop::Peering(peering) = route.next_hop else { continue };
                let entered = catalog.peering(peering).and_then(|peering| peering.other_end(vpc)).map(|end| end.vpc);
                open.extend(entered.filter(|entered| vpcs.insert(*entered)));
            }
        }
        Self::of(catalog, vpcs)
    }

    fn of(catalog: &Catalog, vpcs: BTreeSet<VpcId>) -> Self {
        let mut objects = Objects::default();
        for vpc in &vpcs {
            objects.add(catalog, *vpc);
        }
        let mut tables = compile_installation(catalog);
        for vpc in &vpcs {
            tables.extend(compile_vpc(catalog, *vpc, &objects.attachments));
        }
        Self { catalog: catalog.clone(), objects, world: World::load(&tables) }
    }

    /// Answers a question (rules DIAG-1 to DIAG-4).
    ///
    /// # Errors
    /// [`TraceError`] when one of the servers is not there or the sender is stopped.
    pub fn ask(&mut self, question: &Question) -> Result<Trace, TraceError> {
        let from = self.sender(question.from)?;
        let (destination, intended) = self.destination(question.to)?;
        let mut trace = Trace {
            question: *question,
            source: from.ip,
            destination,
            from_vpc: from.vpc,
            to_vpc: intended.vpc,
            verdict: Verdict::new(false),
            forward: Vec::new(),
            back: Vec::new(),
        };
        if self.different_region(&from, &intended) {
            trace.verdict.reason = Some(DropReason::DifferentRegion);
            return Ok(trace);
        }
        if intended.server == Some(from.server) || (destination == from.ip && intended.vpc.is_none()) {
            trace.verdict =
                Verdict { delivered_to: Some(from.server), observed_source: Some(from.ip), ..Verdict::new(true) };
            return Ok(trace);
        }
        self.world.advance(FORGET);
        let request = request(&from, destination, question);
        let walked = self.walk(from, request, &intended, destination);
        trace.forward = walked.steps;
        trace.verdict.via = walked.via;
        trace.verdict.delivered_to = walked.delivered_to;
        match walked.end {
            End::Lost(reason, at) => self.lost(&mut trace, Leg::Forward, reason, at),
            End::Answered => trace.verdict.reachable = true,
            End::Arrived(receiver, frame) => self.reply(&mut trace, from, receiver, &frame),
        }
        Ok(trace)
    }

    /// Lets the receiver answer, and follows the reply.
    fn reply(&mut self, trace: &mut Trace, from: Guest, receiver: Guest, frame: &[u8]) {
        trace.verdict.observed_source = source_of(frame);
        let Some(reply) = answer(frame) else {
            trace.verdict.reachable = true;
            return;
        };
        let intended = Intended { server: Some(from.server), vpc: Some(from.vpc) };
        let walked = self.walk(receiver, reply, &intended, from.ip);
        let forwarded = !walked.via.is_empty();
        trace.back = walked.steps;
        trace.verdict.return_via = walked.via;
        match walked.end {
            End::Lost(reason, at) => {
                // A failed lookup in the replier's own table has a name of its own (rule DIAG-2).
                let own = reason == DropReason::NoRoute && !forwarded;
                let reason = if own { DropReason::NoReturnRoute } else { reason };
                self.lost(trace, Leg::Return, reason, at);
            }
            End::Arrived(..) | End::Answered => trace.verdict.reachable = true,
        }
    }

    fn lost(&self, trace: &mut Trace, leg: Leg, reason: DropReason, at: Option<VpcId>) {
        trace.verdict.reason = Some(diagnosis(reason));
        trace.verdict.leg = leg;
        trace.verdict.at = at;
        let steps = match leg {
            Leg::Forward => &mut trace.forward,
            Leg::Return => &mut trace.back,
        };
        steps.push(Step { vpc: at, fact: Fact::Dropped { reason } });
    }

    /// Follows a frame from guest to guest.
    fn walk(&mut self, start: Guest, mut frame: Vec<u8>, intended: &Intended, destination: Ipv4Addr) -> Walked {
        let mut walked = Walked { end: End::Answered, steps: Vec::new(), via: Vec::new(), delivered_to: None };
        let mut sender = start;
        walked.end = loop {
            let source = source_of(&frame).unwrap_or(sender.ip);
            let (outcome, raw) = self.world.send_traced(sender.ifindex, &mut frame);
            self.translate(&raw, source, destination, &mut walked.steps);
            let receiver = outcome.delivered_to().and_then(|ifindex| self.objects.guests.get(&ifindex)).copied();
            if let Some(receiver) = receiver.filter(|receiver| receiver.ip == destination) {
                walked.delivered_to = Some(receiver.server);
            }
            if let Some(vpc) = self.wrong_vpc(&raw, intended) {
                let own = vpc == start.vpc;
                break End::Lost(if own { DropReason::LocalRoutePreferred } else { DropReason::Misrouted }, Some(vpc));
            }
            match (outcome, receiver) {
                (Outcome::Delivered { .. }, Some(receiver)) => {
                    if receiver.ip == destination {
                        walked.steps.push(step(receiver.vpc, Fact::Delivered { server: receiver.server }));
                        break match intended.server {
                            Some(server) if server != receiver.server => {
                                End::Lost(DropReason::Misrouted, Some(receiver.vpc))
                            }
                            _ => End::Arrived(receiver, frame),
                        };
                    }
                    if !receiver.kind.forwards() {
                        walked.steps.push(step(receiver.vpc, Fact::NotForwarding { server: receiver.server }));
                        break End::Lost(DropReason::NextHopNotForwarding, Some(receiver.vpc));
                    }
                    walked.via.push(receiver.server);
                    if walked.via.len() > MAX_FORWARDERS {
                        break End::Lost(DropReason::RoutingLoop, Some(receiver.vpc));
                    }
                    walked.steps.push(step(receiver.vpc, Fact::Forwarded { server: receiver.server }));
                    readdress(&mut frame, &receiver);
                    sender = receiver;
                }
                (Outcome::Dropped { vni, reason }, _) => {
                    break End::Lost(reason, self.objects.vpcs.get(&vni).copied());
                }
                (Outcome::Replied, _) => break End::Answered,
                // Neither happens to what the tracer sends, as long as tables and guests agree.
                (Outcome::Delivered { .. } | Outcome::Consumed, _) => {
                    break End::Lost(DropReason::InconsistentTables, Some(sender.vpc));
                }
            }
        };
        walked
    }

    /// The VPC whose local route took the packet, if it is not the one that was meant (rule DIAG-4).
    fn wrong_vpc(&self, raw: &[Raw], intended: &Intended) -> Option<VpcId> {
        let local = raw.iter().rev().find_map(|step| match step {
            Raw::Route { vni, kind, .. } => Some((*kind == ROUTE_LOCAL).then_some(*vni)),
            _ => None,
        })??;
        let vpc = *self.objects.vpcs.get(&local)?;
        intended.vpc.filter(|meant| *meant != vpc).map(|_| vpc)
    }

    fn sender(&self, server: ServerId) -> Result<Guest, TraceError> {
        let guest = self.objects.guest(server).ok_or(TraceError::UnknownServer(server))?;
        match self.catalog.server(server).map(|server| server.state) {
            Some(ServerState::Running) => Ok(*guest),
            _ => Err(TraceError::SenderStopped(server)),
        }
    }

    fn destination(&self, to: Target) -> Result<(Ipv4Addr, Intended), TraceError> {
        let port = |server: ServerId| {
            let port = self.catalog.server(server).and_then(|server| self.catalog.port(server.port));
            port.ok_or(TraceError::UnknownServer(server))
        };
        match to {
            Target::Server(server) => {
                let port = port(server)?;
                Ok((port.ipv4, Intended { server: Some(server), vpc: Some(port.vpc) }))
            }
            Target::Address { ip, intended, to_vpc } => {
                let of_server = intended.map(port).transpose()?.map(|port| port.vpc);
                Ok((ip, Intended { server: intended, vpc: to_vpc.or(of_server) }))
            }
        }
    }

    /// REG-2: no private address of another region is reachable.
    fn different_region(&self, from: &Guest, intended: &Intended) -> bool {
        let region = |vpc: VpcId| self.catalog.vpc(vpc).map(|vpc| &vpc.region);
        intended.vpc.is_some_and(|vpc| region(vpc) != region(from.vpc))
    }

    /// The pipeline's steps in terms of objects.
    fn translate(&self, raw: &[Raw], source: Ipv4Addr, destination: Ipv4Addr, steps: &mut Vec<Step>) {
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
        source: Ipv4Addr,
        destination: Ipv4Addr,
        last_route: Option<u8>,
    ) -> Option<(Option<VpcId>, Fact)> {
        let objects = &self.objects;
        let vpc = |vni: u32| objects.vpcs.get(&vni).copied();
        let server = |port| objects.ports.get(port).copied();
        let found = match raw {
            Raw::Sent { port, vni, subnet, table } => {
                let (subnet, table) = (*objects.subnets.get(subnet)?, *objects.tables.get(table)?);
                (vpc(*vni), Fact::Sent { server: server(port)?, subnet, table, source, destination })
            }
            Raw::SourceCheck { port, checked, passed } => {
                (None, Fact::SourceCheck { server: server(port)?, checked: *checked, passed: *passed })
            }
            Raw::DestinationCheck { port, checked, passed } => {
                (None, Fact::DestinationCheck { server: server(port)?, checked: *checked, passed: *passed })
            }
            Raw::Gateway { subnet, answered } => {
                (None, Fact::Gateway { subnet: *objects.subnets.get(subnet)?, answered: *answered })
            }
            Raw::SecurityGroup { port, context, rule, allowed, .. } => {
                let direction = if *context == CONTEXT_OUT { Direction::Egress } else { Direction::Ingress };
                let rule = if *rule == NO_ID { None } else { objects.rules.get(rule).copied() };
                (None, Fact::SecurityGroup { server: server(port)?, direction, rule, allowed: *allowed })
            }
            Raw::Tracked { port, .. } => (None, Fact::Tracked { server: server(port)? }),
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
                let IpAddr::V4(address) = ip_address(abi::FAMILY_V4, *address) else { return None };
                let next_hop = last_route != Some(ROUTE_LOCAL);
                (vpc(*vni), Fact::HandOver { server: server(port)?, address, next_hop })
            }
            Raw::Flow { .. } | Raw::Arp { .. } | Raw::Dropped { .. } | Raw::Delivered { .. } => return None,
        };
        Some(found)
    }

    /// A lookup with the routes that lost (rules RT-5, RT-7).
    fn route(&self, table: RouteTableId, choice: Choice, destination: Ipv4Addr) -> Fact {
        let covers = |route: &&Arc<Route>| route.destination.contains(&IpAddr::V4(destination));
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
        Fact::Route { table, choice, losing: losing.collect() }
    }
}

fn step(vpc: VpcId, fact: Fact) -> Step {
    Step { vpc: Some(vpc), fact }
}

/// The frame that asks the question.
fn request(from: &Guest, destination: Ipv4Addr, question: &Question) -> Vec<u8> {
    let ends = Ends::by_gateway(from.mac, from.ip, destination);
    match question.protocol {
        Protocol::ICMP => ends.echo_request(ECHO_IDENTIFIER, 1),
        Protocol::TCP => ends.tcp(CLIENT_PORT, question.port, TcpFlags::Syn),
        Protocol::UDP => ends.udp(CLIENT_PORT, question.port),
        Protocol(other) => ends.ip(other),
    }
}

/// The source address of an IPv4 frame.
fn source_of(frame: &[u8]) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = frame.get(26..30)?.try_into().ok()?;
    Some(octets.into())
}

/// What a forwarding guest does: the packet goes out unchanged, from its interface to its gateway.
fn readdress(frame: &mut [u8], guest: &Guest) {
    let macs = GATEWAY_MAC.iter().chain(&guest.mac);
    frame.iter_mut().zip(macs).for_each(|(byte, of_mac)| *byte = *of_mac);
}

/// The reason code of a verdict (behaviour section 16) for a drop that has a name of its own only in counters: a gateway
/// is no workload (rule L2-1), and what is never forwarded matches no route (rule L2-7).
const fn diagnosis(reason: DropReason) -> DropReason {
    match reason {
        DropReason::GatewayService => DropReason::NoSuchHost,
        DropReason::NotForwarded => DropReason::NoRoute,
        other => other,
    }
}
