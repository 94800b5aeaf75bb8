//! Questions that real packets answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use agent::{Probe, ProbeService};
use axum::Json;
use axum::extract::State as AxumState;
use catalog::Catalog;
use control::Caller;
use model::{Server, ServerId, VpcId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, required};
use crate::lenient::Number;
use crate::state::State;

/// Whom a question is about: a server, or an address.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct TargetFields {
    /// Id of a server.
    server: Option<String>,
    /// 6 for the server's IPv6 address; 4, as when absent, for its IPv4 address.
    #[schema(value_type = Option<u8>)]
    family: Option<Number>,
    /// An address, when `server` is absent.
    address: Option<String>,
    /// Id of the server that is meant to have the address.
    intended: Option<String>,
    /// Id of the VPC that the address is meant in.
    to_vpc: Option<String>,
}

/// A target whose objects the caller sees.
pub(super) enum Target {
    /// A server, at its IPv4 address.
    Server(Arc<Server>),
    Address {
        address: IpAddr,
        intended: Option<ServerId>,
        to_vpc: Option<VpcId>,
    },
}

impl TargetFields {
    pub(super) fn resolve(&self, catalog: &Catalog, caller: &Caller) -> Result<Target, Problem> {
        if let Some(text) = &self.server {
            let server = server(catalog, caller, text, "to.server")?;
            return Ok(match family(self.family, "to.family")? {
                Family::V4 => Target::Server(server),
                Family::V6 => {
                    Target::Address { address: ipv6(catalog, &server)?, intended: Some(server.id), to_vpc: None }
                }
            });
        }
        let text = required(self.address.as_deref(), "to.server or to.address")?;
        let shown: String = text.chars().take(64).collect();
        let address = text.parse().map_err(|_| Problem::invalid(format!("to.address: `{shown}` is not an address")))?;
        let intended = self.intended.as_deref().map(|text| server(catalog, caller, text, "to.intended")).transpose()?;
        let to_vpc = self
            .to_vpc
            .as_deref()
            .map(|text| -> Result<VpcId, Problem> { Ok(control::vpc(catalog, caller, id(text, "to.to_vpc")?)?.id) });
        Ok(Target::Address { address, intended: intended.map(|server| server.id), to_vpc: to_vpc.transpose()? })
    }
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// The family that a request names; IPv4 when it names none.
pub(super) fn family(number: Option<Number>, field: &str) -> Result<Family, Problem> {
    match number.map(|number| number.0) {
        None | Some(4) => Ok(Family::V4),
        Some(6) => Ok(Family::V6),
        Some(_) => Err(Problem::invalid(format!("{field}: 4 or 6 is expected"))),
    }
}

/// A server's IPv6 address.
pub(super) fn ipv6(catalog: &Catalog, server: &Server) -> Result<IpAddr, Problem> {
    let address = catalog.port(server.port).and_then(|port| port.ipv6);
    address.map(IpAddr::V6).ok_or_else(|| {
        Problem::invalid(format!(
            "server `{}` has no IPv6 address; give it one with ipv6_address in an update of the server",
            server.name
        ))
    })
}

/// A server that the caller sees.
pub(super) fn server(catalog: &Catalog, caller: &Caller, text: &str, field: &str) -> Result<Arc<Server>, Problem> {
    let server: ServerId = id(text, field)?;
    Ok(control::server(catalog, caller, server)?)
}

/// A protocol and port.
pub(super) fn service(protocol: Option<&str>, port: Option<Number>) -> Result<ProbeService, Problem> {
    let port = || {
        let number = required(port, "port")?;
        u16::try_from(number.0).ok().filter(|port| *port > 0).ok_or_else(|| Problem::invalid("port: 1 to 65535"))
    };
    match required(protocol, "protocol")?.to_ascii_lowercase().as_str() {
        "icmp" => Ok(ProbeService::Icmp),
        "tcp" => port().map(ProbeService::Tcp),
        "udp" => port().map(ProbeService::Udp),
        _ => Err(Problem::invalid("protocol: icmp, tcp or udp is expected")),
    }
}

/// Send real packets.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ProbeRequest {
    /// Id of a server of the caller.
    from: Option<String>,
    to: Option<TargetFields>,
    /// `icmp`, `tcp` or `udp`.
    protocol: Option<String>,
    /// Of tcp and udp.
    #[schema(value_type = Option<u16>)]
    port: Option<Number>,
    /// How long to wait for the answer, 10 to 30000 ms; 1000 when absent.
    timeout_ms: Option<u64>,
}

/// What was seen.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProbeAnswer {
    /// An answer came back to the sender.
    replied: bool,
    /// The request arrived at the intended server.
    delivered: bool,
    /// The source address that the intended server saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_source: Option<String>,
    /// Name of the server that answered, where the protocol can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<String>,
    /// Microseconds from request to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_us: Option<u64>,
}

/// Send real packets from a server and say what became of them.
#[utoipa::path(post, path = "/causeway/v1/probe", tag = "Causeway", operation_id = "probe",
    request_body = ProbeRequest, responses((status = 200, body = ProbeAnswer)))]
pub(crate) async fn probe(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<ProbeRequest>,
) -> Result<Json<ProbeAnswer>, Problem> {
    let catalog = state.catalog();
    let caller = identity.wide_caller();
    let from = server(&catalog, &caller, &required(request.from, "from")?, "from")?;
    let (address, intended) = match required(request.to, "to")?.resolve(&catalog, &caller)? {
        Target::Server(server) => {
            let port = catalog.port(server.port).ok_or_else(|| Problem::internal("the server has no port"))?;
            (IpAddr::V4(port.ipv4), Some(server.id))
        }
        Target::Address { address, intended, .. } => (address, intended),
    };
    if address.is_ipv6() {
        // The sender has to have one too.
        ipv6(&catalog, &from)?;
    }
    let probe = Probe {
        from: from.id,
        address,
        intended,
        service: service(request.protocol.as_deref(), request.port)?,
        timeout: Duration::from_millis(request.timeout_ms.unwrap_or(1000).clamp(10, 30_000)),
    };
    let report = state.agent().probe(probe).await?;
    Ok(Json(ProbeAnswer {
        replied: report.replied,
        delivered: report.delivered,
        observed_source: report.observed_source.map(|address| address.to_string()),
        answered_by: report.answered_by,
        rtt_us: report.rtt.map(|rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
    }))
}
