//! What is known of a request while it is served.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use control::{Origin, Who};
use model::{Account, User};

use super::ATTEMPT;
use crate::auth::{Identity, Scope};

/// A request at work.
#[derive(Debug)]
pub(crate) struct Attempt {
    origin: Mutex<Origin>,
    rehearsal: AtomicBool,
}

/// The request that this task serves; `None` in a task of its own.
pub(crate) fn current() -> Option<Arc<Attempt>> {
    ATTEMPT.try_with(Arc::clone).ok()
}

impl Attempt {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin: Mutex::new(origin), rehearsal: AtomicBool::new(false) }
    }

    /// Where the request's changes come from.
    pub(crate) fn origin(&self) -> Origin {
        self.locked().clone()
    }

    /// Somebody says to be this user.
    pub(crate) fn claims(&self, account: &Account, user: &User) {
        self.is_from(account, user, false);
    }

    /// Somebody has proved to be this user.
    pub(crate) fn proves(&self, account: &Account, user: &User) {
        self.is_from(account, user, true);
    }

    /// The credentials are good, and for this scope.
    pub(crate) fn has(&self, identity: &Identity) {
        self.proves(&identity.account, &identity.user);
        if let Scope::Project(project) = &identity.scope {
            self.locked().project = Some(project.id);
        }
    }

    /// Nothing is to be changed: a dry run.
    pub(crate) fn rehearses(&self) {
        self.rehearsal.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_rehearsal(&self) -> bool {
        self.rehearsal.load(Ordering::Relaxed)
    }

    /// Whether the caller has proved who it is.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.locked().who, Who::User { proven: true, .. })
    }

    fn is_from(&self, account: &Account, user: &User, proven: bool) {
        self.locked().who = Who::User {
            account: account.id,
            account_name: account.name.clone(),
            user: user.id,
            user_name: user.name.clone(),
            proven,
        };
    }

    fn locked(&self) -> MutexGuard<'_, Origin> {
        self.origin.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
