//! DHCP for IPv6: the platform tells each port its address (rules V6-2, L2-6; RFC 8415).
//!
//! As for IPv4 there is nothing to remember. Options have no padding here, so in a reply the one whose length the client
//! chooses comes last.

use abi::{
    Address, DropReason, GATEWAY_LINK_LOCAL, GATEWAY_MAC, Mac, PORT_RUNNING, PORT_UNSECURED, Port, SUBNET_IPV6, Subnet,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::dhcp::{clear_behind, lease_seconds, portion};
use crate::env::is_same;
use crate::header::{EthernetHeader, Ipv6Header, PROTOCOL_UDP, UdpHeader};
use crate::ipv6::HEADER_LEN;
use crate::packet::{IP_OFFSET, Meta};
use crate::{Action, Flows, Packet, Part, Tables, Verdict, checksum, scope};

/// Port of servers and relays in network byte order.
const SERVER: [u8; 2] = 547_u16.to_be_bytes();
/// Port of clients in network byte order.
const CLIENT: [u8; 2] = 546_u16.to_be_bytes();
/// All servers and relays of the link.
const ALL_SERVERS: Address = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2];

/// Where things are in a frame; extension headers have no place in a DHCP packet.
const UDP: usize = IP_OFFSET + HEADER_LEN;
const MESSAGE: usize = UDP + 8;
const OPTIONS: usize = MESSAGE + 4;

/// A request longer than this is not looked at.
const MAX_REQUEST: u32 = 1514;
/// As many options of a request are looked at.
const MAX_OPTIONS: u32 = 32;

/// Message types (RFC 8415, section 7.3).
const SOLICIT: u8 = 1;
const ADVERTISE: u8 = 2;
const REQUEST: u8 = 3;
const CONFIRM: u8 = 4;
const RENEW: u8 = 5;
const REBIND: u8 = 6;
const REPLY: u8 = 7;
const RELEASE: u8 = 8;
const DECLINE: u8 = 9;
const INFORMATION_REQUEST: u8 = 11;

/// Option codes.
const CLIENT_ID: u16 = 1;
const SERVER_ID: u16 = 2;
const IA_NA: u16 = 3;
const IA_ADDRESS: u16 = 5;
const STATUS: u16 = 13;
const RAPID_COMMIT: u16 = 14;

/// Status codes.
const SUCCESS: u16 = 0;
const NOT_ON_LINK: u16 = 4;

/// The longest client identifier that is understood. Identifiers may be twice as long, but those that are made of
/// hardware addresses, times and UUIDs have 10 to 18 bytes.
const CLIENT_ID_LEN: usize = 64;

/// Code and length of an option.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Tag {
    code: [u8; 2],
    len: [u8; 2],
}

impl Tag {
    #[inline(always)]
    const fn new(code: u16, len: u16) -> Self {
        Self { code: code.to_be_bytes(), len: len.to_be_bytes() }
    }
}

/// The server's identifier: of the gateway's hardware address (RFC 8415, section 11.4).
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Identifier {
    kind: [u8; 2],
    hardware_type: [u8; 2],
    mac: Mac,
}

const OWN_ID: Identifier = Identifier { kind: [0, 3], hardware_type: [0, 1], mac: GATEWAY_MAC };
const OWN_ID_LEN: u16 = size_of::<Identifier>() as u16;

/// Which server the client speaks to.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ServerOption {
    tag: Tag,
    id: Identifier,
}

/// Who the client is; what stands behind `tag.len` bytes is something else.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ClientOption {
    tag: Tag,
    id: [u8; CLIENT_ID_LEN],
}

/// What all replies begin with.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Head {
    /// Type of the message and the transaction's id.
    message: [u8; 4],
    server: Tag,
    server_id: Identifier,
}

/// The address (RFC 8415, sections 21.4 and 21.6).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Lease {
    association: Tag,
    association_id: [u8; 4],
    renewal: [u8; 4],
    rebinding: [u8; 4],
    tag: Tag,
    address: Address,
    preferred: [u8; 4],
    valid: [u8; 4],
}

/// How a request went.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Status {
    tag: Tag,
    status: [u8; 2],
}

