//! Security group rules in all three families (api-vpc §8.2). A rule cannot be changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{Caller, Context, CreateSecurityGroupRules, Error, NewSecurityGroupRule, Outcome};
use model::{
    Direction, IpVersion, Kind, Remote, RuleAction, SecurityGroup, SecurityGroupId, SecurityGroupRule,
    SecurityGroupRuleId,
};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, required};
use crate::frame::Frame;
use crate::query::{Query, v1_page, v2_page, v3_page};
use crate::state::{Done, State};
use crate::wire::{
    RuleBatchBody, RuleBatchRequest, RuleBodyV1, RuleBodyV3, RuleFields, RuleListV1, RuleListV2, RuleListV3,
    RuleRequest, RuleRequestV3, RuleV1, RuleV3, action, direction, ethertype, is_icmp, parse_multiport,
    parse_port_range, parse_protocol, remote_address_group, remote_group, remote_prefix,
};

/// List rules.
#[utoipa::path(get, path = "/v1/{project_id}/security-group-rules", tag = "Security group rules",
    operation_id = "listSecurityGroupRules",
    params(("security_group_id" = Option<String>, Query), ("remote_ip_prefix" = Option<String>, Query)),
    responses((status = 200, body = RuleListV1)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<RuleListV1>, Problem> {
    let rules = filtered(&state, &identity, &query)?;
    let rules = v1_page(&query, rules, |(_, rule)| rule.id.to_string())?;
    Ok(Json(RuleListV1 { security_group_rules: rules.iter().map(|(group, rule)| RuleV1::v1(group, rule)).collect() }))
}

/// Add a rule to a security group.
#[utoipa::path(post, path = "/v1/{project_id}/security-group-rules", tag = "Security group rules",
    operation_id = "createSecurityGroupRule", request_body = RuleRequest, responses((status = 200, body = RuleBodyV1)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<RuleRequest>,
) -> Result<Response, Problem> {
    let (group, done) = add(&state, &identity, request.security_group_rule).await?;
    let (group, rule) = made(&done, group)?;
    Ok(done.reply(StatusCode::OK, |_, _| RuleBodyV1 { security_group_rule: RuleV1::v1(group, rule) }))
}

/// Show a rule.
#[utoipa::path(get, path = "/v1/{project_id}/security-group-rules/{rule_id}", tag = "Security group rules",
    operation_id = "showSecurityGroupRule", responses((status = 200, body = RuleBodyV1)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, rule)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<RuleBodyV1>, Problem> {
    let (group, rule) = find(&state, &identity, &frame, &rule)?;
    Ok(Json(RuleBodyV1 { security_group_rule: RuleV1::v1(&group, &rule) }))
}

/// Remove a rule.
#[utoipa::path(delete, path = "/v1/{project_id}/security-group-rules/{rule_id}", tag = "Security group rules",
    operation_id = "deleteSecurityGroupRule", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, rule)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, &frame, &rule).await
}

/// List rules.
#[utoipa::path(get, path = "/v2.0/security-group-rules", tag = "Security group rules",
    operation_id = "listSecurityGroupRulesV2",
    params(("id" = Option<String>, Query), ("security_group_id" = Option<String>, Query),
        ("direction" = Option<String>, Query), ("protocol" = Option<String>, Query),
        ("ethertype" = Option<String>, Query), ("description" = Option<String>, Query),
        ("remote_ip_prefix" = Option<String>, Query), ("remote_group_id" = Option<String>, Query),
        ("port_range_min" = Option<String>, Query), ("port_range_max" = Option<String>, Query),
        ("tenant_id" = Option<String>, Query)),
    responses((status = 200, body = RuleListV2)))]
pub(crate) async fn list_v2(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<RuleListV2>, Problem> {
    let rules = filtered(&state, &identity, &query)?;
    let (rules, security_group_rules_links) = v2_page(&query, &frame.url(), rules, |(_, rule)| rule.id.to_string())?;
    let security_group_rules = rules.iter().map(|(group, rule)| RuleV1::v2(group, rule)).collect();
    Ok(Json(RuleListV2 { security_group_rules, security_group_rules_links }))
}

/// Add a rule to a security group.
#[utoipa::path(post, path = "/v2.0/security-group-rules", tag = "Security group rules",
    operation_id = "createSecurityGroupRuleV2", request_body = RuleRequest,
    responses((status = 201, body = RuleBodyV1)))]
pub(crate) async fn create_v2(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<RuleRequest>,
) -> Result<Response, Problem> {
    let (group, done) = add(&state, &identity, request.security_group_rule).await?;
    let (group, rule) = made(&done, group)?;
    Ok(done.reply(StatusCode::CREATED, |_, _| RuleBodyV1 { security_group_rule: RuleV1::v2(group, rule) }))
}

