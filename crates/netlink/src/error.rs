//! What can go wrong, always with the object it went wrong for and the kernel's number.

use std::fmt;

use nix::errno::Errno;

/// The thing that an operation was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A network namespace, by name or path.
    Namespace(String),
    /// A network interface and the namespace it was looked for in.
    Link {
        /// Interface name.
        name: String,
        /// Namespace, as [`crate::Namespace::label`] says it.
        namespace: String,
    },
    /// An address of a link.
    Address {
        /// The address with its prefix length.
        address: String,
        /// The link.
        link: String,
    },
    /// A route.
    Route {
        /// Destination and gateway.
        route: String,
        /// The link it leaves by.
        link: String,
    },
    /// A kernel parameter below `/proc/sys`.
    Sysctl {
        /// Path relative to `/proc/sys`.
        path: String,
        /// Namespace it was read or written in.
        namespace: String,
    },
    /// A socket in a namespace.
    Socket {
        /// Kind and address.
        socket: String,
        /// Namespace it is bound to.
        namespace: String,
    },
    /// A process.
    Process(i32),
    /// A thread of this process, by its name.
    Thread(&'static str),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Object::Namespace(name) => write!(f, "namespace {name}"),
            Object::Link { name, namespace } => write!(f, "link {name} in namespace {namespace}"),
            Object::Address { address, link } => write!(f, "address {address} of link {link}"),
            Object::Route { route, link } => write!(f, "route {route} through link {link}"),
            Object::Sysctl { path, namespace } => write!(f, "sysctl {path} in namespace {namespace}"),
            Object::Socket { socket, namespace } => write!(f, "socket {socket} in namespace {namespace}"),
            Object::Process(pid) => write!(f, "process {pid}"),
            Object::Thread(name) => write!(f, "thread {name}"),
        }
    }
}

/// An operation of this crate that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused.
    #[error("cannot {action} {object}: {errno}")]
    Refused {
        /// What was tried, a verb in the infinitive.
        action: &'static str,
        /// What it was tried on.
        object: Object,
        /// The kernel's reason.
        errno: Errno,
    },
    /// The object is not there.
    #[error("{0} does not exist")]
    NotFound(Object),
    /// The object is there already and is of another kind, or somebody else's: it was left untouched.
    #[error("{object} is not ours: {found}")]
    Foreign {
        /// The object.
        object: Object,
        /// What was found that shows it.
        found: String,
    },
    /// A name that the kernel, or the file system, cannot take.
    #[error("{value:?} is not a valid {what}: {why}")]
    Invalid {
        /// What the value would be the name of.
        what: &'static str,
        /// The value.
        value: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The kernel answered something that netlink does not foresee, or not at all.
    #[error("cannot {action} {object}: unexpected answer from netlink: {message}")]
    Protocol {
        /// What was tried.
        action: &'static str,
        /// What it was tried on.
        object: Object,
        /// The library's account of it.
        message: String,
    },
}

impl Error {
    /// The kernel's error number, where it was the kernel that refused.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Error::Refused { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    /// Whether the kernel was built without it.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.errno() == Some(Errno::EOPNOTSUPP)
    }

    /// The object is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::NotFound(_)) || matches!(self.errno(), Some(Errno::ENOENT | Errno::ENODEV | Errno::ESRCH))
    }

    /// The process lacks the capability (CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_NET_RAW) for it.
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        matches!(self.errno(), Some(Errno::EPERM | Errno::EACCES))
    }
}

/// Shorthand of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Attaches what was tried, and on what, to an error of the kernel.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str, object: impl FnOnce() -> Object) -> Result<T>;
}

impl<T> Context<T> for nix::Result<T> {
    fn context(self, action: &'static str, object: impl FnOnce() -> Object) -> Result<T> {
        self.map_err(|errno| Error::Refused { action, object: object(), errno })
    }
}

impl<T> Context<T> for std::io::Result<T> {
    fn context(self, action: &'static str, object: impl FnOnce() -> Object) -> Result<T> {
        self.map_err(|error| Error::Refused { action, object: object(), errno: errno_of(&error) })
    }
}

impl<T> Context<T> for std::result::Result<T, rtnetlink::Error> {
    fn context(self, action: &'static str, object: impl FnOnce() -> Object) -> Result<T> {
        self.map_err(|error| match &error {
            rtnetlink::Error::NetlinkError(message) => {
                Error::Refused { action, object: object(), errno: errno_of(&message.to_io()) }
            }
            other => Error::Protocol { action, object: object(), message: other.to_string() },
        })
    }
}

/// The error number inside an I/O error; EIO for the few that the standard library makes up itself.
pub(crate) fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_action_object_and_errno() {
        let failed: nix::Result<()> = Err(Errno::EPERM);
        let error = failed.context("create", || Object::Namespace("cw-a".into())).err();
        let text = error.as_ref().map(ToString::to_string).unwrap_or_default();
        assert_eq!(text, "cannot create namespace cw-a: EPERM: Operation not permitted");
        assert!(error.is_some_and(|e| e.is_permission_denied()));
    }
}
