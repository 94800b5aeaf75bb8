//! Network ACLs, v3 (api-vpc §9.1).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{
    Caller, Context, CreateNetworkAcl, Error, InsertNetworkAclRules, NewNetworkAclRule, Outcome, UpdateNetworkAcl,
    UpdateNetworkAclRule,
};
use model::{Kind, NetworkAcl, NetworkAclId, NetworkAclRuleId, RuleAction, SubnetId, TagCharacters};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v3_page};
use crate::state::State;
use crate::wire::{
    AssociationV3, FIREWALL_TYPE, FirewallBody, FirewallList, FirewallRequest, FirewallRuleFields,
    FirewallRulesRequest, FirewallSubnetsRequest, FirewallV3, PortForm, acl_status, new_tags, no_tags,
};

/// List network ACLs, without their rules.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/firewalls", tag = "Network ACLs", operation_id = "listFirewalls",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("status" = Option<String>, Query),
        ("admin_state_up" = Option<bool>, Query), ("enterprise_project_id" = Option<String>, Query)),
    responses((status = 200, body = FirewallList)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<FirewallList>, Problem> {
    let acls: Vec<_> = control::network_acls(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|acl| query.any("id", acl.id) && query.any("name", &acl.name))
        .filter(|acl| query.any("status", acl_status(acl)) && query.flag("admin_state_up", acl.enabled))
        .filter(|acl| query.any_enterprise(&acl.enterprise_project_id))
        .collect();
    let (acls, page_info) = v3_page(&query, acls, |acl| acl.id.to_string())?;
    let firewalls = acls.iter().map(|acl| FirewallV3::item(acl)).collect();
    Ok(Json(FirewallList { request_id: frame.request_id, firewalls, page_info }))
}

/// Create a network ACL; without rules it denies everything that enters or leaves its subnets.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/firewalls", tag = "Network ACLs", operation_id = "addFirewall",
    request_body = FirewallRequest,
    responses((status = 201, body = FirewallBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallRequest>,
) -> Result<Response, Problem> {
    let fields = request.firewall;
    if let Some(kind) = fields.kind.filter(|kind| !kind.is_empty() && kind != FIREWALL_TYPE) {
        let kind: String = kind.chars().take(64).collect();
        let text = format!("firewall.type: `{kind}` is not available in this installation; use {FIREWALL_TYPE}");
        return Err(Error::NotSupported(text).into());
    }
    let acl = CreateNetworkAcl {
        name: fields.name.unwrap_or_default(),
        description: fields.description.unwrap_or_default(),
        enterprise_project_id: fields.enterprise_project_id.filter(|id| !id.is_empty()),
        tags: new_tags(fields.tags, TagCharacters::Text)?,
        enabled: fields.admin_state_up.unwrap_or(true),
        ..CreateNetworkAcl::default()
    };
    let create: UseCase =
        Box::new(move |catalog, caller, ctx| control::create_network_acl(catalog, caller, ctx, acl.clone()));
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::CREATED, create).await
}

/// Show a network ACL with its rules.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/firewalls/{firewall_id}", tag = "Network ACLs",
    operation_id = "showFirewall", responses((status = 200, body = FirewallBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, acl)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<FirewallBody>, Problem> {
    let acl: NetworkAclId = path_id(&frame, Kind::NetworkAcl, &acl)?;
    let acl: Arc<NetworkAcl> = control::network_acl(&state.catalog(), &identity.project_caller()?, acl)?;
    Ok(Json(FirewallBody { request_id: frame.request_id, firewall: FirewallV3::new(&acl) }))
}

/// Change a network ACL's name, description, or whether it has an effect.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/firewalls/{firewall_id}", tag = "Network ACLs",
    operation_id = "updateFirewall", request_body = FirewallRequest,
    responses((status = 200, body = FirewallBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path((_, acl)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallRequest>,
) -> Result<Response, Problem> {
    let acl = path_id(&frame, Kind::NetworkAcl, &acl)?;
    let fields = request.firewall;
    no_tags(fields.tags.as_ref(), "firewall.tags")?;
    let update = UpdateNetworkAcl {
        name: fields.name,
        description: fields.description,
        enabled: fields.admin_state_up,
        ..UpdateNetworkAcl::default()
    };
    let update: UseCase =
        Box::new(move |catalog, caller, ctx| control::update_network_acl(catalog, caller, ctx, acl, update.clone()));
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::OK, update).await
}

/// Delete a network ACL that guards no subnet.
#[utoipa::path(delete, path = "/v3/{project_id}/vpc/firewalls/{firewall_id}", tag = "Network ACLs",
    operation_id = "deleteFirewall", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, acl)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let acl = path_id(&frame, Kind::NetworkAcl, &acl)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_network_acl(catalog, caller, ctx, acl)
        })
        .await?;
    Ok(done.gone())
}

