//! What scenarios need that Causeway does not have yet.

use crate::document::{Expect, Operation, Scenario};

const NAT: &str = "NAT gateways";
const VIP: &str = "virtual IPs";
const EIP: &str = "EIPs";
const SNAT: &str = "SNAT servers";
const ACL: &str = "network ACLs";
const IPV6: &str = "IPv6";
const INTERNET: &str = "packets from the Internet";

/// What of a scenario is not supported, as the object of "needs …"; nothing where all of it is.
#[must_use]
pub fn unsupported(scenario: &Scenario) -> Option<String> {
    let mut needs: Vec<&str> = Vec::new();
    let mut need = |what: &'static str, when: bool| {
        if when && !needs.contains(&what) {
            needs.push(what);
        }
    };
    need(NAT, !scenario.nat_gateways.is_empty());
    need(VIP, !scenario.vips.is_empty());
    need(ACL, !scenario.network_acls.is_empty());
    for workload in &scenario.workloads {
        need(EIP, workload.eip.is_some());
        need(SNAT, workload.kind.as_deref() == Some("snat-server") || !workload.snat.is_empty());
        need(SNAT, workload.snat_to.is_some());
        need(IPV6, workload.ip6.is_some());
    }
    need(IPV6, scenario.subnets.iter().any(|s| s.cidr6.is_some() || s.cidr.contains(':')));
    need(IPV6, scenario.vpcs.iter().flat_map(|v| &v.cidrs).any(|cidr| cidr.contains(':')));
    for route in &scenario.routes {
        need(NAT, route.next_hop_type == "nat");
        need(VIP, route.next_hop_type == "vip");
        need(IPV6, route.destination.contains(':'));
    }
    let expected = scenario.expect.iter().chain(scenario.steps.iter().flat_map(|s| &s.expect));
    for expect in expected {
        need(IPV6, is_ipv6(expect));
        need(INTERNET, expect.from == "internet");
        for end in [&expect.from, &expect.to] {
            need(VIP, end.starts_with("vip:"));
            need(EIP, end.starts_with("eip:"));
        }
    }
    let operations = scenario.control.iter().map(|c| &c.operation).chain(scenario.steps.iter().map(|s| &s.r#do));
    for operation in operations {
        need(VIP, operation.op.ends_with("_vip"));
        need(EIP, operation.op.ends_with("_eip"));
        need(IPV6, names_ipv6(operation));
    }
    (!needs.is_empty()).then(|| needs.join(", "))
}

fn is_ipv6(expect: &Expect) -> bool {
    let address = |end: &str| end.strip_prefix("ip:").is_some_and(|address| address.contains(':'));
    expect.family == Some(6) || address(&expect.from) || address(&expect.to)
}

fn names_ipv6(operation: &Operation) -> bool {
    let prefix = |name| operation.text(name).is_some_and(|text| text.contains(':'));
    operation.fields.contains_key("cidr6") || prefix("destination") || prefix("cidr")
}
