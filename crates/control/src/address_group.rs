//! IP address groups (rule SG-1; api-vpc section 10).

use std::sync::Arc;

use catalog::Catalog;
use model::{
    AddressEntry, AddressGroup, AddressGroupId, AddressRange, IpVersion, Kind, Remote, SecurityGroup, Tags,
    validate_description, validate_name, validate_optional_name,
};

use crate::enterprise_project::named_or_default;
use crate::error::AddressGroupUse;
use crate::network_acl_draft::Draft;
use crate::tags::within_limit;
use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// One entry of an address group to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAddressEntry {
    /// An address, a range `first-last` or a CIDR block. The spelling is kept.
    pub text: String,
    /// At most 255 characters.
    pub remarks: String,
}

impl NewAddressEntry {
    /// An entry without remarks.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), remarks: String::new() }
    }
}

/// An address group to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateAddressGroup {
    /// 1 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
    /// `"0"` when left out.
    pub enterprise_project_id: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// Family of all its addresses; never changes.
    pub version: IpVersion,
    /// The addresses in their order, none twice.
    pub addresses: Vec<NewAddressEntry>,
    /// How many entries it may have; as many as the installation allows when left out.
    pub max_capacity: Option<u32>,
}

/// What to change of an address group; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateAddressGroup {
    /// New name; an empty one is left out.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// The addresses in their order, in place of the present ones.
    pub addresses: Option<Vec<NewAddressEntry>>,
    /// How many entries it may have.
    pub max_capacity: Option<u32>,
}

/// Makes an address group.
///
/// # Errors
/// Fields not well formed; an entry of another IP version, one twice, or more than the capacity; quota.
pub fn create_address_group(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateAddressGroup,
) -> Result<Outcome<AddressGroup>, Error> {
    let project = caller.scope(catalog)?;
    validate_name(&request.name)?;
    validate_description(&request.description)?;
    let enterprise_project_id = named_or_default(request.enterprise_project_id)?;
    within_limit(&request.tags, ctx.limits)?;
    let max_capacity = capacity(request.max_capacity.unwrap_or(ctx.limits.addresses_per_group), ctx)?;
    let addresses = entries(request.addresses, request.version, max_capacity)?;
    let (used, limit) = (catalog.address_groups_of(project.id).count(), ctx.limits.address_groups);
    if used >= limit {
        return Err(Error::QuotaExceeded { resource: Quota::AddressGroups, used, limit });
    }
    let group = AddressGroup {
        id: AddressGroupId::new(ctx.ids.uuid()),
        project: project.id,
        region: project.region.clone(),
        name: request.name,
        description: request.description,
        enterprise_project_id,
        tags: request.tags,
        version: request.version,
        addresses,
        max_capacity,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Project, project.id);
    changes.create(group.clone());
    Ok(Outcome::new(group, changes))
}

/// Changes an address group, and with it what every rule that names it matches.
///
/// # Errors
/// As [`create_address_group`]; a capacity smaller than the number of entries.
pub fn update_address_group(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: AddressGroupId,
    request: UpdateAddressGroup,
) -> Result<Outcome<AddressGroup>, Error> {
    let mut group = AddressGroup::clone(own_group(catalog, caller, id)?);
    if let Some(name) = request.name {
        validate_optional_name(&name)?;
        // Clients send an empty name for one that they do not want to change (limits section 3).
        if !name.is_empty() {
            group.name = name;
        }
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        group.description = description;
    }
    if let Some(wanted) = request.max_capacity {
        group.max_capacity = capacity(wanted, ctx)?;
    }
    match request.addresses {
        Some(addresses) => group.addresses = entries(addresses, group.version, group.max_capacity)?,
        None => fits(group.addresses.len(), group.max_capacity)?,
    }
    group.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, group.clone());
    Ok(Outcome::new(group, changes))
}

