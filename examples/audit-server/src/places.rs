//! Places in the audit, taken before a request is handled.
//!
//! What is recorded of a request is known only after it was handled, and then it is too late to
//! refuse it. So each request takes a place first. There are as many places as the ring has slots,
//! and a place is given back when the event is *stored*: whoever has one can publish at once.

use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub struct Places {
    free: Semaphore,
    max_wait: Duration,
    waits: Mutex<Waits>,
}

/// What waiting for a place came to so far.
#[derive(Clone, Copy, Default)]
pub struct Waits {
    pub requests: u64,
    pub total: Duration,
    pub refused: u64,
}

/// Why there is no place.
#[derive(Debug, PartialEq)]
pub enum NoPlace {
    Full,
    Closed,
}

impl Places {
    pub fn new(capacity: usize, max_wait: Duration) -> Self {
        Self {
            free: Semaphore::new(capacity),
            max_wait,
            waits: Mutex::default(),
        }
    }

    /// Takes a place, waiting for it as long as is allowed. Cancel safe: dropped before it has
    /// resolved, no place is taken.
    pub async fn take(&self) -> Result<(), NoPlace> {
        if let Ok(place) = self.free.try_acquire() {
            place.forget();
            return Ok(());
        }
        let started = Instant::now();
        let outcome = timeout(self.max_wait, self.free.acquire()).await;
        let waited = started.elapsed();
        metrics::histogram!("audit_wait_seconds").record(waited);
        let mut waits = self.waits.lock().expect("nothing panics under the lock");
        waits.requests += 1;
        waits.total += waited;
        match outcome {
            Ok(Ok(place)) => {
                place.forget();
                Ok(())
            }
            Ok(Err(_)) => Err(NoPlace::Closed),
            Err(_) => {
                waits.refused += 1;
                Err(NoPlace::Full)
            }
        }
    }

    pub fn give_back(&self, places: usize) {
        self.free.add_permits(places);
    }

    /// Nobody gets a place from now on; those who wait are told at once.
    pub fn close(&self) {
        self.free.close();
    }

    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    pub fn max_wait(&self) -> Duration {
        self.max_wait
    }

    pub fn waits(&self) -> Waits {
        *self.waits.lock().expect("nothing panics under the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_free_again_when_it_is_given_back() {
        let places = Places::new(1, Duration::from_millis(1));
        assert_eq!(places.take().await, Ok(()));
        assert_eq!(places.take().await, Err(NoPlace::Full));
        places.give_back(1);
        assert_eq!(places.take().await, Ok(()));
        let waits = places.waits();
        assert_eq!((waits.requests, waits.refused), (1, 1));
    }

    #[tokio::test]
    async fn closing_ends_the_waiting() {
        let places = Places::new(0, Duration::MAX);
        let (outcome, ()) = tokio::join!(places.take(), async { places.close() });
        assert_eq!(outcome, Err(NoPlace::Closed));
        assert_eq!(places.waits().refused, 0);
    }
}
