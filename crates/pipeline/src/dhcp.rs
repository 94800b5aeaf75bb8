//! DHCP for IPv4: the platform tells each port its address and what its subnet says (rules L2-5, L2-6; RFC 2131).
//!
//! There is one address for a port and nothing to remember: a lease is a promise to say the same again. Options are at
//! fixed places in a reply; where there is none, bytes of zero pad (RFC 2132, section 3.1).

use abi::{
    DropReason, GATEWAY_MAC, LEASE_HOURS_INFINITE, LEASE_INFINITE, Mac, PORT_RUNNING, PORT_UNSECURED, Port,
    SUBNET_DHCP, Subnet,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::env::is_same;
use crate::header::{EthernetHeader, Ipv4Header, PROTOCOL_UDP, UdpHeader};
use crate::packet::{IP_OFFSET, Meta};
use crate::{Action, Flows, Packet, Part, Tables, Verdict, checksum};

/// Port of servers in network byte order.
const SERVER: [u8; 2] = 67_u16.to_be_bytes();
/// Port of clients in network byte order.
const CLIENT: [u8; 2] = 68_u16.to_be_bytes();

/// Where things are in a frame; options of IPv4 have no place in a DHCP packet.
const UDP: usize = IP_OFFSET + 20;
const MESSAGE: usize = UDP + 8;
const OPTIONS: usize = MESSAGE + size_of::<Message>() + NAMES + COOKIE.len();
const REPLY_LEN: usize = OPTIONS + size_of::<Options>();

/// A request longer than this is not looked at.
const MAX_REQUEST: u32 = 1514;
/// As many options and padding bytes of a request are looked at.
const MAX_OPTIONS: u32 = 80;

const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: u8 = 1;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
const BROADCAST: u8 = 0x80;
const ANYWHERE: [u8; 4] = [255; 4];
const NOWHERE: [u8; 4] = [0; 4];

/// Bytes of server name and boot file name, which have no contents here.
const NAMES: usize = 64 + 128;

/// Message types (RFC 2132, section 9.6).
const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const ASK: u8 = 3;
const DECLINE: u8 = 4;
const ACK: u8 = 5;
const NAK: u8 = 6;
const RELEASE: u8 = 7;
const INFORM: u8 = 8;

/// Option codes.
const PAD: u8 = 0;
const MASK: u8 = 1;
const ROUTER: u8 = 3;
const DNS: u8 = 6;
const DOMAIN: u8 = 15;
const MTU: u8 = 26;
const NTP: u8 = 42;
const REQUESTED: u8 = 50;
const LEASE: u8 = 51;
const KIND: u8 = 53;
const SERVER_ID: u8 = 54;
const RENEWAL: u8 = 58;
const REBINDING: u8 = 59;
const CLIENT_ID: u8 = 61;
const END: u8 = 255;

/// The longest client identifier that is sent back (RFC 6842).
const CLIENT_ID_LEN: usize = 32;

/// A message up to the names.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Message {
    op: u8,
    hardware_type: u8,
    hardware_len: u8,
    hops: u8,
    transaction: [u8; 4],
    seconds: [u8; 2],
    flags: [u8; 2],
    client: [u8; 4],
    yours: [u8; 4],
    server: [u8; 4],
    relay: [u8; 4],
    mac: Mac,
    mac_padding: [u8; 10],
}

/// An option with a value of four bytes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Word {
    code: u8,
    len: u8,
    value: [u8; 4],
}

impl Word {
    #[inline(always)]
    const fn new(code: u8, value: [u8; 4]) -> Self {
        Self { code, len: 4, value }
    }
}

/// Who the client is; what stands behind `len` bytes is something else.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ClientOption {
    code: u8,
    len: u8,
    id: [u8; CLIENT_ID_LEN],
}

/// The options of a reply, each at its place; zero where there is none.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Options {
    kind: [u8; 3],
    server: Word,
    lease: Word,
    renewal: Word,
    rebinding: Word,
    mask: Word,
    router: Word,
    dns: [u8; 2],
    dns_servers: [[u8; 4]; 2],
    ntp: [u8; 2],
    ntp_servers: [[u8; 4]; 4],
    mtu: [u8; 4],
    domain: [u8; 2],
    domain_name: [u8; abi::DOMAIN_BYTES],
    client: [u8; 2],
    client_id: [u8; CLIENT_ID_LEN],
    end: [u8; 2],
}

