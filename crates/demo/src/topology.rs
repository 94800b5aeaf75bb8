//! What is built: Figure 1 of the VPC peering introduction, and account B's VPC-C beside it.

use suite::{Defaults, Document, Scenario, Subnet, Vpc, Workload};

use crate::DemoError;

/// The suite of the repository.
const SUITE: &str = include_str!("../../../spec/topologies.yaml");
/// The scenario of the figure.
const SCENARIO: &str = "two-vpcs-ipv4";

pub(crate) const ACCOUNT_A: &str = "acct-a";
pub(crate) const ACCOUNT_B: &str = "acct-b";

pub(crate) const VPC_A: &str = "VPC-A";
pub(crate) const VPC_B: &str = "VPC-B";
pub(crate) const VPC_C: &str = "VPC-C";
pub(crate) const CIDR_A: &str = "172.16.0.0/16";
pub(crate) const CIDR_B: &str = "172.17.0.0/16";
pub(crate) const CIDR_C: &str = "192.168.0.0/16";

pub(crate) const ECS_A01: &str = "ECS-A01";
pub(crate) const RDS_B01: &str = "RDS-B01";
pub(crate) const RDS_B02: &str = "RDS-B02";
pub(crate) const ECS_C01: &str = "ECS-C01";

/// Account A's part: two VPCs and four servers, without peering and routes: these are shown one by one.
pub(crate) struct Topology {
    pub(crate) defaults: Defaults,
    pub(crate) account_a: Scenario,
    pub(crate) account_b: Scenario,
}

impl Topology {
    /// Reads the built-in scenario.
    pub(crate) fn read() -> Result<Self, DemoError> {
        let wrong = |error: suite::DocumentError| DemoError::Topology(error.to_string());
        let document = Document::parse(SUITE, "topologies.yaml").map_err(wrong)?;
        let scenario = document.select(&[SCENARIO.to_owned()], "topologies.yaml").map_err(wrong)?;
        let scenario = *scenario.first().ok_or_else(|| DemoError::Topology(format!("{SCENARIO} is missing")))?;
        let account_a = Scenario {
            id: scenario.id.clone(),
            vpcs: scenario.vpcs.clone(),
            subnets: scenario.subnets.clone(),
            workloads: scenario.workloads.clone(),
            ..Scenario::default()
        };
        let account_b = Scenario {
            id: "account-b".to_owned(),
            vpcs: vec![Vpc {
                name: VPC_C.to_owned(),
                cidrs: vec![CIDR_C.to_owned()],
                account: Some(ACCOUNT_B.to_owned()),
                ..Vpc::default()
            }],
            subnets: vec![Subnet {
                name: "Subnet-C01".to_owned(),
                vpc: VPC_C.to_owned(),
                cidr: "192.168.0.0/24".to_owned(),
                ..Subnet::default()
            }],
            workloads: vec![Workload {
                name: ECS_C01.to_owned(),
                subnet: "Subnet-C01".to_owned(),
                ip: Some("192.168.0.194".to_owned()),
                ..Workload::default()
            }],
            ..Scenario::default()
        };
        let defaults = Defaults { account: ACCOUNT_A.to_owned(), ..document.defaults };
        Ok(Self { defaults, account_a, account_b })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn the_story_tells_of_what_the_topology_has() {
        let topology = Topology::read().unwrap();
        let names: Vec<&str> = topology.account_a.workloads.iter().map(|w| w.name.as_str()).collect();
        assert_eq!(names, [ECS_A01, "ECS-A02", RDS_B01, RDS_B02]);
        let vpcs: Vec<(&str, &str)> =
            topology.account_a.vpcs.iter().map(|v| (v.name.as_str(), v.cidrs[0].as_str())).collect();
        assert_eq!(vpcs, [(VPC_A, CIDR_A), (VPC_B, CIDR_B)]);
        assert!(topology.account_a.peerings.is_empty() && topology.account_a.routes.is_empty());
    }
}
