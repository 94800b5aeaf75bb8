//! Ports with port security off, with a profile, with a lease of their own.

use abi::DropReason;
use sim::Outcome;
use sim::frame::TcpFlags;

use crate::lab::Lab;

const SHUT: Result<u32, DropReason> = Err(DropReason::SecurityGroup);

/// Two subnets; nobody is let in anywhere, everybody may send; the far subnet is guarded by an ACL that lets nothing in.
const NET: &str = "
    group shut
    rule shut out allow 1 all 0.0.0.0/0
    rule shut out allow 1 all ::/0
    vpc A 10.0.0.0/16
    subnet S1 A 10.0.0.0/24
    subnet S2 A 10.0.1.0/24
    server near S1 10.0.0.10 groups=shut
    server mate S1 10.0.0.11 groups=shut
    server far S2 10.0.1.20 groups=shut
    acl acl-1 S2
    acl-rule acl-1 out allow all any any
    acl-rule acl-1 in deny tcp any any dport=443
";

fn syn(lab: &mut Lab, from: &str, to: &str, port: u16) -> Result<u32, DropReason> {
    let frame = lab.ends(from, to).tcp(4000, port, TcpFlags::Syn);
    lab.deliver(from, frame)
}

/// CHK-8, SG-13: neither groups nor the check apply, the network ACL does; in force at once, both ways.
#[test]
fn port_security_off_leaves_the_network_acl() {
    let mut lab = Lab::new(NET);
    let mate = lab.ifindex("mate");
    assert_eq!(lab.udp("near", "mate"), SHUT);
    let forged = |lab: &mut Lab| {
        let frame = lab.ends_from("mate", "10.9.9.9", "near").udp(4000, 53);
        lab.deliver("mate", frame)
    };
    assert_eq!(forged(&mut lab), Err(DropReason::SourceCheck));
    lab.run("security mate off");
    assert_eq!(lab.udp("near", "mate"), Ok(mate));
    assert_eq!(forged(&mut lab), SHUT, "the receiver's groups still say no");
    lab.run("security near off");
    let near = lab.ifindex("near");
    assert_eq!(forged(&mut lab), Ok(near));
    // The flow that was let in while it was off goes with it.
    lab.run("security near on\nsecurity mate on");
    assert_eq!(lab.udp("near", "mate"), SHUT);
    assert_eq!(forged(&mut lab), Err(DropReason::SourceCheck));

    lab.run("security far off");
    assert_eq!(lab.udp("near", "far"), Err(DropReason::NetworkAcl));
    lab.run("enable acl-1 off");
    let far = lab.ifindex("far");
    assert_eq!(lab.udp("near", "far"), Ok(far));
}

/// CHK-8, L2-6: what DHCP servers send is sent, to one receiver; L2-4 holds as ever.
#[test]
fn port_security_off_lets_dhcp_servers_speak() {
    let mut lab = Lab::new(NET);
    lab.run("security near off");
    let answer = |lab: &Lab| lab.ends("mate", "near").udp(67, 68);
    let frame = answer(&lab);
    assert_eq!(lab.deliver("mate", frame), Err(DropReason::DhcpServer));
    lab.run("security mate off");
    let near = lab.ifindex("near");
    let frame = answer(&lab);
    assert_eq!(lab.deliver("mate", frame), Ok(near));
    let mut frame = answer(&lab);
    frame[6..12].copy_from_slice(&[2, 9, 9, 9, 9, 9]);
    assert_eq!(lab.deliver("mate", frame), Err(DropReason::SpoofedMac));
}

/// SG-13: with a profile that disables them, neither groups nor the subnet's ACL apply; the check does.
#[test]
fn a_port_without_groups_has_no_network_acl_either() {
    let mut lab = Lab::new(NET);
    lab.run("profile far disabled");
    let far = lab.ifindex("far");
    assert_eq!(syn(&mut lab, "near", "far", 443), Ok(far));
    assert_eq!(lab.udp("near", "far"), Ok(far));
    let frame = lab.ends_from("far", "10.9.9.9", "near").udp(4000, 53);
    assert_eq!(lab.deliver("far", frame), Err(DropReason::SourceCheck));
    // Others in the subnet are guarded as before.
    lab.run("server other S2 10.0.1.21 groups=shut");
    assert_eq!(syn(&mut lab, "near", "other", 443), Err(DropReason::NetworkAcl));
}

/// SG-14: packets to a service port, and what answers them, go past groups and ACL. Nothing else does.
#[test]
fn service_ports_go_past_groups_and_network_acl() {
    let mut lab = Lab::new(NET);
    let (far, near) = (lab.ifindex("far"), lab.ifindex("near"));
    lab.run("profile far tcp=443,8443 udp=53");
    for port in [443, 8443] {
        assert_eq!(syn(&mut lab, "near", "far", port), Ok(far), "{port}");
    }
    assert_eq!(lab.udp("near", "far"), Ok(far));
    // The answer goes out and comes in by the flow.
    let answer = lab.ends("far", "near").tcp(443, 4000, TcpFlags::SynAck);
    assert_eq!(lab.deliver("far", answer), Ok(near));
    assert_eq!(syn(&mut lab, "near", "far", 444), Err(DropReason::NetworkAcl));
    let other = lab.ends("near", "far").udp(4000, 443);
    assert_eq!(lab.deliver("near", other), Err(DropReason::NetworkAcl));
    // In its own subnet no ACL has a say, the groups do.
    lab.run("server other S2 10.0.1.21 groups=shut");
    assert_eq!(syn(&mut lab, "other", "far", 443), Ok(far));
    assert_eq!(syn(&mut lab, "other", "far", 22), SHUT);
    // Taken away, flows that were let in end (SG-6).
    lab.run("profile far");
    let again = lab.ends("near", "far").tcp(4000, 443, TcpFlags::Ack);
    assert_eq!(lab.deliver("near", again), Err(DropReason::NetworkAcl));
    assert_eq!(syn(&mut lab, "near", "far", 443), Err(DropReason::NetworkAcl));
}

/// A port with no group at all still has its service ports.
#[test]
fn service_ports_need_no_group() {
    let mut lab = Lab::new(NET);
    lab.run("groups mate ,\nprofile mate tcp=22");
    let mate = lab.ifindex("mate");
    assert_eq!(syn(&mut lab, "near", "mate", 22), Ok(mate));
    assert_eq!(syn(&mut lab, "near", "mate", 23), SHUT);
    assert_eq!(lab.udp("mate", "near"), SHUT, "SG-3: without a group nothing goes out");
}

/// L2-5: the answer has the port's lease, its renewal and rebinding; others have the subnet's.
#[test]
fn a_port_has_a_lease_of_its_own() {
    let mut lab = Lab::new(NET);
    let lease = |lab: &mut Lab, name: &str| -> u32 {
        let mut frame = crate::dhcp::request(lab.mac(name), [0; 4], false, &[53, 1, 1]);
        assert_eq!(lab.world.send(lab.ifindex(name), &mut frame), Outcome::Replied);
        let at = frame.windows(2).position(|option| option == [51, 4]).unwrap() + 2;
        u32::from_be_bytes(frame[at..at + 4].try_into().unwrap())
    };
    let of_subnet = lease(&mut lab, "mate");
    lab.run("lease near 5h");
    assert_eq!(lease(&mut lab, "near"), 5 * 3600);
    lab.run("lease near -1h");
    assert_eq!(lease(&mut lab, "near"), u32::MAX);
    lab.run("lease near 30000h");
    assert_eq!(lease(&mut lab, "near"), 108_000_000);
    assert_eq!(lease(&mut lab, "mate"), of_subnet);
}
