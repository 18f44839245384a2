//! The only door to atomics and fences: `std` in a normal build, [loom] under
//! `--cfg eventring_loom`, so that the models in `tests/loom` check the very code that ships.
//!
//! [loom]: https://docs.rs/loom

#[cfg(not(eventring_loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

#[cfg(eventring_loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

mod point;
mod weaken;

pub(crate) use point::point;
pub(crate) use weaken::{acquire, acquire_fence, release, release_fence, step};

#[cfg(all(feature = "faults", not(eventring_loom)))]
pub use point::faults;
#[cfg(eventring_loom)]
pub(crate) use point::{crash_at, is_crash};

/// Loads what is stored by a Release, on a mapping that may be read-only: those allow only Relaxed
/// loads, followed by a fence.
#[inline]
pub(crate) fn load_acquire(word: &AtomicU64, label: &str) -> u64 {
    let value = word.load(Ordering::Relaxed);
    acquire_fence(label);
    value
}
