//! Who reaches whom: the tracer's verdict for every ordered pair of servers.

use std::net::IpAddr;

use catalog::Catalog;
use model::{IpVersion, Protocol, ServerId};

use crate::trace::{Question, Target, TraceError, Tracer, Verdict};

/// The answer for one ordered pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The sender.
    pub from: ServerId,
    /// The receiver.
    pub to: ServerId,
    /// The verdict, or why there is none.
    pub verdict: Result<Verdict, TraceError>,
}

/// The verdicts for all ordered pairs of different servers, in the order of `servers`, at their addresses of a family.
/// Every question is asked on its own: flows of one are not seen by the next.
#[must_use]
pub fn reach(catalog: &Catalog, servers: &[ServerId], family: IpVersion, protocol: Protocol, port: u16) -> Vec<Cell> {
    let ipv6 = |server: ServerId| catalog.port(catalog.server(server)?.port)?.ipv6;
    let question = |from: ServerId, to: ServerId| {
        let target = match (family, ipv6(to)) {
            (IpVersion::V6, Some(ip)) => Target::Address { ip: IpAddr::V6(ip), intended: Some(to), to_vpc: None },
            (IpVersion::V4, _) | (IpVersion::V6, None) => Target::Server(to),
        };
        Question { from, to: target, protocol, port }
    };
    // Asking about each server once makes all of them known, and so every pair.
    let known: Vec<Question> = servers.iter().map(|server| question(*server, *server)).collect();
    let mut tracer = Tracer::for_questions(catalog, &known);
    let mut cells = Vec::with_capacity(servers.len() * servers.len().saturating_sub(1));
    for from in servers {
        for to in servers.iter().filter(|to| *to != from) {
            let without = [*from, *to].into_iter().find(|server| family == IpVersion::V6 && ipv6(*server).is_none());
            let verdict = match without {
                Some(server) if catalog.server(server).is_some() => Err(TraceError::NoIpv6(server)),
                _ => tracer.ask(&question(*from, *to)).map(|trace| trace.verdict),
            };
            cells.push(Cell { from: *from, to: *to, verdict });
        }
    }
    cells
}
