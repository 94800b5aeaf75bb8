//! The life of a peering connection (lifecycle sections 1 to 5).

use catalog::Catalog;
use model::{
    AccountId, Claim, Kind, Peering, PeeringEnd, PeeringId, PeeringStatus, ProjectId, Side, Timestamp, Vpc, VpcId,
    validate_description, validate_name,
};

use crate::peering_view::warnings;
use crate::{Caller, Changes, Context, Error, Limits, Outcome, Quota};

/// A peering to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePeering {
    /// 1 to 64 characters, not unique.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
    /// The local VPC.
    pub local_vpc: VpcId,
    /// The local VPC's project, if the call names it.
    pub local_project: Option<ProjectId>,
    /// The peer VPC.
    pub peer_vpc: VpcId,
    /// The peer VPC's project; needed when it is in another account.
    pub peer_project: Option<ProjectId>,
}

/// What to change of a peering; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdatePeering {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
}

/// Asks for a peering: active at once in one account, pending across accounts (rules LC-1, LC-2). Adds no routes (EF-1).
///
/// # Errors
/// The first failing check of lifecycle section 3, in its order.
pub fn create_peering(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreatePeering,
) -> Result<Outcome<Peering>, Error> {
    // 1. Well formed.
    validate_name(&request.name)?;
    validate_description(&request.description)?;
    // 2. The local VPC. Check 7, who owns it, holds with it: VPCs are not shared.
    let local = catalog
        .vpc(request.local_vpc)
        .filter(|vpc| caller.sees(catalog, vpc.project))
        .filter(|vpc| request.local_project.is_none_or(|project| project == vpc.project))
        .ok_or_else(|| Error::not_found(Kind::Vpc, request.local_vpc))?;
    // 3, 4, 5. The peer VPC.
    let (peer, same_account) = peer_vpc(catalog, local, &request)?;
    // 6.
    if local.id == peer.id {
        return Err(Error::SelfPeering);
    }
    // 8.
    no_live_peering(catalog, local.id, peer.id, None)?;
    // 9.
    within_quota(catalog, local.project, ctx.limits)?;
    if same_account && peer.project != local.project {
        within_quota(catalog, peer.project, ctx.limits)?;
    }

    let status = if same_account { PeeringStatus::Active } else { PeeringStatus::PendingAcceptance };
    let expiry = ctx.config.peering_expiry_secs.filter(|_| status == PeeringStatus::PendingAcceptance);
    let requester_vni = ctx.vni(catalog, &[])?;
    let accepter_vni = ctx.vni(catalog, &[requester_vni])?;
    let peering = Peering {
        id: PeeringId::new(ctx.ids.uuid()),
        name: request.name,
        description: request.description,
        region: local.region.clone(),
        status,
        requester: PeeringEnd { vpc: local.id, project: local.project, entry_vni: requester_vni },
        accepter: PeeringEnd { vpc: peer.id, project: peer.project, entry_vni: accepter_vni },
        created_at: ctx.now,
        updated_at: ctx.now,
        expires_at: expiry.map(|seconds| ctx.now.plus_seconds(seconds)),
    };
    let mut changes = Changes::new();
    for vpc in peering.vpcs() {
        changes.lock(catalog, Kind::Vpc, vpc);
    }
    changes.lock(catalog, Kind::Project, local.project);
    if same_account {
        changes.lock(catalog, Kind::Project, peer.project);
    }
    for vni in [requester_vni, accepter_vni] {
        changes.claim(Claim::vni(vni), Kind::Peering, peering.id);
    }
    changes.create(peering.clone());
    let warnings = warnings(catalog, caller, &peering);
    Ok(Outcome::new(peering, changes).with_warnings(warnings))
}

