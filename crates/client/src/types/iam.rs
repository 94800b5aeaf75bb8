//! Projects, accounts ("domains" on the wire) and tokens.

use serde::Deserialize;

/// A project: the part of an account that lies in one region, whose name it carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Project {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The region's name.
    pub name: String,
    /// The account.
    pub domain_id: String,
    /// The account for a region's own project.
    pub parent_id: String,
    /// Free text.
    pub description: String,
    /// Whether it may be used.
    pub enabled: bool,
}

/// An account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Domain {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The account's name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it may be used.
    pub enabled: bool,
}

/// What logs in with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordLogin {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The account's name.
    pub domain: String,
    /// What the token is good for.
    pub scope: TokenScope,
}

impl std::fmt::Debug for PasswordLogin {
    /// Leaves the password out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordLogin")
            .field("user", &self.user)
            .field("domain", &self.domain)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenScope {
    /// The project of this name, for regional services.
    Project(String),
    /// The account, for global services.
    Domain,
}

/// A token.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Token {
    /// The token itself, from the header `X-Subject-Token`.
    #[serde(skip)]
    pub value: String,
    /// RFC 3339.
    pub issued_at: String,
    /// RFC 3339.
    pub expires_at: String,
    /// The project, for a token of a project's scope.
    pub project: Option<Project>,
    /// The account, for a token of the account's scope.
    pub domain: Option<Domain>,
}

impl std::fmt::Debug for Token {
    /// Leaves the token itself out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at)
            .field("project", &self.project)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}
