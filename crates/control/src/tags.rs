//! Tags: set, removed, and looked for (api-vpc section 13). One set of use cases for every kind of object with tags.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use catalog::Catalog;
use model::{
    AddressGroup, AddressGroupId, IdError, Kind, NetworkAcl, NetworkAclId, Port, PortId, ProjectId, Record,
    SecurityGroup, SecurityGroupId, Subnet, SubnetId, TagError, Tags, Vpc, VpcId,
};

use crate::{Caller, Changes, Context, Error, Limits, Outcome};

/// A kind of object that has tags.
pub trait Tagged: Clone + Into<Record> + Send + Sync + 'static {
    /// The kind.
    const KIND: Kind;
    /// Its id.
    type Id: Copy + Ord + Display + FromStr<Err = IdError> + Send + Sync + 'static;

    /// The object's id.
    fn id(&self) -> Self::Id;
    /// The object's name; may be empty.
    fn name(&self) -> &str;
    /// The owner's project.
    fn project(&self) -> ProjectId;
    /// The object's tags.
    fn tags(&self) -> &Tags;
    /// The object's tags, to be changed.
    fn tags_mut(&mut self) -> &mut Tags;
    /// The object with this id.
    fn one(catalog: &Catalog, id: Self::Id) -> Option<Arc<Self>>;
    /// The objects of a project, by id.
    fn all(catalog: &Catalog, project: ProjectId) -> impl Iterator<Item = Arc<Self>>;
}

macro_rules! tagged {
    ($($kind:ident $id:ident $one:ident $all:ident;)*) => {
        $(
            impl Tagged for $kind {
                const KIND: Kind = Kind::$kind;
                type Id = $id;

                fn id(&self) -> $id {
                    self.id
                }
                fn name(&self) -> &str {
                    &self.name
                }
                fn project(&self) -> ProjectId {
                    self.project
                }
                fn tags(&self) -> &Tags {
                    &self.tags
                }
                fn tags_mut(&mut self) -> &mut Tags {
                    &mut self.tags
                }
                fn one(catalog: &Catalog, id: $id) -> Option<Arc<Self>> {
                    catalog.$one(id).cloned()
                }
                fn all(catalog: &Catalog, project: ProjectId) -> impl Iterator<Item = Arc<Self>> {
                    catalog.$all(project).cloned()
                }
            }
        )*
    };
}

tagged! {
    Vpc VpcId vpc vpcs_of;
    Subnet SubnetId subnet subnets_of_project;
    SecurityGroup SecurityGroupId security_group security_groups_of;
    NetworkAcl NetworkAclId network_acl network_acls_of;
    AddressGroup AddressGroupId address_group address_groups_of;
}

/// Implements [`Tagged`] for the ports of one sort: supplementary interfaces have paths of their own (api-vpc section 13.2).
macro_rules! tagged_ports {
    ($($sort:ident $is_supplementary:literal $what:literal;)*) => {
        $(
            #[doc = $what]
            #[derive(Clone, Debug)]
            pub struct $sort(Port);

            impl From<$sort> for Record {
                fn from(port: $sort) -> Self {
                    Self::from(port.0)
                }
            }

            impl Tagged for $sort {
                const KIND: Kind = Kind::Port;
                type Id = PortId;

                fn id(&self) -> PortId {
                    self.0.id
                }
                fn name(&self) -> &str {
                    &self.0.name
                }
                fn project(&self) -> ProjectId {
                    self.0.project
                }
                fn tags(&self) -> &Tags {
                    &self.0.tags
                }
                fn tags_mut(&mut self) -> &mut Tags {
                    &mut self.0.tags
                }
                fn one(catalog: &Catalog, id: PortId) -> Option<Arc<Self>> {
                    let port = catalog.port(id).filter(|port| port.is_supplementary() == $is_supplementary)?;
                    Some(Arc::new(Self(Port::clone(port))))
                }
                fn all(catalog: &Catalog, project: ProjectId) -> impl Iterator<Item = Arc<Self>> {
                    let ports = catalog.ports_of_project(project);
                    let ports = ports.filter(|port| port.is_supplementary() == $is_supplementary);
                    ports.map(|port| Arc::new(Self(Port::clone(port))))
                }
            }
        )*
    };
}

tagged_ports! {
    PlainPort false "A port that is no supplementary interface, as an object with tags.";
    SupplementaryPort true "A supplementary network interface, as an object with tags.";
}

/// The tags of an object that the caller sees.
///
/// # Errors
/// [`Error::NotFound`], also for an object of another account.
pub fn tags<T: Tagged>(catalog: &Catalog, caller: &Caller, id: T::Id) -> Result<Tags, Error> {
    own::<T>(catalog, caller, id).map(|object| object.tags().clone())
}

/// Gives an object tags, all or none; a key that it has gets the new value.
///
/// # Errors
/// [`Error::NotFound`]; more tags than [`Limits::tags_per_resource`].
pub fn add_tags<T: Tagged>(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: T::Id,
    tags: Tags,
) -> Result<Outcome<()>, Error> {
    let mut object = Arc::unwrap_or_clone(own::<T>(catalog, caller, id)?);
    within_limit(&tags, ctx.limits)?;
    object.tags_mut().extend(tags);
    within_limit(object.tags(), ctx.limits)?;
    Ok(written(catalog, object))
}

