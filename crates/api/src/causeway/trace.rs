//! Questions that the tracer answers: it runs the code that forwards. Nobody but operators sees more than the own part
//! of the way (rule DIAG-5).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, AgentError, Probe, ProbeService};
use axum::Json;
use axum::extract::State as AxumState;
use catalog::Catalog;
use control::Limits;
use futures_util::{StreamExt, stream};
use model::{AccountId, Protocol, Server, ServerId, VpcId};
use serde::{Deserialize, Serialize};
use sim::trace::{
    Question, Target as TraceTarget, Trace, TraceError, Tracer, Verdict, explain, redact, render, repairs,
};
use utoipa::ToSchema;

use super::probe::{Family, Target, TargetFields, family, ipv6, server, service};
use super::repair::{Eyes, RepairObject};
use crate::auth::{Identity, also};
use crate::error::Problem;
use crate::extract::{Json as Body, required};
use crate::lenient::Number;
use crate::state::State;

/// Servers in one matrix at most.
const MATRIX_SERVERS: usize = 256;
/// Pairs that are measured at the same time.
const PARALLEL_PROBES: usize = 64;
/// How long a measured pair waits for its answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Ask whether a server reaches another, and why not.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TraceRequest {
    /// Id of a server of the caller.
    from: Option<String>,
    to: Option<TargetFields>,
    /// `icmp`, `tcp` or `udp`.
    protocol: Option<String>,
    /// Of tcp and udp.
    #[schema(value_type = Option<u16>)]
    port: Option<Number>,
}

/// The answer: in short, and step by step.
#[derive(Serialize, ToSchema)]
pub(crate) struct TraceAnswer {
    verdict: VerdictObject,
    /// The request's way.
    forward: Vec<StepObject>,
    /// The reply's way; empty when the request did not arrive.
    #[serde(rename = "return")]
    back: Vec<StepObject>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct VerdictObject {
    /// The request arrives where it is meant to, and its reply comes back.
    reachable: bool,
    /// The reason's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// `forward` or `return`.
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<&'static str>,
    /// Id of the VPC in which the packet is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_name: Option<String>,
    /// Id of the server that gets the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_to_name: Option<String>,
    /// The source address that this server sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_source: Option<String>,
    /// Names of the forwarding instances that the request passes, in order.
    via: Vec<String>,
    /// The same for the reply.
    return_via: Vec<String>,
    /// A few sentences for people.
    explanation: String,
    /// The commands of `repairs` alone.
    fix: Vec<String>,
    /// The smallest set of changes that makes it reachable, in the order in which they must be made. Empty when it is
    /// reachable or nothing helps.
    repairs: Vec<RepairObject>,
    /// Why there are no repairs, or what has to happen after them.
    #[serde(skip_serializing_if = "Option::is_none")]
    repair_note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StepObject {
    /// A server, a route table, a peering, a gateway.
    place: String,
    /// Name of the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc: Option<String>,
    /// Name of the subnet, where the step is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet: Option<String>,
    /// What is looked at: `sent`, `source-check`, `security-group`, `network-acl`, `route`, `peering`, `hand-over`,
    /// `destination-check`, `gateway`, `forwarded`, `delivered`, `dropped` or `hidden`.
    kind: &'static str,
    /// What is found.
    detail: String,
    /// `pass` or `drop`, where the step decides something.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    /// Routes of the table that cover the destination but lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lost: Vec<LostRouteObject>,
    /// Ids of the objects: `vpc`, `subnet`, `server`, `route_table`, `route`, `peering`, `security_group`, `network_acl`,
    /// `rule`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    ids: BTreeMap<&'static str, String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LostRouteObject {
    /// Destination and next hop.
    route: String,
    /// Why it lost.
    why: &'static str,
}

/// Trace a request and its reply, hop by hop.
#[utoipa::path(post, path = "/causeway/v1/trace", tag = "Causeway", operation_id = "trace",
    request_body = TraceRequest, responses((status = 200, body = TraceAnswer)))]
