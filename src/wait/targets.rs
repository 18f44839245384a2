//! Waiters in the order of what they wait for, so that just those are woken for whom it is there.

use super::notifier::{gather, gather_one};
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use std::collections::BTreeMap;
use std::task::Waker;

/// Those who wait for something that passes one sequence after the other.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    /// Who waited for a sequence below it was notified, or does not wait any more. Written under the lock.
    passed: AtomicU64,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// By the sequence that is to be passed, and by their tickets.
    waiters: BTreeMap<(u64, u64), Waker>,
    /// The next one to give.
    tickets: u64,
}

impl Targets {
    /// Puts a waker into the list. Its ticket.
    pub(super) fn add(&self, sequence: u64, waker: Waker) -> u64 {
        let mut queue = lock(&self.queue);
        let ticket = queue.tickets;
        queue.tickets += 1;
        queue.waiters.insert((sequence, ticket), waker);
        ticket
    }

    /// Puts a waker into the place of the one with this ticket, whether that was notified or not. The
    /// former one: user code, to be dropped once the ticket is noted.
    pub(super) fn exchange(&self, sequence: u64, ticket: u64, waker: Waker) -> Option<Waker> {
        lock(&self.queue).waiters.insert((sequence, ticket), waker)
    }

    /// Takes the one with this ticket out, unless it was notified.
    pub(super) fn remove(&self, sequence: u64, ticket: u64) {
        let former = lock(&self.queue).waiters.remove(&(sequence, ticket));
        drop(former);
    }

    /// Whether who has this ticket and did not leave stands in the list still. No lock for those who were
    /// passed, since all of them come back at once. Relaxed: who is not listed looks again anyway, and who is
    /// told that it is, was woken since, or is just about to be.
    pub(super) fn is_listed(&self, sequence: u64, ticket: u64) -> bool {
        sequence >= self.passed.load(Ordering::Relaxed)
            && lock(&self.queue).waiters.contains_key(&(sequence, ticket))
    }

    /// Takes those out of the list who wait for less than `end` to be passed, in this order. Whether others
    /// stay. The caller owes them a [`wake_gathered`](super::wake_gathered) as soon as it holds nothing.
    pub(crate) fn gather_below(&self, end: u64) -> bool {
        let mut ungathered = Vec::new();
        let mut queue = lock(&self.queue);
        self.passed.store(end, Ordering::Relaxed);
        while let Some(first) = queue.waiters.first_entry() {
            if first.key().0 >= end {
                break;
            }
            ungathered.extend(gather_one(first.remove()));
        }
        let others = !queue.waiters.is_empty();
        drop(queue);
        gather(ungathered);
        others
    }

    /// Takes everybody out of the list. The caller owes them a [`wake_gathered`](super::wake_gathered).
    pub(crate) fn gather(&self) {
        gather(self.take());
    }

    /// The same, for the caller to notify.
    pub(crate) fn take(&self) -> Vec<Waker> {
        let waiters = std::mem::take(&mut lock(&self.queue).waiters);
        waiters.into_values().collect()
    }
}
