//! Expectations, checked before anything is started: a value that cannot come true is a mistake in the document.

use std::net::IpAddr;

use client::types::Protocol;

use crate::document::{Control, Defaults, Expect, Scenario, Step, suggestion};

/// The codes of rule DIAG-5 that an expectation may give as reason.
const REASONS: [&str; 17] = [
    "no_route",
    "no_return_route",
    "peering_not_active",
    "local_route_preferred",
    "misrouted",
    "non_transitive",
    "eip_not_shared",
    "no_such_host",
    "source_check",
    "security_group",
    "network_acl",
    "no_snat_rule",
    "next_hop_down",
    "next_hop_not_forwarding",
    "routing_loop",
    "edge_site",
    "different_region",
];

/// An expectation that was understood.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    pub(super) expect: &'a Expect,
    pub(super) to: To<'a>,
    pub(super) protocol: Protocol,
}

/// Whereto, in the document's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To<'a> {
    Workload(&'a str),
    /// A virtual IP.
    Vip(&'a str),
    Address {
        address: IpAddr,
        intended: Option<&'a str>,
        to_vpc: Option<&'a str>,
    },
}

/// Reads the expectations of a list.
pub(super) fn questions<'a>(
    scenario: &Scenario,
    defaults: &Defaults,
    expects: &'a [Expect],
) -> Result<Vec<Question<'a>>, String> {
    let read = |expect: &'a Expect| {
        question(scenario, defaults, expect).map_err(|why| format!("{} → {}: {why}", expect.from, expect.to))
    };
    expects.iter().map(read).collect()
}

/// Reads one expectation of a scenario without unsupported parts.
fn question<'a>(scenario: &Scenario, defaults: &Defaults, expect: &'a Expect) -> Result<Question<'a>, String> {
    values(expect)?;
    let protocol: Protocol = expect.proto.parse().map_err(|error| format!("{error}"))?;
    // Steps may add some.
    let added =
        || scenario.steps.iter().filter(|s| s.r#do.op.ends_with("_workload")).filter_map(|s| s.r#do.text("name"));
    let workloads = || scenario.workloads.iter().map(|w| w.name.as_str());
    let workload = |name: &'a str| {
        if workloads().any(|w| w == name) || added().any(|w| w == name) {
            Ok(name)
        } else {
            Err(format!("there is no workload `{name}`{}", suggestion(name, workloads())))
        }
    };
    workload(&expect.from)?;
    let vpc = |name: &'a str| {
        let vpcs = || scenario.vpcs.iter().map(|v| v.name.as_str());
        if vpcs().any(|v| v == name) {
            Ok(name)
        } else {
            Err(format!("there is no VPC `{name}`{}", suggestion(name, vpcs())))
        }
    };
    let added_vips =
        || scenario.steps.iter().filter(|s| s.r#do.op.ends_with("_vip")).filter_map(|s| s.r#do.text("name"));
    let vip = |name: &'a str| {
        let vips = || scenario.vips.iter().map(|v| v.name.as_str());
        if vips().any(|v| v == name) || added_vips().any(|v| v == name) {
            Ok(name)
        } else {
            Err(format!("there is no virtual IP `{name}`{}", suggestion(name, vips())))
        }
    };
    if let Some(at) = &expect.at {
        vpc(at)?;
    }
    if let Some(delivered_to) = &expect.delivered_to {
        workload(delivered_to)?;
    }
    let intended = expect.intended.as_deref().map(workload).transpose()?;
    let to_vpc = expect.to_vpc.as_deref().map(vpc).transpose()?;
    let to = match expect.to.strip_prefix("ip:") {
        Some(address) => {
            let address: IpAddr = address.parse().map_err(|_| format!("`{address}` is no address"))?;
            if expect.family.is_some_and(|family| (family == 6) != address.is_ipv6()) {
                return Err(format!("{address} is not of the family that is asked for"));
            }
            To::Address { address, intended, to_vpc }
        }
        None if expect.to.starts_with("vip:") => To::Vip(vip(expect.to.trim_start_matches("vip:"))?),
        None if expect.to == "internet" => To::Address { address: defaults.internet_host, intended, to_vpc },
        None => To::Workload(workload(&expect.to)?),
    };
    Ok(Question { expect, to, protocol })
}