/// Takes tags away from an object; keys that it has not are nothing to do.
///
/// # Errors
/// [`Error::NotFound`].
pub fn remove_tags<T: Tagged>(
    catalog: &Catalog,
    caller: &Caller,
    id: T::Id,
    keys: &[String],
) -> Result<Outcome<()>, Error> {
    let mut object = Arc::unwrap_or_clone(own::<T>(catalog, caller, id)?);
    for key in keys {
        object.tags_mut().remove(key);
    }
    Ok(written(catalog, object))
}

/// Takes one tag away from an object.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::TagNotFound`] for a key that it has not.
pub fn remove_tag<T: Tagged>(catalog: &Catalog, caller: &Caller, id: T::Id, key: &str) -> Result<Outcome<()>, Error> {
    let mut object = Arc::unwrap_or_clone(own::<T>(catalog, caller, id)?);
    if !object.tags_mut().remove(key) {
        return Err(Error::TagNotFound { key: key.chars().take(64).collect() });
    }
    Ok(written(catalog, object))
}

/// Every key with its values, of all objects of a kind that the caller sees.
#[must_use]
pub fn tags_in_use<T: Tagged>(catalog: &Catalog, caller: &Caller) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for object in tagged_objects::<T>(catalog, caller) {
        for (key, value) in object.tags().iter() {
            keys.entry(key.to_owned()).or_default().insert(value.to_owned());
        }
    }
    keys
}

/// The objects of a kind that the caller sees and the filter lets through, by id.
#[must_use]
pub fn objects_by_tags<T: Tagged>(catalog: &Catalog, caller: &Caller, filter: &TagFilter) -> Vec<Arc<T>> {
    let mut objects = tagged_objects::<T>(catalog, caller);
    objects.retain(|object| filter.passes(object.tags()) && filter.names.iter().all(|name| named(object.name(), name)));
    objects
}

/// Whether an object's name is the one that is looked for: it contains the text; the empty text is the empty name.
fn named(name: &str, wanted: &str) -> bool {
    if wanted.is_empty() { name.is_empty() } else { name.contains(wanted) }
}

/// A key and the values that it may have: any of them will do, and none named means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagCondition {
    /// The key.
    pub key: String,
    /// The values; one that begins with `*` stands for all that contain the rest.
    pub values: Vec<String>,
}

impl TagCondition {
    fn holds(&self, tags: &Tags) -> bool {
        tags.value(&self.key).is_some_and(|value| {
            let like = |wanted: &String| match wanted.strip_prefix('*') {
                Some(part) => value.contains(part),
                None => value == wanted,
            };
            self.values.is_empty() || self.values.iter().any(like)
        })
    }
}

/// What to look for. An empty list asks for nothing; the lists must all be fulfilled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagFilter {
    /// All of these hold.
    pub all: Vec<TagCondition>,
    /// One of these holds.
    pub any: Vec<TagCondition>,
    /// Not all of these hold.
    pub not_all: Vec<TagCondition>,
    /// None of these holds.
    pub not_any: Vec<TagCondition>,
    /// The object's name contains each of these.
    pub names: Vec<String>,
}

impl TagFilter {
    /// Whether an object with these tags passes, whatever its name.
    #[must_use]
    pub fn passes(&self, tags: &Tags) -> bool {
        let holds = |condition: &TagCondition| condition.holds(tags);
        self.all.iter().all(holds)
            && (self.any.is_empty() || self.any.iter().any(holds))
            && (self.not_all.is_empty() || !self.not_all.iter().all(holds))
            && !self.not_any.iter().any(holds)
    }
}

/// Refuses more tags than an object may have.
pub(crate) fn within_limit(tags: &Tags, limits: &Limits) -> Result<(), Error> {
    let limit = limits.tags_per_resource;
    if tags.len() > limit { Err(Error::InvalidTags(TagError::TooMany { limit })) } else { Ok(()) }
}

/// The objects of a kind that the caller sees, by id.
pub(crate) fn tagged_objects<T: Tagged>(catalog: &Catalog, caller: &Caller) -> Vec<Arc<T>> {
    let projects = catalog.projects().map(|project| project.id).filter(|project| caller.sees(catalog, *project));
    let mut objects: Vec<Arc<T>> = projects.flat_map(|project| T::all(catalog, project)).collect();
    objects.sort_unstable_by_key(|object| object.id());
    objects
}

/// The object, if the caller may change it.
fn own<T: Tagged>(catalog: &Catalog, caller: &Caller, id: T::Id) -> Result<Arc<T>, Error> {
    T::one(catalog, id)
        .filter(|object| caller.sees(catalog, object.project()))
        .ok_or_else(|| Error::not_found(T::KIND, id))
}

/// Writes the object, unless it is as it was.
fn written<T: Tagged>(catalog: &Catalog, object: T) -> Outcome<()> {
    let mut changes = Changes::new();
    if T::one(catalog, object.id()).is_none_or(|old| old.tags() != object.tags()) {
        changes.replace(catalog, object);
    }
    Outcome::new((), changes)
}
