//! What the peerings between two VPCs, and the routes into them, are to do: lifecycle sections 1 to 5.

use std::collections::BTreeMap;

use crate::check::Model;

/// An account by its number.
pub type Party = usize;

/// The states of lifecycle section 2; what is deleted is gone (LC-5). Nothing expires while a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Pending,
    Active,
    Rejected,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peering {
    status: Status,
    requester: Party,
    accepter: Party,
}

/// A route: the peering that it leads into, and its id if the call that made it told one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    peering: String,
    id: Option<String>,
}

/// Everything between the two VPCs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    peerings: BTreeMap<String, Peering>,
    /// By end (0 or 1) and destination.
    routes: BTreeMap<(usize, u8), Route>,
}

#[derive(Clone, Debug)]
pub enum Op {
    /// From the VPC of one account to the VPC of the other, which may be the same.
    Create {
        requester: Party,
        accepter: Party,
    },
    Accept {
        id: String,
        by: Party,
    },
    Reject {
        id: String,
        by: Party,
    },
    Delete {
        id: String,
        by: Party,
    },
    Show {
        id: String,
        by: Party,
    },
    /// Into the default table of the VPC at an end.
    AddRoute {
        end: usize,
        destination: u8,
        peering: String,
    },
    DropRoute {
        end: usize,
        destination: u8,
    },
    DropRouteById {
        id: String,
    },
    /// The routes of the VPC at an end.
    Routes {
        end: usize,
    },
}

#[derive(Clone, Debug)]
pub enum Answer {
    Done,
    /// The id of what was made.
    Made(String),
    Status(Status),
    /// The peering of each destination.
    Routes(BTreeMap<u8, String>),
    Refused(String),
}

pub struct Pair;

impl Model for Pair {
    type State = State;
    type Op = Op;
    type Answer = Answer;

    fn step(state: &State, op: &Op, answer: &Answer) -> Option<State> {
        if let Answer::Refused(cause) = answer {
            let right = cause == "busy" || refusals(state, op).contains(&cause.as_str());
            return right.then(|| state.clone());
        }
        if !refusals(state, op).is_empty() {
            return None;
        }
        let mut next = state.clone();
        match (op, answer) {
            (Op::Create { requester, accepter }, Answer::Made(id)) => {
                // LC-1, LC-2.
                let status = if requester == accepter { Status::Active } else { Status::Pending };
                let peering = Peering { status, requester: *requester, accepter: *accepter };
                // An id is never used again (section 1), and so not while it is in use either.
                next.peerings.insert(id.clone(), peering).is_none().then_some(next)
            }
            (Op::Accept { id, .. }, Answer::Done) => {
                next.peerings.get_mut(id)?.status = Status::Active;
                Some(next)
            }
            (Op::Reject { id, .. }, Answer::Done) => {
                next.peerings.get_mut(id)?.status = Status::Rejected;
                Some(next)
            }
            (Op::Delete { id, .. }, Answer::Done) => {
                // EF-4: with all routes that name it, in the tables of both VPCs.
                next.peerings.remove(id)?;
                next.routes.retain(|_, route| route.peering != *id);
                Some(next)
            }
            (Op::Show { id, .. }, Answer::Status(status)) => {
                (state.peerings.get(id)?.status == *status).then_some(next)
            }
            (Op::AddRoute { end, destination, peering }, Answer::Done) => {
                next.routes.insert((*end, *destination), Route { peering: peering.clone(), id: None });
                Some(next)
            }
            (Op::AddRoute { end, destination, peering }, Answer::Made(id)) => {
                next.routes.insert((*end, *destination), Route { peering: peering.clone(), id: Some(id.clone()) });
                Some(next)
            }
            (Op::DropRoute { end, destination }, Answer::Done) => {
                next.routes.remove(&(*end, *destination))?;
                Some(next)
            }
            (Op::DropRouteById { id }, Answer::Done) => {
                next.routes.retain(|_, route| route.id.as_ref() != Some(id));
                Some(next)
            }
            (Op::Routes { end }, Answer::Routes(seen)) => {
                let there = state.routes.iter().filter(|((at, _), _)| at == end);
                there.map(|((_, destination), route)| (destination, &route.peering)).eq(seen).then_some(next)
            }
            _ => None,
        }
    }
}

