//! Steps for people.

use std::collections::BTreeMap;

use catalog::Catalog;
use model::{Direction, PortId, ServerId, SubnetId};

use super::{Choice, Fact, LosingReason, Step, name, rule};

/// A step in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepText {
    /// Where: a server, a route table, a peering, a subnet, a subnet's gateway.
    pub place: String,
    /// The name of the VPC, where it is known to the viewer.
    pub vpc: Option<String>,
    /// The name of the subnet, where the step is in one.
    pub subnet: Option<String>,
    /// What was looked at.
    pub kind: &'static str,
    /// What was found.
    pub detail: String,
    /// What came of it, where the step decides something: `pass` or `drop`.
    pub verdict: Option<&'static str>,
    /// The routes that cover the destination but lost.
    pub lost: Vec<LostRoute>,
    /// Ids of the objects that the step is about, by what they are: `vpc`, `subnet`, `server`, `route_table`, `route`,
    /// `peering`, `security_group`, `network_acl`, `rule`.
    pub ids: BTreeMap<&'static str, String>,
}

/// A route that covers the destination but lost, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRoute {
    /// Destination and next hop.
    pub route: String,
    /// Why it lost.
    pub why: &'static str,
}

/// Puts a step into words.
#[must_use]
pub fn render(catalog: &Catalog, step: &Step) -> StepText {
    let verdict = |passed: bool| Some(if passed { "pass" } else { "drop" });
    let check = |checked: bool, port: PortId| match catalog.port(port) {
        _ if checked => "check is on",
        Some(port) if !port.port_security_enabled => "check is off, because port security is",
        _ => "check is off",
    };
    let mut lost = Vec::new();
    let (place, kind, detail, verdict) = match &step.fact {
        Fact::Sent { server, subnet, table, source, destination } => {
            let (subnet, table) = (name::subnet(catalog, *subnet), name::table(catalog, *table));
            let detail = format!("{source} → {destination}, from subnet {subnet} with route table {table}");
            (name::server(catalog, *server), "sent", detail, None)
        }
        Fact::SourceCheck { server, port, checked, passed } => {
            (name::server(catalog, *server), "source-check", check(*checked, *port).to_owned(), verdict(*passed))
        }
        Fact::DestinationCheck { server, port, checked, passed } => {
            (name::server(catalog, *server), "destination-check", check(*checked, *port).to_owned(), verdict(*passed))
        }
        Fact::SecurityGroup { server, port, direction, rule, allowed } => {
            let way = if *direction == Direction::Egress { "outbound" } else { "inbound" };
            let detail = match rule {
                Some((group, rule)) => format!("{way}: {}", rule::of_group(catalog, *group, *rule)),
                None if *allowed => format!("{way}: {}", past_the_groups(catalog, *port)),
                None => format!("{way}: {}, so it is denied", nothing_matches(catalog, *port)),
            };
            (name::server(catalog, *server), "security-group", detail, verdict(*allowed))
        }
        Fact::NetworkAcl { acl, subnet, direction, rule, allowed } => {
            let way = if *direction == Direction::Egress { "outbound" } else { "inbound" };
            let detail = match rule {
                Some(rule) => format!("{way}: {}", rule::of_acl(catalog, *acl, *direction, *rule)),
                None if *allowed => format!("{way}: {SERVICE_PORT}"),
                None => {
                    format!("{way}: no rule of {} matches, so it is denied", name::network_acl(catalog, *acl))
                }
            };
            (name::subnet(catalog, *subnet), "network-acl", detail, verdict(*allowed))
        }
        Fact::Tracked { server, outbound } => {
            let who = if *outbound { "that it opened" } else { "that was let in" };
            let detail = format!("belongs to a flow {who}: no rule is asked");
            (name::server(catalog, *server), "security-group", detail, verdict(true))
        }
        Fact::Route { table, choice, losing, dead } => {
            let mut detail = choice_text(catalog, *choice);
            if *dead {
                detail.push_str(", which takes no packets now but matches all the same");
            }
            let told = losing.iter().map(|losing| LostRoute {
                route: name::route(catalog, losing.route),
                why: match losing.why {
                    LosingReason::Local => "local routes win over every custom route",
                    LosingReason::System => "system routes win over every custom route",
                    LosingReason::Shorter if *dead => {
                        "shorter prefix; no route is skipped because its next hop is down"
                    }
                    LosingReason::Shorter => "shorter prefix",
                },
            });
            lost.extend(told);
            (name::table(catalog, *table), "route", detail, verdict(*choice != Choice::Nothing))
        }
        Fact::Crossing { peering, to, status, crossed } => {
            let mut detail = format!("{status}, to {}", vpc_text(catalog, step, *to));
            detail.push_str(&edge_sites(catalog, step, *to));
            (name::peering(catalog, *peering), "peering", detail, verdict(*crossed))
        }
        Fact::HandOver { server, address, next_hop } => {
            let detail = if *next_hop { format!("next hop {address}") } else { format!("has the address {address}") };
            (name::server(catalog, *server), "hand-over", detail, None)
        }
        Fact::Gateway { subnet, answered } => {
            let detail = if *answered { "answers the ping" } else { "answers pings of its own subnet only" };
            (format!("gateway of {}", name::subnet(catalog, *subnet)), "gateway", detail.to_owned(), verdict(*answered))
        }
        Fact::Forwarded { server } => (name::server(catalog, *server), "forwarded", "sends it on".to_owned(), None),
        Fact::NotForwarding { server } => {
            let detail = "the packet is not for it, and it does not forward".to_owned();
            (name::server(catalog, *server), "forwarded", detail, verdict(false))
        }
        Fact::Delivered { server } => (name::server(catalog, *server), "delivered", String::new(), verdict(true)),
        Fact::Dropped { reason } => {
            let place = step.vpc.map(|vpc| name::vpc(catalog, vpc)).unwrap_or_default();
            (place, "dropped", reason.code().to_owned(), verdict(false))
        }
        Fact::LeftVpc => ("peer side".to_owned(), "hidden", "left your VPC".to_owned(), None),
        Fact::PeerSide => ("peer side".to_owned(), "hidden", "comes from the peer side".to_owned(), None),
    };
    let subnet = subnet_of(catalog, step);
    StepText {
        place,
        vpc: step.vpc.map(|vpc| name::vpc(catalog, vpc)),
        subnet: subnet.map(|subnet| name::subnet(catalog, subnet)),
        kind,
        detail,
        verdict,
        lost,
        ids: ids(step, subnet),
    }
}

