//! Network ACLs and their state.

use std::time::Duration;

use abi::{ACL_EGRESS, ACL_INGRESS, DropReason};
use model::{Direction, IpVersion};
use pipeline::{ONE_WAY_TIMEOUT_NS, Step};
use sim::Outcome;
use sim::frame::TcpFlags;

use crate::lab::Lab;

const REFUSED: Result<u32, DropReason> = Err(DropReason::NetworkAcl);

/// Two subnets of VPC-A, one of VPC-B and of VPC-C, in a line; everything allowed but by what the tests add.
const NET: &str = "
    vpc A 10.0.0.0/16
    vpc B 10.1.0.0/16
    vpc C 10.2.0.0/16
    subnet S1 A 10.0.0.0/24 v6=2001:db8:a:1::/64
    subnet S2 A 10.0.1.0/24 v6=2001:db8:a:2::/64
    subnet SB B 10.1.0.0/24 v6=2001:db8:b:1::/64
    subnet SC C 10.2.0.0/24
    server a1 S1 10.0.0.10 ip6=2001:db8:a:1::10
    server a2 S1 10.0.0.20 ip6=2001:db8:a:1::20
    server a3 S2 10.0.1.30 ip6=2001:db8:a:2::30
    server b1 SB 10.1.0.40 ip6=2001:db8:b:1::40
    server c1 SC 10.2.0.50
    peering AB A B
    peering BC B C
    route rtb-A 10.1.0.0/16 AB
    route rtb-A 10.2.0.0/16 AB
    route rtb-B 10.0.0.0/16 AB
    route rtb-B 10.2.0.0/16 BC
    route rtb-C 10.0.0.0/8 BC
    route rtb-A 2001:db8:b::/48 AB
    route rtb-B 2001:db8:a::/48 AB
";

fn lab(more: &str) -> Lab {
    Lab::new(&format!("{NET}{more}"))
}

/// ACL-1, ACL-2, ACL-3: an ACL without rules denies everything that enters or leaves its subnets, and nothing else.
#[test]
fn an_acl_without_rules_closes_its_subnet_to_the_outside() {
    let mut lab = lab("acl guard S1");
    assert_eq!(lab.udp("a1", "a2"), Ok(lab.ifindex("a2")), "inside the subnet");
    assert_eq!(lab.udp("a1", "a3"), REFUSED);
    assert_eq!(lab.udp("a1", "b1"), REFUSED);
    assert_eq!(lab.udp("a3", "a1"), REFUSED);
    assert_eq!(lab.udp("b1", "a1"), REFUSED);
    assert_eq!(lab.udp("a3", "b1"), Ok(lab.ifindex("b1")), "another subnet");
    assert_eq!(lab.udp("a1", "2001:db8:a:1::20"), Ok(lab.ifindex("a2")));
    assert_eq!(lab.udp("a1", "2001:db8:b:1::40"), REFUSED);
    assert_eq!(lab.udp("a3", "2001:db8:a:1::10"), REFUSED);
    // One ACL may serve many subnets.
    lab.run("guard guard S2,SB");
    assert_eq!(lab.udp("a1", "a3"), REFUSED);
    assert_eq!(lab.udp("a3", "b1"), REFUSED);
    assert_eq!(lab.udp("a1", "c1"), Ok(lab.ifindex("c1")));
}

