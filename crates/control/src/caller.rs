//! Who calls, and what that one may see.

use std::sync::Arc;

use catalog::Catalog;
use model::{AccountId, Kind, Project, ProjectId, UserId};

use crate::Error;

/// Who calls. Made by the front end after it has checked the signature or token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// The project that the call is scoped to, one of the account's (for operators any); its region is the call's region.
    /// `None` sees all of the account.
    pub project: Option<ProjectId>,
    /// May make accounts, and without a project sees all accounts.
    pub operator: bool,
}

impl Caller {
    /// Whether objects of this project exist for the caller: those of other accounts do not (lifecycle section 2).
    #[must_use]
    pub fn sees(&self, catalog: &Catalog, project: ProjectId) -> bool {
        match self.project {
            Some(own) => own == project,
            None => self.operator || catalog.account_of(project) == Some(self.account),
        }
    }

    /// Whether the account is the caller's, or the caller an operator.
    #[must_use]
    pub fn manages(&self, account: AccountId) -> bool {
        self.operator || self.account == account
    }

    /// The project that new objects go to.
    ///
    /// # Errors
    /// [`Error::NoProject`] for a call without one, [`Error::NotFound`] for one that is gone.
    pub fn scope<'a>(&self, catalog: &'a Catalog) -> Result<&'a Arc<Project>, Error> {
        let id = self.project.ok_or(Error::NoProject)?;
        let project = catalog.project(id).filter(|project| self.manages(project.account));
        project.ok_or_else(|| Error::not_found(Kind::Project, id))
    }
}
