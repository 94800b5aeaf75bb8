//! Random frames: most could come from an honest workload, the rest are cut, wrong or forged.

use abi::{GATEWAY_MAC, Mac};

use super::{random::Random, topology::Place};

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;

/// A frame with the interface that it comes in by.
#[derive(Clone, Debug)]
pub struct Sent {
    pub ifindex: u32,
    pub frame: Vec<u8>,
}

/// A frame from one of the ports; `earlier` are frames as they were delivered, with who got them.
pub fn random(random: &mut Random, places: &[Place], others: &[u32], earlier: &[Sent]) -> Sent {
    if !earlier.is_empty() && random.percent(45) {
        let delivered = &earlier[random.below(earlier.len())];
        if let Some(sent) = answer(random, places, delivered) {
            return sent;
        }
    }
    let from = places[random.below(places.len())];
    let ifindex = if random.percent(2) { others[random.below(others.len())] } else { from.ifindex };
    let mac = if random.percent(2) { [2, 9, 9, 9, 9, 9] } else { from.mac };
    if random.percent(10) {
        return Sent { ifindex, frame: arp(random, places, from, mac) };
    }
    let source = if random.percent(7) { address(random, places) } else { from.address };
    let destination = address(random, places);
    let dmac = if random.percent(3) { [0x33, 0x33, 0, 0, 0, 1] } else { GATEWAY_MAC };
    let protocol = random.of(&[TCP, TCP, TCP, UDP, UDP, ICMP, ICMP, 47]);
    let l4 = l4(random, protocol, source, destination);
    let mut frame = ipv4(random, dmac, mac, source, destination, protocol, &l4);
    damage(random, &mut frame);
    Sent { ifindex, frame }
}

fn address(random: &mut Random, places: &[Place]) -> [u8; 4] {
    if random.percent(75) {
        return places[random.below(places.len())].address;
    }
    let special = [
        [255, 255, 255, 255],
        [224, 0, 0, 251],
        [169, 254, 169, 254],
        [127, 0, 0, 1],
        [0, 0, 0, 0],
        [8, 8, 8, 8],
        [198, 19, 130, 1],
        [100, 64, 0, 1],
        [10, 1, 0, 1],
        [10, 2, 1, 1],
        [10, 1 + random.byte(4), random.byte(3), random.byte(255)],
        [10, 1 + random.byte(3), random.byte(2), 200 + random.byte(8)],
    ];
    random.of(&special)
}

fn arp(random: &mut Random, places: &[Place], from: Place, mac: Mac) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend([0xff; 6]);
    frame.extend(mac);
    frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, random.of(&[1, 1, 1, 1, 2])]);
    frame.extend(if random.percent(5) { [2; 6] } else { mac });
    frame.extend(if random.percent(10) { address(random, places) } else { from.address });
    frame.extend([0; 6]);
    let [a, b, c, _] = from.address;
    frame.extend(if random.percent(30) { [a, b, c, 1] } else { address(random, places) });
    if random.percent(5) {
        let at = 14 + random.below(8);
        frame[at] ^= 1;
    }
    frame
}

fn l4(random: &mut Random, protocol: u8, source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
    let ports: [u16; 2] = [random.of(&[1000, 1001, 67, 68]), random.of(&[80, 443, 800, 68, 1000])];
    let mut l4 = Vec::new();
    match protocol {
        TCP => {
            l4.extend(ports.map(u16::to_be_bytes).concat());
            l4.extend([0; 8]);
            let any = random.byte(64);
            let flags = random.of(&[2, 2, 2, 16, 16, 18, 17, 4, 20, any]);
            l4.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            l4.extend([0x55; 10]);
        }
        UDP => {
            l4.extend(ports.map(u16::to_be_bytes).concat());
            l4.extend([0, 18, 0, 0]);
            l4.extend([0x55; 10]);
        }
        ICMP => {
            let kind = random.of(&[8, 8, 8, 0, 3, 11, 12, 5, 13, 17]);
            l4.extend([kind, 0, 0x12, 0x34, 0, random.of(&[1, 2]), 0, 1]);
            // What an error quotes: some packet the other way.
            let quoted = random.of(&[TCP, UDP, ICMP, 47]);
            l4.extend([0x45, 0, 0, 40, 0, 1, 0, 0, 64, quoted, 0, 0]);
            l4.extend(destination);
            l4.extend(source);
            l4.extend([ports[1].to_be_bytes(), ports[0].to_be_bytes()].concat());
            l4.extend([0, 1, 0, 0]);
        }
        _ => l4.extend([0x55; 12]),
    }
    l4
}

