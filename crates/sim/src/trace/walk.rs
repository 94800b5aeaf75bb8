//! Frames through the pipeline, and what becomes of them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use abi::{DropReason, ROUTE_LOCAL};
use catalog::Catalog;
use compiler::{Settings, compile_installation, compile_vpc};
use model::{NextHop, Route, ServerId, ServerState, VpcId};
use pipeline::Step as Raw;

use super::guest::{Guest, Objects};
use super::packet::{readdress, request, source_of};
use super::{Fact, Leg, Question, Step, Target, Trace, TraceError, Verdict};
use crate::frame::answer;
use crate::{Outcome, World};

/// A packet is forwarded by at most this many guests, as with crossings (rule PEER-10).
const MAX_FORWARDERS: usize = 16;

/// Longer than any flow is remembered, so that questions do not see each other's flows.
const FORGET: Duration = Duration::from_secs(24 * 3600);

/// Answers questions about one state of the installation.
#[derive(Debug)]
pub struct Tracer {
    pub(super) catalog: Catalog,
    pub(super) objects: Objects,
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
                addresses.extend(port.addresses());
            }
            vpcs.extend(vpc);
            addresses.extend(ip);
        }
        // Whatever happens, a packet with these ends only takes routes that cover one of them.
        let covered = |route: &&Arc<Route>| addresses.iter().any(|ip| route.destination.contains(ip));
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
            tables.extend(compile_vpc(catalog, *vpc, &objects.attachments, Settings::default()));
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
        let source = from.address_for(destination).ok_or(TraceError::NoIpv6(question.from))?;
        let mut trace = Trace {
            question: *question,
            source,
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
        if intended.server == Some(from.server) || (destination == source && intended.vpc.is_none()) {
            trace.verdict =
                Verdict { delivered_to: Some(from.server), observed_source: Some(source), ..Verdict::new(true) };
            return Ok(trace);
        }
        self.world.advance(FORGET);
        let request = request(from.mac, source, destination, question);
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
        let walked = self.walk(receiver, reply, &intended, trace.source);
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
    fn walk(&mut self, start: Guest, mut frame: Vec<u8>, intended: &Intended, destination: IpAddr) -> Walked {
        let mut walked = Walked { end: End::Answered, steps: Vec::new(), via: Vec::new(), delivered_to: None };
        let mut sender = start;
        walked.end = loop {
            let source = source_of(&frame).unwrap_or(IpAddr::V4(sender.ipv4));
            let (outcome, raw) = self.world.send_traced(sender.ifindex, &mut frame);
            self.translate(&raw, source, destination, &mut walked.steps);
            let receiver = outcome.delivered_to().and_then(|ifindex| self.objects.guests.get(&ifindex)).copied();
            if let Some(receiver) = receiver.filter(|receiver| self.objects.has(receiver, destination)) {
                walked.delivered_to = Some(receiver.server);
            }
            if let Some(vpc) = self.wrong_vpc(&raw, intended) {
                let own = vpc == start.vpc;
                break End::Lost(if own { DropReason::LocalRoutePreferred } else { DropReason::Misrouted }, Some(vpc));
            }
            match (outcome, receiver) {
                (Outcome::Delivered { .. }, Some(receiver)) => {
                    if self.objects.has(&receiver, destination) {
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
                    readdress(&mut frame, receiver.mac);
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

    fn destination(&self, to: Target) -> Result<(IpAddr, Intended), TraceError> {
        let port = |server: ServerId| {
            let port = self.catalog.server(server).and_then(|server| self.catalog.port(server.port));
            port.ok_or(TraceError::UnknownServer(server))
        };
        match to {
            Target::Server(server) => {
                let port = port(server)?;
                Ok((IpAddr::V4(port.ipv4), Intended { server: Some(server), vpc: Some(port.vpc) }))
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
}

fn step(vpc: VpcId, fact: Fact) -> Step {
    Step { vpc: Some(vpc), fact }
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
