//! What a port may send at all: its own addresses, to destinations that can leave the subnet.

use abi::{Address, DropReason, ENDPOINT_WORKLOAD, PORT_CHECKED, Port};

use crate::packet::{Meta, PROTOCOL_UDP};
use crate::{Step, Tables, Trace, endpoint_key};

/// Port of DHCP servers in network byte order.
const DHCP_SERVER: [u8; 2] = 67_u16.to_be_bytes();
/// Port of DHCP clients in network byte order.
const DHCP_CLIENT: [u8; 2] = 68_u16.to_be_bytes();

/// CHK-2: with the check on, a port sends its own addresses only.
#[inline(always)]
pub(crate) fn source_check<T: Tables, R: Trace>(
    tables: &T,
    port: &Port,
    family: u8,
    source: &Address,
    trace: &mut R,
) -> Result<(), DropReason> {
    let checked = port.flags & PORT_CHECKED != 0;
    let mut passed = true;
    if checked {
        passed = owns(tables, port, family, source);
    }
    trace.step(|| Step::SourceCheck { port: port.port, checked, passed });
    if passed { Ok(()) } else { Err(DropReason::SourceCheck) }
}

/// Whether an address is the port's own: one of its addresses, or a virtual IP that it holds.
#[inline(always)]
fn owns<T: Tables>(tables: &T, port: &Port, family: u8, address: &Address) -> bool {
    let Some(endpoint) = tables.endpoint(&endpoint_key(port.vni, family, address)) else { return false };
    endpoint.kind == ENDPOINT_WORKLOAD && endpoint.port == port.port
}

/// What never leaves the subnet, whatever the routes say (rules L2-6, L2-7), and packets without a source.
#[inline(always)]
pub(crate) fn leaves_subnet(meta: &Meta, multicast: bool) -> Result<(), DropReason> {
    if meta.protocol == PROTOCOL_UDP && meta.key.source_port == DHCP_SERVER && meta.key.destination_port == DHCP_CLIENT
    {
        return Err(DropReason::DhcpServer);
    }
    if multicast || stays(&meta.key.destination) {
        return Err(DropReason::NotForwarded);
    }
    let [a, b, c, d, ..] = meta.source;
    if a | b | c | d == 0 {
        return Err(DropReason::SourceCheck);
    }
    Ok(())
}

/// 255.255.255.255, 224.0.0.0/4, 169.254.0.0/16, 127.0.0.0/8.
#[inline(always)]
const fn stays(destination: &Address) -> bool {
    let [a, b, c, d, ..] = *destination;
    (a & b & c & d == 255) || a & 0xf0 == 224 || (a == 169 && b == 254) || a == 127
}
