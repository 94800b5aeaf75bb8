//! What a port can be given beside addresses and groups: a lease of its own, a way past the rules, a VLAN.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::PortId;

/// The longest lease that has an end, in hours (api-vpc §6.1).
pub const MAX_LEASE_HOURS: u16 = 30_000;

/// The name of the only DHCP option that a port can be given: the lease time (api-vpc §6.1).
pub const LEASE_OPTION: &str = "51";

/// A lease time as it was given: `<n>h` with n from 1 to [`MAX_LEASE_HOURS`], or `-1` or `-1h` for a lease without end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseTime(String);

impl LeaseTime {
    /// The hours; `None` for a lease without end.
    #[must_use]
    pub fn hours(&self) -> Option<u16> {
        self.0.strip_suffix('h').and_then(|hours| hours.parse().ok())
    }
}

impl fmt::Display for LeaseTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LeaseTime {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_suffix('h').filter(|hours| hours.bytes().all(|byte| byte.is_ascii_digit()));
        let hours = digits.and_then(|hours| hours.parse::<u16>().ok());
        if matches!(text, "-1" | "-1h") || hours.is_some_and(|hours| (1..=MAX_LEASE_HOURS).contains(&hours)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("-1 or 1h to {MAX_LEASE_HOURS}h is expected"))
        }
    }
}

impl Serialize for LeaseTime {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LeaseTime {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// As many service ports has a profile at most, TCP and UDP together (api-vpc §6.3).
pub const MAX_SERVICE_PORTS: usize = 15;

/// Ways past the rules: `binding:profile` (api-vpc §6.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortProfile {
    /// Neither security groups nor the subnet's network ACL apply to the port. Only set when it is made.
    pub disable_security_groups: bool,
    /// TCP ports of the port that everyone may open, past security groups and network ACL; as given.
    pub tcp_service_ports: Vec<u16>,
    /// The same for UDP.
    pub udp_service_ports: Vec<u16>,
}

impl PortProfile {
    /// Whether some packets go past the rules of a port that has rules.
    #[must_use]
    pub fn has_service_ports(&self) -> bool {
        !(self.tcp_service_ports.is_empty() && self.udp_service_ports.is_empty())
    }
}

/// The VLANs that a supplementary interface can have (api-vpc §11).
pub const VLANS: std::ops::RangeInclusive<u16> = 1..=4094;

/// What makes a port a supplementary network interface (api-vpc §11): its frames are those of another port's interface
/// that carry a VLAN tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplementary {
    /// Where it is attached; `None` while it is detached.
    #[serde(default)]
    pub parent: Option<ParentInterface>,
}

/// The interface that carries a supplementary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentInterface {
    /// The port of the interface.
    pub port: PortId,
    /// VLAN id of the frames, unique at the port: of [`VLANS`].
    pub vlan: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// api-vpc §6.1: both ways to write a lease without end, and its limits.
    #[test]
    fn a_lease_has_hours_or_no_end() {
        let hours = |text: &str| text.parse::<LeaseTime>().map(|lease| lease.hours());
        assert_eq!(hours("1h"), Ok(Some(1)));
        assert_eq!(hours("30000h"), Ok(Some(30_000)));
        assert_eq!(hours("-1"), Ok(None));
        assert_eq!(hours("-1h"), Ok(None));
        for text in ["", "h", "0h", "30001h", "+5h", "5", "-2h", "5d", "1 h"] {
            assert!(hours(text).is_err(), "{text}");
        }
    }

    /// What was given is shown again, and kept as it was.
    #[test]
    fn a_lease_is_kept_as_it_was_given() {
        for text in ["-1", "-1h", "24h"] {
            let lease: LeaseTime = text.parse().unwrap_or_else(|error| panic!("{error}"));
            let stored = serde_json::to_string(&lease).unwrap_or_default();
            assert_eq!(stored, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<LeaseTime>(&stored).ok(), Some(lease));
        }
        assert!(serde_json::from_str::<LeaseTime>("\"0h\"").is_err());
    }
}
