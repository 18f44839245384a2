//! The handle of a ring.

use crate::builder::{Builder, OpenOptions};
use crate::error::{Corrupt, End, Expired, OpenError};
use crate::event::{ContentType, Event, Head, Schema, copy_into};
use crate::file::check::Trust;
use crate::file::header::Header;
use crate::file::{self, create, open_file};
use crate::lease;
use crate::ofd::Share;
use crate::protocol::{Bell, Look, Memory, Ring, State};
use crate::publisher::Publisher;
use crate::receiver::Receiver;
use crate::waiting::Waiting;
use eventring::Start;
use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A ring in shared memory: to publish into, or to read from. A clone is another handle of the same
/// mapping.
///
/// ```
/// use eventring_shm::{EventReader, EventRing, Kind, NextResult};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("orders");
/// // One process ...
/// let ring = EventRing::builder().descriptors(1024).payload(1 << 20).create_or_recover(&path)?;
/// let mut publisher = ring.publisher()?;
///
/// // ... and another one.
/// let ring = EventRing::open(&path)?;
/// let mut reader = EventReader::new(&ring);
///
/// publisher.publish(Kind(3), b"an order")?;
/// let NextResult::Ready(event) = reader.next_descriptor() else { panic!() };
/// assert_eq!(event.payload().to_vec()?, b"an order");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EventRing(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) memory: Memory,
    pub(crate) bell: Bell,
    pub(crate) waiting: Waiting,
    pub(crate) header: Header,
    /// To ask who writes, and to lease the right to.
    pub(crate) file: File,
    pub(crate) bell_file: Option<File>,
    pub(crate) path: Option<PathBuf>,
    pub(crate) writable: bool,
    pub(crate) origin: Origin,
}

/// Where a ring came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It was made by this.
    Created,
    /// It was there, and goes on.
    Recovered,
    /// One that was there did not fit, and this has taken its name.
    Replaced,
    /// It was opened.
    Opened,
}

/// What a ring says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Number of descriptors: events that it retains at most.
    pub descriptors: u64,
    /// Bytes of payload that it retains at most.
    pub payload: u64,
    /// Bytes of the longest payload.
    pub payload_max: usize,
    /// Bytes of the whole file.
    pub file_len: u64,
    /// What its events are.
    pub content_type: ContentType,
    /// Which version of it.
    pub schema_hash: [u8; 32],
    /// A number that no other ring has.
    pub id: u128,
    /// When it was made, in nanoseconds since 1970.
    pub created: u64,
}

/// Who writes a ring, or was the last to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Writer {
    /// Its process id, as it sees itself: a number of its own pid namespace.
    pub pid: u32,
    /// When it came, in nanoseconds since 1970.
    pub since: u64,
    /// How many writers there have been.
    pub epoch: u64,
    /// Whether somebody writes now.
    pub alive: bool,
}

