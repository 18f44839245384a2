//! The handle of a log.

use crate::attached::{Attached, Attachment};
use crate::encoding::Encoding;
use crate::error::{BoxError, Error};
use crate::head::Head;
use crate::options::Options;
use crate::sink::Sink;
use crate::stats::Progress;
use crate::store::sqlite::Sqlite;
use crate::store::{Entry, Extent, Store};
use eventring::{EventBus, WaitStrategy};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Events on disk, and a bus's memory: see the [crate's page](crate). A handle: clones are of the same log.
///
/// ```
/// use eventring::{EventBus, WaitStrategy};
/// use eventring_log::{Log, Options, Raw};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("events.db");
/// let log = Log::<Raw>::open(path, Options::new()).unwrap();
/// let bus = EventBus::builder().strategy(WaitStrategy::Block).first(log.next()).build().unwrap();
/// let attached = log.attach(&bus).unwrap();
/// let sequence = bus.publish_blocking(b"event".into()).unwrap();
/// attached.watermark().reached_blocking(sequence).unwrap(); // it is on disk
/// ```
pub struct Log<C: Encoding, S = Sqlite> {
    pub(crate) shared: Arc<Shared<C, S>>,
}

/// What handles, sink and readers share.
pub(crate) struct Shared<C: Encoding, S> {
    pub(crate) store: S,
    pub(crate) encoding: C,
    pub(crate) options: Options,
    pub(crate) chained: bool,
    head: Mutex<Head>,
    pub(crate) attachment: Mutex<Option<Attachment<C::Event>>>,
}

impl<C: Encoding + Default> Log<C> {
    /// Opens the log in this file of [SQLite's](Sqlite), or makes it. Nobody else can write it until all handles
    /// and the sink are gone.
    ///
    /// # Errors
    ///
    /// If another writer has it open, if the file is something else, if it has no hashes and is to have them,
    /// or if the system refuses.
    ///
    /// ```
    /// use eventring_log::{Log, Options, Raw};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// let log = Log::<Raw>::open(path, Options::new()).unwrap();
    /// assert_eq!(log.next(), 0);
    /// ```
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        let store = match options.read_only {
            true => Sqlite::open_read_only(path)?,
            false => Sqlite::open(path, options.chained)?,
        };
        Self::with_store(store, C::default(), options)
    }
}