/// Put rules in front of the others, or behind one of them.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/firewalls/{firewall_id}/insert-rules", tag = "Network ACLs",
    operation_id = "addFirewallRules", request_body = FirewallRulesRequest,
    responses((status = 200, body = FirewallBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn insert_rules(
    AxumState(state): AxumState<State>,
    Path((_, acl)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallRulesRequest>,
) -> Result<Response, Problem> {
    let fields = request.firewall;
    let after = fields.insert_after_rule.filter(|rule| !rule.is_empty());
    let rules = InsertNetworkAclRules {
        acl: path_id(&frame, Kind::NetworkAcl, &acl)?,
        ingress: new_rules(fields.ingress_rules, "ingress_rules")?,
        egress: new_rules(fields.egress_rules, "egress_rules")?,
        after: after.map(|rule| id(&rule, "firewall.insert_after_rule")).transpose()?,
    };
    let insert: UseCase =
        Box::new(move |catalog, caller, ctx| control::insert_network_acl_rules(catalog, caller, ctx, rules.clone()));
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::OK, insert).await
}

/// Change rules; fields that are absent stay as they are.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/firewalls/{firewall_id}/update-rules", tag = "Network ACLs",
    operation_id = "updateFirewallRules", request_body = FirewallRulesRequest,
    responses((status = 200, body = FirewallBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn update_rules(
    AxumState(state): AxumState<State>,
    Path((_, acl)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallRulesRequest>,
) -> Result<Response, Problem> {
    let acl = path_id(&frame, Kind::NetworkAcl, &acl)?;
    let ingress = rule_updates(request.firewall.ingress_rules, "ingress_rules")?;
    let egress = rule_updates(request.firewall.egress_rules, "egress_rules")?;
    let update: UseCase = Box::new(move |catalog, caller, ctx| {
        control::update_network_acl_rules(catalog, caller, ctx, acl, ingress.clone(), egress.clone())
    });
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::OK, update).await
}

/// Remove rules.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/firewalls/{firewall_id}/remove-rules", tag = "Network ACLs",
    operation_id = "removeFirewallRules", request_body = FirewallRulesRequest,
    responses((status = 200, body = FirewallBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn remove_rules(
    AxumState(state): AxumState<State>,
    Path((_, acl)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallRulesRequest>,
) -> Result<Response, Problem> {
    let acl = path_id(&frame, Kind::NetworkAcl, &acl)?;
    let ids = |rules: Option<Vec<FirewallRuleFields>>, list| -> Result<Vec<NetworkAclRuleId>, Problem> {
        rules.unwrap_or_default().iter().map(|rule| rule_id(rule, list)).collect()
    };
    let ingress = ids(request.firewall.ingress_rules, "ingress_rules")?;
    let egress = ids(request.firewall.egress_rules, "egress_rules")?;
    let remove: UseCase = Box::new(move |catalog, caller, ctx| {
        control::remove_network_acl_rules(catalog, caller, ctx, acl, &ingress, &egress)
    });
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::OK, remove).await
}

/// Put subnets under a network ACL.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/firewalls/{firewall_id}/associate-subnets", tag = "Network ACLs",
    operation_id = "associateSubnetFirewall", request_body = FirewallSubnetsRequest,
    responses((status = 200, body = FirewallBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn associate(
    AxumState(state): AxumState<State>,
    Path((_, acl)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallSubnetsRequest>,
) -> Result<Response, Problem> {
    let acl = path_id(&frame, Kind::NetworkAcl, &acl)?;
    let subnets = subnet_ids(request.subnets)?;
    let associate: UseCase =
        Box::new(move |catalog, caller, ctx| control::associate_subnets(catalog, caller, ctx, acl, subnets.clone()));
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::OK, associate).await
}

/// Take subnets off a network ACL.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/firewalls/{firewall_id}/disassociate-subnets", tag = "Network ACLs",
    operation_id = "disassociateSubnetFirewall", request_body = FirewallSubnetsRequest,
    responses((status = 200, body = FirewallBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn disassociate(
    AxumState(state): AxumState<State>,
    Path((_, acl)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallSubnetsRequest>,
) -> Result<Response, Problem> {
    let acl = path_id(&frame, Kind::NetworkAcl, &acl)?;
    let subnets = subnet_ids(request.subnets)?;
    let disassociate: UseCase =
        Box::new(move |catalog, caller, ctx| control::disassociate_subnets(catalog, caller, ctx, acl, subnets.clone()));
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::OK, disassociate).await
}

type UseCase = Box<dyn FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<NetworkAcl>, Error> + Send>;

/// Commits a use case, or only checks it in a dry run; every call answers the whole ACL.
async fn carry_out(
    state: &State,
    identity: &Identity,
    frame: Frame,
    dry_run: Option<bool>,
    status: StatusCode,
    use_case: UseCase,
) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    if dry_run == Some(true) {
        return state.rehearse(&caller, &frame, use_case);
    }
    let done = state.commit(&caller, use_case).await?;
    Ok(done.reply(status, |acl, _| FirewallBody { request_id: frame.request_id, firewall: FirewallV3::new(acl) }))
}

fn wrong(list: &str, field: &str, reason: &str) -> Problem {
    Problem::invalid(format!("firewall.{list}.{field}: {reason}"))
}

/// Rules to insert. Action, protocol and IP version have no default.
fn new_rules(rules: Option<Vec<FirewallRuleFields>>, list: &str) -> Result<Vec<NewNetworkAclRule>, Problem> {
    let new = |rule: FirewallRuleFields| {
        required(rule.action.as_ref(), &format!("firewall.{list}.action"))?;
        required(rule.protocol.clone().flatten(), &format!("firewall.{list}.protocol"))?;
        required(rule.ip_version, &format!("firewall.{list}.ip_version"))?;
        rule.creation(PortForm::V3, RuleAction::Deny).map_err(|(field, reason)| wrong(list, field, &reason))
    };
    rules.unwrap_or_default().into_iter().map(new).collect()
}

fn rule_updates(
    rules: Option<Vec<FirewallRuleFields>>,
    list: &str,
) -> Result<Vec<(NetworkAclRuleId, UpdateNetworkAclRule)>, Problem> {
    let update = |rule: FirewallRuleFields| {
        let update = rule.update(PortForm::V3).map_err(|(field, reason)| wrong(list, field, &reason))?;
        Ok((rule_id(&rule, list)?, update))
    };
    rules.unwrap_or_default().into_iter().map(update).collect()
}

fn rule_id(rule: &FirewallRuleFields, list: &str) -> Result<NetworkAclRuleId, Problem> {
    let name = format!("firewall.{list}.id");
    id(required(rule.id.as_deref(), &name)?, &name)
}

fn subnet_ids(subnets: Vec<AssociationV3>) -> Result<BTreeSet<SubnetId>, Problem> {
    const FIELD: &str = "subnets.virsubnet_id";
    subnets.into_iter().map(|subnet| id(&required(subnet.virsubnet_id, FIELD)?, FIELD)).collect()
}
