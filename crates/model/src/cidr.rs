//! Address ranges: which are allowed where (rules NET-1 to NET-4, RT-3, RT-8, V6-1).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A range that is not allowed where it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not of the form `address/length`.
    #[error("`{0}` is not a CIDR block such as 10.0.0.0/16")]
    Syntax(String),
    /// Bits behind the prefix are set (rule RT-8).
    #[error("`{given}` has bits set behind its prefix length; write {canonical}")]
    HostBits {
        /// What was given.
        given: String,
        /// The canonical form.
        canonical: String,
    },
    /// Outside the ranges that a VPC may have (rule NET-1).
    #[error(
        "{0} is not allowed for a VPC; choose from 10.0.0.0/8 to /28, 172.16.0.0/12 to /28 or 192.168.0.0/16 to /28"
    )]
    NotPrivate(Ipv4Net),
    /// In a range that a secondary CIDR may not have (rule NET-2).
    #[error("{given} overlaps {refused}, which a secondary CIDR block may not use")]
    Refused {
        /// What was given.
        given: Ipv4Net,
        /// The reserved range.
        refused: Ipv4Net,
    },
    /// Longer than the longest mask allowed.
    #[error("{given} is too small; the longest mask allowed is /{longest}")]
    TooSmall {
        /// What was given.
        given: Ipv4Net,
        /// Longest prefix length allowed.
        longest: u8,
    },
    /// A subnet's IPv6 range is a /64 (rule V6-1).
    #[error("{0} is not allowed for a subnet; its IPv6 prefix is a /64")]
    NotSlash64(Ipv6Net),
    /// In a range that is no place for workloads (rule V6-1).
    #[error("{0} is not for workloads; choose from 2000::/3 without 2001::/23 and 2002::/16, or from fd00::/8")]
    NotForWorkloads(Ipv6Net),
}

/// Platform ranges that are system routes of every table (rule RT-3).
pub const SYSTEM_RANGES: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 19, 128, 0), 20),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
];

/// Destinations that never leave a subnet, whatever its routes say (rule L2-7), besides those of [`SYSTEM_RANGES`].
const LINK_RANGES: [Ipv4Net; 2] =
    [Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4), Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16)];

/// The same in IPv6.
const LINK_RANGES_V6: [Ipv6Net; 3] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 127),
];

/// The range of destinations that are never routed which a route's destination lies in, if there is one (rule L2-7).
#[must_use]
pub fn never_routed(destination: IpNet) -> Option<IpNet> {
    let broadcast = Ipv4Net::from(Ipv4Addr::BROADCAST);
    let v4 = LINK_RANGES.into_iter().chain([broadcast]).map(IpNet::V4);
    // `::/0` is in none of them.
    v4.chain(LINK_RANGES_V6.map(IpNet::V6)).find(|range| range.contains(&destination))
}

/// Global unicast and locally assigned unique local addresses (RFC 4291 section 2.4, RFC 4193 section 3.1): the only
/// ones that workloads can have.
const WORKLOAD_V6: [Ipv6Net; 2] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0), 8),
];

/// Parts of global unicast with another meaning: protocol assignments such as Teredo (RFC 2928), and 6to4 (RFC 3056).
const REFUSED_V6: [Ipv6Net; 2] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

const PRIVATE: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
];

const REFUSED_SECONDARY: [Ipv4Net; 8] = [
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(214, 0, 0, 0), 7),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(0, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4),
    Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4),
];

/// Parses an IPv4 range in canonical form.
///
/// # Errors
/// [`CidrError::Syntax`] and [`CidrError::HostBits`].
pub fn parse_cidr(text: &str) -> Result<Ipv4Net, CidrError> {
    match parse_destination(text)? {
        IpNet::V4(net) => Ok(net),
        IpNet::V6(_) => Err(CidrError::Syntax(text.to_owned())),
    }
}

