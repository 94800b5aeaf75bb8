//! Ports: the attachments of workloads to subnets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    LeaseTime, ParentInterface, PortId, PortProfile, ProjectId, RegionId, SecurityGroupId, ServerId, SubnetId,
    Supplementary, Tags, Timestamp, VpcId,
};

/// A hardware address, written `fa:16:3e:xx:xx:xx`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MacAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut mac = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut mac {
            let part = parts.next().filter(|p| p.len() == 2).ok_or_else(|| format!("`{text}` is not a MAC address"))?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| format!("`{text}` is not a MAC address"))?;
        }
        match parts.next() {
            None => Ok(Self(mac)),
            Some(_) => Err(format!("`{text}` is not a MAC address")),
        }
    }
}

impl Serialize for MacAddress {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MacAddress {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The address pair that turns the source/destination check off (api-vpc §6.1).
pub const CHECK_OFF_PAIR: &str = "1.1.1.1/0";

/// `device_owner` of a virtual IP's port (api-vpc §6.2).
pub const VIP_OWNER: &str = "neutron:VIP_PORT";

/// `device_owner` of a supplementary network interface (api-vpc §11).
pub const SUPPLEMENTARY_OWNER: &str = "compute:subeni";

/// An extra address that a port may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPair {
    /// Address or range, as given.
    pub ip_address: String,
    /// Hardware address; the port's when `None`.
    pub mac_address: Option<MacAddress>,
}

impl AddressPair {
    /// The pair of one address, with the port's own hardware address.
    #[must_use]
    pub fn of(address: impl ToString) -> Self {
        Self { ip_address: address.to_string(), mac_address: None }
    }

    /// Whether it is no address but the switch that turns the source/destination check off ([`CHECK_OFF_PAIR`]).
    #[must_use]
    pub fn turns_check_off(&self) -> bool {
        self.ip_address == CHECK_OFF_PAIR
    }

    /// The addresses that it names, without host bits; `None` for [`CHECK_OFF_PAIR`] and for what is no address.
    #[must_use]
    pub fn range(&self) -> Option<IpNet> {
        if self.turns_check_off() {
            return None;
        }
        let range = self.ip_address.parse().ok().or_else(|| self.ip_address.parse::<IpAddr>().ok().map(IpNet::from));
        range.map(|range: IpNet| range.trunc())
    }

    /// The one address that it names; `None` when it names none or a range of several.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.range().filter(|range| range.prefix_len() == range.max_prefix_len()).map(|range| range.addr())
    }
}

/// A port. One for each address that is in use in a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Its id.
    pub id: PortId,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// The subnet.
    pub subnet: SubnetId,
    /// The subnet's VPC.
    pub vpc: VpcId,
    /// Name, 0 to 255 characters.
    pub name: String,
    /// Hardware address, unique in the installation.
    pub mac: MacAddress,
    /// IPv4 address.
    pub ipv4: Ipv4Addr,
    /// IPv6 address, on a dual-stack subnet.
    pub ipv6: Option<Ipv6Addr>,
    /// Security groups in order (rule SG-3).
    pub security_groups: Vec<SecurityGroupId>,
    /// The source/destination check (rule CHK-1).
    pub source_dest_check: bool,
    /// Extra addresses as the API shows them.
    pub allowed_address_pairs: Vec<AddressPair>,
    /// The server it is attached to.
    pub server: Option<ServerId>,
    /// Which of the server's interfaces it is: 0 for the primary one, `eth0` in the workload.
    #[serde(default)]
    pub device_index: u8,
    /// `""`, `neutron:VIP_PORT`, `compute:<zone>` …
    pub device_owner: String,
    /// A virtual IP's holder: the bound port that claimed it last (rule VIP-3). `None` for every other port.
    #[serde(default)]
    pub holder: Option<PortId>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// Off: neither security groups nor the checks against forged addresses apply (rule CHK-8; api-vpc §6.1).
    #[serde(default = "on")]
    pub port_security_enabled: bool,
    /// Ways past the rules (api-vpc §6.3).
    #[serde(default)]
    pub profile: PortProfile,
    /// Lease time of its addresses; the subnet's when `None` (rule L2-5; api-vpc §6.1).
    #[serde(default)]
    pub lease: Option<LeaseTime>,
    /// Description of a supplementary interface; empty for every other port.
    #[serde(default)]
    pub description: String,
    /// Set for a supplementary network interface (api-vpc §11). Its `server` and `device_index` are those of the port
    /// that it is attached to.
    #[serde(default)]
    pub supplementary: Option<Supplementary>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a flag is in records from before there was one.
const fn on() -> bool {
    true
}

impl Port {
    /// Whether its source and destination addresses are checked (rules CHK-1, CHK-8).
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.source_dest_check && self.port_security_enabled
    }

    /// Whether its security groups have a say (rules SG-1, SG-13).
    #[must_use]
    pub fn has_security_groups(&self) -> bool {
        self.port_security_enabled && !self.profile.disable_security_groups
    }

    /// Whether it is a supplementary network interface, attached or not.
    #[must_use]
    pub fn is_supplementary(&self) -> bool {
        self.supplementary.is_some()
    }

    /// The interface that carries it, if it is a supplementary one and attached.
    #[must_use]
    pub fn parent(&self) -> Option<ParentInterface> {
        self.supplementary.as_ref().and_then(|supplementary| supplementary.parent)
    }

    /// Whether it is a virtual IP: an address that no server owns (rule VIP-1).
    #[must_use]
    pub fn is_vip(&self) -> bool {
        self.device_owner == VIP_OWNER
    }

    /// Its own addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        std::iter::once(IpAddr::V4(self.ipv4)).chain(self.ipv6.map(IpAddr::V6))
    }

    /// A virtual IP's bindings: the addresses of ports that it is bound to (rule VIP-1; api-vpc §6.2). Empty for every
    /// other port.
    pub fn bindings(&self) -> impl Iterator<Item = IpAddr> {
        let pairs = if self.is_vip() { self.allowed_address_pairs.as_slice() } else { &[] };
        pairs.iter().filter_map(AddressPair::address)
    }
}
