//! Virtual IPs and address pairs: addresses that a port may use although they are not its own (rules CHK-2, VIP-3,
//! VIP-5).

use abi::{Address, Claim, ENDPOINT_WORKLOAD, Id, PAIR_USABLE, PAIR_VIP, Port};

use crate::{Flows, Tables, address_pair_key, endpoint_key};

/// Whether the port with this id may send from an address of the VPC and receive for it: one of its own, a virtual IP
/// bound to it, or one of its address pairs.
#[inline(always)]
pub(crate) fn may_use<T: Tables>(tables: &T, vni: u32, port: &Id, family: u8, address: &Address) -> bool {
    holds(tables, vni, port, family, address) || has_pair(tables, port, family, address, PAIR_USABLE)
}

/// Whether the port with this id is who gets packets for an address of the VPC.
#[inline(always)]
fn holds<T: Tables>(tables: &T, vni: u32, port: &Id, family: u8, address: &Address) -> bool {
    let Some(endpoint) = tables.endpoint(&endpoint_key(vni, family, address)) else { return false };
    endpoint.kind == ENDPOINT_WORKLOAD && endpoint.port == *port
}

/// Whether an address is a virtual IP bound to the port.
#[inline(always)]
pub(crate) fn is_bound<T: Tables>(tables: &T, port: &Port, family: u8, address: &Address) -> bool {
    has_pair(tables, &port.port, family, address, PAIR_VIP)
}

#[inline(always)]
fn has_pair<T: Tables>(tables: &T, port: &Id, family: u8, address: &Address, flag: u8) -> bool {
    let Some(pair) = tables.address_pair(&address_pair_key(port, family, address)) else { return false };
    pair.flags & flag != 0
}

/// VIP-3: a gratuitous ARP or an unsolicited neighbour advertisement for a virtual IP that is bound to the port and
/// that another one holds, or nobody, claims it. For any other address it has no effect (rule L2-3).
#[inline(always)]
pub(crate) fn claim<T: Tables, F: Flows>(
    tables: &T,
    flows: &mut F,
    port: &Port,
    ifindex: u32,
    family: u8,
    address: &Address,
) {
    if is_bound(tables, port, family, address) && !holds(tables, port.vni, &port.port, family, address) {
        let claim = Claim { port: port.port, vni: port.vni, ifindex, address: *address, family, pad: [0; 7] };
        flows.claim(&claim);
    }
}
