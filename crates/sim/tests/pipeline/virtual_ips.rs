//! Virtual IPs, address pairs and next hops that are instances.

use std::net::Ipv4Addr;

use abi::{DropReason, FAMILY_V4};
use sim::Outcome;
use sim::frame::{TcpFlags, arp_request, neighbor_advertisement, neighbor_solicitation};

use tables::Delta;

use crate::lab::Lab;

const NET: &str = "
    vpc A 10.0.0.0/16
    vpc B 10.1.0.0/16
    subnet S1 A 10.0.0.0/24
    subnet S2 A 10.0.1.0/24
    subnet SB B 10.1.0.0/24
    server a1 S1 10.0.0.10
    server a2 S1 10.0.0.20
    server a3 S1 10.0.0.30
    server z1 S2 10.0.1.40
    server b1 SB 10.1.0.50
    peering AB A B
    route rtb-A 10.1.0.0/16 AB
    route rtb-B 10.0.0.200/32 AB
    route rtb-B 10.0.1.0/24 AB
    route rtb-B 10.0.0.0/27 AB
    vip vip S1 10.0.0.200
    bind vip a1,a2
";
const VIP: &str = "10.0.0.200";

fn lab(more: &str) -> Lab {
    Lab::new(&format!("{NET}{more}"))
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// A gratuitous ARP for an address: request or reply.
fn gratuitous(lab: &Lab, from: &str, address: &str, reply: bool) -> Vec<u8> {
    let mut frame = arp_request(lab.mac(from), ip(address), ip(address));
    frame[21] = if reply { 2 } else { 1 };
    frame
}

/// Who answers a request of `from`'s own address for another: the hardware address in the reply.
fn asked(lab: &mut Lab, from: &str, sender: &str, target: &str) -> Result<[u8; 6], Outcome> {
    let mut frame = arp_request(lab.mac(from), ip(sender), ip(target));
    match lab.world.send(lab.ifindex(from), &mut frame) {
        Outcome::Replied => Ok(frame[22..28].try_into().unwrap()),
        outcome => Err(outcome),
    }
}

/// VIP-4, L2-2: nobody gets its packets, and nobody answers for it.
#[test]
fn a_virtual_ip_without_a_holder_is_nobody() {
    let mut lab = lab("");
    for from in ["a3", "z1", "b1"] {
        assert_eq!(lab.udp(from, VIP), Err(DropReason::NoSuchHost), "{from}");
    }
    assert!(asked(&mut lab, "a3", "10.0.0.30", VIP).is_err());
}

/// VIP-1, VIP-6, L2-2: it is reached from the subnet, the VPC and through a peering.
#[test]
fn a_virtual_ip_is_reached_at_its_holder() {
    let mut lab = lab("hold vip a1");
    let holder = Ok(lab.ifindex("a1"));
    for from in ["a3", "z1", "b1", "a2"] {
        assert_eq!(lab.udp(from, VIP), holder, "{from}");
    }
    let mac = lab.mac("a1");
    assert_eq!(asked(&mut lab, "a3", "10.0.0.30", VIP), Ok(mac));
    assert!(asked(&mut lab, "z1", "10.0.1.40", VIP).is_err(), "another subnet");
}

/// VIP-3, L2-3: a bound port that does not hold it claims it, by either kind of gratuitous ARP; nobody else can.
#[test]
fn gratuitous_arp_of_a_bound_port_claims_it() {
    let mut lab = lab("server open S1 10.0.0.60 check=off");
    for reply in [false, true] {
        let frame = gratuitous(&lab, "a1", VIP, reply);
        assert_eq!(lab.send("a1", frame), Outcome::Consumed);
        let [claim] = lab.claims().try_into().unwrap();
        let port = lab.port("a1");
        assert_eq!((claim.port, claim.ifindex, claim.family), (port.id.table_id(), lab.ifindex("a1"), FAMILY_V4));
        assert_eq!(claim.vni, lab.fixture.catalog.vpc(port.vpc).unwrap().vni.number());
        assert_eq!(claim.address, crate::net::address(VIP));
    }
    lab.run("hold vip a1");
    let frame = gratuitous(&lab, "a1", VIP, false);
    assert_eq!(lab.send("a1", frame), Outcome::Consumed);
    assert!(lab.claims().is_empty(), "it holds it already");
    let frame = gratuitous(&lab, "a2", VIP, true);
    assert_eq!(lab.send("a2", frame), Outcome::Consumed);
    assert_eq!(lab.claims().len(), 1, "the other one takes it over");

    let frame = gratuitous(&lab, "a3", VIP, false);
    assert_eq!(lab.send("a3", frame).reason(), Some(DropReason::SourceCheck), "not bound");
    let frame = gratuitous(&lab, "open", VIP, false);
    assert_eq!(lab.send("open", frame), Outcome::Consumed, "not bound, check off");
    let frame = gratuitous(&lab, "a1", "10.0.0.10", false);
    assert_eq!(lab.send("a1", frame), Outcome::Consumed, "its own address");
    lab.run("bind vip a1");
    let frame = gratuitous(&lab, "a2", VIP, false);
    assert_eq!(lab.send("a2", frame).reason(), Some(DropReason::SourceCheck), "not bound any more");
    assert!(lab.claims().is_empty());
}

/// L2-3: a probe by who is about to claim it is not answered, or it would think that the address is taken.
#[test]
fn probes_of_a_bound_port_get_no_answer() {
    let mut lab = lab("check a2 off\ncheck a3 off\nhold vip a1");
    assert_eq!(asked(&mut lab, "a2", "0.0.0.0", VIP), Err(Outcome::Consumed));
    assert_eq!(asked(&mut lab, "a1", "10.0.0.10", VIP), Err(Outcome::Consumed), "the holder itself");
    let mac = lab.mac("a1");
    assert_eq!(asked(&mut lab, "a3", "0.0.0.0", VIP), Ok(mac), "somebody else's probe finds the holder");
    assert!(lab.claims().is_empty());
}

/// VIP-3, RT-11: after a move the packets of established flows go to the new holder, also those of a peer.
#[test]
fn a_move_takes_established_flows_along() {
    let mut lab = lab("hold vip a1");
    for from in ["a3", "b1"] {
        let (request, reply) = (lab.ends(from, VIP).udp(4000, 53), lab.ends_from("a1", VIP, from).udp(53, 4000));
        for _ in 0..3 {
            assert_eq!(lab.deliver(from, request.clone()), Ok(lab.ifindex("a1")));
            assert_eq!(lab.deliver("a1", reply.clone()), Ok(lab.ifindex(from)));
        }
    }
    lab.run("hold vip a2");
    for from in ["a3", "b1"] {
        assert_eq!(lab.udp(from, VIP), Ok(lab.ifindex("a2")));
    }
    lab.run("hold vip -");
    assert_eq!(lab.udp("b1", VIP), Err(DropReason::NoSuchHost));
}

/// VIP-5, CHK-2: every port that it is bound to may send from it, whoever holds it.
#[test]
fn bound_ports_send_from_it() {
    let mut lab = lab("hold vip a1");
    let from_vip = |lab: &Lab, name: &str| lab.ends_from(name, VIP, "z1").udp(53, 4000);
    for name in ["a1", "a2"] {
        assert_eq!(lab.deliver(name, from_vip(&lab, name)), Ok(lab.ifindex("z1")), "{name}");
    }
    assert_eq!(lab.deliver("a3", from_vip(&lab, "a3")), Err(DropReason::SourceCheck));
    lab.run("bind vip a1");
    assert_eq!(lab.deliver("a2", from_vip(&lab, "a2")), Err(DropReason::SourceCheck));
    // A virtual IP that lost its binding is not held either (rule VIP-4).
    lab.run("bind vip a2");
    assert_eq!(lab.udp("z1", VIP), Err(DropReason::NoSuchHost));
}

/// VIP-4, NH-7: a holder that is stopped or gone holds nothing up.
#[test]
fn packets_to_a_stopped_holder_are_dropped() {
    let mut lab = lab("hold vip a1\nroute rtb-A 10.77.0.0/16 10.0.0.200");
    lab.run("stop a1");
    assert_eq!(lab.udp("z1", VIP), Err(DropReason::NoSuchHost));
    assert_eq!(lab.udp("z1", "10.77.0.1"), Err(DropReason::NextHopDown));
    assert!(asked(&mut lab, "a3", "10.0.0.30", VIP).is_err());
    lab.run("start a1");
    assert_eq!(lab.udp("z1", VIP), Ok(lab.ifindex("a1")));
    lab.run("delete-server a1");
    assert_eq!(lab.udp("z1", VIP), Err(DropReason::NoSuchHost));
}

/// VIP-8: packets pass the security groups of the holder.
#[test]
fn the_holders_security_groups_decide() {
    let mut lab = lab("
        group web
        rule web in allow 1 tcp/80 any
        rule web out allow 1 all any
        groups a1 web
        hold vip a1
    ");
    let ends = lab.ends("z1", VIP);
    assert_eq!(lab.deliver("z1", ends.tcp(4000, 80, TcpFlags::Syn)), Ok(lab.ifindex("a1")));
    assert_eq!(lab.deliver("z1", ends.tcp(4000, 81, TcpFlags::Syn)), Err(DropReason::SecurityGroup));
    lab.run("hold vip a2");
    assert_eq!(lab.deliver("z1", ends.tcp(4001, 81, TcpFlags::Syn)), Ok(lab.ifindex("a2")));
}

/// SG-7: a held virtual IP stands for the member that holds it, here and across a peering; its port's own group does not.
#[test]
fn a_held_virtual_ip_is_a_member_of_its_holders_groups() {
    let mut lab = lab("
        group web
        rule web out allow 1 all any
        groups a1 web
        group db
        rule db in allow 1 all sg:web
        server db-here S2 10.0.1.70 groups=db
        server db-there SB 10.1.0.70 groups=db
        group of-vips
        rule of-vips in allow 1 all sg:open-acct-a
        server other S2 10.0.1.71 groups=of-vips
    ");
    let refused = Err(DropReason::SecurityGroup);
    let from_vip = |lab: &mut Lab, from: &str, to: &str| lab.deliver(from, lab.ends_from(from, VIP, to).udp(4000, 53));
    for to in ["db-here", "db-there"] {
        assert_eq!(from_vip(&mut lab, "a1", to), refused, "{to}: bound, not held");
    }
    lab.run("hold vip a1");
    for to in ["db-here", "db-there"] {
        assert_eq!(from_vip(&mut lab, "a1", to), Ok(lab.ifindex(to)), "{to}");
    }
    // The port of the virtual IP itself is in the account's open group.
    assert_eq!(from_vip(&mut lab, "a1", "other"), refused);
    lab.run("hold vip a2");
    assert_eq!(from_vip(&mut lab, "a2", "other"), Ok(lab.ifindex("other")));
    assert_eq!(from_vip(&mut lab, "a2", "db-there"), refused);
}

/// NH-4, NH-7, CHK-3: a route to a virtual IP hands packets to its holder, unchanged.
#[test]
fn a_virtual_ip_is_a_next_hop() {
    let mut lab = lab("route rtb-A 10.77.0.0/16 10.0.0.200");
    assert_eq!(lab.udp("z1", "10.77.0.1"), Err(DropReason::NextHopDown), "no holder");
    lab.run("hold vip a1");
    assert_eq!(lab.udp("z1", "10.77.0.1"), Err(DropReason::SourceCheck), "CHK-3");
    lab.run("check a1 off");
    assert_eq!(lab.udp("z1", "10.77.0.1"), Ok(lab.ifindex("a1")));
    assert_eq!(lab.udp("a1", "10.77.0.1"), Err(DropReason::RoutingLoop), "NH-7: the holder itself");
    lab.run("check a2 off\nhold vip a2");
    assert_eq!(lab.udp("z1", "10.77.0.1"), Ok(lab.ifindex("a2")));
    lab.run("delete-vip vip");
    assert_eq!(lab.udp("z1", "10.77.0.1"), Err(DropReason::NextHopDown));
    // An instance that gets the address later is not meant.
    lab.run("server late S1 10.0.0.200 check=off");
    assert_eq!(lab.udp("z1", "10.77.0.1"), Err(DropReason::NextHopDown));
}

/// NH-2, NH-3: routes to a server and to one of its extension NICs, each with its own check.
#[test]
fn servers_and_extension_nics_are_next_hops() {
    let mut lab = lab("
        server fw S1 10.0.0.90 kind=firewall check=off
        eni fw-outer fw S2 10.0.1.90
        route rtb-A 10.77.0.0/16 fw
        route rtb-A 10.78.0.0/16 fw-outer
    ");
    assert_eq!(lab.udp("z1", "10.77.0.1"), Ok(lab.ifindex("fw")));
    assert_eq!(lab.udp("z1", "10.78.0.1"), Ok(lab.ifindex("fw-outer")));
    assert_eq!(lab.udp("z1", "10.0.1.90"), Ok(lab.ifindex("fw-outer")));
    lab.run("stop fw");
    assert_eq!(lab.udp("z1", "10.77.0.1"), Err(DropReason::NextHopDown));
    assert_eq!(lab.udp("z1", "10.78.0.1"), Err(DropReason::NextHopDown), "NH-7");
}

/// CHK-2, CHK-3: address pairs, single or as a range, may be sent and received; they draw no packets to them.
#[test]
fn address_pairs_may_be_used() {
    let mut lab = lab("route rtb-A 10.88.0.0/16 a1");
    let from = |lab: &mut Lab, source: &str| lab.deliver("a1", lab.ends_from("a1", source, "z1").udp(1, 2));
    assert_eq!(from(&mut lab, "10.88.0.7"), Err(DropReason::SourceCheck));
    assert_eq!(lab.udp("z1", "10.88.0.7"), Err(DropReason::SourceCheck));
    lab.run("pairs a1 10.88.0.0/24,10.0.0.30");
    assert_eq!(from(&mut lab, "10.88.0.7"), Ok(lab.ifindex("z1")));
    assert_eq!(from(&mut lab, "10.0.0.30"), Ok(lab.ifindex("z1")));
    assert_eq!(from(&mut lab, "10.88.1.7"), Err(DropReason::SourceCheck));
    assert_eq!(lab.udp("z1", "10.88.0.7"), Ok(lab.ifindex("a1")));
    assert_eq!(lab.udp("z1", "10.88.1.7"), Err(DropReason::SourceCheck));
    assert_eq!(lab.udp("z1", "a3"), Ok(lab.ifindex("a3")), "the address is its owner's");
    // Only a virtual IP can be claimed.
    let frame = gratuitous(&lab, "a1", "10.88.0.7", false);
    assert_eq!(lab.send("a1", frame), Outcome::Consumed);
    assert!(lab.claims().is_empty());
    // This pair is the switch of the check, no address (api-vpc section 6.1).
    lab.run("pairs a1 1.1.1.1/0");
    assert_eq!(from(&mut lab, "10.88.0.7"), Err(DropReason::SourceCheck));
}

const NET_V6: &str = "
    vpc A 10.0.0.0/16
    subnet S A 10.0.0.0/24 v6=2001:db8:a:1::/64
    subnet T A 10.0.1.0/24 v6=2001:db8:a:2::/64
    server a1 S 10.0.0.10 ip6=2001:db8:a:1::10
    server a2 S 10.0.0.20 ip6=2001:db8:a:1::20
    server t1 T 10.0.1.30 ip6=2001:db8:a:2::30
    vip vip S 2001:db8:a:1::200
    bind vip a1
";
const VIP_V6: &str = "2001:db8:a:1::200";

/// VIP-3, VIP-5, VIP-7, NH-4: an IPv6 virtual IP is claimed by an unsolicited neighbour advertisement, from whichever of
/// its addresses the port sends it.
#[test]
fn an_unsolicited_advertisement_claims_an_ipv6_virtual_ip() {
    let mut lab = Lab::new(NET_V6);
    let address: std::net::Ipv6Addr = VIP_V6.parse().unwrap();
    for (from, source, claims) in
        [("a1", VIP_V6, 1), ("a1", "2001:db8:a:1::10", 1), ("a2", "2001:db8:a:1::20", 0), ("a1", "fe80::1", 1)]
    {
        let frame = neighbor_advertisement(lab.mac(from), source.parse().unwrap(), address);
        assert_eq!(lab.send(from, frame), Outcome::Consumed, "{from} {source}");
        let got = lab.claims();
        assert_eq!(got.len(), claims, "{from} {source}");
        assert!(got.iter().all(|claim| claim.address == address.octets() && claim.family == abi::FAMILY_V6));
    }
    assert_eq!(lab.udp("t1", VIP_V6), Err(DropReason::NoSuchHost));
    lab.run("hold vip a1\nroute rtb-A 2001:db8:77::/48 2001:db8:a:1::200\ncheck a1 off");
    assert_eq!(lab.udp("t1", VIP_V6), Ok(lab.ifindex("a1")));
    assert_eq!(lab.udp("t1", "2001:db8:77::1"), Ok(lab.ifindex("a1")));
    let frame = neighbor_advertisement(lab.mac("a1"), address, address);
    assert_eq!(lab.send("a1", frame), Outcome::Consumed);
    assert!(lab.claims().is_empty(), "it holds it already");
    // The next one is bound and looks for duplicates: silence. Anybody else is told.
    lab.run("bind vip a1,a2");
    let solicit =
        |lab: &Lab, from: &str| neighbor_solicitation(lab.mac(from), std::net::Ipv6Addr::UNSPECIFIED, address);
    let frame = solicit(&lab, "a2");
    assert_eq!(lab.send("a2", frame), Outcome::Consumed);
    lab.run("bind vip a1");
    let frame = solicit(&lab, "a2");
    assert_eq!(lab.send("a2", frame), Outcome::Replied);
}

/// CHK-2, CHK-3: while pairs of two ports are changed, no packet has the old ones of the sender and the new ones of the
/// receiver.
#[test]
fn pairs_of_sender_and_receiver_are_never_mixed() {
    let mut lab = lab("route rtb-A 10.99.0.0/16 a2\npairs a1 10.88.0.0/16");
    let frame = lab.ends_from("a1", "10.88.0.7", "10.99.0.1").udp(1, 2);
    let refused = Err(DropReason::SourceCheck);
    assert_eq!(lab.deliver("a1", frame.clone()), refused, "before: at the receiver");
    let delta = lab.delta("pairs a2 10.99.0.0/16\npairs a1 -");
    for change in &delta.changes {
        lab.world.apply(&Delta { changes: vec![*change], ..Delta::default() });
        assert_eq!(lab.deliver("a1", frame.clone()), refused, "{change:?}");
    }
    assert_eq!(lab.udp("z1", "10.99.0.1"), Ok(lab.ifindex("a2")));
}
