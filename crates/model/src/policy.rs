//! Policies: what users may do, as documents of statements (api-iam §9.1).
//!
//! [`PolicyDocument::parse`] takes only what [`decide`] gives effect to; what is wrong is said by path.

mod builtin;
mod condition;
mod decide;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AccountId, PolicyId, ProjectId, Timestamp};

pub use builtin::{Builtin, builtins};
pub use condition::{Condition, Facts, KNOWN_KEYS};
pub use decide::{AccessRequest, Decision, action_matches, decide};
pub use parse::PolicyError;

/// Most characters of a policy document, written without spaces.
pub const DOCUMENT_LIMIT: usize = 6144;

/// A policy that an account has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Policy id (API: role id).
    pub id: PolicyId,
    /// The account.
    pub account: AccountId,
    /// What people call it, unique in the account.
    pub name: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Free text in Chinese.
    #[serde(default)]
    pub description_cn: String,
    /// Whether it is meant for projects (API type `XA`) or for the account as a whole (`AX`).
    #[serde(default)]
    pub scope: PolicyScope,
    /// What it says.
    pub document: PolicyDocument,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Where a policy is meant to be attached. It says so to people; an attachment may name a project in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyScope {
    /// The whole account.
    #[default]
    #[serde(rename = "AX")]
    Account,
    /// Projects.
    #[serde(rename = "XA")]
    Project,
}

/// A policy that a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attachment {
    /// The policy: the account's own or a built-in one.
    pub policy: PolicyId,
    /// The one project that it is good for; `None` for all of the account, calls without a project included.
    #[serde(default)]
    pub project: Option<ProjectId>,
}

impl Attachment {
    /// Whether it counts for a call in this project, `None` being a call without one.
    #[must_use]
    pub fn covers(&self, project: Option<ProjectId>) -> bool {
        self.project.is_none() || self.project == project
    }
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDocument {
    /// `1.1`, or `5.0` for identity policies; evaluated the same way.
    #[serde(rename = "Version")]
    pub version: String,
    /// 1 to 8 statements.
    #[serde(rename = "Statement")]
    pub statements: Vec<Statement>,
}

/// A statement: allows or denies actions on resources under conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Which of both.
    #[serde(rename = "Effect")]
    pub effect: Effect,
    /// `service:type:operation`, with `*` for any text in a part.
    #[serde(rename = "Action", default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// All actions but these; of Deny statements only.
    #[serde(rename = "NotAction", default, skip_serializing_if = "Vec::is_empty")]
    pub not_actions: Vec<String>,
    /// `service:region:account:type:path`, with `*` for any text in a part; empty means all.
    #[serde(rename = "Resource", default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Operator, key, values; all must hold.
    #[serde(rename = "Condition", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

/// Whether a text matches a pattern in which `*` stands for any text and, if `single`, `?` for one character.
pub(crate) fn matches(pattern: &str, text: &str, single: bool) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` was, and how much of the text it has taken: the only place to go back to.
    let mut star: Option<(usize, usize)> = None;
    while let Some(have) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(want) if want == have || (single && *want == '?') => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}
