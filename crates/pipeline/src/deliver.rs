//! The receiver's side: who has the address, may the packet come in, how it gets there.

use abi::{
    CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED, CONTEXT_IN_VPC, DropReason, ENDPOINT_GATEWAY, ENDPOINT_WORKLOAD,
    Endpoint, FAMILY_V4, FLOW_IN_ALLOWED, FLOW_OUT_ALLOWED, FLOW_REPLIED, GATEWAY_MAC, ORIGIN_PEERING,
    ORIGIN_UNCHECKED, ORIGIN_VPC, PORT_CHECKED, PORT_RUNNING, Port,
};

use crate::env::is_same;
use crate::flow::{self, Record, State};
use crate::packet::{ANY_SYN, ECHO_REQUEST, ICMP_ERROR, Meta, RST, SYN};
use crate::policy::{self, Question};
use crate::route::Hop;
use crate::{Action, Flows, Packet, Step, Tables, Trace, Verdict, acl, endpoint_key, icmp, icmpv6, vip};

// An origin is used as the context of the receiver's rules as it is.
const _: () = assert!(
    ORIGIN_VPC == CONTEXT_IN_VPC && ORIGIN_PEERING == CONTEXT_IN_PEERING && ORIGIN_UNCHECKED == CONTEXT_IN_UNCHECKED
);

/// L2-1: a gateway answers echo requests of its own subnet, and is no destination otherwise. `verdict.action` is
/// [`Action::Reply`] when it answered.
#[inline(always)]
pub(crate) fn gateway<P: Packet, T: Tables, R: Trace>(
    packet: &mut P,
    tables: &T,
    port: &Port,
    meta: &Meta,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let key = endpoint_key(port.vni, meta.key.family, &meta.key.destination);
    let Some(endpoint) = tables.endpoint(&key) else { return Ok(()) };
    if endpoint.kind != ENDPOINT_GATEWAY {
        return Ok(());
    }
    let answered = endpoint.subnet == port.subnet && meta.is(ECHO_REQUEST);
    trace.step(|| Step::Gateway { subnet: endpoint.subnet, answered });
    if !answered {
        return Err(DropReason::GatewayService);
    }
    if meta.key.family == FAMILY_V4 {
        icmp::answer(packet, port, meta, verdict)
    } else {
        icmpv6::answer(packet, port, meta, verdict)
    }
}

/// What the sender's half found out.
pub(crate) struct Sent<'a> {
    /// The sender.
    pub port: &'a Port,
    /// The sender's entry, with what its rules allowed.
    pub state: State,
    /// Generation of the sender's VPC, read before any table.
    pub generation: u64,
    /// Time.
    pub now: u64,
}

