//! Counting the handles of a bus or channel.

use crate::sync::{AtomicUsize, Ordering, acquire, release, step};

/// Handles of one kind.
#[derive(Debug)]
pub(crate) struct Handles(AtomicUsize);

impl Handles {
    pub(crate) fn new(handles: usize) -> Self {
        Self(AtomicUsize::new(handles))
    }

    /// One more, made from one: Relaxed, as in `Arc::clone`.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One more, unless the last one is gone.
    pub(crate) fn upgrade(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |handles| {
                (handles > 0 || !step("upgrade-check")).then_some(handles + 1)
            })
            .is_ok()
    }

    /// One less. Whether it was the last. Release is for [`count`](Self::count).
    pub(crate) fn remove(&self) -> bool {
        self.0.fetch_sub(1, release("handle-drop")) == 1
    }

    /// How many there are. Acquire: who sees a handle gone sees what was done by it.
    pub(crate) fn count(&self) -> usize {
        self.0.load(acquire("handles-load"))
    }
}
