//! Servers: workloads with one port, each a network namespace where the data plane has them.

use std::collections::BTreeMap;

use agent::Agent;
use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{CreatePort, CreateServer, Outcome, PortIpv6, ServerPort, UpdatePort, UpdateServer};
use model::{Kind, SecurityGroupId, Server, ServerId, ServerKind, ServerState, SubnetId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, ipv4, ipv6_or_auto, path_id, required};
use crate::frame::Frame;
use crate::query::Query;
use crate::state::{Done, State};
use crate::wire::{body, request};

/// A server.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerObject {
    id: String,
    name: String,
    /// `ecs`, `rds`, `firewall` or `snat-server`.
    kind: &'static str,
    /// `ACTIVE` or `SHUTOFF`.
    status: &'static str,
    region: String,
    vpc_id: String,
    subnet_id: String,
    port_id: String,
    ip_address: String,
    /// Absent on IPv4-only subnets.
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_address: Option<String>,
    mac_address: String,
    /// Ids in order.
    security_groups: Vec<String>,
    source_dest_check: bool,
    /// Its network namespace on the machine; absent where the data plane has no workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    created_at: String,
}

impl ServerObject {
    fn new(catalog: &Catalog, agent: &dyn Agent, server: &Server) -> Self {
        let port = catalog.port(server.port);
        let text = |of: fn(&model::Port) -> String| port.map(|port| of(port)).unwrap_or_default();
        Self {
            id: server.id.to_string(),
            name: server.name.clone(),
            kind: server.kind.as_str(),
            status: match server.state {
                ServerState::Running => "ACTIVE",
                ServerState::Stopped => "SHUTOFF",
            },
            region: server.region.to_string(),
            vpc_id: text(|port| port.vpc.to_string()),
            subnet_id: text(|port| port.subnet.to_string()),
            port_id: server.port.to_string(),
            ip_address: text(|port| port.ipv4.to_string()),
            ipv6_address: port.and_then(|port| port.ipv6).map(|address| address.to_string()),
            mac_address: text(|port| port.mac.to_string()),
            security_groups: port
                .map(|port| port.security_groups.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            source_dest_check: port.is_none_or(|port| port.source_dest_check),
            namespace: agent.namespace(server),
            created_at: server.created_at.with_zone(),
        }
    }
}

/// What a server is made from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ServerFields {
    name: Option<String>,
    subnet_id: Option<String>,
    /// A free address of the subnet; the lowest when absent.
    ip_address: Option<String>,
    /// A free IPv6 address of a dual-stack subnet, or `auto`; the lowest when absent. In an update: gives one to a server
    /// that has none.
    ipv6_address: Option<String>,
    /// Ids in order; the project's default group when absent.
    security_groups: Option<Vec<String>>,
    /// `ecs` (default), `rds`, `firewall` or `snat-server`.
    kind: Option<String>,
    source_dest_check: Option<bool>,
}

/// Start or stop a server: exactly one of the two.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ActionRequest {
    start: Option<BTreeMap<String, Value>>,
    stop: Option<BTreeMap<String, Value>>,
}

request! {
    /// Make or change a server.
    ServerRequest { server: ServerFields }
}
body! {
    /// A server.
    ServerBody { "server" server: ServerObject }
    /// Servers.
    ServerList { "servers" servers: Vec<ServerObject> }
}

/// List the servers of the project that the request names; of the account when it names none, for operators all.
#[utoipa::path(get, path = "/causeway/v1/servers", tag = "Causeway", operation_id = "listServers",
    params(("name" = Option<String>, Query), ("vpc_id" = Option<String>, Query),
        ("subnet_id" = Option<String>, Query)),
    responses((status = 200, body = ServerList)))]
pub(crate) async fn list(AxumState(state): AxumState<State>, identity: Identity, query: Query) -> Json<ServerList> {
    let catalog = state.catalog();
    let servers = control::servers(&catalog, &identity.caller())
        .iter()
        .map(|server| ServerObject::new(&catalog, state.agent(), server))
        .filter(|server| query.is("name", &server.name) && query.is("vpc_id", &server.vpc_id))
        .filter(|server| query.is("subnet_id", &server.subnet_id))
        .collect();
    Json(ServerList { servers })
}

