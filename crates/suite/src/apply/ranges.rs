//! Looks at the ranges and addresses of a topology before anything is changed: what could never be made must not cost
//! what is there. The server has the last word; here is only what a document shows by itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::document::Scenario;

/// Checks VPCs, subnets, servers and routes.
pub(super) fn check(scenario: &Scenario) -> Result<(), String> {
    let mut vpcs: BTreeMap<&str, Vec<Ipv4Net>> = BTreeMap::new();
    for vpc in &scenario.vpcs {
        if vpc.cidrs.is_empty() {
            return Err(format!("VPC {} has no CIDR", vpc.name));
        }
        let ranges: Result<_, _> = vpc.cidrs.iter().map(|cidr| range(&format!("VPC {}", vpc.name), cidr)).collect();
        vpcs.insert(&vpc.name, ranges?);
    }
    let mut subnets: BTreeMap<&str, (&str, Ipv4Net)> = BTreeMap::new();
    for subnet in &scenario.subnets {
        let what = format!("subnet {}", subnet.name);
        let cidr = range(&what, &subnet.cidr)?;
        let of_vpc = vpcs.get(subnet.vpc.as_str()).map(Vec::as_slice).unwrap_or_default();
        if !of_vpc.iter().any(|range| range.contains(&cidr)) {
            let all: Vec<String> = of_vpc.iter().map(ToString::to_string).collect();
            return Err(format!("{what}: {cidr} lies in no CIDR of {} ({})", subnet.vpc, all.join(", ")));
        }
        let overlapping = subnets
            .iter()
            .find(|(_, (vpc, other))| *vpc == subnet.vpc && (other.contains(&cidr) || cidr.contains(other)));
        if let Some((name, (_, other))) = overlapping {
            return Err(format!("{what}: {cidr} overlaps {other} of subnet {name}"));
        }
        if let Some(gateway) = &subnet.gateway {
            inside(&format!("the gateway of {what}"), gateway, cidr)?;
        }
        subnets.insert(&subnet.name, (&subnet.vpc, cidr));
    }
    let prefixes = prefixes(scenario)?;
    let mut taken: BTreeMap<(&str, IpAddr), &str> = BTreeMap::new();
    for workload in &scenario.workloads {
        let what = format!("workload {}", workload.name);
        let mut addresses = Vec::new();
        if let (Some(ip), Some((_, cidr))) = (&workload.ip, subnets.get(workload.subnet.as_str())) {
            addresses.push(IpAddr::V4(inside(&what, ip, *cidr)?));
        }
        if let Some(ip6) = &workload.ip6 {
            addresses.push(inside_v6(&what, ip6, &workload.subnet, prefixes.get(workload.subnet.as_str()))?);
        }
        for address in addresses {
            if let Some(other) = taken.insert((&workload.subnet, address), &workload.name) {
                return Err(format!("{what}: {address} is the address of {other} already"));
            }
        }
    }
    for route in &scenario.routes {
        let what = format!("a route of {}", route.table);
        if route.destination.contains(':') {
            range_v6(&what, &route.destination)?;
        } else {
            range(&what, &route.destination)?;
        }
    }
    Ok(())
}

/// The IPv6 ranges by subnet: each a /64, none of them twice in all VPCs (rule V6-1).
fn prefixes(scenario: &Scenario) -> Result<BTreeMap<&str, Ipv6Net>, String> {
    let mut prefixes: BTreeMap<&str, Ipv6Net> = BTreeMap::new();
    for subnet in &scenario.subnets {
        let Some(text) = &subnet.cidr6 else { continue };
        let what = format!("subnet {}", subnet.name);
        let prefix = range_v6(&what, text)?;
        if prefix.prefix_len() != 64 {
            return Err(format!("{what}: {text} is no /64"));
        }
        if let Some((other, _)) = prefixes.iter().find(|(_, other)| **other == prefix) {
            return Err(format!("{what}: {text} is the IPv6 range of subnet {other} already"));
        }
        prefixes.insert(&subnet.name, prefix);
    }
    Ok(prefixes)
}

fn range(what: &str, text: &str) -> Result<Ipv4Net, String> {
    let range: Ipv4Net = text.parse().map_err(|_| format!("{what}: `{text}` is no IPv4 CIDR such as 10.0.0.0/16"))?;
    if range.trunc() != range {
        return Err(format!("{what}: {text} has bits behind the prefix; write {}", range.trunc()));
    }
    Ok(range)
}

fn range_v6(what: &str, text: &str) -> Result<Ipv6Net, String> {
    let range: Ipv6Net = text.parse().map_err(|_| format!("{what}: `{text}` is no IPv6 CIDR such as 2001:db8::/64"))?;
    if range.trunc() != range {
        return Err(format!("{what}: {text} has bits behind the prefix; write {}", range.trunc()));
    }
    Ok(range)
}

