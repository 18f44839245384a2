//! Where entries are.

pub(crate) mod lock;
pub(crate) mod sqlite;

use crate::error::BoxError;
use crate::head::{Hash, Head};
use std::ops::Range;

/// What is stored of an event.
///
/// ```
/// use eventring_log::Entry;
///
/// let entry = Entry { sequence: 0, bytes: b"event".into(), hash: None };
/// # let _ = entry;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub sequence: u64,
    /// It, [encoded](crate::Encoding).
    pub bytes: Vec<u8>,
    /// That of the [head](Head) that it makes; `None` in a log without hashes, or if what is stored is none.
    pub hash: Option<Hash>,
}

/// From where to where a log reaches.
///
/// ```
/// use eventring_log::{Head, Log, Options, Raw};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("events.db");
/// let log = Log::<Raw>::open(path, Options::new()).unwrap();
/// let extent = log.extent().unwrap();
/// assert_eq!((extent.anchor, extent.head), (Head::START, Head::START));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Whether it has hashes. Without, those of the heads are zeros.
    pub chained: bool,
    /// What was before its first event: the head of what was trimmed.
    pub anchor: Head,
    /// What it comes to with its last event.
    pub head: Head,
}

/// Where entries are. Calls may come from several threads at a time; those that write come one at a time.
pub trait Store: Send + Sync + 'static {
    /// From where to where it reaches, at one moment.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or not now.
    fn extent(&self) -> Result<Extent, BoxError>;

    /// Stores all of the entries, or none. They are there for good when it returns. Their numbers are
    /// consecutive.
    ///
    /// # Errors
    ///
    /// If they are not stored, or if that is not known: which of them are is looked up by [`read`](Self::read)
    /// then. Also if the first of them is not the one after the last that is stored.
    fn append(&self, entries: &[Entry]) -> Result<(), BoxError>;

    /// Some of the entries of this range, by their numbers, from the first one that is there on; none only
    /// if there are none.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or not now.
    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, BoxError>;

    /// Removes the entries before `anchor.next`, and keeps the anchor: both or none.
    ///
    /// # Errors
    ///
    /// If that was not done.
    fn trim(&self, anchor: &Head) -> Result<(), BoxError>;
}