/// Why a call is to be refused in a state: any of these; it is to succeed when there is none.
fn refusals(state: &State, op: &Op) -> Vec<&'static str> {
    let party = |peering: &Peering, by: Party| peering.requester == by || peering.accepter == by;
    let mut reasons = Vec::new();
    match op {
        Op::Create { .. } => {
            // Section 3, check 8.
            if state.peerings.values().any(|peering| peering.status != Status::Rejected) {
                reasons.push("duplicate_peering");
            }
        }
        Op::Accept { id, by } | Op::Reject { id, by } => match state.peerings.get(id) {
            Some(peering) if party(peering, *by) => {
                if peering.status != Status::Pending {
                    reasons.push("invalid_state");
                } else if peering.accepter != *by {
                    reasons.push("not_authorized");
                }
            }
            _ => reasons.push("not_found"),
        },
        Op::Delete { id, by } | Op::Show { id, by } => {
            if !state.peerings.get(id).is_some_and(|peering| party(peering, *by)) {
                reasons.push("not_found");
            }
        }
        Op::AddRoute { end, destination, peering } => {
            match state.peerings.get(peering).map(|peering| peering.status) {
                None => reasons.push("next_hop_not_in_vpc"),
                Some(Status::Rejected) => reasons.push("invalid_state"),
                Some(Status::Pending | Status::Active) => {}
            }
            if state.routes.contains_key(&(*end, *destination)) {
                reasons.push("route_duplicate_destination");
            }
        }
        Op::DropRoute { end, destination } => {
            if !state.routes.contains_key(&(*end, *destination)) {
                reasons.push("route_not_found");
            }
        }
        Op::DropRouteById { id } => {
            if !state.routes.values().any(|route| route.id.as_ref() == Some(id)) {
                reasons.push("not_found");
            }
        }
        Op::Routes { .. } => {}
    }
    reasons
}

/// The model and the checker together find what must not happen: histories made by hand.
mod tests {
    use super::*;
    use crate::check::{Call, check};

    fn history(calls: &[(Op, Answer, u64, u64)]) -> Result<(), String> {
        let call = |(op, answer, began, ended): &(Op, Answer, u64, u64)| Call {
            op: op.clone(),
            answer: answer.clone(),
            began: *began,
            ended: *ended,
        };
        check::<Pair>(&calls.iter().map(call).collect::<Vec<_>>())
    }

    fn create(id: &str, began: u64, ended: u64) -> (Op, Answer, u64, u64) {
        (Op::Create { requester: 0, accepter: 1 }, Answer::Made(id.to_owned()), began, ended)
    }

    fn accept(began: u64, ended: u64) -> (Op, Answer, u64, u64) {
        (Op::Accept { id: "p".to_owned(), by: 1 }, Answer::Done, began, ended)
    }

    fn delete(began: u64, ended: u64) -> (Op, Answer, u64, u64) {
        (Op::Delete { id: "p".to_owned(), by: 0 }, Answer::Done, began, ended)
    }

    fn refused(op: Op, cause: &str, began: u64, ended: u64) -> (Op, Answer, u64, u64) {
        (op, Answer::Refused(cause.to_owned()), began, ended)
    }

    #[test]
    fn a_life_of_a_peering_is_accepted() {
        let add = Op::AddRoute { end: 0, destination: 3, peering: "p".to_owned() };
        let none = Answer::Routes(BTreeMap::new());
        history(&[
            create("p", 1, 2),
            (add.clone(), Answer::Done, 3, 10),
            accept(4, 9),
            refused(add, "route_duplicate_destination", 11, 12),
            delete(13, 20),
            refused(Op::Accept { id: "p".to_owned(), by: 1 }, "invalid_state", 14, 15),
            (Op::Routes { end: 0 }, none, 21, 22),
        ])
        .unwrap();
    }

    #[test]
    fn duplicates_orphans_and_half_seen_states_are_refused() {
        // Two live peerings of one pair.
        history(&[create("p", 1, 5), create("q", 2, 6)]).unwrap_err();
        // Both of two calls that race win (LC-7).
        let show =
            |status, began, ended| (Op::Show { id: "p".to_owned(), by: 0 }, Answer::Status(status), began, ended);
        let reject = (Op::Reject { id: "p".to_owned(), by: 1 }, Answer::Done, 3, 9);
        history(&[create("p", 1, 2), accept(4, 8), reject]).unwrap_err();
        // One side sees ACTIVE, and after it the other still sees PENDING.
        let other = (Op::Show { id: "p".to_owned(), by: 1 }, Answer::Status(Status::Pending), 7, 8);
        history(&[create("p", 1, 2), accept(3, 10), show(Status::Active, 5, 6), other]).unwrap_err();
        // A route outlives its peering.
        let add = (Op::AddRoute { end: 1, destination: 3, peering: "p".to_owned() }, Answer::Done, 3, 4);
        let orphan = (Op::Routes { end: 1 }, Answer::Routes(BTreeMap::from([(3, "p".to_owned())])), 7, 8);
        history(&[create("p", 1, 2), add.clone(), delete(5, 6), orphan]).unwrap_err();
        // A route is added to a peering that is gone.
        history(&[create("p", 1, 2), delete(3, 4), (add.0, add.1, 5, 6)]).unwrap_err();
        // A requester accepts its own request; a stranger learns that it exists.
        let own = (Op::Accept { id: "p".to_owned(), by: 0 }, Answer::Done, 3, 4);
        history(&[create("p", 1, 2), own]).unwrap_err();
        let stranger = Op::Accept { id: "p".to_owned(), by: 2 };
        history(&[create("p", 1, 2), refused(stranger.clone(), "not_authorized", 3, 4)]).unwrap_err();
        history(&[create("p", 1, 2), refused(stranger, "not_found", 3, 4)]).unwrap();
    }
}
