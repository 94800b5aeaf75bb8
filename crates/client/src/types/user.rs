//! Users, access keys and policies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AccountUser, SecretKey, yes};

/// A user of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The account.
    pub domain_id: String,
    /// Whether it may log in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Free text.
    pub description: String,
}

/// A new user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UserCreate {
    /// Its name.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A user whose secrets were just made. They are shown this once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserSecrets {
    /// The user with its password.
    pub user: AccountUser,
    /// An access key, when one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<SecretKey>,
}

/// An access key, without its secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessKey {
    /// The access key id (AK).
    pub access: String,
    /// The user that it acts for.
    pub user_id: String,
    /// `active` or `inactive`.
    pub status: String,
    /// Free text.
    pub description: String,
    /// RFC 3339.
    pub create_time: String,
}

/// A policy: one that every installation has, or one of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// 32 hexadecimal digits.
    pub id: String,
    /// What people call it.
    pub display_name: String,
    /// What it is about; `CUSTOMED` for the account's own.
    pub catalog: String,
    /// `AX` for the whole account, `XA` for projects.
    #[serde(rename = "type")]
    pub kind: String,
    /// Free text.
    pub description: String,
    /// The document: `Version` and `Statement`.
    pub policy: Value,
}

/// A new policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PolicyCreate {
    /// What people call it.
    pub display_name: String,
    /// `AX` for the whole account, `XA` for projects.
    #[serde(rename = "type")]
    pub kind: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The document: `Version` and `Statement`.
    pub policy: Value,
}

/// A policy that a user has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttachedPolicy {
    /// The policy's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether every installation has it.
    pub builtin: bool,
    /// The one project that it is good for; empty for all of the account.
    pub project_id: String,
}
