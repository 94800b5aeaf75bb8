//! Random topologies as documents, and random questions about them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use client::types::Protocol;

/// SplitMix64: small, good enough to choose cases, and the seed repeats them.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// Ranges of the VPCs: the first and the fourth overlap, and have one subnet in common.
const RANGES: [&str; 5] = ["10.1", "10.2", "10.3", "10.1", "10.5"];
/// The VPC of another account.
const FOREIGN: usize = 2;

/// A server of a topology.
#[derive(Clone, Debug)]
pub struct Workload {
    pub name: String,
    pub vpc: usize,
    pub ip: IpAddr,
    pub ip6: Option<IpAddr>,
    pub stopped: bool,
}

/// A virtual IP of a topology.
#[derive(Clone, Debug)]
pub struct Vip {
    pub name: String,
    pub vpc: usize,
    pub ip: IpAddr,
    /// The server that holds it.
    pub holder: Option<String>,
}

/// A document with what questions need to know of it.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    pub yaml: String,
    pub workloads: Vec<Workload>,
    pub vips: Vec<Vip>,
}

/// From a server to an address, meaning the server of a name.
#[derive(Clone, Debug)]
pub struct Question {
    pub from: String,
    pub to: IpAddr,
    pub intended: Option<String>,
    pub protocol: Protocol,
    pub port: Option<u16>,
}

/// A subnet while the document is made.
struct Subnet {
    name: String,
    vpc: usize,
    /// The first three bytes of its addresses.
    net: String,
    /// The first four words of its IPv6 addresses.
    net6: Option<String>,
}