/// Deletes an address group that no rule names.
///
/// # Errors
/// [`Error::AddressGroupInUse`].
pub fn delete_address_group(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: AddressGroupId,
) -> Result<Outcome<()>, Error> {
    own_group(catalog, caller, id)?;
    let groups: Vec<_> = catalog.security_groups_naming_addresses(id).map(|group| group.name.clone()).collect();
    if !groups.is_empty() {
        return Err(Error::AddressGroupInUse { group: id, by: AddressGroupUse::SecurityGroups(groups) });
    }
    let acls: Vec<_> = catalog.network_acls_naming(id).map(|acl| acl.name.clone()).collect();
    if !acls.is_empty() {
        return Err(Error::AddressGroupInUse { group: id, by: AddressGroupUse::NetworkAcls(acls) });
    }
    let rules: Vec<_> = catalog.network_acl_rules_naming(id).map(|rule| rule.id).collect();
    if !rules.is_empty() {
        return Err(Error::AddressGroupInUse { group: id, by: AddressGroupUse::NetworkAclRules(rules) });
    }
    // Whoever begins to name the group touches it, so this fails then.
    let mut changes = Changes::new();
    changes.delete(catalog, Kind::AddressGroup, id);
    Ok(Outcome::new((), changes))
}

/// Deletes an address group together with every rule that names it.
///
/// # Errors
/// [`Error::NotFound`].
pub fn force_delete_address_group(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: AddressGroupId,
) -> Result<Outcome<()>, Error> {
    own_group(catalog, caller, id)?;
    let mut draft = Draft::new(catalog);
    for rule in catalog.network_acl_rules_naming(id) {
        for policy in draft.policies_with(rule.id) {
            if let Some(mut policy) = draft.policy(policy) {
                policy.rules.retain(|other| *other != rule.id);
                draft.put_policy(policy);
            }
        }
        draft.remove_rule(rule.id);
    }
    draft.settle(ctx)?;
    let mut changes = draft.into_changes();
    for group in catalog.security_groups_naming_addresses(id) {
        let mut group = SecurityGroup::clone(group);
        group.rules.retain(|rule| rule.remote != Remote::AddressGroup(id));
        group.updated_at = ctx.now;
        changes.replace(catalog, group);
    }
    changes.delete(catalog, Kind::AddressGroup, id);
    Ok(Outcome::new((), changes))
}

fn capacity(wanted: u32, ctx: &Context<'_>) -> Result<u32, Error> {
    let most = ctx.limits.addresses_per_group;
    if wanted > most {
        return Err(Error::invalid("max_capacity", format!("{wanted} is not in 0 to {most}")));
    }
    Ok(wanted)
}

fn fits(count: usize, capacity: u32) -> Result<(), Error> {
    if u32::try_from(count).is_ok_and(|count| count <= capacity) {
        return Ok(());
    }
    Err(Error::invalid("ip_set", format!("{count} entries are more than the group's max_capacity of {capacity}")))
}

fn entries(given: Vec<NewAddressEntry>, version: IpVersion, capacity: u32) -> Result<Vec<AddressEntry>, Error> {
    fits(given.len(), capacity)?;
    let mut made: Vec<AddressEntry> = Vec::with_capacity(given.len());
    for NewAddressEntry { text, remarks } in given {
        validate_description(&remarks)?;
        let range: AddressRange =
            text.parse().map_err(|error: model::AddressRangeError| Error::invalid("ip_set", error.to_string()))?;
        if range.version() != version {
            return Err(Error::invalid("ip_set", format!("{range} is not of the group's ip_version")));
        }
        if made.iter().any(|other| other.range == range) {
            return Err(Error::invalid("ip_set", format!("{range} is named twice")));
        }
        made.push(AddressEntry { text, range, remarks });
    }
    Ok(made)
}

fn own_group<'a>(catalog: &'a Catalog, caller: &Caller, id: AddressGroupId) -> Result<&'a Arc<AddressGroup>, Error> {
    catalog
        .address_group(id)
        .filter(|group| caller.sees(catalog, group.project))
        .ok_or_else(|| Error::not_found(Kind::AddressGroup, id))
}