pub(crate) async fn trace(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<TraceRequest>,
) -> Result<Json<TraceAnswer>, Problem> {
    let catalog = state.catalog();
    let caller = identity.wide_caller();
    let from = server(&catalog, &caller, &required(request.from, "from")?, "from")?;
    let to = match required(request.to, "to")?.resolve(&catalog, &caller)? {
        Target::Server(server) => TraceTarget::Server(server.id),
        Target::Address { address, intended, to_vpc } => TraceTarget::Address { ip: address, intended, to_vpc },
    };
    let family = match to {
        TraceTarget::Address { ip: IpAddr::V6(_), .. } => Family::V6,
        TraceTarget::Address { .. } | TraceTarget::Server(_) => Family::V4,
    };
    if family == Family::V6 {
        // The sender has to have one too.
        ipv6(&catalog, &from)?;
    }
    let (protocol, port) = protocol(service(request.protocol.as_deref(), request.port)?, family);
    let question = Question { from: from.id, to, protocol, port };
    let eyes = Eyes::of(&identity);
    let limits = state.limits().clone();
    let answer = compute(move || -> Result<TraceAnswer, Problem> {
        let mut tracer = Tracer::for_questions(&catalog, [&question]);
        let trace = tracer.ask(&question).map_err(|error| unanswerable(&error))?;
        Ok(describe(&catalog, &seen(&catalog, trace, eyes.viewer), eyes, &limits))
    });
    Ok(Json(answer.await??))
}

/// Ask for the matrix of several servers.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReachRequest {
    /// Ids; when absent or empty all servers of the project that the request names, else of the account.
    servers: Option<Vec<String>>,
    /// `icmp`, `tcp` or `udp`.
    protocol: Option<String>,
    /// Of tcp and udp.
    #[schema(value_type = Option<u16>)]
    port: Option<Number>,
    /// 6 for IPv6 addresses: every server in `servers` must have one, and of all servers those that have one are meant. 4,
    /// as when absent, for IPv4.
    #[schema(value_type = Option<u8>)]
    family: Option<Number>,
    /// Send real packets too.
    measure: Option<bool>,
}

/// Who reaches whom.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReachAnswer {
    servers: Vec<ReachServer>,
    /// One cell for each ordered pair of different servers.
    matrix: Vec<Cell>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ReachServer {
    id: String,
    name: String,
    vpc_name: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Cell {
    from: String,
    to: String,
    traced: Traced,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Measured>,
}

/// What the tracer says.
#[derive(Serialize, ToSchema)]
pub(crate) struct Traced {
    reachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<&'static str>,
    /// Id of the VPC in which the packet is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

/// What real packets say.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Measured {
    reachable: bool,
}

/// Say who reaches whom: as the tracer computes it and, if asked, as real packets show it.
#[utoipa::path(post, path = "/causeway/v1/reach", tag = "Causeway", operation_id = "reach",
    request_body = ReachRequest, responses((status = 200, body = ReachAnswer)))]
