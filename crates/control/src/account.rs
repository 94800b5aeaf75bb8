//! Accounts and their projects.

use catalog::Catalog;
use model::{Account, AccountId, Claim, Kind, Project, ProjectId, RegionId, Site, User, UserId, validate_name};

use crate::error::AccountUse;
use crate::security_group::new_default_group;
use crate::{Caller, Changes, Context, Error, Outcome};

/// An account to make, with its first user and a project in each region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateAccount {
    /// 1 to 64 characters, unique in the installation.
    pub name: String,
    /// China or international site (rule SITE-1).
    pub site: Site,
    /// Name of the first user.
    pub user_name: String,
    /// Argon2id hash of its password, in PHC form.
    pub password_hash: String,
}

/// What was made with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// The account.
    pub account: Account,
    /// Its first user.
    pub user: User,
    /// Its projects, in the order of the configured regions.
    pub projects: Vec<Project>,
}

/// Makes an account. Operators only.
///
/// # Errors
/// [`Error::NotAuthorized`]; name not well formed or taken.
pub fn create_account(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateAccount,
) -> Result<Outcome<NewAccount>, Error> {
    operators_only(caller, "make accounts")?;
    new_account(catalog, ctx, request, false)
}

/// Makes the first account of an installation: the operator's.
///
/// # Errors
/// [`Error::NotAuthorized`] when there is an account already; name not well formed.
pub fn create_bootstrap_account(
    catalog: &Catalog,
    ctx: &mut Context<'_>,
    request: CreateAccount,
) -> Result<Outcome<NewAccount>, Error> {
    if catalog.accounts().next().is_some() {
        return Err(Error::NotAuthorized("the installation has an account already".to_owned()));
    }
    new_account(catalog, ctx, request, true)
}

/// Makes the projects that accounts lack because a region was added to the configuration.
///
/// # Errors
/// None of its own.
pub fn create_missing_projects(catalog: &Catalog, ctx: &mut Context<'_>) -> Result<Outcome<Vec<Project>>, Error> {
    let mut changes = Changes::new();
    let mut made = Vec::new();
    let regions: Vec<RegionId> = ctx.config.regions.iter().map(|region| region.id.clone()).collect();
    for account in catalog.accounts() {
        for region in &regions {
            if catalog.project_in(account.id, region).is_none() {
                changes.lock(catalog, Kind::Account, account.id);
                made.push(new_project(ctx, account.id, region, &mut changes));
            }
        }
    }
    Ok(Outcome::new(made, changes))
}

/// Deletes an account that has nothing any more, with its users, projects and default security groups. Operators only.
///
/// # Errors
/// [`Error::NotAuthorized`], also for an operator's account; [`Error::AccountInUse`].
pub fn delete_account(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: AccountId,
) -> Result<Outcome<()>, Error> {
    operators_only(caller, "delete accounts")?;
    let account = catalog.account(id).ok_or_else(|| Error::not_found(Kind::Account, id))?;
    if account.operator {
        return Err(Error::NotAuthorized("an operator's account cannot be deleted".to_owned()));
    }
    let projects: Vec<_> = catalog.projects_of(id).collect();
    let count = |of: &dyn Fn(ProjectId) -> usize| -> usize { projects.iter().map(|project| of(project.id)).sum() };
    let vpcs = count(&|project| catalog.vpcs_of(project).count());
    let servers = count(&|project| catalog.servers_of(project).count());
    let groups = count(&|project| catalog.security_groups_of(project).filter(|group| !group.default).count());
    let mut by = Vec::new();
    by.extend((vpcs > 0).then_some(AccountUse::Vpcs(vpcs)));
    by.extend((servers > 0).then_some(AccountUse::Servers(servers)));
    by.extend((groups > 0).then_some(AccountUse::SecurityGroups(groups)));
    let acls = count(&|project| {
        catalog.network_acls_of(project).count()
            + catalog.network_acl_policies_of(project).filter(|policy| policy.owner.is_none()).count()
            + catalog
                .network_acl_rules_of(project)
                .filter(|rule| catalog.network_acl_policies_with_rule(rule.id).next().is_none())
                .count()
    });
    let address_groups = count(&|project| catalog.address_groups_of(project).count());
    by.extend((acls > 0).then_some(AccountUse::NetworkAcls(acls)));
    by.extend((address_groups > 0).then_some(AccountUse::AddressGroups(address_groups)));
    let networks = count(&|project| catalog.networks_of(project).count());
    by.extend((networks > 0).then_some(AccountUse::Networks(networks)));
    if !by.is_empty() {
        return Err(Error::AccountInUse { account: id, by });
    }
    let mut changes = Changes::new();
    for project in projects {
        for group in catalog.security_groups_of(project.id) {
            changes.delete(catalog, Kind::SecurityGroup, group.id);
        }
        changes.delete(catalog, Kind::Project, project.id);
    }
    for user in catalog.users_of(id) {
        crate::user::remove_user(catalog, user, &mut changes);
    }
    for policy in catalog.policies_of(id) {
        changes.delete(catalog, Kind::Policy, policy.id);
    }
    changes.unclaim(&Claim::account_name(&account.name));
    changes.delete(catalog, Kind::Account, id);
    Ok(Outcome::new((), changes))
}

fn new_account(
    catalog: &Catalog,
    ctx: &mut Context<'_>,
    request: CreateAccount,
    operator: bool,
) -> Result<Outcome<NewAccount>, Error> {
    validate_name(&request.name)?;
    validate_name(&request.user_name)?;
    if catalog.account_by_name(&request.name).is_some() {
        return Err(Error::NameTaken { kind: Kind::Account, name: request.name });
    }
    let account = Account {
        id: AccountId::new(ctx.ids.uuid()),
        name: request.name,
        site: request.site,
        operator,
        created_at: ctx.now,
    };
    let user = User {
        id: UserId::new(ctx.ids.uuid()),
        name: request.user_name,
        account: account.id,
        password_hash: request.password_hash,
        enabled: true,
        created_at: ctx.now,
        root: true,
        description: String::new(),
        policies: Vec::new(),
    };
    let mut changes = Changes::new();
    changes.claim(Claim::account_name(&account.name), Kind::Account, account.id);
    changes.create(account.clone());
    changes.create(user.clone());
    if operator {
        // Two servers that start at the same time must not make two first accounts.
        changes.claim("first-account".to_owned(), Kind::Account, account.id);
    }
    let regions: Vec<RegionId> = ctx.config.regions.iter().map(|region| region.id.clone()).collect();
    let projects = regions.iter().map(|region| new_project(ctx, account.id, region, &mut changes)).collect();
    Ok(Outcome::new(NewAccount { account, user, projects }, changes))
}

/// A project named after its region, with its default security group (rule SG-10).
fn new_project(ctx: &mut Context<'_>, account: AccountId, region: &RegionId, changes: &mut Changes) -> Project {
    let project = Project {
        id: ProjectId::new(ctx.ids.uuid()),
        name: region.to_string(),
        account,
        region: region.clone(),
        created_at: ctx.now,
    };
    changes.create(new_default_group(ctx, &project));
    changes.create(project.clone());
    project
}

pub(crate) fn operators_only(caller: &Caller, what: &str) -> Result<(), Error> {
    if caller.operator { Ok(()) } else { Err(Error::NotAuthorized(format!("only operators can {what}"))) }
}
