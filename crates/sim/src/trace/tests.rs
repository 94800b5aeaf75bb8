#![allow(clippy::unwrap_used, reason = "a mistake in the text is a failed test")]

use compiler::fixture::Fixture;

use super::*;

const TWO: &str = "
    vpc VPC-A 172.16.0.0/16
    vpc VPC-B 172.17.0.0/16
    subnet Subnet-A01 VPC-A 172.16.0.0/24
    subnet Subnet-B01 VPC-B 172.17.0.0/24
    server ECS-A01 Subnet-A01 172.16.0.111
    server RDS-B01 Subnet-B01 172.17.0.21 kind=rds
";

fn question(fixture: &Fixture, from: &str, to: &str) -> Question {
    Question { from: fixture.server(from), to: Target::Server(fixture.server(to)), protocol: Protocol::TCP, port: 5432 }
}

fn ask(fixture: &Fixture, from: &str, to: &str) -> Trace {
    Tracer::new(&fixture.catalog).ask(&question(fixture, from, to)).unwrap()
}

fn repaired(fixture: &Fixture, trace: &Trace, viewer: Option<model::AccountId>) -> Repairs {
    repairs(&fixture.catalog, trace, viewer, &control::Limits::default())
}

fn commands(fixture: &Fixture, trace: &Trace) -> Vec<String> {
    repaired(fixture, trace, None).repairs.into_iter().map(|repair| repair.command).collect()
}

fn explained(fixture: &Fixture, trace: &Trace) -> String {
    explain(&fixture.catalog, trace, None)
}

#[test]
fn strangers_are_told_to_peer_and_to_route_both_ways() {
    let fixture = Fixture::new(TWO);
    let trace = ask(&fixture, "ECS-A01", "RDS-B01");
    assert_eq!(trace.verdict.reason, Some(DropReason::NoRoute));
    assert_eq!(
        explained(&fixture, &trace),
        "The route table rtb-VPC-A of subnet Subnet-A01 has no route to 172.17.0.21. VPC-A and VPC-B have no peering \
         connection: create one, then add routes on both sides."
    );
    assert_eq!(
        commands(&fixture, &trace),
        [
            "causeway peering create VPC-A-VPC-B --vpc VPC-A --peer-vpc VPC-B",
            "causeway route add rtb-VPC-A 172.17.0.0/24 peering VPC-A-VPC-B",
            "causeway route add rtb-VPC-B 172.16.0.0/24 peering VPC-A-VPC-B",
        ]
    );
}

/// DIAG-2.
#[test]
fn a_missing_way_back_is_one_command() {
    let mut fixture = Fixture::new(TWO);
    fixture.run("peering Peering-AB VPC-A VPC-B\nroute rtb-VPC-A 172.17.0.0/16 Peering-AB");
    let trace = ask(&fixture, "ECS-A01", "RDS-B01");
    assert_eq!((trace.verdict.reason, trace.verdict.leg), (Some(DropReason::NoReturnRoute), Leg::Return));
    assert_eq!(
        explained(&fixture, &trace),
        "The peer VPC has no route back to 172.16.0.0/16. Add 172.16.0.0/16 → peering Peering-AB to rtb-VPC-B."
    );
    assert_eq!(commands(&fixture, &trace), ["causeway route add rtb-VPC-B 172.16.0.0/24 peering Peering-AB"]);
    // The other way round it is the request that has no route, and the table has a route for the answer.
    let back = ask(&fixture, "RDS-B01", "ECS-A01");
    assert_eq!(commands(&fixture, &back), ["causeway route add rtb-VPC-B 172.16.0.0/24 peering Peering-AB"]);
}

/// Lifecycle section 7, symptom 5.
#[test]
fn a_custom_table_without_the_route_is_named() {
    let mut fixture = Fixture::new(TWO);
    fixture.run(
        "peering Peering-AB VPC-A VPC-B
         route rtb-VPC-A 172.17.0.0/16 Peering-AB
         route rtb-VPC-B 172.16.0.0/16 Peering-AB
         table rtb-custom VPC-A Subnet-A01",
    );
    let trace = ask(&fixture, "ECS-A01", "RDS-B01");
    assert_eq!(
        explained(&fixture, &trace),
        "Subnet Subnet-A01 uses table rtb-custom, not the default table. Add the route there."
    );
    assert_eq!(commands(&fixture, &trace), ["causeway route add rtb-custom 172.17.0.0/24 peering Peering-AB"]);
}

