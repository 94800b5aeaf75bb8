#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a mistake in the text is a failed test")]

use compiler::fixture::Fixture;
use control::Limits;
use model::{AccountId, PeeringId};

use super::*;

const TWO: &str = "
    vpc VPC-A 172.16.0.0/16
    vpc VPC-B 172.17.0.0/16
    subnet Subnet-A01 VPC-A 172.16.0.0/24
    subnet Subnet-B01 VPC-B 172.17.0.0/24
    server ECS-A01 Subnet-A01 172.16.0.111
    server RDS-B01 Subnet-B01 172.17.0.21 kind=rds
    peering Peering-AB VPC-A VPC-B
";

fn two_accounts(status: &str) -> Fixture {
    let text = TWO.replace("VPC-B 172.17.0.0/16\n", "VPC-B 172.17.0.0/16 account=acct-b\n");
    Fixture::new(&text.replace("VPC-A VPC-B", &format!("VPC-A VPC-B status={status}")))
}

fn examined(fixture: &Fixture, viewer: Option<AccountId>) -> Diagnosis {
    let peering = PeeringId::new(fixture.id("Peering-AB"));
    examine(&fixture.catalog, peering, viewer, &Limits::default()).unwrap()
}

fn of<'a>(diagnosis: &'a Diagnosis, check: &str, side: Side) -> Vec<&'a Item> {
    diagnosis.items.iter().filter(|item| item.check == check && item.side == side).collect()
}

fn one<'a>(diagnosis: &'a Diagnosis, check: &str, side: Side) -> &'a Item {
    let found = of(diagnosis, check, side);
    assert_eq!(found.len(), 1, "{check}: {diagnosis:#?}");
    found[0]
}

fn commands(item: &Item) -> Vec<&str> {
    item.repairs.iter().map(|repair| repair.command.as_str()).collect()
}

/// PEER-2: a peering without routes; with them all is in order, and the guests remain unseen.
#[test]
fn a_peering_needs_routes_on_both_sides() {
    let mut fixture = Fixture::new(TWO);
    let diagnosis = examined(&fixture, None);
    assert!(!diagnosis.healthy());
    for (side, command) in [
        (Side::This, "causeway route add rtb-VPC-A 172.17.0.0/16 peering Peering-AB"),
        (Side::Other, "causeway route add rtb-VPC-B 172.16.0.0/16 peering Peering-AB"),
    ] {
        let item = one(&diagnosis, "routes", side);
        assert_eq!((item.finding, commands(item)), (Finding::Problem, vec![command]));
    }
    fixture.run("route rtb-VPC-A 172.17.0.0/16 Peering-AB\nroute rtb-VPC-B 172.16.0.0/16 Peering-AB");
    let diagnosis = examined(&fixture, None);
    assert!(diagnosis.healthy(), "{diagnosis:#?}");
    assert_eq!(diagnosis.items.last().unwrap().finding, Finding::Unknown, "guest firewalls");
}

/// RT-2, lifecycle section 7, symptoms 5 and 6: each table that a subnet uses is looked at, and so is where it leads.
#[test]
fn every_table_in_use_is_looked_at() {
    let mut fixture = Fixture::new(TWO);
    fixture.run("route rtb-VPC-A 172.17.0.0/16 Peering-AB\ntable rtb-web VPC-A Subnet-A01");
    let item = examined(&fixture, None);
    let item = one(&item, "routes", Side::This);
    assert!(item.text.starts_with("Route table rtb-web (a custom table, used by Subnet-A01) has no route"), "{item:?}");
    fixture.run("route rtb-web 10.9.0.0/16 Peering-AB");
    let item = examined(&fixture, None);
    assert!(one(&item, "routes", Side::This).text.contains("the destination is wrong"));
}

/// LC-2 to LC-4: what each party does about a state.
#[test]
fn a_peering_that_is_not_accepted_is_a_problem_for_both() {
    let fixture = two_accounts("PENDING_ACCEPTANCE");
    for account in ["acct-a", "acct-b"] {
        let diagnosis = examined(&fixture, Some(fixture.account(account)));
        let item = one(&diagnosis, "state", Side::Both);
        assert_eq!(commands(item), ["causeway peering accept Peering-AB"]);
        assert_eq!(item.repairs[0].account, fixture.account("acct-b"));
    }
    for status in ["REJECTED", "EXPIRED"] {
        let fixture = two_accounts(status);
        let diagnosis = examined(&fixture, Some(fixture.account("acct-a")));
        let commands = commands(one(&diagnosis, "state", Side::Both));
        assert_eq!(commands[0], "causeway peering delete Peering-AB");
        assert!(commands[1].starts_with("causeway peering create Peering-AB --vpc VPC-A --peer-vpc "), "{commands:?}");
    }
}

/// Lifecycle section 4: nothing of the other account's subnets, tables, servers and groups is told, nor its ranges to the
/// requester before acceptance.
#[test]
fn nothing_of_the_other_account_is_told() {
    let secret =
        ["VPC-B", "Subnet-B01", "RDS-B01", "rtb-VPC-B", "acl-b", "open-acct-b", "172.17.0.0/24", "172.17.0.21"];
    for status in ["PENDING_ACCEPTANCE", "ACTIVE", "REJECTED"] {
        let fixture = two_accounts(status);
        let diagnosis = examined(&fixture, Some(fixture.account("acct-a")));
        let told: String = diagnosis
            .items
            .iter()
            .flat_map(|item| std::iter::once(item.text.as_str()).chain(commands(item)))
            .collect::<Vec<_>>()
            .join("\n");
        for name in secret {
            assert!(!told.contains(name), "{status}: {name} in\n{told}");
        }
        assert_eq!(told.contains("172.17.0.0/16"), status == "ACTIVE", "{told}");
        for check in ["routes", "security-groups", "network-acls", "servers"] {
            assert_eq!(one(&diagnosis, check, Side::Other).finding, Finding::Unknown, "{check}");
        }
        let hint = &one(&diagnosis, "routes", Side::Other).text;
        assert!(hint.contains("172.16.0.0/16 → peering Peering-AB"), "{hint}");
    }
    // The accepter's own side is the other way round, and it knows the requester's range from the start.
    let fixture = two_accounts("PENDING_ACCEPTANCE");
    let diagnosis = examined(&fixture, Some(fixture.account("acct-b")));
    let item = one(&diagnosis, "routes", Side::This);
    assert_eq!(commands(item), ["causeway route add rtb-VPC-B 172.16.0.0/16 peering Peering-AB"]);
}