impl EventRing {
    /// To make a ring, or go on with it.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// To open a ring in another way than [`open`](Self::open) does.
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Opens a ring to read from it.
    ///
    /// # Errors
    ///
    /// If there is none, if it is not a whole one of this version, or if somebody could truncate it
    /// who is not trusted: all but this user and root.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::options().open(path)
    }

    /// The same for a file that is open. Who reads from such a ring is not woken, since nobody knows
    /// where its bell is, and looks at it now and then instead.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// ```
    /// use eventring_shm::EventRing;
    /// use std::fs::File;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("ring");
    /// # EventRing::builder().create_or_recover(&path)?;
    /// let ring = EventRing::mmap_from_file(&File::open(path)?)?;
    /// assert!(ring.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn mmap_from_file(file: &File) -> Result<Self, OpenError> {
        let file = file
            .try_clone()
            .map_err(|error| OpenError::io("open", error))?;
        Self::options().read_file(file, None, None)
    }

    /// A ring whose files were passed on: see [`fds`](Self::fds). Sealed ones may be of anybody.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_fds(ring: OwnedFd, bell: Option<OwnedFd>) -> Result<Self, OpenError> {
        Self::options().open_fds(ring, bell)
    }

    /// The files of the ring and of its bell, to be passed on to other processes.
    ///
    /// ```
    /// use eventring_shm::EventRing;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ring = EventRing::builder().memfd("private")?;
    /// let (file, bell) = ring.fds();
    /// // Over a Unix socket, or by inheritance; here within the process.
    /// let bell = bell.map(|bell| bell.try_clone_to_owned()).transpose()?;
    /// let other = EventRing::from_fds(file.try_clone_to_owned()?, bell)?;
    /// assert_eq!(other.info(), ring.info());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fds(&self) -> (BorrowedFd<'_>, Option<BorrowedFd<'_>>) {
        let bell = self.0.bell_file.as_ref();
        (self.0.file.as_fd(), bell.map(|bell| bell.as_fd()))
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    #[inline(always)]
    pub(crate) fn ring(&self) -> Ring<'_> {
        self.0.ring()
    }

    pub(crate) fn header(&self) -> &Header {
        &self.0.header
    }

    pub(crate) fn file(&self) -> &File {
        &self.0.file
    }

    /// Becomes the only writer, going on where the last one left off, whatever it died of.
    ///
    /// # Errors
    ///
    /// [`OpenError::WriterExists`] if somebody writes it, [`OpenError::ReadOnly`] if it was opened to
    /// be read, [`OpenError::Corrupt`] if there is no going on.
    pub fn publisher(&self) -> Result<Publisher, OpenError> {
        Publisher::new(self, Share::Exclusive)
    }

    /// Becomes one of several writers, in this and other processes: what they publish is in one
    /// order. A writer waits for the one that is publishing; if that one dies, the next goes on.
    ///
    /// # Errors
    ///
    /// As [`publisher`](Self::publisher), but [`OpenError::WriterExists`] only if that one wants to
    /// be alone.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use eventring_shm::{EventRing, Kind};
    ///
    /// let ring = EventRing::builder().memfd("shared")?;
    /// let (mut one, mut other) = (ring.join()?, ring.join()?);
    /// assert_eq!(one.publish(Kind(1), b"first")?, 0);
    /// assert_eq!(other.publish(Kind(1), b"second")?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn join(&self) -> Result<Publisher, OpenError> {
        Publisher::new(self, Share::Shared)
    }

    /// A receiver of its own, which waits for events.
    pub fn subscribe(&self, start: Start) -> Receiver {
        Receiver::new(self.clone(), start)
    }

    /// What the ring says of itself.
    pub fn info(&self) -> Info {
        let header = &self.0.header;
        Info {
            descriptors: header.geometry.descriptors(),
            payload: header.geometry.payload(),
            payload_max: header.geometry.payload_max() as usize,
            file_len: header.file_len(),
            content_type: ContentType(header.content_type),
            schema_hash: header.schema_hash,
            id: header.ring_id,
            created: header.created,
        }
    }

    /// Checks what its events are.
    ///
    /// # Errors
    ///
    /// [`OpenError::Content`] if they are not.
    pub fn check_content_type(
        &self,
        expected: ContentType,
        schema_hash: &[u8; 32],
    ) -> Result<(), OpenError> {
        let header = &self.0.header;
        if header.content_type == expected.0 && header.schema_hash == *schema_hash {
            return Ok(());
        }
        Err(OpenError::Content {
            found: header.content_type,
            expected: expected.0,
        })
    }

    /// The same, with what both sides know.
    ///
    /// # Errors
    ///
    /// [`OpenError::Content`] if they are not.
    pub fn check_schema<S: Schema>(&self) -> Result<(), OpenError> {
        self.check_content_type(S::CONTENT_TYPE, &S::HASH)
    }

    /// Who writes it, or was the last to. Asking disturbs nobody.
    pub fn writer(&self) -> Writer {
        self.0.writer()
    }

    /// Where it came from.
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// Where its file is, if it has a name.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Whether this process may publish.
    pub fn is_writable(&self) -> bool {
        self.0.writable
    }

    /// The sequence of the next event to be published.
    pub fn tail(&self) -> u64 {
        self.ring().tail()
    }

    /// The sequence of the oldest event that can still be read.
    pub fn oldest(&self) -> u64 {
        self.ring().oldest()
    }

    /// How many events can be read.
    pub fn len(&self) -> u64 {
        self.tail().saturating_sub(self.oldest())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of one event; `None` if it was not published yet.
    ///
    /// # Errors
    ///
    /// [`Expired`] if it is gone.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use eventring_shm::{EventRing, Kind};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// ring.publisher()?.publish(Kind(1), b"event")?;
    /// assert_eq!(ring.try_copy(0)?.unwrap().payload, b"event");
    /// assert_eq!(ring.try_copy(1)?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_copy(&self, seq: u64) -> Result<Option<Event>, Expired> {
        match self.ring().look(clamped(seq)) {
            Ok(Look::NotReady) => Ok(None),
            Ok(Look::Lapped(_)) | Err(_) => Err(Expired),
            Ok(Look::Ready(descriptor)) => {
                let mut payload = Vec::new();
                let head = Head::of(seq, &descriptor);
                match copy_into(self.ring(), &descriptor, &mut payload) {
                    Some(payload) => Ok(Some(head.with_payload(payload).to_event())),
                    None => Err(Expired),
                }
            }
        }
    }

    /// The position that this start stands for.
    pub(crate) fn position(&self, start: Start) -> u64 {
        let tail = self.tail();
        match start {
            Start::Next => tail,
            Start::Oldest => self.oldest(),
            Start::Last(count) => tail.saturating_sub(count),
            Start::Sequence(seq) => seq.min(tail),
        }
    }
}

