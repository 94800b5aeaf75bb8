//! The checker: whether calls that overlapped could have happened one after the other.
//!
//! The search is that of Wing and Gong with the memory of Lowe ("Testing for linearizability", 2017): of the calls that had
//! begun before the first answer, take one whose answer the model allows, and go on; when an answer comes up whose call was
//! not taken, go back. A set of calls taken and the state that they led to are tried once.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// What the system is to do when calls come one after the other.
pub trait Model {
    type State: Clone + Eq + Hash + Debug + Default;
    type Op: Debug;
    type Answer: Debug;

    /// The state after the call, if this answer is right in this state.
    fn step(state: &Self::State, op: &Self::Op, answer: &Self::Answer) -> Option<Self::State>;
}

/// A call with the moments at which it began and was answered. Moments are numbers that no two share.
#[derive(Clone, Debug)]
pub struct Call<O, A> {
    pub op: O,
    pub answer: A,
    pub began: u64,
    pub ended: u64,
}

/// Steps after which a search is given up: a history that takes more has too many calls at once, not too many calls.
const STEPS: u64 = 50_000_000;

const HEAD: usize = 0;

/// The events of a history in a list from which calls are taken and put back.
struct Events {
    /// The call of an event, and whether it is its beginning; index 0 is the head.
    of: Vec<(usize, bool)>,
    next: Vec<usize>,
    before: Vec<usize>,
    /// The two events of a call.
    begin: Vec<usize>,
    end: Vec<usize>,
}

impl Events {
    fn new<O, A>(calls: &[Call<O, A>]) -> Self {
        let mut moments: Vec<(u64, usize, bool)> = Vec::new();
        for (index, call) in calls.iter().enumerate() {
            assert!(call.began < call.ended, "a call ends after it began");
            moments.push((call.began, index, true));
            moments.push((call.ended, index, false));
        }
        moments.sort_unstable();
        let count = moments.len() + 1;
        let (mut begin, mut end) = (vec![0; calls.len()], vec![0; calls.len()]);
        let mut of = vec![(usize::MAX, false)];
        for (at, (_, call, begins)) in moments.into_iter().enumerate() {
            if begins {
                begin[call] = at + 1
            } else {
                end[call] = at + 1
            }
            of.push((call, begins));
        }
        let next = (0..count).map(|at| if at + 1 < count { at + 1 } else { HEAD }).collect();
        let before = (0..count).map(|at| at.saturating_sub(1)).collect();
        Self { of, next, before, begin, end }
    }

    fn first(&self) -> usize {
        self.next[HEAD]
    }

    fn unlink(&mut self, event: usize) {
        let (before, next) = (self.before[event], self.next[event]);
        self.next[before] = next;
        if next != HEAD {
            self.before[next] = before;
        }
    }

    fn relink(&mut self, event: usize) {
        let (before, next) = (self.before[event], self.next[event]);
        self.next[before] = event;
        if next != HEAD {
            self.before[next] = event;
        }
    }

    fn take(&mut self, call: usize) {
        self.unlink(self.begin[call]);
        self.unlink(self.end[call]);
    }

    fn put_back(&mut self, call: usize) {
        self.relink(self.end[call]);
        self.relink(self.begin[call]);
    }
}

/// Checks a history.
///
/// # Errors
/// Says which answer cannot be, and what was going on around it.
pub fn check<M: Model>(calls: &[Call<M::Op, M::Answer>]) -> Result<(), String> {
    let mut events = Events::new(calls);
    let mut state = M::State::default();
    let mut taken = vec![0_u64; calls.len().div_ceil(64)];
    let mut seen: HashSet<(Vec<u64>, M::State)> = HashSet::new();
    let mut stack: Vec<(usize, M::State)> = Vec::new();
    // The furthest that the search came: the answer that stopped it there is the suspect.
    let mut furthest: Option<(usize, usize, M::State)> = None;
    let mut steps = 0_u64;
    let mut at = events.first();
    while events.first() != HEAD {
        steps += 1;
        if steps > STEPS {
            return Err(format!("undecided after {STEPS} steps of {} calls", calls.len()));
        }
        let (call, begins) = events.of[at];
        if begins {
            let bit = (call / 64, 1_u64 << (call % 64));
            if let Some(next) = M::step(&state, &calls[call].op, &calls[call].answer) {
                taken[bit.0] |= bit.1;
                if seen.insert((taken.clone(), next.clone())) {
                    stack.push((call, std::mem::replace(&mut state, next)));
                    events.take(call);
                    at = events.first();
                    continue;
                }
                taken[bit.0] &= !bit.1;
            }
            at = events.next[at];
        } else {
            if furthest.as_ref().is_none_or(|(depth, ..)| stack.len() > *depth) {
                furthest = Some((stack.len(), call, state.clone()));
            }
            let Some((last, old)) = stack.pop() else { return Err(blame::<M>(calls, furthest)) };
            taken[last / 64] &= !(1 << (last % 64));
            state = old;
            events.put_back(last);
            at = events.next[events.begin[last]];
        }
    }
    Ok(())
}

