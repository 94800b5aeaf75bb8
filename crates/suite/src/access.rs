//! Who calls: the accounts of a document, and a client for each of them in each region.

use std::collections::BTreeMap;

use client::types::{AccountCreate, AccountCreated};
use client::{Client, Error};

/// What is needed to call as an account.
#[derive(Clone, Debug)]
pub struct AccountAccess {
    /// Access key id.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
    /// Project id by region.
    pub projects: BTreeMap<String, String>,
}

impl From<&AccountCreated> for AccountAccess {
    fn from(created: &AccountCreated) -> Self {
        Self {
            access_key: created.access_key.access.clone(),
            secret_key: created.access_key.secret.clone(),
            projects: created.projects.iter().map(|p| (p.name.clone(), p.id.clone())).collect(),
        }
    }
}

/// An account that cannot be called as.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No credentials, and none may be made.
    #[error(
        "there are no credentials for account `{0}`: add a profile of that name, or apply as an operator, who can make the account"
    )]
    Unknown(String),
    /// The account exists, but nobody here knows its credentials.
    #[error("account `{0}` exists on the server, but there is no profile of that name with its access key")]
    NoCredentials(String),
    /// No such region.
    #[error("account `{account}` has no project in region `{region}`; the server has {known}")]
    NoRegion {
        /// The account.
        account: String,
        /// The region asked for.
        region: String,
        /// The regions that there are.
        known: String,
    },
    /// The server refused.
    #[error("account `{account}` cannot be made")]
    Api {
        /// The account.
        account: String,
        /// Why.
        #[source]
        source: Error,
    },
}

/// The accounts that can be called as.
#[derive(Clone, Debug)]
pub struct Access {
    base: Client,
    accounts: BTreeMap<String, AccountAccess>,
    may_make: bool,
}

impl Access {
    /// `base` is the caller's own client; `may_make` says whether the caller, as an operator, makes accounts that are
    /// missing.
    #[must_use]
    pub fn new(base: Client, may_make: bool) -> Self {
        Self { base, accounts: BTreeMap::new(), may_make }
    }

    /// Adds an account.
    pub fn add(&mut self, name: &str, access: AccountAccess) {
        self.accounts.insert(name.to_owned(), access);
    }

    /// The caller's own client.
    #[must_use]
    pub fn base(&self) -> &Client {
        &self.base
    }

    /// Makes sure that the account can be called as; returns it when it was made now.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn ensure(&mut self, name: &str, site: &str) -> Result<Option<AccountAccess>, AccessError> {
        if self.accounts.contains_key(name) {
            return Ok(None);
        }
        if !self.may_make {
            return Err(AccessError::Unknown(name.to_owned()));
        }
        let failed = |source| AccessError::Api { account: name.to_owned(), source };
        if self.base.list_accounts().await.map_err(failed)?.iter().any(|a| a.name == name) {
            return Err(AccessError::NoCredentials(name.to_owned()));
        }
        let wanted = AccountCreate { name: name.to_owned(), site: Some(site.to_owned()) };
        let created = self.base.create_account(&wanted).await.map_err(failed)?;
        let access = AccountAccess::from(&created);
        self.add(name, access.clone());
        Ok(Some(access))
    }

    /// The project of an account in a region.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn project(&self, account: &str, region: &str) -> Result<&str, AccessError> {
        let access = self.accounts.get(account).ok_or_else(|| AccessError::Unknown(account.to_owned()))?;
        access.projects.get(region).map(String::as_str).ok_or_else(|| AccessError::NoRegion {
            account: account.to_owned(),
            region: region.to_owned(),
            known: access.projects.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// A client that calls as `account` in `region`.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn client(&self, account: &str, region: &str) -> Result<Client, AccessError> {
        let project = self.project(account, region)?.to_owned();
        let access = self.accounts.get(account).ok_or_else(|| AccessError::Unknown(account.to_owned()))?;
        Ok(self.base.with_key(&access.access_key, &access.secret_key).with_project(&project))
    }
}