/// The sections of a document.
#[derive(Default)]
struct Sections {
    lists: Vec<(&'static str, String)>,
}

impl Sections {
    fn add(&mut self, key: &'static str, item: &str) {
        match self.lists.iter_mut().find(|(name, _)| *name == key) {
            Some((_, body)) => writeln!(body, "- {{{item}}}").unwrap(),
            None => self.lists.push((key, format!("- {{{item}}}\n"))),
        }
    }
}

/// VPCs with ranges that overlap, peerings in several states, dual-stack subnets, custom tables, groups, network ACLs,
/// virtual IPs, firewalls that forward, and routes of all kinds.
pub fn topology(random: &mut Random) -> Topology {
    let mut sections = Sections::default();
    for (vpc, range) in RANGES.iter().enumerate() {
        let more = if vpc == 4 { ", 10.105.0.0/16" } else { "" };
        let account = if vpc == FOREIGN { "acct-b" } else { "acct-a" };
        sections.add("vpcs", &format!("name: v{vpc}, cidrs: [{range}.0.0/16{more}], account: {account}"));
    }
    let subnets = subnets(random, &mut sections);
    groups(random, &mut sections);
    let workloads = workloads(random, &mut sections, &subnets);
    let vips = vips(random, &mut sections, &subnets, &workloads);
    acls(random, &mut sections, &subnets);
    let tables = tables(random, &mut sections, &subnets);
    let peerings = peerings(random, &mut sections);
    routes(random, &mut sections, &Made { subnets, tables, peerings, workloads: &workloads, vips: &vips });
    let yaml = sections.lists.iter().map(|(key, body)| format!("{key}:\n{body}")).collect();
    Topology { yaml, workloads, vips }
}

fn subnets(random: &mut Random, sections: &mut Sections) -> Vec<Subnet> {
    let mut subnets = Vec::new();
    for (vpc, range) in RANGES.iter().enumerate() {
        for number in 0..2 {
            // The two VPCs with one range have one subnet in common and one of their own; the last VPC has a second
            // range.
            let net = match (vpc, number) {
                (3, 1) => format!("{range}.9"),
                (4, 1) => "10.105.0".to_owned(),
                _ => format!("{range}.{number}"),
            };
            let net6 = random.percent(80).then(|| format!("2407:c080:802:{}{number}", vpc + 1));
            let name = format!("s{vpc}{number}");
            let cidr6 = net6.as_ref().map_or_else(String::new, |net| format!(", cidr6: \"{net}::/64\""));
            sections.add("subnets", &format!("name: {name}, vpc: v{vpc}, cidr: {net}.0/24{cidr6}"));
            subnets.push(Subnet { name, vpc, net, net6 });
        }
    }
    subnets
}

/// For each account one group that lets in little, and one with random rules.
fn groups(random: &mut Random, sections: &mut Sections) {
    for account in ["a", "b"] {
        let mut rules = String::from("{dir: out, remote: 0.0.0.0/0}, {dir: out, version: 6, remote: \"::/0\"}");
        write!(rules, ", {{dir: in, remote: \"sg:closed-{account}\"}}").unwrap();
        write!(rules, ", {{dir: in, version: 6, remote: \"sg:closed-{account}\"}}").unwrap();
        rules += ", {dir: in, proto: tcp, port: 8080, remote: 10.2.0.0/16}";
        sections.add("security_groups", &format!("name: closed-{account}, account: acct-{account}, rules: [{rules}]"));
        let mut rules: BTreeSet<String> = (0..3 + random.below(4)).map(|_| group_rule(random, account)).collect();
        for family in [4, 6] {
            if random.percent(80) {
                let everything = if family == 4 { "0.0.0.0/0" } else { "::/0" };
                rules.insert(format!("{{dir: out, version: {family}, priority: 50, remote: \"{everything}\"}}"));
            }
        }
        let rules = rules.into_iter().collect::<Vec<_>>().join(", ");
        sections.add("security_groups", &format!("name: random-{account}, account: acct-{account}, rules: [{rules}]"));
    }
}

fn group_rule(random: &mut Random, account: &str) -> String {
    let direction = random.of(&["in", "in", "out"]);
    let action = random.of(&["allow", "allow", "allow", "deny"]);
    let (version, remote) = remote(random, Some(account));
    let priority = 1 + random.below(5);
    let service = random.of(&["", ", proto: tcp", ", proto: tcp, port: 8080", ", proto: udp, port: \"50-60\""]);
    let service =
        if random.percent(25) { if version == 4 { ", proto: icmp" } else { ", proto: icmpv6" } } else { service };
    format!(
        "{{dir: {direction}, action: {action}, priority: {priority}, version: {version}{service}, remote: \"{remote}\"}}"
    )
}

/// A range, or a group of an account, with the address family.
fn remote(random: &mut Random, group: Option<&str>) -> (u8, String) {
    let version = random.of(&[4, 4, 6]);
    let vpc = random.below(RANGES.len());
    let number = random.below(2);
    let text = match (group, random.below(10)) {
        (Some(account), 0..3) => format!("sg:{}-{account}", random.of(&["closed", "random"])),
        (_, 3..6) if version == 4 => "0.0.0.0/0".to_owned(),
        (_, 3..6) => "::/0".to_owned(),
        (_, 6) if version == 4 => format!("{}.{number}.0/24", RANGES[vpc]),
        _ if version == 4 => format!("{}.0.0/16", RANGES[vpc]),
        _ => format!("2407:c080:802:{}{number}::/64", vpc + 1),
    };
    (version, text)
}

fn workloads(random: &mut Random, sections: &mut Sections, subnets: &[Subnet]) -> Vec<Workload> {
    let mut workloads = Vec::new();
    for subnet in subnets {
        for number in 0..1 + usize::from(random.percent(40)) {
            let name = format!("w{}{number}", &subnet.name[1..]);
            let host = 10 + subnet.vpc * 10 + number;
            let ip = format!("{}.{host}", subnet.net);
            let ip6 = subnet.net6.as_ref().map(|net| format!("{net}::{host}"));
            let account = if subnet.vpc == FOREIGN { "b" } else { "a" };
            let groups = match random.below(20) {
                0..11 => String::new(),
                11..14 => format!(", sgs: [closed-{account}]"),
                14..17 => format!(", sgs: [random-{account}]"),
                17..19 => format!(", sgs: [closed-{account}, random-{account}]"),
                _ => ", sgs: [default]".to_owned(),
            };
            let firewall = random.percent(18);
            let unchecked = random.percent(if firewall { 85 } else { 8 });
            let kind = if firewall { "firewall" } else { "ecs" };
            let check = if unchecked { ", src_dst_check: false" } else { "" };
            let six = ip6.as_ref().map_or_else(String::new, |ip| format!(", ip6: \"{ip}\""));
            let item = format!("name: {name}, subnet: {}, ip: {ip}{six}, kind: {kind}{check}{groups}", subnet.name);
            sections.add("workloads", &item);
            workloads.push(Workload {
                name,
                vpc: subnet.vpc,
                ip: ip.parse().unwrap(),
                ip6: ip6.map(|ip| ip.parse().unwrap()),
                stopped: random.percent(6),
            });
        }
    }
    workloads
}

fn vips(random: &mut Random, sections: &mut Sections, subnets: &[Subnet], workloads: &[Workload]) -> Vec<Vip> {
    let mut vips = Vec::new();
    for subnet in subnets.iter().filter(|_| random.percent(25)).collect::<Vec<_>>() {
        let bound: Vec<&str> = workloads
            .iter()
            .filter(|workload| workload.name[1..].starts_with(&subnet.name[1..]))
            .map(|workload| workload.name.as_str())
            .collect();
        let running: Vec<&str> = workloads
            .iter()
            .filter(|workload| bound.contains(&workload.name.as_str()) && !workload.stopped)
            .map(|workload| workload.name.as_str())
            .collect();
        let holder = (!running.is_empty() && random.percent(80)).then(|| random.of(&running).to_owned());
        let ip = format!("{}.200", subnet.net);
        let held = holder.as_ref().map_or_else(String::new, |holder| format!(", holder: {holder}"));
        let item = format!("name: vip-{0}, subnet: {0}, ip: {ip}, bound: [{1}]{held}", subnet.name, bound.join(", "));
        sections.add("vips", &item);
        vips.push(Vip { name: format!("vip-{}", subnet.name), vpc: subnet.vpc, ip: ip.parse().unwrap(), holder });
    }
    vips
}

fn acls(random: &mut Random, sections: &mut Sections, subnets: &[Subnet]) {
    for subnet in subnets {
        if !random.percent(25) {
            continue;
        }
        let mut rules: Vec<String> = (1..=random.below(6)).map(|priority| acl_rule(random, priority)).collect();
        for (direction, family) in [("in", 4), ("out", 4), ("in", 6), ("out", 6)] {
            if random.percent(75) {
                let everything = if family == 4 { "0.0.0.0/0" } else { "::/0" };
                let priority = 10 + rules.len();
                rules.push(format!(
                    "{{dir: {direction}, action: allow, priority: {priority}, version: {family}, source: \"{everything}\", destination: \"{everything}\"}}"
                ));
            }
        }
        let account = if subnet.vpc == FOREIGN { "acct-b" } else { "acct-a" };
        let item =
            format!("name: acl-{0}, account: {account}, subnets: [{0}], rules: [{1}]", subnet.name, rules.join(", "));
        sections.add("network_acls", &item);
    }
}

fn acl_rule(random: &mut Random, priority: usize) -> String {
    let direction = random.of(&["in", "out"]);
    let action = random.of(&["allow", "deny"]);
    let (version, range) = remote(random, None);
    let everything = if version == 4 { "0.0.0.0/0" } else { "::/0" };
    let (source, destination) =
        if random.percent(50) { (range.as_str(), everything) } else { (everything, range.as_str()) };
    let service = random.of(&["", ", proto: tcp", ", proto: tcp, dport: 8080", ", proto: udp, dport: 53"]);
    format!(
        "{{dir: {direction}, action: {action}, priority: {priority}, version: {version}{service}, source: \"{source}\", destination: \"{destination}\"}}"
    )
}

/// Names of route tables with their VPCs; the default ones first.
fn tables(random: &mut Random, sections: &mut Sections, subnets: &[Subnet]) -> Vec<(String, usize)> {
    let mut tables: Vec<(String, usize)> = (0..RANGES.len()).map(|vpc| (format!("rtb-v{vpc}"), vpc)).collect();
    for subnet in subnets.iter().filter(|_| random.percent(25)).collect::<Vec<_>>() {
        let name = format!("custom-{}", subnet.name);
        sections.add("route_tables", &format!("name: {name}, vpc: v{}, subnets: [{}]", subnet.vpc, subnet.name));
        tables.push((name, subnet.vpc));
    }
    tables
}

/// The pairs of peered VPCs, smaller first. One with the other account's VPC may be pending or refused.
fn peerings(random: &mut Random, sections: &mut Sections) -> Vec<(usize, usize)> {
    let mut peerings = Vec::new();
    for local in 0..RANGES.len() {
        for peer in local + 1..RANGES.len() {
            if !random.percent(70) {
                continue;
            }
            let between = local == FOREIGN || peer == FOREIGN;
            let status = match random.below(10) {
                0 if between => "PENDING_ACCEPTANCE",
                1 if between => "REJECTED",
                _ => "ACTIVE",
            };
            sections
                .add("peerings", &format!("name: p{local}{peer}, local: v{local}, peer: v{peer}, status: {status}"));
            peerings.push((local, peer));
        }
    }
    peerings
}

/// What routes are made from.
struct Made<'a> {
    subnets: Vec<Subnet>,
    tables: Vec<(String, usize)>,
    peerings: Vec<(usize, usize)>,
    workloads: &'a [Workload],
    vips: &'a [Vip],
}

