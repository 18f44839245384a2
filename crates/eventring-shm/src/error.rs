//! What can go wrong.

use std::fmt;

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
                write!(f, "the ring is corrupt: event {sequence} has an impossible length or place")
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
