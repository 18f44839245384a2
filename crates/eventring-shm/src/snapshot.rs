//! A ring in a file that nobody writes any more.

use crate::error::OpenError;
use crate::event::copy_into;
use crate::event_ring::{EventRing, Inner, Origin};
use crate::file::header::{self, Header};
use crate::file::open_file;
use crate::memory::Words;
use crate::protocol::{Bell, Look, Memory, Outgoing, State};
use crate::sync::Ordering;
use crate::waiting::Waiting;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

/// What a snapshot has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The sequence of its first event.
    pub first: u64,
    /// How many there are.
    pub events: u64,
}

impl EventRing {
    /// Writes what can be read now to a file, as a ring of the same sizes that is closed. Writers go
    /// on meanwhile: if they overwrite what is being copied, it starts after that.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or this ring is corrupt.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("snapshot");
    /// use eventring_shm::{EventReader, EventRing, Kind, NextResult};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// ring.publisher()?.publish(Kind(1), b"event")?;
    /// assert_eq!(ring.snapshot(&path)?.events, 1);
    ///
    /// let snapshot = EventRing::open_snapshot(&path)?;
    /// let mut reader = EventReader::new(&snapshot);
    /// assert!(matches!(reader.next_descriptor(), NextResult::Ready(_)));
    /// assert!(matches!(reader.next_descriptor(), NextResult::Closed));
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshot(&self, path: impl AsRef<Path>) -> Result<Snapshot, OpenError> {
        let (copy, snapshot) = self.copy()?;
        self.header().store(copy.ring().words());
        let file = File::create(path).map_err(|error| OpenError::io("create", error))?;
        let mut out = BufWriter::with_capacity(1 << 16, file);
        let written = copy
            .ring()
            .words()
            .iter()
            .try_for_each(|word| out.write_all(&word.load(Ordering::Relaxed).to_ne_bytes()))
            .and_then(|()| out.flush());
        written.map_err(|error| OpenError::io("write", error))?;
        Ok(snapshot)
    }

    /// Opens a snapshot to read from it. The file is read into memory, so that it may be anybody's,
    /// and may go away.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_snapshot(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let mut file = open_file(path, false)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|error| OpenError::io("read", error))?;
        let mut words = bytes
            .chunks_exact(8)
            .map(|bytes| u64::from_ne_bytes(bytes.try_into().expect("a word")));
        let mut first = [0; header::LEN];
        for to in &mut first {
            *to = words.next().ok_or(OpenError::NotARing)?;
        }
        let header = Header::check(&first, bytes.len() as u64)?;
        let memory = Memory::new(Words::heap(header.geometry.words()), header.geometry);
        for (to, word) in memory.ring().words()[header::LEN..].iter().zip(words) {
            to.store(word, Ordering::Relaxed);
        }
        Ok(Self::new(Inner {
            memory,
            bell: Bell::silent(),
            waiting: Waiting::new(),
            header,
            file,
            bell_file: None,
            path: Some(path.to_owned()),
            writable: false,
            origin: Origin::Opened,
        }))
    }

    fn copy(&self) -> Result<(Memory, Snapshot), OpenError> {
        let end = self.ring().tail();
        let mut first = self.ring().oldest();
        loop {
            match self.copy_from(first, end)? {
                Ok(copied) => return Ok(copied),
                Err(next) => first = next.min(end),
            }
        }
    }

    /// `Ok(Err(next))`: something was overwritten meanwhile; start again from there.
    fn copy_from(
        &self,
        first: u64,
        end: u64,
    ) -> Result<Result<(Memory, Snapshot), u64>, OpenError> {
        let ring = self.ring();
        let memory = Memory::new(Words::heap(ring.geometry().words()), ring.geometry());
        let copy = memory.ring();
        let mut tip = copy.begin_at(first);
        let mut buffer = Vec::new();
        for seq in first..end {
            let descriptor = match ring.look(seq)? {
                Look::Ready(descriptor) => descriptor,
                Look::Lapped(next) => return Ok(Err(next)),
                Look::NotReady => break,
            };
            let Some(payload) = copy_into(ring, &descriptor, &mut buffer) else {
                return Ok(Err(ring.expired(seq)?));
            };
            let event = Outgoing {
                kind: descriptor.kind,
                time: descriptor.time,
                ext: (!descriptor.is_inline()).then(|| descriptor.ext()),
                payload,
                truncated: descriptor.is_truncated(),
            };
            copy.write(&mut tip, &event);
        }
        copy.publish_tip(&tip);
        copy.set_state(State::Closed);
        let events = tip.tail - first;
        Ok(Ok((memory, Snapshot { first, events })))
    }
}
