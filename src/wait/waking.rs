//! Receivers that give way to a publisher that is still waking others.
//!
//! A thread that is woken often takes the processor from the one that wakes it. If it reads the one
//! event there is and sleeps again, it has to be woken again for the next: a publisher of a burst
//! would wake every thread for every event. So a receiver that was woken for a single event lets the
//! publisher go on before it sleeps.

use super::notifier::{Notifier, Order, wake, wake_gathered_within};
use crate::sync::{AtomicU64, Ordering, const_thread_local, yield_now};
use std::cell::Cell;

/// Rounds of waking: how many are under way, and above these bits, how many have begun.
///
/// Relaxed: a hint. Whoever is misled by it loses time, nothing else.
#[derive(Debug)]
pub(crate) struct Waking(AtomicU64);

/// What one more round adds.
const BEGUN: u64 = 1 << 16;

const_thread_local! {
    /// The round that this thread has given way in last; the first one is 1. Rounds of two buses that
    /// have the same number are taken for one.
    static GAVE_WAY: Cell<u64> = Cell::new(0);
}

impl Waking {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Wakes all who stand in the list, first come, first woken. Nothing may be held here.
    pub(crate) fn notify(&self, list: &Notifier) {
        match list.take(Order::Arrival) {
            Some(alone) => wake(alone),
            None => self.wake_gathered(),
        }
    }

    /// Wakes whom this thread has gathered: a round, if they are several.
    pub(crate) fn wake_gathered(&self) {
        wake_gathered_within(|number| (number > 1).then(|| self.begin()));
    }

    fn begin(&self) -> Round<'_> {
        self.0.fetch_add(BEGUN + 1, Ordering::Relaxed);
        Round(self)
    }

    /// Lets other threads run if a round is under way, once in each. Whether it did, so that it is
    /// worth looking again.
    ///
    /// Once, since they may be threads that have nothing to do with it, and run for a while.
    pub(crate) fn give_way(&self) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        let round = word / BEGUN;
        let is_new = |last: &Cell<u64>| last.replace(round) != round;
        let gives_way = word % BEGUN != 0 && GAVE_WAY.try_with(is_new).unwrap_or(false);
        if gives_way {
            yield_now();
        }
        gives_way
    }
}

/// Ends when it is dropped, also if a waker panicked.
struct Round<'a>(&'a Waking);

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    #[test]
    fn a_thread_gives_way_once_in_each_round() {
        let waking = Waking::new();
        assert!(!waking.give_way());
        let first = waking.begin();
        assert!(waking.give_way());
        assert!(!waking.give_way());
        assert!(thread::scope(|scope| scope
            .spawn(|| waking.give_way())
            .join()
            .unwrap()));
        let second = waking.begin();
        drop(first);
        assert!(waking.give_way());
        drop(second);
        assert!(!waking.give_way());
    }

    #[test]
    fn a_round_ends_with_a_panic() {
        let waking = Waking::new();
        let panics = AssertUnwindSafe(|| {
            let _round = waking.begin();
            panic!("expected");
        });
        assert!(catch_unwind(panics).is_err());
        assert!(!waking.give_way());
    }
}
