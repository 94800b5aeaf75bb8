//! Addresses that a workload takes and announces by itself: virtual IPs (rules VIP-2, VIP-3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd as _, OwnedFd};

use ipnet::IpNet;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrLike as _, sendto, socket,
};

use crate::error::Context;
use crate::session::{AddressUse, session};
use crate::{LinkState, Mac, Namespace, Object, Result, run_in};

const BROADCAST: Mac = [0xff; 6];
/// Of the group of all nodes of a link (RFC 4291 section 2.7.1; RFC 2464 section 7).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: Mac = [0x33, 0x33, 0, 0, 0, 1];

/// The frame by which the owner of `mac` tells its link that it has `address` now: gratuitous ARP, a request for its own
/// address (RFC 5227 section 3), or an unsolicited neighbour advertisement with the override flag (RFC 4861 section 7.2.6).
#[must_use]
pub fn announcement(mac: Mac, address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => gratuitous_arp(mac, address),
        IpAddr::V6(address) => unsolicited_advertisement(mac, address),
    }
}

/// Sends [`announcement`]s by one interface.
#[derive(Debug)]
pub struct Announcer {
    fd: OwnedFd,
    link: LinkState,
    namespace: String,
}

impl Announcer {
    /// Announcements of the interface `link` of `namespace`, whose hardware address is the sender's. Needs CAP_NET_RAW.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when there is no such link; [`crate::Error::Refused`]: EPERM…
    pub fn new(namespace: &Namespace, link: &str) -> Result<Self> {
        let object = || Object::Link { name: link.to_owned(), namespace: namespace.label().to_owned() };
        let state = crate::link(namespace, link)?.ok_or_else(|| crate::Error::NotFound(object()))?;
        let fd = run_in(namespace, || {
            socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None::<SockProtocol>)
        })?;
        let fd = fd.context("announce an address on", object)?;
        Ok(Self { fd, link: state, namespace: namespace.label().to_owned() })
    }

    /// Sends one frame. The namespace need not have the address.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: ENETDOWN when the link is off, ENXIO when it is gone…
    pub fn announce(&self, address: IpAddr) -> Result<()> {
        let frame = announcement(self.link.mac.unwrap_or_default(), address);
        let object = || Object::Link { name: self.link.name.clone(), namespace: self.namespace.clone() };
        send(&self.fd, self.link.index, &frame).context("announce an address on", object)
    }
}

/// Sends one [`announcement`] by the interface `link` of `namespace`.
///
/// # Errors
/// As [`Announcer::new`] and [`Announcer::announce`].
pub fn announce(namespace: &Namespace, link: &str, address: IpAddr) -> Result<()> {
    Announcer::new(namespace, link)?.announce(address)
}

/// Gives the interface `link` of `namespace` one more address, with the prefix length of a single host; whether it was
/// not there yet. The workload answers from it, but opens connections from the address that it had before.
/// [`crate::ensure_veth`] leaves it there.
///
/// # Errors
/// [`crate::Error::NotFound`] when there is no such link; [`crate::Error::Refused`].
pub fn take_address(namespace: &Namespace, link: &str, address: IpAddr) -> Result<bool> {
    session(namespace, async |netlink| {
        let link = netlink.must_have(link).await?;
        netlink.add_address(&link, IpNet::from(address), AddressUse::Destination).await
    })
}

/// Takes an address of a single host off the interface `link` of `namespace`; whether it was there.
///
/// # Errors
/// As [`take_address`].
pub fn give_up_address(namespace: &Namespace, link: &str, address: IpAddr) -> Result<bool> {
    session(namespace, async |netlink| {
        let link = netlink.must_have(link).await?;
        let assigned = netlink.addresses(&link).await?.into_iter().find(|a| a.address == IpNet::from(address));
        let there = assigned.is_some();
        if let Some(assigned) = assigned {
            netlink.delete_address(&link, assigned).await?;
        }
        Ok(there)
    })
}

