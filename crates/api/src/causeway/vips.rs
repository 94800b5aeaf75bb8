//! Virtual IPs with their bindings and holders, and the claims of servers (rules VIP-1 to VIP-4, CHK-5). They are made,
//! renamed and deleted as ports (api-vpc §6.2).

use std::net::IpAddr;
use std::time::Duration;

use agent::Announcement;
use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{Caller, VipView};
use model::{Kind, Port, PortId, Server, ServerId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, path_id, required};
use crate::frame::Frame;
use crate::query::Query;
use crate::state::State;
use crate::wire::body;

/// How long one announcement is waited for: twice what a move may take (rule VIP-3).
const CLAIM_TIMEOUT: Duration = Duration::from_secs(2);
/// How often an address is announced: nothing tells a sender that a frame was lost.
const ANNOUNCEMENTS: usize = 5;

/// A virtual IP.
#[derive(Serialize, ToSchema)]
pub(crate) struct VipObject {
    /// Id of its port.
    id: String,
    name: String,
    vpc_id: String,
    subnet_id: String,
    ip_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_address: Option<String>,
    /// The ports that it is bound to, by address.
    bound: Vec<BoundPort>,
    /// The bound port that traffic goes to; `null` until one has claimed it.
    holder: Option<BoundPort>,
    created_at: String,
}

/// A port that a virtual IP is bound to.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoundPort {
    port_id: String,
    ip_address: String,
    /// Of the server that has the port; empty when none has.
    server_id: String,
    server_name: String,
}

impl BoundPort {
    fn new(catalog: &Catalog, port: &Port) -> Self {
        let server = port.server.and_then(|server| catalog.server(server));
        Self {
            port_id: port.id.to_string(),
            ip_address: port.ipv4.to_string(),
            server_id: server.map(|server| server.id.to_string()).unwrap_or_default(),
            server_name: server.map(|server| server.name.clone()).unwrap_or_default(),
        }
    }
}

impl VipObject {
    fn new(catalog: &Catalog, view: &VipView) -> Self {
        Self {
            id: view.port.id.to_string(),
            name: view.port.name.clone(),
            vpc_id: view.port.vpc.to_string(),
            subnet_id: view.port.subnet.to_string(),
            ip_address: view.port.ipv4.to_string(),
            ipv6_address: view.port.ipv6.map(|address| address.to_string()),
            bound: view.bound.iter().map(|port| BoundPort::new(catalog, port)).collect(),
            holder: view.holder.as_ref().map(|port| BoundPort::new(catalog, port)),
            created_at: view.port.created_at.with_zone(),
        }
    }
}

/// Whom a virtual IP is to be bound to or taken off: a port, or the primary port of a server.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BindRequest {
    port_id: Option<String>,
    /// When `port_id` is absent.
    server_id: Option<String>,
    /// Binding: leave the port's source/destination check as it is instead of turning it off.
    keep_check: Option<bool>,
}

/// What a server claims.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ClaimRequest {
    /// The address that it announces, IPv4 or IPv6.
    address: Option<String>,
    /// The port that announces; when absent the server's port in the subnet of the address, else its primary one.
    port_id: Option<String>,
    /// Give the address to the server's interface before.
    configure: Option<bool>,
    /// Take the address off the interface of the former holder before.
    release: Option<bool>,
}

/// What came of a claim.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimObject {
    address: String,
    /// The port that announced the address.
    port_id: String,
    /// The virtual IP of this address that is bound to the port; `null` when there is none, and nothing has changed.
    vip_id: Option<String>,
    /// The port that holds the virtual IP now.
    holder_port_id: Option<String>,
    /// Whether that is the port that announced it.
    effective: bool,
}

body! {
    /// A virtual IP.
    VipBody { "vip" vip: VipObject }
    /// Virtual IPs.
    VipList { "vips" vips: Vec<VipObject> }
    /// What came of a claim.
    ClaimBody { "claim" claim: ClaimObject }
}

/// List the virtual IPs of the project that the request names; of the account when it names none, for operators all.
#[utoipa::path(get, path = "/causeway/v1/vips", tag = "Causeway", operation_id = "listVips",
    params(("name" = Option<String>, Query), ("ip_address" = Option<String>, Query),
        ("vpc_id" = Option<String>, Query), ("subnet_id" = Option<String>, Query)),
    responses((status = 200, body = VipList)))]
pub(crate) async fn list(AxumState(state): AxumState<State>, identity: Identity, query: Query) -> Json<VipList> {
    let catalog = state.catalog();
    let vips = control::vips(&catalog, &identity.caller())
        .iter()
        .map(|view| VipObject::new(&catalog, view))
        .filter(|vip| query.is("name", &vip.name) && query.is("ip_address", &vip.ip_address))
        .filter(|vip| query.is("vpc_id", &vip.vpc_id) && query.is("subnet_id", &vip.subnet_id))
        .collect();
    Json(VipList { vips })
}

/// Show a virtual IP.
#[utoipa::path(get, path = "/causeway/v1/vips/{id}", tag = "Causeway", operation_id = "showVip",
    responses((status = 200, body = VipBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(vip): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<VipBody>, Problem> {
    let catalog = state.catalog();
    let view = control::vip(&catalog, &identity.caller(), path_id(&frame, Kind::Port, &vip)?)?;
    Ok(Json(VipBody { vip: VipObject::new(&catalog, &view) }))
}

/// Bind a virtual IP to a port of its subnet, and turn the port's source/destination check off.
#[utoipa::path(post, path = "/causeway/v1/vips/{id}/bind", tag = "Causeway", operation_id = "bindVip",
    request_body = BindRequest, responses((status = 200, body = VipBody)))]
