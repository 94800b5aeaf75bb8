//! For each reason code: what is proposed, applied, makes the answer `reachable`; and nothing is proposed where nothing
//! helps (rule DIAG-1; lifecycle section 7).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a mistake in the text is a failed test")]

use std::collections::BTreeSet;
use std::net::IpAddr;

use abi::DropReason;
use compiler::fixture::Fixture;
use control::{Caller, Config, Context, CreateNetworkAcl, InsertNetworkAclRules, NewNetworkAclRule, RandomIds};
use model::{Direction, Protocol, RuleAction, SubnetId, Timestamp, UserId};
use uuid::Uuid;

use super::*;
use crate::trace::{Leg, Question, Target};

mod policy;
mod routes;

const TWO: &str = "
    vpc VPC-A 172.16.0.0/16
    vpc VPC-B 172.17.0.0/16
    subnet Subnet-A01 VPC-A 172.16.0.0/24
    subnet Subnet-B01 VPC-B 172.17.0.0/24
    server ECS-A01 Subnet-A01 172.16.0.111
    server RDS-B01 Subnet-B01 172.17.0.21 kind=rds
";

const JOINED: &str = "
    peering Peering-AB VPC-A VPC-B
    route rtb-VPC-A 172.17.0.0/16 Peering-AB
    route rtb-VPC-B 172.16.0.0/16 Peering-AB
";

fn joined(more: &str) -> Fixture {
    let mut fixture = Fixture::new(TWO);
    fixture.run(JOINED);
    fixture.run(more);
    fixture
}

fn question(fixture: &Fixture, from: &str, to: &str) -> Question {
    Question { from: fixture.server(from), to: Target::Server(fixture.server(to)), protocol: Protocol::TCP, port: 5432 }
}

fn ask(catalog: &Catalog, question: &Question) -> Trace {
    Tracer::new(catalog).ask(question).unwrap()
}

/// Proposals for a question that has this reason and leg for an answer, after making sure that they help and that none
/// is superfluous. Each as command, with its warning.
fn repaired(fixture: &Fixture, question: &Question, reason: DropReason, leg: Leg) -> Vec<(String, Option<String>)> {
    let trace = ask(&fixture.catalog, question);
    assert_eq!((trace.verdict.reason, trace.verdict.leg), (Some(reason), leg), "{trace:#?}");
    let limits = Limits::default();
    let told = repairs(&fixture.catalog, &trace, None, &limits);
    assert!(told.complete && !told.repairs.is_empty(), "{told:#?}");
    let with = |except: Option<usize>| {
        let steps = told.repairs.iter().enumerate().filter(|(place, _)| Some(*place) != except);
        let applied = steps.map(|(_, repair)| repair).try_fold(fixture.catalog.clone(), |catalog, repair| {
            repair.change.apply(&catalog, repair.account, &limits, repair.seed)
        });
        applied.is_ok_and(|catalog| ask(&catalog, question).verdict.reachable)
    };
    assert!(with(None), "applying all must make it reachable: {told:#?}");
    for place in 0..told.repairs.len() {
        assert!(!with(Some(place)), "{} is superfluous", told.repairs[place].command);
    }
    told.repairs.into_iter().map(|repair| (repair.command, repair.warning)).collect()
}

fn commands(repairs: &[(String, Option<String>)]) -> Vec<&str> {
    repairs.iter().map(|(command, _)| command.as_str()).collect()
}

fn warnings(repairs: &[(String, Option<String>)]) -> Vec<&str> {
    repairs.iter().filter_map(|(_, warning)| warning.as_deref()).collect()
}

/// The sentence for a question that has this reason for an answer and that nothing repairs.
fn hopeless(fixture: &Fixture, question: &Question, reason: DropReason) -> String {
    let trace = ask(&fixture.catalog, question);
    assert_eq!(trace.verdict.reason, Some(reason), "{trace:#?}");
    let told = repairs(&fixture.catalog, &trace, None, &Limits::default());
    assert!(told.repairs.is_empty() && !told.complete, "{told:#?}");
    told.note.unwrap()
}

