//! Runs of addresses, of either family as numbers: what of a range is left when others are taken out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::reserved_addresses;

/// A run of addresses, both ends included. IPv4 addresses are their 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first address.
    pub first: u128,
    /// The last address; never before the first.
    pub last: u128,
}

impl Span {
    /// One address.
    #[must_use]
    pub fn one(address: IpAddr) -> Self {
        let number = match address {
            IpAddr::V4(address) => u32::from(address).into(),
            IpAddr::V6(address) => address.into(),
        };
        Self { first: number, last: number }
    }

    /// The addresses of a range.
    #[must_use]
    pub fn of(range: IpNet) -> Self {
        Self { first: Self::one(range.network()).first, last: Self::one(range.broadcast()).first }
    }

    /// Whether the two share an address.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// How many addresses it has. A run of all IPv6 addresses counts one too few.
    #[must_use]
    pub fn size(self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }

    /// The part that is in another run as well.
    #[must_use]
    pub fn within(self, other: Self) -> Option<Self> {
        self.overlaps(other).then(|| Self { first: self.first.max(other.first), last: self.last.min(other.last) })
    }
}

/// What is left of a run when others are taken out, ascending. The others must be in ascending order of their first
/// addresses; they may overlap and lie outside.
#[must_use]
pub fn gaps(whole: Span, taken: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    // The next address that may be free; `None` when the last one of all is taken.
    let mut next = Some(whole.first);
    for span in taken {
        let Some(first) = next.filter(|next| *next <= whole.last) else { return left };
        if span.first > whole.last {
            break;
        }
        if span.first > first {
            left.push(Span { first, last: span.first - 1 });
        }
        if span.last >= first {
            next = span.last.checked_add(1);
        }
    }
    if let Some(first) = next.filter(|next| *next <= whole.last) {
        left.push(Span { first, last: whole.last });
    }
    left
}

/// The addresses of an IPv4 subnet that no workload gets (rule NET-4), ascending.
#[must_use]
pub fn reserved_spans(cidr: Ipv4Net, gateway: Ipv4Addr) -> Vec<Span> {
    let mut spans: Vec<Span> =
        reserved_addresses(cidr, gateway).into_iter().map(|address| Span::one(address.into())).collect();
    spans.sort_unstable();
    spans
}

/// The addresses of a subnet's IPv6 range that no workload gets, ascending: network, gateway, and the reserved anycast
/// addresses (RFC 2526; [`crate::is_reserved_v6`]).
#[must_use]
pub fn reserved_spans_v6(cidr: Ipv6Net, gateway: Ipv6Addr) -> Vec<Span> {
    let base = u128::from(cidr.network());
    let anycast = Span { first: base | 0xfdff_ffff_ffff_ff80, last: base | 0xfdff_ffff_ffff_ffff };
    let mut spans = vec![Span::one(cidr.network().into()), Span::one(gateway.into()), anycast];
    spans.sort_unstable();
    spans
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals")]
    use super::*;

    fn span(first: u128, last: u128) -> Span {
        Span { first, last }
    }

    #[test]
    fn gaps_are_what_is_in_the_whole_and_in_none_of_the_others() {
        let whole = span(10, 20);
        let table: [(&[Span], &[Span]); 7] = [
            (&[], &[span(10, 20)]),
            (&[span(10, 10)], &[span(11, 20)]),
            (&[span(0, 12), span(20, 99)], &[span(13, 19)]),
            (&[span(11, 18), span(12, 13), span(15, 19)], &[span(10, 10), span(20, 20)]),
            (&[span(0, 5), span(30, 40)], &[span(10, 20)]),
            (&[span(10, 20)], &[]),
            (&[span(5, u128::MAX)], &[]),
        ];
        for (taken, left) in table {
            assert_eq!(gaps(whole, taken), left, "{taken:?}");
            let size = |spans: &[Span]| spans.iter().map(|span| span.size()).sum::<u128>();
            for address in 10..=20 {
                let inside = |spans: &[Span]| spans.iter().any(|span| span.first <= address && address <= span.last);
                assert!(inside(taken) != inside(left), "{address}");
            }
            assert!(size(left) <= 11);
        }
    }

    /// NET-4, RFC 2526.
    #[test]
    fn the_spans_of_a_subnet_are_its_reserved_addresses() {
        let cidr: Ipv4Net = "192.168.0.0/24".parse().unwrap();
        let whole = Span::of(cidr.into());
        let left = gaps(whole, &reserved_spans(cidr, Ipv4Addr::new(192, 168, 0, 1)));
        assert_eq!(left, [Span { first: whole.first + 2, last: whole.first + 252 }]);
        let cidr: Ipv6Net = "fd00::/64".parse().unwrap();
        let gateway = crate::gateway_v6(cidr);
        for span in reserved_spans_v6(cidr, gateway) {
            for address in [span.first, span.last] {
                assert!(crate::is_reserved_v6(cidr, gateway, address.into()));
            }
            assert!(!crate::is_reserved_v6(cidr, gateway, (span.last + 1).into()) || span.last == span.first);
        }
    }
}