/// Parses a range of either family in canonical form: a route's destination (rule RT-8).
///
/// # Errors
/// [`CidrError::Syntax`] and [`CidrError::HostBits`].
pub fn parse_destination(text: &str) -> Result<IpNet, CidrError> {
    let net: IpNet = text.parse().map_err(|_| CidrError::Syntax(text.chars().take(64).collect()))?;
    if net.addr() != net.network() {
        return Err(CidrError::HostBits { given: text.to_owned(), canonical: net.trunc().to_string() });
    }
    Ok(net)
}

/// Checks a VPC's primary CIDR (rule NET-1; masks up to /28 as the v3 API allows).
///
/// # Errors
/// [`CidrError::NotPrivate`], [`CidrError::TooSmall`].
pub fn validate_primary_cidr(cidr: Ipv4Net) -> Result<(), CidrError> {
    if !PRIVATE.iter().any(|range| range.contains(&cidr)) {
        return Err(CidrError::NotPrivate(cidr));
    }
    if cidr.prefix_len() > 28 {
        return Err(CidrError::TooSmall { given: cidr, longest: 28 });
    }
    Ok(())
}

/// Checks a secondary CIDR on its own (rule NET-2); overlap with the VPC's other ranges is the caller's to check.
///
/// # Errors
/// [`CidrError::Refused`], [`CidrError::TooSmall`].
pub fn validate_secondary_cidr(cidr: Ipv4Net) -> Result<(), CidrError> {
    if let Some(refused) = REFUSED_SECONDARY.iter().find(|range| overlap(**range, cidr)) {
        return Err(CidrError::Refused { given: cidr, refused: *refused });
    }
    if cidr.prefix_len() > 28 {
        return Err(CidrError::TooSmall { given: cidr, longest: 28 });
    }
    Ok(())
}

/// Checks a subnet's range on its own (rule NET-3): at most /29.
///
/// # Errors
/// [`CidrError::TooSmall`].
pub fn validate_subnet_cidr(cidr: Ipv4Net) -> Result<(), CidrError> {
    if cidr.prefix_len() > 29 { Err(CidrError::TooSmall { given: cidr, longest: 29 }) } else { Ok(()) }
}

/// Checks a subnet's IPv6 range on its own (rule V6-1): a /64 of addresses that workloads can have.
///
/// # Errors
/// [`CidrError::NotSlash64`], [`CidrError::HostBits`], [`CidrError::NotForWorkloads`].
pub fn validate_subnet_cidr_v6(cidr: Ipv6Net) -> Result<(), CidrError> {
    if cidr.prefix_len() != 64 {
        return Err(CidrError::NotSlash64(cidr));
    }
    if cidr.addr() != cidr.network() {
        return Err(CidrError::HostBits { given: cidr.to_string(), canonical: cidr.trunc().to_string() });
    }
    validate_workload_range_v6(cidr)
}

/// Checks that workloads can have the addresses of an IPv6 range of any length.
///
/// # Errors
/// [`CidrError::NotForWorkloads`].
pub fn validate_workload_range_v6(range: Ipv6Net) -> Result<(), CidrError> {
    let allowed = WORKLOAD_V6.iter().any(|allowed| allowed.contains(&range));
    let refused = REFUSED_V6.iter().any(|refused| refused.contains(&range) || range.contains(refused));
    if allowed && !refused { Ok(()) } else { Err(CidrError::NotForWorkloads(range)) }
}

/// The gateway of an IPv6 range: its first address after the network's own.
#[must_use]
pub fn gateway_v6(cidr: Ipv6Net) -> Ipv6Addr {
    Ipv6Addr::from(u128::from(cidr.network()).saturating_add(1))
}

/// Whether no workload gets this address of a subnet's IPv6 range: the subnet-router anycast address (RFC 4291 section
/// 2.6.1), the gateway, and the 128 reserved subnet anycast addresses at the end (RFC 2526).
#[must_use]
pub fn is_reserved_v6(cidr: Ipv6Net, gateway: Ipv6Addr, address: Ipv6Addr) -> bool {
    const ANYCAST: std::ops::RangeInclusive<u64> = 0xfdff_ffff_ffff_ff80..=0xfdff_ffff_ffff_ffff;
    let interface = (u128::from(address) & u128::from(u64::MAX)) as u64;
    address == cidr.network() || address == gateway || ANYCAST.contains(&interface)
}

