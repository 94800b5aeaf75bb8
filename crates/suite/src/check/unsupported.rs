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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::document::Document;

    #[test]
    fn the_suites_scenarios_are_sorted_by_what_they_need() {
        let text = include_str!("../../../../spec/topologies.yaml");
        let document = Document::parse(text, "suite").unwrap();
        let needs: Vec<(&str, String)> =
            document.scenarios.iter().filter_map(|s| Some((s.id.as_str(), unsupported(s)?))).collect();
        let expected = [
            ("cross-account-rejected", "NAT gateways"),
            ("vip-over-peering", "virtual IPs"),
            ("snat-server-in-peer", "EIPs, SNAT servers, packets from the Internet"),
            ("snat-server-misconfigured", "EIPs, SNAT servers"),
            ("nat-gateway-in-peer", "NAT gateways, packets from the Internet"),
            ("eip-not-shared", "EIPs, packets from the Internet"),
            ("eip-versus-routes", "EIPs, NAT gateways"),
            ("different-regions-refused", "EIPs"),
            ("network-acl-across-peering", "network ACLs"),
            ("ipv6-dual-stack", "IPv6"),
        ];
        for (id, what) in expected {
            let found = needs.iter().find(|(found, _)| *found == id).map(|(_, what)| what.clone());
            let sorted = |text: &str| {
                let mut words: Vec<String> = text.split(", ").map(str::to_owned).collect();
                words.sort();
                words
            };
            assert_eq!(sorted(&found.unwrap_or_default()), sorted(what), "{id}");
        }
        assert_eq!(needs.len(), expected.len(), "{needs:?}");
    }

    #[test]
    fn what_only_a_step_needs_counts_too() {
        let text = "vpcs: []\nsteps:\n- do: {op: unbind_eip, workload: a}\n  expect: []\n";
        let document = Document::parse(text, "x").unwrap();
        assert_eq!(unsupported(&document.scenarios[0]).as_deref(), Some("EIPs"));
    }
}
