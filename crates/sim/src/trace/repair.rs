//! The smallest set of changes that makes a question's answer `reachable`, as commands.
//!
//! A refusal hides what comes after it. So each proposal is tried out: its change is applied to a copy of the catalog by
//! the use case that the API runs, then the question is asked again, until the packet arrives. Of all ways that lead
//! there the one with the fewest changes is given; among equals the one that opens least.
//!
//! Everything here is a pure function. Tests apply [`Repair::change`] to a catalog, or run [`Repair::command`] against a
//! server; the commands are written in `command.rs` and by nothing else.

mod candidates;
mod change;
mod command;
mod policy;
mod routes;
mod sentence;
mod ways;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use catalog::Catalog;
use control::Limits;
use model::AccountId;

pub use change::Change;
pub(super) use ways::{Ways, chain, live_peering};

use super::{Trace, Tracer, explain, name, redact};
use candidates::{Alternative, alternatives};

/// Changes in one proposal at most.
const MAX_CHANGES: usize = 10;
/// Questions asked at most: each costs about as much as the trace itself.
const MAX_QUESTIONS: usize = 250;
/// What a change counts; the rest of the scale tells apart ways with equally many changes.
const CHANGE_COST: u32 = 100;

/// One change that somebody has to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The change.
    pub change: Change,
    /// What it is made with, by name; for programs.
    pub arguments: BTreeMap<&'static str, String>,
    /// The account that has to make it.
    pub account: AccountId,
    /// The command line that makes it, run with that account's credentials.
    pub command: String,
    /// What it opens or takes away besides what was asked for.
    pub warning: Option<String>,
    /// Seed of the ids that [`Change::apply`] gives to new objects, so that later changes of the list can name them.
    pub seed: u64,
}

/// What makes the answer `reachable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// The changes, in the order in which they must be made. Empty when the packet arrives or nothing helps.
    pub repairs: Vec<Repair>,
    /// With all of them the packet arrives, as far as the viewer may know.
    pub complete: bool,
    /// Why there is nothing to propose, or what else has to happen; a sentence for people.
    pub note: Option<String>,
}

/// A state of the search.
struct Attempt {
    catalog: Catalog,
    trace: Trace,
    made: Vec<Made>,
}

/// A change that was made in a copy of the catalog.
#[derive(Clone, Debug)]
struct Made {
    change: Change,
    account: AccountId,
    warning: Option<String>,
    seed: u64,
}

/// The changes that make the packet arrive.
///
/// For a `viewer` (an account that is no operator, with the trace as [`super::redact`] gives it) nothing is told about
/// what is on the other side: proposals are made for own objects, and end where the other account has to act or the
/// packet leaves the viewer's VPCs. `limits` are the installation's quotas.
#[must_use]
pub fn repairs(catalog: &Catalog, trace: &Trace, viewer: Option<AccountId>, limits: &Limits) -> Repairs {
    if trace.verdict.reachable {
        return Repairs { complete: true, ..Repairs::default() };
    }
    if trace.verdict.hidden {
        let note = "What is missing is on the peer side. Its owner can ask `causeway doctor` about the peering.";
        return Repairs { note: Some(note.to_owned()), ..Repairs::default() };
    }
    let search = Search { viewer, limits };
    match search.run(catalog, trace) {
        Ok((made, complete)) => search.told(catalog, trace, made, complete),
        Err(furthest) => search.nothing(&furthest),
    }
}

struct Search<'a> {
    viewer: Option<AccountId>,
    limits: &'a Limits,
}

