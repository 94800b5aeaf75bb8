//! Conditions of statements (api-iam §9.2).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::matches;

/// The keys whose values an installation knows. Others are always missing.
pub const KNOWN_KEYS: [&str; 9] = [
    "g:CurrentTime",
    "g:DomainId",
    "g:DomainName",
    "g:MFAPresent",
    "g:ProjectName",
    "g:ServiceName",
    "g:SourceIp",
    "g:UserId",
    "g:UserName",
];

/// What is known of a call, by key. Keys are compared in any case of letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<String, Vec<String>>);

impl Facts {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.entry(key.to_ascii_lowercase()).or_default().push(value.into());
        self
    }

    /// The values of a key; none for one that is missing.
    #[must_use]
    pub fn get(&self, key: &str) -> &[String] {
        self.0.get(&key.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equals,
    EqualsIgnoreCase,
    Match,
    StartWith,
    EndWith,
    Number(Order),
    Date(Order),
    Bool,
    Null,
    Address,
}

/// How numbers and times are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Which of the call's values must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// The key has one value.
    Single,
    All,
    Any,
}

/// An operator with its prefix and suffix, such as `ForAnyValue:StringEqualsIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    test: Test,
    negated: bool,
    if_exists: bool,
    set: Set,
}

impl FromStr for Condition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (set, text) = match text.split_once(':') {
            None => (Set::Single, text),
            Some(("ForAllValues", rest)) => (Set::All, rest),
            Some(("ForAnyValue", rest)) => (Set::Any, rest),
            Some(_) => return Err(()),
        };
        let (if_exists, text) = text.strip_suffix("IfExists").map_or((false, text), |rest| (true, rest));
        let number = |order| (Test::Number(order), false);
        let (test, negated) = match text {
            "StringEquals" => (Test::Equals, false),
            "StringNotEquals" => (Test::Equals, true),
            "StringEqualsIgnoreCase" => (Test::EqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Test::EqualsIgnoreCase, true),
            "StringMatch" => (Test::Match, false),
            "StringNotMatch" => (Test::Match, true),
            "StringStartWith" => (Test::StartWith, false),
            "StringNotStartWith" => (Test::StartWith, true),
            "StringEndWith" => (Test::EndWith, false),
            "StringNotEndWith" => (Test::EndWith, true),
            "NumberEquals" => number(Order::Equal),
            "NumberNotEquals" => (Test::Number(Order::Equal), true),
            "NumberLessThan" => number(Order::Less),
            "NumberLessThanEquals" => number(Order::LessOrEqual),
            "NumberGreaterThan" => number(Order::Greater),
            "NumberGreaterThanEquals" => number(Order::GreaterOrEqual),
            "DateLessThan" => (Test::Date(Order::Less), false),
            "DateLessThanEquals" => (Test::Date(Order::LessOrEqual), false),
            "DateGreaterThan" => (Test::Date(Order::Greater), false),
            "DateGreaterThanEquals" => (Test::Date(Order::GreaterOrEqual), false),
            "Bool" => (Test::Bool, false),
            "Null" if !if_exists && set == Set::Single => (Test::Null, false),
            "IpAddress" => (Test::Address, false),
            "NotIpAddress" => (Test::Address, true),
            _ => return Err(()),
        };
        Ok(Self { test, negated, if_exists, set })
    }
}

impl Condition {
    /// Whether it holds for a call that has no value of the key at all, for one of the values that may be wanted.
    pub(super) fn takes_a_missing_key(self) -> bool {
        self.if_exists || self.test == Test::Null
    }

    /// Whether it holds for the call's values of a key. A key that is missing satisfies `IfExists` and `Null` alone.
    #[must_use]
    pub fn holds(self, have: &[String], wanted: &[String]) -> bool {
        if self.test == Test::Null {
            return wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case("true") == have.is_empty());
        }
        if have.is_empty() {
            return self.if_exists;
        }
        // A negated operator must differ from all its values.
        let passes = |have: &String| wanted.iter().any(|wanted| self.test.compare(have, wanted)) != self.negated;
        match self.set {
            Set::Single | Set::All => have.iter().all(passes),
            Set::Any => have.iter().any(passes),
        }
    }

    /// What is wrong with a value that the operator can never compare anything with.
    pub(super) fn refuses(self, value: &str) -> Option<&'static str> {
        let (good, expected) = match self.test {
            Test::Equals | Test::EqualsIgnoreCase | Test::Match | Test::StartWith | Test::EndWith => (true, ""),
            Test::Number(_) => (number(value).is_some(), "a number is expected"),
            Test::Date(_) => (time(value).is_some(), "a time such as 2026-01-02T03:04:05Z is expected"),
            Test::Bool | Test::Null => (boolean(value).is_some(), "true or false is expected"),
            Test::Address => (network(value).is_some(), "an IP address or a CIDR block is expected"),
        };
        (!good).then_some(expected)
    }
}

impl Test {
    fn compare(self, have: &str, wanted: &str) -> bool {
        match self {
            Self::Equals => have == wanted,
            Self::EqualsIgnoreCase => have.to_lowercase() == wanted.to_lowercase(),
            Self::Match => matches(wanted, have, true),
            Self::StartWith => have.starts_with(wanted),
            Self::EndWith => have.ends_with(wanted),
            Self::Number(order) => both(number(have), number(wanted), order),
            Self::Date(order) => both(time(have), time(wanted), order),
            Self::Bool => boolean(have).is_some() && boolean(have) == boolean(wanted),
            Self::Null => false,
            Self::Address => match (have.parse::<IpAddr>(), network(wanted)) {
                (Ok(address), Some(network)) => network.contains(&address.to_canonical()),
                _ => false,
            },
        }
    }
}

fn both<T: PartialOrd>(have: Option<T>, wanted: Option<T>, order: Order) -> bool {
    match (have, wanted) {
        (Some(have), Some(wanted)) => match order {
            Order::Equal => have == wanted,
            Order::Less => have < wanted,
            Order::LessOrEqual => have <= wanted,
            Order::Greater => have > wanted,
            Order::GreaterOrEqual => have >= wanted,
        },
        _ => false,
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