/// Show a rule.
#[utoipa::path(get, path = "/v2.0/security-group-rules/{rule_id}", tag = "Security group rules",
    operation_id = "showSecurityGroupRuleV2", responses((status = 200, body = RuleBodyV1)))]
pub(crate) async fn show_v2(
    AxumState(state): AxumState<State>,
    Path(rule): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<RuleBodyV1>, Problem> {
    let (group, rule) = find(&state, &identity, &frame, &rule)?;
    Ok(Json(RuleBodyV1 { security_group_rule: RuleV1::v2(&group, &rule) }))
}

/// Remove a rule.
#[utoipa::path(delete, path = "/v2.0/security-group-rules/{rule_id}", tag = "Security group rules",
    operation_id = "deleteSecurityGroupRuleV2", responses((status = 204)))]
pub(crate) async fn delete_v2(
    AxumState(state): AxumState<State>,
    Path(rule): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, &frame, &rule).await
}

/// List rules.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/security-group-rules", tag = "Security group rules",
    operation_id = "listSecurityGroupRulesV3",
    params(("id" = Option<String>, Query), ("security_group_id" = Option<String>, Query),
        ("protocol" = Option<String>, Query), ("description" = Option<String>, Query),
        ("remote_group_id" = Option<String>, Query), ("direction" = Option<String>, Query),
        ("action" = Option<String>, Query), ("remote_ip_prefix" = Option<String>, Query),
        ("priority" = Option<String>, Query), ("ethertype" = Option<String>, Query),
        ("enabled" = Option<String>, Query)),
    responses((status = 200, body = RuleListV3)))]