/// Why packets of a service port meet no rule (rule SG-14).
const SERVICE_PORT: &str = "it is a service port of binding:profile, so no rule is asked";

/// Why no rule of a port's groups was asked (rules SG-13, SG-14).
fn past_the_groups(catalog: &Catalog, port: PortId) -> &'static str {
    match catalog.port(port) {
        Some(port) if !port.port_security_enabled => "port security is off, so security groups do not apply",
        Some(port) if port.profile.disable_security_groups => "the port is without security groups (binding:profile)",
        _ => SERVICE_PORT,
    }
}

/// That no rule of a port's groups matches, by name.
fn nothing_matches(catalog: &Catalog, port: PortId) -> String {
    let groups = catalog.port(port).map(|port| port.security_groups.clone()).unwrap_or_default();
    let names: Vec<String> = groups.into_iter().map(|group| name::group(catalog, group)).collect();
    if names.is_empty() { "it has no group".to_owned() } else { format!("no rule of {} matches", names.join(", ")) }
}

/// The subnet that a step is in.
fn subnet_of(catalog: &Catalog, step: &Step) -> Option<SubnetId> {
    let of_server = |server: ServerId| {
        let ports = catalog.ports_of_server(server).filter(|port| Some(port.vpc) == step.vpc);
        let primary = catalog.server(server).and_then(|server| catalog.port(server.port)).into_iter();
        primary.filter(|port| Some(port.vpc) == step.vpc).chain(ports).map(|port| port.subnet).next()
    };
    match step.fact {
        Fact::Sent { subnet, .. } | Fact::NetworkAcl { subnet, .. } | Fact::Gateway { subnet, .. } => Some(subnet),
        Fact::SourceCheck { port, .. } | Fact::DestinationCheck { port, .. } | Fact::SecurityGroup { port, .. } => {
            catalog.port(port).map(|port| port.subnet)
        }
        Fact::Tracked { server, .. }
        | Fact::HandOver { server, .. }
        | Fact::Forwarded { server }
        | Fact::NotForwarding { server }
        | Fact::Delivered { server } => of_server(server),
        Fact::Route { choice: Choice::Local(subnet), .. } => Some(subnet),
        Fact::Route { .. } | Fact::Crossing { .. } | Fact::Dropped { .. } | Fact::LeftVpc | Fact::PeerSide => None,
    }
}