/// Lifecycle section 7, symptom 6.
#[test]
fn a_route_beside_the_server_is_named() {
    let mut fixture = Fixture::new(TWO);
    fixture.run("peering Peering-AB VPC-A VPC-B\nroute rtb-VPC-A 172.17.5.0/24 Peering-AB");
    let text = explained(&fixture, &ask(&fixture, "ECS-A01", "RDS-B01"));
    assert!(text.starts_with("The route covers 172.17.5.0/24, the server has 172.17.0.21."), "{text}");
}

fn pending() -> Fixture {
    let mut fixture = Fixture::new(&TWO.replace("VPC-B 172.17.0.0/16\n", "VPC-B 172.17.0.0/16 account=acct-b\n"));
    fixture.run(
        "peering Peering-AB VPC-A VPC-B status=PENDING_ACCEPTANCE
         route rtb-VPC-A 172.17.0.0/16 Peering-AB",
    );
    fixture
}

/// PEER-5.
#[test]
fn an_open_request_is_for_the_peer_to_accept() {
    let fixture = pending();
    let trace = ask(&fixture, "ECS-A01", "RDS-B01");
    assert_eq!(
        explained(&fixture, &trace),
        "The peering Peering-AB is Awaiting acceptance. Ask the peer account to accept it."
    );
    let fixes = repaired(&fixture, &trace, None).repairs;
    let accounts: Vec<_> = fixes.iter().map(|repair| repair.account).collect();
    assert_eq!(accounts, [fixture.account("acct-b"); 2]);
    assert_eq!(
        commands(&fixture, &trace),
        ["causeway peering accept Peering-AB", "causeway route add rtb-VPC-B 172.16.0.0/24 peering Peering-AB"]
    );
}

#[test]
fn a_rejected_request_is_made_again() {
    let mut fixture = pending();
    fixture.run("status Peering-AB REJECTED");
    let trace = ask(&fixture, "ECS-A01", "RDS-B01");
    let peer = fixture.vpc("VPC-B");
    let project = fixture.catalog.vpc(peer).unwrap().project;
    assert_eq!(
        commands(&fixture, &trace),
        [
            &format!("causeway peering create VPC-A-peer --vpc VPC-A --peer-vpc {peer} --peer-project {project}"),
            // The route of the dead peering stays, so the new one has to be longer.
            "causeway route add rtb-VPC-A 172.17.0.21/32 peering VPC-A-peer",
            "causeway peering accept VPC-A-peer",
            "causeway route add rtb-VPC-B 172.16.0.0/24 peering VPC-A-peer",
        ]
    );
}

/// DIAG-5: what happens in another account's VPC is not told.
#[test]
fn the_other_account_is_hidden() {
    let mut fixture = pending();
    let viewer = fixture.account("acct-a");
    let seen = |fixture: &Fixture| redact(&fixture.catalog, &ask(fixture, "ECS-A01", "RDS-B01"), viewer);
    assert_eq!(seen(&fixture).verdict.reason, Some(DropReason::PeeringNotActive), "lost in an own VPC");
    let told = repaired(&fixture, &seen(&fixture), Some(viewer));
    let whose: Vec<_> = told.repairs.iter().map(|repair| (repair.command.as_str(), repair.account)).collect();
    assert_eq!(whose, [("causeway peering accept Peering-AB", fixture.account("acct-b"))], "accepting is the other's");
    assert!(!told.complete && told.note.is_some());

    fixture.run("status Peering-AB ACTIVE");
    let trace = seen(&fixture);
    assert!(trace.verdict.hidden && !trace.verdict.reachable);
    assert_eq!((trace.verdict.reason, trace.verdict.at, trace.verdict.leg), (None, None, Leg::Forward));
    assert_eq!((trace.verdict.delivered_to, trace.verdict.observed_source), (None, None));
    assert!(trace.back.is_empty());
    assert_eq!(trace.forward.last().unwrap(), &Step { vpc: None, fact: Fact::LeftVpc });
    assert!(trace.forward.iter().rev().skip(1).all(|step| step.vpc == Some(fixture.vpc("VPC-A"))));
    let text = explain(&fixture.catalog, &trace, Some(viewer));
    assert!(text.starts_with("The packet left your VPC; no answer from the peer side."), "{text}");

    fixture.run("route rtb-VPC-B 172.16.0.0/16 Peering-AB");
    let trace = seen(&fixture);
    assert!(trace.verdict.reachable && !trace.verdict.hidden);
    assert_eq!(trace.back.first().unwrap().fact, Fact::PeerSide);
}