/// Finds out whether an IPv6 packet is for the platform's DHCP service ([`Part::Dhcpv6`]). What servers send is refused
/// (rule L2-6), unless port security is off (rule CHK-8).
#[inline(always)]
pub(crate) fn screen(port: &Port, meta: &Meta, verdict: &mut Verdict) -> Result<(), DropReason> {
    if meta.protocol != PROTOCOL_UDP {
        return Ok(());
    }
    if meta.key.source_port == SERVER && meta.key.destination_port == CLIENT && port.flags & PORT_UNSECURED == 0 {
        return Err(DropReason::DhcpServer);
    }
    if meta.key.destination_port == SERVER && meta.key.destination == ALL_SERVERS {
        verdict.next = Part::Dhcpv6 as u32;
    }
    Ok(())
}

/// What a client wants.
struct Asked {
    /// Whose answer it is to be: where it sent from.
    source: Address,
    /// Type of its message and the transaction's id.
    message: [u8; 4],
    /// Whether it says which server it speaks to, and that it is another one.
    to_server: bool,
    to_other: bool,
    /// Whether it takes the lease without asking twice.
    rapid: bool,
    /// Whether it wants an address, and the number that it gave to this.
    wants: bool,
    association_id: [u8; 4],
    /// The address that it has, or zero.
    address: Address,
    /// Bytes in use of its identifier.
    id_len: u8,
    /// Its identifier, zero behind.
    id: [u8; CLIENT_ID_LEN],
}

/// Answers a client in place.
#[inline(always)]
pub(crate) fn answer<P: Packet, T: Tables, F: Flows>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    flows: &mut F,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let Some(port) = tables.port(ifindex) else { return Err(DropReason::UnknownPort) };
    verdict.vni = port.vni;
    if port.flags & PORT_RUNNING == 0 {
        return Err(DropReason::WorkloadStopped);
    }
    let Some(subnet) = tables.subnet(&port.subnet) else { return Err(DropReason::DhcpIgnored) };
    if subnet.flags & SUBNET_IPV6 == 0 {
        return Err(DropReason::DhcpIgnored);
    }
    let mut asked = Asked {
        source: [0; 16],
        message: [0; 4],
        to_server: false,
        to_other: false,
        rapid: false,
        wants: false,
        association_id: [0; 4],
        address: [0; 16],
        id_len: 0,
        id: [0; CLIENT_ID_LEN],
    };
    read(packet, flows, &mut asked)?;
    if !is_answered(&asked) {
        return Err(DropReason::DhcpIgnored);
    }
    reply(packet, port, subnet, &asked)?;
    // As for DHCPv4: see there.
    if !is_same(subnet, tables.subnet(&port.subnet)) || !is_same(port, tables.port(ifindex)) {
        return Err(DropReason::InconsistentTables);
    }
    verdict.action = Action::Reply as u32;
    verdict.ifindex = ifindex;
    Ok(())
}

/// Which messages are answered (RFC 8415, sections 16 and 18.3).
#[inline(always)]
const fn is_answered(asked: &Asked) -> bool {
    let [kind, ..] = asked.message;
    if kind == INFORMATION_REQUEST {
        return !asked.to_other;
    }
    if asked.id_len == 0 {
        return false;
    }
    match kind {
        SOLICIT | REBIND => !asked.to_server && asked.wants,
        CONFIRM => !asked.to_server && asked.wants,
        REQUEST | RENEW => asked.to_server && !asked.to_other && asked.wants,
        RELEASE | DECLINE => asked.to_server && !asked.to_other,
        _ => false,
    }
}

/// Reads what the client wants.
#[inline(always)]
fn read<P: Packet, F: Flows>(packet: &mut P, flows: &mut F, asked: &mut Asked) -> Result<(), DropReason> {
    let Some(ip) = packet.at::<Ipv6Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    if ip.next_header != PROTOCOL_UDP || !scope::is_link_local(&ip.source) || packet.len() > MAX_REQUEST {
        return Err(DropReason::DhcpIgnored);
    }
    asked.source = ip.source;
    let end = MESSAGE - 8 + u16::from_be_bytes(ip.payload_len) as usize;
    let Some(message) = packet.at::<[u8; 4]>(MESSAGE) else { return Err(DropReason::Malformed) };
    asked.message = *message;
    // So that any value can be read in one piece, however close to the end.
    let len = packet.len();
    if !packet.resize(len + size_of::<ClientOption>() as u32) {
        return Err(DropReason::DhcpIgnored);
    }
    let result = read_options(packet, flows, end, asked);
    if !packet.resize(len) {
        return Err(DropReason::DhcpIgnored);
    }
    result
}

