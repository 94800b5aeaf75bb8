//! The caller, once credentials are verified, and the project that the request is about.

use std::sync::Arc;

use axum::http::HeaderMap;
use catalog::Catalog;
use control::Caller;
use model::{AccessKey, Account, Project, Timestamp, Token, User};

use super::{header, secret};
use crate::error::Problem;
use crate::frame::Frame;

/// Who calls, and for what.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The account.
    pub account: Arc<Account>,
    /// The user.
    pub user: Arc<User>,
    /// The token, when the request came with one.
    pub token: Option<Arc<Token>>,
    /// Whether the request was signed with a temporary access key.
    pub(crate) temporary: bool,
    /// What the request is about.
    pub scope: Scope,
    /// The action that no policy gives the caller, when the request is allowed for the caller itself alone.
    pub(crate) own_only: Option<&'static str>,
}

/// What a request is about (api-vpc §0.2).
#[derive(Clone, Debug)]
pub enum Scope {
    /// A project of the caller's account.
    Project(Arc<Project>),
    /// The account as a whole: enough for the identity service, not for the network API.
    Account,
}

/// The caller behind a token's text.
///
/// # Errors
/// 401: unknown, expired, or of a user who is gone or disabled.
pub(super) fn of_token(catalog: &Catalog, text: &str, now: Timestamp) -> Result<Identity, Problem> {
    let unknown = || Problem::unauthenticated("decrypt token fail", "unknown_token");
    let token = catalog.token(&secret::hash(text)).ok_or_else(unknown)?;
    super::claimed(catalog, token.user);
    if token.expires_at <= now {
        return Err(Problem::unauthenticated("token expires", "expired_token"));
    }
    let user = catalog.user(token.user).filter(|user| user.enabled).ok_or_else(unknown)?;
    let account = catalog.account(token.account).ok_or_else(unknown)?;
    let scope = match token.project {
        Some(id) => Scope::Project(Arc::clone(catalog.project(id).ok_or_else(unknown)?)),
        None => Scope::Account,
    };
    Ok(Identity {
        account: Arc::clone(account),
        user: Arc::clone(user),
        token: Some(Arc::clone(token)),
        scope,
        temporary: false,
        own_only: None,
    })
}

/// The caller behind an access key.
///
/// # Errors
/// 401 for a key whose user is gone or disabled.
pub(super) fn of_access_key(catalog: &Catalog, key: &AccessKey) -> Result<Identity, Problem> {
    let dead = || Problem::unauthenticated(format_args!("the user of ak {} is disabled", key.id), "disabled_user");
    let user = catalog.user(key.user).filter(|user| user.enabled).ok_or_else(dead)?;
    let account = catalog.account(key.account).ok_or_else(dead)?;
    Ok(Identity {
        account: Arc::clone(account),
        user: Arc::clone(user),
        token: None,
        scope: Scope::Account,
        temporary: key.temporary.is_some(),
        own_only: None,
    })
}

impl Identity {
    /// The same caller with the project that this request is about: for a signature the one of the path, else of
    /// `X-Project-Id`, else of the host's region; for a token its own, and the path's must be equal (api-iam §3.11).
    ///
    /// # Errors
    /// 400 `VPC.0007` for a project that is not the caller's; 401 for another account's `X-Domain-Id`.
    pub(super) fn scoped(
        mut self,
        catalog: &Catalog,
        path: Option<&str>,
        frame: &Frame,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        if self.token.is_some() {
            return match (path, &self.scope) {
                (None, _) => Ok(self),
                (Some(path), Scope::Project(project)) if project.id.to_string() == path => Ok(self),
                (Some(_), _) => Err(Problem::wrong_project()),
            };
        }
        if let Some(domain) = header(headers, "x-domain-id")?
            && domain != self.account.id.to_string()
        {
            return Err(Problem::unauthenticated("X-Domain-Id is not the account of the access key", "foreign_domain"));
        }
        let named = match path {
            Some(path) => Some(path),
            None => header(headers, "x-project-id")?,
        };
        let project = match named {
            Some(text) => Some(
                text.parse()
                    .ok()
                    .and_then(|id| catalog.project(id))
                    .filter(|project| project.account == self.account.id)
                    .ok_or_else(Problem::wrong_project)?,
            ),
            None => frame
                .named()
                .and_then(|named| named.region)
                .and_then(|region| catalog.project_in(self.account.id, &region.into())),
        };
        if let Some(project) = project {
            self.scope = Scope::Project(Arc::clone(project));
        }
        Ok(self)
    }

    /// The caller as use cases know it, with the project that the request is about.
    ///
    /// # Errors
    /// When nothing names a project: the network API works in one.
    pub(crate) fn project_caller(&self) -> Result<Caller, Problem> {
        self.project().map(|project| Caller { project: Some(project.id), ..self.account_caller() })
    }

    /// The caller as use cases know it, in the scope of the request: the account when it names no project.
    pub(crate) fn caller(&self) -> Caller {
        self.project_caller().unwrap_or_else(|_| self.account_caller())
    }

    /// The caller for what goes across projects, such as the servers of a trace: administrators see all of the account.
    /// Others see the request's project, since their policies may be good for that one only.
    pub(crate) fn wide_caller(&self) -> Caller {
        if self.user.is_administrator() { self.account_caller() } else { self.caller() }
    }

    /// The caller as use cases know it, for all of the account.
    pub(crate) fn account_caller(&self) -> Caller {
        let operator = self.is_operator();
        Caller { account: self.account.id, user: self.user.id, project: None, operator }
    }

    /// Whether the caller may make accounts and look into all of them: an administrator of an operator's account.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.account.operator && self.user.is_administrator()
    }

    /// Refuses what would outlive a temporary access key.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn permanent(&self) -> Result<(), Problem> {
        if self.temporary {
            return Err(Problem::coded(
                axum::http::StatusCode::FORBIDDEN,
                "IAM.0002",
                "A temporary access key cannot make lasting credentials.",
                "temporary_credentials",
            ));
        }
        Ok(())
    }

    /// Lets a caller who is allowed itself alone reach nobody else.
    ///
    /// # Errors
    /// 403 with the action that is missing.
    pub(crate) fn reach(&self, user: model::UserId) -> Result<(), Problem> {
        match self.own_only {
            Some(action) if user != self.user.id => Err(Problem::denied(action)),
            _ => Ok(()),
        }
    }

    /// The project that the request is about.
    ///
    /// # Errors
    /// When nothing names one.
    pub fn project(&self) -> Result<&Arc<Project>, Problem> {
        match (&self.scope, &self.token) {
            (Scope::Project(project), _) => Ok(project),
            (Scope::Account, Some(_)) => Err(Problem::no_project(
                "the token is scoped to the account; this call needs a token that is scoped to a project",
            )),
            (Scope::Account, None) => Err(Problem::no_project(
                "the request names no project; send X-Project-Id with the id of one of your projects",
            )),
        }
    }
}
