//! The API beside moto's: durable peering requests, their acceptance, reads and lists, and the memory of both servers.
//!
//! Both servers are processes of their own on loopback, started anew in each round, and are asked the same by the same
//! load generator: requests are made (and signed) before the clock starts, so what is measured is the server. Causeway
//! keeps everything in its embedded store on a disk and answers when it is there; moto keeps it in memory. A ratio is
//! that of the two rates in one round.

mod causeway;
mod load;
mod moto;
mod process;
mod show;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::ratio::Spread;
use load::Request;

/// Peerings that exist when they are read and listed.
pub const PEERINGS: usize = 500;
/// VPCs that exist when memory is read.
pub const VPCS: usize = 1000;
/// VPCs on each side: enough pairs for [`PEERINGS`].
const SIDE: usize = 25;
/// Connections at the same time.
pub const CONNECTIONS: [usize; 2] = [1, 16];

/// How much is done in a round.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rounds; each starts both servers anew for each number of connections.
    pub rounds: u32,
    /// Batches of [`PEERINGS`] creations and acceptances at Causeway; the peerings of all but the last are deleted.
    pub batches: usize,
    /// Reads of one peering at Causeway, and at moto.
    pub gets: [usize; 2],
    /// Lists of all at Causeway, and at moto.
    pub lists: [usize; 2],
    /// The program `causeway`.
    pub causeway: PathBuf,
    /// The program `moto_server`; `None` measures without comparison.
    pub moto: Option<PathBuf>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Ask for a peering; the answer means that it is durable.
    Create,
    /// Accept it as the other side.
    Accept,
    /// Read one.
    Get,
    /// Read all; counted in objects.
    List,
}

/// All operations with the factor that is aimed at.
pub const OPERATIONS: [(Operation, &str, f64); 4] = [
    (Operation::Create, "create", 50.0),
    (Operation::Accept, "accept", 50.0),
    (Operation::Get, "get", 100.0),
    (Operation::List, "objects listed", 200.0),
];

/// Operations (or listed objects) by second.
pub type Rates = BTreeMap<Operation, f64>;

/// What one server did with one number of connections.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Connections.
    pub connections: usize,
    /// Rates at Causeway.
    pub causeway: Rates,
    /// Rates at moto, when it is there.
    pub moto: Option<Rates>,
    /// Resident memory with [`VPCS`] VPCs in bytes: Causeway, moto.
    pub memory: (u64, Option<u64>),
}

/// All rounds.
#[derive(Clone, Debug, Serialize)]
pub struct ApiReport {
    /// Each round's, for each of [`CONNECTIONS`].
    pub rounds: Vec<Measured>,
}

/// A server under measurement.
trait Server {
    /// Requests that make peerings between all pairs, the first `count`.
    fn creations(&mut self, count: usize) -> anyhow::Result<Vec<Request>>;
    /// The id in the answer to a creation.
    fn id(&self, answer: &[u8]) -> anyhow::Result<String>;
    /// Accepts one.
    fn acceptance(&self, id: &str) -> anyhow::Result<Request>;
    /// Deletes one.
    fn deletion(&self, id: &str) -> anyhow::Result<Request>;
    /// Reads one.
    fn get(&self, id: &str) -> anyhow::Result<Request>;
    /// Reads all.
    fn list(&self) -> anyhow::Result<Request>;
    /// How many objects the answer to a list has.
    fn listed(&self, answer: &[u8]) -> usize;
    /// A request that makes one more VPC.
    fn vpc(&self, number: usize) -> anyhow::Result<Request>;
    /// Where it listens.
    fn address(&self) -> std::net::SocketAddr;
    /// Resident memory in bytes.
    fn memory(&self) -> anyhow::Result<u64>;
}

/// Measures.
///
/// # Errors
/// A server that does not start or answers something else than a success.
pub fn measure(plan: &Plan, cancel: &Cancel) -> anyhow::Result<ApiReport> {
    let mut rounds = Vec::new();
    for round in 1..=plan.rounds {
        for connections in CONNECTIONS {
            cancel.check()?;
            eprintln!("API, round {round} of {}, {connections} connections", plan.rounds);
            let mut server = causeway::Causeway::start(&plan.causeway, SIDE).context("Causeway did not start")?;
            let (rates, memory) = run(&mut server, connections, plan.batches, plan.gets[0], plan.lists[0])?;
            drop(server);
            let mut measured = Measured { connections, causeway: rates, moto: None, memory: (memory, None) };
            if let Some(program) = &plan.moto {
                cancel.check()?;
                let mut server = moto::Moto::start(program, SIDE).context("moto did not start")?;
                let (rates, memory) = run(&mut server, connections, 1, plan.gets[1], plan.lists[1])?;
                measured.moto = Some(rates);
                measured.memory.1 = Some(memory);
            }
            rounds.push(measured);
        }
    }
    Ok(ApiReport { rounds })
}

