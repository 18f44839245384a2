//! What is stored.

use crate::encoding::Encoding;
use crate::error::Error;
use crate::log::{Log, Shared};
use crate::store::sqlite::Sqlite;
use crate::store::{Entry, Store};
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;
use std::sync::Arc;
use std::vec;

impl<C: Encoding, S: Store> Log<C, S> {
    /// The events of this range that are stored, with their numbers, on the thread that asks for them. Those
    /// that are stored meanwhile are among them, if they are of the range.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    /// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// # let attached = log.attach(&bus).unwrap();
    /// bus.publish_blocking(b"event".into()).unwrap();
    /// bus.close();
    /// attached.join().unwrap();
    /// let events: Result<Vec<_>, _> = log.read(0..10).collect();
    /// assert_eq!(events.unwrap(), [(0, b"event".to_vec())]);
    /// ```
    pub fn read(&self, range: Range<u64>) -> Events<C, S> {
        Events {
            shared: Arc::clone(&self.shared),
            page: Vec::new().into_iter(),
            range,
        }
    }
}

/// Iterator of [`Log::read`]: numbers and events, or what is wrong with the next one. After
/// [`Error::Store`] it has ended; [`Error::Decode`] leaves that event out.
///
/// ```
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("events.db");
/// use eventring_log::{Events, Log, Raw};
///
/// # let log = Log::<Raw>::open(path, Default::default()).unwrap();
/// let mut events: Events<Raw> = log.read(0..u64::MAX);
/// assert!(events.next().is_none());
/// ```
#[must_use = "iterators do nothing unless advanced"]
pub struct Events<C: Encoding, S = Sqlite> {
    shared: Arc<Shared<C, S>>,
    page: vec::IntoIter<Entry>,
    /// What is not read yet.
    range: Range<u64>,
}

impl<C: Encoding, S: Store> Iterator for Events<C, S> {
    type Item = Result<(u64, C::Event), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 && !self.range.is_empty() {
            match self.shared.read_page(self.range.clone()) {
                Ok(page) => {
                    let last = page.last().map(|entry| entry.sequence);
                    self.range.start = last.map_or(self.range.end, |last| last + 1);
                    self.page = page.into_iter();
                }
                Err(error) => {
                    self.range.start = self.range.end;
                    return Some(Err(error));
                }
            }
        }
        self.page.next().map(|entry| self.shared.decode(entry))
    }
}

impl<C: Encoding, S: Store> FusedIterator for Events<C, S> {}

impl<C: Encoding, S> fmt::Debug for Events<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("page", &self.page.len())
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl<C: Encoding, S: Store> Shared<C, S> {
    pub(crate) fn read_page(&self, range: Range<u64>) -> Result<Vec<Entry>, Error> {
        self.store.read(range).map_err(Error::Store)
    }

    pub(crate) fn decode(&self, entry: Entry) -> Result<(u64, C::Event), Error> {
        let Entry {
            sequence, bytes, ..
        } = entry;
        match self.encoding.decode(bytes) {
            Ok(event) => Ok((sequence, event)),
            Err(source) => Err(Error::Decode { sequence, source }),
        }
    }
}