/// No sequence is beyond this.
pub(crate) fn clamped(seq: u64) -> u64 {
    seq.min(crate::protocol::layout::LIMIT)
}

impl Inner {
    #[inline(always)]
    pub(crate) fn ring(&self) -> Ring<'_> {
        self.memory.ring()
    }

    /// Why nothing will come after what is there.
    pub(crate) fn end(&self) -> Option<End> {
        match self.ring().state() {
            Some(State::Ready) => None,
            Some(State::Closed) => Some(End::Closed),
            Some(State::Replaced) => Some(End::Replaced),
            None => Some(End::Corrupt(Corrupt::Tip)),
        }
    }

    pub(crate) fn writer(&self) -> Writer {
        let (pid, since, epoch) = self.ring().last_writer();
        Writer {
            pid,
            since,
            epoch,
            alive: self.is_written(),
        }
    }

    pub(crate) fn is_written(&self) -> bool {
        lease::is_written(&self.file)
    }

    /// Whether the ring's name is another ring's by now.
    pub(crate) fn lost_its_name(&self) -> bool {
        let Some(path) = &self.path else { return false };
        match (rustix::fs::stat(path), rustix::fs::fstat(&self.file)) {
            (Ok(named), Ok(mine)) => (named.st_dev, named.st_ino) != (mine.st_dev, mine.st_ino),
            _ => true,
        }
    }
}

impl OpenOptions {
    pub(crate) fn read_file(
        &self,
        file: File,
        bell: Option<(File, bool)>,
        path: Option<&Path>,
    ) -> Result<EventRing, OpenError> {
        self.assemble(file, bell, path, false, Origin::Opened)
    }

    /// Checks and maps what was opened.
    pub(crate) fn assemble(
        &self,
        file: File,
        bell: Option<(File, bool)>,
        path: Option<&Path>,
        writable: bool,
        origin: Origin,
    ) -> Result<EventRing, OpenError> {
        let header = file::read_header(&file, &self.trust)?;
        let mut memory = file::map_ring(&file, &header, writable)?;
        memory.limit_payload(self.payload_limit);
        let (bell, bell_file) = match bell {
            Some((file, writable)) => {
                let bell = file::map_bell(&file, writable, &self.trust)
                    .map_err(|error| OpenError::Bell(Box::new(error)))?;
                (bell, Some(file))
            }
            None => (Bell::silent(), None),
        };
        Ok(EventRing::new(Inner {
            memory,
            bell,
            waiting: Waiting::new(),
            header,
            file,
            bell_file,
            path: path.map(Path::to_owned),
            writable,
            origin,
        }))
    }

    /// The bell beside a ring: writable if this process may, read-only else, none if there is none.
    pub(crate) fn open_bell(&self, path: &Path) -> Result<Option<(File, bool)>, OpenError> {
        let path = file::bell_path(path);
        let opened = match open_file(&path, true) {
            Ok(file) => Ok(Some((file, true))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(_) => open_file(&path, false).map(|file| Some((file, false))),
        };
        opened.map_err(|error| OpenError::Bell(Box::new(error)))
    }

    pub(crate) fn trusting(trust: Trust) -> Self {
        let mut options = Self::new();
        options.trust = trust;
        options
    }
}

impl fmt::Debug for EventRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRing")
            .field("path", &self.0.path)
            .field("info", &self.info())
            .field("oldest", &self.oldest())
            .field("tail", &self.tail())
            .finish_non_exhaustive()
    }
}

/// Makes the bell's file, or says what is wrong with it.
pub(crate) fn make_bell(path: &Path, access: create::Access) -> Result<File, OpenError> {
    create::bell(&file::bell_path(path), access).map_err(|error| OpenError::Bell(Box::new(error)))
}