/// A network ACL on a subnet with these rules for packets that enter and leave it, first first.
fn guard(fixture: &mut Fixture, subnet: &str, ingress: &[NewNetworkAclRule], egress: &[NewNetworkAclRule]) {
    let id = SubnetId::new(fixture.id(subnet));
    let project = fixture.catalog.subnet(id).unwrap().project;
    let account = fixture.catalog.account_of(project).unwrap();
    let caller = Caller { account, user: UserId::new(Uuid::nil()), project: Some(project), operator: false };
    let (limits, config, mut ids) = (Limits::default(), Config::default(), RandomIds);
    let now = Timestamp::from_unix_seconds(0);
    let mut ctx = Context { now, limits: &limits, config: &config, ids: &mut ids };
    let request = CreateNetworkAcl {
        name: format!("acl-{subnet}"),
        subnets: BTreeSet::from([id]),
        ..CreateNetworkAcl::default()
    };
    let made = control::create_network_acl(&fixture.catalog, &caller, &mut ctx, request).unwrap();
    fixture.catalog = made.changes.preview(&fixture.catalog).unwrap().0;
    if ingress.is_empty() && egress.is_empty() {
        return;
    }
    let (ingress, egress) = (ingress.to_vec(), egress.to_vec());
    let request = InsertNetworkAclRules { acl: made.value.id, ingress, egress, after: None };
    let rules = control::insert_network_acl_rules(&fixture.catalog, &caller, &mut ctx, request).unwrap();
    fixture.catalog = rules.changes.preview(&fixture.catalog).unwrap().0;
}

const HUB: &str = "
    vpc A 10.1.0.0/16\nvpc B 10.2.0.0/16\nvpc C 10.3.0.0/16
    subnet SA A 10.1.0.0/24\nsubnet SB B 10.2.0.0/24\nsubnet SC C 10.3.0.0/24
    server EA SA 10.1.0.5\nserver EC SC 10.3.0.5
    peering AB A B\npeering BC B C
    route rtb-A 10.0.0.0/8 AB\nroute rtb-C 10.0.0.0/8 BC
";

const SIX: &str = "
    vpc VPC-A 172.16.0.0/16
    vpc VPC-B 172.17.0.0/16
    subnet Subnet-A01 VPC-A 172.16.0.0/24 v6=2001:db8:a::/64
    subnet Subnet-B01 VPC-B 172.17.0.0/24 v6=2001:db8:b::/64
    group sg-db
    server ECS-A01 Subnet-A01 172.16.0.111 ip6=2001:db8:a::111
    server RDS-B01 Subnet-B01 172.17.0.21 ip6=2001:db8:b::21 groups=sg-db
    peering Peering-AB VPC-A VPC-B
    route rtb-VPC-A 172.17.0.0/16 Peering-AB
    route rtb-VPC-B 172.16.0.0/16 Peering-AB
    rule sg-db in allow 1 tcp/5432 172.16.0.0/16
    rule open-acct-a out allow 1 all any6
    rule open-acct-a in allow 1 all any6
";

/// DIAG-1 `no_such_host`: a stopped server starts; nobody stays nobody.
#[test]
fn a_stopped_server_starts_and_nobody_stays_nobody() {
    let mut fixture = joined("stop RDS-B01");
    let asked = question(&fixture, "ECS-A01", "RDS-B01");
    let found = repaired(&fixture, &asked, DropReason::NoSuchHost, Leg::Forward);
    assert_eq!(commands(&found), ["causeway server start RDS-B01"]);
    fixture.run("start RDS-B01");
    let nobody = Target::Address { ip: IpAddr::from([172, 17, 0, 99]), intended: None, to_vpc: None };
    let note = hopeless(&fixture, &Question { to: nobody, ..asked }, DropReason::NoSuchHost);
    assert!(note.contains("No server has the address 172.17.0.99"), "{note}");
}