/// Finds out whether an IPv4 packet is for the platform's DHCP service ([`Part::Dhcp`]): broadcast, or sent to the
/// service's address. What servers send is refused (rule L2-6), unless port security is off (rule CHK-8).
#[inline(always)]
pub(crate) fn screen<T: Tables>(tables: &T, port: &Port, meta: &Meta, verdict: &mut Verdict) -> Result<(), DropReason> {
    if meta.protocol != PROTOCOL_UDP {
        return Ok(());
    }
    if meta.key.source_port == SERVER && meta.key.destination_port == CLIENT && port.flags & PORT_UNSECURED == 0 {
        return Err(DropReason::DhcpServer);
    }
    if meta.key.destination_port == SERVER {
        let [a, b, c, d, ..] = meta.key.destination;
        if a & b & c & d == 255 || is_server(tables, port, [a, b, c, d]) {
            verdict.next = Part::Dhcp as u32;
        }
    }
    Ok(())
}

/// Whether an address is that of the DHCP service in the port's subnet.
#[inline(always)]
pub(crate) fn is_server<T: Tables>(tables: &T, port: &Port, address: [u8; 4]) -> bool {
    let Some(subnet) = tables.subnet(&port.subnet) else { return false };
    subnet.flags & SUBNET_DHCP != 0 && subnet.dhcp_server == address
}

/// What a client wants.
struct Asked {
    /// Type of its message; 0 when it says none.
    kind: u8,
    /// Whether it can only be told by broadcast.
    broadcast: bool,
    /// The address that it has, or zero.
    client: [u8; 4],
    /// The address that it wants to have, or zero.
    requested: [u8; 4],
    /// The server that it speaks to, or zero.
    server: [u8; 4],
    /// Bytes in use of its identifier.
    id_len: u8,
    /// Its identifier, zero behind.
    id: [u8; CLIENT_ID_LEN],
}

/// Answers a client in place, or takes its message in.
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
    if subnet.flags & SUBNET_DHCP == 0 || port.ipv4 == NOWHERE {
        return Err(DropReason::DhcpIgnored);
    }
    let mut asked = Asked {
        kind: 0,
        broadcast: false,
        client: NOWHERE,
        requested: NOWHERE,
        server: NOWHERE,
        id_len: 0,
        id: [0; CLIENT_ID_LEN],
    };
    read(packet, port, flows, &mut asked)?;
    if asked.server != NOWHERE && asked.server != subnet.dhcp_server {
        // Said to another server; there is none, but it may not know yet.
        return Err(DropReason::DhcpIgnored);
    }
    let kind = match asked.kind {
        DISCOVER => OFFER,
        INFORM => ACK,
        ASK => {
            // Selecting and rebooting clients say what they want, renewing ones what they have.
            let address = if asked.requested != NOWHERE { asked.requested } else { asked.client };
            if address == NOWHERE {
                return Err(DropReason::DhcpIgnored);
            }
            if address == port.ipv4 { ACK } else { NAK }
        }
        DECLINE | RELEASE => {
            verdict.action = Action::Consume as u32;
            return Ok(());
        }
        _ => return Err(DropReason::DhcpIgnored),
    };
    // Had it been replaced meanwhile, the guest would be told somebody else's address for the time of a lease.
    if !is_same(port, tables.port(ifindex)) {
        return Err(DropReason::InconsistentTables);
    }
    // What is behind the fixed fields goes, and comes back as zeros.
    if !packet.resize((MESSAGE + size_of::<Message>()) as u32) || !packet.resize(REPLY_LEN as u32) {
        return Err(DropReason::DhcpIgnored);
    }
    headers(packet, port, subnet, &asked, kind)?;
    message(packet, port, &asked, kind)?;
    options(packet, port, subnet, &asked, kind)?;
    verdict.action = Action::Reply as u32;
    verdict.ifindex = ifindex;
    Ok(())
}

