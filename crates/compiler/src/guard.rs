//! What guards a port: its groups, or nothing, and the services that go past either (rules SG-1, SG-13, SG-14).

use abi::{Id, NO_ID};
use model::{Port, Protocol, SecurityGroupId, VpcId};

use crate::hash::{Content, policy_id};
use crate::paint::ServiceRule;

/// Services of a port that everyone may use, past security groups and network ACL (rule SG-14; api-vpc section 6.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exempt {
    tcp: Vec<u16>,
    udp: Vec<u16>,
}

impl Exempt {
    fn of(port: &Port) -> Self {
        let sorted = |ports: &[u16]| {
            let mut ports = ports.to_vec();
            ports.sort_unstable();
            ports.dedup();
            ports
        };
        Self { tcp: sorted(&port.profile.tcp_service_ports), udp: sorted(&port.profile.udp_service_ports) }
    }

    /// Each protocol that has such services, with inclusive ranges of them.
    pub(crate) fn services(&self) -> impl Iterator<Item = (Protocol, Vec<(u16, u16)>)> {
        let both = [(Protocol::TCP, &self.tcp), (Protocol::UDP, &self.udp)];
        both.into_iter()
            .filter(|(_, ports)| !ports.is_empty())
            .map(|(protocol, ports)| (protocol, ports.iter().map(|port| (*port, *port)).collect()))
    }

    /// The rules that come before those of the groups.
    pub(crate) fn rules(&self) -> impl Iterator<Item = ServiceRule> {
        self.services().map(|(protocol, services)| ServiceRule {
            id: NO_ID,
            allow: true,
            protocol: Some(protocol.0),
            services,
        })
    }
}

/// How many rules stand before those of a network ACL for packets that enter the subnet of a port: its exempt services,
/// which no rule of the ACL decides about.
#[must_use]
pub fn rules_before_acl(port: &Port) -> usize {
    Exempt::of(port).services().count()
}

/// What guards a port. Ports of a VPC that are guarded alike share a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Guard {
    /// Nothing: no group has a say.
    Open,
    /// Its groups in their order.
    Groups(Vec<SecurityGroupId>, Exempt),
}

impl Guard {
    pub(crate) fn of(port: &Port) -> Self {
        if port.has_security_groups() {
            Self::Groups(port.security_groups.clone(), Exempt::of(port))
        } else {
            Self::Open
        }
    }

    /// The groups that have a say.
    pub(crate) fn groups(&self) -> &[SecurityGroupId] {
        match self {
            Self::Open => &[],
            Self::Groups(groups, _) => groups,
        }
    }

    /// The id of the policy; [`NO_ID`], which denies everything, for no group (rule SG-3) and no exempt service.
    pub(crate) fn policy_id(&self, vpc: VpcId) -> Id {
        match self {
            Self::Open => {
                let mut content = Content::new("open-policy");
                content.add(vpc.uuid().as_bytes());
                content.id()
            }
            Self::Groups(groups, exempt) if *exempt == Exempt::default() => policy_id(vpc, groups),
            Self::Groups(groups, exempt) => {
                let mut content = Content::new("policy-with-services");
                content.add(&policy_id(vpc, groups));
                content.add(vpc.uuid().as_bytes());
                for ports in [&exempt.tcp, &exempt.udp] {
                    content.add(&(ports.len() as u64).to_be_bytes());
                    ports.iter().for_each(|port| content.add(&port.to_be_bytes()));
                }
                content.id()
            }
        }
    }
}

/// The services that go past a port's network ACL.
pub(crate) fn exempt_from_acl(port: &Port) -> Exempt {
    Exempt::of(port)
}