impl Search<'_> {
    /// The cheapest changes after which the goal is reached, and whether it is the whole goal; else the state that the
    /// packet came furthest in.
    fn run(&self, catalog: &Catalog, trace: &Trace) -> Result<(Vec<Made>, bool), Box<Attempt>> {
        let start = Attempt { catalog: catalog.clone(), trace: trace.clone(), made: Vec::new() };
        let mut open = BTreeMap::from([((0, 0), start)]);
        let mut seen = BTreeSet::new();
        let mut furthest: Option<Box<Attempt>> = None;
        let (mut questions, mut number) = (0, 0);
        while let Some(((cost, _), attempt)) = open.pop_first() {
            // What comes of it when the other account acts is not for the viewer to try out.
            let foreign = |made: &Made| self.viewer.is_some_and(|viewer| viewer != made.account);
            if attempt.made.last().is_some_and(foreign) {
                return Ok((attempt.made, false));
            }
            if self.arrives(&attempt.trace) {
                return Ok((self.needed(catalog, trace, attempt.made), true));
            }
            for alternative in alternatives(&attempt.catalog, &attempt.trace, self.viewer) {
                if attempt.made.len() + alternative.changes.len() > MAX_CHANGES || questions >= MAX_QUESTIONS {
                    continue;
                }
                let price = cost + alternative.price();
                let Some(next) = self.with(&attempt, alternative, number) else { continue };
                number += 16;
                let mut names: Vec<String> = next.made.iter().map(|made| format!("{:?}", made.change)).collect();
                names.sort_unstable();
                if !seen.insert(names) {
                    continue;
                }
                questions += 1;
                let Some(next) = self.asked(next) else { continue };
                // A change that the packet does not notice brings nothing.
                if next.trace.verdict == attempt.trace.verdict && next.trace.lost_on() == attempt.trace.lost_on() {
                    continue;
                }
                number += 1;
                open.insert((price, number), next);
            }
            if furthest.as_ref().is_none_or(|best| distance(&attempt.trace) > distance(&best.trace)) {
                furthest = Some(Box::new(attempt));
            }
        }
        let start = Attempt { catalog: catalog.clone(), trace: trace.clone(), made: Vec::new() };
        Err(furthest.unwrap_or_else(|| Box::new(start)))
    }

    /// Whether the packet arrives, or leaves for where the viewer sees nothing.
    fn arrives(&self, trace: &Trace) -> bool {
        trace.verdict.reachable || (self.viewer.is_some() && trace.verdict.hidden)
    }

    /// The state after an alternative; `None` when the API would refuse a change of it, or it is not the viewer's to
    /// propose.
    fn with(&self, attempt: &Attempt, alternative: Alternative, number: u64) -> Option<Attempt> {
        let mut catalog = attempt.catalog.clone();
        let mut made = attempt.made.clone();
        for (place, step) in (0..).zip(alternative.changes) {
            let change = step.resolve(&catalog)?;
            let at = attempt.trace.verdict.at.and_then(|vpc| name::owner(&catalog, vpc));
            let account = account_for(&catalog, &change, self.viewer.or(at))?;
            let foreign = self.viewer.is_some_and(|viewer| viewer != account);
            if foreign && !matches!(change, Change::AcceptPeering { .. }) {
                return None;
            }
            let seed = number + place;
            catalog = change.apply(&catalog, account, self.limits, seed).ok()?;
            made.push(Made { change, account, warning: step.warning, seed });
        }
        Some(Attempt { catalog, trace: attempt.trace.clone(), made })
    }

    fn asked(&self, attempt: Attempt) -> Option<Attempt> {
        let trace = self.ask(&attempt.catalog, &attempt.trace)?;
        Some(Attempt { trace, ..attempt })
    }

    fn ask(&self, catalog: &Catalog, trace: &Trace) -> Option<Trace> {
        let answer = Tracer::for_questions(catalog, [&trace.question]).ask(&trace.question).ok()?;
        Some(match self.viewer {
            Some(viewer) => redact(catalog, &answer, viewer),
            None => answer,
        })
    }

    /// Leaves out what the goal is reached without.
    fn needed(&self, catalog: &Catalog, trace: &Trace, made: Vec<Made>) -> Vec<Made> {
        let mut made = made;
        let mut place = 0;
        while made.len() > 1 && place < made.len() {
            let mut fewer = made.clone();
            fewer.remove(place);
            let catalog = self.replay(catalog, &fewer);
            let arrives = catalog.and_then(|catalog| self.ask(&catalog, trace)).is_some_and(|t| self.arrives(&t));
            if arrives {
                made = fewer;
            } else {
                place += 1;
            }
        }
        made
    }

    fn replay(&self, catalog: &Catalog, made: &[Made]) -> Option<Catalog> {
        let apply =
            |catalog: Catalog, made: &Made| made.change.apply(&catalog, made.account, self.limits, made.seed).ok();
        made.iter().try_fold(catalog.clone(), apply)
    }

    /// The changes as commands. Each is written for the catalog that it meets.
    fn told(&self, catalog: &Catalog, trace: &Trace, made: Vec<Made>, complete: bool) -> Repairs {
        let before = catalog;
        let mut catalog = catalog.clone();
        let mut repairs = Vec::with_capacity(made.len());
        for made in made {
            let command = command::line(&catalog, &made.change);
            let arguments = made.change.arguments(before, &catalog);
            if let Ok(next) = made.change.apply(&catalog, made.account, self.limits, made.seed) {
                catalog = next;
            }
            let Made { change, account, warning, seed } = made;
            repairs.push(Repair { change, arguments, account, command, warning, seed });
        }
        let last = self.ask(&catalog, trace);
        let note = if !complete {
            Some("The other account has to act; ask again when it has.".to_owned())
        } else if last.is_some_and(|trace| trace.verdict.hidden) {
            Some("Then the packet leaves your VPC; what the peer side does with it is not yours to see.".to_owned())
        } else {
            None
        };
        Repairs { repairs, complete, note }
    }

    fn nothing(&self, furthest: &Attempt) -> Repairs {
        let Attempt { catalog, trace, made } = furthest;
        let why = sentence::irreparable(catalog, trace, self.viewer);
        let note = if made.is_empty() {
            why
        } else {
            let what = explain(catalog, trace, self.viewer);
            format!(
                "No change of the configuration is enough. What stops the packet first can be mended, then: {what} {why}"
            )
        };
        Repairs { note: Some(note), ..Repairs::default() }
    }
}

