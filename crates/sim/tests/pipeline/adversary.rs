//! What a workload must not achieve, whatever was there before it.

use abi::{DropReason, PORT_CHECKED, PORT_RUNNING};
use sim::World;
use sim::frame::{TcpFlags, arp_request};

use crate::net::{A, B, C, Host, Net, TwoVpcs, id, table, two_vpcs};

fn reason(world: &mut World, from: &Host, mut frame: Vec<u8>) -> Option<DropReason> {
    world.send(from.ifindex, &mut frame).reason()
}

fn delivered(world: &mut World, from: &Host, mut frame: Vec<u8>) -> Option<u32> {
    world.send(from.ifindex, &mut frame).delivered_to()
}

/// A stopped workload neither sends nor receives, also in flows under way.
#[test]
fn a_stopped_workload_is_cut_off() {
    let TwoVpcs { mut net, a1, a2, b1, .. } = two_vpcs();
    let mut world = net.world();
    for _ in 0..3 {
        assert_eq!(delivered(&mut world, &a1, a1.to(&b1).udp(1, 2)), Some(b1.ifindex));
        assert_eq!(delivered(&mut world, &b1, b1.to(&a1).udp(2, 1)), Some(a1.ifindex));
    }
    let before = net.clone();
    net.port(&a1, |port| port.flags = PORT_CHECKED);
    net.update(&mut world, &before, &[A, B]);
    let stopped = Some(DropReason::WorkloadStopped);
    assert_eq!(reason(&mut world, &a1, a1.to(&b1).udp(1, 2)), stopped);
    assert_eq!(reason(&mut world, &a1, a1.towards([172, 16, 0, 1].into()).echo_request(1, 1)), stopped);
    assert_eq!(reason(&mut world, &a1, arp_request(a1.mac, a1.ip, a2.ip)), stopped);
    assert_eq!(reason(&mut world, &b1, b1.to(&a1).udp(2, 1)), Some(DropReason::NoSuchHost));
    assert_eq!(reason(&mut world, &a2, arp_request(a2.mac, a2.ip, a1.ip)), Some(DropReason::ArpIgnored));
    before.update(&mut world, &net, &[A, B]);
    assert_eq!(delivered(&mut world, &a1, a1.to(&b1).udp(1, 2)), Some(b1.ifindex));
}

/// The port behind `host`'s interface becomes another one; so do its endpoints.
fn replace_port(net: &mut Net, host: &Host) {
    let old = net.tables.ports[&host.ifindex].port;
    net.tables.ports.get_mut(&host.ifindex).unwrap().port = id(b'n', host.ifindex);
    for endpoint in net.tables.endpoints.values_mut().filter(|endpoint| endpoint.port == old) {
        endpoint.port = id(b'n', host.ifindex);
    }
}

/// NET-5: the kernel may give an interface index again; what was decided for the port that had it before is not the new
/// port's, even with equal addresses in another VPC and equal generations.
#[test]
fn a_reused_interface_index_inherits_no_path() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    net.vpc(C, "172.16.0.0/16");
    net.subnet(C, 9, "172.16.0.0/24");
    let c2 = net.host(32, C, 9, "172.16.0.20");
    let mut world = net.world();
    for _ in 0..3 {
        assert_eq!(delivered(&mut world, &a1, a1.to(&a2).udp(1, 2)), Some(a2.ifindex));
        assert_eq!(delivered(&mut world, &a2, a2.to(&a1).udp(2, 1)), Some(a1.ifindex));
    }
    let before = net.clone();
    net.tables.endpoints.retain(|_, endpoint| endpoint.ifindex != a1.ifindex);
    let c1 = net.host(a1.ifindex, C, 9, "172.16.0.10");
    replace_port(&mut net, &c1);
    assert_eq!(net.tables.ports[&c1.ifindex].table, table(C));
    // Both VPCs have the generation that the old entries were made under.
    net.update(&mut world, &before, &[]);
    assert_eq!(delivered(&mut world, &c1, c1.to(&c2).udp(1, 2)), Some(c2.ifindex));
}

/// SG-4: nor is what the rules of the port before allowed.
#[test]
fn a_reused_interface_index_inherits_no_permission() {
    let TwoVpcs { mut net, a1, b1, .. } = two_vpcs();
    let mut world = net.world();
    for (from, frame) in [
        (a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Syn)),
        (b1, b1.to(&a1).tcp(80, 4000, TcpFlags::SynAck)),
        (a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)),
    ] {
        assert!(delivered(&mut world, &from, frame).is_some());
    }
    let before = net.clone();
    replace_port(&mut net, &a1);
    net.port(&a1, |port| port.policy = abi::NO_ID);
    net.update(&mut world, &before, &[A, B]);
    let refused = Some(DropReason::SecurityGroup);
    assert_eq!(reason(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)), refused);
    assert_eq!(reason(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)), refused);
}

/// L2-7, RFC 3128 and the rest of what could pass the ports of a packet by.
#[test]
fn fragments_do_not_carry_other_ports_in() {
    let TwoVpcs { mut net, a1, b1, .. } = two_vpcs();
    let policy = net.policy_in(3, pipeline::PROTOCOL_UDP, [0, 53]);
    net.port(&b1, |port| port.policy = policy);
    net.port(&a1, |port| port.flags = PORT_CHECKED | PORT_RUNNING);
    let mut world = net.world();
    let fragment = |port: u16, offset: u16| {
        let mut frame = a1.to(&b1).udp(4000, port);
        frame[18..22].copy_from_slice(&[7, 7, (offset >> 8) as u8, offset as u8]);
        frame
    };
    // An allowed first fragment, then one for a refused port under the same identification.
    assert_eq!(delivered(&mut world, &a1, fragment(53, 0x2000)), Some(b1.ifindex));
    assert_eq!(delivered(&mut world, &a1, fragment(53, 2)), Some(b1.ifindex));
    assert_eq!(reason(&mut world, &a1, fragment(22, 0x2000)), Some(DropReason::SecurityGroup));
    assert_eq!(reason(&mut world, &a1, fragment(22, 2)), Some(DropReason::SecurityGroup));
}