pub(crate) async fn list_v3(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<RuleListV3>, Problem> {
    let rules = filtered(&state, &identity, &query)?;
    let (rules, page_info) = v3_page(&query, rules, |(_, rule)| rule.id.to_string())?;
    let security_group_rules = rules.iter().map(|(group, rule)| RuleV3::new(group, rule)).collect();
    Ok(Json(RuleListV3 { request_id: frame.request_id, security_group_rules, page_info }))
}

/// Add a rule to a security group.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/security-group-rules", tag = "Security group rules",
    operation_id = "createSecurityGroupRuleV3", request_body = RuleRequestV3,
    responses((status = 201, body = RuleBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create_v3(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<RuleRequestV3>,
) -> Result<Response, Problem> {
    if request.dry_run == Some(true) {
        let (_, create) = creation(None, vec![request.security_group_rule], false)?;
        return state.rehearse(&identity.project_caller()?, &frame, create);
    }
    let (group, done) = add(&state, &identity, request.security_group_rule).await?;
    let (group, rule) = made(&done, group)?;
    let request_id = frame.request_id;
    Ok(done.reply(StatusCode::CREATED, |_, _| RuleBodyV3 { request_id, security_group_rule: RuleV3::new(group, rule) }))
}

/// Add several rules to a security group.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/security-groups/{group_id}/security-group-rules/batch-create",
    tag = "Security group rules", operation_id = "batchCreateSecurityGroupRules", request_body = RuleBatchRequest,
    responses((status = 201, body = RuleBatchBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create_batch(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<RuleBatchRequest>,
) -> Result<Response, Problem> {
    let group: SecurityGroupId = group.parse().map_err(|error: model::IdError| no_such_group(error.text))?;
    // What a rule names is a wrong field; the path's own group is a missing object.
    let refusal = |problem: Problem| {
        let own = problem.says_missing(Kind::SecurityGroup, &group.to_string());
        if own { no_such_group(group.to_string()) } else { problem }
    };
    let ignore_duplicates = request.ignore_duplicate == Some(true);
    let (_, create) = creation(Some(group), request.security_group_rules, ignore_duplicates)?;
    if request.dry_run == Some(true) {
        return state.rehearse(&identity.project_caller()?, &frame, create).map_err(refusal);
    }
    let done = state.commit(&identity.project_caller()?, create).await.map_err(refusal)?;
    let group = group_of(&done, group)?;
    Ok(done.reply(StatusCode::CREATED, |rules, _| RuleBatchBody {
        request_id: frame.request_id,
        security_group_rules: rules.iter().map(|rule| RuleV3::new(group, rule)).collect(),
    }))
}

/// Show a rule.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/security-group-rules/{rule_id}", tag = "Security group rules",
    operation_id = "showSecurityGroupRuleV3", responses((status = 200, body = RuleBodyV3)))]
pub(crate) async fn show_v3(
    AxumState(state): AxumState<State>,
    Path((_, rule)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<RuleBodyV3>, Problem> {
    let (group, rule) = find(&state, &identity, &frame, &rule)?;
    Ok(Json(RuleBodyV3 { request_id: frame.request_id, security_group_rule: RuleV3::new(&group, &rule) }))
}

/// Remove a rule.
#[utoipa::path(delete, path = "/v3/{project_id}/vpc/security-group-rules/{rule_id}", tag = "Security group rules",
    operation_id = "deleteSecurityGroupRuleV3", responses((status = 204)))]
pub(crate) async fn delete_v3(
    AxumState(state): AxumState<State>,
    Path((_, rule)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, &frame, &rule).await
}

fn no_such_group(id: String) -> Problem {
    Problem::not_found(Error::NotFound { kind: Kind::SecurityGroup, id }.to_string())
}

type Rules = Vec<SecurityGroupRule>;
type UseCase = Box<dyn FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<Rules>, Error> + Send>;

async fn add(
    state: &State,
    identity: &Identity,
    fields: RuleFields,
) -> Result<(SecurityGroupId, Done<Rules>), Problem> {
    let (group, create) = creation(None, vec![fields], false)?;
    Ok((group, state.commit(&identity.project_caller()?, create).await?))
}

/// The use case that adds the rules to one group: the given one, else the first rule's.
fn creation(
    group: Option<SecurityGroupId>,
    rules: Vec<RuleFields>,
    ignore_duplicates: bool,
) -> Result<(SecurityGroupId, UseCase), Problem> {
    const GROUP: &str = "security_group_rule.security_group_id";
    let group = match (group, rules.first()) {
        (Some(group), _) => group,
        (None, Some(rule)) => id(&required(rule.security_group_id.clone(), GROUP)?, GROUP)?,
        (None, None) => return Err(Problem::invalid("at least one rule is expected")),
    };
    let rules = rules.into_iter().map(new_rule).collect::<Result<Vec<_>, _>>()?;
    let request = CreateSecurityGroupRules { group, rules, ignore_duplicates };
    let create: UseCase = Box::new(move |catalog, caller, ctx| {
        control::create_security_group_rules(catalog, caller, ctx, request.clone())
    });
    Ok((group, create))
}

fn new_rule(fields: RuleFields) -> Result<NewSecurityGroupRule, Problem> {
    let wrong = |field: &str, reason: String| Problem::invalid(format!("security_group_rule.{field}: {reason}"));
    let direction = match required(fields.direction, "security_group_rule.direction")?.as_str() {
        "ingress" => Direction::Ingress,
        "egress" => Direction::Egress,
        _ => return Err(wrong("direction", "ingress or egress is expected".to_owned())),
    };
    let version = match fields.ethertype.as_deref().unwrap_or("IPv4").to_ascii_lowercase().as_str() {
        "ipv4" | "" => IpVersion::V4,
        "ipv6" => IpVersion::V6,
        _ => return Err(wrong("ethertype", "IPv4 or IPv6 is expected".to_owned())),
    };
    let action = match fields.action.as_deref().unwrap_or("allow") {
        "allow" | "" => RuleAction::Allow,
        "deny" => RuleAction::Deny,
        _ => return Err(wrong("action", "allow or deny is expected".to_owned())),
    };
    // Default 1 for rules that clients make (api-vpc §8.2).
    let priority = fields.priority.map_or(Ok(1), |number| {
        let priority = u8::try_from(number.0).ok().filter(|priority| (1..=100).contains(priority));
        priority.ok_or_else(|| wrong("priority", "1 to 100 is expected".to_owned()))
    })?;
    let protocol = parse_protocol(fields.protocol.as_ref().map(|text| text.0.as_str()))
        .map_err(|reason| wrong("protocol", reason))?;
    let services = match fields.multiport.as_ref().map(|text| text.0.as_str()).filter(|text| !text.is_empty()) {
        // Read as ports, they would be taken for ICMP types and codes.
        Some(_) if is_icmp(protocol) => {
            return Err(wrong("multiport", "ICMP has no ports; port_range_min is the type in v1 and v2.0".to_owned()));
        }
        Some(text) => parse_multiport(text).map_err(|reason| wrong("multiport", reason))?,
        None => parse_port_range(protocol, fields.port_range_min, fields.port_range_max)
            .map_err(|reason| wrong("port_range_min", reason))?,
    };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let remotes =
        (given(fields.remote_ip_prefix), given(fields.remote_group_id), given(fields.remote_address_group_id));
    let remote = match remotes {
        (None, None, None) => Remote::Any,
        (Some(prefix), None, None) => Remote::Cidr(remote_cidr(&prefix)?),
        (None, Some(group), None) => Remote::Group(id(&group, "security_group_rule.remote_group_id")?),
        (None, None, Some(group)) => Remote::AddressGroup(id(&group, "security_group_rule.remote_address_group_id")?),
        _ => {
            return Err(Problem::invalid(
                "remote_ip_prefix, remote_group_id and remote_address_group_id exclude each other",
            ));
        }
    };
    Ok(NewSecurityGroupRule {
        direction,
        action,
        priority,
        version,
        protocol,
        services,
        remote,
        description: fields.description.unwrap_or_default(),
        enabled: fields.enabled.unwrap_or(true),
    })
}

/// An address or a range; bits behind the prefix are cleared (api-vpc §8.2).
fn remote_cidr(text: &str) -> Result<ipnet::IpNet, Problem> {
    let net: Option<ipnet::IpNet> =
        text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from));
    net.map(|net| net.trunc()).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        control::Error::InvalidCidr(model::CidrError::Syntax(shown)).into()
    })
}

