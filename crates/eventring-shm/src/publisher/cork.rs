//! Several events, one bell.

use super::Publisher;
use std::ops::{Deref, DerefMut};

/// A publisher that does not ring until this is dropped.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use eventring_shm::{EventRing, Kind};
///
/// let ring = EventRing::builder().memfd("ring")?;
/// let mut publisher = ring.publisher()?;
/// let mut corked = publisher.cork();
/// corked.publish(Kind(1), b"one")?;
/// corked.publish(Kind(1), b"two")?;
/// drop(corked); // wakes who waits
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Cork<'a>(&'a mut Publisher);

impl<'a> Cork<'a> {
    pub(super) fn new(publisher: &'a mut Publisher) -> Self {
        publisher.corked = true;
        Self(publisher)
    }
}

impl Deref for Cork<'_> {
    type Target = Publisher;

    fn deref(&self) -> &Publisher {
        self.0
    }
}

impl DerefMut for Cork<'_> {
    fn deref_mut(&mut self) -> &mut Publisher {
        self.0
    }
}

impl Drop for Cork<'_> {
    fn drop(&mut self) {
        self.0.corked = false;
        self.0.ring_bell();
    }
}
