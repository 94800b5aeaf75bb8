//! What can go wrong, in sentences that help.

use std::error::Error as StdError;
use std::io;

use thiserror::Error;

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The server refused the request.
    #[error("{message} ({code}, HTTP {status})")]
    Api {
        /// HTTP status.
        status: u16,
        /// `VPC.0114`, `APIGW.0301`, `PeeringExists`, ...; the HTTP status where the answer has no code.
        code: String,
        /// What the server says.
        message: String,
        /// The id under which the server's log has the request.
        request_id: Option<String>,
        /// Causeway's own name for the cause, such as `route_duplicate_destination`; finer than `code`.
        cause: Option<Box<str>>,
    },
    /// No connection to the server.
    #[error("cannot reach the API server at {endpoint}: {hint}")]
    Connect {
        /// The endpoint of the configuration.
        endpoint: String,
        /// What happened and what to do about it.
        hint: String,
        /// The failure below.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The connection was there, the answer was not: it took too long or broke off.
    #[error("the API server at {endpoint} did not answer: {hint}")]
    Transport {
        /// The endpoint of the configuration.
        endpoint: String,
        /// What happened.
        hint: String,
        /// The failure below.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The answer is not what the operation promises; usually the endpoint is that of another program.
    #[error("unexpected answer to {request}: {why}")]
    Decode {
        /// Method and path.
        request: String,
        /// What is wrong with it, with the beginning of the body where it is no JSON.
        why: String,
    },
    /// The endpoint of the configuration cannot be used.
    #[error("invalid endpoint {endpoint:?}: {why}")]
    Endpoint {
        /// The endpoint of the configuration.
        endpoint: String,
        /// Why not.
        why: String,
    },
    /// The file with certificate authorities cannot be used.
    #[error("cannot use {path} as certificate authority: {why}")]
    CaFile {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// A VPC operation without a project.
    #[error("this operation needs a project: name a region or a project id")]
    NoProject,
    /// No project of this name, so no such region.
    #[error("the account has no project named {name:?}; projects are named after regions: {known}")]
    UnknownProject {
        /// The name asked for.
        name: String,
        /// The names there are, comma separated.
        known: String,
    },
    /// A request that cannot be put on the wire, such as a line feed in an access key.
    #[error("invalid request: {0}")]
    Invalid(String),
    /// The server answers the page after an object with that object again.
    #[error("the server does not honour the marker {0}: the list never ends")]
    Pagination(String),
}

impl Error {
    /// The HTTP status, where the server answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The code of the answer, where the server answered.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Api { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The id of the request, where the server gave one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Api { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// Causeway's own name for the cause, where a Causeway server answered: a code of the topology suite's
    /// `control_errors`.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Api { cause, .. } => cause.as_deref(),
            _ => None,
        }
    }

    /// Whether the object does not exist or cannot be seen by the caller.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the state of the object or of others forbids the operation.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// Sorts a failure of the HTTP library.
    pub(crate) fn from_reqwest(endpoint: &str, error: reqwest::Error) -> Self {
        let endpoint = endpoint.to_owned();
        let error = error.without_url();
        if error.is_connect() {
            let hint = connect_hint(&endpoint, &error);
            Self::Connect { endpoint, hint, source: Box::new(error) }
        } else if error.is_builder() || error.is_request() && innermost(&error).is::<reqwest::Error>() {
            Self::Invalid(innermost(&error).to_string())
        } else {
            let hint = if error.is_timeout() {
                "the request timed out".to_owned()
            } else {
                format!("the connection broke off ({})", innermost(&error))
            };
            Self::Transport { endpoint, hint, source: Box::new(error) }
        }
    }
}

/// The failure at the bottom of a chain.
fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at
}

/// One sentence on a connection that did not come about.
fn connect_hint(endpoint: &str, error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut at: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = at {
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                return "nothing listens there (connection refused); start the server with `causeway serve`, or name \
                        another endpoint"
                    .to_owned();
            }
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                return "there is no route to this address; check the endpoint and the network".to_owned();
            }
            _ => texts.push(error.to_string()),
        }
        at = error.source();
    }
    let all = texts.join(": ");
    if error.is_timeout() {
        return "the connection timed out; check the address, and firewalls in between".to_owned();
    }
    if all.contains("dns error") {
        return "the host name cannot be resolved; check its spelling, or use an IP address".to_owned();
    }
    if all.contains("certificate") {
        return format!(
            "its certificate is not trusted here ({}); name the file of its certificate authority (--ca-file or \
             CAUSEWAY_CA_FILE)",
            innermost(error)
        );
    }
    if endpoint.starts_with("https://") && (all.contains("corrupt message") || all.contains("InvalidContentType")) {
        return "the server there does not speak TLS; try http:// instead of https://".to_owned();
    }
    innermost(error).to_string()
}