/// DIAG-1 `next_hop_down`: NH-7, RT-12.
#[test]
fn a_next_hop_that_is_down_starts_or_is_gone_round() {
    let mut fixture = Fixture::new(HUB);
    fixture.run(
        "server FW SB 10.2.0.9 kind=firewall check=off
         table rtb-fw B SB
         route rtb-B 10.3.0.0/16 FW\nroute rtb-B 10.1.0.0/16 AB
         route rtb-fw 10.3.0.0/16 BC\nroute rtb-fw 10.1.0.0/16 AB\nstop FW",
    );
    let asked = question(&fixture, "EA", "EC");
    let found = repaired(&fixture, &asked, DropReason::NextHopDown, Leg::Forward);
    assert_eq!(commands(&found), ["causeway server start FW"]);
    fixture.run("delete-server FW");
    let found = repaired(&fixture, &asked, DropReason::NextHopDown, Leg::Forward);
    assert_eq!(commands(&found), ["causeway route add rtb-B 10.3.0.5/32 peering BC"]);
    assert!(warnings(&found)[0].contains("then no longer pass"), "{found:?}");
}

/// DIAG-1 `next_hop_not_forwarding`.
#[test]
fn a_next_hop_that_does_not_forward_is_gone_round() {
    let fixture = joined("server hop Subnet-A01 172.16.0.9 check=off\nroute rtb-VPC-A 172.17.0.21/32 hop");
    let asked = question(&fixture, "ECS-A01", "RDS-B01");
    let found = repaired(&fixture, &asked, DropReason::NextHopNotForwarding, Leg::Forward);
    assert_eq!(commands(&found), ["causeway route delete rtb-VPC-A 172.17.0.21/32"]);
}

/// What stops the packet first can be mended, but not what comes then.
#[test]
fn a_repair_that_only_leads_to_the_next_dead_end_is_not_proposed() {
    let text = TWO
        .replace("172.16.0.0/16\n", "172.16.0.0/16 edge=one\n")
        .replace("172.17.0.0/16\n", "172.17.0.0/16 edge=two\n");
    let fixture = Fixture::new(&text);
    let note = hopeless(&fixture, &question(&fixture, "ECS-A01", "RDS-B01"), DropReason::NoRoute);
    assert!(note.contains("then: VPCs at different edge sites cannot communicate through peering."), "{note}");
}

/// The pipeline's own codes: none has a command, each has a sentence.
#[test]
fn every_reason_has_a_sentence() {
    let fixture = joined("stop RDS-B01");
    let trace = ask(&fixture.catalog, &question(&fixture, "ECS-A01", "RDS-B01"));
    let mut sentences = BTreeSet::new();
    for reason in DropReason::ALL {
        let mut trace = trace.clone();
        trace.verdict.reason = Some(*reason);
        let text = sentence::irreparable(&fixture.catalog, &trace, None);
        assert!(text.ends_with('.') && text.len() > 20, "{reason:?}: {text}");
        sentences.insert(text);
    }
    assert!(sentences.len() > 15, "they differ");
}

/// Names that a shell would take apart are quoted; those that could be options are not used.
#[test]
fn commands_survive_a_shell() {
    assert_eq!(command::quoted("rtb-VPC_A.1"), "rtb-VPC_A.1");
    assert_eq!(command::quoted("数据库"), "数据库");
    assert_eq!(command::quoted("it's $HOME"), r"'it'\''s $HOME'");
    assert_eq!(command::quoted(""), "''");
}

/// Everything wrong at once: the whole list is found, in order, though each refusal hides the next.
#[test]
fn all_that_is_wrong_is_found_though_each_hides_the_next() {
    let mut fixture = Fixture::new(&TWO.replace("VPC-B 172.17.0.0/16\n", "VPC-B 172.17.0.0/16 account=acct-b\n"));
    fixture.run(
        "peering Peering-AB VPC-A VPC-B status=PENDING_ACCEPTANCE
         group sg-db account=acct-b\ngroups RDS-B01 sg-db\ngroup sg-web\ngroups ECS-A01 sg-web\nstop RDS-B01",
    );
    guard(&mut fixture, "Subnet-B01", &[], &[]);
    let found = repaired(&fixture, &question(&fixture, "ECS-A01", "RDS-B01"), DropReason::SecurityGroup, Leg::Forward);
    assert_eq!(found.len(), 7, "{found:#?}");
}