fn blame<M: Model>(calls: &[Call<M::Op, M::Answer>], furthest: Option<(usize, usize, M::State)>) -> String {
    let Some((depth, call, state)) = furthest else { return "the first answer cannot be".to_owned() };
    let suspect = &calls[call];
    let beside: Vec<String> = calls
        .iter()
        .filter(|other| other.began < suspect.ended && suspect.began < other.ended)
        .map(|other| format!("  {}..{} {:?} -> {:?}", other.began, other.ended, other.op, other.answer))
        .collect();
    format!(
        "no order of the calls explains the answers. After {depth} of {} calls, in state {state:?}, stuck at {:?} -> {:?}; \
         beside it:\n{}",
        calls.len(),
        suspect.op,
        suspect.answer,
        beside.join("\n")
    )
}

/// The checker finds what is to be found: histories made by hand.
mod tests {
    use super::*;

    /// A register: what histories are most easily thought up for.
    struct Register;

    #[derive(Clone, Copy, Debug)]
    enum Op {
        Write(u8),
        Read,
        /// Answers whether the value was the first one and is the second one now.
        Swap(u8, u8),
    }

    impl Model for Register {
        type State = u8;
        type Op = Op;
        type Answer = u8;

        fn step(state: &u8, op: &Op, answer: &u8) -> Option<u8> {
            match op {
                Op::Write(value) => Some(*value),
                Op::Read => (state == answer).then_some(*state),
                Op::Swap(old, new) if state == old => (*answer == 1).then_some(*new),
                Op::Swap(..) => (*answer == 0).then_some(*state),
            }
        }
    }

    fn history(calls: &[(Op, u8, u64, u64)]) -> Result<(), String> {
        let call = |(op, answer, began, ended): &(Op, u8, u64, u64)| Call {
            op: *op,
            answer: *answer,
            began: *began,
            ended: *ended,
        };
        check::<Register>(&calls.iter().map(call).collect::<Vec<_>>())
    }

    #[test]
    fn what_could_have_happened_in_order_is_accepted() {
        history(&[]).unwrap();
        history(&[(Op::Write(1), 0, 1, 2), (Op::Read, 1, 3, 4)]).unwrap();
        // Beside a write a read may see either value, and the second of two later ones the new one.
        history(&[(Op::Write(1), 0, 1, 10), (Op::Read, 0, 2, 3), (Op::Read, 1, 4, 5)]).unwrap();
        // The write that ends last happened first.
        history(&[(Op::Write(1), 0, 1, 20), (Op::Write(2), 0, 2, 10), (Op::Read, 2, 21, 22)]).unwrap();
        // Of two swaps at once one wins, whichever.
        for (one, other, left) in [(1, 0, 5), (0, 1, 6)] {
            let swaps = [(Op::Swap(0, 5), one, 1, 9), (Op::Swap(0, 6), other, 2, 8), (Op::Read, left, 10, 11)];
            history(&swaps).unwrap();
        }
        // To explain the reads the search has to go back behind a choice.
        let writes = [(Op::Write(1), 0, 1, 30), (Op::Write(2), 0, 2, 31), (Op::Write(3), 0, 3, 32)];
        history(&[&writes[..], &[(Op::Read, 3, 4, 5), (Op::Read, 1, 6, 7), (Op::Read, 2, 8, 9)]].concat()).unwrap();
    }

    #[test]
    fn what_could_not_have_happened_is_refused() {
        // A read of what nobody wrote; of what was overwritten before; a lost update.
        history(&[(Op::Read, 7, 1, 2)]).unwrap_err();
        history(&[(Op::Write(1), 0, 1, 2), (Op::Write(2), 0, 3, 4), (Op::Read, 1, 5, 6)]).unwrap_err();
        history(&[(Op::Swap(0, 5), 1, 1, 9), (Op::Swap(0, 6), 1, 2, 8)]).unwrap_err();
        history(&[(Op::Swap(0, 5), 0, 1, 9), (Op::Swap(0, 6), 0, 2, 8)]).unwrap_err();
        // The new value, and after it the old one again, while one write goes on.
        history(&[(Op::Write(1), 0, 1, 10), (Op::Read, 1, 2, 3), (Op::Read, 0, 4, 5)]).unwrap_err();
        // Two readers that see two writes in opposite orders.
        let writes = [(Op::Write(1), 0, 1, 30), (Op::Write(2), 0, 2, 31)];
        let reads = [(Op::Read, 1, 3, 4), (Op::Read, 2, 5, 6), (Op::Read, 1, 7, 8)];
        history(&[&writes[..], &reads].concat()).unwrap_err();
    }
}