/// The only rule of a creation, with its group.
fn made(done: &Done<Rules>, group: SecurityGroupId) -> Result<(&SecurityGroup, &SecurityGroupRule), Problem> {
    let rule = done.value.first().ok_or_else(|| Problem::internal("no rule was made"))?;
    Ok((group_of(done, group)?, rule))
}

fn group_of(done: &Done<Rules>, group: SecurityGroupId) -> Result<&SecurityGroup, Problem> {
    let missing = || control::Error::NotFound { kind: Kind::SecurityGroup, id: group.to_string() };
    Ok(done.catalog.security_group(group).ok_or_else(missing)?)
}

/// The rules that pass the query's filters, by id, each with its group.
fn filtered(
    state: &State,
    identity: &Identity,
    query: &Query,
) -> Result<Vec<(Arc<SecurityGroup>, SecurityGroupRule)>, Problem> {
    let groups = control::security_groups(&state.catalog(), &identity.project_caller()?);
    let mut rules: Vec<_> = groups
        .into_iter()
        .filter(|group| query.any("security_group_id", group.id))
        .filter(|group| query.is("tenant_id", group.project))
        .flat_map(|group| {
            let rules: Vec<_> = group.rules.iter().filter(|rule| passes(&group, rule, query)).cloned().collect();
            rules.into_iter().map(move |rule| (Arc::clone(&group), rule))
        })
        .collect();
    rules.sort_unstable_by_key(|(_, rule)| rule.id);
    Ok(rules)
}

fn passes(group: &SecurityGroup, rule: &SecurityGroupRule, query: &Query) -> bool {
    let shown = RuleV1::v1(group, rule);
    let number = |value: Option<u16>| value.map(|value| value.to_string()).unwrap_or_default();
    query.any("id", rule.id)
        && query.any("direction", direction(rule))
        && query.any("protocol", rule.protocol.map(|protocol| protocol.to_string()).unwrap_or_default())
        && query.any("ethertype", ethertype(rule))
        && query.any("description", &rule.description)
        && query.any("remote_ip_prefix", remote_prefix(rule).unwrap_or_default())
        && query.any("remote_group_id", remote_group(rule).unwrap_or_default())
        && query.any("remote_address_group_id", remote_address_group(rule).unwrap_or_default())
        && query.any("action", action(rule))
        && query.any("priority", rule.priority)
        && query.any("enabled", if rule.enabled { "true" } else { "false" })
        && query.is("port_range_min", number(shown.port_range_min()))
        && query.is("port_range_max", number(shown.port_range_max()))
}

fn find(
    state: &State,
    identity: &Identity,
    frame: &Frame,
    rule: &str,
) -> Result<(Arc<SecurityGroup>, SecurityGroupRule), Problem> {
    let id = rule_id(frame, rule)?;
    let missing = || control::Error::RuleNotFound { id: id.to_string() };
    let group = control::security_group_of_rule(&state.catalog(), &identity.project_caller()?, id)?;
    let rule = group.rules.iter().find(|rule| rule.id == id).cloned().ok_or_else(missing)?;
    Ok((group, rule))
}

async fn remove(state: &State, identity: &Identity, frame: &Frame, rule: &str) -> Result<Response, Problem> {
    let rule = rule_id(frame, rule)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_security_group_rule(catalog, caller, ctx, rule)
        })
        .await?;
    Ok(done.gone())
}

fn rule_id(_: &Frame, text: &str) -> Result<SecurityGroupRuleId, Problem> {
    text.parse().map_err(|error: model::IdError| control::Error::RuleNotFound { id: error.text }.into())
}