/// Does everything at one server.
fn run(
    server: &mut dyn Server,
    connections: usize,
    batches: usize,
    gets: usize,
    lists: usize,
) -> anyhow::Result<(Rates, u64)> {
    let address = server.address();
    let mut seconds = [0.0; 2];
    let mut ids = Vec::new();
    for batch in 0..batches {
        let creations = server.creations(PEERINGS)?;
        let (created, took) = load::run(address, connections, &creations)?;
        seconds[0] += took.as_secs_f64();
        ids = created.iter().map(|answer| server.id(answer)).collect::<anyhow::Result<Vec<_>>>()?;
        let acceptances = ids.iter().map(|id| server.acceptance(id)).collect::<anyhow::Result<Vec<_>>>()?;
        let (_, took) = load::run(address, connections, &acceptances)?;
        seconds[1] += took.as_secs_f64();
        if batch + 1 < batches {
            let deletions = ids.iter().map(|id| server.deletion(id)).collect::<anyhow::Result<Vec<_>>>()?;
            load::run(address, connections, &deletions)?;
        }
    }
    let reads = ids.iter().cycle().take(gets).map(|id| server.get(id)).collect::<anyhow::Result<Vec<_>>>()?;
    let (_, read) = load::run(address, connections, &reads)?;
    let requests = (0..lists).map(|_| server.list()).collect::<anyhow::Result<Vec<_>>>()?;
    let (answers, listed) = load::run(address, connections, &requests)?;
    let objects: usize = answers.iter().map(|answer| server.listed(answer)).sum();
    anyhow::ensure!(objects == lists * PEERINGS, "{objects} peerings in {lists} lists of {PEERINGS}");

    let more = (2 * SIDE..VPCS).map(|number| server.vpc(number)).collect::<anyhow::Result<Vec<_>>>()?;
    load::run(address, connections, &more)?;
    let memory = server.memory()?;

    #[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let rate = |count: usize, seconds: f64| count as f64 / seconds.max(1e-9);
    let rates = Rates::from([
        (Operation::Create, rate(batches * PEERINGS, seconds[0])),
        (Operation::Accept, rate(batches * PEERINGS, seconds[1])),
        (Operation::Get, rate(gets, read.as_secs_f64())),
        (Operation::List, rate(objects, listed.as_secs_f64())),
    ]);
    Ok((rates, memory))
}

impl ApiReport {
    fn with(&self, connections: usize) -> impl Iterator<Item = &Measured> {
        self.rounds.iter().filter(move |measured| measured.connections == connections)
    }

    /// Rates at Causeway.
    pub fn causeway(&self, connections: usize, operation: Operation) -> Option<Spread> {
        Spread::of(self.with(connections).filter_map(|measured| measured.causeway.get(&operation).copied()))
    }

    /// Rates at moto.
    pub fn moto(&self, connections: usize, operation: Operation) -> Option<Spread> {
        Spread::of(self.with(connections).filter_map(|measured| measured.moto.as_ref()?.get(&operation).copied()))
    }

    /// How many times moto's rate in the same round.
    pub fn ratio(&self, connections: usize, operation: Operation) -> Option<Spread> {
        Spread::of(
            self.with(connections)
                .filter_map(|m| Some(m.causeway.get(&operation)? / m.moto.as_ref()?.get(&operation)?)),
        )
    }

    /// Memory with [`VPCS`] VPCs in MiB: Causeway's, moto's, the share of moto's.
    #[allow(clippy::cast_precision_loss, reason = "megabytes")]
    pub fn memory(&self) -> (Option<Spread>, Option<Spread>, Option<Spread>) {
        const MIB: f64 = 1_048_576.0;
        let own = Spread::of(self.rounds.iter().map(|m| m.memory.0 as f64 / MIB));
        let other = Spread::of(self.rounds.iter().filter_map(|m| Some(m.memory.1? as f64 / MIB)));
        let share = Spread::of(self.rounds.iter().filter_map(|m| Some(m.memory.0 as f64 / m.memory.1? as f64)));
        (own, other, share)
    }
}
