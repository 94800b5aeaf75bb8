//! Exit codes.

use std::process::ExitCode;

/// What a run of the command ends with. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Asked and answered with no: not reachable, a check failed, the demonstration differed.
    No,
    /// The command line or a file is wrong.
    Usage,
    /// No server, or no credentials for it.
    NoConnection,
    /// What is named does not exist, or the caller cannot see it.
    NotFound,
    /// The server refused: invalid, in conflict, over a quota.
    Refused,
    /// The caller may not do this.
    Forbidden,
    /// What should not happen.
    Internal,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::NoConnection => 3,
            Self::NotFound => 4,
            Self::Refused => 5,
            Self::Forbidden => 6,
            Self::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The codes as `--help` tells them.
pub(crate) const HELP: &str = "\
Exit codes:
   0  done
   1  the answer is no: not reachable, a check failed, the demonstration differed
   2  the command line or a file is wrong
   3  no server, or no credentials for it
   4  what is named does not exist, or you cannot see it
   5  the server refused: invalid, in conflict, over a quota
   6  you may not do this
  70  internal error";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_help() {
        for exit in [
            Exit::Done,
            Exit::No,
            Exit::Usage,
            Exit::NoConnection,
            Exit::NotFound,
            Exit::Refused,
            Exit::Forbidden,
            Exit::Internal,
        ] {
            assert!(HELP.lines().any(|line| line.trim_start().starts_with(&format!("{}  ", exit.code()))), "{exit:?}");
        }
    }
}
