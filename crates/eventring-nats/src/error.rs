//! Why a relay does not start.

use std::error::Error;
use std::fmt;

/// Why a relay was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The source's name cannot be part of a subject: it is empty, or has other characters than ASCII's
    /// letters, digits, `-` and `_`.
    Name(String),
    /// The stream cannot keep what is promised: it says why.
    Unfit(&'static str),
    /// The stream does not take this subject.
    Subject(String),
    /// The broker could not be asked, or refused to make the stream.
    Broker(async_nats::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?} cannot be part of a subject"),
            Self::Unfit(why) => write!(f, "the stream is unfit: {why}"),
            Self::Subject(subject) => write!(f, "the stream does not take the subject {subject}"),
            Self::Broker(error) => write!(f, "the broker: {error}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broker(error) => Some(&**error),
            _ => None,
        }
    }
}

impl StartError {
    pub(crate) fn broker(error: impl Into<async_nats::Error>) -> Self {
        Self::Broker(error.into())
    }
}
