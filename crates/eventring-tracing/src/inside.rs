//! Threads that work for the log, and so must not log.

use std::cell::Cell;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// This thread works for a log, until this is dropped.
pub(crate) struct Inside(());

impl Inside {
    /// `None`: it does already.
    pub(crate) fn enter() -> Option<Self> {
        (!INSIDE.replace(true)).then(|| Self(()))
    }

    pub(crate) fn is_here() -> bool {
        INSIDE.get()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}