#[allow(unsafe_code, reason = "no library in use makes the address of an interface from its index")]
fn send(socket: &OwnedFd, index: u32, frame: &[u8]) -> nix::Result<()> {
    let mut raw = nix::libc::sockaddr_ll {
        sll_family: nix::libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: i32::try_from(index).unwrap_or_default(),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0; 8],
    };
    let destination = frame.get(..6).unwrap_or_default();
    raw.sll_addr.iter_mut().zip(destination).for_each(|(to, from)| *to = *from);
    // SAFETY: the address is a whole `sockaddr_ll` and the length is its own; both live until the call returns.
    let to = unsafe {
        LinkAddr::from_raw(std::ptr::from_ref(&raw).cast(), u32::try_from(size_of::<nix::libc::sockaddr_ll>()).ok())
    };
    let to = to.ok_or(nix::errno::Errno::EINVAL)?;
    sendto(socket.as_raw_fd(), frame, &to, MsgFlags::empty()).map(drop)
}

fn gratuitous_arp(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    // Ethernet and IPv4, lengths 6 and 4, request.
    const HEADER: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 1];
    const ANY: Mac = [0; 6];
    let own = address.octets();
    [&BROADCAST[..], &mac, &[0x08, 0x06], &HEADER, &mac, &own, &ANY, &own].concat()
}

fn unsolicited_advertisement(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    const ICMPV6: u8 = 58;
    const ADVERTISEMENT: u8 = 136;
    const OVERRIDE: u8 = 0x20;
    const TARGET_LINK_LAYER_ADDRESS: [u8; 2] = [2, 1];
    const HOP_LIMIT: u8 = 255;
    let own = address.octets();
    let flags = [OVERRIDE, 0, 0, 0];
    let mut message = [&[ADVERTISEMENT, 0, 0, 0][..], &flags, &own, &TARGET_LINK_LAYER_ADDRESS, &mac].concat();
    let length = u8::try_from(message.len()).unwrap_or_default();
    let pseudo = [&own[..], &ALL_NODES.octets(), &[0, 0, 0, length, 0, 0, 0, ICMPV6], &message].concat();
    let sum = checksum(&pseudo).to_be_bytes();
    message.iter_mut().skip(2).zip(sum).for_each(|(to, byte)| *to = byte);
    let header = [0x60, 0, 0, 0, 0, length, ICMPV6, HOP_LIMIT];
    [&ALL_NODES_MAC[..], &mac, &[0x86, 0xdd], &header, &own, &ALL_NODES.octets(), &message].concat()
}

/// RFC 1071, over an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| pair.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // What does not fit was folded above.
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    const MAC: Mac = [0xfa, 0x16, 0x3e, 1, 2, 3];

    #[test]
    fn gratuitous_arp_is_a_broadcast_request_for_the_senders_own_address() {
        let frame = announcement(MAC, "10.0.0.9".parse().unwrap());
        assert_eq!(frame.len(), 42);
        assert_eq!(&frame[..14], &[255, 255, 255, 255, 255, 255, 0xfa, 0x16, 0x3e, 1, 2, 3, 8, 6]);
        assert_eq!(&frame[20..22], &[0, 1], "a request");
        assert_eq!(&frame[22..28], &MAC);
        assert_eq!(frame[28..32], frame[38..42], "sender and target are the same");
        assert_eq!(&frame[28..32], &[10, 0, 0, 9]);
    }

    #[test]
    fn an_unsolicited_advertisement_goes_to_all_nodes_and_its_checksum_is_right() {
        let address: Ipv6Addr = "fd00::9".parse().unwrap();
        let frame = announcement(MAC, address.into());
        assert_eq!(frame.len(), 14 + 40 + 32);
        assert_eq!(&frame[..6], &ALL_NODES_MAC);
        assert_eq!(frame[21], 255, "hop limit");
        assert_eq!(&frame[22..38], &address.octets());
        assert_eq!((frame[54], frame[58]), (136, 0x20), "an advertisement that overrides and answers nobody");
        assert_eq!(&frame[62..78], &address.octets(), "the target");
        assert_eq!(&frame[80..86], &MAC);
        let pseudo = [&frame[22..54], &[0, 0, 0, 32, 0, 0, 0, 58], &frame[54..]].concat();
        assert_eq!(checksum(&pseudo), 0, "the checksum of a message with its checksum is zero");
    }
}
