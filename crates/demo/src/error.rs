//! What ends a demonstration early.

use std::io;

use suite::{AccessError, ApplyError};

/// The demonstration could not go on. That something differs from what was expected is no error: see
/// [`crate::DemoOutcome`].
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The server could not start.
    #[error(transparent)]
    Start(#[from] server::StartError),
    /// The server refused what it should not.
    #[error("cannot {what}")]
    Api {
        /// What was tried.
        what: String,
        /// Why not.
        #[source]
        source: client::Error,
    },
    /// The topology could not be made.
    #[error("the topology cannot be made")]
    Apply(#[from] Box<ApplyError>),
    /// An account that should be there is not.
    #[error(transparent)]
    Access(#[from] Box<AccessError>),
    /// Something on this machine.
    #[error("cannot {what}")]
    Machine {
        /// What was tried.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A network namespace.
    #[error(transparent)]
    Namespace(#[from] netlink::Error),
    /// A program that the demonstration runs.
    #[error("{program} {why}")]
    Program {
        /// Its name.
        program: String,
        /// What went wrong.
        why: String,
    },
    /// The built-in topology; a mistake of the build.
    #[error("the built-in topology cannot be used: {0}")]
    Topology(String),
}

/// Names what the server refused.
pub(crate) fn api(what: impl Into<String>) -> impl FnOnce(client::Error) -> DemoError {
    let what = what.into();
    move |source| DemoError::Api { what, source }
}

/// Names what the machine refused.
pub(crate) fn machine(what: impl Into<String>) -> impl FnOnce(io::Error) -> DemoError {
    let what = what.into();
    move |source| DemoError::Machine { what, source }
}
