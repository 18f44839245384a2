//! Lists of waiters, and waking them with nothing held.
//!
//! Who waits stands in a list with a clone of its waker. A notification moves all wakers of a list
//! into a thread-local one ([`WOKEN`]); [`wake_gathered`] wakes what is there once nothing is locked,
//! one after the other, whatever any of them does. So a user's waker is neither cloned, woken nor
//! dropped while a list is locked.

use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, const_thread_local, lock, step};
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// A list of waiters, who are notified all at once.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    /// Who has a ticket below it was notified, or left. Written under the lock.
    notified: AtomicU64,
    queue: Mutex<Queue>,
}

impl Notifier {
    pub(crate) fn new() -> Self {
        Self {
            notified: AtomicU64::new(0),
            queue: Mutex::new(Queue::default()),
        }
    }

    /// Puts a waker into the list. Its ticket.
    pub(crate) fn add(&self, waker: Waker) -> u64 {
        lock(&self.queue).push(waker)
    }

    /// Puts a waker into the place of the one with this ticket; at the end, if that was notified. Its
    /// ticket, and the former one: user code, to be dropped once the ticket is noted.
    pub(crate) fn exchange(&self, ticket: u64, waker: Waker) -> (u64, Option<Waker>) {
        let mut queue = lock(&self.queue);
        match queue.find(ticket) {
            Some(place) => (ticket, queue.waiters[place].waker.replace(waker)),
            None => (queue.push(waker), None),
        }
    }

    /// Takes the one with this ticket out, unless it was notified.
    pub(crate) fn remove(&self, ticket: u64) {
        if self.is_listed(ticket) {
            let former = lock(&self.queue).remove(ticket);
            drop(former);
        }
    }

    /// Whether who has this ticket and did not leave stands in the list still. If not, it was woken
    /// since, or is just about to be. Relaxed: who is not listed looks again anyway, before it waits.
    #[inline]
    pub(crate) fn is_listed(&self, ticket: u64) -> bool {
        ticket >= self.notified.load(Ordering::Relaxed)
    }

    /// Takes everybody out of the list, first come, first woken. The caller owes them a [`wake_gathered`] as
    /// soon as it holds nothing.
    pub(crate) fn gather(&self) {
        self.gather_in(Order::Arrival);
    }

    /// The same, in some order.
    pub(super) fn gather_in(&self, order: Order) {
        gather_all(self.unlist(), order);
    }

    /// The same, but who stands there alone comes back: whoever holds nothing can [`wake`] him there
    /// and then.
    pub(super) fn take(&self, order: Order) -> Option<Waker> {
        let mut queue = self.unlist();
        if queue.waiters.len() > 1 {
            gather_all(queue, order);
            return None;
        }
        queue.waiters.pop()?.waker
    }

    /// The list, whose waiters are told that they do not stand in it any more.
    #[inline]
    fn unlist(&self) -> MutexGuard<'_, Queue> {
        let mut queue = lock(&self.queue);
        if step("unlist-notified") {
            self.notified.store(queue.tickets, Ordering::Relaxed);
        }
        queue.holes = 0;
        queue
    }
}

fn gather_all(mut queue: MutexGuard<'_, Queue>, order: Order) {
    let waiters = &mut queue.waiters;
    let gathered = WOKEN.try_with(|woken| {
        let mut woken = woken.borrow_mut();
        let first = woken.len();
        move_all(waiters, &mut woken);
        first
    });
    if let Ok(first) = gathered {
        drop(queue);
        let _ = WOKEN.try_with(|woken| order.put(&mut woken.borrow_mut()[first..]));
    } else {
        // The thread is ending and its list is gone.
        let woken = std::mem::take(&mut queue.waiters);
        drop(queue);
        wake_all(woken);
    }
}

/// In which order the waiters of a list are woken.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// First come, first woken.
    Arrival,
    /// The same, but a crowd as its tasks lie in memory.
    ///
    /// Tasks run in the order in which they are woken, and stand in the next list in the order in which they
    /// run. A heap need not have them in the order in which they came first, and several threads mix them more
    /// with each event: then each task has pages of its own, for which the processor has to look.
    Memory,
}

