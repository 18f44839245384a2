//! What can go wrong.

use eventring::BuildError;
use std::error::Error;
use std::{fmt, io};

/// Why a log could not be started.
///
/// ```
/// use eventring_tracing::{LogBus, StartError};
///
/// let error = LogBus::builder().capacity(0).start().unwrap_err();
/// assert!(matches!(error, StartError::Bus(_)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The capacity is 0, or cannot be allocated.
    Bus(BuildError),
    /// Two sinks have this name.
    Name(String),
    /// A sink's thread could not be started.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "the log's bus cannot be built: {error}"),
            Self::Name(name) => write!(f, "two sinks are called {name:?}: choose another name"),
            Self::Thread(error) => write!(f, "a sink's thread cannot be started: {error}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Bus(error) => Some(error),
            Self::Name(_) => None,
            Self::Thread(error) => Some(error),
        }
    }
}

/// Some sinks have not written everything: see [`LogBus::flush`](crate::LogBus::flush) and
/// [`Guard::finish`](crate::Guard::finish).
///
/// ```
/// use eventring_tracing::{LogBus, Sink};
/// use std::io::{self, Write};
///
/// struct Broken;
///
/// impl Write for Broken {
///     fn write(&mut self, _: &[u8]) -> io::Result<usize> {
///         Err(io::ErrorKind::StorageFull.into())
///     }
///
///     fn flush(&mut self) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// let (log, guard) = LogBus::builder().sink(Sink::new("file", Broken)).start().unwrap();
/// writeln!(&log, "a record").unwrap();
/// let error = log.flush().unwrap_err();
/// assert_eq!(error.to_string(), "file: no storage space, 1 lost and not told");
/// # let _ = guard.finish();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// Those that have not.
    pub sinks: Vec<Behind>,
}

/// A sink that has not written everything.
///
/// ```
/// use eventring_tracing::{Behind, Unwritten};
///
/// fn stuck(unwritten: &Unwritten) -> impl Iterator<Item = &Behind> {
///     unwritten.sinks.iter().filter(|sink| sink.records > 0)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Behind {
    /// Its name.
    pub sink: String,
    /// How many records it had not come to in time.
    pub records: u64,
    /// How many records it lost without that being told in its output.
    pub untold: u64,
    /// What its writer said last, if it was an error.
    pub error: Option<String>,
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = ": ";
        f.write_str(&self.sink)?;
        if let Some(error) = &self.error {
            write!(f, "{separator}{error}")?;
            separator = ", ";
        }
        if self.untold > 0 {
            write!(f, "{separator}{} lost and not told", self.untold)?;
            separator = ", ";
        }
        if self.records > 0 {
            write!(f, "{separator}{} not written in time", self.records)?;
        }
        Ok(())
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, sink) in self.sinks.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            sink.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for Unwritten {}