pub(crate) async fn bind(
    AxumState(state): AxumState<State>,
    Path(vip): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<BindRequest>,
) -> Result<Response, Problem> {
    let caller = identity.caller();
    let vip: PortId = path_id(&frame, Kind::Port, &vip)?;
    let port = request.port(&state.catalog(), &caller)?;
    let keep_check = request.keep_check.unwrap_or(false);
    changed(&state, &caller, vip, move |catalog, caller, ctx| {
        control::bind_vip(catalog, caller, ctx, vip, port, keep_check)
    })
    .await
}

/// Take a virtual IP off a port; its source/destination check stays as it is.
#[utoipa::path(post, path = "/causeway/v1/vips/{id}/unbind", tag = "Causeway", operation_id = "unbindVip",
    request_body = BindRequest, responses((status = 200, body = VipBody)))]
pub(crate) async fn unbind(
    AxumState(state): AxumState<State>,
    Path(vip): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<BindRequest>,
) -> Result<Response, Problem> {
    let caller = identity.caller();
    let vip: PortId = path_id(&frame, Kind::Port, &vip)?;
    let port = request.port(&state.catalog(), &caller)?;
    changed(&state, &caller, vip, move |catalog, caller, ctx| control::unbind_vip(catalog, caller, ctx, vip, port))
        .await
}

/// Let a server announce an address by gratuitous ARP or an unsolicited neighbour advertisement, as its guest would. If
/// the address is a virtual IP bound to the server's port, the port becomes its holder; else nothing changes. Answered
/// when that is in force.
#[utoipa::path(post, path = "/causeway/v1/servers/{id}/claim", tag = "Causeway", operation_id = "claimVip",
    request_body = ClaimRequest, responses((status = 200, body = ClaimBody)))]
pub(crate) async fn claim(
    AxumState(state): AxumState<State>,
    Path(server): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<ClaimRequest>,
) -> Result<Json<ClaimBody>, Problem> {
    let catalog = state.catalog();
    let server = control::server(&catalog, &identity.caller(), path_id(&frame, Kind::Server, &server)?)?;
    let text = required(request.address.as_deref(), "address")?;
    let shown: String = text.chars().take(64).collect();
    let address: IpAddr =
        text.parse().map_err(|_| Problem::invalid(format!("address: `{shown}` is not an address")))?;
    let port = announcing(&catalog, &server, address, request.port_id.as_deref())?;
    let vip = control::claimable_vip(&catalog, port, address).map(|vip| vip.id);
    let holder = |catalog: &Catalog| catalog.port(vip?).and_then(|vip| vip.holder);
    let former = holder(&catalog).filter(|former| request.release == Some(true) && *former != port);
    let release = former.and_then(|former| Some((catalog.port(former)?.server?, former)));
    let configure = request.configure.unwrap_or(false);
    let announcement = Announcement { server: server.id, port, address, configure, release };
    for _ in 0..ANNOUNCEMENTS {
        state.agent().announce(announcement).await?;
        if vip.is_some() {
            state.until(CLAIM_TIMEOUT, |catalog| holder(catalog) == Some(port)).await;
        }
        if vip.is_none() || holder(&state.catalog()) == Some(port) {
            break;
        }
    }
    let holder = holder(&state.catalog());
    Ok(Json(ClaimBody {
        claim: ClaimObject {
            address: address.to_string(),
            port_id: port.to_string(),
            vip_id: vip.map(|vip| vip.to_string()),
            holder_port_id: holder.map(|holder| holder.to_string()),
            effective: holder == Some(port),
        },
    }))
}

impl BindRequest {
    fn port(&self, catalog: &Catalog, caller: &Caller) -> Result<PortId, Problem> {
        if let Some(text) = &self.port_id {
            return id(text, "port_id");
        }
        let server: ServerId = id(required(self.server_id.as_deref(), "port_id or server_id")?, "server_id")?;
        Ok(control::server(catalog, caller, server)?.port)
    }
}

/// The port of the server that announces an address.
fn announcing(catalog: &Catalog, server: &Server, address: IpAddr, named: Option<&str>) -> Result<PortId, Problem> {
    if let Some(text) = named {
        let port: PortId = id(text, "port_id")?;
        let own = catalog.port(port).is_some_and(|port| port.server == Some(server.id));
        return if own {
            Ok(port)
        } else {
            Err(control::Error::NotFound { kind: Kind::Port, id: port.to_string() }.into())
        };
    }
    let near = |port: &&std::sync::Arc<Port>| catalog.port_with(port.subnet, address).is_some();
    let port = catalog.ports_of_server(server.id).find(near);
    Ok(port.map_or(server.port, |port| port.id))
}

async fn changed(
    state: &State,
    caller: &Caller,
    vip: PortId,
    use_case: impl FnMut(&Catalog, &Caller, &mut control::Context<'_>) -> Result<control::Outcome<Port>, control::Error>
    + Send,
) -> Result<Response, Problem> {
    let done = state.commit(caller, use_case).await?;
    let view = control::vip(&done.catalog, caller, vip)?;
    Ok(done.reply(StatusCode::OK, |_, catalog| VipBody { vip: VipObject::new(catalog, &view) }))
}
