//! What scenarios need that Causeway does not have yet.

use crate::document::Scenario;

const NAT: &str = "NAT gateways";
const EIP: &str = "EIPs";
const SNAT: &str = "SNAT servers";
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
    need(EIP, scenario.vips.iter().any(|vip| vip.eip.is_some()));
    for workload in &scenario.workloads {
        need(EIP, workload.eip.is_some());
        need(SNAT, workload.kind.as_deref() == Some("snat-server") || !workload.snat.is_empty());
        need(SNAT, workload.snat_to.is_some());
    }
    for route in &scenario.routes {
        need(NAT, route.next_hop_type == "nat");
    }
    let expected = scenario.expect.iter().chain(scenario.steps.iter().flat_map(|s| &s.expect));
    for expect in expected {
        need(INTERNET, expect.from == "internet");
        for end in [&expect.from, &expect.to] {
            need(EIP, end.starts_with("eip:"));
        }
    }
    let operations = scenario.control.iter().map(|c| &c.operation).chain(scenario.steps.iter().map(|s| &s.r#do));
    for operation in operations {
        need(EIP, operation.op.ends_with("_eip"));
    }
    (!needs.is_empty()).then(|| needs.join(", "))
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
            ("snat-server-in-peer", "EIPs, SNAT servers, packets from the Internet"),
            ("snat-server-misconfigured", "EIPs, SNAT servers"),
            ("nat-gateway-in-peer", "NAT gateways, packets from the Internet"),
            ("eip-not-shared", "EIPs, packets from the Internet"),
            ("eip-versus-routes", "EIPs, NAT gateways"),
            ("different-regions-refused", "EIPs"),
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