/// Nothing of another account's VPC may show in what is rendered of a redacted trace.
#[test]
fn names_of_the_other_account_are_not_rendered() {
    let mut fixture = pending();
    fixture.run(
        "status Peering-AB ACTIVE
         route rtb-VPC-B 172.16.0.0/16 Peering-AB\nroute rtb-VPC-B 172.16.0.0/24 Peering-AB
         group sg-db account=acct-b\ngroups RDS-B01 sg-db
         acl acl-b Subnet-B01\nacl-rule acl-b in allow all any any\nacl-rule acl-b out allow all any any",
    );
    let viewer = fixture.account("acct-a");
    let of_b: Vec<String> = ["VPC-B", "Subnet-B01", "RDS-B01", "sg-db", "acl-b", "rtb-VPC-B"].map(str::to_owned).into();
    let ids = of_b.iter().skip(1).map(|name| fixture.id(name).to_string());
    let secrets: Vec<String> = of_b.iter().cloned().chain(ids).collect();
    let check = |fixture: &Fixture, expected: bool| {
        let trace = redact(&fixture.catalog, &ask(fixture, "ECS-A01", "RDS-B01"), viewer);
        assert_eq!(trace.verdict.reachable, expected);
        let texts = trace.forward.iter().chain(&trace.back).map(|step| format!("{:?}", render(&fixture.catalog, step)));
        for text in texts.chain([explain(&fixture.catalog, &trace, Some(viewer))]) {
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
        }
    };
    check(&fixture, false);
    fixture.run("rule sg-db in allow 1 all any");
    check(&fixture, true);
    fixture.run("delete-acl-rules acl-b");
    check(&fixture, false);
}

/// SG-3, SG-9.
#[test]
fn a_refusal_by_a_security_group_is_one_rule() {
    let mut fixture = Fixture::new(TWO);
    fixture.run(
        "group sg-db
         groups RDS-B01 sg-db
         peering Peering-AB VPC-A VPC-B
         route rtb-VPC-A 172.17.0.0/16 Peering-AB
         route rtb-VPC-B 172.16.0.0/16 Peering-AB",
    );
    let trace = ask(&fixture, "ECS-A01", "RDS-B01");
    assert_eq!(
        explained(&fixture, &trace),
        "Inbound rules of sg-db on RDS-B01 do not allow TCP 5432 from 172.16.0.111. Allow the peer's group or CIDR."
    );
    assert_eq!(
        commands(&fixture, &trace),
        ["causeway security-group rule add sg-db ingress tcp --port 5432 --remote 172.16.0.111/32"]
    );
}

/// RT-5, lifecycle section 7, symptoms 1, 2 and 7.
#[test]
fn shadowed_routes_and_usable_subnets_are_listed() {
    let mut fixture = Fixture::new(
        "vpc VPC-A 10.0.0.0/16
         vpc VPC-B 10.0.0.0/16
         subnet Subnet-A01 VPC-A 10.0.0.0/24
         subnet Subnet-B01 VPC-B 10.0.0.0/24
         server ECS-A01 Subnet-A01 10.0.0.11
         server ECS-B01 Subnet-B01 10.0.0.21
         peering Peering-AB VPC-A VPC-B
         route rtb-VPC-A 10.0.0.0/16 Peering-AB",
    );
    let text = |fixture: &Fixture| explained(fixture, &ask(fixture, "ECS-A01", "ECS-B01"));
    let local = "10.0.0.21 is inside your own subnet Subnet-A01 (10.0.0.0/24), so packets stay in VPC-A. Route \
                 10.0.0.0/16 is shadowed by your subnet Subnet-A01.";
    let overlap = "VPCs whose subnets all overlap cannot be peered usefully. Re-plan the addresses.";
    assert_eq!(text(&fixture), format!("{local} {overlap}"));
    fixture.run("subnet Subnet-B02 VPC-B 10.0.2.0/24");
    assert!(text(&fixture).ends_with("Usable here: Subnet-B02 (10.0.2.0/24)."));
    assert!(commands(&fixture, &ask(&fixture, "ECS-A01", "ECS-B01")).is_empty(), "no command helps");
}

