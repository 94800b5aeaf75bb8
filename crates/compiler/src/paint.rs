//! Ordered rules to a longest-prefix table: the first match becomes the longest match.
//!
//! A class is the ordered list of rules that apply to one remote address. For each protocol that it names, the 65,536
//! services are painted rule by rule, first come first served; the picture is then written with the fewest prefixes
//! that reproduce it (Draves et al., "Constructing Optimal IP Routing Tables", INFOCOM 1999).

use std::collections::BTreeSet;

use abi::{Id, NO_ID, RULE_ALLOW, RULE_DENY, Rule, RuleKey, prefix_base};
use tables::Prefix;

use crate::hash::Content;

/// A rule without its remote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServiceRule {
    /// Its id, for the tracer.
    pub(crate) id: Id,
    /// Allow or deny.
    pub(crate) allow: bool,
    /// IP protocol number; `None` for all, and then `services` means nothing.
    pub(crate) protocol: Option<u8>,
    /// Inclusive ranges; empty for all.
    pub(crate) services: Vec<(u16, u16)>,
}

/// Which rule decides: its place in the class; `None` where none does, which denies.
type Decision = Option<usize>;

/// The rules as far as they can matter: nothing behind one that matches every packet.
pub(crate) fn effective<'a>(rules: impl Iterator<Item = &'a ServiceRule>) -> Vec<&'a ServiceRule> {
    let mut out = Vec::new();
    for rule in rules {
        out.push(rule);
        if rule.protocol.is_none() {
            break;
        }
    }
    out
}

/// The id of the class with these rules, from their content.
pub(crate) fn class_id(rules: &[&ServiceRule]) -> Id {
    let mut content = Content::new("class");
    for rule in rules {
        content.add(&rule.id);
        content.add(&[u8::from(rule.allow), u8::from(rule.protocol.is_some()), rule.protocol.unwrap_or(0)]);
        content.add(&(rule.services.len() as u64).to_be_bytes());
        for (first, last) in &rule.services {
            content.add(&first.to_be_bytes());
            content.add(&last.to_be_bytes());
        }
    }
    content.id()
}

/// The entries of table `RULES` for the class.
pub(crate) fn paint(class: Id, rules: &[&ServiceRule]) -> Vec<(Prefix<RuleKey>, Rule)> {
    let mut out = Vec::new();
    let mut emit = |bits: u32, protocol: u8, service: u16, decision: Decision| {
        let key = RuleKey { class, protocol, service: service.to_be_bytes() };
        let rule = decision.and_then(|place| rules.get(place));
        let verdict = if rule.is_some_and(|rule| rule.allow) { RULE_ALLOW } else { RULE_DENY };
        let value = Rule { rule: rule.map_or(NO_ID, |rule| rule.id), verdict, pad: [0; 7] };
        out.push((Prefix { bits, key }, value));
    };
    let otherwise = rules.iter().position(|rule| rule.protocol.is_none());
    if otherwise.is_some() {
        emit(prefix_base::RULE_ANY_PROTOCOL, 0, 0, otherwise);
    }
    let protocols: BTreeSet<u8> = rules.iter().filter_map(|rule| rule.protocol).collect();
    for protocol in protocols {
        let picture = picture(rules, protocol);
        let tree = Tree::of(&picture, 0, 16);
        tree.write(otherwise, 0, 16, &mut |length, service, decision| {
            emit(prefix_base::RULE_PROTOCOL + length, protocol, service, decision);
        });
    }
    out
}

/// Decisions for all services of a protocol: runs that end at the given (inclusive) service, in order.
fn picture(rules: &[&ServiceRule], protocol: u8) -> Vec<(u16, Decision)> {
    let mut runs: Vec<(u16, Decision)> = vec![(u16::MAX, None)];
    for (place, rule) in rules.iter().enumerate().filter(|(_, r)| r.protocol.is_none_or(|p| p == protocol)) {
        let everything = [(0, u16::MAX)];
        let ranges = if rule.protocol.is_none() || rule.services.is_empty() { &everything[..] } else { &rule.services };
        for &(first, last) in ranges {
            runs = painted(&runs, first, last, place);
        }
    }
    runs
}

/// `runs` with the blank parts between `first` and `last` painted.
fn painted(runs: &[(u16, Decision)], first: u16, last: u16, place: usize) -> Vec<(u16, Decision)> {
    let mut out: Vec<(u16, Decision)> = Vec::with_capacity(runs.len() + 2);
    let mut push = |end: u16, decision: Decision| match out.last_mut() {
        Some(run) if run.1 == decision => run.0 = end,
        _ => out.push((end, decision)),
    };
    let mut start = 0u16;
    for &(end, decision) in runs {
        if decision.is_some() || last < start || first > end || first > last {
            push(end, decision);
        } else {
            if first > start {
                push(first - 1, None);
            }
            push(end.min(last), Some(place));
            if last < end {
                push(end, None);
            }
        }
        start = end.wrapping_add(1);
    }
    out
}

/// A binary tree over services; each node knows the decisions it could have at the least cost.
enum Tree {
    Leaf(Decision),
    Node { options: BTreeSet<Decision>, low: Box<Tree>, high: Box<Tree> },
}

impl Tree {
    /// The tree over the `2^height` services from `start` on.
    fn of(runs: &[(u16, Decision)], start: u16, height: u32) -> Self {
        let end = u16::try_from(u32::from(start) + (1 << height) - 1).unwrap_or(u16::MAX);
        let first = runs.partition_point(|run| run.0 < start);
        match runs.get(first) {
            Some(&(run_end, decision)) if run_end >= end => Self::Leaf(decision),
            _ => {
                let half = height - 1;
                let low = Self::of(runs, start, half);
                let high = Self::of(runs, start + (1 << half), half);
                let (a, b) = (low.options(), high.options());
                let common: BTreeSet<Decision> = a.intersection(&b).copied().collect();
                let options = if common.is_empty() { a.union(&b).copied().collect() } else { common };
                Self::Node { options, low: Box::new(low), high: Box::new(high) }
            }
        }
    }

    fn options(&self) -> BTreeSet<Decision> {
        match self {
            Self::Leaf(decision) => BTreeSet::from([*decision]),
            Self::Node { options, .. } => options.clone(),
        }
    }

    /// Gives prefix length, service and decision of each entry that is needed below one that says `inherited`.
    fn write(&self, inherited: Decision, start: u16, height: u32, emit: &mut impl FnMut(u32, u16, Decision)) {
        let decision = match self {
            Self::Leaf(decision) => *decision,
            Self::Node { options, .. } if options.contains(&inherited) => inherited,
            Self::Node { options, .. } => options.first().copied().unwrap_or(inherited),
        };
        if decision != inherited {
            emit(16 - height, start, decision);
        }
        if let Self::Node { low, high, .. } = self {
            low.write(decision, start, height - 1, emit);
            high.write(decision, start + (1 << (height - 1)), height - 1, emit);
        }
    }
}

#[cfg(test)]
mod tests;
