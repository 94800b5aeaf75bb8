//! Supplementary network interfaces: frames with a VLAN tag, with everything that a port has (api-vpc section 11).

use abi::{DropReason, OTHER_TAG, attachment, attachment_ifindex, attachment_vlan};
use sim::Outcome;
use sim::frame::TcpFlags;

use crate::lab::Lab;

/// A server with two VLANs in another subnet and one in its own, a server there, and one across a peering.
const NET: &str = "
    group web
    rule web in allow 1 tcp/80 0.0.0.0/0
    rule web out allow 1 all 0.0.0.0/0
    vpc A 10.0.0.0/16
    vpc B 10.1.0.0/16
    subnet S1 A 10.0.0.0/24
    subnet S2 A 10.0.1.0/24
    subnet S3 A 10.0.2.0/24
    subnet SB B 10.1.0.0/24
    server host S1 10.0.0.10
    server plain S2 10.0.1.20
    server remote SB 10.1.0.30
    peering AB A B
    route rtb-A 10.1.0.0/16 AB
    route rtb-B 10.0.0.0/16 AB
    sub sub-1 host S3 10.0.2.11 vlan=100
    sub sub-2 host S3 10.0.2.12 vlan=4094 groups=web
";

/// NH-1, SUB-1: from and to other subnets and VPCs, tagged on the interface that carries it.
#[test]
fn a_supplementary_interface_is_a_port_of_its_own() {
    let mut lab = Lab::new(NET);
    let (host, sub) = (lab.ifindex("host"), lab.ifindex("sub-1"));
    assert_eq!((attachment_ifindex(sub), attachment_vlan(sub)), (host, 100));
    for peer in ["plain", "remote"] {
        let other = lab.ifindex(peer);
        assert_eq!(lab.udp("sub-1", peer), Ok(other), "{peer}");
        assert_eq!(lab.udp(peer, "sub-1"), Ok(sub), "{peer}");
    }
    // Between two of one parent, and the parent itself: by the platform, as between any two ports.
    let second = lab.ifindex("sub-2");
    let frame = lab.ends("sub-1", "sub-2").tcp(4000, 80, TcpFlags::Syn);
    assert_eq!(lab.deliver("sub-1", frame), Ok(second));
    assert_eq!(lab.udp("sub-1", "host"), Ok(host));
    assert_eq!(lab.udp("host", "sub-1"), Ok(sub));
}

/// SG-1: its own groups decide, not those of its parent.
#[test]
fn its_own_groups_guard_it() {
    let mut lab = Lab::new(NET);
    let sub = lab.ifindex("sub-2");
    assert_eq!(lab.udp("plain", "sub-2"), Err(DropReason::SecurityGroup));
    let frame = lab.ends("plain", "sub-2").tcp(4000, 80, TcpFlags::Syn);
    assert_eq!(lab.deliver("plain", frame), Ok(sub));
    // The answer comes by the flow.
    let answer = lab.ends("sub-2", "plain").tcp(80, 4000, TcpFlags::SynAck);
    let plain = lab.ifindex("plain");
    assert_eq!(lab.deliver("sub-2", answer), Ok(plain));
    lab.run("security sub-2 off");
    assert_eq!(lab.udp("plain", "sub-2"), Ok(sub));
}

/// L2-4, CHK-2: neither its parent nor its neighbour may speak for it, nor it for them.
#[test]
fn addresses_belong_to_their_vlan() {
    let mut lab = Lab::new(NET);
    let (host, sub) = (lab.ifindex("host"), lab.ifindex("sub-1"));
    let own = lab.ends("sub-1", "plain").udp(4000, 53);
    for other in [host, lab.ifindex("sub-2")] {
        let outcome = lab.world.send(other, &mut own.clone());
        assert_eq!(outcome.reason(), Some(DropReason::SpoofedMac));
    }
    let forged = lab.ends_from("sub-1", "10.0.0.10", "plain").udp(4000, 53);
    assert_eq!(lab.world.send(sub, &mut forged.clone()).reason(), Some(DropReason::SourceCheck));
}

/// SUB-2: a tag that no supplementary interface of the port has is dropped, in the parent's VPC.
#[test]
fn other_tags_are_dropped() {
    let mut lab = Lab::new(NET);
    let host = lab.ifindex("host");
    let vni = lab.fixture.catalog.vpc(lab.fixture.vpc("A")).unwrap().vni.number();
    let frames = [lab.ends("host", "plain").udp(4000, 53), lab.ends("sub-1", "plain").udp(4000, 53)];
    for vlan in [1, 99, 101, OTHER_TAG] {
        for frame in &frames {
            let outcome = lab.world.send(attachment(host, vlan), &mut frame.clone());
            assert_eq!(outcome, Outcome::Dropped { vni, reason: DropReason::UnsupportedProtocol }, "{vlan}");
        }
    }
    // The VLANs of one interface are nothing to another.
    let plain = lab.ifindex("plain");
    let outcome = lab.world.send(attachment(plain, 100), &mut frames[1].clone());
    assert_eq!(outcome.reason(), Some(DropReason::UnsupportedProtocol));
}

/// SUB-4, NH-7: detached, it is nobody's; a stopped parent stops it.
#[test]
fn it_comes_and_goes_with_its_parent() {
    let mut lab = Lab::new(NET);
    let sub = lab.ifindex("sub-1");
    let frame = lab.ends("sub-1", "plain").udp(4000, 53);
    assert_eq!(lab.udp("plain", "sub-1"), Ok(sub));
    lab.run("stop host");
    assert_eq!(lab.udp("plain", "sub-1"), Err(DropReason::NoSuchHost));
    lab.run("start host");
    assert_eq!(lab.udp("plain", "sub-1"), Ok(sub));
    lab.run("unsub sub-1");
    assert_eq!(lab.udp("plain", "sub-1"), Err(DropReason::NoSuchHost));
    assert_eq!(lab.world.send(sub, &mut frame.clone()).reason(), Some(DropReason::UnsupportedProtocol));
}

/// SUB-3, L2-2: its questions are answered on its VLAN, about its own subnet.
#[test]
fn the_platform_answers_on_the_vlan() {
    let mut lab = Lab::new(NET);
    let sub = lab.ifindex("sub-1");
    let mac = lab.mac("sub-1");
    let ask = |target: [u8; 4]| {
        let mut frame = [[0xff; 6], mac].concat();
        frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        frame.extend(mac);
        frame.extend([10, 0, 2, 11]);
        frame.extend([0; 6]);
        frame.extend(target);
        frame
    };
    assert_eq!(lab.world.send(sub, &mut ask([10, 0, 2, 1])), Outcome::Replied);
    assert_eq!(lab.world.send(sub, &mut ask([10, 0, 0, 1])).reason(), Some(DropReason::ArpIgnored));
    let mut discovery = crate::dhcp::request(mac, [0; 4], false, &[53, 1, 1]);
    assert_eq!(lab.world.send(sub, &mut discovery), Outcome::Replied);
    assert_eq!(discovery[58..62], [10, 0, 2, 11], "the address of the supplementary interface");
}