/// Accepts a request. Routes that exist already become effective (rule EF-2).
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotAuthorized`] for the requester, [`Error::InvalidState`]; checks 4, 8 and 9 again.
pub fn accept_peering(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PeeringId,
) -> Result<Outcome<Peering>, Error> {
    let peering = answerable(catalog, caller, ctx.now, id, "accepted")?;
    catalog.vpc(peering.accepter.vpc).filter(|v| v.project == peering.accepter.project).ok_or(Error::PeerNotFound)?;
    no_live_peering(catalog, peering.requester.vpc, peering.accepter.vpc, Some(id))?;
    within_quota(catalog, peering.accepter.project, ctx.limits)?;
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Project, peering.accepter.project);
    let peering = with_status(peering, PeeringStatus::Active, ctx.now);
    changes.replace(catalog, peering.clone());
    let warnings = warnings(catalog, caller, &peering);
    Ok(Outcome::new(peering, changes).with_warnings(warnings))
}

/// Rejects a request. Routes to it stay, inactive (rule EF-3).
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotAuthorized`] for the requester, [`Error::InvalidState`].
pub fn reject_peering(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PeeringId,
) -> Result<Outcome<Peering>, Error> {
    let peering = answerable(catalog, caller, ctx.now, id, "rejected")?;
    let peering = with_status(peering, PeeringStatus::Rejected, ctx.now);
    let mut changes = Changes::new();
    changes.replace(catalog, peering.clone());
    Ok(Outcome::new(peering, changes))
}

/// Changes name and description: by both accounts, in every state, without effect on traffic (rule EF-5).
///
/// # Errors
/// [`Error::NotFound`]; fields not well formed; nothing to change.
pub fn update_peering(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PeeringId,
    request: UpdatePeering,
) -> Result<Outcome<Peering>, Error> {
    let (peering, _) = own_peering(catalog, caller, id)?;
    let mut peering = peering.clone();
    if request == UpdatePeering::default() {
        return Err(Error::invalid("peering", "name or description is expected"));
    }
    if let Some(name) = request.name {
        validate_name(&name)?;
        peering.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        peering.description = description;
    }
    peering.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, peering.clone());
    Ok(Outcome::new(peering, changes))
}

/// Deletes a peering with every route to it, in all tables of both VPCs, by either account and in every state
/// (rules EF-4, PEER-6). The value is the peering as it was.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete_peering(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: PeeringId,
) -> Result<Outcome<Peering>, Error> {
    let (peering, _) = own_peering(catalog, caller, id)?;
    let mut changes = Changes::new();
    remove_peering(catalog, peering, &mut changes);
    Ok(Outcome::new(peering.clone(), changes))
}

/// Ends the time of a request that was not answered, as if it were over (rule LC-3): for operators, who may want to
/// clear it away or to try what comes after.
///
/// # Errors
/// [`Error::NotAuthorized`] unless the caller is an operator; [`Error::NotFound`], [`Error::InvalidState`].
pub fn expire_peering(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PeeringId,
) -> Result<Outcome<()>, Error> {
    crate::account::operators_only(caller, "expire peering requests")?;
    let peering = catalog.peering(id).ok_or_else(|| Error::not_found(Kind::Peering, id))?;
    if peering.status != PeeringStatus::PendingAcceptance {
        return Err(Error::InvalidState { peering: id, status: peering.status, operation: "expired" });
    }
    let mut changes = Changes::new();
    changes.replace(catalog, with_status(peering, PeeringStatus::Expired, ctx.now));
    Ok(Outcome::new((), changes))
}

/// Expires at most `most` requests that were not answered in time (rule LC-3); answers their ids.
#[must_use]
pub fn expire_due(catalog: &Catalog, now: Timestamp, most: usize) -> Outcome<Vec<PeeringId>> {
    let mut changes = Changes::new();
    let mut expired = Vec::new();
    // "Before the next second" includes those that expire now.
    for peering in catalog.pending_expiring_before(now.plus_seconds(1)).take(most) {
        changes.replace(catalog, with_status(peering, PeeringStatus::Expired, now));
        expired.push(peering.id);
    }
    Outcome::new(expired, changes)
}

/// The peering and the sides of it that the caller is on; never empty.
pub(crate) fn own_peering<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    id: PeeringId,
) -> Result<(&'a Peering, Vec<Side>), Error> {
    let not_found = || Error::not_found(Kind::Peering, id);
    let peering = catalog.peering(id).ok_or_else(not_found)?;
    let sides = sides(catalog, caller, peering);
    if sides.is_empty() { Err(not_found()) } else { Ok((peering, sides)) }
}

