//! What can go wrong.

use std::fmt;
use std::io;

/// The ring says what cannot be: a writer that does not keep to the protocol, or broken memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Corrupt {
    /// The descriptor of this sequence has a length or an offset that the ring cannot have.
    Descriptor(u64),
    /// What is at this position has a sequence that the ring cannot have come to yet.
    Sequence(u64),
    /// Nobody can go on writing where the last writer left off.
    Tip,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptor(sequence) => {
                write!(
                    f,
                    "the ring is corrupt: event {sequence} has an impossible length or place"
                )
            }
            Self::Sequence(sequence) => write!(
                f,
                "the ring is corrupt: what stands in the place of event {sequence} is of the future"
            ),
            Self::Tip => f.write_str(
                "the ring is corrupt: there is no going on where its last writer left off; \
                 create a new one in its place",
            ),
        }
    }
}

impl std::error::Error for Corrupt {}

/// A ring could not be created or opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The system refused.
    Io {
        /// What was being done to the file.
        doing: &'static str,
        /// Its answer.
        source: io::Error,
    },
    /// It is not the file of a ring.
    NotARing,
    /// It is not a regular file.
    NotAFile,
    /// Its maker has not finished it.
    Unfinished,
    /// It is of another major version of the format.
    Version(u32),
    /// It was made on a machine with another byte order or word size.
    ByteOrder,
    /// Its header is damaged.
    Checksum,
    /// Its sizes are not those of a ring; or those asked for are not (powers of two, from 2
    /// descriptors and 4 KiB of payload).
    Geometry,
    /// The file is shorter than its header says.
    Truncated {
        /// Bytes that a ring of that size takes.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// It belongs to a user (of this id) who is not trusted, and is not sealed.
    Owner(u32),
    /// Others than those who are trusted may write it (its mode is this), and so truncate it.
    Mode(u32),
    /// Its events are of another type, or of another version of it.
    Content {
        /// The file's content type.
        found: u16,
        /// What was asked for.
        expected: u16,
    },
    /// Somebody writes it who is not to be disturbed. (0: nobody can tell who.)
    WriterExists {
        /// Its process id, as it sees itself.
        pid: u32,
    },
    /// Something with the bell's file is not as it should be.
    Bell(Box<OpenError>),
    /// The last writer left what no writer can leave.
    Corrupt(Corrupt),
    /// This ring was opened to be read only.
    ReadOnly,
    /// 255 others write it.
    TooManyWriters,
    /// Another ring has taken its name: open that one.
    Replaced,
}

impl OpenError {
    pub(crate) fn io(doing: &'static str, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        Self::Io { doing, source }
    }

    /// Whether it is about a ring, though one that cannot be used.
    pub(crate) fn is_of_a_ring(&self) -> bool {
        matches!(
            self,
            Self::Unfinished
                | Self::Version(_)
                | Self::ByteOrder
                | Self::Checksum
                | Self::Geometry
                | Self::Truncated { .. }
        )
    }

    /// Whether there is no file of that name.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl From<Corrupt> for OpenError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => write!(f, "could not {doing} the ring's file: {source}"),
            Self::NotARing => f.write_str("not the file of an event ring"),
            Self::NotAFile => f.write_str("not a regular file"),
            Self::Unfinished => f.write_str("the ring's file was not finished by who made it"),
            Self::Version(found) => {
                write!(
                    f,
                    "the ring is of version {found} of the format; this program knows 1"
                )
            }
            Self::ByteOrder => f.write_str("the ring is of a machine with another byte order"),
            Self::Checksum => f.write_str("the ring's header is damaged: its checksum is wrong"),
            Self::Geometry => f.write_str(
                "no ring has such sizes: powers of two, at least 2 descriptors and 4096 bytes of \
                 payload",
            ),
            Self::Truncated { needed, found } => {
                write!(
                    f,
                    "the ring's file has {found} bytes, and should have {needed}"
                )
            }
            Self::Owner(uid) => write!(
                f,
                "the ring belongs to user {uid}, who could truncate it; trust that user, or have it \
                 passed as a sealed memfd"
            ),
            Self::Mode(mode) => write!(
                f,
                "others may write the ring (mode {mode:03o}), and so truncate it; trust its group, \
                 or take the right away"
            ),
            Self::Content { found, expected } => write!(
                f,
                "the ring has events of content type {found}, or of another version of its schema; \
                 expected was {expected}"
            ),
            Self::WriterExists { pid: 0 } => f.write_str("somebody else writes the ring"),
            Self::WriterExists { pid } => write!(f, "process {pid} writes the ring"),
            Self::Bell(error) => write!(f, "the bell beside the ring: {error}"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
            Self::ReadOnly => f.write_str("the ring was opened to be read only"),
            Self::TooManyWriters => f.write_str("255 others write the ring already"),
            Self::Replaced => f.write_str("another ring has taken this one's name: open that one"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Bell(error) => Some(error),
            _ => None,
        }
    }
}

/// An event was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// Its payload is longer than a quarter of the ring.
    TooLarge {
        /// Its bytes.
        len: usize,
        /// The most that fits.
        max: usize,
    },
    /// Another writer has closed the ring.
    Closed,
    /// Another writer that lives has the lock, and did not let go of it in time.
    Busy,
    /// A writer died, and left what no writer can leave.
    Corrupt(Corrupt),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { len, max } => {
                write!(
                    f,
                    "a payload of {len} bytes does not fit: the ring takes up to {max}"
                )
            }
            Self::Closed => f.write_str("the ring is closed"),
            Self::Busy => f.write_str("another writer does not let go of the ring"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
        }
    }
}

impl std::error::Error for PublishError {}

impl From<Corrupt> for PublishError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

/// The payload was overwritten before it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired;

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payload was overwritten before it could be read")
    }
}

impl std::error::Error for Expired {}

/// Nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing is there yet.
    Empty,
    /// Nothing will come any more: [`Receiver::end`](crate::Receiver::end) says why.
    Closed,
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "nothing is there yet",
            Self::Closed => "nothing will come any more",
        })
    }
}

impl std::error::Error for TryRecvError {}

/// Why nothing will come any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// A writer has closed the ring.
    Closed,
    /// Another ring has taken its name: [`reattach`](crate::Receiver::reattach) to that one.
    Replaced,
    /// Nobody writes any more, and this receiver was told to end then.
    WriterGone,
    /// There is no reading on.
    Corrupt(Corrupt),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the ring is closed"),
            Self::Replaced => f.write_str("another ring has taken this one's name"),
            Self::WriterGone => f.write_str("nobody writes the ring any more"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
        }
    }
}

impl std::error::Error for End {}
