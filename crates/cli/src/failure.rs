//! What a command fails with: an exit code, one line, and where it helps a second line.

use std::error::Error as StdError;
use std::io;

use client::Error as ClientError;
use suite::{AccessError, ApplyError, DocumentError};

use crate::exit::Exit;

/// The result of a command.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// One line without `error:`.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// The command line or a file is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// No server, or no credentials for it.
    pub(crate) fn no_connection(message: impl Into<String>) -> Self {
        Self::new(Exit::NoConnection, message)
    }

    /// What is named does not exist.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// The state of things forbids it.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// The caller may not do this.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Exit::Forbidden, message)
    }

    /// What should not happen.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Internal, message)
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Puts what was being done before the message.
    pub(crate) fn while_doing(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Whether the server said that the caller's access key is not good.
    pub(crate) fn is_unauthenticated(error: &ClientError) -> bool {
        error.status() == Some(401)
    }
}

/// An error and its causes on one line; a cause that its error tells already is not repeated.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        // These tell their own causes, in words for people.
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        if cause.is::<ClientError>() {
            break;
        }
        at = cause.source();
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_excerpt(line));
    lines.collect::<Vec<_>>().join("; ").replace(": error: ", ": ")
}

/// Whether a line shows a file's text, as parsers do below a message: `12 | text`, `| ^^^`.
fn is_excerpt(line: &str) -> bool {
    line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|') || line.starts_with("--> ")
}

/// The exit code of an error of the client.
pub(crate) fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Api { status, .. } => match status {
            401 | 403 => Exit::Forbidden,
            404 => Exit::NotFound,
            400..=499 => Exit::Refused,
            _ => Exit::Internal,
        },
        ClientError::Connect { .. } | ClientError::Transport { .. } | ClientError::UnknownProject { .. } => {
            if matches!(error, ClientError::UnknownProject { .. }) { Exit::NotFound } else { Exit::NoConnection }
        }
        ClientError::Endpoint { .. } | ClientError::CaFile { .. } | ClientError::Invalid(_) => Exit::Usage,
        ClientError::NoProject => Exit::Usage,
        ClientError::Decode { .. } | ClientError::Pagination(_) => Exit::Internal,
    }
}

fn hint_of(error: &ClientError) -> Option<String> {
    match error {
        ClientError::Api { status: 401, .. } => Some(
            "the server does not take this access key; `causeway config show` tells where it comes from".to_owned(),
        ),
        ClientError::Api { status: 500.., request_id: Some(id), .. } => {
            Some(format!("the server's log has more under request {id}"))
        }
        ClientError::Decode { .. } => {
            Some("is the endpoint that of a Causeway server? `causeway config show` tells it".to_owned())
        }
        _ => None,
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = exit_of(&error);
        let message = match &error {
            // Its message tells the cause in words for people.
            ClientError::Connect { .. } | ClientError::Transport { .. } => error.to_string(),
            _ => chain(&error),
        };
        Self { exit, message, hint: hint_of(&error) }
    }
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::NoScenario { .. } => Self::not_found(chain(&error)),
            _ => Self::usage(chain(&error)),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        let message = chain(&error);
        match &error {
            AccessError::Unknown(_) | AccessError::NoCredentials(_) => Self::no_connection(message),
            AccessError::NoRegion { .. } => Self::not_found(message),
            AccessError::Api { source, .. } => Self { exit: exit_of(source), message, hint: hint_of(source) },
        }
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Access(error) => error.into(),
            ApplyError::Api { ref source, .. } => {
                Self { exit: exit_of(source), message: chain(&error), hint: hint_of(source) }
            }
            ApplyError::Unsupported(_) | ApplyError::Unknown { .. } => Self::usage(chain(&error)),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::internal(chain(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(status: u16) -> ClientError {
        ClientError::Api {
            status,
            code: "VPC.0001".to_owned(),
            message: "m".to_owned(),
            request_id: Some("r".to_owned()),
            cause: None,
        }
    }

    #[test]
    fn every_kind_of_refusal_has_its_exit_code() {
        for (status, exit) in [
            (400, Exit::Refused),
            (401, Exit::Forbidden),
            (403, Exit::Forbidden),
            (404, Exit::NotFound),
            (409, Exit::Refused),
            (429, Exit::Refused),
            (500, Exit::Internal),
            (503, Exit::Internal),
        ] {
            assert_eq!(Failure::from(api(status)).exit, exit, "{status}");
        }
        let connect = ClientError::Connect {
            endpoint: "http://h".to_owned(),
            hint: "nothing listens".to_owned(),
            source: "below".into(),
        };
        let failure = Failure::from(connect);
        assert_eq!(failure.exit, Exit::NoConnection);
        assert!(!failure.message.contains("below"), "{}", failure.message);
        assert_eq!(exit_of(&ClientError::NoProject), Exit::Usage);
        assert_eq!(exit_of(&ClientError::Pagination("x".to_owned())), Exit::Internal);
    }

    #[test]
    fn causes_are_told_once_and_on_one_line() {
        let error = ApplyError::Api { what: "cannot create vpc a".to_owned(), source: api(409) };
        let failure = Failure::from(error);
        assert_eq!(failure.message, "cannot create vpc a: m (VPC.0001, HTTP 409)");
        assert_eq!(failure.exit, Exit::Refused);
        let error = io::Error::other("first\n  second\n");
        assert_eq!(chain(&error), "first; second");
        let error = io::Error::other("not valid: line 1\n   |\n12 | a = 1\n   | ^^^\nunknown field");
        assert_eq!(chain(&error), "not valid: line 1; unknown field");
    }

    #[test]
    fn files_are_usage_and_missing_scenarios_are_not_found() {
        let error = suite::Document::parse("vpcs: 3", "x.yaml").expect_err("not a list");
        assert_eq!(Failure::from(error).exit, Exit::Usage);
        let error = DocumentError::NoScenario { id: "a".into(), path: "p".into(), suggestion: String::new() };
        assert_eq!(Failure::from(error).exit, Exit::NotFound);
    }
}