pub(crate) fn sides(catalog: &Catalog, caller: &Caller, peering: &Peering) -> Vec<Side> {
    let ends = [(Side::Requester, &peering.requester), (Side::Accepter, &peering.accepter)];
    ends.into_iter().filter(|(_, end)| caller.sees(catalog, end.project)).map(|(side, _)| side).collect()
}

/// Removes a peering, its claims and every route to it.
pub(crate) fn remove_peering(catalog: &Catalog, peering: &Peering, changes: &mut Changes) {
    // The VPCs are locked so that no route to the peering can be added at the same time.
    for end in [&peering.requester, &peering.accepter] {
        changes.lock(catalog, Kind::Vpc, end.vpc);
        changes.unclaim(&Claim::vni(end.entry_vni));
    }
    for route in catalog.routes_to_peering(peering.id) {
        changes.delete(catalog, Kind::Route, route.id);
    }
    changes.delete(catalog, Kind::Peering, peering.id);
}

/// Checks 3, 4 and 5: the peer VPC, and whether it is in the same account.
fn peer_vpc<'a>(catalog: &'a Catalog, local: &Vpc, request: &CreatePeering) -> Result<(&'a Vpc, bool), Error> {
    let account = catalog.account_of(local.project);
    let account_of_peer = |project: ProjectId| -> Option<AccountId> { catalog.account_of(project) };
    let peer = catalog.vpc(request.peer_vpc).ok_or(Error::PeerNotFound)?;
    let same_account = account_of_peer(peer.project) == account;
    let named = match request.peer_project {
        Some(project) => project == peer.project,
        // Within the account the VPC's id is enough.
        None => same_account,
    };
    if !named {
        return Err(Error::PeerNotFound);
    }
    match (peer.region == local.region, same_account) {
        (true, _) => Ok((peer, same_account)),
        (false, true) => Err(Error::DifferentRegion),
        (false, false) => Err(Error::PeerNotFound),
    }
}

/// Check 8.
fn no_live_peering(catalog: &Catalog, a: VpcId, b: VpcId, except: Option<PeeringId>) -> Result<(), Error> {
    match catalog.peering_between(a, b).find(|p| p.status.is_live() && Some(p.id) != except) {
        Some(other) => {
            Err(Error::DuplicatePeering { peering: other.id, name: other.name.clone(), status: other.status })
        }
        None => Ok(()),
    }
}

/// Check 9: active peerings count for both projects, pending ones for the requester's.
fn within_quota(catalog: &Catalog, project: ProjectId, limits: &Limits) -> Result<(), Error> {
    let counts = |peering: &Peering| match peering.status {
        PeeringStatus::Active => true,
        PeeringStatus::PendingAcceptance => peering.requester.project == project,
        PeeringStatus::Rejected | PeeringStatus::Expired => false,
    };
    // The usual case without a look at each.
    if catalog.peering_count() < limits.peerings {
        return Ok(());
    }
    let used = catalog.peerings_of_project(project).filter(|peering| counts(peering)).count();
    if used < limits.peerings {
        Ok(())
    } else {
        Err(Error::QuotaExceeded { resource: Quota::Peerings, used, limit: limits.peerings })
    }
}

/// A pending peering that the caller may accept or reject.
fn answerable<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    now: Timestamp,
    id: PeeringId,
    operation: &'static str,
) -> Result<&'a Peering, Error> {
    let (peering, sides) = own_peering(catalog, caller, id)?;
    // A request that is due is expired, whether or not the task that says so has run.
    let due = peering.expires_at.is_some_and(|at| at <= now);
    let status = match peering.status {
        PeeringStatus::PendingAcceptance if due => PeeringStatus::Expired,
        status => status,
    };
    if status != PeeringStatus::PendingAcceptance {
        return Err(Error::InvalidState { peering: id, status, operation });
    }
    if !sides.contains(&Side::Accepter) {
        let message = format!("only the account of the peer VPC can decide whether a peering is {operation}");
        return Err(Error::NotAuthorized(message));
    }
    Ok(peering)
}

fn with_status(peering: &Peering, status: PeeringStatus, now: Timestamp) -> Peering {
    Peering { status, updated_at: now, expires_at: None, ..peering.clone() }
}