/// Reads the options up to `end`; none reaches beyond the end of the frame.
#[inline(always)]
fn read_options<P: Packet, F: Flows>(
    packet: &P,
    flows: &mut F,
    end: usize,
    asked: &mut Asked,
) -> Result<(), DropReason> {
    let (mut client, mut server, mut association, mut rapid) = (0, 0, 0, 0);
    let mut at = OPTIONS;
    let mut count = 0;
    while count < MAX_OPTIONS && at + 4 <= end {
        count += 1;
        let Some(tag) = packet.at::<Tag>(at) else { break };
        let code = u16::from_be_bytes(tag.code);
        let len = u16::from_be_bytes(tag.len) as usize;
        if code == CLIENT_ID && len <= CLIENT_ID_LEN {
            client = at;
        } else if code == SERVER_ID {
            server = at;
        } else if code == IA_NA && len >= 12 && association == 0 {
            association = at;
        } else if code == RAPID_COMMIT {
            rapid = at;
        }
        client = flows.forget(client as u32) as usize;
        server = flows.forget(server as u32) as usize;
        association = flows.forget(association as u32) as usize;
        rapid = flows.forget(rapid as u32) as usize;
        at = flows.forget((at + 4 + len) as u32) as usize;
        if at > MAX_REQUEST as usize {
            return Err(DropReason::Malformed);
        }
    }
    asked.rapid = rapid != 0;
    asked.to_server = server != 0;
    if server != 0 && server <= MAX_REQUEST as usize {
        let Some(option) = packet.at::<ServerOption>(server) else { return Err(DropReason::Malformed) };
        asked.to_other = option.tag.len != OWN_ID_LEN.to_be_bytes() || option.id != OWN_ID;
    }
    if association != 0 && association <= MAX_REQUEST as usize {
        let Some(lease) = packet.at::<Lease>(association) else { return Err(DropReason::Malformed) };
        asked.wants = true;
        asked.association_id = lease.association_id;
        // The first thing said about it is its address, or there is none.
        let len = u16::from_be_bytes(lease.association.len);
        if len as usize >= size_of::<Lease>() - 4 && lease.tag.code == IA_ADDRESS.to_be_bytes() {
            asked.address = lease.address;
        }
    }
    if client != 0 && client <= MAX_REQUEST as usize {
        let Some(option) = packet.at::<ClientOption>(client) else { return Err(DropReason::Malformed) };
        let [_, len] = option.tag.len;
        asked.id_len = len;
        asked.id = option.id;
        clear_behind(&mut asked.id, len);
    }
    Ok(())
}

/// Makes the frame the reply. A lease or a status, or neither, stands between the head and the client's identifier.
#[inline(always)]
fn reply<P: Packet>(packet: &mut P, port: &Port, subnet: &Subnet, asked: &Asked) -> Result<(), DropReason> {
    let [kind, a, b, c] = asked.message;
    let rapid = kind == SOLICIT && asked.rapid;
    let answer = if kind == SOLICIT && !rapid { ADVERTISE } else { REPLY };
    if !packet.resize((MESSAGE + MAX_REPLY) as u32) {
        return Err(DropReason::DhcpIgnored);
    }
    let Some(head) = packet.at_mut::<Head>(MESSAGE) else { return Err(DropReason::Malformed) };
    head.message = [answer, a, b, c];
    head.server = Tag::new(SERVER_ID, OWN_ID_LEN);
    head.server_id = OWN_ID;
    let mut sum = sum_of(packet.at::<[[u8; 2]; size_of::<Head>() / 2]>(MESSAGE))?;
    let mut at = MESSAGE + size_of::<Head>();
    match kind {
        CONFIRM | RELEASE | DECLINE => {
            let foreign = kind == CONFIRM && asked.address != port.ipv6;
            let status = if foreign { NOT_ON_LINK } else { SUCCESS };
            let Some(option) = packet.at_mut::<Status>(at) else { return Err(DropReason::Malformed) };
            *option = Status { tag: Tag::new(STATUS, 2), status: status.to_be_bytes() };
            sum += sum_of(packet.at::<[[u8; 2]; size_of::<Status>() / 2]>(at))?;
            at += size_of::<Status>();
        }
        INFORMATION_REQUEST => {}
        _ => {
            lease(packet, port, subnet, asked, at)?;
            sum += sum_of(packet.at::<[[u8; 2]; size_of::<Lease>() / 2]>(at))?;
            at += size_of::<Lease>();
        }
    }
    if rapid {
        let Some(option) = packet.at_mut::<Tag>(at) else { return Err(DropReason::Malformed) };
        *option = Tag::new(RAPID_COMMIT, 0);
        sum += sum_of(packet.at::<[[u8; 2]; 2]>(at))?;
        at += 4;
    }
    if asked.id_len != 0 {
        let Some(option) = packet.at_mut::<ClientOption>(at) else { return Err(DropReason::Malformed) };
        option.tag = Tag::new(CLIENT_ID, asked.id_len as u16);
        option.id = asked.id;
        sum += sum_of(packet.at::<[[u8; 2]; 2 + CLIENT_ID_LEN / 2]>(at))?;
        at += 4 + asked.id_len as usize;
    }
    headers(packet, port, &asked.source, at - UDP, sum)?;
    if packet.resize(at as u32) { Ok(()) } else { Err(DropReason::DhcpIgnored) }
}

