//! Virtual IPs and address pairs: addresses that ports may use beside their own (rules CHK-2, VIP-1 to VIP-5).

use std::collections::BTreeMap;
use std::net::IpAddr;

use abi::{AddressPair, AddressPairKey, PAIR_USABLE, PAIR_VIP};
use catalog::Catalog;
use model::Port;
use tables::Prefix;

use crate::key::address_pair_key;

/// The addresses of the virtual IPs that a port holds (rule VIP-3), as long as it is bound to them.
pub(crate) fn held_addresses(catalog: &Catalog, port: &Port) -> impl Iterator<Item = IpAddr> {
    let held = catalog.vips_bound_to(port).filter(|vip| vip.holder == Some(port.id));
    held.flat_map(|vip| vip.addresses())
}

/// The entries of table `ADDRESS_PAIRS` of a port: every virtual IP that is bound to it, whoever holds it (rule VIP-5),
/// and the address pairs that it was given (api-vpc section 6.1).
pub(crate) fn address_pairs(catalog: &Catalog, port: &Port) -> BTreeMap<Prefix<AddressPairKey>, AddressPair> {
    // A pair with another hardware address says nothing about frames with the port's own, the only ones that it sends
    // (rule L2-4).
    let own = |mac: Option<model::MacAddress>| mac.is_none_or(|mac| mac == port.mac);
    let given = port.allowed_address_pairs.iter().filter(|pair| own(pair.mac_address)).filter_map(|pair| pair.range());
    let vips = catalog.vips_bound_to(port).flat_map(|vip| vip.addresses());
    let mut pairs = BTreeMap::new();
    for (range, flags) in
        given.map(|range| (range, PAIR_USABLE)).chain(vips.map(|vip| (vip.into(), PAIR_USABLE | PAIR_VIP)))
    {
        let pair = pairs.entry(address_pair_key(port.id.table_id(), range));
        pair.or_insert(AddressPair { flags: 0, pad: [0; 3] }).flags |= flags;
    }
    pairs
}
