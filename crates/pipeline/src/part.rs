//! The parts of the pipeline as entry points: one after the other in [`from_workload`], each as a program of its own in
//! the kernel (see [`Part`]).

use abi::{DropReason, NO_VLAN, attachment, attachment_ifindex, attachment_vlan};

use crate::{Action, Flows, Packet, Part, Step, Tables, Trace, Verdict};
use crate::{arp, dhcp as dhcp_stage, dhcpv6 as dhcpv6_stage, egress, header, mtu, nd};

/// Decides about a frame that the workload behind `ifindex` (host's end of its veth) sent. Whose it is says the VLAN tag
/// as well: inside, `ifindex` is the attachment of both (see [`abi::attachment`]).
///
/// What the platform answers is answered in `packet` itself; nothing else changes it. `verdict` is overwritten whatever
/// was in it.
#[inline(always)]
pub fn from_workload<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) {
    enter(packet, ifindex, tables, flows, trace, verdict);
    if verdict.next == Part::Ipv6 as u32 {
        ipv6(packet, ifindex, tables, flows, trace, verdict);
    }
    if verdict.next == Part::Neighbour as u32 {
        neighbour(packet, ifindex, tables, flows, trace, verdict);
    } else if verdict.next == Part::Dhcp as u32 {
        dhcp(packet, ifindex, tables, flows, trace, verdict);
    } else if verdict.next == Part::Dhcpv6 as u32 {
        dhcpv6(packet, ifindex, tables, flows, trace, verdict);
    } else if verdict.next == Part::TooBig as u32 {
        too_big(packet, ifindex, tables, trace, verdict);
    }
}

/// The beginning: finds out whose frame it is and which part is for it ([`Verdict::next`]), and forwards IPv4.
#[inline(always)]
pub fn enter<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) {
    *verdict = Verdict::NEW;
    let sender = attachment(ifindex, packet.vlan());
    let result = egress::enter(packet, sender, tables, flows, trace, verdict);
    finish(result, trace, verdict);
}

/// [`Part::Ipv6`]; may name another part in its turn.
#[inline(always)]
pub fn ipv6<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) {
    *verdict = Verdict::NEW;
    let sender = attachment(ifindex, packet.vlan());
    let result = egress::enter_ipv6(packet, sender, tables, flows, trace, verdict);
    finish(result, trace, verdict);
}

/// [`Part::Neighbour`].
#[inline(always)]
pub fn neighbour<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) {
    *verdict = Verdict::NEW;
    let sender = attachment(ifindex, packet.vlan());
    let result = answer_neighbour(packet, sender, tables, flows, trace, verdict);
    finish(result, trace, verdict);
}

/// [`Part::Dhcp`].
#[inline(always)]
pub fn dhcp<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) {
    *verdict = Verdict::NEW;
    let sender = attachment(ifindex, packet.vlan());
    let result = dhcp_stage::answer(packet, sender, tables, flows, verdict);
    finish(result, trace, verdict);
}

/// [`Part::Dhcpv6`].
#[inline(always)]
pub fn dhcpv6<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) {
    *verdict = Verdict::NEW;
    let sender = attachment(ifindex, packet.vlan());
    let result = dhcpv6_stage::answer(packet, sender, tables, flows, verdict);
    finish(result, trace, verdict);
}

/// [`Part::TooBig`].
#[inline(always)]
pub fn too_big<P: Packet, T: Tables, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    trace: &mut R,
    verdict: &mut Verdict,
) {
    *verdict = Verdict::NEW;
    let sender = attachment(ifindex, packet.vlan());
    let result = mtu::answer(packet, sender, tables, verdict);
    finish(result, trace, verdict);
}

#[inline(always)]
fn answer_neighbour<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    sender: u32,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let Some(port) = tables.port(sender) else { return Err(DropReason::UnknownPort) };
    verdict.vni = port.vni;
    if is_ipv6(packet) {
        nd::answer(packet, sender, port, tables, flows, trace, verdict)
    } else {
        arp::answer(packet, sender, port, tables, flows, trace, verdict)
    }
}

#[inline(always)]
fn is_ipv6<P: Packet>(packet: &P) -> bool {
    match packet.at::<header::EthernetHeader>(0) {
        Some(ethernet) => ethernet.ethertype == header::ETHERTYPE_IPV6,
        None => false,
    }
}

/// Completes the verdict of a part.
#[inline(always)]
fn finish<R: Trace>(result: Result<(), DropReason>, trace: &mut R, verdict: &mut Verdict) {
    if let Err(reason) = result {
        verdict.action = Action::Drop as u32;
        verdict.reason = reason as u32;
        verdict.ifindex = 0;
        verdict.vlan = NO_VLAN;
        verdict.next = Part::None as u32;
        verdict.dmac = [0; 6];
        verdict.smac = [0; 6];
        trace.step(|| Step::Dropped { vni: verdict.vni, reason });
    } else {
        if verdict.action == Action::Deliver as u32 {
            trace.step(|| Step::Delivered { vni: verdict.vni, ifindex: verdict.ifindex });
        }
        // Until here it was the attachment.
        verdict.vlan = attachment_vlan(verdict.ifindex);
        verdict.ifindex = attachment_ifindex(verdict.ifindex);
    }
}
