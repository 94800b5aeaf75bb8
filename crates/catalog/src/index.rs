//! The two building blocks of the catalog: objects by id, and sets of pairs that answer "which ones belong to this".

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use model::{
    AccessKeyId, AccountId, AddressGroupId, CidrReservationId, NetworkAclId, NetworkAclPolicyId, NetworkAclRuleId,
    PeeringId, PolicyId, PortId, ProjectId, RouteId, RouteTableId, SecurityGroupId, ServerId, SubnetId, UserId, VpcId,
};
use store::Revision;
use uuid::Uuid;

/// Objects by id, each with the revision of its last write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table<K: Ord + Clone, T>(OrdMap<K, (Arc<T>, Revision)>);

impl<K: Ord + Clone, T> Default for Table<K, T> {
    fn default() -> Self {
        Self(OrdMap::new())
    }
}

impl<K: Ord + Clone, T> Table<K, T> {
    pub(crate) fn object(&self, id: &K) -> Option<&Arc<T>> {
        self.0.get(id).map(|(object, _)| object)
    }

    pub(crate) fn revision(&self, id: &K) -> Option<Revision> {
        self.0.get(id).map(|(_, revision)| *revision)
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = &Arc<T>> {
        self.0.values().map(|(object, _)| object)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn put(&mut self, id: K, object: Arc<T>, revision: Revision) -> Option<Arc<T>> {
        self.0.insert(id, (object, revision)).map(|(object, _)| object)
    }

    /// Sets the revision of an object's last write; the object stays.
    pub(crate) fn touch(&mut self, id: &K, revision: Revision) {
        if let Some((_, last)) = self.0.get_mut(id) {
            *last = revision;
        }
    }

    pub(crate) fn remove(&mut self, id: &K) -> Option<Arc<T>> {
        self.0.remove(id).map(|(object, _)| object)
    }
}

/// A value that has a smallest one: where the range of a key's values begins.
pub(crate) trait Smallest: Ord + Clone {
    fn smallest() -> Self;
}

macro_rules! smallest_uuid {
    ($($id:ident)*) => {
        $(impl Smallest for $id {
            fn smallest() -> Self { Self::new(Uuid::nil()) }
        })*
    };
}
smallest_uuid!(
    VpcId SubnetId RouteTableId RouteId PeeringId SecurityGroupId NetworkAclId NetworkAclPolicyId NetworkAclRuleId
    AddressGroupId PortId ServerId CidrReservationId AccountId ProjectId UserId PolicyId
);

impl Smallest for AccessKeyId {
    fn smallest() -> Self {
        Self(String::new())
    }
}

impl Smallest for String {
    fn smallest() -> Self {
        String::new()
    }
}

/// Pairs of a key and a value, ordered: several values for one key, even where the rules allow one only, so that the
/// index agrees with the records whatever they say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Index<K: Ord + Clone, V: Ord + Clone>(OrdSet<(K, V)>);

impl<K: Ord + Clone, V: Ord + Clone> Default for Index<K, V> {
    fn default() -> Self {
        Self(OrdSet::new())
    }
}

impl<K: Ord + Clone, V: Smallest> Index<K, V> {
    /// The values of a key, ascending.
    pub(crate) fn of(&self, key: K) -> impl Iterator<Item = &V> {
        let wanted = key.clone();
        self.0.range((key, V::smallest())..).take_while(move |(k, _)| *k == wanted).map(|(_, value)| value)
    }

    /// The smallest value of a key.
    pub(crate) fn first(&self, key: K) -> Option<&V> {
        self.of(key).next()
    }

    /// The pairs whose key is smaller than `end`, ascending.
    pub(crate) fn before(&self, end: K) -> impl Iterator<Item = &(K, V)> {
        self.0.range(..(end, V::smallest()))
    }

    /// The pairs from a key on, ascending.
    pub(crate) fn from(&self, start: K) -> impl Iterator<Item = &(K, V)> {
        self.0.range((start, V::smallest())..)
    }

    /// Puts the pair in when `present`, else takes it out.
    pub(crate) fn set(&mut self, key: K, value: V, present: bool) {
        if present {
            self.0.insert((key, value));
        } else {
            self.0.remove(&(key, value));
        }
    }
}
