//! Small networks that would work, each with one fault in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::random::Random;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    NoPeering,
    PendingPeering,
    RejectedPeering,
    NoRoute,
    NoReturnRoute,
    EmptyCustomTable,
    WrongNextHop,
    WrongLongerRoute,
    ShadowingSubnet,
    NoRuleIn,
    NoRuleOut,
    DenyRule,
    EmptyAcl,
    AclDeniesIn,
    AclDeniesOut,
    StoppedTarget,
    NoRouteOnward,
    NoRouteBack,
    Loop,
    CheckedFirewall,
    StoppedFirewall,
    SilentFirewall,
    FirewallInDefaultTable,
    MisroutedReply,
}

use Fault::*;

impl Fault {
    pub const ALL: [Self; 24] = [
        NoPeering,
        PendingPeering,
        RejectedPeering,
        NoRoute,
        NoReturnRoute,
        EmptyCustomTable,
        WrongNextHop,
        WrongLongerRoute,
        ShadowingSubnet,
        NoRuleIn,
        NoRuleOut,
        DenyRule,
        EmptyAcl,
        AclDeniesIn,
        AclDeniesOut,
        StoppedTarget,
        NoRouteOnward,
        NoRouteBack,
        Loop,
        CheckedFirewall,
        StoppedFirewall,
        SilentFirewall,
        FirewallInDefaultTable,
        MisroutedReply,
    ];

    /// The reason code that the fault makes.
    pub fn reason(self) -> &'static str {
        match self {
            NoPeering | NoRoute | EmptyCustomTable => "no_route",
            PendingPeering | RejectedPeering => "peering_not_active",
            NoReturnRoute => "no_return_route",
            WrongNextHop | WrongLongerRoute | NoRouteOnward | NoRouteBack => "non_transitive",
            ShadowingSubnet => "local_route_preferred",
            NoRuleIn | NoRuleOut | DenyRule => "security_group",
            EmptyAcl | AclDeniesIn | AclDeniesOut => "network_acl",
            StoppedTarget => "no_such_host",
            Loop | FirewallInDefaultTable => "routing_loop",
            CheckedFirewall => "source_check",
            StoppedFirewall => "next_hop_down",
            SilentFirewall => "next_hop_not_forwarding",
            MisroutedReply => "misrouted",
        }
    }

    /// Whether packets of IPv6 can meet it: their ranges never overlap (V6-1).
    pub fn exists_over_ipv6(self) -> bool {
        !matches!(self, ShadowingSubnet | MisroutedReply)
    }

    /// How the two VPCs are joined.
    fn form(self) -> Form {
        match self {
            NoRouteOnward | NoRouteBack | Loop => Form::Transit,
            CheckedFirewall | StoppedFirewall | SilentFirewall | FirewallInDefaultTable => Form::Firewall,
            _ => Form::Direct,
        }
    }
}

/// How packets come from the first VPC to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// By a peering.
    Direct,
    /// By a third VPC.
    Transit,
    /// By an instance in a third VPC.
    Firewall,
}

/// A network with its fault, and who asks whom.
#[derive(Clone, Debug)]
pub struct Case {
    pub fault: Fault,
    pub from: String,
    pub to: String,
    /// The address of the one who is asked.
    pub address: String,
    /// As the command line writes it: `icmp`, `tcp/8080`.
    pub flow: &'static str,
    /// A server to be stopped.
    pub stopped: Option<String>,
}

/// The sections of a document.
#[derive(Default)]
pub struct Sections(BTreeMap<&'static str, String>);

impl Sections {
    fn add(&mut self, key: &'static str, item: &str) {
        writeln!(self.0.entry(key).or_default(), "- {{{item}}}").unwrap();
    }

    pub fn yaml(&self) -> String {
        self.0.iter().map(|(key, body)| format!("{key}:\n{body}")).collect()
    }
}

/// The three VPCs of a network: first, second, and the one in between.
const ENDS: [&str; 3] = ["a", "b", "h"];

/// A network being written.
struct Net<'a> {
    sections: &'a mut Sections,
    number: usize,
    fault: Fault,
    /// Packets of IPv6.
    six: bool,
}