pub(crate) async fn reach(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<ReachRequest>,
) -> Result<Json<ReachAnswer>, Problem> {
    let catalog = state.catalog();
    let service = service(request.protocol.as_deref(), request.port)?;
    let family = family(request.family, "family")?;
    let servers: Vec<Arc<Server>> = match request.servers.filter(|servers| !servers.is_empty()) {
        Some(ids) => {
            let caller = identity.wide_caller();
            ids.iter().map(|id| server(&catalog, &caller, id, "servers")).collect::<Result<_, _>>()?
        }
        None => {
            let all = control::servers(&catalog, &identity.caller()).into_iter();
            all.filter(|server| family == Family::V4 || ipv6(&catalog, server).is_ok()).collect()
        }
    };
    let targets = targets(&catalog, &servers, family)?;
    if servers.len() > MATRIX_SERVERS {
        return Err(Problem::invalid(format!("servers: at most {MATRIX_SERVERS} fit in one matrix")));
    }
    let (viewer, traced_in) = (Eyes::of(&identity).viewer, Arc::clone(&catalog));
    let (asked, service_asked) = (targets.clone(), protocol(service, family));
    let traced = compute(move || verdicts(&traced_in, &asked, service_asked, viewer)).await?;
    let mut measured = BTreeMap::new();
    if request.measure == Some(true) {
        also(&state, &identity, "POST", "/causeway/v1/probe", None)?;
        measured = measure(state.shared_agent(), &targets, service).await?;
    }
    let matrix = traced
        .into_iter()
        .map(|((from, to), traced)| Cell {
            from: from.to_string(),
            to: to.to_string(),
            traced,
            measured: measured.get(&(from, to)).copied(),
        })
        .collect();
    let vpc_name = |server: &Server| {
        let vpc = catalog.port(server.port).and_then(|port| catalog.vpc(port.vpc));
        vpc.map(|vpc| vpc.name.clone()).unwrap_or_default()
    };
    let servers = servers
        .iter()
        .map(|server| ReachServer { id: server.id.to_string(), name: server.name.clone(), vpc_name: vpc_name(server) })
        .collect();
    Ok(Json(ReachAnswer { servers, matrix }))
}

fn seen(catalog: &Catalog, trace: Trace, viewer: Option<AccountId>) -> Trace {
    match viewer {
        Some(viewer) => redact(catalog, &trace, viewer),
        None => trace,
    }
}

/// The address of each server of a family.
fn targets(catalog: &Catalog, servers: &[Arc<Server>], family: Family) -> Result<Vec<(ServerId, IpAddr)>, Problem> {
    let address = |server: &Arc<Server>| match family {
        Family::V6 => ipv6(catalog, server),
        Family::V4 => {
            let port = catalog.port(server.port).ok_or_else(|| Problem::internal("a server has no port"))?;
            Ok(IpAddr::V4(port.ipv4))
        }
    };
    servers.iter().map(|server| Ok((server.id, address(server)?))).collect()
}

fn protocol(service: ProbeService, family: Family) -> (Protocol, u16) {
    match service {
        ProbeService::Icmp if family == Family::V6 => (Protocol::ICMPV6, 0),
        ProbeService::Icmp => (Protocol::ICMP, 0),
        ProbeService::Tcp(port) => (Protocol::TCP, port),
        ProbeService::Udp(port) => (Protocol::UDP, port),
    }
}

fn unanswerable(error: &TraceError) -> Problem {
    match error {
        TraceError::UnknownServer(_) => Problem::not_found(error.to_string()),
        TraceError::SenderStopped(_) | TraceError::NoIpv6(_) => Problem::invalid(error.to_string()),
    }
}

/// Compiling and walking take milliseconds: too long for a thread that serves requests.
pub(super) async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