/// Reads what the client wants.
#[inline(always)]
fn read<P: Packet, F: Flows>(packet: &mut P, port: &Port, flows: &mut F, asked: &mut Asked) -> Result<(), DropReason> {
    let Some(ip) = packet.at::<Ipv4Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    // No options, no fragments.
    let [fragment, offset] = ip.fragment;
    if ip.version_ihl != 0x45 || fragment & 0x3f != 0 || offset != 0 || packet.len() > MAX_REQUEST {
        return Err(DropReason::DhcpIgnored);
    }
    let Some(message) = packet.at::<Message>(MESSAGE) else { return Err(DropReason::Malformed) };
    if message.op != REQUEST || message.hardware_type != ETHERNET || message.hardware_len != 6 {
        return Err(DropReason::DhcpIgnored);
    }
    if message.mac != port.mac || message.relay != NOWHERE {
        return Err(DropReason::DhcpIgnored);
    }
    asked.client = message.client;
    let [flags, _] = message.flags;
    asked.broadcast = flags & BROADCAST != 0;
    let Some(cookie) = packet.at::<[u8; 4]>(OPTIONS - COOKIE.len()) else { return Err(DropReason::Malformed) };
    if *cookie != COOKIE {
        return Err(DropReason::DhcpIgnored);
    }
    // So that any value can be read in one piece, however close to the end.
    let len = packet.len();
    if !packet.resize(len + size_of::<ClientOption>() as u32) {
        return Err(DropReason::DhcpIgnored);
    }
    let result = read_options(packet, flows, asked);
    if !packet.resize(len) {
        return Err(DropReason::DhcpIgnored);
    }
    result
}

/// Reads the options, of which none reaches beyond the end of the frame.
#[inline(always)]
fn read_options<P: Packet, F: Flows>(packet: &P, flows: &mut F, asked: &mut Asked) -> Result<(), DropReason> {
    let (mut requested, mut server, mut id) = (0, 0, 0);
    let mut at = OPTIONS;
    let mut count = 0;
    while count < MAX_OPTIONS {
        count += 1;
        let Some([code, len]) = packet.at::<[u8; 2]>(at) else { break };
        let (code, len) = (*code, *len);
        if code == END {
            break;
        }
        let mut next = at + 1;
        if code != PAD {
            next = at + 2 + len as usize;
        }
        if code == KIND && len == 1 {
            let Some([_, _, kind]) = packet.at::<[u8; 3]>(at) else { break };
            asked.kind = *kind;
        } else if code == REQUESTED && len == 4 {
            requested = at;
        } else if code == SERVER_ID && len == 4 {
            server = at;
        } else if code == CLIENT_ID && len as usize <= CLIENT_ID_LEN {
            id = at;
        }
        asked.kind = flows.forget(asked.kind.into()) as u8;
        requested = flows.forget(requested as u32) as usize;
        server = flows.forget(server as u32) as usize;
        id = flows.forget(id as u32) as usize;
        at = flows.forget(next as u32) as usize;
        if at > MAX_REQUEST as usize {
            break;
        }
    }
    if requested != 0 && requested <= MAX_REQUEST as usize {
        let Some(option) = packet.at::<Word>(requested) else { return Err(DropReason::Malformed) };
        asked.requested = option.value;
    }
    if server != 0 && server <= MAX_REQUEST as usize {
        let Some(option) = packet.at::<Word>(server) else { return Err(DropReason::Malformed) };
        asked.server = option.value;
    }
    if id != 0 && id <= MAX_REQUEST as usize {
        let Some(option) = packet.at::<ClientOption>(id) else { return Err(DropReason::Malformed) };
        asked.id_len = option.len;
        asked.id = option.id;
        clear_behind(&mut asked.id, asked.id_len);
    }
    Ok(())
}

/// Makes the bytes from `len` on zero, without branches.
#[inline(always)]
#[expect(clippy::explicit_counter_loop, reason = "a second iterator would bring branches")]
pub(crate) fn clear_behind<const N: usize>(bytes: &mut [u8; N], len: u8) {
    let mut i: i32 = 0;
    for byte in bytes {
        *byte &= ((i - len as i32) >> 31) as u8;
        i += 1;
    }
}