/// Make a server with its port, running. Answered when it can send and receive.
#[utoipa::path(post, path = "/causeway/v1/servers", tag = "Causeway", operation_id = "createServer",
    request_body = ServerRequest, responses((status = 201, body = ServerBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<ServerRequest>,
) -> Result<Response, Problem> {
    let fields = request.server;
    let subnet: SubnetId = id(&required(fields.subnet_id, "server.subnet_id")?, "server.subnet_id")?;
    let groups = fields.security_groups.map(|texts| {
        texts.iter().map(|text| id(text, "server.security_groups")).collect::<Result<Vec<SecurityGroupId>, _>>()
    });
    let port = CreatePort {
        address: fields.ip_address.as_deref().map(|text| ipv4(text, "server.ip_address")).transpose()?,
        ipv6: ipv6(fields.ipv6_address.as_deref())?,
        security_groups: groups.transpose()?,
        source_dest_check: fields.source_dest_check,
        ..CreatePort::new(subnet)
    };
    let request = CreateServer {
        name: required(fields.name, "server.name")?,
        kind: fields.kind.as_deref().map_or(Ok(ServerKind::Ecs), kind)?,
        vpc: None,
        port: ServerPort::New(port),
        availability_zone: String::new(),
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_server(catalog, caller, ctx, request.clone())
        })
        .await?;
    Ok(reply(&state, &done, StatusCode::CREATED))
}

/// Show a server.
#[utoipa::path(get, path = "/causeway/v1/servers/{id}", tag = "Causeway", operation_id = "showServer",
    responses((status = 200, body = ServerBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(server): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<ServerBody>, Problem> {
    let catalog = state.catalog();
    let server = control::server(&catalog, &identity.wide_caller(), path_id(&frame, Kind::Server, &server)?)?;
    Ok(Json(ServerBody { server: ServerObject::new(&catalog, state.agent(), &server) }))
}

/// Change a server's name or its source/destination check, or give it an IPv6 address.
#[utoipa::path(put, path = "/causeway/v1/servers/{id}", tag = "Causeway", operation_id = "updateServer",
    request_body = ServerRequest, responses((status = 200, body = ServerBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path(server): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<ServerRequest>,
) -> Result<Response, Problem> {
    let server: ServerId = path_id(&frame, Kind::Server, &server)?;
    let fields = request.server;
    let ipv6 = ipv6(fields.ipv6_address.as_deref())?;
    let of_port = fields.source_dest_check.is_some() || ipv6 != PortIpv6::AsSubnet;
    if fields.name.is_none() && !of_port {
        return Err(Problem::invalid("server: name, source_dest_check or ipv6_address is expected"));
    }
    let change = UpdateServer { name: fields.name };
    let port_change = UpdatePort { source_dest_check: fields.source_dest_check, ipv6, ..UpdatePort::default() };
    let done = state
        .commit(&identity.caller(), move |catalog, caller, ctx| {
            let Outcome { value, mut changes, warnings } =
                control::update_server(catalog, caller, ctx, server, change.clone())?;
            if of_port {
                changes.merge(control::update_port(catalog, caller, ctx, value.port, port_change.clone())?.changes);
            }
            Ok(Outcome::new(value, changes).with_warnings(warnings))
        })
        .await?;
    Ok(reply(&state, &done, StatusCode::OK))
}

/// Start or stop a server. Answered when it is done.
#[utoipa::path(post, path = "/causeway/v1/servers/{id}/action", tag = "Causeway", operation_id = "serverAction",
    request_body = ActionRequest, responses((status = 200, body = ServerBody)))]
pub(crate) async fn action(
    AxumState(state): AxumState<State>,
    Path(server): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<ActionRequest>,
) -> Result<Response, Problem> {
    let server: ServerId = path_id(&frame, Kind::Server, &server)?;
    let start = match (&request.start, &request.stop) {
        (Some(_), None) => true,
        (None, Some(_)) => false,
        _ => return Err(Problem::invalid("either start or stop is expected, as in {\"start\":{}}")),
    };
    let done = state
        .commit(&identity.caller(), move |catalog, caller, ctx| {
            if start {
                control::start_server(catalog, caller, ctx, server)
            } else {
                control::stop_server(catalog, caller, ctx, server)
            }
        })
        .await?;
    Ok(reply(&state, &done, StatusCode::OK))
}

/// Delete a server with its port. Answered when its processes and its namespace are gone.
#[utoipa::path(delete, path = "/causeway/v1/servers/{id}", tag = "Causeway", operation_id = "deleteServer",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(server): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let server: ServerId = path_id(&frame, Kind::Server, &server)?;
    let done = state
        .commit(&identity.caller(), move |catalog, caller, ctx| control::delete_server(catalog, caller, ctx, server))
        .await?;
    Ok(done.gone())
}

fn reply(state: &State, done: &Done<Server>, status: StatusCode) -> Response {
    done.reply(status, |server, catalog| ServerBody { server: ServerObject::new(catalog, state.agent(), server) })
}

/// The IPv6 address that a server is to have.
fn ipv6(text: Option<&str>) -> Result<PortIpv6, Problem> {
    text.map_or(Ok(PortIpv6::AsSubnet), |text| ipv6_or_auto(text, "server.ipv6_address"))
}

fn kind(text: &str) -> Result<ServerKind, Problem> {
    [ServerKind::Ecs, ServerKind::Rds, ServerKind::Firewall, ServerKind::SnatServer]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| Problem::invalid("server.kind: ecs, rds, firewall or snat-server is expected"))
}
