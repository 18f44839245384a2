//! The errors of [`broadcast`](crate::broadcast), under tokio's names and with its texts.
//!
//! With the feature `tokio` they convert to those of `tokio::sync::broadcast`, and back.
//!
//! ```
//! use eventring::broadcast::{self, error::RecvError};
//!
//! # tokio_test::block_on(async {
//! let (sender, mut receiver) = broadcast::channel(1);
//! sender.send("old").unwrap();
//! sender.send("new").unwrap();
//! drop(sender);
//! assert_eq!(receiver.recv().await, Err(RecvError::Lagged(1)));
//! assert_eq!(receiver.recv().await, Ok("new"));
//! assert_eq!(receiver.recv().await, Err(RecvError::Closed));
//! # });
//! ```

use std::error::Error;
use std::fmt;

/// Error of [`Sender::send`](super::Sender::send): there is no receiver. It hands the value back.
///
/// ```
/// use eventring::broadcast::{Sender, error::SendError};
///
/// let SendError(value) = Sender::new(16).send("to nobody").unwrap_err();
/// assert_eq!(value, "to nobody");
/// ```
#[derive(Debug)]
pub struct SendError<T>(pub T);

/// Error of [`Receiver::recv`](super::Receiver::recv) and
/// [`blocking_recv`](super::Receiver::blocking_recv).
///
/// ```
/// use eventring::broadcast::error::RecvError;
///
/// assert_eq!(RecvError::Lagged(3).to_string(), "channel lagged by 3");
/// ```
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum RecvError {
    /// There is no sender any more, and everything in the channel was received.
    Closed,
    /// The receiver fell too far behind and missed this many values. It goes on with the oldest
    /// one that is retained.
    Lagged(u64),
}

/// Error of [`Receiver::try_recv`](super::Receiver::try_recv).
///
/// ```
/// use eventring::broadcast::error::TryRecvError;
///
/// assert_eq!(TryRecvError::Empty.to_string(), "channel empty");
/// ```
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum TryRecvError {
    /// Nothing is there to be received now.
    Empty,
    /// As [`RecvError::Closed`].
    Closed,
    /// As [`RecvError::Lagged`].
    Lagged(u64),
}

/// A gap in a [`BroadcastStream`](super::BroadcastStream), or in a receiver used as a stream.
///
/// ```
/// use eventring::broadcast::error::BroadcastStreamRecvError;
///
/// assert_eq!(BroadcastStreamRecvError::Lagged(3).to_string(), "channel lagged by 3");
/// ```
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum BroadcastStreamRecvError {
    /// As [`RecvError::Lagged`].
    Lagged(u64),
}

const CLOSED: &str = "channel closed";

fn lagged(f: &mut fmt::Formatter<'_>, missed: u64) -> fmt::Result {
    write!(f, "channel lagged by {missed}")
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED)
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str(CLOSED),
            Self::Lagged(missed) => lagged(f, *missed),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("channel empty"),
            Self::Closed => f.write_str(CLOSED),
            Self::Lagged(missed) => lagged(f, *missed),
        }
    }
}

impl fmt::Display for BroadcastStreamRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Lagged(missed) = self;
        lagged(f, *missed)
    }
}

impl<T: fmt::Debug> Error for SendError<T> {}
impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for BroadcastStreamRecvError {}

/// Both ways, for programs that move over module by module.
#[cfg(all(feature = "tokio", not(eventring_loom)))]
mod with_tokio {
    use super::{RecvError, SendError, TryRecvError};
    use tokio::sync::broadcast::error as tokio;

    impl<T> From<tokio::SendError<T>> for SendError<T> {
        fn from(tokio::SendError(value): tokio::SendError<T>) -> Self {
            Self(value)
        }
    }

    impl<T> From<SendError<T>> for tokio::SendError<T> {
        fn from(SendError(value): SendError<T>) -> Self {
            Self(value)
        }
    }

    macro_rules! both_ways {
        ($name:ident { $($plain:ident),+ }) => {
            impl From<tokio::$name> for $name {
                fn from(error: tokio::$name) -> Self {
                    match error {
                        $(tokio::$name::$plain => Self::$plain,)+
                        tokio::$name::Lagged(missed) => Self::Lagged(missed),
                    }
                }
            }

            impl From<$name> for tokio::$name {
                fn from(error: $name) -> Self {
                    match error {
                        $($name::$plain => Self::$plain,)+
                        $name::Lagged(missed) => Self::Lagged(missed),
                    }
                }
            }
        };
    }

    both_ways!(RecvError { Closed });
    both_ways!(TryRecvError { Empty, Closed });
}
