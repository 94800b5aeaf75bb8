//! Enterprise projects: a label that groups an account's objects, across its projects (api-vpc section 0.3).
//!
//! They are not objects: one exists as long as something is in it, and the default one, `"0"`, always.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::Catalog;
use model::{AddressGroup, Kind, NetworkAcl, ProjectId, SecurityGroup, Timestamp, Vpc};

use crate::tags::{Tagged, tagged_objects};
use crate::{Caller, Changes, Context, Error, Outcome};

/// Enterprise project of what names none.
pub const DEFAULT_ENTERPRISE_PROJECT: &str = "0";

/// A kind of object that is in an enterprise project by itself. Subnets and ports are in their VPC's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the type of the same name")]
pub enum EnterpriseKind {
    Vpc,
    SecurityGroup,
    NetworkAcl,
    AddressGroup,
}

impl EnterpriseKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Vpc, Self::SecurityGroup, Self::NetworkAcl, Self::AddressGroup];

    /// The kind of object.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Vpc => Kind::Vpc,
            Self::SecurityGroup => Kind::SecurityGroup,
            Self::NetworkAcl => Kind::NetworkAcl,
            Self::AddressGroup => Kind::AddressGroup,
        }
    }
}

/// An object of an enterprise project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnterpriseResource {
    /// Its kind.
    pub kind: EnterpriseKind,
    /// Its id.
    pub id: String,
    /// Its name; may be empty.
    pub name: String,
    /// The owner's project.
    pub project: ProjectId,
    /// The enterprise project.
    pub enterprise_project_id: String,
}

/// What is the same in every object of an enterprise project.
trait Grouped: Tagged {
    fn enterprise(&self) -> &str;
    fn join(&mut self, enterprise_project_id: String, now: Timestamp);
}

macro_rules! grouped {
    ($($kind:ident)*) => {
        $(
            impl Grouped for $kind {
                fn enterprise(&self) -> &str {
                    &self.enterprise_project_id
                }
                fn join(&mut self, enterprise_project_id: String, now: Timestamp) {
                    self.enterprise_project_id = enterprise_project_id;
                    self.updated_at = now;
                }
            }
        )*
    };
}

grouped! { Vpc SecurityGroup NetworkAcl AddressGroup }

/// Puts an object into another enterprise project.
///
/// # Errors
/// [`Error::NotFound`]; an id that is none.
pub fn move_to_enterprise_project(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    kind: EnterpriseKind,
    id: &str,
    target: &str,
) -> Result<Outcome<()>, Error> {
    match kind {
        EnterpriseKind::Vpc => put::<Vpc>(catalog, caller, ctx, id, target),
        EnterpriseKind::SecurityGroup => put::<SecurityGroup>(catalog, caller, ctx, id, target),
        EnterpriseKind::NetworkAcl => put::<NetworkAcl>(catalog, caller, ctx, id, target),
        EnterpriseKind::AddressGroup => put::<AddressGroup>(catalog, caller, ctx, id, target),
    }
}

fn put<T: Grouped>(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: &str,
    target: &str,
) -> Result<Outcome<()>, Error> {
    validate_enterprise_project(target)?;
    let object = id.parse().ok().and_then(|id| T::one(catalog, id));
    let object: Arc<T> = object
        .filter(|object| caller.sees(catalog, object.project()))
        .ok_or_else(|| Error::not_found(T::KIND, id.chars().take(64).collect::<String>()))?;
    let mut changes = Changes::new();
    if object.enterprise() != target {
        let mut object = Arc::unwrap_or_clone(object);
        object.join(target.to_owned(), ctx.now);
        changes.replace(catalog, object);
    }
    Ok(Outcome::new((), changes))
}

/// What is in enterprise projects, of the projects that the caller sees: by kind, then by id.
#[must_use]
pub fn enterprise_resources(catalog: &Catalog, caller: &Caller) -> Vec<EnterpriseResource> {
    let mut found = Vec::new();
    collect::<Vpc>(EnterpriseKind::Vpc, catalog, caller, &mut found);
    collect::<SecurityGroup>(EnterpriseKind::SecurityGroup, catalog, caller, &mut found);
    collect::<NetworkAcl>(EnterpriseKind::NetworkAcl, catalog, caller, &mut found);
    collect::<AddressGroup>(EnterpriseKind::AddressGroup, catalog, caller, &mut found);
    found
}

fn collect<T: Grouped>(kind: EnterpriseKind, catalog: &Catalog, caller: &Caller, to: &mut Vec<EnterpriseResource>) {
    to.extend(tagged_objects::<T>(catalog, caller).iter().map(|object: &Arc<T>| EnterpriseResource {
        kind,
        id: object.id().to_string(),
        name: object.name().to_owned(),
        project: object.project(),
        enterprise_project_id: object.enterprise().to_owned(),
    }));
}

/// The enterprise projects that there are for the caller: the default one, and those that something is in.
#[must_use]
pub fn enterprise_projects(catalog: &Catalog, caller: &Caller) -> BTreeSet<String> {
    let used = enterprise_resources(catalog, caller).into_iter().map(|resource| resource.enterprise_project_id);
    used.chain([DEFAULT_ENTERPRISE_PROJECT.to_owned()]).collect()
}

/// Checks the form of an enterprise project's id.
pub(crate) fn validate_enterprise_project(id: &str) -> Result<(), Error> {
    if id == DEFAULT_ENTERPRISE_PROJECT || (id.len() == 36 && uuid::Uuid::try_parse(id).is_ok()) {
        Ok(())
    } else {
        Err(Error::invalid("enterprise_project_id", "a UUID with dashes or 0 is expected"))
    }
}

/// The enterprise project of a new object: the default one when none or an empty one is named.
///
/// # Errors
/// An id that is none.
pub(crate) fn named_or_default(id: Option<String>) -> Result<String, Error> {
    let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| DEFAULT_ENTERPRISE_PROJECT.to_owned());
    validate_enterprise_project(&id)?;
    Ok(id)
}