/// The addresses of a subnet that no workload gets (rule NET-4): network, gateway, third last, second last, last.
#[must_use]
pub fn reserved_addresses(cidr: Ipv4Net, gateway: Ipv4Addr) -> Vec<Ipv4Addr> {
    let last = u32::from(cidr.broadcast());
    let mut reserved = vec![
        cidr.network(),
        gateway,
        Ipv4Addr::from(last.saturating_sub(2)),
        Ipv4Addr::from(last.saturating_sub(1)),
        Ipv4Addr::from(last),
    ];
    reserved.sort_unstable();
    reserved.dedup();
    reserved
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "literals")]
mod tests {
    use super::*;

    /// NET-4.
    #[test]
    fn five_addresses_are_reserved() {
        let got = reserved_addresses("192.168.0.0/24".parse().unwrap(), "192.168.0.1".parse().unwrap());
        let got: Vec<_> = got.iter().map(|a| a.octets()[3]).collect();
        assert_eq!(got, [0, 1, 253, 254, 255]);
    }

    /// NET-1, NET-2.
    #[test]
    fn ranges_are_checked() {
        assert!(validate_primary_cidr("172.16.0.0/12".parse().unwrap()).is_ok());
        assert!(validate_primary_cidr("172.0.0.0/8".parse().unwrap()).is_err());
        assert!(validate_primary_cidr("100.20.0.0/16".parse().unwrap()).is_err());
        assert!(validate_secondary_cidr("100.20.0.0/16".parse().unwrap()).is_ok());
        assert!(validate_secondary_cidr("100.64.1.0/24".parse().unwrap()).is_err());
    }

    /// V6-1: a /64 of addresses that workloads can have.
    #[test]
    fn ipv6_ranges_are_checked() {
        let check = |text: &str| validate_subnet_cidr_v6(text.parse().unwrap());
        for allowed in ["2407:c080:802:c34::/64", "fd12:3456:789a:1::/64", "2001:db8:0:7::/64"] {
            assert_eq!(check(allowed), Ok(()), "{allowed}");
        }
        assert!(matches!(check("2407:c080:802:c34::/80"), Err(CidrError::NotSlash64(_))));
        assert!(matches!(check("2407:c080:802::/48"), Err(CidrError::NotSlash64(_))));
        assert!(matches!(check("2407:c080:802:c34::1/64"), Err(CidrError::HostBits { .. })));
        for refused in ["fe80::/64", "ff02::/64", "::/64", "64:ff9b::/64", "2002:a00::/64", "2001::/64", "fc00::/64"] {
            assert!(matches!(check(refused), Err(CidrError::NotForWorkloads(_))), "{refused}");
        }
    }

    /// V6-1: a workload never gets the router's, the gateway's or an anycast address.
    #[test]
    fn reserved_ipv6_addresses_are_known() {
        let cidr = "2001:db8::/64".parse().unwrap();
        let gateway = gateway_v6(cidr);
        assert_eq!(gateway, "2001:db8::1".parse::<Ipv6Addr>().unwrap());
        let reserved = |text: &str| is_reserved_v6(cidr, gateway, text.parse().unwrap());
        assert!(["2001:db8::", "2001:db8::1", "2001:db8::fdff:ffff:ffff:ff80"].into_iter().all(reserved));
        assert!(!["2001:db8::2", "2001:db8::fdff:ffff:ffff:ff7f", "2001:db8::111"].into_iter().any(reserved));
    }

    /// RT-8.
    #[test]
    fn host_bits_are_refused_with_the_canonical_form() {
        let error = parse_destination("10.0.0.1/24").unwrap_err();
        assert!(error.to_string().contains("write 10.0.0.0/24"), "{error}");
    }
}
