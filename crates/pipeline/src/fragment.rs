//! Fragments: ports are in the first one only (rule PEER-17).

use abi::{DropReason, FragmentKey, FragmentPorts};

use crate::Flows;
use crate::icmp;
use crate::packet::{FIRST_FRAGMENT, LATER_FRAGMENT, Meta, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP};

/// Remembers the ports of a first fragment; gives them to a later one.
#[inline(always)]
pub(crate) fn ports<F: Flows>(flows: &mut F, meta: &mut Meta) -> Result<(), DropReason> {
    if !meta.is(FIRST_FRAGMENT | LATER_FRAGMENT) {
        return Ok(());
    }
    if meta.protocol != PROTOCOL_TCP && meta.protocol != PROTOCOL_UDP && meta.protocol != PROTOCOL_ICMP {
        return Ok(());
    }
    let [high, low] = meta.identification;
    let key = FragmentKey {
        ifindex: meta.key.ifindex,
        identification: [high, low, 0, 0],
        source: meta.source,
        destination: meta.key.destination,
        protocol: meta.protocol,
        family: meta.key.family,
        pad: [0; 2],
    };
    if meta.is(FIRST_FRAGMENT) {
        let ports = FragmentPorts {
            source_port: meta.key.source_port,
            destination_port: meta.key.destination_port,
            service: meta.service,
            pad: [0; 2],
        };
        flows.put_fragment(&key, &ports);
        return Ok(());
    }
    let Some(ports) = flows.fragment(&key) else { return Err(DropReason::FragmentUnknown) };
    meta.key.source_port = ports.source_port;
    meta.key.destination_port = ports.destination_port;
    meta.service = ports.service;
    if meta.protocol == PROTOCOL_ICMP {
        icmp::classify_fragment(meta);
    }
    Ok(())
}