/// More waiters than this are a crowd.
const CROWD: usize = 256;

impl Order {
    fn put(self, woken: &mut [Listed]) {
        match self {
            Self::Memory if woken.len() > CROWD => {
                woken.sort_unstable_by_key(|one| one.waker.as_ref().map(Waker::data));
            }
            _ => {}
        }
    }
}

/// Waiters in the order in which they came, by their tickets. One that leaves from the middle leaves a
/// hole there; holes are closed once they are the larger part.
#[derive(Debug, Default)]
struct Queue {
    waiters: Vec<Listed>,
    holes: usize,
    /// The next one to give.
    tickets: u64,
}

#[derive(Debug)]
struct Listed {
    ticket: u64,
    /// `None`: it has left.
    waker: Option<Waker>,
}

impl Queue {
    fn push(&mut self, waker: Waker) -> u64 {
        if self.holes > self.waiters.len() / 2 {
            self.close_holes();
        }
        let ticket = self.tickets;
        self.tickets += 1;
        self.waiters.push(Listed {
            ticket,
            waker: Some(waker),
        });
        ticket
    }

    /// Where it stands. Without holes closed, tickets are in a row.
    fn find(&self, ticket: u64) -> Option<usize> {
        let first = self.waiters.first()?.ticket;
        let place = ticket.checked_sub(first)? as usize;
        if self
            .waiters
            .get(place)
            .is_some_and(|one| one.ticket == ticket)
        {
            return Some(place);
        }
        let found = self.waiters.binary_search_by_key(&ticket, |one| one.ticket);
        found.ok()
    }

    fn remove(&mut self, ticket: u64) -> Option<Waker> {
        let place = self.find(ticket)?;
        // Whoever waits in turns with others mostly is the last.
        if place + 1 == self.waiters.len() {
            return self.waiters.pop()?.waker;
        }
        self.holes += 1;
        self.waiters[place].waker.take()
    }

    #[cold]
    fn close_holes(&mut self) {
        self.waiters.retain(|one| one.waker.is_some());
        self.holes = 0;
    }
}

/// Moves all to the end of the other one. An empty one is exchanged for them.
fn move_all(from: &mut Vec<Listed>, to: &mut Vec<Listed>) {
    if to.is_empty() {
        std::mem::swap(from, to);
    } else {
        to.append(from);
    }
}

const_thread_local! {
    /// Whom this thread has notified and has yet to wake.
    static WOKEN: RefCell<Vec<Listed>> = RefCell::new(Vec::new());
}

/// Notifies somebody, which can be done with locks held: comes back if it cannot. The caller owes a
/// [`wake_gathered`] as soon as it holds nothing.
pub(crate) fn gather_one(waker: Waker) -> Option<Waker> {
    let mut waker = Some(waker);
    let _ = WOKEN.try_with(|woken| {
        let waker = waker.take();
        woken.borrow_mut().push(Listed { ticket: 0, waker });
    });
    waker
}

/// Notifies these. The caller owes them a [`wake_gathered`] as soon as it holds nothing.
pub(crate) fn gather(wakers: Vec<Waker>) {
    if wakers.is_empty() {
        return;
    }
    let listed = |waker| Listed {
        ticket: 0,
        waker: Some(waker),
    };
    let mut listed: Vec<_> = wakers.into_iter().map(listed).collect();
    let gathered = WOKEN.try_with(|woken| move_all(&mut listed, &mut woken.borrow_mut()));
    if gathered.is_err() {
        wake_all(listed);
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
fn wake_all(mut woken: Vec<Listed>) -> Vec<Listed> {
    let mut panic = None;
    for waker in woken.iter_mut().filter_map(|one| one.waker.take()) {
        if let Some(payload) = wake_quietly(waker) {
            panic.get_or_insert(payload);
        }
    }
    woken.clear();
    go_on(panic);
    woken
}

/// Wakes whom this thread has gathered, and then this one. Nothing may be held here.
pub(crate) fn wake_last(waker: Waker) {
    let others = WOKEN.try_with(|woken| !woken.borrow().is_empty());
    let alone = match others {
        Ok(true) => gather_one(waker),
        _ => Some(waker),
    };
    match alone {
        Some(waker) => wake(waker),
        None => wake_gathered(),
    }
}

/// Wakes one. A waker is user code: nothing may be held here.
pub(crate) fn wake(waker: Waker) {
    go_on(wake_quietly(waker));
}

#[inline]
fn wake_quietly(waker: Waker) -> Option<Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(|| waker.wake())).err()
}