fn routes(random: &mut Random, sections: &mut Sections, made: &Made<'_>) {
    let mut taken = BTreeSet::new();
    let mut add = |table: &str, vpc: usize, destination: &str, kind: &str, next_hop: &str| {
        // Routes into an own subnet are refused (RT-9), and so are second ones for a destination (RT-8).
        let own = made.subnets.iter().filter(|subnet| subnet.vpc == vpc);
        let local = own.clone().any(|subnet| {
            let inside = destination.strip_prefix(&subnet.net).is_some_and(|rest| rest.starts_with('.'));
            let inside6 = subnet.net6.as_ref().is_some_and(|net| destination.starts_with(&format!("{net}::")));
            inside || inside6
        });
        if !local && taken.insert((table.to_owned(), destination.to_owned())) {
            let item =
                format!("table: {table}, destination: \"{destination}\", next_hop_type: {kind}, next_hop: {next_hop}");
            sections.add("routes", &item);
        }
    };
    for (table, vpc) in &made.tables {
        // Direct routes, most of them there.
        for (local, peer) in &made.peerings {
            let (Some(other), name) = (other(*vpc, *local, *peer), format!("p{local}{peer}")) else { continue };
            for subnet in made.subnets.iter().filter(|subnet| subnet.vpc == other) {
                if random.percent(88) {
                    let wide = format!("{}.0.0/16", RANGES[other]);
                    let narrow = format!("{}.0/24", subnet.net);
                    let one = format!("{}.{}/32", subnet.net, 10 + other * 10);
                    add(table, *vpc, &random.of(&[wide.clone(), wide, narrow, one]), "peering", &name);
                }
                if let Some(net) = subnet.net6.as_ref().filter(|_| random.percent(90)) {
                    let all = [format!("{net}::/64"), format!("{net}::/64"), format!("{net}::{}/128", 10 + other * 10)];
                    add(table, *vpc, &random.of(&all), "peering", &name);
                }
            }
        }
        // Transit by another VPC, exits, and instances that may forward.
        let hops: Vec<String> = made
            .peerings
            .iter()
            .filter(|(local, peer)| other(*vpc, *local, *peer).is_some())
            .map(|(local, peer)| format!("p{local}{peer}"))
            .collect();
        let inside: Vec<&Workload> = made.workloads.iter().filter(|workload| workload.vpc == *vpc).collect();
        for _ in 0..random.below(4) {
            let to = &made.subnets[random.below(made.subnets.len())];
            let mut destinations =
                vec![format!("{}.0.0/16", RANGES[to.vpc]), format!("{}.0/24", to.net), "0.0.0.0/0".into()];
            destinations.extend(to.net6.iter().map(|net| format!("{net}::/64")));
            let destination = random.of(&destinations);
            let vips: Vec<&Vip> = made.vips.iter().filter(|vip| vip.vpc == *vpc).collect();
            if random.percent(60) && !hops.is_empty() {
                add(table, *vpc, &destination, "peering", &random.of(&hops));
            } else if !vips.is_empty() && !destination.contains(':') && random.percent(50) {
                add(table, *vpc, &destination, "vip", &random.of(&vips).name);
            } else if let Some(workload) = inside.get(random.below(inside.len().max(1))) {
                // An IPv6 route needs an instance with an IPv6 address (V6-4).
                if !destination.contains(':') || workload.ip6.is_some() {
                    add(table, *vpc, &destination, random.of(&["ecs", "ecs", "eni"]), &workload.name);
                }
            }
        }
    }
}

