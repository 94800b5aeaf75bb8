//! Network ACLs, v2.0: firewall groups, policies and rules (api-vpc §9.2). The objects are those of v3.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use control::{CreateNetworkAcl, CreateNetworkAclPolicy, Error, RulePlace, UpdateNetworkAcl, UpdateNetworkAclPolicy};
use model::{Kind, NetworkAclId, NetworkAclPolicyId, NetworkAclRuleId, RuleAction, SubnetId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v2_page};
use crate::state::State;
use crate::wire::{
    FirewallGroup, FirewallGroupBody, FirewallGroupList, FirewallGroupRequest, FirewallPolicy, FirewallPolicyBody,
    FirewallPolicyList, FirewallPolicyRequest, FirewallRule, FirewallRuleBody, FirewallRuleFields, FirewallRuleList,
    FirewallRuleRequest, Maybe, PolicyRuleRequest, PortForm, acl_action, acl_status, subnet_of_interface,
    version_number,
};

/// List firewall groups.
#[utoipa::path(get, path = "/v2.0/fwaas/firewall_groups", tag = "Network ACLs", operation_id = "listFirewallGroups",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("description" = Option<String>, Query),
        ("ingress_firewall_policy_id" = Option<String>, Query), ("egress_firewall_policy_id" = Option<String>, Query),
        ("admin_state_up" = Option<bool>, Query), ("status" = Option<String>, Query),
        ("tenant_id" = Option<String>, Query)),
    responses((status = 200, body = FirewallGroupList)))]
pub(crate) async fn list_groups(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<FirewallGroupList>, Problem> {
    let policy = |policy: Option<NetworkAclPolicyId>| policy.map(|policy| policy.to_string()).unwrap_or_default();
    let acls: Vec<_> = control::network_acls(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|acl| query.any("id", acl.id) && query.any("name", &acl.name))
        .filter(|acl| query.any("description", &acl.description) && query.is("status", acl_status(acl)))
        .filter(|acl| query.is("ingress_firewall_policy_id", policy(acl.ingress_policy)))
        .filter(|acl| query.is("egress_firewall_policy_id", policy(acl.egress_policy)))
        .filter(|acl| query.flag("admin_state_up", acl.enabled) && query.is("tenant_id", acl.project))
        .collect();
    let (acls, firewall_groups_links) = v2_page(&query, &frame.url(), acls, |acl| acl.id.to_string())?;
    let firewall_groups = acls.iter().map(|acl| FirewallGroup::new(acl)).collect();
    Ok(Json(FirewallGroupList { firewall_groups, firewall_groups_links }))
}

/// Create a firewall group.
#[utoipa::path(post, path = "/v2.0/fwaas/firewall_groups", tag = "Network ACLs", operation_id = "createFirewallGroup",
    request_body = FirewallGroupRequest, responses((status = 201, body = FirewallGroupBody)))]
pub(crate) async fn create_group(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<FirewallGroupRequest>,
) -> Result<Response, Problem> {
    let fields = request.firewall_group;
    private(fields.public)?;
    let create = CreateNetworkAcl {
        name: fields.name.unwrap_or_default(),
        long_name: true,
        description: fields.description.unwrap_or_default(),
        enabled: fields.admin_state_up.unwrap_or(true),
        subnets: fields.ports.map(interfaces).transpose()?.unwrap_or_default(),
        ingress_policy: policy(fields.ingress_firewall_policy_id, "ingress_firewall_policy_id")?.flatten(),
        egress_policy: policy(fields.egress_firewall_policy_id, "egress_firewall_policy_id")?.flatten(),
        ..CreateNetworkAcl::default()
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_network_acl(catalog, caller, ctx, create.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::CREATED, |acl, _| FirewallGroupBody { firewall_group: FirewallGroup::new(acl) }))
}

/// Show a firewall group.
#[utoipa::path(get, path = "/v2.0/fwaas/firewall_groups/{firewall_group_id}", tag = "Network ACLs",
    operation_id = "showFirewallGroup", responses((status = 200, body = FirewallGroupBody)))]
pub(crate) async fn show_group(
    AxumState(state): AxumState<State>,
    Path(group): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<FirewallGroupBody>, Problem> {
    let group = path_id(&frame, Kind::NetworkAcl, &group)?;
    let acl = control::network_acl(&state.catalog(), &identity.project_caller()?, group)?;
    Ok(Json(FirewallGroupBody { firewall_group: FirewallGroup::new(&acl) }))
}

/// Change a firewall group.
#[utoipa::path(put, path = "/v2.0/fwaas/firewall_groups/{firewall_group_id}", tag = "Network ACLs",
    operation_id = "updateFirewallGroup", request_body = FirewallGroupRequest,
    responses((status = 200, body = FirewallGroupBody)))]
