//! What the store keeps: one record for each object, under a key that names its kind and id.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{
    AccessKey, Account, AddressGroup, CidrReservation, Claim, Network, NetworkAcl, NetworkAclPolicy, NetworkAclRule,
    Peering, Policy, Port, Project, Route, RouteTable, SecurityGroup, Server, Subnet, Token, User, Vpc,
};

/// A stored record that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The key's first part names no kind of object.
    #[error("key `{0}` names no known kind of object")]
    UnknownKind(String),
    /// The value does not have the form of its kind.
    #[error("record `{key}` cannot be read")]
    Malformed {
        /// Its key.
        key: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

macro_rules! records {
    ($($kind:ident $prefix:literal $id:ident,)*) => {
        /// A kind of object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "each is the type of the same name")]
        pub enum Kind { $($kind,)* }

        impl Kind {
            /// The first part of the keys of this kind.
            #[must_use]
            pub const fn prefix(self) -> &'static str {
                match self { $(Kind::$kind => $prefix,)* }
            }

            /// The kind with this prefix.
            #[must_use]
            pub fn from_prefix(prefix: &str) -> Option<Self> {
                match prefix { $($prefix => Some(Kind::$kind),)* _ => None }
            }
        }

        /// An object with its kind.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is the type of the same name")]
        pub enum Record { $($kind($kind),)* }

        impl Record {
            /// The kind of the object.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Record::$kind(_) => Kind::$kind,)* }
            }

            /// The key that the object is stored under: `<kind>/<id>`.
            #[must_use]
            pub fn key(&self) -> String {
                match self { $(Record::$kind(object) => format!(concat!($prefix, "/{}"), object.$id),)* }
            }

            /// The stored form: JSON.
            ///
            /// # Errors
            /// [`RecordError::Malformed`] if the object cannot be written as JSON.
            pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
                match self { $(Record::$kind(object) => serde_json::to_vec(object),)* }
                    .map_err(|source| RecordError::Malformed { key: self.key(), source })
            }

            /// Reads the stored form back.
            ///
            /// # Errors
            /// [`RecordError`] for an unknown kind or a value of another form.
            pub fn decode(key: &str, value: &[u8]) -> Result<Self, RecordError> {
                let prefix = key.split('/').next().unwrap_or_default();
                match Kind::from_prefix(prefix) {
                    $(Some(Kind::$kind) => read(key, value).map(Record::$kind),)*
                    None => Err(RecordError::UnknownKind(key.to_owned())),
                }
            }
        }

        $(impl From<$kind> for Record {
            fn from(object: $kind) -> Self { Record::$kind(object) }
        })*
    };
}

fn read<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, RecordError> {
    serde_json::from_slice(value).map_err(|source| RecordError::Malformed { key: key.to_owned(), source })
}

records! {
    Account "account" id,
    Project "project" id,
    User "user" id,
    AccessKey "access-key" id,
    Token "token" hash,
    Vpc "vpc" id,
    Subnet "subnet" id,
    RouteTable "route-table" id,
    Route "route" id,
    Peering "peering" id,
    SecurityGroup "security-group" id,
    NetworkAcl "network-acl" id,
    NetworkAclPolicy "network-acl-policy" id,
    NetworkAclRule "network-acl-rule" id,
    AddressGroup "address-group" id,
    Port "port" id,
    Server "server" id,
    Claim "claim" name,
    Network "network" id,
    CidrReservation "cidr-reservation" id,
    Policy "policy" id,
}
