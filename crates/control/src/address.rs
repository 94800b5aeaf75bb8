//! Which addresses of a subnet are free, and how many (rules NET-4, V6-1; api-vpc §5.4, §7.2, §16).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::{Ipv6Range, Span, Subnet, SubnetId, gaps, reserved_spans, reserved_spans_v6};

use crate::Error;

/// The addresses of a subnet's IPv4 range that are not given out by themselves, ascending: reserved ones, those of ports,
/// and those of CIDR reservations.
pub(crate) fn taken_v4(catalog: &Catalog, subnet: SubnetId, cidr: Ipv4Net, gateway: Ipv4Addr) -> Vec<Span> {
    let mut taken = reserved_spans(cidr, gateway);
    taken.extend(catalog.addresses_in(subnet).map(|address| Span::one(address.into())));
    taken.extend(kept(catalog, subnet, false));
    taken.sort_unstable();
    taken
}

/// The same of its IPv6 range.
pub(crate) fn taken_v6(catalog: &Catalog, subnet: SubnetId, range: Ipv6Range) -> Vec<Span> {
    let mut taken = reserved_spans_v6(range.cidr, range.gateway);
    taken.extend(catalog.ipv6_addresses_in(subnet).map(|address| Span::one(address.into())));
    taken.extend(kept(catalog, subnet, true));
    taken.sort_unstable();
    taken
}

/// The CIDR reservations of a family.
fn kept(catalog: &Catalog, subnet: SubnetId, ipv6: bool) -> impl Iterator<Item = Span> {
    catalog
        .cidr_reservations_in(subnet)
        .map(|reservation| reservation.cidr)
        .filter(move |cidr| matches!(cidr, IpNet::V6(_)) == ipv6)
        .map(Span::of)
}

/// The lowest IPv4 address of a subnet that is free, and none of `also`.
///
/// # Errors
/// [`Error::NoFreeAddress`].
pub(crate) fn free_v4(catalog: &Catalog, subnet: &Subnet, also: &[Ipv4Addr]) -> Result<Ipv4Addr, Error> {
    let mut taken = taken_v4(catalog, subnet.id, subnet.cidr, subnet.gateway);
    if !also.is_empty() {
        taken.extend(also.iter().map(|address| Span::one((*address).into())));
        taken.sort_unstable();
    }
    let free = gaps(Span::of(subnet.cidr.into()), &taken).first().and_then(|gap| u32::try_from(gap.first).ok());
    free.map(Ipv4Addr::from).ok_or(Error::NoFreeAddress { subnet: subnet.id, cidr: subnet.cidr.into() })
}

/// The lowest free IPv6 address of a subnet.
///
/// # Errors
/// [`Error::NoFreeAddress`].
pub(crate) fn free_v6(catalog: &Catalog, subnet: SubnetId, range: Ipv6Range) -> Result<Ipv6Addr, Error> {
    let taken = taken_v6(catalog, subnet, range);
    let free = gaps(Span::of(range.cidr.into()), &taken).first().map(|gap| Ipv6Addr::from(gap.first));
    free.ok_or(Error::NoFreeAddress { subnet, cidr: range.cidr.into() })
}

/// The lowest block of a prefix length that lies in a range and shares no address with what is taken (ascending).
pub(crate) fn free_block(range: IpNet, prefix_len: u8, taken: &[Span]) -> Option<IpNet> {
    let size = 1_u128.checked_shl(u32::from(range.max_prefix_len().checked_sub(prefix_len)?))?;
    gaps(Span::of(range), taken).into_iter().find_map(|gap| {
        let first = gap.first.checked_next_multiple_of(size)?;
        let last = first.checked_add(size - 1)?;
        let block = (last <= gap.last).then_some(first)?;
        match range {
            IpNet::V4(_) => Some(Ipv4Net::new(u32::try_from(block).ok()?.into(), prefix_len).ok()?.into()),
            IpNet::V6(_) => Some(Ipv6Net::new(block.into(), prefix_len).ok()?.into()),
        }
    })
}

/// The addresses of ports in a subnet that lie in a run, ascending.
pub(crate) fn used_within(catalog: &Catalog, subnet: SubnetId, span: Span, ipv6: bool) -> Option<IpAddr> {
    let inside = |address: &IpAddr| Span::one(*address).within(span).is_some();
    if ipv6 {
        catalog.ipv6_addresses_in(subnet).map(IpAddr::V6).find(inside)
    } else {
        catalog.addresses_in(subnet).map(IpAddr::V4).find(inside)
    }
}

/// How many addresses spans have together that share none.
pub(crate) fn count(spans: &[Span]) -> u128 {
    spans.iter().fold(0, |sum, span| sum.saturating_add(span.size()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals")]
    use super::*;

    #[test]
    fn a_block_is_the_lowest_aligned_one_that_is_free() {
        let range: IpNet = "10.0.0.0/24".parse().unwrap();
        let span = |first: u128, last: u128| Span { first: 0x0a00_0000 + first, last: 0x0a00_0000 + last };
        let block = |prefix_len, taken: &[Span]| free_block(range, prefix_len, taken).map(|block| block.to_string());
        let edges = [span(0, 1), span(253, 255)];
        assert_eq!(block(26, &edges).as_deref(), Some("10.0.0.64/26"));
        assert_eq!(block(32, &edges).as_deref(), Some("10.0.0.2/32"));
        assert_eq!(block(30, &edges).as_deref(), Some("10.0.0.4/30"));
        assert_eq!(block(26, &[span(0, 1), span(70, 70), span(190, 190), span(253, 255)]), None);
        assert_eq!(block(33, &edges), None);
        let six: IpNet = "fd00::/64".parse().unwrap();
        let taken = [Span::one("fd00::".parse().unwrap()), Span::one("fd00::1".parse().unwrap())];
        assert_eq!(free_block(six, 66, &taken).unwrap().to_string(), "fd00::4000:0:0:0/66");
        assert_eq!(free_block(six, 128, &taken).unwrap().to_string(), "fd00::2/128");
    }
}