pub(crate) async fn update_group(
    AxumState(state): AxumState<State>,
    Path(group): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallGroupRequest>,
) -> Result<Response, Problem> {
    let group: NetworkAclId = path_id(&frame, Kind::NetworkAcl, &group)?;
    let fields = request.firewall_group;
    private(fields.public)?;
    let update = UpdateNetworkAcl {
        name: fields.name,
        long_name: true,
        description: fields.description,
        enabled: fields.admin_state_up,
        subnets: fields.ports.map(interfaces).transpose()?,
        ingress_policy: policy(fields.ingress_firewall_policy_id, "ingress_firewall_policy_id")?,
        egress_policy: policy(fields.egress_firewall_policy_id, "egress_firewall_policy_id")?,
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_network_acl(catalog, caller, ctx, group, update.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |acl, _| FirewallGroupBody { firewall_group: FirewallGroup::new(acl) }))
}

/// Delete a firewall group without ports; its policies stay.
#[utoipa::path(delete, path = "/v2.0/fwaas/firewall_groups/{firewall_group_id}", tag = "Network ACLs",
    operation_id = "deleteFirewallGroup", responses((status = 204)))]
pub(crate) async fn delete_group(
    AxumState(state): AxumState<State>,
    Path(group): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let group = path_id(&frame, Kind::NetworkAcl, &group)?;
    let caller = identity.project_caller()?;
    let done = state
        .commit(&caller, move |catalog, caller, ctx| control::delete_network_acl(catalog, caller, ctx, group))
        .await?;
    Ok(done.gone())
}

/// List firewall policies.
#[utoipa::path(get, path = "/v2.0/fwaas/firewall_policies", tag = "Network ACLs",
    operation_id = "listFirewallPolicies",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("description" = Option<String>, Query),
        ("audited" = Option<bool>, Query), ("tenant_id" = Option<String>, Query)),
    responses((status = 200, body = FirewallPolicyList)))]
pub(crate) async fn list_policies(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<FirewallPolicyList>, Problem> {
    let policies: Vec<_> = control::network_acl_policies(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|policy| query.any("id", policy.id) && query.any("name", &policy.name))
        .filter(|policy| query.any("description", &policy.description) && query.flag("audited", policy.audited))
        .filter(|policy| query.is("tenant_id", policy.project))
        .collect();
    let (policies, firewall_policies_links) = v2_page(&query, &frame.url(), policies, |policy| policy.id.to_string())?;
    let firewall_policies = policies.iter().map(|policy| FirewallPolicy::new(policy)).collect();
    Ok(Json(FirewallPolicyList { firewall_policies, firewall_policies_links }))
}

/// Create a firewall policy.
#[utoipa::path(post, path = "/v2.0/fwaas/firewall_policies", tag = "Network ACLs",
    operation_id = "createFirewallPolicy", request_body = FirewallPolicyRequest,
    responses((status = 201, body = FirewallPolicyBody)))]
pub(crate) async fn create_policy(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<FirewallPolicyRequest>,
) -> Result<Response, Problem> {
    let fields = request.firewall_policy;
    private(fields.public)?;
    let create = CreateNetworkAclPolicy {
        name: fields.name.unwrap_or_default(),
        description: fields.description.unwrap_or_default(),
        audited: fields.audited.unwrap_or(false),
        rules: fields.firewall_rules.map(rule_ids).transpose()?.unwrap_or_default(),
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_network_acl_policy(catalog, caller, ctx, create.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::CREATED, |policy, _| FirewallPolicyBody { firewall_policy: FirewallPolicy::new(policy) }))
}

/// Show a firewall policy.
#[utoipa::path(get, path = "/v2.0/fwaas/firewall_policies/{firewall_policy_id}", tag = "Network ACLs",
    operation_id = "showFirewallPolicy", responses((status = 200, body = FirewallPolicyBody)))]
pub(crate) async fn show_policy(
    AxumState(state): AxumState<State>,
    Path(policy): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<FirewallPolicyBody>, Problem> {
    let policy = path_id(&frame, Kind::NetworkAclPolicy, &policy)?;
    let policy = control::network_acl_policy(&state.catalog(), &identity.project_caller()?, policy)?;
    Ok(Json(FirewallPolicyBody { firewall_policy: FirewallPolicy::new(&policy) }))
}

/// Change a firewall policy, and every group that has it.
#[utoipa::path(put, path = "/v2.0/fwaas/firewall_policies/{firewall_policy_id}", tag = "Network ACLs",
    operation_id = "updateFirewallPolicy", request_body = FirewallPolicyRequest,
    responses((status = 200, body = FirewallPolicyBody)))]
