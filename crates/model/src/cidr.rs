//! Address ranges: which are allowed where (rules NET-1 to NET-4, RT-3, RT-8).

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

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
}

/// Platform ranges that are system routes of every table (rule RT-3).
pub const SYSTEM_RANGES: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 19, 128, 0), 20),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
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

    /// RT-8.
    #[test]
    fn host_bits_are_refused_with_the_canonical_form() {
        let error = parse_destination("10.0.0.1/24").unwrap_err();
        assert!(error.to_string().contains("write 10.0.0.0/24"), "{error}");
    }
}
