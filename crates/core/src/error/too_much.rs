//! Limits that a reader came to.

use std::fmt;
use std::io;

use crate::text::bytes;

/// Why a dump is not read further. An [`io::Error`] carries it through readers that know nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooMuch {
    /// More bytes than were allowed.
    Input(u64),
    /// More than `times` its size, and more than `free` bytes.
    Ratio { times: u64, free: u64 },
    /// An entry of more bytes than any real one has.
    Entry(u64),
}

impl TooMuch {
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Input(_) => "--max-input sets how much may be read",
            Self::Ratio { .. } => "if it is what it should be, unpack it and import that",
            Self::Entry(_) => "is it a dump of derivations or attributes?",
        }
    }

    /// What an error of a reader carries, if it is of this kind.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Input(limit) => write!(f, "it holds more than the {} that may be read", bytes(limit)),
            Self::Ratio { times, free } => write!(f, "it unpacks to more than {times} times its size, and to more than {}", bytes(free)),
            Self::Entry(limit) => write!(f, "an entry of it is larger than {}", bytes(limit)),
        }
    }
}

impl std::error::Error for TooMuch {}

impl From<TooMuch> for io::Error {
    fn from(limit: TooMuch) -> Self {
        Self::new(io::ErrorKind::InvalidData, limit)
    }
}