pub(crate) async fn update_policy(
    AxumState(state): AxumState<State>,
    Path(policy): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallPolicyRequest>,
) -> Result<Response, Problem> {
    let policy: NetworkAclPolicyId = path_id(&frame, Kind::NetworkAclPolicy, &policy)?;
    let fields = request.firewall_policy;
    private(fields.public)?;
    let update = UpdateNetworkAclPolicy {
        name: fields.name,
        description: fields.description,
        audited: fields.audited,
        rules: fields.firewall_rules.map(rule_ids).transpose()?,
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_network_acl_policy(catalog, caller, ctx, policy, update.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |policy, _| FirewallPolicyBody { firewall_policy: FirewallPolicy::new(policy) }))
}

/// Delete a firewall policy that no group has; its rules stay.
#[utoipa::path(delete, path = "/v2.0/fwaas/firewall_policies/{firewall_policy_id}", tag = "Network ACLs",
    operation_id = "deleteFirewallPolicy", responses((status = 204)))]
pub(crate) async fn delete_policy(
    AxumState(state): AxumState<State>,
    Path(policy): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let policy = path_id(&frame, Kind::NetworkAclPolicy, &policy)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_network_acl_policy(catalog, caller, ctx, policy)
        })
        .await?;
    Ok(done.gone())
}

/// Put a rule into a firewall policy.
#[utoipa::path(put, path = "/v2.0/fwaas/firewall_policies/{firewall_policy_id}/insert_rule", tag = "Network ACLs",
    operation_id = "insertFirewallRule", request_body = PolicyRuleRequest,
    responses((status = 200, body = FirewallPolicy)))]
pub(crate) async fn insert_rule(
    AxumState(state): AxumState<State>,
    Path(policy): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<PolicyRuleRequest>,
) -> Result<Response, Problem> {
    let policy = path_id(&frame, Kind::NetworkAclPolicy, &policy)?;
    let rule = id(&required(request.firewall_rule_id, "firewall_rule_id")?, "firewall_rule_id")?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let place = match (given(request.insert_before), given(request.insert_after)) {
        (Some(other), _) => RulePlace::Before(id(&other, "insert_before")?),
        (None, Some(other)) => RulePlace::After(id(&other, "insert_after")?),
        (None, None) => RulePlace::First,
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::insert_rule_into_policy(catalog, caller, ctx, policy, rule, place)
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |policy, _| FirewallPolicy::new(policy)))
}

/// Take a rule out of a firewall policy; the rule stays.
#[utoipa::path(put, path = "/v2.0/fwaas/firewall_policies/{firewall_policy_id}/remove_rule", tag = "Network ACLs",
    operation_id = "removeFirewallRule", request_body = PolicyRuleRequest,
    responses((status = 200, body = FirewallPolicy)))]
pub(crate) async fn remove_rule(
    AxumState(state): AxumState<State>,
    Path(policy): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<PolicyRuleRequest>,
) -> Result<Response, Problem> {
    let policy = path_id(&frame, Kind::NetworkAclPolicy, &policy)?;
    let rule = id(&required(request.firewall_rule_id, "firewall_rule_id")?, "firewall_rule_id")?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::remove_rule_from_policy(catalog, caller, ctx, policy, rule)
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |policy, _| FirewallPolicy::new(policy)))
}

/// List firewall rules.
#[utoipa::path(get, path = "/v2.0/fwaas/firewall_rules", tag = "Network ACLs", operation_id = "listFirewallRules",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("description" = Option<String>, Query),
        ("action" = Option<String>, Query), ("protocol" = Option<String>, Query),
        ("ip_version" = Option<String>, Query), ("enabled" = Option<bool>, Query),
        ("tenant_id" = Option<String>, Query)),
    responses((status = 200, body = FirewallRuleList)))]
pub(crate) async fn list_rules(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<FirewallRuleList>, Problem> {
    let rules: Vec<_> = control::network_acl_rules(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|rule| query.any("id", rule.id) && query.any("name", &rule.name))
        .filter(|rule| query.any("description", &rule.description) && query.is("action", acl_action(rule.action)))
        .filter(|rule| query.is("protocol", rule.protocol.map(|protocol| protocol.to_string()).unwrap_or_default()))
        .filter(|rule| query.is("ip_version", version_number(rule.version)))
        .filter(|rule| query.flag("enabled", rule.enabled) && query.is("tenant_id", rule.project))
        .collect();
    let (rules, firewall_rules_links) = v2_page(&query, &frame.url(), rules, |rule| rule.id.to_string())?;
    let firewall_rules = rules.iter().map(|rule| FirewallRule::new(rule)).collect();
    Ok(Json(FirewallRuleList { firewall_rules, firewall_rules_links }))
}

/// Create a firewall rule; it has no effect until it is in the policy of a group.
#[utoipa::path(post, path = "/v2.0/fwaas/firewall_rules", tag = "Network ACLs", operation_id = "createFirewallRule",
    request_body = FirewallRuleRequest, responses((status = 201, body = FirewallRuleBody)))]
