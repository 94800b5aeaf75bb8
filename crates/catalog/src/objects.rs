//! One table for each kind of record, and the way from a record or its key to the right one.

use std::sync::Arc;

use model::{
    AccessKey, AccessKeyId, Account, AccountId, AddressGroup, AddressGroupId, CidrReservation, CidrReservationId,
    Claim, Kind, Network, NetworkAcl, NetworkAclId, NetworkAclPolicy, NetworkAclPolicyId, NetworkAclRule,
    NetworkAclRuleId, Peering, PeeringId, Policy, PolicyId, Port, PortId, Project, ProjectId, Record, Route, RouteId,
    RouteTable, RouteTableId, SecurityGroup, SecurityGroupId, Server, ServerId, Subnet, SubnetId, Token, User, UserId,
    Vpc, VpcId,
};
use store::Revision;

use crate::index::Table;

/// The id part of a record's key.
trait KeyId: Sized {
    fn from_key(text: &str) -> Option<Self>;
}

macro_rules! objects {
    ($($kind:ident $table:ident $id:ident $field:ident,)*) => {
        /// Every object by its id.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct Objects { $(pub(crate) $table: Table<$id, $kind>,)* }

        impl Objects {
            /// Puts an object in; returns the one that it replaces.
            pub(crate) fn put(&mut self, record: Record, revision: Revision) -> Option<Record> {
                match record {
                    $(Record::$kind(object) => {
                        let id = object.$field.clone();
                        self.$table.put(id, Arc::new(object), revision).map(|old| Record::$kind(Arc::unwrap_or_clone(old)))
                    })*
                }
            }

            /// Takes an object out by its key.
            pub(crate) fn remove(&mut self, key: &str) -> Option<Record> {
                let (kind, id) = split(key)?;
                match kind {
                    $(Kind::$kind => {
                        self.$table.remove(&$id::from_key(id)?).map(|old| Record::$kind(Arc::unwrap_or_clone(old)))
                    })*
                }
            }

            /// Sets the revision of the last write of a record, if there is one.
            pub(crate) fn touch(&mut self, key: &str, revision: Revision) {
                let Some((kind, id)) = split(key) else { return };
                match kind {
                    $(Kind::$kind => {
                        if let Some(id) = $id::from_key(id) {
                            self.$table.touch(&id, revision);
                        }
                    })*
                }
            }

            /// The object with a key.
            pub(crate) fn record(&self, key: &str) -> Option<Record> {
                let (kind, id) = split(key)?;
                match kind {
                    $(Kind::$kind => {
                        self.$table.object(&$id::from_key(id)?).map(|object| Record::$kind(object.as_ref().clone()))
                    })*
                }
            }

            /// The revision of the last write of a record.
            pub(crate) fn revision(&self, key: &str) -> Option<Revision> {
                let (kind, id) = split(key)?;
                match kind { $(Kind::$kind => self.$table.revision(&$id::from_key(id)?),)* }
            }

            /// The number of objects of all kinds.
            pub(crate) fn len(&self) -> usize {
                0 $(+ self.$table.len())*
            }
        }
    };
}

macro_rules! parsed {
    ($($id:ident)*) => {
        $(impl KeyId for $id {
            fn from_key(text: &str) -> Option<Self> { text.parse().ok() }
        })*
    };
}
parsed!(
    AccountId ProjectId UserId VpcId SubnetId RouteTableId RouteId PeeringId SecurityGroupId NetworkAclId
    NetworkAclPolicyId NetworkAclRuleId AddressGroupId PortId ServerId CidrReservationId String PolicyId
);

impl KeyId for AccessKeyId {
    fn from_key(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

fn split(key: &str) -> Option<(Kind, &str)> {
    let (prefix, id) = key.split_once('/')?;
    Some((Kind::from_prefix(prefix)?, id))
}

objects! {
    Account accounts AccountId id,
    Project projects ProjectId id,
    User users UserId id,
    AccessKey access_keys AccessKeyId id,
    Token tokens String hash,
    Vpc vpcs VpcId id,
    Subnet subnets SubnetId id,
    RouteTable route_tables RouteTableId id,
    Route routes RouteId id,
    Peering peerings PeeringId id,
    SecurityGroup security_groups SecurityGroupId id,
    NetworkAcl network_acls NetworkAclId id,
    NetworkAclPolicy network_acl_policies NetworkAclPolicyId id,
    NetworkAclRule network_acl_rules NetworkAclRuleId id,
    AddressGroup address_groups AddressGroupId id,
    Port ports PortId id,
    Server servers ServerId id,
    Claim claims String name,
    Network networks SubnetId id,
    CidrReservation cidr_reservations CidrReservationId id,
    Policy policies PolicyId id,
}