/// Hands the packet to whom the routes led to, if that one may have it, and writes the flow entries.
#[inline(always)]
pub(crate) fn hand_over<T: Tables, F: Flows, R: Trace>(
    tables: &T,
    flows: &mut F,
    sent: &Sent<'_>,
    hop: &Hop,
    meta: &mut Meta,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let port = sent.port;
    // Before the endpoint, because that names the policy.
    let in_generation = tables.generation(hop.key.vni);
    let absent = if hop.handed { DropReason::NextHopDown } else { DropReason::NoSuchHost };
    let Some(endpoint) = tables.endpoint(&hop.key) else { return Err(absent) };
    if endpoint.kind != ENDPOINT_WORKLOAD {
        return Err(if hop.handed { DropReason::NextHopDown } else { DropReason::GatewayService });
    }
    trace.step(|| Step::HandOver {
        vni: hop.key.vni,
        address: hop.key.address,
        port: endpoint.port,
        subnet: endpoint.subnet,
        ifindex: endpoint.ifindex,
    });
    if endpoint.flags & PORT_RUNNING == 0 || endpoint.ifindex == 0 {
        return Err(absent);
    }
    if endpoint.ifindex == meta.key.ifindex {
        return Err(DropReason::RoutingLoop);
    }

    let origin = origin(port, hop);
    let same_subnet = hop.crossings == 0 && endpoint.subnet == port.subnet;
    let own_ifindex = meta.key.ifindex;
    // From here on the key is the receiver's.
    flow::reverse(&mut meta.key, endpoint.ifindex);
    let mut receiver = State::NONE;
    flow::find(flows, meta, &endpoint.port, sent.now, &mut receiver, trace)?;
    let mut let_in = false;
    if permits(meta, &sent.state, &receiver, in_generation) {
        let outbound = receiver.has(FLOW_OUT_ALLOWED);
        trace.step(|| Step::Tracked { port: endpoint.port, outbound });
    } else {
        // The network ACL goes first (rule ACL-6).
        if !same_subnet {
            acl::may_enter(tables, &endpoint.port, &endpoint.acl, meta, trace)?;
        }
        let question = Question {
            port: &endpoint.port,
            policy: &endpoint.policy,
            context: origin,
            family: meta.key.family,
            remote: &meta.source,
            protocol: meta.protocol,
            service: meta.service,
        };
        if !policy::allowed(tables, question, trace) {
            return Err(DropReason::SecurityGroup);
        }
        let_in = true;
    }
    destination_check(tables, endpoint, hop, meta, trace)?;

    verdict.action = Action::Deliver as u32;
    verdict.ifindex = endpoint.ifindex;
    verdict.dmac = endpoint.mac;
    verdict.smac = GATEWAY_MAC;
    if same_subnet {
        verdict.smac = port.mac;
    }
    let receiving_port = endpoint.port;
    // Had one of them been replaced meanwhile, what was read of it might be somebody else's, in another VPC.
    if !is_same(endpoint, tables.endpoint(&hop.key)) || !is_same(port, tables.port(own_ifindex)) {
        return Err(DropReason::InconsistentTables);
    }
    if flow::recorded(meta, &sent.state) {
        // A reply was seen before, and this is neither another SYN-ACK nor a refusal: the flow is established.
        let confirmed = (sent.state.has(FLOW_REPLIED) || receiver.has(FLOW_REPLIED)) && !meta.is(ANY_SYN | RST);
        let record = Record {
            generation: sent.generation,
            in_generation,
            now: sent.now,
            origin,
            common: flow::common_flags(meta, &sent.state, &receiver),
            let_in,
            same_subnet,
            established: confirmed || sent.state.established || receiver.established,
        };
        flow::record_receiver(flows, meta, &receiving_port, &record)?;
        flow::reverse(&mut meta.key, own_ifindex);
        flow::record_sender(flows, meta, &port.port, &record, &sent.state, verdict);
    } else if sent.state.revoked {
        // Remembered as long as it goes on: forgotten, it would count as a flow that the port opens.
        flow::reverse(&mut meta.key, own_ifindex);
        flow::touch(flows, &meta.key, sent.now);
    }
    Ok(())
}

/// How the packet comes to the receiver (rule SG-7).
#[inline(always)]
const fn origin(port: &Port, hop: &Hop) -> u8 {
    if port.flags & PORT_CHECKED == 0 {
        ORIGIN_UNCHECKED
    } else if hop.crossings > 0 {
        ORIGIN_PEERING
    } else {
        ORIGIN_VPC
    }
}

/// Whether the receiver's entry lets the packet in without a rule: it answers what the receiver sent (SG-4), or it is
/// an error about a flow that both the sender and the receiver take part in, and that the receiver's rules still let in.
#[inline(always)]
const fn permits(meta: &Meta, sender: &State, receiver: &State, in_generation: u64) -> bool {
    if meta.is(ICMP_ERROR) {
        return sender.has(FLOW_OUT_ALLOWED | FLOW_IN_ALLOWED)
            && !sender.revoked
            && (receiver.has(FLOW_OUT_ALLOWED)
                || (receiver.has(FLOW_IN_ALLOWED) && receiver.in_generation == in_generation));
    }
    // A request answers nothing, even where its identifier makes its tuple that of the other side's requests (0).
    !meta.is(SYN | ECHO_REQUEST) && receiver.has(FLOW_OUT_ALLOWED)
}

/// CHK-3: with the check on, a port receives only packets to its own addresses and to those bound to it.
#[inline(always)]
fn destination_check<T: Tables, R: Trace>(
    tables: &T,
    endpoint: &Endpoint,
    hop: &Hop,
    meta: &Meta,
    trace: &mut R,
) -> Result<(), DropReason> {
    let checked = endpoint.flags & PORT_CHECKED != 0;
    let mut passed = true;
    if checked && hop.handed {
        // The key is the receiver's here, so the packet's destination is its source.
        passed = vip::may_use(tables, hop.key.vni, &endpoint.port, meta.key.family, &meta.key.source);
    }
    trace.step(|| Step::DestinationCheck { port: endpoint.port, checked, passed });
    if passed { Ok(()) } else { Err(DropReason::SourceCheck) }
}