/// The account that makes a change: the owner of what it is made to. Either party deletes a peering, `preferred` if it is
/// one.
fn account_for(catalog: &Catalog, change: &Change, preferred: Option<AccountId>) -> Option<AccountId> {
    if let Change::DeletePeering { peering } = change {
        let peering = catalog.peering(*peering)?;
        let party = |end: &model::PeeringEnd| catalog.account_of(end.project) == preferred;
        if preferred.is_some() && (party(&peering.requester) || party(&peering.accepter)) {
            return preferred;
        }
    }
    catalog.account_of(change.project(catalog)?)
}

/// Changes with their warnings as repairs, in their order, up to the first that the API would refuse. `by` makes what
/// either party can.
pub(crate) fn plan(
    catalog: &Catalog,
    limits: &Limits,
    by: AccountId,
    changes: impl IntoIterator<Item = (Change, Option<String>)>,
) -> Vec<Repair> {
    let mut now = catalog.clone();
    let mut repairs = Vec::new();
    for (seed, (change, warning)) in (0..).step_by(16).zip(changes) {
        let Some(account) = account_for(&now, &change, Some(by)) else { break };
        let Ok(next) = change.apply(&now, account, limits, seed) else { break };
        let (command, arguments) = (command::line(&now, &change), change.arguments(catalog, &now));
        repairs.push(Repair { change, command, arguments, account, warning, seed });
        now = next;
    }
    repairs
}

/// How far a packet came.
fn distance(trace: &Trace) -> (bool, usize, usize) {
    (!trace.back.is_empty(), trace.back.len(), trace.forward.len())
}
