//! Steps for people.

use catalog::Catalog;
use model::{Direction, RuleAction};

use super::{Choice, Fact, LosingReason, Step, name};

/// A step in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepText {
    /// Where: a server, a route table, a peering, a subnet's gateway.
    pub place: String,
    /// The name of the VPC, where it is known to the viewer.
    pub vpc: Option<String>,
    /// What was looked at.
    pub kind: &'static str,
    /// What was found.
    pub detail: String,
    /// What came of it, where the step decides something: `pass` or `drop`.
    pub verdict: Option<&'static str>,
}

/// Puts a step into words.
#[must_use]
pub fn render(catalog: &Catalog, step: &Step) -> StepText {
    let verdict = |passed: bool| Some(if passed { "pass" } else { "drop" });
    let check = |checked: bool| if checked { "check is on" } else { "check is off" };
    let (place, kind, detail, verdict) = match &step.fact {
        Fact::Sent { server, subnet, table, source, destination } => {
            let (subnet, table) = (name::subnet(catalog, *subnet), name::table(catalog, *table));
            let detail = format!("{source} → {destination}, from subnet {subnet} with route table {table}");
            (name::server(catalog, *server), "sent", detail, None)
        }
        Fact::SourceCheck { server, checked, passed } => {
            (name::server(catalog, *server), "source-check", check(*checked).to_owned(), verdict(*passed))
        }
        Fact::DestinationCheck { server, checked, passed } => {
            (name::server(catalog, *server), "destination-check", check(*checked).to_owned(), verdict(*passed))
        }
        Fact::SecurityGroup { server, direction, rule, allowed } => {
            let way = if *direction == Direction::Egress { "outbound" } else { "inbound" };
            let detail = match rule {
                Some((group, rule)) => format!("{way}: {}", rule_text(catalog, *group, *rule)),
                None => format!("{way}: no rule matches, so it is denied"),
            };
            (name::server(catalog, *server), "security-group", detail, verdict(*allowed))
        }
        Fact::Tracked { server } => {
            let detail = "belongs to a flow that was allowed".to_owned();
            (name::server(catalog, *server), "security-group", detail, verdict(true))
        }
        Fact::Route { table, choice, losing } => {
            let mut detail = choice_text(catalog, *choice);
            for losing in losing {
                let why = match losing.why {
                    LosingReason::Local => "local routes win",
                    LosingReason::System => "system routes win",
                    LosingReason::Shorter => "shorter prefix",
                };
                detail.push_str(&format!("; not {} ({why})", name::route(catalog, losing.route)));
            }
            (name::table(catalog, *table), "route", detail, verdict(*choice != Choice::Nothing))
        }
        Fact::Crossing { peering, to, status, crossed } => {
            let detail = format!("{status}, to {}", vpc_text(catalog, step, *to));
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
    StepText { place, vpc: step.vpc.map(|vpc| name::vpc(catalog, vpc)), kind, detail, verdict }
}

/// The VPC at the other end; by id where its name is none of the viewer's business (lifecycle section 4).
fn vpc_text(catalog: &Catalog, step: &Step, to: model::VpcId) -> String {
    let same_owner = step.vpc.is_some_and(|own| name::owner(catalog, own) == name::owner(catalog, to));
    if same_owner { name::vpc(catalog, to) } else { to.to_string() }
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

fn rule_text(catalog: &Catalog, group: model::SecurityGroupId, rule: model::SecurityGroupRuleId) -> String {
    let found = catalog.security_group(group).and_then(|group| group.rules.iter().find(|r| r.id == rule));
    let group_name = name::group(catalog, group);
    let Some(found) = found else { return format!("a rule of {group_name}") };
    let action = if found.action == RuleAction::Allow { "allows" } else { "denies" };
    let protocol = found.protocol.map_or_else(|| "all protocols".to_owned(), |protocol| protocol.to_string());
    let remote = match found.remote {
        model::Remote::Any => "any address".to_owned(),
        model::Remote::Cidr(range) => range.to_string(),
        model::Remote::Group(id) => format!("group {}", name::group(catalog, id)),
        model::Remote::AddressGroup(id) => format!("address group {id}"),
    };
    let services: Vec<String> = found
        .services
        .iter()
        .map(|range| {
            if range.first == range.last { range.first.to_string() } else { format!("{}-{}", range.first, range.last) }
        })
        .collect();
    let services = if services.is_empty() { String::new() } else { format!(" {}", services.join(",")) };
    format!("{group_name} {action} {protocol}{services} with {remote} (priority {}, rule {rule})", found.priority)
}