/// Lets a panic go on, unless the thread has another one already.
#[inline]
fn go_on(panic: Option<Box<dyn Any + Send>>) {
    if let Some(payload) = panic {
        if !std::thread::panicking() {
            resume_unwind(payload);
        }
    }
}

#[cfg(all(test, not(eventring_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::task::Wake;

    /// Says who was woken.
    struct Named(usize, Arc<Mutex<Vec<usize>>>);

    impl Wake for Named {
        fn wake(self: Arc<Self>) {
            lock(&self.1).push(self.0);
        }
    }

    /// Fifteen stand in line, all but those of some pattern leave, three more come, one of those who
    /// stayed comes with another waker: woken are all who are left, in their order.
    #[test]
    fn who_stays_is_woken_in_order() {
        const CAME: usize = 15;
        for pattern in 0..1 << CAME {
            let stays = |place: usize| pattern & (1 << place) != 0;
            let woken = Arc::new(Mutex::new(Vec::new()));
            let waker = |name| Waker::from(Arc::new(Named(name, Arc::clone(&woken))));
            let notifier = Notifier::new();
            let add = |name| notifier.add(waker(name));
            let tickets: Vec<_> = (0..CAME).map(add).collect();
            for place in (0..CAME).filter(|&place| !stays(place)) {
                notifier.remove(tickets[place]);
            }
            let more: Vec<_> = (CAME..CAME + 3).map(add).collect();
            let mut left: Vec<_> = (0..CAME).filter(|&place| stays(place)).collect();
            if let Some(last) = left.last_mut() {
                let (ticket, former) = notifier.exchange(tickets[*last], waker(100));
                assert!(ticket == tickets[*last] && former.is_some());
                *last = 100;
            }
            left.extend([CAME, CAME + 2]);
            notifier.remove(more[1]);
            assert!(notifier.is_listed(more[2]));
            notifier.gather();
            assert!(!notifier.is_listed(more[2]));
            wake_gathered();
            assert_eq!(*lock(&woken), left);
            notifier.remove(more[0]);
            assert!(notifier.exchange(more[0], waker(0)).0 > more[2]);
        }
    }

    /// Three come in the wrong order, then a crowd, to another list, some of whom leave: the three are
    /// woken in theirs, the crowd as it lies in memory.
    #[test]
    fn a_crowd_is_woken_as_it_lies_in_memory() {
        const CAME: usize = 2 * CROWD + 1;
        let woken = Arc::new(Mutex::new(Vec::new()));
        let named = |name| Arc::new(Named(name, Arc::clone(&woken)));
        let mut named: Vec<_> = (0..3 + CAME).map(named).collect();
        named.sort_by_key(Arc::as_ptr);
        let waker = |place: usize| Waker::from(Arc::clone(&named[place]));
        let (few, crowd) = (Notifier::new(), Notifier::new());
        for first in [2, 1, 0] {
            few.add(waker(first));
        }
        let mixed = |place| 3 + place * 5 % CAME;
        let came = (0..CAME).map(|place| crowd.add(waker(mixed(place))));
        let tickets: Vec<_> = came.collect();
        let leaves = |place: usize| place % 7 == 3;
        for place in (0..CAME).filter(|&place| leaves(place)) {
            crowd.remove(tickets[place]);
        }
        few.gather();
        crowd.gather_in(Order::Memory);
        wake_gathered();
        let mut left: Vec<_> = (0..CAME)
            .filter(|&place| !leaves(place))
            .map(mixed)
            .collect();
        left.sort_unstable();
        assert!(left.len() > CROWD);
        let expected: Vec<_> = [2, 1, 0]
            .into_iter()
            .chain(left)
            .map(|place| named[place].0)
            .collect();
        assert_eq!(*lock(&woken), expected);
    }
}