/// The ids of the objects that a step is about.
fn ids(step: &Step, subnet: Option<SubnetId>) -> BTreeMap<&'static str, String> {
    let mut ids = BTreeMap::new();
    ids.extend(step.vpc.map(|vpc| ("vpc", vpc.to_string())));
    ids.extend(subnet.map(|subnet| ("subnet", subnet.to_string())));
    match &step.fact {
        Fact::Sent { server, table, .. } => {
            ids.extend([("server", server.to_string()), ("route_table", table.to_string())]);
        }
        Fact::SecurityGroup { server, rule, .. } => {
            ids.insert("server", server.to_string());
            if let Some((group, rule)) = rule {
                ids.extend([("security_group", group.to_string()), ("rule", rule.to_string())]);
            }
        }
        Fact::NetworkAcl { acl, rule, .. } => {
            ids.insert("network_acl", acl.to_string());
            ids.extend(rule.map(|(rule, _)| ("rule", rule.to_string())));
        }
        Fact::Route { table, choice, .. } => {
            ids.insert("route_table", table.to_string());
            if let Choice::Custom(route) = choice {
                ids.insert("route", route.to_string());
            }
        }
        Fact::Crossing { peering, .. } => {
            ids.insert("peering", peering.to_string());
        }
        Fact::SourceCheck { server, .. }
        | Fact::DestinationCheck { server, .. }
        | Fact::Tracked { server, .. }
        | Fact::HandOver { server, .. }
        | Fact::Forwarded { server }
        | Fact::NotForwarding { server }
        | Fact::Delivered { server } => {
            ids.insert("server", server.to_string());
        }
        Fact::Gateway { .. } | Fact::Dropped { .. } | Fact::LeftVpc | Fact::PeerSide => {}
    }
    ids
}

/// The VPC at the other end; by id where its name is none of the viewer's business (lifecycle section 4).
fn vpc_text(catalog: &Catalog, step: &Step, to: model::VpcId) -> String {
    let same_owner = step.vpc.is_some_and(|own| name::owner(catalog, own) == name::owner(catalog, to));
    if same_owner { name::vpc(catalog, to) } else { to.to_string() }
}

/// The edge sites of both ends, where they are two (rule EDGE-2). A peering's own warnings tell both parties as much.
fn edge_sites(catalog: &Catalog, step: &Step, to: model::VpcId) -> String {
    let site = |vpc: model::VpcId| catalog.vpc(vpc).and_then(|vpc| vpc.edge_site.clone());
    match (step.vpc.and_then(site), site(to)) {
        (Some(here), Some(there)) if here != there => format!(", from edge site {here} to edge site {there}"),
        _ => String::new(),
    }
}

fn choice_text(catalog: &Catalog, choice: Choice) -> String {
    match choice {
        Choice::Local(subnet) => {
            let range = catalog.subnet(subnet).map(|subnet| subnet.cidr.to_string()).unwrap_or_default();
            format!("{range} → local, subnet {}", name::subnet(catalog, subnet))
        }
        Choice::System => "system range".to_owned(),
        Choice::Custom(route) => name::route(catalog, route),
        Choice::Nothing => "no route".to_owned(),
    }
}
