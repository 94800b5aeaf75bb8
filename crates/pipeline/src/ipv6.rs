//! IPv6 headers: the fixed one, and a bounded walk over extension headers (RFC 8200, section 4).

use abi::{DropReason, FAMILY_V6};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{Ipv6Header, PROTOCOL_ICMPV6, PROTOCOL_TCP};
use crate::packet::{FIRST_FRAGMENT, IP_OFFSET, LATER_FRAGMENT, MAX_EXTENSION_BYTES, Meta, Packet, transport};
use crate::{Flows, icmpv6};

/// Bytes of the fixed header.
pub(crate) const HEADER_LEN: usize = 40;

/// A packet has at most so many extension headers; those that are of use together are five.
const MAX_EXTENSIONS: u32 = 6;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// The first eight bytes of an extension header; none is shorter.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ExtensionHeader {
    next_header: u8,
    /// Length without the first eight bytes, in units of eight; [`AUTHENTICATION`]: in units of four.
    len: u8,
    /// [`ROUTING`]: type and segments left; [`FRAGMENT`]: offset in units of eight bytes, and in the lowest bit whether
    /// more fragments follow.
    middle: [u8; 2],
    /// [`FRAGMENT`].
    identification: [u8; 4],
}

/// How far the walk is.
pub(crate) struct Chain {
    /// The header at `offset`; at the end the protocol.
    pub protocol: u8,
    /// Where it begins.
    pub offset: usize,
    /// [`FIRST_FRAGMENT`] or [`LATER_FRAGMENT`], behind which the walk does not go.
    pub flags: u32,
    /// Identification, for fragments.
    pub identification: [u8; 4],
}

impl Chain {
    /// A walk that begins with the header `next_header` at `offset`.
    #[inline(always)]
    pub const fn new(next_header: u8, offset: usize) -> Self {
        Self { protocol: next_header, offset, flags: 0, identification: [0; 4] }
    }
}

/// Reads the headers of an IPv6 frame into `meta`, which must be new.
///
/// A later fragment gets its protocol and ports from [`crate::fragment`].
#[inline(always)]
pub(crate) fn parse<P: Packet, F: Flows>(packet: &P, flows: &mut F, meta: &mut Meta) -> Result<(), DropReason> {
    let Some(ip) = packet.at::<Ipv6Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    let [version, ..] = ip.version_class_label;
    let end = IP_OFFSET + HEADER_LEN + u16::from_be_bytes(ip.payload_len) as usize;
    if version >> 4 != 6 || end > packet.len() as usize {
        return Err(DropReason::Malformed);
    }
    meta.key.family = FAMILY_V6;
    meta.key.source = ip.source;
    meta.key.destination = ip.destination;
    meta.source = ip.source;
    let mut chain = Chain::new(ip.next_header, IP_OFFSET + HEADER_LEN);
    walk(packet, flows, &mut chain)?;
    if chain.offset > end {
        return Err(DropReason::Malformed);
    }
    meta.key.protocol = chain.protocol;
    meta.protocol = chain.protocol;
    meta.identification = chain.identification;
    meta.l4 = chain.offset;
    meta.flags = chain.flags;
    if meta.is(LATER_FRAGMENT) {
        return Ok(());
    }
    if meta.protocol == PROTOCOL_ICMPV6 {
        return icmpv6::parse(packet, flows, end - chain.offset, meta);
    }
    transport(packet, end - chain.offset, meta)
}

/// Follows the extension headers up to the protocol or to the header of a later fragment.
///
/// Source routes that are not at their end are refused, and so is type 0 altogether (RFC 5095): the packet would go on
/// to where no rule has been asked about.
#[inline(always)]
pub(crate) fn walk<P: Packet, F: Flows>(packet: &P, flows: &mut F, chain: &mut Chain) -> Result<(), DropReason> {
    let limit = chain.offset + MAX_EXTENSION_BYTES;
    let mut count = 0;
    let mut fragmented = false;
    while is_extension(chain.protocol) {
        let Some(header) = packet.at::<ExtensionHeader>(chain.offset) else { return Err(DropReason::Malformed) };
        let mut len = 8 + header.len as usize * 8;
        match chain.protocol {
            // Only in front (RFC 8200, section 4.1).
            HOP_BY_HOP if count != 0 => return Err(DropReason::Malformed),
            ROUTING => {
                let [kind, segments_left] = header.middle;
                if kind == 0 || segments_left != 0 {
                    return Err(DropReason::Malformed);
                }
            }
            AUTHENTICATION => len = 8 + header.len as usize * 4,
            FRAGMENT => {
                if fragmented {
                    return Err(DropReason::Malformed);
                }
                fragmented = true;
                len = 8;
                chain.identification = header.identification;
                let position = u16::from_be_bytes(header.middle);
                if position >= 8 {
                    // As for IPv4: it could overwrite the flags that the first one was judged by.
                    if position < 16 && header.next_header == PROTOCOL_TCP {
                        return Err(DropReason::Malformed);
                    }
                    chain.protocol = header.next_header;
                    chain.flags = LATER_FRAGMENT;
                    return Ok(());
                }
                // With neither offset nor successor it is no fragment (RFC 6946).
                if position & 1 != 0 {
                    chain.flags = FIRST_FRAGMENT;
                }
            }
            _ => {}
        }
        chain.protocol = flows.forget(header.next_header.into()) as u8;
        chain.offset = flows.forget((chain.offset + len) as u32) as usize;
        chain.flags = flows.forget(chain.flags);
        count += 1;
        if chain.offset > limit || count > MAX_EXTENSIONS {
            return Err(DropReason::Malformed);
        }
    }
    Ok(())
}

#[inline(always)]
const fn is_extension(next_header: u8) -> bool {
    matches!(next_header, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS)
}
