//! Lists of waiters, and waking them with nothing held.
//!
//! Who waits stands in a list with a [`Relay`] to its waker. A notification moves all relays of a
//! list into a thread-local one ([`WOKEN`]); [`wake_gathered`] wakes what is there once nothing is
//! locked, one after the other, whatever any of them does. A relay serves all waits of one waiter
//! with one waker, so that standing in a list again costs neither an allocation nor a clone of the
//! waker.

use crate::sync::{AtomicUsize, Mutex, Ordering, const_thread_local, lock, step};
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// What stands in a list in place of a user's waker, which is neither cloned, woken nor dropped
/// while the list is locked.
#[derive(Debug)]
pub(crate) struct Relay {
    waker: Waker,
    /// Where it stands in its list, if in any; written under that list's lock.
    place: AtomicUsize,
}

/// The place of who stands in no list.
const NOWHERE: usize = usize::MAX;

/// `std`'s also under loom: it shares no more than a waker and the place.
pub(crate) type RelayRef = std::sync::Arc<Relay>;

impl Relay {
    pub(crate) fn new(waker: Waker) -> RelayRef {
        RelayRef::new(Self {
            waker,
            place: AtomicUsize::new(NOWHERE),
        })
    }

    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.waker.will_wake(waker)
    }

    /// Whether it stands in its list still. If not, it was woken since, or is just about to be.
    /// Relaxed: who is not listed looks again anyway, before it waits.
    pub(crate) fn is_listed(&self) -> bool {
        self.place() != NOWHERE
    }

    fn place(&self) -> usize {
        self.place.load(Ordering::Relaxed)
    }

    fn stand_at(&self, place: usize) {
        self.place.store(place, Ordering::Relaxed);
    }
}

/// A list of waiters, first come, first woken.
#[derive(Debug, Default)]
pub(crate) struct Notifier(Mutex<Queue>);

impl Notifier {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Queue::default()))
    }

    /// Puts a relay that stands in no list into this one.
    pub(crate) fn add(&self, relay: &RelayRef) {
        lock(&self.0).push(RelayRef::clone(relay));
    }

    /// Puts a relay that stands in no list into the place of one that the caller has put into this
    /// list; at the end, if that was notified.
    pub(crate) fn exchange(&self, old: &RelayRef, new: &RelayRef) {
        let mut queue = lock(&self.0);
        if old.is_listed() {
            queue.exchange(old, RelayRef::clone(new));
        } else {
            queue.push(RelayRef::clone(new));
        }
    }

    /// Takes a relay out that the caller has put into this list, unless it was notified.
    pub(crate) fn remove(&self, relay: &RelayRef) {
        if relay.is_listed() {
            let mut queue = lock(&self.0);
            if relay.is_listed() {
                queue.remove(relay);
            }
        }
    }

    /// Takes everybody out of the list. The caller owes them a [`wake_gathered`] as soon as it
    /// holds nothing.
    pub(crate) fn gather(&self) {
        let mut queue = lock(&self.0);
        queue.unlist_all();
        let gathered = WOKEN.try_with(|woken| woken.borrow_mut().append(&mut queue.waiters));
        if gathered.is_err() {
            // The thread is ending and its list is gone.
            let woken = std::mem::take(&mut queue.waiters);
            drop(queue);
            wake_all(woken);
        }
    }
}

/// Waiters in the order in which they came. One that leaves from the middle leaves a hole there, so
/// that the others keep their places; holes are closed once they are the larger part.
#[derive(Debug, Default)]
struct Queue {
    waiters: Vec<Option<RelayRef>>,
    holes: usize,
}

impl Queue {
    fn push(&mut self, relay: RelayRef) {
        if self.holes > self.waiters.len() / 2 {
            self.close_holes();
        }
        relay.stand_at(self.waiters.len());
        self.waiters.push(Some(relay));
    }

    fn exchange(&mut self, old: &Relay, new: RelayRef) {
        let place = old.place();
        old.stand_at(NOWHERE);
        new.stand_at(place);
        self.waiters[place] = Some(new);
    }

    fn remove(&mut self, relay: &Relay) {
        let place = relay.place();
        relay.stand_at(NOWHERE);
        // Whoever waits in turns with others mostly is the last.
        if place + 1 == self.waiters.len() {
            self.waiters.pop();
        } else {
            self.waiters[place] = None;
            self.holes += 1;
        }
    }

    #[cold]
    fn close_holes(&mut self) {
        self.waiters.retain(Option::is_some);
        self.holes = 0;
        if step("renumber-moved") {
            for (place, relay) in self.waiters.iter().flatten().enumerate() {
                relay.stand_at(place);
            }
        }
    }

    /// Tells all that they are about to be woken.
    fn unlist_all(&mut self) {
        self.holes = 0;
        if step("unlist-notified") {
            for relay in self.waiters.iter().flatten() {
                relay.stand_at(NOWHERE);
            }
        }
    }
}

const_thread_local! {
    /// Whom this thread has notified and has yet to wake.
    static WOKEN: RefCell<Vec<Option<RelayRef>>> = RefCell::new(Vec::new());
}

/// Notifies somebody, which can be done with locks held: comes back if it cannot. The caller owes a
/// [`wake_gathered`] as soon as it holds nothing.
pub(crate) fn gather_one(relay: RelayRef) -> Option<RelayRef> {
    let mut relay = Some(relay);
    let _ = WOKEN.try_with(|woken| woken.borrow_mut().extend(relay.take().map(Some)));
    relay
}

/// Notifies these. The caller owes them a [`wake_gathered`] as soon as it holds nothing.
pub(crate) fn gather(relays: Vec<RelayRef>) {
    if relays.is_empty() {
        return;
    }
    let mut relays: Vec<_> = relays.into_iter().map(Some).collect();
    let gathered = WOKEN.try_with(|woken| woken.borrow_mut().append(&mut relays));
    if gathered.is_err() {
        wake_all(relays);
    }
}

/// Wakes whom this thread has gathered. Wakers are user code: nothing may be held here.
pub(crate) fn wake_gathered() {
    wake_gathered_within(|_| ());
}

/// The same, while what `begin` returns for their number is alive.
pub(crate) fn wake_gathered_within<G>(begin: impl FnOnce(usize) -> G) {
    let gathered = WOKEN.try_with(|woken| std::mem::take(&mut *woken.borrow_mut()));
    let woken = gathered.unwrap_or_default();
    if !woken.is_empty() {
        let _within = begin(woken.len());
        // Keeps the allocation for the next time; nothing else can have been gathered meanwhile,
        // since whatever the wakers notified was woken before they returned.
        let emptied = wake_all(woken);
        let _ = WOKEN.try_with(|empty| empty.replace(emptied));
    }
}

/// Wakes all even if some panic; the first panic goes on. Returns the empty vector.
fn wake_all(mut woken: Vec<Option<RelayRef>>) -> Vec<Option<RelayRef>> {
    let mut panic: Option<Box<dyn Any + Send>> = None;
    for relay in woken.iter_mut().filter_map(Option::take) {
        // Dropping it may drop the waker.
        let wake = AssertUnwindSafe(move || relay.waker.wake_by_ref());
        if let Err(payload) = catch_unwind(wake) {
            panic.get_or_insert(payload);
        }
    }
    woken.clear();
    if let Some(payload) = panic {
        if !std::thread::panicking() {
            resume_unwind(payload);
        }
    }
    woken
}
