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
pub struct Cork<'a> {
    publisher: &'a mut Publisher,
    /// Whether it is within another one, which rings.
    within: bool,
}

impl<'a> Cork<'a> {
    pub(super) fn new(publisher: &'a mut Publisher) -> Self {
        let within = std::mem::replace(&mut publisher.corked, true);
        Self { publisher, within }
    }
}

impl Deref for Cork<'_> {
    type Target = Publisher;

    fn deref(&self) -> &Publisher {
        self.publisher
    }
}

impl DerefMut for Cork<'_> {
    fn deref_mut(&mut self) -> &mut Publisher {
        self.publisher
    }
}

impl Drop for Cork<'_> {
    fn drop(&mut self) {
        self.publisher.corked = self.within;
        self.publisher.ring_bell();
    }
}
