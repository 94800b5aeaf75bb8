//! A frame from a workload: the order of the stages (rule DIAG-3).

use abi::{CONTEXT_OUT, DropReason, FLOW_IN_ALLOWED, FLOW_OUT_ALLOWED, PORT_RUNNING, Port};

use crate::deliver::Sent;
use crate::flow::State;
use crate::packet::{
    ETHERTYPE_ARP, ETHERTYPE_IPV4, EthernetHeader, ICMP_ERROR, Meta, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, SYN,
    parse,
};
use crate::policy::Question;
use crate::route::Hop;
use crate::scope;
use crate::{Action, Flows, Packet, Step, Tables, Trace, Verdict, arp, deliver, flow, fragment, icmp, policy, route};

/// Decides about a frame that the workload behind `ifindex` (host's end of its veth) sent.
///
/// ARP requests and echo requests to the gateway are answered in `packet` itself; nothing else changes it. `verdict` is
/// overwritten whatever was in it.
#[inline(always)]
pub fn from_workload<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) {
    *verdict = Verdict::NEW;
    if let Err(reason) = stages(packet, ifindex, tables, flows, trace, verdict) {
        verdict.action = Action::Drop as u32;
        verdict.reason = reason as u32;
        verdict.ifindex = 0;
        verdict.dmac = [0; 6];
        verdict.smac = [0; 6];
        trace.step(|| Step::Dropped { vni: verdict.vni, reason });
    } else if verdict.action == Action::Deliver as u32 {
        trace.step(|| Step::Delivered { vni: verdict.vni, ifindex: verdict.ifindex });
    }
}

#[inline(always)]
fn stages<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let Some(port) = tables.port(ifindex) else { return Err(DropReason::UnknownPort) };
    verdict.vni = port.vni;
    trace.step(|| Step::Sent { port: port.port, vni: port.vni, subnet: port.subnet, table: port.table });
    let Some(ethernet) = packet.at::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    if ethernet.source != port.mac {
        return Err(DropReason::SpoofedMac);
    }
    if packet.is_tagged() {
        return Err(DropReason::UnsupportedProtocol);
    }
    if ethernet.ethertype == ETHERTYPE_ARP {
        return arp::answer(packet, ifindex, port, tables, trace, verdict);
    }
    if ethernet.ethertype != ETHERTYPE_IPV4 {
        return Err(DropReason::UnsupportedProtocol);
    }
    let [first, ..] = ethernet.destination;
    let multicast = first & 1 != 0;
    let mut meta = Meta::new(ifindex);
    parse(packet, &mut meta)?;
    fragment::ports(flows, &mut meta)?;
    scope::leaves_subnet(&meta, multicast)?;

    let generation = tables.generation(port.vni);
    let now = flows.now();
    if flow::hit(flows, &mut meta, &port.port, generation, now, trace, verdict) {
        return Ok(());
    }
    let vni = port.vni;
    // Again, because the generation must be older than every table that the decision rests on.
    let Some(port) = tables.port(ifindex) else { return Err(DropReason::UnknownPort) };
    *verdict = Verdict { vni, ..Verdict::NEW };
    if port.vni != vni {
        return Err(DropReason::InconsistentTables);
    }
    if port.flags & PORT_RUNNING == 0 {
        return Err(DropReason::WorkloadStopped);
    }
    scope::source_check(tables, port, meta.key.family, &meta.source, trace)?;
    deliver::gateway(packet, tables, port, &meta, trace, verdict)?;
    if verdict.action == Action::Reply as u32 {
        return Ok(());
    }
    let mut sent = Sent { port, state: State::NONE, generation, now };
    flow::find(flows, &meta, &port.port, now, &mut sent.state, trace)?;
    if !may_send(tables, port, &meta, generation, &mut sent.state, trace) {
        return Err(DropReason::SecurityGroup);
    }
    let mut hop = Hop::NEW;
    route::walk(tables, port, &meta, trace, verdict, &mut hop)?;
    deliver::hand_over(tables, flows, &sent, &hop, &mut meta, trace, verdict)
}

/// Whether the sender's security groups let the packet out, by its flow or by a rule. `state` becomes what the entry
/// has to say afterwards.
#[inline(always)]
fn may_send<T: Tables, R: Trace>(
    tables: &T,
    port: &Port,
    meta: &Meta,
    generation: u64,
    state: &mut State,
    trace: &mut R,
) -> bool {
    if !meta.is(SYN) {
        // A flow that the port opened goes on, whatever became of its rules (rule SG-6).
        if state.has(FLOW_OUT_ALLOWED) {
            trace.step(|| Step::Tracked { port: port.port, outbound: true });
            return true;
        }
        if state.has(FLOW_IN_ALLOWED) {
            if state.in_generation == generation {
                trace.step(|| Step::Tracked { port: port.port, outbound: false });
                return true;
            }
            // Something changed since the flow was let in: would its packets still be (rule SG-6)?
            let question = Question {
                port: &port.port,
                policy: &port.policy,
                context: state.origin,
                family: meta.key.family,
                remote: &meta.key.destination,
                protocol: meta.key.protocol,
                service: reverse_service(meta),
            };
            if policy::allowed(tables, question, trace) {
                state.in_generation = generation;
                trace.step(|| Step::Tracked { port: port.port, outbound: false });
                return true;
            }
            state.revoked = true;
        }
    }
    let question = Question {
        port: &port.port,
        policy: &port.policy,
        context: CONTEXT_OUT,
        family: meta.key.family,
        remote: &meta.key.destination,
        protocol: meta.protocol,
        service: meta.service,
    };
    if !policy::allowed(tables, question, trace) {
        return false;
    }
    // An error that only a rule let out is not about a flow of the port.
    if !meta.is(ICMP_ERROR) {
        state.flags |= FLOW_OUT_ALLOWED;
    }
    true
}

/// The service of the packets that come the other way in the flow.
#[inline(always)]
const fn reverse_service(meta: &Meta) -> [u8; 2] {
    match meta.key.protocol {
        PROTOCOL_TCP | PROTOCOL_UDP => meta.key.source_port,
        PROTOCOL_ICMP => icmp::SERVICE_ECHO_REQUEST,
        _ => [0; 2],
    }
}