/// Adds a network of its own with a fault, which packets of IPv6 (`six`) or IPv4 meet; `number` is another one each
/// time, below 80.
pub fn add(sections: &mut Sections, random: &mut Random, number: usize, fault: Fault, six: bool) -> Case {
    let flow = random.of(&["icmp", "tcp/8080", "udp/53"]);
    let mut net = Net { sections, number, fault, six };
    net.vpcs();
    net.groups();
    net.acls();
    match fault.form() {
        Form::Direct => net.direct(random),
        Form::Transit => net.transit(),
        Form::Firewall => net.firewall(),
    }
    let address = net.address("b");
    let stopped = match fault {
        StoppedTarget => Some(net.server("b")),
        StoppedFirewall => Some(net.server("h")),
        _ => None,
    };
    Case { fault, from: net.server("a"), to: net.server("b"), address, flow, stopped }
}

impl Net<'_> {
    fn server(&self, end: &str) -> String {
        format!("s{end}{}", self.number)
    }

    fn place(&self, end: &str) -> usize {
        self.number * 3 + ENDS.iter().position(|other| *other == end).unwrap()
    }

    /// As [`Self::place`], for IPv4: ranges may be the same there.
    fn place_v4(&self, end: &str) -> usize {
        if self.fault == MisroutedReply && end == "h" { self.place("a") } else { self.place(end) }
    }

    /// The range of a VPC's subnet, in the family of the packets.
    fn subnet(&self, end: &str) -> String {
        match self.six {
            true => format!("2407:c080:900:{:x}::/64", self.place(end)),
            false => format!("10.{}.0.0/24", self.place_v4(end)),
        }
    }

    /// What routes to a VPC name.
    fn range(&self, end: &str) -> String {
        if self.six { self.subnet(end) } else { format!("10.{}.0.0/16", self.place_v4(end)) }
    }

    fn address(&self, end: &str) -> String {
        match self.six {
            true => format!("2407:c080:900:{:x}::10", self.place(end)),
            false => format!("10.{}.0.10", self.place_v4(end)),
        }
    }

    fn everything(&self) -> &'static str {
        if self.six { "::/0" } else { "0.0.0.0/0" }
    }

    fn version(&self) -> u8 {
        if self.six { 6 } else { 4 }
    }

    fn vpcs(&mut self) {
        for end in ENDS {
            let (n, place, v4) = (self.number, self.place(end), self.place_v4(end));
            let foreign = end == "b" && matches!(self.fault, PendingPeering | RejectedPeering);
            let account = if foreign { ", account: acct-b" } else { "" };
            let shadow = end == "a" && self.fault == ShadowingSubnet;
            let second = if shadow { format!(", 10.{}.0.0/16", self.place("b")) } else { String::new() };
            self.sections.add("vpcs", &format!("name: v{end}{n}, cidrs: [10.{v4}.0.0/16{second}]{account}"));
            let cidr6 = format!("cidr6: \"2407:c080:900:{place:x}::/64\"");
            self.sections.add("subnets", &format!("name: n{end}{n}, vpc: v{end}{n}, cidr: 10.{v4}.0.0/24, {cidr6}"));
            if shadow {
                let cidr = format!("10.{}.0.0/24", self.place("b"));
                self.sections.add("subnets", &format!("name: shadow{n}, vpc: v{end}{n}, cidr: {cidr}"));
            }
            let group = if self.has_group(end) { format!(", sgs: [g{n}]") } else { String::new() };
            let (kind, check) = match (end, self.fault) {
                ("h", CheckedFirewall) => ("firewall", ""),
                ("h", SilentFirewall) => ("ecs", ", src_dst_check: false"),
                ("h", _) => ("firewall", ", src_dst_check: false"),
                _ => ("ecs", ""),
            };
            let addresses = format!("ip: 10.{v4}.0.10, ip6: \"2407:c080:900:{place:x}::10\"");
            let server = self.server(end);
            self.sections.add(
                "workloads",
                &format!("name: {server}, subnet: n{end}{n}, {addresses}, kind: {kind}{check}{group}"),
            );
        }
    }

    fn has_group(&self, end: &str) -> bool {
        match self.fault {
            NoRuleIn | DenyRule => end == "b",
            NoRuleOut => end == "a",
            _ => false,
        }
    }

    fn groups(&mut self) {
        let (version, everything) = (self.version(), self.everything());
        let out = format!("{{dir: out, version: {version}, remote: \"{everything}\"}}");
        let into = format!("{{dir: in, priority: 10, version: {version}, remote: \"{everything}\"}}");
        let rules = match self.fault {
            NoRuleIn => out,
            NoRuleOut => into,
            DenyRule => {
                let from = self.subnet("a");
                format!("{out}, {into}, {{dir: in, action: deny, priority: 5, version: {version}, remote: \"{from}\"}}")
            }
            _ => return,
        };
        self.sections.add("security_groups", &format!("name: g{}, rules: [{rules}]", self.number));
    }

    fn acls(&mut self) {
        let (version, everything) = (self.version(), self.everything());
        let rule = |dir: &str, action: &str, priority: u8, source: &str, destination: &str| {
            format!(
                "{{dir: {dir}, action: {action}, priority: {priority}, version: {version}, source: \"{source}\", destination: \"{destination}\"}}"
            )
        };
        let all = [rule("in", "allow", 8, everything, everything), rule("out", "allow", 9, everything, everything)]
            .join(", ");
        let (end, rules) = match self.fault {
            EmptyAcl => ("b", String::new()),
            AclDeniesIn => ("b", format!("{}, {all}", rule("in", "deny", 3, &self.subnet("a"), everything))),
            AclDeniesOut => ("a", format!("{}, {all}", rule("out", "deny", 3, everything, &self.subnet("b")))),
            _ => return,
        };
        let n = self.number;
        self.sections.add("network_acls", &format!("name: acl{n}, subnets: [n{end}{n}], rules: [{rules}]"));
    }

    fn peering(&mut self, one: &str, other: &str, status: &str) {
        let n = self.number;
        self.sections
            .add("peerings", &format!("name: p{one}{other}{n}, local: v{one}{n}, peer: v{other}{n}, status: {status}"));
    }

    fn route(&mut self, table: &str, destination: &str, kind: &str, next_hop: &str) {
        let item =
            format!("table: {table}, destination: \"{destination}\", next_hop_type: {kind}, next_hop: {next_hop}");
        self.sections.add("routes", &item);
    }

    /// A route of a VPC's default table to another VPC by a peering.
    fn towards(&mut self, from: &str, to: &str, peering: &str) {
        let (table, destination) = (format!("rtb-v{from}{}", self.number), self.range(to));
        self.route(&table, &destination, "peering", &format!("p{peering}{}", self.number));
    }

    fn direct(&mut self, random: &mut Random) {
        let n = self.number;
        let status = match self.fault {
            NoPeering => return,
            PendingPeering => "PENDING_ACCEPTANCE",
            RejectedPeering => "REJECTED",
            _ => "ACTIVE",
        };
        self.peering("a", "b", status);
        match self.fault {
            NoRoute => {}
            WrongNextHop => {
                self.peering("a", "h", "ACTIVE");
                self.towards("a", "b", "ah");
            }
            WrongLongerRoute => {
                self.peering("a", "h", "ACTIVE");
                self.towards("a", "b", "ab");
                let one = format!("{}/{}", self.address("b"), if self.six { 128 } else { 32 });
                let narrow = if self.six || random.percent(50) { one } else { self.subnet("b") };
                self.route(&format!("rtb-va{n}"), &narrow, "peering", &format!("pah{n}"));
            }
            _ => self.towards("a", "b", "ab"),
        }
        if self.fault == EmptyCustomTable {
            self.sections.add("route_tables", &format!("name: empty{n}, vpc: va{n}, subnets: [na{n}]"));
        }
        match self.fault {
            NoReturnRoute => {}
            MisroutedReply => {
                self.peering("h", "b", "ACTIVE");
                self.towards("b", "h", "hb");
            }
            _ => self.towards("b", "a", "ab"),
        }
    }

    fn transit(&mut self) {
        self.peering("a", "h", "ACTIVE");
        self.peering("h", "b", "ACTIVE");
        self.towards("a", "b", "ah");
        self.towards("b", "a", "hb");
        match self.fault {
            NoRouteOnward => {}
            Loop => self.towards("h", "b", "ah"),
            _ => self.towards("h", "b", "hb"),
        }
        if self.fault != NoRouteBack {
            self.towards("h", "a", "ah");
        }
    }

    fn firewall(&mut self) {
        let n = self.number;
        self.peering("a", "h", "ACTIVE");
        self.peering("h", "b", "ACTIVE");
        self.towards("a", "b", "ah");
        self.towards("b", "a", "hb");
        let (firewall, onward) = (self.server("h"), format!("onward{n}"));
        if self.fault != FirewallInDefaultTable {
            self.sections.add("route_tables", &format!("name: {onward}, vpc: vh{n}, subnets: [nh{n}]"));
        }
        for (end, peering) in [("a", "ah"), ("b", "hb")] {
            let range = self.range(end);
            self.route(&format!("rtb-vh{n}"), &range, "ecs", &firewall);
            if self.fault != FirewallInDefaultTable {
                self.route(&onward, &range, "peering", &format!("p{peering}{n}"));
            }
        }
    }
}