/// ACL-3: protocol, source and destination address, source and destination port; the first match decides.
#[test]
fn the_first_rule_that_matches_decides() {
    let mut lab = lab("
        acl guard S1
        acl-rule guard out deny tcp any 10.1.0.0/16 dport=22
        acl-rule guard out allow tcp 10.0.0.10 10.1.0.0/16 dport=20-25
        acl-rule guard out allow udp any any sport=1024-65535 dport=53
        acl-rule guard out deny udp any any
    ");
    let b1 = Ok(lab.ifindex("b1"));
    let ends = lab.ends("a1", "b1");
    assert_eq!(lab.deliver("a1", ends.tcp(4000, 22, TcpFlags::Syn)), REFUSED);
    assert_eq!(lab.deliver("a1", ends.tcp(4000, 23, TcpFlags::Syn)), b1);
    assert_eq!(lab.deliver("a1", ends.tcp(4000, 26, TcpFlags::Syn)), REFUSED);
    assert_eq!(lab.deliver("a2", lab.ends("a2", "b1").tcp(4000, 23, TcpFlags::Syn)), REFUSED);
    assert_eq!(lab.deliver("a1", ends.udp(1024, 53)), b1);
    assert_eq!(lab.deliver("a1", ends.udp(1023, 53)), REFUSED);
    assert_eq!(lab.deliver("a1", ends.echo_request(1, 1)), REFUSED);
    assert_eq!(lab.deliver("a1", ends.ip(47)), REFUSED);
    assert_eq!(lab.deliver("a1", lab.ends("a1", "a3").tcp(4000, 23, TcpFlags::Syn)), REFUSED);
}

/// ACL-3: what the tracer is told leads back to the rule.
#[test]
fn the_trace_names_the_place_of_the_rule() {
    let mut lab = lab("
        acl guard S1
        acl-rule guard out deny udp any any enabled=off
        acl-rule guard out deny udp any any family=6
        acl-rule guard out deny tcp any any
        acl-rule guard out allow udp any any dport=53
        acl-rule guard in allow all 10.9.0.0/16 any
    ");
    let acl = lab.fixture.acl("guard");
    let asked = |steps: Vec<Step>| {
        let mut asked = steps.into_iter().filter_map(|step| match step {
            Step::NetworkAcl { direction, family, place, allowed, .. } => Some((direction, family, place, allowed)),
            _ => None,
        });
        (asked.next(), asked.next())
    };
    let frame = lab.ends("a1", "b1").udp(4000, 53);
    assert_eq!(asked(lab.steps("a1", frame)), (Some((ACL_EGRESS, 4, Some(1), true)), None));
    let rule = compiler::acl_rule(&acl, Direction::Egress, IpVersion::V4, 1).unwrap();
    assert_eq!(rule.id, acl.egress[3].id);
    let frame = lab.ends("a1", "2001:db8:b:1::40").udp(4000, 53);
    assert_eq!(asked(lab.steps("a1", frame)), (Some((ACL_EGRESS, 6, Some(0), false)), None));
    let frame = lab.ends("a3", "a1").udp(4000, 53);
    assert_eq!(asked(lab.steps("a3", frame)), (Some((ACL_INGRESS, 4, None, false)), None));
    let frame = lab.ends("a1", "a2").udp(4000, 53);
    assert_eq!(asked(lab.steps("a1", frame)), (None, None), "ACL-2");
}

/// ACL-4: the gateway and platform ranges are no business of the ACL.
#[test]
fn the_gateway_and_platform_ranges_are_let_through() {
    let mut lab = lab("acl guard S1");
    let frame = lab.ends("a1", "10.0.0.1").echo_request(1, 1);
    assert_eq!(lab.send("a1", frame), Outcome::Replied);
    // Nobody is there, but the ACL is not why.
    assert_eq!(lab.udp("a1", "100.64.0.1"), Err(DropReason::NoSuchHost));
    assert_eq!(lab.udp("a1", "169.254.169.254"), Err(DropReason::NotForwarded));
}

/// ACL-5: the reply of an allowed flow passes in the other direction without a rule, as long as it is remembered.
#[test]
fn replies_pass_without_a_rule_until_the_flow_is_forgotten() {
    let mut lab = lab("
        acl guard S1
        acl-rule guard in allow udp 10.1.0.0/16 any dport=53
        acl other SB
        acl-rule other out allow all any any
    ");
    let (request, reply) = (lab.ends("b1", "a1").udp(4000, 53), lab.ends("a1", "b1").udp(53, 4000));
    assert_eq!(lab.deliver("a1", reply.clone()), REFUSED, "before the request");
    assert_eq!(lab.deliver("b1", request.clone()), Ok(lab.ifindex("a1")));
    for _ in 0..3 {
        assert_eq!(lab.deliver("a1", reply.clone()), Ok(lab.ifindex("b1")));
        assert_eq!(lab.deliver("b1", request.clone()), Ok(lab.ifindex("a1")));
    }
    assert_eq!(lab.deliver("a1", lab.ends("a1", "b1").udp(54, 4000)), REFUSED, "another flow");
    lab.world.advance(Duration::from_nanos(7 * ONE_WAY_TIMEOUT_NS));
    assert_eq!(lab.deliver("a1", reply), REFUSED, "SG-5");
}

/// ACL-6: SG-out, ACL-out, routing; ACL-in, SG-in.
#[test]
fn the_first_that_refuses_gives_the_reason() {
    let mut lab = lab("
        group closed
        acl guard S1
        server mute S1 10.0.0.30 groups=closed
    ");
    assert_eq!(lab.udp("mute", "b1"), Err(DropReason::SecurityGroup), "SG-out goes before ACL-out");
    assert_eq!(lab.udp("a1", "8.8.8.8"), REFUSED, "ACL-out goes before routing");
    assert_eq!(lab.udp("b1", "mute"), REFUSED, "ACL-in goes before SG-in");
    lab.run("enable guard off");
    assert_eq!(lab.udp("a1", "8.8.8.8"), Err(DropReason::NoRoute));
    assert_eq!(lab.udp("b1", "mute"), Err(DropReason::SecurityGroup));
}

/// ACL-7, SG-11: a VPC that is only passed through asks no ACL; an instance that forwards is asked both ways, with the
/// packet's own addresses.
#[test]
fn transit_meets_no_acl_but_instances_that_forward_do() {
    let mut lab = lab("acl guard SB");
    let to_c1 = Ok(lab.ifindex("c1"));
    assert_eq!(lab.udp("a1", "c1"), to_c1);
    lab.run(
        "
        server fw SB 10.1.0.90 kind=firewall check=off
        delete-route rtb-B 10.2.0.0/16
        route rtb-B 10.2.0.0/16 fw
        table rtb-onward B SB
        route rtb-onward 10.2.0.0/16 BC
    ",
    );
    let frame = lab.ends("a1", "c1").udp(4000, 53);
    assert_eq!(lab.deliver("a1", frame.clone()), REFUSED);
    lab.run("acl-rule guard in allow udp 10.0.0.10 10.2.0.50 dport=53");
    assert_eq!(lab.deliver("a1", frame), Ok(lab.ifindex("fw")));
    let forwarded = lab.ends_from("fw", "10.0.0.10", "c1").udp(4000, 53);
    assert_eq!(lab.deliver("fw", forwarded.clone()), REFUSED);
    lab.run("acl-rule guard out allow udp 10.0.0.10 10.2.0.50 dport=53");
    assert_eq!(lab.deliver("fw", forwarded), to_c1);
}

/// ACL-8: one that is not enabled has no effect, not even the denial at its end.
#[test]
fn a_disabled_acl_has_no_effect() {
    let mut lab = lab("acl guard S1,SB enabled=off\nacl-rule guard in deny all any any");
    assert_eq!(lab.udp("a1", "b1"), Ok(lab.ifindex("b1")));
    lab.run("enable guard on");
    assert_eq!(lab.udp("a2", "b1"), REFUSED);
    lab.run("enable guard off");
    assert_eq!(lab.udp("a2", "b1"), Ok(lab.ifindex("b1")));
}

/// ACL-5, SG-6: a change decides inbound flows again on their next packet; flows that a port opened itself go on.
#[test]
fn a_denial_cuts_inbound_flows_at_once_and_spares_outbound_ones() {
    let mut lab = lab("acl guard S1\nacl-rule guard in allow all any any\nacl-rule guard out allow all any any");
    let flows = [("b1", "a1"), ("a1", "b1")].map(|(from, to)| {
        let (request, reply) = (lab.ends(from, to).udp(4000, 53), lab.ends(to, from).udp(53, 4000));
        for _ in 0..3 {
            assert_eq!(lab.deliver(from, request.clone()), Ok(lab.ifindex(to)));
            assert_eq!(lab.deliver(to, reply.clone()), Ok(lab.ifindex(from)));
        }
        (request, reply)
    });
    lab.run("delete-acl-rules guard\nacl-rule guard in allow tcp any any");
    let [(inbound, answer), (outbound, back)] = flows;
    // Even before another request comes.
    assert_eq!(lab.deliver("a1", answer), REFUSED);
    assert_eq!(lab.deliver("b1", inbound), REFUSED);
    assert_eq!(lab.deliver("a1", outbound), Ok(lab.ifindex("b1")));
    assert_eq!(lab.deliver("b1", back), Ok(lab.ifindex("a1")));
    // A new one is refused.
    assert_eq!(lab.deliver("a1", lab.ends("a1", "b1").udp(4001, 53)), REFUSED);
}

/// ACL-2, ACL-5: a flow inside the subnet is never asked for, also not when it is decided again.
#[test]
fn a_flow_inside_the_subnet_outlives_any_acl() {
    let mut lab = lab("group in-only\nrule in-only in allow 1 all any\nserver quiet S1 10.0.0.60 groups=in-only");
    let (request, reply) = (lab.ends("a1", "quiet").udp(4000, 53), lab.ends("quiet", "a1").udp(53, 4000));
    assert_eq!(lab.deliver("a1", request.clone()), Ok(lab.ifindex("quiet")));
    assert_eq!(lab.deliver("quiet", reply.clone()), Ok(lab.ifindex("a1")));
    lab.run("acl guard S1");
    assert_eq!(lab.deliver("quiet", reply.clone()), Ok(lab.ifindex("a1")));
    assert_eq!(lab.deliver("a1", request), Ok(lab.ifindex("quiet")));
    lab.run("delete-rules in-only");
    assert_eq!(lab.deliver("quiet", reply), Err(DropReason::SecurityGroup), "SG-6");
}

/// ACL-5: an error about an allowed flow belongs to it; another one is judged as the ICMP message that it is.
#[test]
fn errors_belong_to_their_flow() {
    let mut lab = lab("acl guard S1\nacl-rule guard out allow udp any any dport=53");
    let request = lab.ends("a1", "b1").udp(4000, 53);
    assert_eq!(lab.deliver("a1", request.clone()), Ok(lab.ifindex("b1")));
    let unreachable = lab.ends("b1", "a1").icmp_quoting(3, 3, &request);
    assert_eq!(lab.deliver("b1", unreachable), Ok(lab.ifindex("a1")));
    let other = lab.ends("a1", "b1").udp(4001, 53);
    let stray = lab.ends("b1", "a1").icmp_quoting(3, 3, &other);
    assert_eq!(lab.deliver("b1", stray.clone()), REFUSED);
    // A rule for UDP is none for a message about UDP.
    lab.run("acl-rule guard in allow udp any any");
    assert_eq!(lab.deliver("b1", stray.clone()), REFUSED);
    lab.run("acl-rule guard in allow icmp any any");
    assert_eq!(lab.deliver("b1", stray), Ok(lab.ifindex("a1")));
}

/// PEER-17, ACL-3: later fragments are judged by the ports of the first.
#[test]
fn fragments_are_judged_by_the_ports_of_the_first() {
    let mut lab = lab("acl guard S1\nacl-rule guard out allow udp any any sport=4000 dport=53");
    for (port, expected) in [(4000, Ok(lab.ifindex("b1"))), (4001, REFUSED)] {
        let mut first = lab.ends("a1", "b1").udp(port, 53);
        first[18..20].copy_from_slice(&port.to_be_bytes());
        let mut later = first.clone();
        first[20..22].copy_from_slice(&[0x20, 0]);
        later[20..22].copy_from_slice(&[0, 1]);
        assert_eq!(lab.deliver("a1", first), expected);
        assert_eq!(lab.deliver("a1", later), expected);
    }
}

/// V6-6: rules of one family say nothing about the other.
#[test]
fn families_have_rules_of_their_own() {
    let mut lab = lab("acl guard S1\nacl-rule guard out allow all any any");
    assert_eq!(lab.udp("a1", "b1"), Ok(lab.ifindex("b1")));
    assert_eq!(lab.udp("a1", "2001:db8:b:1::40"), REFUSED);
    lab.run("acl-rule guard out allow udp 2001:db8:a:1::/64 2001:db8:b:1::40 dport=53");
    assert_eq!(lab.udp("a1", "2001:db8:b:1::40"), Ok(lab.ifindex("b1")));
    let echo = lab.ends("a1", "2001:db8:b:1::40").echo_request(1, 1);
    assert_eq!(lab.deliver("a1", echo.clone()), REFUSED);
    lab.run("acl-rule guard out allow icmpv6 any any family=6");
    assert_eq!(lab.deliver("a1", echo), Ok(lab.ifindex("b1")));
}

/// ACL-3, api-vpc section 10: an address group stands for its addresses as they are now.
#[test]
fn address_groups_stand_for_their_addresses() {
    let mut lab = lab("
        addresses office 10.1.0.0-10.1.0.39,10.1.0.41
        acl guard S1
        acl-rule guard out allow all any ag:office
        group g
        rule g in allow 1 udp ag:office
        server picky S2 10.0.1.60 groups=g
    ");
    assert_eq!(lab.udp("a1", "b1"), REFUSED);
    assert_eq!(lab.udp("b1", "picky"), Err(DropReason::SecurityGroup));
    lab.run("set-addresses office 10.1.0.40-10.1.0.41");
    assert_eq!(lab.udp("a1", "b1"), Ok(lab.ifindex("b1")));
    assert_eq!(lab.udp("b1", "picky"), Ok(lab.ifindex("picky")), "SG-1");
}
