//! Waiting, written once: try, listen, try again, await.
//!
//! Whoever has to wait (a receiver for an event, a publisher for room, a drain for the receivers)
//! implements [`Wait`]; [`Waiter::poll`] and [`block`] do the rest. This is the only file that
//! names [event-listener], which keeps the lists of waiters and parks the threads among them.
//!
//! # No waker runs under a lock
//!
//! event-listener wakes while it holds the list's lock, and miscounts if a waker panics there. So
//! it never gets to see a user's waker: what it holds is a [`Relay`], which moves the waker into a
//! thread-local list ([`WOKEN`]); [`wake_gathered`] wakes what is there once nothing is held, one
//! after the other, whatever any of them does. A relay lives as long as its [`Waiter`], so that a
//! wait allocates just event-listener's node.
//!
//! [event-listener]: https://docs.rs/event-listener

use crate::sync::{Mutex, const_thread_local, lock};
use event_listener::{Event, EventListener, Listener as _};
use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc; // as `std::task::Wake` wants it, also under loom
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// Something to wait for.
pub(crate) trait Wait {
    type Output;

    /// Tells apart what a waiter may wait for in turn: a listener is kept between two polls only
    /// while this stays the same.
    fn key(&self) -> u64 {
        0
    }

    /// Tries. With `listening`, a failure must also leave the mark (WAITING or FLAGGED) by which
    /// the other side knows that it has to notify; the listener stands in its list already (I7).
    fn attempt(&mut self, listening: bool) -> Option<Self::Output>;

    /// Starts to listen to whoever can make the attempt succeed.
    fn listen(&self) -> Listener;
}

/// A list of waiters. All are notified at once.
#[derive(Debug)]
pub(crate) struct Notifier(Event);

impl Notifier {
    pub(crate) fn new() -> Self {
        Self(Event::new())
    }

    pub(crate) fn listen(&self) -> Listener {
        Listener(Some(self.0.listen()))
    }

    /// Notifies all who listen. Threads run at once; the wakers of tasks are gathered, and the
    /// caller owes them a [`wake_gathered`] as soon as it holds nothing.
    pub(crate) fn gather(&self) {
        self.0.notify(usize::MAX);
    }
}

/// A place in a notifier's list.
#[derive(Debug)]
pub(crate) struct Listener(Option<EventListener>);

impl Listener {
    fn inner(&mut self) -> &mut EventListener {
        self.0.as_mut().expect("taken only by `wait` and `drop`")
    }

    /// Parks the thread until notified (`true`) or until the deadline has passed.
    fn wait(mut self, deadline: Option<Instant>) -> bool {
        match (self.0.take(), deadline) {
            (Some(listener), None) => {
                listener.wait();
                true
            }
            (Some(listener), Some(deadline)) => listener.wait_deadline(deadline).is_some(),
            (None, _) => unreachable!("a listener waits once"),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(listener) = self.0.take() {
            // Not just dropped: one that was notified would hand that on, and wake somebody else
            // for nothing. All were notified who listened.
            listener.discard();
        }
    }
}

const_thread_local! {
    /// Wakers that this thread took out under an event's lock and has yet to wake.
    static WOKEN: RefCell<Vec<Waker>> = RefCell::new(Vec::new());
}

/// Wakes what this thread has gathered. All are woken even if some panic; the first panic goes on.
/// Wakers are user code: nothing may be held here.
pub(crate) fn wake_gathered() {
    let Ok(Some(mut woken)) = WOKEN.try_with(|woken| {
        let mut woken = woken.borrow_mut();
        (!woken.is_empty()).then(|| std::mem::take(&mut *woken))
    }) else {
        return;
    };
    let mut panic: Option<Box<dyn Any + Send>> = None;
    for waker in woken.drain(..) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            panic.get_or_insert(payload);
        }
    }
    // Keep the allocation for the next time; nothing else can have gathered in between, since
    // whatever the wakers notified was woken before they returned.
    let _ = WOKEN.try_with(|empty| empty.replace(woken));
    if let Some(payload) = panic {
        if !std::thread::panicking() {
            resume_unwind(payload);
        }
    }
}

/// What event-listener holds in place of a user's waker.
#[derive(Debug)]
struct Relay(Mutex<Option<Waker>>);

impl Wake for Relay {
    /// Runs under the event's lock: only moves the waker.
    fn wake(self: Arc<Self>) {
        let Some(waker) = lock(&self.0).take() else {
            return;
        };
        let mut waker = Some(waker);
        let gathered = WOKEN.try_with(|woken| {
            if let Some(waker) = waker.take() {
                woken.borrow_mut().push(waker);
            }
        });
        if let (Err(_), Some(waker)) = (gathered, waker) {
            // The thread is ending and its list is gone: better under a lock than never.
            waker.wake();
        }
    }
}

/// A waiter's place between two polls: at most one listener, and one relay for all its waits.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    listening: Option<(u64, Listener)>,
    relay: Option<(Arc<Relay>, Waker)>,
    armed: bool,
}

impl Waiter {
    /// Tries; listens and tries again; else leaves `cx`'s waker to be woken.
    pub(crate) fn poll<W: Wait>(&mut self, cx: &mut Context<'_>, wait: &mut W) -> Poll<W::Output> {
        loop {
            let key = wait.key();
            let listening = matches!(self.listening, Some((kept, _)) if kept == key);
            if let Some(output) = wait.attempt(listening) {
                self.listening = None;
                self.disarm();
                return Poll::Ready(output);
            }
            if !listening {
                self.listening = Some((key, wait.listen()));
            } else if self.poll_listener(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_listener(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (relay, relay_waker) = self.relay.get_or_insert_with(|| {
            let relay = Arc::new(Relay(Mutex::new(None)));
            (Arc::clone(&relay), Waker::from(relay))
        });
        // Armed with this waker already, unless it was taken meanwhile: a clone may be needed, and
        // cloning and dropping wakers is user code.
        let armed =
            self.armed && matches!(&*lock(&relay.0), Some(old) if old.will_wake(cx.waker()));
        if !armed {
            let waker = cx.waker().clone();
            let old = lock(&relay.0).replace(waker);
            drop(old);
            self.armed = true;
        }
        let Some((_, listener)) = &mut self.listening else {
            unreachable!("polled only while listening");
        };
        let notified = Pin::new(listener.inner()).poll(&mut Context::from_waker(relay_waker));
        if notified.is_ready() {
            self.listening = None;
        }
        notified
    }

    /// Forgets the waker, for a future that ends. The listener stays, for the next one.
    pub(crate) fn disarm(&mut self) {
        if self.armed {
            self.armed = false;
            if let Some((relay, _)) = &self.relay {
                let old = lock(&relay.0).take();
                drop(old);
            }
        }
    }
}

/// Blocks the thread until the attempt succeeds, or until the deadline has passed (`None`).
pub(crate) fn block<W: Wait>(wait: &mut W, deadline: Option<Instant>) -> Option<W::Output> {
    let mut listener: Option<Listener> = None;
    loop {
        if let Some(output) = wait.attempt(listener.is_some()) {
            return Some(output);
        }
        match listener.take() {
            None => listener = Some(wait.listen()),
            Some(listener) => {
                if !listener.wait(deadline) {
                    return wait.attempt(false);
                }
            }
        }
    }
}