pub(crate) async fn create_rule(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<FirewallRuleRequest>,
) -> Result<Response, Problem> {
    let fields = request.firewall_rule;
    only_v2(&fields)?;
    // What Neutron does when the client does not say.
    let rule = fields.creation(PortForm::V2, RuleAction::Deny).map_err(wrong_rule)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_network_acl_rule(catalog, caller, ctx, rule.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::CREATED, |rule, _| FirewallRuleBody { firewall_rule: FirewallRule::new(rule) }))
}

/// Show a firewall rule.
#[utoipa::path(get, path = "/v2.0/fwaas/firewall_rules/{firewall_rule_id}", tag = "Network ACLs",
    operation_id = "showFirewallRule", responses((status = 200, body = FirewallRuleBody)))]
pub(crate) async fn show_rule(
    AxumState(state): AxumState<State>,
    Path(rule): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<FirewallRuleBody>, Problem> {
    let rule = path_id(&frame, Kind::NetworkAclRule, &rule)?;
    let rule = control::network_acl_rule(&state.catalog(), &identity.project_caller()?, rule)?;
    Ok(Json(FirewallRuleBody { firewall_rule: FirewallRule::new(&rule) }))
}

/// Change a firewall rule, and every policy that has it.
#[utoipa::path(put, path = "/v2.0/fwaas/firewall_rules/{firewall_rule_id}", tag = "Network ACLs",
    operation_id = "updateFirewallRule", request_body = FirewallRuleRequest,
    responses((status = 200, body = FirewallRuleBody)))]
pub(crate) async fn update_rule(
    AxumState(state): AxumState<State>,
    Path(rule): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<FirewallRuleRequest>,
) -> Result<Response, Problem> {
    let rule = path_id(&frame, Kind::NetworkAclRule, &rule)?;
    let fields = request.firewall_rule;
    only_v2(&fields)?;
    let update = fields.update(PortForm::V2).map_err(wrong_rule)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_network_acl_rule(catalog, caller, ctx, rule, update.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |rule, _| FirewallRuleBody { firewall_rule: FirewallRule::new(rule) }))
}

/// Delete a firewall rule that is in no policy.
#[utoipa::path(delete, path = "/v2.0/fwaas/firewall_rules/{firewall_rule_id}", tag = "Network ACLs",
    operation_id = "deleteFirewallRule", responses((status = 204)))]
pub(crate) async fn delete_rule(
    AxumState(state): AxumState<State>,
    Path(rule): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let rule = path_id(&frame, Kind::NetworkAclRule, &rule)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_network_acl_rule(catalog, caller, ctx, rule)
        })
        .await?;
    Ok(done.gone())
}

fn wrong_rule((field, reason): (&'static str, String)) -> Problem {
    Problem::invalid(format!("firewall_rule.{field}: {reason}"))
}

/// Objects belong to one project here.
fn private(public: Option<bool>) -> Result<(), Problem> {
    if public == Some(true) {
        let text = "public: sharing with other projects is not available; leave it out".to_owned();
        return Err(Error::NotSupported(text).into());
    }
    Ok(())
}

/// Refuses what this form does not have, rather than leave it out of a rule.
fn only_v2(fields: &FirewallRuleFields) -> Result<(), Problem> {
    private(fields.public)?;
    if fields.source_address_group_id.is_some() || fields.destination_address_group_id.is_some() {
        let text = "address groups are for the v3 form of network ACL rules; use source_ip_address and \
                    destination_ip_address here";
        return Err(Error::NotSupported(text.to_owned()).into());
    }
    Ok(())
}

fn policy(field: Maybe<String>, name: &str) -> Result<Option<Option<NetworkAclPolicyId>>, Problem> {
    let Some(value) = field else { return Ok(None) };
    value.filter(|text| !text.is_empty()).map(|text| id(&text, &format!("firewall_group.{name}"))).transpose().map(Some)
}

fn rule_ids(rules: Vec<String>) -> Result<Vec<NetworkAclRuleId>, Problem> {
    rules.iter().map(|rule| id(rule, "firewall_policy.firewall_rules")).collect()
}

/// The subnets of router interfaces. One that is none is found missing as a subnet.
fn interfaces(ports: Vec<String>) -> Result<BTreeSet<SubnetId>, Problem> {
    let interface = |text: &String| {
        let port: model::PortId = id(text, "firewall_group.ports")?;
        Ok(subnet_of_interface(port.uuid()))
    };
    ports.iter().map(interface).collect()
}