fn inside_v6(what: &str, text: &str, subnet: &str, range: Option<&Ipv6Net>) -> Result<IpAddr, String> {
    let range = range.ok_or_else(|| format!("{what}: it has an ip6, and subnet {subnet} has no cidr6"))?;
    let address: IpAddr = text.parse().map_err(|_| format!("{what}: `{text}` is no IPv6 address"))?;
    if !IpNet::V6(*range).contains(&address) {
        return Err(format!("{what}: {address} lies outside of {range}"));
    }
    Ok(address)
}

fn inside(what: &str, text: &str, range: Ipv4Net) -> Result<Ipv4Addr, String> {
    let address: Ipv4Addr = text.parse().map_err(|_| format!("{what}: `{text}` is no IPv4 address"))?;
    if !range.contains(&address) {
        return Err(format!("{what}: {address} lies outside of {range}"));
    }
    Ok(address)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::document::Document;

    const GOOD: &str = "\
vpcs:
- {name: a, cidrs: [10.0.0.0/16, 172.16.0.0/24]}
subnets:
- {name: s, vpc: a, cidr: 10.0.0.0/24, gateway: 10.0.0.254, cidr6: '2001:db8::/64'}
- {name: t, vpc: a, cidr: 172.16.0.0/28, cidr6: '2001:db8:0:1::/64'}
workloads:
- {name: w, subnet: s, ip: 10.0.0.5, ip6: '2001:db8::5'}
- {name: x, subnet: s, ip: 10.0.0.6, ip6: '2001:db8::6'}
- {name: y, subnet: t}
routes:
- {table: rtb-a, destination: 0.0.0.0/0, next_hop_type: ecs, next_hop: w}
- {table: rtb-a, destination: '2001:db8:8::/48', next_hop_type: ecs, next_hop: w}
";

    fn checked(text: &str) -> Result<(), String> {
        check(&Document::parse(text, "x.yaml").unwrap().scenarios[0])
    }

    #[test]
    fn every_scenario_of_the_projects_own_suite_could_be_made() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/topologies.yaml");
        for scenario in Document::read(&path).unwrap().scenarios {
            assert_eq!(check(&scenario), Ok(()), "{}", scenario.id);
        }
    }

    #[test]
    fn what_could_never_be_made_is_said() {
        assert_eq!(checked(GOOD), Ok(()));
        for (from, to, why) in [
            ("10.0.0.0/16", "10.0.0.0/99", "VPC a: `10.0.0.0/99` is no IPv4 CIDR such as 10.0.0.0/16"),
            ("10.0.0.0/16", "10.0.3.0/16", "VPC a: 10.0.3.0/16 has bits behind the prefix; write 10.0.0.0/16"),
            ("10.0.0.0/24", "10.9.0.0/24", "subnet s: 10.9.0.0/24 lies in no CIDR of a (10.0.0.0/16, 172.16.0.0/24)"),
            ("172.16.0.0/28", "10.0.0.128/25", "subnet t: 10.0.0.128/25 overlaps 10.0.0.0/24 of subnet s"),
            ("10.0.0.254", "10.0.1.254", "the gateway of subnet s: 10.0.1.254 lies outside of 10.0.0.0/24"),
            ("10.0.0.5", "10.0.1.5", "workload w: 10.0.1.5 lies outside of 10.0.0.0/24"),
            ("10.0.0.5", "ten", "workload w: `ten` is no IPv4 address"),
            ("10.0.0.5", "10.0.0.6", "workload x: 10.0.0.6 is the address of w already"),
            ("0.0.0.0/0", "0.0.0.0", "a route of rtb-a: `0.0.0.0` is no IPv4 CIDR such as 10.0.0.0/16"),
            ("2001:db8:0:1::/64", "2001:db8::/64", "subnet t: 2001:db8::/64 is the IPv6 range of subnet s already"),
            ("2001:db8:0:1::/64", "2001:db8:1::/48", "subnet t: 2001:db8:1::/48 is no /64"),
            ("2001:db8:0:1::/64", "10.0.0.0", "subnet t: `10.0.0.0` is no IPv6 CIDR such as 2001:db8::/64"),
            ("2001:db8::5", "2001:db8:0:1::5", "workload w: 2001:db8:0:1::5 lies outside of 2001:db8::/64"),
            ("2001:db8::5", "2001:db8::6", "workload x: 2001:db8::6 is the address of w already"),
            (", cidr6: '2001:db8::/64'", "", "workload w: it has an ip6, and subnet s has no cidr6"),
            (
                "2001:db8:8::/48",
                "2001:db8:8::1/48",
                "a route of rtb-a: 2001:db8:8::1/48 has bits behind the prefix; write 2001:db8:8::/48",
            ),
            ("[10.0.0.0/16, 172.16.0.0/24]", "[]", "VPC a has no CIDR"),
        ] {
            assert_eq!(checked(&GOOD.replace(from, to)), Err(why.to_owned()));
        }
    }
}
