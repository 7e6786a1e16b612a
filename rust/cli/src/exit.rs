//! Exit codes, the same for every command, and the error that ends one early.

use std::process::ExitCode;

/// What `--help` says about exit codes.
pub const HELP: &str = "\
Exit codes:
  0  yes: healthy, everything was sent, the totals agree, the ledger is whole, the price is known
  1  no: not healthy, a request was not taken, the totals differ, the ledger is damaged, no price is known
  2  the command line is wrong
  3  the command could not be carried out: a file is missing, the collector does not start";

/// How a command ended. Code 2 belongs to the parser of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Yes,
    /// 1
    No,
    /// 3
    Impossible,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Yes => Self::SUCCESS,
            Exit::No => Self::from(1),
            Exit::Impossible => Self::from(3),
        }
    }
}

/// The end of a command: an error means [`Exit::Impossible`].
pub type Ended = Result<Exit, Box<dyn std::error::Error>>;
