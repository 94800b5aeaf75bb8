#![allow(clippy::unwrap_used, reason = "a failed step is the failure of the test")]

use super::*;

const A: Mac = [0xfa, 0x16, 0x3e, 0, 0, 1];
const B: Mac = [0xfa, 0x16, 0x3e, 0, 0, 2];

fn families() -> [(IpAddr, IpAddr); 2] {
    [("10.0.0.1", "10.0.1.2"), ("2001:db8::1", "2001:db8:1::2")].map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap()))
}

/// A guest answers both families alike: to the sender, with what belongs to the question.
#[test]
fn answers_come_from_the_receiver_in_the_question_s_family() {
    for (a, b) in families() {
        let there = Ends { source_mac: A, destination_mac: B, source: a, destination: b };
        let back = Ends { source_mac: B, destination_mac: A, source: b, destination: a };
        assert_eq!(answer(&there.echo_request(7, 3)), Some(back.echo_reply(7, 3)));
        assert_eq!(answer(&there.udp(1000, 53)), Some(back.udp(53, 1000)));
        assert_eq!(answer(&there.tcp(1000, 80, TcpFlags::Syn)), Some(back.tcp(80, 1000, TcpFlags::SynAck)));
        assert_eq!(answer(&there.tcp(1000, 80, TcpFlags::Fin)), Some(back.tcp(80, 1000, TcpFlags::Ack)));
        assert_eq!(answer(&there.ip(47)), Some(back.ip(47)));
        for silent in [there.echo_reply(7, 3), there.tcp(1, 2, TcpFlags::Rst), there.icmp_quoting(1, 0, &[0; 60])] {
            assert_eq!(answer(&silent), None);
        }
    }
}

/// Every checksum is right, so that a kernel takes the frames (RFC 1071: over all that it covers the sum is all ones).
#[test]
fn checksums_are_right() {
    for (a, b) in families() {
        let ends = Ends { source_mac: A, destination_mac: B, source: a, destination: b };
        let quoting = ends.icmp_quoting_with(if a.is_ipv6() { 2 } else { 3 }, 4, [0, 0, 5, 0x14], &ends.udp(1, 2));
        for frame in [ends.echo_request(1, 1), ends.udp(1, 2), ends.tcp(1, 2, TcpFlags::Syn), quoting] {
            let packet = &frame[14..];
            let (header, protocol) = if a.is_ipv6() { (40, packet[6]) } else { (20, packet[9]) };
            if a.is_ipv4() {
                assert_eq!(sum(&packet[..header]), 0xffff, "header of {frame:02x?}");
            }
            let payload = &packet[header..];
            // ICMP alone has no pseudo header.
            let mut covered = Vec::new();
            if protocol != 1 {
                covered.extend(if a.is_ipv6() { &packet[8..40] } else { &packet[12..20] });
                covered.extend([0, protocol]);
                covered.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            }
            covered.extend(payload);
            assert_eq!(sum(&covered), 0xffff, "{frame:02x?}");
        }
    }
}

/// The ones' complement sum.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    (folded & 0xffff) + (folded >> 16)
}

#[test]
fn ends_of_two_families_make_no_frame() {
    let [(four, _), (six, _)] = families();
    assert!(Ends::by_gateway(A, four, six).udp(1, 2).is_empty());
}
