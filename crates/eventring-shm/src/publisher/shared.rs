//! One publisher for several threads.

use super::Publisher;
use crate::error::PublishError;
use crate::event::Kind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A publisher behind a lock. A clone is the same one. (In other processes:
/// [`EventRing::join`](crate::EventRing::join).)
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use eventring_shm::{EventRing, Kind, SharedPublisher};
///
/// let ring = EventRing::builder().memfd("ring")?;
/// let publisher = SharedPublisher::from(ring.publisher()?);
/// std::thread::scope(|scope| {
///     for kind in [1, 2] {
///         let publisher = publisher.clone();
///         scope.spawn(move || publisher.publish(Kind(kind), b"event"));
///     }
/// });
/// assert_eq!(ring.tail(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SharedPublisher(Arc<Mutex<Publisher>>);

impl From<Publisher> for SharedPublisher {
    fn from(publisher: Publisher) -> Self {
        Self(Arc::new(Mutex::new(publisher)))
    }
}

impl SharedPublisher {
    /// As [`Publisher::publish`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`].
    pub fn publish(&self, kind: Kind, payload: &[u8]) -> Result<u64, PublishError> {
        self.lock().publish(kind, payload)
    }

    /// The publisher, for more than one event; other threads wait meanwhile.
    pub fn lock(&self) -> MutexGuard<'_, Publisher> {
        // A panic in between leaves at most an event that is written anew.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
