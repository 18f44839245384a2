//! Reserve, fill, commit.

use super::Publisher;
use crate::event::Kind;
use crate::protocol::Descriptor;

/// Room in the ring for one payload. Dropped, nothing is published, and there is no hole.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use eventring_shm::{EventRing, Kind};
///
/// let ring = EventRing::builder().memfd("ring")?;
/// let mut publisher = ring.publisher()?;
/// drop(publisher.reserve(Kind(5), 1000)?);
///
/// let mut claim = publisher.reserve(Kind(5), 10)?;
/// claim.write(0, b"01234");
/// claim.write(5, b"56789");
/// claim.ext([7, 0, 0, 0]);
/// assert_eq!(claim.commit(), 0);
/// assert_eq!(ring.try_copy(0)?.unwrap().payload, b"0123456789");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is published before the claim is committed"]
#[derive(Debug)]
pub struct Claim<'a> {
    publisher: &'a mut Publisher,
    kind: Kind,
    len: usize,
    ext: [u64; 4],
}

impl<'a> Claim<'a> {
    /// The publisher may write.
    pub(super) fn new(publisher: &'a mut Publisher, kind: Kind, len: usize) -> Self {
        let Publisher { ring, tip, .. } = &mut *publisher;
        ring.ring().make_room(tip, len as u64);
        ring.ring().pad_payload(tip.head, len as u64);
        Self {
            publisher,
            kind,
            len,
            ext: [0; 4],
        }
    }

    /// Bytes of the payload.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts bytes into the payload, from byte `at` on. What is never written is whatever was in the
    /// ring before.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    #[track_caller]
    pub fn write(&mut self, at: usize, bytes: &[u8]) {
        let fits = at
            .checked_add(bytes.len())
            .is_some_and(|end| end <= self.len);
        assert!(
            fits,
            "{} bytes at {at} of a payload of {}",
            bytes.len(),
            self.len
        );
        let Publisher { ring, tip, .. } = &*self.publisher;
        ring.ring().patch_payload(tip.head + at as u64, bytes);
    }

    /// The four words that filters see.
    pub fn ext(&mut self, ext: [u64; 4]) {
        self.ext = ext;
    }

    /// Publishes it, and tells its sequence.
    pub fn commit(self) -> u64 {
        let time = self.publisher.clock.read();
        let Publisher { ring, tip, .. } = &mut *self.publisher;
        let len = self.len as u32;
        let descriptor = Descriptor::outside(self.kind.0, len, time, tip.head, self.ext);
        // The rest is done when it is dropped.
        ring.ring().commit(tip, &descriptor)
    }
}

/// W7, W8, whether it was committed or not.
impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.publisher.leave();
    }
}