fn describe(catalog: &Catalog, trace: &Trace, eyes: Eyes, limits: &Limits) -> TraceAnswer {
    let verdict = &trace.verdict;
    let told = repairs(catalog, trace, eyes.viewer, limits);
    let vpc_name = |id: VpcId| catalog.vpc(id).map(|vpc| vpc.name.clone());
    let name = |id: &ServerId| catalog.server(*id).map_or_else(|| id.to_string(), |server| server.name.clone());
    let steps = |steps: &[sim::trace::Step]| {
        let text = steps.iter().map(|step| render(catalog, step));
        let lost = |lost: Vec<sim::trace::LostRoute>| {
            lost.into_iter().map(|lost| LostRouteObject { route: lost.route, why: lost.why }).collect()
        };
        text.map(|t| StepObject {
            place: t.place,
            vpc: t.vpc,
            subnet: t.subnet,
            kind: t.kind,
            detail: t.detail,
            verdict: t.verdict,
            lost: lost(t.lost),
            ids: t.ids,
        })
        .collect()
    };
    TraceAnswer {
        verdict: VerdictObject {
            reachable: verdict.reachable,
            reason: verdict.reason.map(|reason| reason.code()),
            leg: leg(verdict),
            at: verdict.at.map(|id| id.to_string()),
            at_name: verdict.at.and_then(vpc_name),
            delivered_to: verdict.delivered_to.map(|id| id.to_string()),
            delivered_to_name: verdict.delivered_to.map(|id| name(&id)),
            observed_source: verdict.observed_source.map(|address| address.to_string()),
            via: verdict.via.iter().map(name).collect(),
            return_via: verdict.return_via.iter().map(name).collect(),
            explanation: explain(catalog, trace, eyes.viewer),
            fix: told.repairs.iter().map(|repair| repair.command.clone()).collect(),
            repairs: told.repairs.into_iter().map(|repair| RepairObject::new(catalog, repair, eyes)).collect(),
            repair_note: told.note,
        },
        forward: steps(&trace.forward),
        back: steps(&trace.back),
    }
}

/// The leg on which a packet is lost, as far as the viewer may know.
fn leg(verdict: &Verdict) -> Option<&'static str> {
    (!verdict.reachable && !verdict.hidden).then_some(verdict.leg.as_str())
}

fn verdicts(
    catalog: &Catalog,
    targets: &[(ServerId, IpAddr)],
    (protocol, port): (Protocol, u16),
    viewer: Option<AccountId>,
) -> Vec<((ServerId, ServerId), Traced)> {
    let mut questions = Vec::new();
    for (from, _) in targets {
        for (to, ip) in targets.iter().filter(|(to, _)| to != from) {
            let target = TraceTarget::Address { ip: *ip, intended: Some(*to), to_vpc: None };
            questions.push(((*from, *to), Question { from: *from, to: target, protocol, port }));
        }
    }
    let mut tracer = Tracer::for_questions(catalog, questions.iter().map(|(_, question)| question));
    questions
        .into_iter()
        .map(|(pair, question)| {
            let traced = match tracer.ask(&question) {
                Ok(trace) => {
                    let verdict = seen(catalog, trace, viewer).verdict;
                    Traced {
                        reachable: verdict.reachable,
                        reason: verdict.reason.map(|reason| reason.code()),
                        leg: leg(&verdict),
                        at: verdict.at.map(|id| id.to_string()),
                    }
                }
                // A stopped server reaches nobody.
                Err(_) => Traced { reachable: false, reason: None, leg: None, at: None },
            };
            (pair, traced)
        })
        .collect()
}

/// Sends real packets between all pairs, some at a time.
async fn measure(
    agent: Arc<dyn Agent>,
    targets: &[(ServerId, IpAddr)],
    service: ProbeService,
) -> Result<BTreeMap<(ServerId, ServerId), Measured>, Problem> {
    let mut probes = Vec::new();
    for (from, _) in targets {
        for (to, address) in targets.iter().filter(|(to, _)| to != from) {
            let (from, address, intended) = (*from, *address, Some(*to));
            probes.push(Probe { from, address, intended, service, timeout: PROBE_TIMEOUT });
        }
    }
    let answers: Vec<_> = stream::iter(probes)
        .map(|probe| {
            let agent = Arc::clone(&agent);
            async move {
                let pair = (probe.from, probe.intended.unwrap_or(probe.from));
                (pair, agent.probe(probe).await)
            }
        })
        .buffer_unordered(PARALLEL_PROBES)
        .collect()
        .await;
    let mut measured = BTreeMap::new();
    for (pair, answer) in answers {
        let reachable = match answer {
            Ok(report) => report.replied && report.delivered,
            // A server that does not run neither sends nor answers.
            Err(AgentError::NoWorkload(_)) => false,
            Err(error) => return Err(error.into()),
        };
        measured.insert(pair, Measured { reachable });
    }
    Ok(measured)
}
