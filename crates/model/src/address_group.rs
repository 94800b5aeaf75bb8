//! IP address groups: named lists of addresses that rules refer to (api-vpc section 10).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use serde::{Deserialize, Serialize};

use crate::{AddressGroupId, IpVersion, ProjectId, RegionId, Tags, Timestamp};

/// A list of addresses of one family. Security group rules and network ACL rules name it in place of a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressGroup {
    /// Its id.
    pub id: AddressGroupId,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// Name; need not be unique.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Enterprise project, `"0"` for the default one.
    pub enterprise_project_id: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// Family of all its addresses; never changes.
    pub version: IpVersion,
    /// The addresses, in the order given.
    pub addresses: Vec<AddressEntry>,
    /// How many entries it may have.
    pub max_capacity: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl AddressGroup {
    /// The addresses as ranges, ascending and without overlap; empty for an empty group, which matches nothing.
    #[must_use]
    pub fn ranges(&self) -> Vec<IpNet> {
        let nets: Vec<IpNet> = self.addresses.iter().flat_map(|entry| entry.range.nets()).collect();
        IpNet::aggregate(&nets)
    }
}

/// One entry of an address group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressEntry {
    /// As the user spelled it.
    pub text: String,
    /// What it stands for.
    pub range: AddressRange,
    /// Free text.
    pub remarks: String,
}

/// An inclusive range of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// A text that is no address, range or CIDR block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRangeError {
    /// None of the three forms.
    #[error("`{0}` is not an address, a range such as 10.0.0.1-10.0.0.9 or a CIDR block such as 10.0.0.0/24")]
    Syntax(String),
    /// The two ends are not of one family.
    #[error("`{0}` begins and ends with addresses of different IP versions")]
    Mixed(String),
    /// The last address comes before the first.
    #[error("`{0}` ends before it begins")]
    Backwards(String),
}

impl AddressRange {
    /// First address.
    #[must_use]
    pub fn first(self) -> IpAddr {
        self.first
    }

    /// Last address.
    #[must_use]
    pub fn last(self) -> IpAddr {
        self.last
    }

    /// The family.
    #[must_use]
    pub fn version(self) -> IpVersion {
        if self.first.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 }
    }

    /// The fewest prefixes that cover exactly the range, ascending.
    #[must_use]
    pub fn nets(self) -> Vec<IpNet> {
        match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect(),
            (IpAddr::V6(first), IpAddr::V6(last)) => Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect(),
            // Cannot be made by parsing; of a damaged record nothing matches.
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Vec::new(),
        }
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    /// An address, `first-last`, or a CIDR block, whose bits behind the prefix do not matter.
    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let shown = || text.chars().take(96).collect::<String>();
        if let Some((first, last)) = text.split_once('-') {
            let address = |part: &str| part.trim().parse::<IpAddr>().map_err(|_| AddressRangeError::Syntax(shown()));
            let (first, last) = (address(first)?, address(last)?);
            return if first.is_ipv4() != last.is_ipv4() {
                Err(AddressRangeError::Mixed(shown()))
            } else if last < first {
                Err(AddressRangeError::Backwards(shown()))
            } else {
                Ok(Self { first, last })
            };
        }
        let net: IpNet = match text.parse::<IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => text.parse().map_err(|_| AddressRangeError::Syntax(shown()))?,
        };
        Ok(Self { first: net.network(), last: net.broadcast() })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { self.first.fmt(f) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
mod tests {
    use super::*;

    fn nets(text: &str) -> Vec<String> {
        text.parse::<AddressRange>().unwrap().nets().iter().map(ToString::to_string).collect()
    }

    /// SG-1, api-vpc section 10: the three spellings of an entry.
    #[test]
    fn entries_are_addresses_ranges_and_cidr_blocks_of_both_families() {
        assert_eq!(nets("10.0.0.7"), ["10.0.0.7/32"]);
        assert_eq!(nets("10.0.0.9/24"), ["10.0.0.0/24"]);
        assert_eq!(nets("10.0.0.1-10.0.0.4"), ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32"]);
        assert_eq!(nets("0.0.0.0-255.255.255.255"), ["0.0.0.0/0"]);
        assert_eq!(nets("2001:db8::1"), ["2001:db8::1/128"]);
        assert_eq!(nets("2001:DB8::/32"), ["2001:db8::/32"]);
        assert_eq!(nets("2001:db8::2-2001:db8::4"), ["2001:db8::2/127", "2001:db8::4/128"]);
    }

    #[test]
    fn malformed_mixed_and_backward_ranges_are_refused() {
        for text in ["", "-", "10.0.0", "10.0.0.1-", "10.0.0.0/33", "10.0.0.1-10.0.0.2-10.0.0.3", "web"] {
            assert!(matches!(text.parse::<AddressRange>(), Err(AddressRangeError::Syntax(_))), "{text}");
        }
        assert!(matches!("10.0.0.1-::1".parse::<AddressRange>(), Err(AddressRangeError::Mixed(_))));
        assert!(matches!("10.0.0.2-10.0.0.1".parse::<AddressRange>(), Err(AddressRangeError::Backwards(_))));
    }

    #[test]
    fn the_longest_range_of_either_family_is_covered_by_few_prefixes() {
        assert_eq!(nets("0.0.0.1-255.255.255.254").len(), 62);
        assert_eq!(nets("::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe").len(), 254);
    }
}
