//! Accounts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// 32 hexadecimal digits; what IAM calls a domain id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `cn` or `intl`.
    pub site: String,
    /// Whether it may see and make accounts.
    pub operator: bool,
}

/// A new account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AccountCreate {
    /// Its name.
    pub name: String,
    /// `cn` or `intl`; the server's own choice if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
}

/// An account that was just made. The secrets are shown this once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountCreated {
    /// The account.
    pub account: Account,
    /// Its first user.
    pub user: AccountUser,
    /// The user's access key.
    pub access_key: SecretKey,
    /// One for each region.
    pub projects: Vec<AccountProject>,
}

/// The first user of an account.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountUser {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for AccountUser {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountUser").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// An access key.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretKey {
    /// The access key id (AK).
    pub access: String,
    /// The secret key (SK).
    pub secret: String,
}

impl fmt::Debug for SecretKey {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("access", &self.access).finish_non_exhaustive()
    }
}

/// A project of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountProject {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The region.
    pub name: String,
}
