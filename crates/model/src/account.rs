//! Who calls: accounts, projects, users, access keys, tokens.

use serde::{Deserialize, Serialize};

use crate::{AccessKeyId, AccountId, Attachment, ProjectId, RegionId, Timestamp, UserId, builtins};

/// The site an account belongs to (rule SITE-1). Has no effect on packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// China site.
    #[default]
    Cn,
    /// International site.
    Intl,
}

/// An account: the owner of everything (API: domain).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Domain id.
    pub id: AccountId,
    /// Domain name, unique in the installation.
    pub name: String,
    /// China or international site.
    pub site: Site,
    /// May make accounts and look into all of them: the account that the first start makes.
    pub operator: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The part of an account in one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Project id (API: also `tenant_id`).
    pub id: ProjectId,
    /// Named after the region.
    pub name: String,
    /// The owner.
    pub account: AccountId,
    /// The region.
    pub region: RegionId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A user of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User id.
    pub id: UserId,
    /// Login name, unique in the account.
    pub name: String,
    /// The account.
    pub account: AccountId,
    /// Argon2id hash in PHC form.
    pub password_hash: String,
    /// Whether the user may log in.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first user of its account, who may do everything. Stores that do not say so have first users only.
    #[serde(default = "first")]
    pub root: bool,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// What it may do, ascending and each once.
    #[serde(default)]
    pub policies: Vec<Attachment>,
}

impl User {
    /// Whether it may do everything in its account, whatever policies deny (api-iam §9.3).
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        let administers = |at: &Attachment| {
            at.project.is_none() && builtins().iter().any(|builtin| builtin.administrator && builtin.id == at.policy)
        };
        self.root || self.policies.iter().any(administers)
    }
}

fn first() -> bool {
    true
}

/// An access key. The secret is needed in clear to verify a signature (api-iam §3.4), so it is kept sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The public half.
    pub id: AccessKeyId,
    /// The secret half.
    pub secret: KeySecret,
    /// The user that it acts for.
    pub user: UserId,
    /// The user's account.
    pub account: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it is good for anything.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Until when and with what it is good, for a temporary one (api-iam §5.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary: Option<Temporary>,
}

/// What a temporary access key has besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Temporary {
    /// SHA-256 of the security token that goes with it, hexadecimal.
    pub token_hash: String,
    /// From when it is refused.
    pub expires_at: Timestamp,
}

fn enabled() -> bool {
    true
}

/// The secret half of an access key as it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeySecret {
    /// Encrypted with the installation's master key: hexadecimal.
    Sealed {
        /// Nonce and ciphertext.
        sealed: String,
    },
    /// In clear, as stores of the first versions have it until the next start.
    Clear(String),
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("user", &self.user).finish_non_exhaustive()
    }
}

/// A token: opaque to its holder, kept under the hash of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// SHA-256 of the token's text, hexadecimal: the key it is stored under.
    pub hash: String,
    /// The user.
    pub user: UserId,
    /// The account.
    pub account: AccountId,
    /// The project, for a project-scoped token.
    pub project: Option<ProjectId>,
    /// How it was obtained: `password` or `token`.
    pub methods: Vec<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when it is refused.
    pub expires_at: Timestamp,
}