/// PEER-13, RT-5, RT-10: overlap, the subnets that can be connected, shadowed routes.
#[test]
fn overlap_and_shadowed_routes_are_told() {
    let mut fixture = Fixture::new(
        "vpc VPC-A 10.0.0.0/16\nvpc VPC-B 10.0.0.0/16
         subnet Subnet-A01 VPC-A 10.0.0.0/24\nsubnet Subnet-B01 VPC-B 10.0.0.0/24
         peering Peering-AB VPC-A VPC-B\nroute rtb-VPC-A 10.0.0.0/16 Peering-AB",
    );
    let diagnosis = examined(&fixture, None);
    let item = one(&diagnosis, "overlap", Side::Both);
    assert!(item.finding == Finding::Problem && item.text.contains("overlap completely"), "{item:?}");
    let item = one(&diagnosis, "shadowed-routes", Side::This);
    assert!(item.text.contains("Route 10.0.0.0/16 in rtb-VPC-A is shadowed in part"), "{item:?}");
    fixture.run("subnet Subnet-A02 VPC-A 10.0.1.0/24\nsubnet Subnet-B02 VPC-B 10.0.2.0/24");
    let diagnosis = examined(&fixture, None);
    let text = &one(&diagnosis, "overlap", Side::Both).text;
    assert!(text.contains("of VPC-A Subnet-A02 (10.0.1.0/24); of VPC-B Subnet-B02 (10.0.2.0/24)"), "{text}");
    // The proposed destinations are subnets that do not overlap.
    let commands = commands(one(&diagnosis, "routes", Side::Other));
    assert_eq!(commands, ["causeway route add rtb-VPC-B 10.0.1.0/24 peering Peering-AB"]);
}

/// EDGE-2.
#[test]
fn edge_sites_are_told() {
    let text = TWO
        .replace("172.16.0.0/16\n", "172.16.0.0/16 edge=one\n")
        .replace("172.17.0.0/16\n", "172.17.0.0/16 edge=two\n");
    let diagnosis = examined(&Fixture::new(&text), None);
    assert_eq!(one(&diagnosis, "edge-sites", Side::Both).finding, Finding::Problem);
}

/// SG-1, SG-7: servers whose groups let nothing in from the peer.
#[test]
fn closed_security_groups_are_told() {
    let mut fixture = Fixture::new(TWO);
    fixture.run("group sg-db\ngroups RDS-B01 sg-db\nrule sg-db in allow 1 all 10.0.0.0/8");
    let diagnosis = examined(&fixture, None);
    let item = one(&diagnosis, "security-groups", Side::Other);
    assert_eq!(item.text, "The security groups of RDS-B01 let nothing in from the peer.");
    assert_eq!(commands(item), ["causeway security-group rule add sg-db ingress --remote 172.16.0.0/16"]);
    assert!(item.repairs[0].warning.is_some());
    fixture.run("rule sg-db in allow 1 tcp/5432 sg:open-acct-a");
    assert_eq!(one(&examined(&fixture, None), "security-groups", Side::Other).finding, Finding::Ok);
}

/// NH-7, CHK-3: stopped servers, and next hops that get or forward nothing.
#[test]
fn stopped_servers_and_next_hops_are_told() {
    let mut fixture = Fixture::new(TWO);
    fixture.run("server FW Subnet-A01 172.16.0.9 kind=firewall\nroute rtb-VPC-A 172.17.0.0/16 FW\nstop FW");
    let diagnosis = examined(&fixture, None);
    assert_eq!(commands(one(&diagnosis, "servers", Side::This)), ["causeway server start FW"]);
    let item = one(&diagnosis, "next-hops", Side::This);
    assert_eq!(commands(item), ["causeway server start FW", "causeway server update FW --source-check off"]);
    let item = one(&diagnosis, "routes", Side::This);
    assert!(item.finding == Finding::Ok && item.text.contains("sends 172.17.0.0/16 to FW"), "{item:?}");
}

/// V6-5: IPv4 routes do not carry IPv6.
#[test]
fn routes_for_ipv4_alone_are_told() {
    let mut fixture = Fixture::new(
        "vpc VPC-A 172.16.0.0/16\nvpc VPC-B 172.17.0.0/16
         subnet Subnet-A01 VPC-A 172.16.0.0/24 v6=2001:db8:a::/64\nsubnet Subnet-B01 VPC-B 172.17.0.0/24 v6=2001:db8:b::/64
         peering Peering-AB VPC-A VPC-B\nroute rtb-VPC-A 172.17.0.0/16 Peering-AB",
    );
    let told =
        |fixture: &Fixture| one(&examined(fixture, None), "routes", Side::This).text.contains("IPv6 has no route");
    assert!(told(&fixture));
    fixture.run("route rtb-VPC-A 2001:db8:b::/64 Peering-AB");
    assert!(!told(&fixture));
}
