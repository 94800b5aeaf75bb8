//! ARP: the platform answers for everyone (rules L2-1 to L2-4).

use abi::{DropReason, ENDPOINT_GATEWAY, FAMILY_V4, GATEWAY_MAC, PORT_RUNNING, Port};

use crate::header::{ArpPacket, EthernetHeader};
use crate::packet::{IP_OFFSET, address_v4};
use crate::{Action, Flows, Packet, Step, Tables, Trace, Verdict, dhcp, endpoint_key, scope, vip};

const ETHERNET: [u8; 2] = [0, 1];
const IPV4: [u8; 2] = [8, 0];
const LENGTHS: [u8; 2] = [6, 4];
const REQUEST: [u8; 2] = [0, 1];
const REPLY: [u8; 2] = [0, 2];

/// Answers an ARP request in place, or takes the frame in.
#[inline(always)]
pub(crate) fn answer<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    port: &Port,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    if port.flags & PORT_RUNNING == 0 {
        return Err(DropReason::WorkloadStopped);
    }
    let Some(arp) = packet.at::<ArpPacket>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    if arp.hardware_type != ETHERNET || arp.protocol_type != IPV4 || arp.lengths != LENGTHS {
        return Err(DropReason::Malformed);
    }
    if arp.sender_mac != port.mac {
        return Err(DropReason::SpoofedMac);
    }
    let target = address_v4(&arp.target);
    // A probe (RFC 5227) has no sender address yet.
    if arp.sender != [0; 4] {
        scope::source_check(tables, port, FAMILY_V4, &address_v4(&arp.sender), trace)?;
    }
    // Gratuitous: nobody waits for an answer, and there are no caches to tell; but it may move a virtual IP.
    if arp.sender == arp.target {
        vip::claim(tables, flows, port, ifindex, FAMILY_V4, &target);
        verdict.action = Action::Consume as u32;
        return Ok(());
    }
    if arp.operation != REQUEST {
        return Err(DropReason::ArpIgnored);
    }
    // A probe (RFC 5227) for a virtual IP by who is about to claim it: an answer would keep it from doing so.
    if arp.sender == [0; 4] && vip::is_bound(tables, port, FAMILY_V4, &target) {
        verdict.action = Action::Consume as u32;
        return Ok(());
    }
    let mut mac = GATEWAY_MAC;
    // Clients renew their lease at the address that they got it from (rule L2-5).
    if !dhcp::is_server(tables, port, arp.target) {
        let Some(endpoint) = tables.endpoint(&endpoint_key(port.vni, FAMILY_V4, &target)) else {
            return Err(DropReason::ArpIgnored);
        };
        if endpoint.subnet != port.subnet {
            return Err(DropReason::ArpIgnored);
        }
        if endpoint.kind != ENDPOINT_GATEWAY {
            // A workload that asks for its own address looks for a duplicate: silence says that there is none.
            if endpoint.port == port.port {
                verdict.action = Action::Consume as u32;
                return Ok(());
            }
            if endpoint.flags & PORT_RUNNING == 0 {
                return Err(DropReason::ArpIgnored);
            }
            mac = endpoint.mac;
        }
    }
    trace.step(|| Step::Arp { target, mac });

    let Some(ethernet) = packet.at_mut::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    ethernet.destination = port.mac;
    ethernet.source = mac;
    let Some(arp) = packet.at_mut::<ArpPacket>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    let asker = arp.sender;
    arp.operation = REPLY;
    arp.sender_mac = mac;
    arp.sender = arp.target;
    arp.target_mac = port.mac;
    arp.target = asker;
    verdict.action = Action::Reply as u32;
    verdict.ifindex = ifindex;
    Ok(())
}
