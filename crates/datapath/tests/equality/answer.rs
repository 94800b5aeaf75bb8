//! What the one who got a frame might send back.

use super::{
    address::Address,
    ipv6,
    packet::Sent,
    random::Random,
    seen::is_v6,
    topology::Place,
    transport::{ICMP, ICMPV6, TCP, UDP, seal_icmpv6},
};

/// An answer to a frame as it was delivered, or an error about it.
pub fn answer(random: &mut Random, places: &[Place], delivered: &Sent) -> Option<Sent> {
    let place = places.iter().find(|place| place.ifindex == delivered.ifindex)?;
    let was = &delivered.frame;
    let mut frame = was.clone();
    frame[0..6].copy_from_slice(&was[6..12]);
    frame[6..12].copy_from_slice(&place.mac);
    if is_v6(was) {
        version_6(random, was, &mut frame)?
    } else {
        version_4(random, was, &mut frame)?
    }
    Some(Sent { ifindex: delivered.ifindex, frame })
}

fn version_4(random: &mut Random, was: &[u8], frame: &mut Vec<u8>) -> Option<()> {
    if was.get(14) != Some(&0x45) || was.len() < 42 {
        return None;
    }
    frame[26..30].copy_from_slice(&was[30..34]);
    frame[30..34].copy_from_slice(&was[26..30]);
    transport(random, frame, 34, was[23], ICMP, [8, 0]);
    if random.percent(8) {
        // An error about it instead.
        frame.truncate(34);
        frame[23] = ICMP;
        frame.extend([random.of(&[3, 11]), random.of(&[0, 1, 4]), 0, 0, 0, 0, 0, 0]);
        frame.extend(was.iter().skip(14).take(28));
        let len = u16::try_from(frame.len() - 14).unwrap();
        frame[16..18].copy_from_slice(&len.to_be_bytes());
    }
    Some(())
}

fn version_6(random: &mut Random, was: &[u8], frame: &mut Vec<u8>) -> Option<()> {
    if was.len() < 62 {
        return None;
    }
    frame[22..38].copy_from_slice(&was[38..54]);
    frame[38..54].copy_from_slice(&was[22..38]);
    transport(random, frame, 54, was[20], ICMPV6, [128, 129]);
    if random.percent(12) {
        let address = |bytes: &[u8]| Address::try_from(bytes).ok();
        let (source, destination) = (address(&was[38..54])?, address(&was[22..38])?);
        let kind = random.of(&[1, 2, 2, 3, 4]);
        let mut message = vec![kind, 0, 0, 0, 0, 0, 5, 0];
        message.extend(was.iter().skip(14).take(40 + random.below(60)));
        seal_icmpv6(&mut message, source, destination);
        frame.truncate(14);
        frame.extend(ipv6::plain(source, destination, ICMPV6, 64, &message));
    }
    Some(())
}

/// Turns the ports of a segment or datagram round, or makes an echo request a reply.
fn transport(random: &mut Random, frame: &mut [u8], at: usize, protocol: u8, icmp: u8, [request, reply]: [u8; 2]) {
    match protocol {
        TCP | UDP => {
            let ports = [frame[at + 2], frame[at + 3], frame[at], frame[at + 1]];
            frame[at..at + 4].copy_from_slice(&ports);
            if let (TCP, Some(flags)) = (protocol, frame.get_mut(at + 13)) {
                *flags = if *flags == 2 { random.of(&[18, 18, 18, 20, 2]) } else { random.of(&[16, 16, 24, 17, 4]) };
            }
        }
        _ if protocol == icmp && frame[at] == request => frame[at] = reply,
        _ => {}
    }
}