/// Writes Ethernet, IPv4 and UDP. To whom: RFC 2131, section 4.1.
#[inline(always)]
fn headers<P: Packet>(packet: &mut P, port: &Port, subnet: &Subnet, asked: &Asked, kind: u8) -> Result<(), DropReason> {
    let mut mac = port.mac;
    let mut destination = port.ipv4;
    if kind == NAK || (asked.client == NOWHERE && asked.broadcast) {
        mac = [0xff; 6];
        destination = ANYWHERE;
    } else if asked.client != NOWHERE {
        destination = asked.client;
    }
    let Some(ethernet) = packet.at_mut::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    ethernet.destination = mac;
    ethernet.source = GATEWAY_MAC;
    let Some(ip) = packet.at_mut::<Ipv4Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    *ip = Ipv4Header {
        version_ihl: 0x45,
        tos: 0,
        total_len: ((REPLY_LEN - IP_OFFSET) as u16).to_be_bytes(),
        identification: [0; 2],
        fragment: [0; 2],
        ttl: 64,
        protocol: PROTOCOL_UDP,
        checksum: [0; 2],
        source: subnet.dhcp_server,
        destination,
    };
    checksum::complete_ipv4(packet)?;
    let Some(udp) = packet.at_mut::<UdpHeader>(UDP) else { return Err(DropReason::Malformed) };
    // IPv4 goes without a checksum of UDP (RFC 768).
    *udp = UdpHeader {
        source_port: SERVER,
        destination_port: CLIENT,
        len: ((REPLY_LEN - UDP) as u16).to_be_bytes(),
        checksum: [0; 2],
    };
    Ok(())
}

/// Makes the fixed fields of the request those of the reply (RFC 2131, table 3).
#[inline(always)]
fn message<P: Packet>(packet: &mut P, port: &Port, asked: &Asked, kind: u8) -> Result<(), DropReason> {
    let Some(message) = packet.at_mut::<Message>(MESSAGE) else { return Err(DropReason::Malformed) };
    message.op = REPLY;
    message.hops = 0;
    message.seconds = [0; 2];
    message.client = if kind == ACK { asked.client } else { NOWHERE };
    message.yours = if kind == NAK || asked.kind == INFORM { NOWHERE } else { port.ipv4 };
    message.server = NOWHERE;
    message.mac_padding = [0; 10];
    let Some(cookie) = packet.at_mut::<[u8; 4]>(OPTIONS - COOKIE.len()) else { return Err(DropReason::Malformed) };
    *cookie = COOKIE;
    Ok(())
}

/// Writes the options, where there are zeros.
#[inline(always)]
fn options<P: Packet>(packet: &mut P, port: &Port, subnet: &Subnet, asked: &Asked, kind: u8) -> Result<(), DropReason> {
    let Some(options) = packet.at_mut::<Options>(OPTIONS) else { return Err(DropReason::Malformed) };
    options.kind = [KIND, 1, kind];
    options.server = Word::new(SERVER_ID, subnet.dhcp_server);
    if asked.id_len != 0 {
        options.client = [CLIENT_ID, asked.id_len];
        options.client_id = asked.id;
    }
    options.end = [END, PAD];
    if kind == NAK {
        return Ok(());
    }
    if asked.kind != INFORM {
        let lease = lease_seconds(port, subnet.lease_seconds);
        options.lease = Word::new(LEASE, lease.to_be_bytes());
        options.renewal = Word::new(RENEWAL, portion(lease, lease / 2).to_be_bytes());
        options.rebinding = Word::new(REBINDING, portion(lease, lease - lease / 8).to_be_bytes());
    }
    options.mask = Word::new(MASK, subnet.mask);
    options.router = Word::new(ROUTER, subnet.gateway);
    options.mtu = [MTU, 2, (port.mtu >> 8) as u8, port.mtu as u8];
    let [first, second] = subnet.dns;
    if first != NOWHERE {
        options.dns = [DNS, if second == NOWHERE { 4 } else { 8 }];
        options.dns_servers = [first, second];
    }
    let [first, second, third, fourth] = subnet.ntp;
    if first != NOWHERE {
        let servers = 1 + (second != NOWHERE) as u8 + (third != NOWHERE) as u8 + (fourth != NOWHERE) as u8;
        options.ntp = [NTP, servers * 4];
        options.ntp_servers = [first, second, third, fourth];
    }
    let len = subnet.domain_len;
    if len != 0 && len as usize <= abi::DOMAIN_BYTES {
        options.domain = [DOMAIN, len];
        options.domain_name = subnet.domain;
    }
    Ok(())
}

/// The lease time of a port's address, where the subnet's is `of_subnet`.
#[inline(always)]
pub(crate) const fn lease_seconds(port: &Port, of_subnet: u32) -> u32 {
    if port.lease_hours == 0 {
        of_subnet
    } else if port.lease_hours == LEASE_HOURS_INFINITE {
        LEASE_INFINITE
    } else {
        port.lease_hours as u32 * 3600
    }
}

/// A portion of a lease, which does not end if that does not.
#[inline(always)]
pub(crate) const fn portion(lease: u32, portion: u32) -> u32 {
    if lease == LEASE_INFINITE { LEASE_INFINITE } else { portion }
}