/// VIP-3, VIP-4: nobody holds the address: a server that it is bound to claims it, having been started if need be.
#[test]
fn a_virtual_ip_that_nobody_holds_is_claimed() {
    let mut fixture = joined("vip VIP-B Subnet-B01 172.17.0.100\nbind VIP-B RDS-B01");
    let to = Target::Address { ip: IpAddr::from([172, 17, 0, 100]), intended: None, to_vpc: None };
    let asked = Question { to, ..question(&fixture, "ECS-A01", "RDS-B01") };
    let found = repaired(&fixture, &asked, DropReason::NoSuchHost, Leg::Forward);
    assert_eq!(commands(&found), ["causeway vip claim VIP-B RDS-B01 --configure"]);
    fixture.run("stop RDS-B01");
    let found = repaired(&fixture, &asked, DropReason::NoSuchHost, Leg::Forward);
    assert_eq!(commands(&found), ["causeway server start RDS-B01", "causeway vip claim VIP-B RDS-B01 --configure"]);
    fixture.run("start RDS-B01\nhold VIP-B RDS-B01");
    assert!(ask(&fixture.catalog, &asked).verdict.reachable, "VIP-8");
    fixture.run("stop RDS-B01");
    let found = repaired(&fixture, &asked, DropReason::NoSuchHost, Leg::Forward);
    assert_eq!(commands(&found), ["causeway server start RDS-B01"]);
    fixture.run("bind VIP-B -\nhold VIP-B -");
    assert!(hopeless(&fixture, &asked, DropReason::NoSuchHost).contains("bound to no server"));
}

/// NH-4, NH-7: a virtual IP as next hop that nobody holds.
#[test]
fn a_next_hop_that_nobody_holds_is_claimed_or_gone_round() {
    let fixture = Fixture::new(&format!(
        "{HUB}
         server FW SB 10.2.0.9 kind=firewall check=off
         vip VIP SB 10.2.0.100\nbind VIP FW
         table rtb-fw B SB
         route rtb-B 10.3.0.0/16 10.2.0.100\nroute rtb-B 10.1.0.0/16 AB
         route rtb-fw 10.3.0.0/16 BC\nroute rtb-fw 10.1.0.0/16 AB"
    ));
    let found = repaired(&fixture, &question(&fixture, "EA", "EC"), DropReason::NextHopDown, Leg::Forward);
    assert_eq!(commands(&found), ["causeway vip claim VIP FW --configure"]);
}

/// DIAG-5, lifecycle section 4: an account gets proposals for what is its own, and no word of the rest.
#[test]
fn an_account_gets_proposals_for_what_is_its_own() {
    let mut fixture = Fixture::new(&TWO.replace("VPC-B 172.17.0.0/16\n", "VPC-B 172.17.0.0/16 account=acct-b\n"));
    fixture.run("peering Peering-AB VPC-A VPC-B\ngroup sg-web\ngroups ECS-A01 sg-web\nstop RDS-B01");
    guard(&mut fixture, "Subnet-B01", &[], &[]);
    guard(&mut fixture, "Subnet-A01", &[], &[]);
    let viewer = fixture.account("acct-a");
    let trace = ask(&fixture.catalog, &question(&fixture, "ECS-A01", "RDS-B01"));
    let seen = redact(&fixture.catalog, &trace, viewer);
    let told = repairs(&fixture.catalog, &seen, Some(viewer), &Limits::default());
    let commands: Vec<_> = told.repairs.iter().map(|repair| repair.command.as_str()).collect();
    assert_eq!(
        commands,
        [
            "causeway security-group rule add sg-web egress tcp --port 5432 --remote 172.17.0.21/32",
            "causeway network-acl rule add acl-Subnet-A01 egress tcp --source 172.16.0.111 --destination 172.17.0.21 \
             --port 5432",
            "causeway route add rtb-VPC-A 172.17.0.21/32 peering Peering-AB",
        ]
    );
    assert!(told.complete && told.note.as_deref().unwrap().contains("leaves your VPC"));
    let text = format!("{told:?}");
    for secret in ["VPC-B", "Subnet-B01", "RDS-B01", "acl-Subnet-B01", "acct-b", "172.17.0.0"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
