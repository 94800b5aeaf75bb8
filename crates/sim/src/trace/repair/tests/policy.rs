//! Security groups, network ACLs, the source/destination check.

use super::*;

/// DIAG-1 `source_check`: CHK-3, CHK-2 at a firewall.
#[test]
fn a_firewall_with_the_check_on_has_it_turned_off() {
    let mut fixture = Fixture::new(HUB);
    fixture.run(
        "server FW SB 10.2.0.9 kind=firewall
         table rtb-fw B SB
         route rtb-B 10.3.0.0/16 FW\nroute rtb-B 10.1.0.0/16 FW
         route rtb-fw 10.3.0.0/16 BC\nroute rtb-fw 10.1.0.0/16 AB",
    );
    let found = repaired(&fixture, &question(&fixture, "EA", "EC"), DropReason::SourceCheck, Leg::Forward);
    assert_eq!(commands(&found), ["causeway server update FW --source-check off"]);
    assert_eq!(warnings(&found), ["FW may then send and receive packets with any address"]);
}

/// DIAG-1 `security_group`: SG-3, nothing matches in either direction: exactly this packet is allowed.
#[test]
fn a_group_that_says_nothing_gets_one_rule() {
    let fixture = joined(
        "group sg-db\ngroups RDS-B01 sg-db
         group sg-web\ngroups ECS-A01 sg-web",
    );
    let found = repaired(&fixture, &question(&fixture, "ECS-A01", "RDS-B01"), DropReason::SecurityGroup, Leg::Forward);
    assert_eq!(
        commands(&found),
        [
            "causeway security-group rule add sg-web egress tcp --port 5432 --remote 172.17.0.21/32",
            "causeway security-group rule add sg-db ingress tcp --port 5432 --remote 172.16.0.111/32",
        ]
    );
    assert!(warnings(&found).is_empty());
    let ping = Question { protocol: Protocol::ICMP, ..question(&fixture, "ECS-A01", "RDS-B01") };
    let found = repaired(&fixture, &ping, DropReason::SecurityGroup, Leg::Forward);
    assert!(commands(&found)[0].ends_with("sg-web egress icmp --remote 172.17.0.21/32"), "{found:?}");
}

/// SG-3: a rule goes before the one that denies, by priority, in an earlier group, or else in its place.
#[test]
fn a_rule_that_denies_is_got_round_in_front() {
    let mut fixture = joined(
        "group first\ngroup second\ngroups RDS-B01 second
         rule second in allow 50 all 0.0.0.0/0\nrule second in deny 20 tcp 172.16.0.0/16\nrule second out allow 1 all 0.0.0.0/0",
    );
    let asked = question(&fixture, "ECS-A01", "RDS-B01");
    let found = repaired(&fixture, &asked, DropReason::SecurityGroup, Leg::Forward);
    let allow = "ingress tcp --port 5432 --remote 172.16.0.111/32";
    assert_eq!(commands(&found), [format!("causeway security-group rule add second {allow} --priority 19")]);

    fixture.run("rule second in deny 1 tcp 172.16.0.0/24");
    let found = repaired(&fixture, &asked, DropReason::SecurityGroup, Leg::Forward);
    // The rule with priority 20 denies it too, but goes unnoticed behind one in front of both.
    assert!(commands(&found)[0].starts_with("causeway security-group rule delete "), "{found:?}");
    assert!(warnings(&found)[0].contains("left to the other rules of second"), "{found:?}");

    fixture.run("groups RDS-B01 first,second");
    let found = repaired(&fixture, &asked, DropReason::SecurityGroup, Leg::Forward);
    assert_eq!(commands(&found), [format!("causeway security-group rule add first {allow}")]);
}

/// SG-1: of several groups the one with the fewest members is opened, and whoever else is in it is told of.
#[test]
fn the_group_with_the_fewest_members_is_opened() {
    let mut fixture = joined(
        "server RDS-B02 Subnet-B01 172.17.0.22\ngroup many\ngroup own
         groups RDS-B01 many,own\ngroups RDS-B02 many",
    );
    let asked = question(&fixture, "ECS-A01", "RDS-B01");
    let found = repaired(&fixture, &asked, DropReason::SecurityGroup, Leg::Forward);
    assert!(commands(&found)[0].contains(" rule add own "), "{found:?}");
    assert!(warnings(&found).is_empty());
    fixture.run("groups RDS-B01 many");
    let found = repaired(&fixture, &asked, DropReason::SecurityGroup, Leg::Forward);
    assert_eq!(warnings(&found), ["many guards 1 other port, for which it is allowed too"]);
}

/// DIAG-1 `network_acl`: ACL-3, in front of what refuses, in both directions; ACL-6 order with the groups.
#[test]
fn an_acl_gets_a_rule_in_front() {
    let mut fixture = joined("group sg-db\ngroups RDS-B01 sg-db");
    let deny = NewNetworkAclRule::new(RuleAction::Deny);
    guard(&mut fixture, "Subnet-A01", &[], &[]);
    guard(&mut fixture, "Subnet-B01", std::slice::from_ref(&deny), std::slice::from_ref(&deny));
    let asked = question(&fixture, "ECS-A01", "RDS-B01");
    let found = repaired(&fixture, &asked, DropReason::NetworkAcl, Leg::Forward);
    let packet = "tcp --source 172.16.0.111 --destination 172.17.0.21";
    let [out, enter, group] = commands(&found)[..] else { panic!("{found:?}") };
    assert!(out.starts_with("causeway network-acl rule add acl-Subnet-A01 egress") && out.contains(packet), "{out}");
    assert!(enter.starts_with("causeway network-acl rule add acl-Subnet-B01 ingress"), "{enter}");
    assert!(group.starts_with("causeway security-group rule add sg-db ingress tcp"), "{group}");
    let step = ask(&fixture.catalog, &asked).forward.into_iter().find(|step| {
        matches!(step.fact, crate::trace::Fact::NetworkAcl { direction: Direction::Egress, rule: None, .. })
    });
    let text = crate::trace::render(&fixture.catalog, &step.unwrap());
    assert_eq!(text.detail, "outbound: no rule of acl-Subnet-A01 matches, so it is denied");
}

/// SG-11, ACL-5: a reply that passes a firewall which the request did not pass is a new packet there.
#[test]
fn a_reply_that_takes_another_way_is_allowed_at_the_firewall() {
    let mut fixture = joined(
        "group sg-fw\nserver FW Subnet-B01 172.17.0.9 kind=firewall check=off groups=sg-fw
         subnet Subnet-B02 VPC-B 172.17.1.0/24\nserver RDS-B02 Subnet-B02 172.17.1.21
         table rtb-b02 VPC-B Subnet-B02\nroute rtb-b02 172.16.0.0/16 FW",
    );
    let asked = question(&fixture, "ECS-A01", "RDS-B02");
    let found = repaired(&fixture, &asked, DropReason::SecurityGroup, Leg::Return);
    assert!(commands(&found).iter().all(|command| !command.contains("--port")), "{found:?}");
    fixture.run("rule sg-fw in allow 1 all any\nrule sg-fw out allow 1 all any");
    guard(&mut fixture, "Subnet-B01", &[], &[]);
    let found = repaired(&fixture, &asked, DropReason::NetworkAcl, Leg::Return);
    assert!(
        commands(&found)[0].contains("tcp --source 172.17.1.21 --destination 172.16.0.111 --source-port 5432"),
        "{found:?}"
    );
}