/// The other end of a peering, seen from one.
fn other(vpc: usize, local: usize, peer: usize) -> Option<usize> {
    match vpc {
        _ if vpc == local => Some(peer),
        _ if vpc == peer => Some(local),
        _ => None,
    }
}

/// So many questions, no two alike, none from a server that is stopped.
pub fn questions(random: &mut Random, topology: &Topology, count: usize) -> Vec<Question> {
    let running: Vec<&Workload> = topology.workloads.iter().filter(|workload| !workload.stopped).collect();
    let mut seen = BTreeSet::new();
    let mut questions = Vec::new();
    for _ in 0..count * 20 {
        let from = running[random.below(running.len())];
        let six = from.ip6.is_some() && random.percent(45);
        let to = &topology.workloads[random.below(topology.workloads.len())];
        let (address, intended) = match random.below(12) {
            0 if !six && !topology.vips.is_empty() => {
                let vip = random.of(&topology.vips);
                (Some(vip.ip), vip.holder)
            }
            1 => (nobody(random, six), None),
            _ if six => (to.ip6, Some(to.name.clone())),
            _ => (Some(to.ip), Some(to.name.clone())),
        };
        let Some(address) = address.filter(|_| intended.as_ref() != Some(&from.name)) else { continue };
        let (protocol, port) = random.of(&[
            (Protocol::Icmp, None),
            (Protocol::Tcp, Some(8080)),
            (Protocol::Udp, Some(53)),
            (Protocol::Tcp, Some(22)),
        ]);
        if seen.insert((from.name.clone(), address, intended.clone(), protocol, port)) {
            questions.push(Question { from: from.name.clone(), to: address, intended, protocol, port });
        }
        if questions.len() == count {
            break;
        }
    }
    questions
}

/// An address that no server has.
fn nobody(random: &mut Random, six: bool) -> Option<IpAddr> {
    let vpc = random.below(RANGES.len());
    let number = random.below(3);
    let text =
        if six { format!("2407:c080:802:{}{number}::77", vpc + 1) } else { format!("{}.{number}.77", RANGES[vpc]) };
    text.parse().ok()
}
