//! Fragments: ports are in the first one only (rule PEER-17).

use abi::{DropReason, FAMILY_V4, FragmentKey, FragmentPorts};

use crate::header::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};
use crate::packet::{FIRST_FRAGMENT, LATER_FRAGMENT, Meta};
use crate::{Flows, icmp, icmpv6};

/// Remembers the ports of a first fragment; gives them to a later one.
#[inline(always)]
pub(crate) fn ports<F: Flows>(flows: &mut F, meta: &mut Meta) -> Result<(), DropReason> {
    if !meta.is(FIRST_FRAGMENT | LATER_FRAGMENT) {
        return Ok(());
    }
    let ipv4 = meta.key.family == FAMILY_V4;
    if ipv4 && meta.protocol != PROTOCOL_TCP && meta.protocol != PROTOCOL_UDP && meta.protocol != PROTOCOL_ICMP {
        return Ok(());
    }
    let key = FragmentKey {
        ifindex: meta.key.ifindex,
        identification: meta.identification,
        source: meta.source,
        destination: meta.key.destination,
        // Later fragments of IPv6 need not say the protocol (RFC 8200, section 4.5).
        protocol: if ipv4 { meta.protocol } else { 0 },
        family: meta.key.family,
        pad: [0; 2],
    };
    if meta.is(FIRST_FRAGMENT) {
        let ports = FragmentPorts {
            source_port: meta.key.source_port,
            destination_port: meta.key.destination_port,
            service: meta.service,
            protocol: meta.protocol,
            pad: 0,
        };
        flows.put_fragment(&key, &ports);
        return Ok(());
    }
    let Some(ports) = flows.fragment(&key) else { return Err(DropReason::FragmentUnknown) };
    meta.key.source_port = ports.source_port;
    meta.key.destination_port = ports.destination_port;
    meta.service = ports.service;
    if ipv4 {
        if meta.protocol == PROTOCOL_ICMP {
            icmp::classify_fragment(meta);
        }
        return Ok(());
    }
    meta.protocol = ports.protocol;
    meta.key.protocol = ports.protocol;
    if meta.protocol == PROTOCOL_ICMPV6 {
        icmpv6::classify_fragment(meta);
    }
    Ok(())
}
