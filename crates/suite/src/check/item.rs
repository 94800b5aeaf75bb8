//! What a check finds, item by item: for programs as JSON, for people as text.

use std::fmt;

use client::types::ProbeAnswer;
use serde::Serialize;
use serde_json::{Map, Value};

/// All items of a check, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Report {
    /// The items.
    pub items: Vec<Item>,
}

impl Report {
    /// Whether every item passed. A report without items has not passed: nothing was checked.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.items.is_empty() && self.items.iter().all(|item| item.pass)
    }

    /// How many items passed, differed, and could not be tried because something is not supported.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let passed = self.items.iter().filter(|item| item.pass).count();
        let unsupported = self.items.iter().filter(|item| item.got.unsupported.is_some()).count();
        (passed, self.items.len() - passed - unsupported, unsupported)
    }
}

/// One thing that was expected and what there was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Id of the scenario.
    pub scenario: String,
    /// What kind of item.
    pub kind: ItemKind,
    /// The step after which it was asked, from 1; none before the first step.
    pub step: Option<usize>,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// What the document expects.
    pub expected: Outcome,
    /// What there was.
    pub got: Outcome,
    /// Whether the two agree.
    pub pass: bool,
}

/// What kind of item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// A packet and its reply.
    Expect,
    /// An operation on the scenario as given.
    Control,
    /// A step itself: reported only where it could not be taken or left other routes than it should.
    Step,
}

/// What an item is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Subject {
    /// A packet.
    Packet {
        /// Sender, as the document names it.
        from: String,
        /// Receiver, as the document names it.
        to: String,
        /// `icmp`, `tcp` or `udp`.
        proto: String,
        /// Destination port of TCP and UDP.
        port: Option<u16>,
        /// 4 or 6, where the document says.
        #[serde(skip_serializing_if = "Option::is_none")]
        family: Option<u8>,
    },
    /// An operation.
    Operation {
        /// Its name.
        op: String,
        /// The account that calls.
        by: Option<String>,
        /// The rest of what the document says.
        parameters: Map<String, Value>,
    },
}

/// What is expected or what there was, as far as it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// `accepted` or `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The error's internal code; for a packet or step that could not be tried, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the server said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// State of the peering that an operation made or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whether the request arrives where it is meant to and its reply comes back; in `got` the tracer's verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reachable: Option<bool>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `forward` or `return`: the direction that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leg: Option<String>,
    /// Name of the VPC in which it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Source address that the receiver sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_source: Option<String>,
    /// Name of the server that gets the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_to: Option<String>,
    /// Names of what the request passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<Vec<String>>,
    /// Names of what the reply passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_via: Option<Vec<String>>,
    /// What packets did, where they were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measurement>,
    /// Custom routes that remain in any table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes_left: Option<Vec<String>>,
    /// What the item needs and Causeway does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
}

/// What packets did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Measurement {
    /// Whether the request arrived where it was meant to and the reply came back.
    pub reachable: bool,
    /// Whether the request was seen to arrive where it was meant to.
    pub delivered: bool,
    /// Source address that the receiver saw.
    pub observed_source: Option<String>,
    /// Who replied.
    pub answered_by: Option<String>,
    /// Round trip in microseconds.
    pub rtt_us: Option<u64>,
    /// How often it was tried.
    pub tries: u32,
}

impl Measurement {
    /// Reads the answer of a probe. `intended` is the server that was meant, as id and name, where one was.
    #[must_use]
    pub fn new(answer: ProbeAnswer, intended: Option<(&str, &str)>, tries: u32) -> Self {
        let right_one = match (intended, answer.answered_by.as_deref()) {
            (Some((id, name)), Some(who)) => who == id || who == name,
            _ => true,
        };
        // Of an address that nobody in particular is meant by, the reply is all there is to see.
        let arrived = answer.delivered || intended.is_none();
        Self {
            reachable: answer.replied && arrived && right_one,
            delivered: answer.delivered,
            observed_source: answer.observed_source,
            answered_by: answer.answered_by,
            rtt_us: answer.rtt_us,
            tries,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet { from, to, proto, port, family } => {
                write!(f, "{from} → {to} {proto}")?;
                port.map_or(Ok(()), |port| write!(f, "/{port}"))?;
                if *family == Some(6) { f.write_str(" (IPv6)") } else { Ok(()) }
            }
            Self::Operation { op, by, parameters } => {
                f.write_str(op)?;
                for (name, value) in parameters {
                    match value {
                        Value::String(text) => write!(f, " {name}={text}")?,
                        other => write!(f, " {name}={other}")?,
                    }
                }
                by.as_ref().map_or(Ok(()), |by| write!(f, " by {by}"))
            }
        }
    }
}

impl fmt::Display for Outcome {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut add = |text: String| parts.push(text);
        if let Some(what) = &self.unsupported {
            add(format!("unsupported: needs {what}"));
        }
        match (self.reachable, &self.reason) {
            (Some(true), _) => add("reachable".to_owned()),
            (Some(false), Some(reason)) => add(format!("not reachable: {reason}")),
            (Some(false), None) => add("not reachable".to_owned()),
            (None, _) => {}
        }
        match (&self.result, &self.error) {
            (Some(result), Some(error)) => add(format!("{result}: {error}")),
            (Some(text), None) | (None, Some(text)) => add(text.clone()),
            (None, None) => {}
        }
        let named: [(&str, Option<String>); 8] = [
            ("on the leg", self.leg.clone().filter(|leg| leg != "forward")),
            ("at", self.at.clone()),
            ("seen from", self.observed_source.clone()),
            ("delivered to", self.delivered_to.clone()),
            ("via", self.via.as_ref().filter(|via| !via.is_empty()).map(|via| via.join(", "))),
            ("return via", self.return_via.as_ref().filter(|via| !via.is_empty()).map(|via| via.join(", "))),
            ("status", self.status.clone()),
            ("routes left:", self.routes_left.as_ref().map(|left| list(left))),
        ];
        for (name, value) in named {
            parts.extend(value.map(|value| format!("{name} {value}")));
        }
        if let Some(message) = &self.message {
            parts.push(format!("({message})"));
        }
        f.write_str(&parts.join(", "))?;
        if let Some(measured) = &self.measured {
            write!(f, "; packets say: {measured}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.reachable, self.delivered, self.answered_by.is_some()) {
            (true, ..) => "reachable",
            (false, true, _) => "the request arrived, no reply came back",
            (false, false, true) => "somebody else replied",
            (false, false, false) => "the request did not arrive",
        })?;
        self.observed_source.as_ref().map_or(Ok(()), |source| write!(f, ", seen from {source}"))?;
        self.answered_by.as_ref().map_or(Ok(()), |who| write!(f, ", answered by {who}"))
    }
}

fn list(texts: &[String]) -> String {
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

impl fmt::Display for Item {
    /// One line for an item that passed or is unsupported; for one that differs, expected and got on lines of their
    /// own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scenario)?;
        self.step.map_or(Ok(()), |step| write!(f, " step {step}"))?;
        write!(f, ": {}", self.subject)?;
        if self.pass {
            write!(f, ": {}", self.got)
        } else if self.got.unsupported.is_some() {
            write!(f, ": {}", Outcome { unsupported: self.got.unsupported.clone(), ..Outcome::default() })
        } else {
            write!(f, "\n    expected  {}\n    got       {}", self.expected, self.got)
        }
    }
}
