//! Labels of orderings and protocol steps, so that `.ci/shm-loom` can prove that the models in
//! `tests/loom` need each of them: under `--cfg eventring_loom`, a run with
//! `EVENTRING_WEAKEN=<label>` makes that ordering Relaxed, leaves that fence or that step out.
//! `protocol.rs` has the tables.
//!
//! A normal build has no such switch: orderings, fences and `true` are constants.

use super::{Ordering, fence};

#[inline(always)]
pub(crate) fn acquire(label: &str) -> Ordering {
    if step(label) {
        Ordering::Acquire
    } else {
        Ordering::Relaxed
    }
}

#[inline(always)]
pub(crate) fn release(label: &str) -> Ordering {
    if step(label) {
        Ordering::Release
    } else {
        Ordering::Relaxed
    }
}

#[inline(always)]
pub(crate) fn acquire_fence(label: &str) {
    if step(label) {
        fence(Ordering::Acquire);
    }
}

#[inline(always)]
pub(crate) fn release_fence(label: &str) {
    if step(label) {
        fence(Ordering::Release);
    }
}

/// Whether to take the step.
#[cfg(not(eventring_loom))]
#[inline(always)]
pub(crate) const fn step(_label: &str) -> bool {
    true
}

#[cfg(eventring_loom)]
pub(crate) fn step(label: &str) -> bool {
    use std::sync::OnceLock;

    static WEAKENED: OnceLock<Option<String>> = OnceLock::new();
    let weakened = WEAKENED.get_or_init(|| std::env::var("EVENTRING_WEAKEN").ok());
    weakened.as_deref() != Some(label)
}