impl<C: Encoding, S: Store> Log<C, S> {
    /// A log in a store of one's own, or by an encoding that has something to it.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or has no hashes and is to have them.
    ///
    /// ```
    /// use eventring_log::{Log, Options, Raw, Sqlite};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// let store = Sqlite::open(path, false).unwrap();
    /// let log = Log::with_store(store, Raw, Options::new()).unwrap();
    /// assert_eq!(log.next(), 0);
    /// ```
    pub fn with_store(store: S, encoding: C, options: Options) -> Result<Self, Error> {
        let Extent { chained, head, .. } = store.extent().map_err(Error::Store)?;
        if options.chained && !chained {
            return Err(Error::NotChained);
        }
        let shared = Shared {
            store,
            encoding,
            options,
            chained,
            head: Mutex::new(head),
            attachment: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The number of the next event: one more than that of the last one that is stored. What
    /// [`Builder::first`](eventring::Builder::first) is to be, so that the bus's numbers go on. Of a log that
    /// is only read: as of when it was opened; [`extent`](Self::extent) tells of now.
    ///
    /// ```
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = eventring_log::Log::<eventring_log::Raw>::open(path, Default::default()).unwrap();
    /// let builder = eventring::EventBus::<Vec<u8>>::builder().first(log.next());
    /// # let _ = builder;
    /// ```
    pub fn next(&self) -> u64 {
        self.shared.next()
    }

    /// From where to where the log reaches, now and on disk.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    ///
    /// ```
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = eventring_log::Log::<eventring_log::Raw>::open(path, Default::default()).unwrap();
    /// let extent = log.extent().unwrap();
    /// println!("{} events", extent.head.next - extent.anchor.next);
    /// ```
    pub fn extent(&self) -> Result<Extent, Error> {
        self.shared.extent()
    }

    /// Stores what is published on the bus from now on: on a thread of its own, by a
    /// [committing](EventBus::subscribe_committing) receiver called "sink", so that an event keeps its place in
    /// the bus until it is on disk. What cannot be stored (a database that somebody locks, a full disk) is
    /// tried again for ever, while the bus fills up and then holds its publishers back, or hands events back,
    /// as its strategy says; see [`Attached::stats`] and [`Options::on_trouble`].
    ///
    /// It ends once the bus is closed and everything is stored, whatever becomes of the handle that it
    /// returns. Should it die by a panic (of the encoding), the bus is closed: nothing is published that would
    /// not be stored.
    ///
    /// # Errors
    ///
    /// [`Error::Overwrites`] if the bus does not wait for receivers; [`Error::Numbers`] if its next event is
    /// not the log's; [`Error::Attached`] if the log has a bus already that is not closed, or not stored yet;
    /// [`Error::ReadOnly`].
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    ///
    /// let bus = EventBus::builder().strategy(WaitStrategy::Block).first(log.next()).build().unwrap();
    /// let attached = log.attach(&bus).unwrap();
    /// bus.publish_blocking(b"event".into()).unwrap();
    /// bus.close();
    /// attached.join().unwrap();
    /// assert_eq!(log.next(), 1);
    /// ```
    pub fn attach(&self, bus: &EventBus<C::Event>) -> Result<Attached<C::Event>, Error>
    where
        C::Event: Send + Sync + 'static,
    {
        self.shared.writable()?;
        let mut attachment = self.shared.attachment();
        if attachment.as_ref().is_some_and(Attachment::runs) {
            return Err(Error::Attached);
        }
        if bus.strategy() == WaitStrategy::Overwrite {
            return Err(Error::Overwrites);
        }
        let receiver = bus.receiver().name("sink").committing().build();
        let (bus_next, log_next) = (receiver.position(), self.next());
        if bus_next != log_next {
            return Err(Error::Numbers {
                bus: bus_next,
                log: log_next,
            });
        }
        let watermark = receiver.watermark();
        let progress = Arc::new(Progress::default());
        let sink = Sink {
            shared: Arc::clone(&self.shared),
            receiver,
            progress: Arc::clone(&progress),
            limit: self.shared.options.batch.min(bus.capacity()),
        };
        let weak = bus.downgrade();
        let lives = EventBus::new(1);
        let end = lives.subscribe();
        let thread = thread::Builder::new().name("eventring-log".into());
        let thread = thread.spawn({
            let weak = weak.clone();
            move || {
                let _lives = lives;
                sink.run(weak);
            }
        });
        let thread = thread.map_err(Error::Thread)?;
        *attachment = Some(Attachment {
            bus: weak,
            watermark: watermark.clone(),
            end: end.clone(),
        });
        Ok(Attached::new(thread, watermark, progress, end))
    }
}

impl<C: Encoding, S: Store> Shared<C, S> {
    /// That of all that is known to be stored.
    pub(crate) fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next(&self) -> u64 {
        self.head().next
    }

    pub(crate) fn attachment(&self) -> MutexGuard<'_, Option<Attachment<C::Event>>> {
        let attachment = self.attachment.lock();
        attachment.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn writable(&self) -> Result<(), Error> {
        match self.options.read_only {
            true => Err(Error::ReadOnly),
            false => Ok(()),
        }
    }

    pub(crate) fn extent(&self) -> Result<Extent, Error> {
        self.store.extent().map_err(Error::Store)
    }

    /// The head with one more event.
    pub(crate) fn after(&self, head: Head, bytes: &[u8]) -> Head {
        match self.chained {
            true => head.then(bytes),
            false => Head {
                next: head.next + 1,
                ..head
            },
        }
    }

    /// Stores all of them, or none. There is at least one.
    pub(crate) fn append(&self, entries: &[Entry]) -> Result<(), BoxError> {
        self.store.append(entries)?;
        self.stored(entries);
        Ok(())
    }

    /// How many of them, from the first one on, are stored: to be asked after an error that does not tell. None
    /// where that cannot be read: then it is asked again after the next one.
    pub(crate) fn already_stored(&self, entries: &[Entry]) -> usize {
        let mut there = 0;
        while let (Some(next), Some(last)) = (entries.get(there), entries.last()) {
            let Ok(page) = self.read_page(next.sequence..last.sequence + 1) else {
                break;
            };
            let same = page.iter().zip(&entries[there..]);
            let same = same.take_while(|(stored, own)| stored == own).count();
            there += same;
            if same == 0 || same < page.len() {
                break;
            }
        }
        self.stored(&entries[..there]);
        there
    }

    fn stored(&self, entries: &[Entry]) {
        if let Some(last) = entries.last() {
            *self.head() = Head {
                next: last.sequence + 1,
                hash: last.hash.unwrap_or_default(),
            };
        }
    }
}

impl<C: Encoding, S> Clone for Log<C, S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C: Encoding, S: fmt::Debug> fmt::Debug for Log<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("store", &self.shared.store)
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}