/// PEER-14.
#[test]
fn a_misrouted_address_gets_a_longer_route() {
    let fixture = Fixture::new(
        "vpc VPC-A 172.16.0.0/16
         vpc VPC-B 10.0.0.0/16
         vpc VPC-C 10.0.0.0/16
         subnet Subnet-A01 VPC-A 172.16.0.0/24
         subnet Subnet-B01 VPC-B 10.0.0.0/24
         subnet Subnet-C01 VPC-C 10.0.0.0/24
         server ECS-A01 Subnet-A01 172.16.0.111
         server ECS-C01 Subnet-C01 10.0.0.71
         peering Peering-AB VPC-A VPC-B
         peering Peering-AC VPC-A VPC-C
         route rtb-VPC-A 10.0.0.0/16 Peering-AB
         route rtb-VPC-C 172.16.0.0/16 Peering-AC",
    );
    let trace = ask(&fixture, "ECS-A01", "ECS-C01");
    assert_eq!(
        explained(&fixture, &trace),
        "10.0.0.71 is sent to peering Peering-AB by route 10.0.0.0/16, but the server is behind Peering-AC. Use longer \
         prefixes, or separate subnets with their own tables."
    );
    assert_eq!(commands(&fixture, &trace), ["causeway route add rtb-VPC-A 10.0.0.71/32 peering Peering-AC"]);
}

const CHAIN: &str = "
    vpc A 10.1.0.0/16
    vpc B 10.2.0.0/16
    vpc C 10.3.0.0/16
    subnet SA A 10.1.0.0/24
    subnet SB B 10.2.0.0/24
    subnet SC C 10.3.0.0/24
    server EA SA 10.1.0.5
    server EB SB 10.2.0.5
    server EC SC 10.3.0.5
    peering AB A B
    peering BC B C
    route rtb-B 10.1.0.0/16 AB
    route rtb-B 10.3.0.0/16 BC
    route rtb-C 10.2.0.0/16 BC
    route rtb-A 10.2.0.0/16 AB
";

/// PEER-8.
#[test]
fn third_vpcs_are_told_of_the_hops_between() {
    let fixture = Fixture::new(CHAIN);
    let text = explained(&fixture, &ask(&fixture, "EA", "EC"));
    assert!(
        text.ends_with(
            "Peering does not connect third VPCs by itself. Create a peering between A and C, or add routes on every \
             hop: A → B → C."
        ),
        "{text}"
    );
}

/// PEER-9.
#[test]
fn a_hub_without_a_route_onward_gets_one() {
    let mut fixture = Fixture::new(CHAIN);
    fixture.run("route rtb-A 10.0.0.0/8 AB\nroute rtb-C 10.1.0.0/16 BC\ndelete-route rtb-B 10.3.0.0/16");
    let trace = ask(&fixture, "EA", "EC");
    assert_eq!(trace.verdict.reason, Some(DropReason::NonTransitive));
    assert_eq!(commands(&fixture, &trace), ["causeway route add rtb-B 10.3.0.0/24 peering BC"]);
}

/// RT-7: routes that cover the destination but lose are told with the reason.
#[test]
fn losing_routes_are_told() {
    let mut fixture = Fixture::new(CHAIN);
    fixture.run("route rtb-A 0.0.0.0/0 AB");
    let trace = ask(&fixture, "EA", "EB");
    let route = trace.forward.iter().find(|step| matches!(step.fact, Fact::Route { .. })).unwrap();
    let text = render(&fixture.catalog, route);
    assert_eq!(text.detail, "10.2.0.0/16 → peering AB");
    assert_eq!(text.lost, [LostRoute { route: "0.0.0.0/0 → peering AB".to_owned(), why: "shorter prefix" }]);
    assert_eq!(text.ids.keys().copied().collect::<Vec<_>>(), ["route", "route_table", "vpc"]);
    assert_eq!((text.place.as_str(), text.vpc.as_deref(), text.verdict), ("rtb-A", Some("A"), Some("pass")));
}

/// L2-1.
#[test]
fn the_own_gateway_answers() {
    let fixture = Fixture::new(TWO);
    let to = Target::Address { ip: IpAddr::from([172, 16, 0, 1]), intended: None, to_vpc: None };
    let question = Question { to, protocol: Protocol::ICMP, ..question(&fixture, "ECS-A01", "RDS-B01") };
    let trace = Tracer::new(&fixture.catalog).ask(&question).unwrap();
    assert!(trace.verdict.reachable);
}

