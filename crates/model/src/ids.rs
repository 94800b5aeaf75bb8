//! Identifiers, one type for each kind of object: mixing them up does not compile.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// A string that is not an identifier of the wanted form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind} id: {expected} expected")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// The kind of object.
    pub kind: &'static str,
    /// The form that was expected.
    pub expected: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $form:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with these bits.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self { Self(uuid) }
            /// The id's bits.
            #[must_use]
            pub const fn uuid(self) -> Uuid { self.0 }
            /// The first eight bytes: how the forwarding tables name the object.
            #[must_use]
            pub const fn table_id(self) -> [u8; 8] {
                let b = self.0.as_bytes();
                [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { id!(@write $form, self, f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!(stringify!($name), "({})"), self) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { id!(@parse $form, $kind, text).map(Self) }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(self) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
    (@write dashed, $self:ident, $f:ident) => { write!($f, "{}", $self.0.hyphenated()) };
    (@write plain, $self:ident, $f:ident) => { write!($f, "{}", $self.0.simple()) };
    (@parse dashed, $kind:literal, $text:ident) => { parse($text, $kind, 36, "a UUID with dashes, lower case,") };
    (@parse plain, $kind:literal, $text:ident) => { parse($text, $kind, 32, "32 lower-case hexadecimal digits") };
}

fn parse(text: &str, kind: &'static str, length: usize, expected: &'static str) -> Result<Uuid, IdError> {
    let error = || IdError { text: text.chars().take(64).collect(), kind, expected };
    if text.len() != length || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(error());
    }
    Uuid::try_parse(text).map_err(|_| error())
}

id!(
    /// A VPC (API: router id in the Neutron views).
    VpcId, "VPC", dashed
);
id!(
    /// A subnet: the network id of api-vpc §5.1.
    SubnetId, "subnet", dashed
);
id!(
    /// A route table.
    RouteTableId, "route table", dashed
);
id!(
    /// A custom route (API: legacy route id).
    RouteId, "route", dashed
);
id!(
    /// A peering connection.
    PeeringId, "peering connection", dashed
);
id!(
    /// A security group.
    SecurityGroupId, "security group", dashed
);
id!(
    /// A security group rule.
    SecurityGroupRuleId, "security group rule", dashed
);
id!(
    /// A network ACL (API: firewall, firewall group).
    NetworkAclId, "network ACL", dashed
);
id!(
    /// The ordered rules of one direction of network ACLs (API: firewall policy).
    NetworkAclPolicyId, "network ACL policy", dashed
);
id!(
    /// A network ACL rule (API: firewall rule).
    NetworkAclRuleId, "network ACL rule", dashed
);
id!(
    /// An IP address group.
    AddressGroupId, "address group", dashed
);
id!(
    /// A reserved part of a subnet (API: subnet CIDR reservation).
    CidrReservationId, "CIDR reservation", dashed
);
id!(
    /// A port: the attachment of a workload to a subnet.
    PortId, "port", dashed
);
id!(
    /// A server: a workload.
    ServerId, "server", dashed
);
id!(
    /// An account (API: domain).
    AccountId, "account", plain
);
id!(
    /// A project: the part of an account in one region (API: project or tenant).
    ProjectId, "project", plain
);
id!(
    /// A user of an account.
    UserId, "user", plain
);
id!(
    /// A policy (API: role).
    PolicyId, "policy", plain
);

id!(
    /// An event of the audit log: a UUID of version 7, so that ids ascend with time.
    EventId, "event", dashed
);

impl EventId {
    /// An id of this time, with chance for the rest.
    #[must_use]
    pub fn at(time: Timestamp, chance: Uuid) -> Self {
        let [.., a, b, c, d, e, f, g, h, i, j] = *chance.as_bytes();
        let millis = u64::try_from(time.unix_seconds()).unwrap_or(0).saturating_mul(1000);
        let random = [a, b, c, d, e, f, g, h, i, j];
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The smallest bits that an id of this time can have.
    #[must_use]
    pub fn first_of(time: Timestamp) -> u128 {
        u128::from(u64::try_from(time.unix_seconds()).unwrap_or(0).saturating_mul(1000)) << 80
    }

    /// The time in the id.
    #[must_use]
    pub fn time(self) -> Timestamp {
        let millis = u64::try_from(self.0.as_u128() >> 80).unwrap_or(u64::MAX);
        Timestamp::from_unix_seconds(i64::try_from(millis / 1000).unwrap_or(i64::MAX))
    }
}

/// The public half of an access key: 20 characters `[A-Z0-9]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessKeyId(pub String);

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A virtual network identifier: 24 bits, never 0. Names a VPC, or a peering entered from one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vni(u32);

impl Vni {
    /// The largest VNI.
    pub const MAX: u32 = (1 << 24) - 1;

    /// The VNI with this number; `None` for 0 and for numbers of more than 24 bits.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number == 0 || number > Self::MAX { None } else { Some(Self(number)) }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
mod tests {
    use super::*;

    #[test]
    fn project_ids_have_no_dashes_and_vpc_ids_have() {
        let plain = "0605767a9980d5792f4fc00ce5a7a1f1";
        assert_eq!(plain.parse::<ProjectId>().unwrap().to_string(), plain);
        assert!(plain.parse::<VpcId>().is_err());
        let dashed = "0605767a-9980-4579-8f4f-c00ce5a7a1f1";
        assert_eq!(dashed.parse::<VpcId>().unwrap().to_string(), dashed);
        assert!(dashed.to_uppercase().parse::<VpcId>().is_err());
    }
}