/// Bytes of the longest reply.
const MAX_REPLY: usize = size_of::<Head>() + size_of::<Lease>() + 4 + size_of::<ClientOption>();

#[inline(always)]
fn sum_of<const N: usize>(words: Option<&[[u8; 2]; N]>) -> Result<u32, DropReason> {
    match words {
        Some(words) => Ok(checksum::sum(words)),
        None => Err(DropReason::Malformed),
    }
}

/// Writes the port's address.
#[inline(always)]
fn lease<P: Packet>(packet: &mut P, port: &Port, subnet: &Subnet, asked: &Asked, at: usize) -> Result<(), DropReason> {
    let Some(lease) = packet.at_mut::<Lease>(at) else { return Err(DropReason::Malformed) };
    let seconds = lease_seconds(port, subnet.lease_seconds_v6);
    lease.association = Tag::new(IA_NA, size_of::<Lease>() as u16 - 4);
    lease.association_id = asked.association_id;
    lease.renewal = portion(seconds, seconds / 2).to_be_bytes();
    lease.rebinding = portion(seconds, seconds - seconds / 5).to_be_bytes();
    lease.tag = Tag::new(IA_ADDRESS, 24);
    lease.address = port.ipv6;
    lease.preferred = seconds.to_be_bytes();
    lease.valid = seconds.to_be_bytes();
    Ok(())
}

/// Writes Ethernet, IPv6 and UDP before a message whose sum is `sum`; `len` counts from the UDP header on.
#[inline(always)]
fn headers<P: Packet>(packet: &mut P, port: &Port, to: &Address, len: usize, sum: u32) -> Result<(), DropReason> {
    let Some(ethernet) = packet.at_mut::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    ethernet.destination = port.mac;
    ethernet.source = GATEWAY_MAC;
    let len = len as u16;
    let Some(ip) = packet.at_mut::<Ipv6Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    ip.version_class_label = [0x60, 0, 0, 0];
    ip.payload_len = len.to_be_bytes();
    ip.next_header = PROTOCOL_UDP;
    ip.hop_limit = 64;
    ip.source = GATEWAY_LINK_LOCAL;
    ip.destination = *to;
    let Some(udp) = packet.at_mut::<UdpHeader>(UDP) else { return Err(DropReason::Malformed) };
    udp.source_port = SERVER;
    udp.destination_port = CLIENT;
    udp.len = len.to_be_bytes();
    udp.checksum = [0; 2];
    let sum = sum
        + sum_of(packet.at::<[[u8; 2]; 4]>(UDP))?
        + checksum::pseudo_header(&GATEWAY_LINK_LOCAL, to, len, PROTOCOL_UDP);
    let Some(udp) = packet.at_mut::<UdpHeader>(UDP) else { return Err(DropReason::Malformed) };
    udp.checksum = checksum::folded(sum);
    // Zero would say that there is none (RFC 8200, section 8.1).
    if udp.checksum == [0; 2] {
        udp.checksum = [0xff; 2];
    }
    Ok(())
}