/// NH-7.
#[test]
fn a_next_hop_that_does_not_forward_is_told_apart_from_one_that_is_down() {
    let mut fixture = Fixture::new(TWO);
    fixture.run("server hop Subnet-A01 172.16.0.9 check=off\nroute rtb-VPC-A 172.17.0.0/16 hop");
    let reason = |fixture: &Fixture| ask(fixture, "ECS-A01", "RDS-B01").verdict.reason;
    assert_eq!(reason(&fixture), Some(DropReason::NextHopNotForwarding));
    fixture.run("check hop on");
    assert_eq!(reason(&fixture), Some(DropReason::SourceCheck));
    fixture.run("stop hop");
    assert_eq!(reason(&fixture), Some(DropReason::NextHopDown));
    fixture.run("delete-server hop");
    assert_eq!(reason(&fixture), Some(DropReason::NextHopDown));
}

#[test]
fn a_stopped_server_asks_nothing_and_gets_nothing() {
    let mut fixture = Fixture::new(TWO);
    fixture.run("server ECS-A02 Subnet-A01 172.16.0.112\nstop ECS-A02");
    let asked = question(&fixture, "ECS-A02", "ECS-A01");
    assert_eq!(Tracer::new(&fixture.catalog).ask(&asked), Err(TraceError::SenderStopped(asked.from)));
    let trace = ask(&fixture, "ECS-A01", "ECS-A02");
    assert_eq!(trace.verdict.reason, Some(DropReason::NoSuchHost));
    assert_eq!(explained(&fixture, &trace), "ECS-A02 has the address 172.16.0.112, but it is stopped.");
}

#[test]
fn a_server_reaches_itself() {
    let fixture = Fixture::new(TWO);
    assert!(ask(&fixture, "ECS-A01", "ECS-A01").verdict.reachable);
}

/// CHK-8, SG-13, SG-14: a trace says why no rule was asked.
#[test]
fn ports_past_the_rules_are_told() {
    let mut fixture = Fixture::new(TWO);
    fixture.run(
        "group shut\nrule shut out allow 1 all 0.0.0.0/0\ngroups RDS-B01 shut\n\
         acl acl-b Subnet-B01\nacl-rule acl-b in deny all any any\nacl-rule acl-b out allow all any any\n\
         peering Peering-AB VPC-A VPC-B\nroute rtb-VPC-A 172.17.0.0/16 Peering-AB\nroute rtb-VPC-B 172.16.0.0/16 Peering-AB",
    );
    let told = |fixture: &Fixture, kind: &str| -> Vec<String> {
        let trace = ask(fixture, "ECS-A01", "RDS-B01");
        assert_eq!(trace.verdict.reason, None, "{trace:?}");
        let steps = trace
            .forward
            .iter()
            .map(|step| render(&fixture.catalog, step))
            .filter(|text| text.place == "RDS-B01" || text.place == "Subnet-B01");
        steps.filter(|text| text.kind == kind).map(|text| text.detail).collect()
    };
    assert_eq!(ask(&fixture, "ECS-A01", "RDS-B01").verdict.reason, Some(DropReason::NetworkAcl));
    fixture.run("profile RDS-B01 tcp=5432");
    let why = "inbound: it is a service port of binding:profile, so no rule is asked";
    assert_eq!(told(&fixture, "network-acl"), [why]);
    assert_eq!(told(&fixture, "security-group"), [why]);
    fixture.run("profile RDS-B01 disabled");
    assert_eq!(told(&fixture, "network-acl"), Vec::<String>::new());
    assert_eq!(told(&fixture, "security-group"), ["inbound: the port is without security groups (binding:profile)"]);
    fixture.run("profile RDS-B01\nsecurity RDS-B01 off");
    assert_eq!(ask(&fixture, "ECS-A01", "RDS-B01").verdict.reason, Some(DropReason::NetworkAcl));
    fixture.run("enable acl-b off");
    assert_eq!(told(&fixture, "security-group"), ["inbound: port security is off, so security groups do not apply"]);
    assert_eq!(told(&fixture, "destination-check"), ["check is off, because port security is"]);
}
