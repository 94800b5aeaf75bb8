//! What the guests of a subnet are told by DHCP and router advertisements (rules L2-5, V6-2).

use std::net::Ipv4Addr;

use abi::{DOMAIN_BYTES, LEASE_INFINITE, SUBNET_DHCP, SUBNET_IPV6};
use model::Subnet;

/// The lease time where none is set: 365 days (rule L2-5).
const DEFAULT_LEASE_SECONDS: u32 = 365 * 24 * 3600;

/// The entry of table `SUBNETS`.
pub(crate) fn subnet_entry(subnet: &Subnet) -> abi::Subnet {
    let option =
        |name: &str| subnet.dhcp_options.iter().find(|option| option.name == name).map(|option| option.value.as_str());
    let servers = option("ntp").unwrap_or_default().split(',').filter_map(|text| text.trim().parse().ok());
    let (domain, domain_len) = domain(option("domainname").unwrap_or_default());
    let mut flags = if subnet.dhcp_enable { SUBNET_DHCP } else { 0 };
    let (mut prefix_v6, mut gateway_v6) = ([0; 16], [0; 16]);
    if let Some(range) = subnet.ipv6 {
        flags |= SUBNET_IPV6;
        prefix_v6 = range.cidr.network().octets();
        gateway_v6 = range.gateway.octets();
    }
    abi::Subnet {
        prefix_v6,
        gateway_v6,
        gateway: subnet.gateway.octets(),
        mask: subnet.cidr.netmask().octets(),
        dhcp_server: dhcp_server(subnet).octets(),
        dns: first(subnet.dns.iter().copied()),
        ntp: first(servers),
        lease_seconds: option("addresstime").and_then(lease_seconds).unwrap_or(DEFAULT_LEASE_SECONDS),
        lease_seconds_v6: option("ipv6_addresstime").and_then(lease_seconds).unwrap_or(DEFAULT_LEASE_SECONDS),
        flags,
        domain_len,
        pad: [0; 2],
        domain,
    }
}

/// The second last address of the range (rule NET-4).
fn dhcp_server(subnet: &Subnet) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.cidr.broadcast()).saturating_sub(1))
}

/// As many addresses as there is room for.
fn first<const N: usize>(addresses: impl Iterator<Item = Ipv4Addr>) -> [[u8; 4]; N] {
    let mut out = [[0; 4]; N];
    out.iter_mut().zip(addresses).for_each(|(to, from)| *to = from.octets());
    out
}

/// A lease as the API writes it: `-1` for ever, or `<n>h` (api-vpc section 5.3).
fn lease_seconds(text: &str) -> Option<u32> {
    if matches!(text, "-1" | "-1h") {
        return Some(LEASE_INFINITE);
    }
    text.strip_suffix('h')?.parse::<u32>().ok()?.checked_mul(3600)
}

/// A domain name without the dot at its end; none at all when it is longer than what is told.
fn domain(text: &str) -> ([u8; DOMAIN_BYTES], u8) {
    let text = text.strip_suffix('.').unwrap_or(text).as_bytes();
    let mut domain = [0; DOMAIN_BYTES];
    match (domain.get_mut(..text.len()), u8::try_from(text.len())) {
        (Some(room), Ok(len)) => {
            room.copy_from_slice(text);
            (domain, len)
        }
        _ => (domain, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L2-5, api-vpc section 5.3.
    #[test]
    fn leases_are_hours_or_for_ever() {
        assert_eq!(lease_seconds("24h"), Some(86_400));
        assert_eq!(lease_seconds("30000h"), Some(108_000_000));
        assert_eq!(lease_seconds("-1"), Some(LEASE_INFINITE));
        assert_eq!(lease_seconds("-1h"), Some(LEASE_INFINITE));
        assert_eq!(["", "24", "h", "1d", "9999999h"].map(lease_seconds), [None; 5]);
        assert_eq!(DEFAULT_LEASE_SECONDS, 31_536_000);
    }

    /// L2-5: no half names.
    #[test]
    fn a_domain_name_is_told_whole_or_not_at_all() {
        let (bytes, len) = domain("example.com.");
        assert_eq!(&bytes[..usize::from(len)], b"example.com");
        assert!(bytes[usize::from(len)..].iter().all(|byte| *byte == 0));
        assert_eq!(domain(&"a".repeat(DOMAIN_BYTES)).1, 64);
        assert_eq!(domain(&"a".repeat(DOMAIN_BYTES + 1)), ([0; DOMAIN_BYTES], 0));
    }
}
