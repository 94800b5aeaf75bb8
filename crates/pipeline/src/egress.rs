//! A frame from a workload: the order of the stages (rule DIAG-3).

use abi::{DropReason, NO_ADDRESS, PORT_RUNNING, Port, attachment_ifindex};

use crate::deliver::Sent;
use crate::flow::State;
use crate::header::{ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, EthernetHeader};
use crate::packet::Meta;
use crate::route::Hop;
use crate::{Action, Flows, Packet, Part, Step, Tables, Trace, Verdict};
use crate::{deliver, dhcp, dhcpv6, flow, fragment, ipv4, ipv6, mtu, nd, route, scope, sender};

/// The frame's port, and which part of the pipeline is for it; IPv4 is dealt with here.
#[inline(always)]
pub(crate) fn enter<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let Some(port) = tables.port(ifindex) else { return Err(unattached(ifindex, tables, verdict)) };
    verdict.vni = port.vni;
    trace.step(|| Step::Sent { port: port.port, vni: port.vni, subnet: port.subnet, table: port.table });
    let Some(ethernet) = packet.at::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    if ethernet.source != port.mac {
        return Err(DropReason::SpoofedMac);
    }
    if ethernet.ethertype == ETHERTYPE_ARP {
        verdict.next = Part::Neighbour as u32;
        return Ok(());
    }
    if ethernet.ethertype == ETHERTYPE_IPV6 {
        verdict.next = Part::Ipv6 as u32;
        return Ok(());
    }
    if ethernet.ethertype != ETHERTYPE_IPV4 {
        return Err(DropReason::UnsupportedProtocol);
    }
    let [first, ..] = ethernet.destination;
    let multicast = first & 1 != 0;
    let mut meta = Meta::new(ifindex);
    ipv4::parse(packet, &mut meta)?;
    fragment::ports(flows, &mut meta)?;
    dhcp::screen(tables, port, &meta, verdict)?;
    if verdict.next != Part::None as u32 {
        return Ok(());
    }
    scope::leaves_subnet(&meta, multicast)?;
    forward(packet, port, tables, flows, &mut meta, trace, verdict)
}

/// Why a frame is dropped that no port sends: of a known interface it is one with a tag that no supplementary interface
/// has.
#[inline(always)]
fn unattached<T: Tables>(attachment: u32, tables: &T, verdict: &mut Verdict) -> DropReason {
    let Some(parent) = tables.port(attachment_ifindex(attachment)) else { return DropReason::UnknownPort };
    verdict.vni = parent.vni;
    DropReason::UnsupportedProtocol
}

/// An IPv6 packet, after [`enter`].
#[inline(always)]
pub(crate) fn enter_ipv6<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let Some(port) = tables.port(ifindex) else { return Err(DropReason::UnknownPort) };
    verdict.vni = port.vni;
    if port.ipv6 == NO_ADDRESS {
        return Err(DropReason::UnsupportedProtocol);
    }
    let Some(ethernet) = packet.at::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    let [first, ..] = ethernet.destination;
    let multicast = first & 1 != 0;
    let mut meta = Meta::new(ifindex);
    ipv6::parse(packet, flows, &mut meta)?;
    fragment::ports(flows, &mut meta)?;
    dhcpv6::screen(port, &meta, verdict)?;
    nd::screen(&meta, verdict);
    if verdict.next != Part::None as u32 {
        return Ok(());
    }
    scope::leaves_subnet_v6(&meta, multicast)?;
    forward(packet, port, tables, flows, &mut meta, trace, verdict)
}

/// Forwards an IP packet: by its flow, or else by all rules.
#[inline(always)]
fn forward<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    port: &Port,
    tables: &T,
    flows: &mut F,
    meta: &mut Meta,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    if mtu::exceeds(packet, port, meta) {
        verdict.next = Part::TooBig as u32;
        return Ok(());
    }
    let ifindex = meta.key.ifindex;
    let generation = tables.generation(port.vni);
    let now = flows.now();
    if flow::hit(flows, meta, &port.port, generation, now, trace, verdict) {
        return Ok(());
    }
    meta.flags = flows.forget(meta.flags);
    meta.protocol = flows.forget(meta.protocol.into()) as u8;
    meta.key.protocol = flows.forget(meta.key.protocol.into()) as u8;
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
    deliver::gateway(packet, tables, port, meta, trace, verdict)?;
    if verdict.action == Action::Reply as u32 {
        return Ok(());
    }
    let mut sent = Sent { port, state: State::NONE, generation, now };
    flow::find(flows, meta, &port.port, now, &mut sent.state, trace)?;
    sender::may_send(tables, port, meta, generation, &mut sent.state, trace)?;
    sent.state.flags = flows.forget(sent.state.flags.into()) as u8;
    sent.state.revoked = flows.forget(sent.state.revoked.into()) != 0;
    sent.state.established = flows.forget(sent.state.established.into()) != 0;
    let mut hop = Hop::NEW;
    route::walk(tables, port, meta, trace, verdict, &mut hop)?;
    hop.crossings = flows.forget(hop.crossings);
    hop.handed = flows.forget(hop.handed.into()) != 0;
    deliver::hand_over(tables, flows, &sent, &hop, meta, trace, verdict)
}
