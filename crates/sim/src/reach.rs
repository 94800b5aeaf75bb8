//! Who reaches whom: the tracer's verdict for every ordered pair of servers.

use catalog::Catalog;
use model::{Protocol, ServerId};

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

/// The verdicts for all ordered pairs of different servers, in the order of `servers`. Every question is asked on its
/// own: flows of one are not seen by the next.
#[must_use]
pub fn reach(catalog: &Catalog, servers: &[ServerId], protocol: Protocol, port: u16) -> Vec<Cell> {
    let question = |from: ServerId, to: ServerId| Question { from, to: Target::Server(to), protocol, port };
    // Asking about each server once makes all of them known, and so every pair.
    let known: Vec<Question> = servers.iter().map(|server| question(*server, *server)).collect();
    let mut tracer = Tracer::for_questions(catalog, &known);
    let mut cells = Vec::with_capacity(servers.len() * servers.len().saturating_sub(1));
    for from in servers {
        for to in servers.iter().filter(|to| *to != from) {
            let verdict = tracer.ask(&question(*from, *to)).map(|trace| trace.verdict);
            cells.push(Cell { from: *from, to: *to, verdict });
        }
    }
    cells
}
