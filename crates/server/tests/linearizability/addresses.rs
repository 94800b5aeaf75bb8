//! What the addresses of a subnet are to do (rule NET-4): each is held by one port or server at most, and none is lost.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Model;

/// The last byte of an address.
pub type Host = u8;

/// What workloads of a /28 can have: its network, its gateway and its last three addresses are reserved (NET-4).
pub const FREE: std::ops::RangeInclusive<Host> = 2..=12;

/// Who holds which address, by the holder's id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State(BTreeMap<String, Host>);

#[derive(Clone, Debug)]
pub enum Op {
    /// Make a port or a server, with the address if one is given.
    Create {
        address: Option<Host>,
    },
    Delete {
        id: String,
    },
    /// The addresses that are held.
    Held,
}

#[derive(Clone, Debug)]
pub enum Answer {
    Done,
    Made { id: String, address: Host },
    Held(BTreeSet<Host>),
    Refused(String),
}

pub struct Subnet;

impl Model for Subnet {
    type State = State;
    type Op = Op;
    type Answer = Answer;

    fn step(state: &State, op: &Op, answer: &Answer) -> Option<State> {
        let held = |address: Host| state.0.values().any(|held| *held == address);
        let mut next = state.clone();
        let right = match (op, answer) {
            (_, Answer::Refused(cause)) if cause == "busy" => true,
            (Op::Create { address }, Answer::Made { id, address: got }) => {
                let right = FREE.contains(got) && !held(*got) && address.is_none_or(|wanted| wanted == *got);
                right && next.0.insert(id.clone(), *got).is_none()
            }
            (Op::Create { address: Some(wanted) }, Answer::Refused(cause)) => {
                cause == "address_in_use" && held(*wanted)
            }
            (Op::Create { address: None }, Answer::Refused(cause)) => {
                cause == "no_free_address" && FREE.clone().all(held)
            }
            (Op::Delete { id }, Answer::Done) => next.0.remove(id).is_some(),
            (Op::Delete { id }, Answer::Refused(cause)) => cause == "not_found" && !state.0.contains_key(id),
            (Op::Held, Answer::Held(seen)) => state.0.values().copied().collect::<BTreeSet<_>>() == *seen,
            _ => false,
        };
        right.then_some(next)
    }
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
        check::<Subnet>(&calls.iter().map(call).collect::<Vec<_>>())
    }

    fn made(id: &str, address: Host, began: u64, ended: u64) -> (Op, Answer, u64, u64) {
        (Op::Create { address: None }, Answer::Made { id: id.to_owned(), address }, began, ended)
    }

    #[test]
    fn one_address_for_two_and_lost_addresses_are_refused() {
        history(&[made("a", 2, 1, 5), made("b", 3, 2, 6)]).unwrap();
        history(&[made("a", 2, 1, 5), made("b", 2, 2, 6)]).unwrap_err();
        history(&[made("a", 1, 1, 2)]).unwrap_err();
        // Given back, an address is free again, and not before.
        let delete = |began, ended| (Op::Delete { id: "a".to_owned() }, Answer::Done, began, ended);
        history(&[made("a", 2, 1, 2), delete(3, 6), made("b", 2, 4, 5)]).unwrap();
        history(&[made("a", 2, 1, 2), made("b", 2, 3, 4), delete(5, 6)]).unwrap_err();
        // Nothing free, though something is.
        let full = (Op::Create { address: None }, Answer::Refused("no_free_address".to_owned()), 3, 4);
        history(&[made("a", 2, 1, 2), full]).unwrap_err();
        let taken = |began, ended| {
            (Op::Create { address: Some(2) }, Answer::Refused("address_in_use".to_owned()), began, ended)
        };
        history(&[made("a", 2, 1, 4), taken(2, 3)]).unwrap();
        history(&[taken(1, 2), made("a", 2, 3, 4)]).unwrap_err();
        let seen = (Op::Held, Answer::Held(BTreeSet::new()), 3, 4);
        history(&[made("a", 2, 1, 2), seen]).unwrap_err();
    }
}
