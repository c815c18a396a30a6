//! How a subcommand ends.

use std::io;

/// Why a subcommand stopped early.
#[derive(Debug)]
pub enum Stop {
    /// The input is bad. The text is one line that says where and why. Exit code 2.
    Input(String),
    /// The output could not be written: the pipe is closed, or the disk is full.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

/// `Ok(true)` if everything holds, `Ok(false)` if something was found.
pub type Ending = Result<bool, Stop>;