/// Checks the values that an expectation has whatever the scenario.
pub(super) fn values(expect: &Expect) -> Result<(), String> {
    let protocol: Protocol = expect.proto.parse().map_err(|error| format!("{error}"))?;
    match (protocol, expect.port) {
        (Protocol::Icmp, Some(_)) => return Err("icmp has no port".to_owned()),
        (Protocol::Tcp | Protocol::Udp, None) => return Err(format!("{protocol} needs a port")),
        _ => {}
    }
    if !matches!(expect.family, None | Some(4 | 6)) {
        return Err("the family is 4 or 6".to_owned());
    }
    if let Some(reason) = expect.reason.as_deref().filter(|reason| !REASONS.contains(reason)) {
        return Err(format!("`{reason}` is no reason code{}", suggestion(reason, REASONS.into_iter())));
    }
    if let Some(leg) = expect.leg.as_deref().filter(|leg| !["forward", "return"].contains(leg)) {
        return Err(format!("leg `{leg}`: write forward or return"));
    }
    if let Some(source) = expect.observed_source.as_deref().filter(|source| source.parse::<IpAddr>().is_err()) {
        return Err(format!("observed_source `{source}` is no address"));
    }
    if expect.reachable && (expect.reason.is_some() || expect.at.is_some() || expect.leg.is_some()) {
        return Err("what is reachable has no reason, leg or place of loss".to_owned());
    }
    Ok(())
}

/// Checks what a `control` item expects.
pub(super) fn control(control: &Control) -> Result<(), String> {
    let op = &control.operation.op;
    match (control.result.as_str(), &control.error) {
        ("accepted", None) | ("refused", _) => Ok(()),
        ("accepted", Some(_)) => Err(format!("{op}: what is accepted has no error")),
        (other, _) => Err(format!("{op}: result `{other}`: write accepted or refused")),
    }
}

/// Reads `routes_left`: pairs of table and destination.
pub(super) fn routes_left(step: &Step) -> Result<Option<Vec<String>>, String> {
    let Some(routes) = &step.routes_left else { return Ok(None) };
    let read = |route: &serde_json::Value| {
        let text = |name| route.get(name).and_then(serde_json::Value::as_str);
        match (text("table"), text("destination")) {
            (Some(table), Some(destination)) => Ok(format!("{destination} in {table}")),
            _ => Err(format!("routes_left: {route} needs a table and a destination")),
        }
    };
    let mut routes: Vec<String> = routes.iter().map(read).collect::<Result<_, _>>()?;
    routes.sort_unstable();
    Ok(Some(routes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::document::Document;

    fn ask(expect: &str) -> Result<String, String> {
        let text = format!(
            "vpcs:\n- {{name: VPC-A, cidrs: [10.0.0.0/16]}}\nsubnets:\n- {{name: s, vpc: VPC-A, cidr: 10.0.0.0/24}}\n\
             workloads:\n- {{name: ecs-1, subnet: s}}\n- {{name: ecs-2, subnet: s}}\nexpect:\n- {{{expect}}}\n"
        );
        let document = Document::parse(&text, "x").unwrap();
        let scenario = &document.scenarios[0];
        questions(scenario, &document.defaults, &scenario.expect).map(|q| format!("{:?} {}", q[0].to, q[0].protocol))
    }

    #[test]
    fn every_form_of_a_target_is_read() {
        let base = "from: ecs-1, proto: icmp, reachable: true";
        assert_eq!(ask(&format!("{base}, to: ecs-2")).unwrap(), "Workload(\"ecs-2\") icmp");
        let address = ask(&format!("{base}, to: 'ip:2001:db8::9', family: 6")).unwrap();
        assert!(address.contains("2001:db8::9"), "{address}");
        let address = ask(&format!("{base}, to: 'ip:10.0.0.9', intended: ecs-2, to_vpc: VPC-A")).unwrap();
        assert!(address.contains("10.0.0.9") && address.contains("ecs-2") && address.contains("VPC-A"), "{address}");
        assert!(ask(&format!("{base}, to: internet")).unwrap().contains("203.0.113.10"));
    }

    #[test]
    fn what_cannot_come_true_is_a_mistake() {
        for (expect, hint) in [
            ("to: ecs-2, proto: icmp, reachable: false, reason: no_rout", "did you mean `no_route`"),
            ("to: ecs-3, proto: icmp, reachable: true", "did you mean"),
            ("to: ecs-2, proto: gre, reachable: true", "icmp, tcp or udp"),
            ("to: ecs-2, proto: tcp, reachable: true", "tcp needs a port"),
            ("to: ecs-2, proto: icmp, port: 1, reachable: true", "icmp has no port"),
            ("to: ecs-2, proto: icmp, reachable: false, leg: back", "forward or return"),
            ("to: ecs-2, proto: icmp, reachable: false, at: VPC-B", "no VPC `VPC-B`"),
            ("to: ecs-2, proto: icmp, reachable: true, reason: no_route", "has no reason"),
            ("to: 'ip:10.0.0', proto: icmp, reachable: true", "is no address"),
            ("to: 'ip:10.0.0.9', family: 6, proto: icmp, reachable: true", "not of the family"),
            ("to: 'ip:2001:db8::9', family: 4, proto: icmp, reachable: true", "not of the family"),
            ("to: ecs-2, proto: icmp, reachable: true, observed_source: ecs-1", "is no address"),
        ] {
            let error = ask(&format!("from: ecs-1, {expect}")).unwrap_err();
            assert!(error.contains(hint), "{expect}: {error}");
        }
    }
}
