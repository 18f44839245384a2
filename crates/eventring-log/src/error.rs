//! What can go wrong.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::{fmt, io};

/// An error of a [`Store`](crate::Store) or an [`Encoding`](crate::Encoding).
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a log cannot be opened, attached, read or verified, and what to do about it.
///
/// ```
/// use eventring_log::{Error, Log, Options, Raw};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("events.db");
/// let log = Log::<Raw>::open(&path, Options::new()).unwrap();
/// let second = Log::<Raw>::open(&path, Options::new());
/// assert!(matches!(second, Err(Error::InUse(_))));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Another writer has it open: in this process, or another one.
    InUse(PathBuf),
    /// The file is something else.
    NotALog(PathBuf),
    /// The file is of a newer version of this crate.
    Version(u32),
    /// It was made without [hashes](crate::Options::chained), and is to have them.
    NotChained,
    /// It was opened to be [read only](crate::Options::read_only).
    ReadOnly,
    /// The file of the lock, which is beside the log's, cannot be used.
    Lock(PathBuf, io::Error),
    /// The store cannot be used, or not now.
    Store(BoxError),
    /// What is stored under this number is no event, or not of this type.
    Decode {
        /// Its number.
        sequence: u64,
        /// Why not.
        source: BoxError,
    },
    /// The events before this one were [trimmed](crate::Log::trim).
    Trimmed {
        /// The first one that is there.
        first: u64,
    },
    /// The events of these numbers are not in the log: they were [trimmed](crate::Log::trim), or removed.
    Missing {
        /// The first of them.
        from: u64,
        /// The one after the last of them.
        to: u64,
    },
    /// The events of these numbers were published, and their sink died before they were stored.
    Lost {
        /// The first of them.
        from: u64,
        /// The one after the last of them.
        to: u64,
    },
    /// The log is not what was stored.
    Broken(Broken),
    /// A bus that overwrites what is not received has no sinks: it loses events.
    Overwrites,
    /// The numbers of the bus do not go on where the log ends. Build it with
    /// `first(log.next())`, and attach the log before anything is published.
    Numbers {
        /// What the bus would call the next event.
        bus: u64,
        /// What the log would.
        log: u64,
    },
    /// The log stores the events of another bus, or of this one, already.
    Attached,
    /// The sink's thread could not be started.
    Thread(io::Error),
}

/// How a log is not what was stored: see [`Log::verify`](crate::Log::verify).
///
/// ```
/// let broken = eventring_log::Broken::Missing { sequence: 7 };
/// assert_eq!(broken.to_string(), "event 7 is missing");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// This event is not there: it was removed, or its number was changed.
    Missing {
        /// Its number.
        sequence: u64,
    },
    /// This event is another one, or its hash is, or stands in another's place.
    Changed {
        /// Its number.
        sequence: u64,
    },
    /// The log ends before the [head](crate::Head) that was kept.
    CutOff {
        /// The first event that is gone.
        sequence: u64,
    },
    /// What is before this number has another hash than the [head](crate::Head) that was kept: events were
    /// changed, and the hashes from there on made anew.
    Rewritten {
        /// The number of the head.
        next: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => write!(
                f,
                "{} is in use by another writer: end that one, or open the log to be read only",
                path.display()
            ),
            Self::NotALog(path) => write!(
                f,
                "{} is not an event log: name another file",
                path.display()
            ),
            Self::Version(version) => write!(
                f,
                "the log is of version {version} of the format, which is newer: use a newer eventring-log"
            ),
            Self::NotChained => f.write_str(
                "the log was made without hashes, and cannot get them later: start a new one",
            ),
            Self::ReadOnly => f.write_str("the log was opened to be read only"),
            Self::Lock(path, error) => write!(
                f,
                "{}, which keeps a second writer away, cannot be used: {error}",
                path.display()
            ),
            Self::Store(error) => write!(f, "the log's store cannot be used: {error}"),
            Self::Decode { sequence, source } => {
                write!(f, "what is stored as event {sequence} cannot be decoded: {source}")
            }
            Self::Trimmed { first } => {
                write!(f, "the log begins at event {first}: those before it were trimmed")
            }
            Self::Missing { from, to } => {
                write!(f, "events {from} to {} are not in the log", to - 1)
            }
            Self::Lost { from, to } => {
                write!(f, "events {from} to {} were not stored and are lost", to - 1)
            }
            Self::Broken(broken) => broken.fmt(f),
            Self::Overwrites => f.write_str(
                "the bus overwrites what is not received: build it with the strategy Block or DropNewest",
            ),
            Self::Numbers { bus, log } => write!(
                f,
                "the next event of the bus has the number {bus}, and that of the log {log}: build the bus \
                 with first(log.next()), and attach the log before anything is published"
            ),
            Self::Attached => f.write_str("the log is attached to a bus already"),
            Self::Thread(error) => write!(f, "the sink's thread cannot be started: {error}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Lock(_, error) | Self::Thread(error) => Some(error),
            Self::Store(source) | Self::Decode { source, .. } => Some(&**source),
            Self::Broken(broken) => Some(broken),
            _ => None,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { sequence } => write!(f, "event {sequence} is missing"),
            Self::Changed { sequence } => write!(f, "event {sequence} is not what was stored"),
            Self::CutOff { sequence } => {
                write!(f, "the log's end is cut off, from event {sequence} on")
            }
            Self::Rewritten { next } => {
                write!(
                    f,
                    "what is before event {next} is not what the kept head is of"
                )
            }
        }
    }
}

impl StdError for Broken {}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}