fn ipv4(
    random: &mut Random,
    dmac: Mac,
    smac: Mac,
    source: [u8; 4],
    destination: [u8; 4],
    protocol: u8,
    l4: &[u8],
) -> Vec<u8> {
    let words: u8 = if random.percent(6) { 5 + random.byte(11) } else { 5 };
    let options = usize::from(words - 5) * 4;
    let len = u16::try_from(20 + options + l4.len()).unwrap().to_be_bytes();
    // Now and then the first fragment, a later one, or one that overwrites headers.
    let fragment: [u8; 2] =
        if random.percent(8) { random.of(&[[0x20, 0], [0, 2], [0x20, 4], [0, 1]]) } else { [0x40, 0] };
    let mut frame = Vec::new();
    frame.extend(dmac);
    frame.extend(smac);
    frame.extend([0x08, 0x00, 0x40 | words, 0, len[0], len[1], 0, random.byte(3), fragment[0], fragment[1]]);
    frame.extend([64, protocol, 0, 0]);
    frame.extend(source);
    frame.extend(destination);
    frame.extend(vec![1; options]);
    frame.extend(l4);
    frame
}

fn damage(random: &mut Random, frame: &mut Vec<u8>) {
    if random.percent(4) {
        frame.truncate(14 + random.below(frame.len() - 14));
    }
    if random.percent(3) {
        let at = 12 + random.below(12);
        if let Some(byte) = frame.get_mut(at) {
            *byte = random.byte(256);
        }
    }
    if random.percent(2) {
        frame.extend(vec![0; random.below(30)]);
    }
}

/// What the one who got a frame might send back.
fn answer(random: &mut Random, places: &[Place], delivered: &Sent) -> Option<Sent> {
    let place = places.iter().find(|place| place.ifindex == delivered.ifindex)?;
    let mut frame = delivered.frame.clone();
    if frame.get(14) != Some(&0x45) || frame.len() < 42 {
        return None;
    }
    let was = frame.clone();
    frame[0..6].copy_from_slice(&was[6..12]);
    frame[6..12].copy_from_slice(&place.mac);
    frame[26..30].copy_from_slice(&was[30..34]);
    frame[30..34].copy_from_slice(&was[26..30]);
    match frame[23] {
        TCP | UDP => {
            frame[34..36].copy_from_slice(&was[36..38]);
            frame[36..38].copy_from_slice(&was[34..36]);
            if frame[23] == TCP {
                let flags = frame.get_mut(47)?;
                *flags = if *flags == 2 { random.of(&[18, 18, 18, 20, 2]) } else { random.of(&[16, 16, 24, 17, 4]) };
            }
        }
        ICMP if frame[34] == 8 => frame[34] = 0,
        _ => {}
    }
    if random.percent(8) {
        // An error about it instead.
        frame.truncate(34);
        frame[23] = ICMP;
        frame.extend([random.of(&[3, 11]), 0, 0, 0, 0, 0, 0, 0]);
        frame.extend(was.iter().skip(14).take(28));
        let len = u16::try_from(frame.len() - 14).unwrap();
        frame[16..18].copy_from_slice(&len.to_be_bytes());
    }
    Some(Sent { ifindex: delivered.ifindex, frame })
}
