//! Waiting, written once: try, stand in a list, try again, await.
//!
//! Whoever has to wait (a receiver for an event, a publisher for room, a drain for the receivers)
//! implements [`Wait`]; [`Waiter::poll`] and [`block`] do the rest. [event-listener] parks the
//! threads that block, and is named only here.
//!
//! [event-listener]: https://docs.rs/event-listener

use crate::notifier::{Notifier, Relay, RelayRef};
use crate::sync::{Arc, const_thread_local, step};
use event_listener::{Event, Listener as _};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// Something to wait for.
pub(crate) trait Wait {
    type Output;

    /// Tells apart what a waiter may wait for in turn: it stays in a list between two polls only
    /// while this stays the same.
    fn key(&self) -> u64 {
        0
    }

    /// Tries. With `listed`, a failure must also leave the mark (WAITING or FLAGGED) by which the
    /// other side knows that it has to notify; the waiter stands in the list already (I7).
    fn attempt(&mut self, listed: bool) -> Option<Self::Output>;

    /// Asked before it stands in a list: whether it has let others run, so that it is worth trying
    /// again.
    fn give_way(&mut self) -> bool {
        false
    }

    /// Where they stand who wait for what has this key.
    fn notifier(&self, key: u64) -> &Notifier;
}

impl<W: Wait> Wait for &mut W {
    type Output = W::Output;

    fn key(&self) -> u64 {
        (**self).key()
    }

    fn attempt(&mut self, listed: bool) -> Option<Self::Output> {
        (**self).attempt(listed)
    }

    fn give_way(&mut self) -> bool {
        (**self).give_way()
    }

    fn notifier(&self, key: u64) -> &Notifier {
        (**self).notifier(key)
    }
}

/// A waiter's place between two polls: the relay to the waker that it was polled with last, and
/// the key of what it waits for, if it does.
///
/// The relay is kept when a wait is over, for the next one.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    relay: Option<RelayRef>,
    waits_for: Option<u64>,
}

impl Waiter {
    /// Tries; stands in the list and tries again; else leaves `cx`'s waker to be woken.
    ///
    /// If it stood in the list with this waker before an attempt that fails, then either it still
    /// does, and will be notified, or it was taken out meanwhile, and is going to be woken.
    ///
    /// Always inlined, as is all between it and who awaits: a call takes a dozen stores, and the
    /// next read-modify-write waits for each of them: a sixth of a receive.
    #[inline(always)]
    pub(crate) fn poll<W: Wait>(&mut self, cx: &mut Context<'_>, wait: &mut W) -> Poll<W::Output> {
        let listed = self.is_listed(wait.key(), cx.waker());
        if let Some(output) = wait.attempt(listed || !step("list-before-mark")) {
            self.leave(wait);
            return Poll::Ready(output);
        }
        if listed {
            return Poll::Pending;
        }
        self.stand(cx.waker(), wait)
    }

    /// Stands in the list, and tries again.
    #[inline(never)]
    fn stand<W: Wait>(&mut self, waker: &Waker, wait: &mut W) -> Poll<W::Output> {
        let mut output = None;
        if wait.give_way() {
            output = wait.attempt(false);
        }
        if output.is_none() {
            self.enlist(wait, waker);
            if !step("list-before-mark") {
                return Poll::Pending;
            }
            output = wait.attempt(true);
        }
        if output.is_some() {
            self.leave(wait);
        }
        output.map_or(Poll::Pending, Poll::Ready)
    }

    #[inline]
    fn is_listed(&self, key: u64, waker: &Waker) -> bool {
        self.waits_for == Some(key)
            && matches!(&self.relay, Some(relay) if relay.is_listed() && relay.will_wake(waker))
    }

    fn enlist<W: Wait>(&mut self, wait: &W, waker: &Waker) {
        self.leave(wait);
        if !matches!(&self.relay, Some(relay) if relay.will_wake(waker)) {
            self.relay = Some(Relay::new(waker.clone()));
        }
        if let Some(relay) = &self.relay {
            let key = wait.key();
            wait.notifier(key).add(relay);
            self.waits_for = Some(key);
        }
    }

    #[inline]
    fn leave<W: Wait>(&mut self, wait: &W) {
        if let Some(key) = self.waits_for {
            self.waits_for = None;
            if let Some(relay) = self.relay.as_ref().filter(|_| step("leave-list")) {
                wait.notifier(key).remove(relay);
            }
        }
    }

    /// Gives up the wait, for a future that is dropped before it has resolved: leaves no waker
    /// behind.
    pub(crate) fn cancel<W: Wait>(&mut self, wait: &W) {
        self.leave(wait);
        self.relay = None;
    }
}

/// The future of a wait that is not repeated.
#[derive(Debug)]
pub(crate) struct Waiting<W: Wait> {
    wait: W,
    waiter: Waiter,
}

impl<W: Wait> Waiting<W> {
    pub(crate) fn new(wait: W) -> Self {
        Self {
            wait,
            waiter: Waiter::default(),
        }
    }
}

// Nothing is pinned.
impl<W: Wait> Unpin for Waiting<W> {}

impl<W: Wait> Future for Waiting<W> {
    type Output = W::Output;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        let Self { wait, waiter } = &mut *self;
        waiter.poll(cx, wait)
    }
}

impl<W: Wait> Drop for Waiting<W> {
    #[inline]
    fn drop(&mut self) {
        self.waiter.leave(&self.wait);
    }
}

/// A public future that is nothing but a [`Waiting`].
macro_rules! waiting_future {
    ($(#[$doc:meta])* $name:ident<$event:ident>($wait:ident) -> $output:ty) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless awaited"]
        pub struct $name<'a, $event>(Waiting<$wait<'a, $event>>);

        impl<$event> Future for $name<'_, $event> {
            type Output = $output;

            #[inline(always)]
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                Pin::new(&mut self.0).poll(cx)
            }
        }

        impl<$event> fmt::Debug for $name<'_, $event> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use waiting_future;

/// How a thread waits: as a task does, with a waker that unparks it.
#[derive(Debug)]
struct Parked {
    event: Arc<Event>,
    waker: Waker,
    waiter: Waiter,
}

#[derive(Debug)]
struct Unparker(Arc<Event>);

impl Wake for Unparker {
    fn wake(self: std::sync::Arc<Self>) {
        // A clone, for loom: it sees only this `Arc`'s own counting.
        Arc::clone(&self.0).notify(1);
    }
}

impl Parked {
    fn new() -> Self {
        let event = Arc::new(Event::new());
        let unparker = Unparker(Arc::clone(&event));
        Self {
            event,
            waker: Waker::from(std::sync::Arc::new(unparker)),
            waiter: Waiter::default(),
        }
    }

    fn block<W: Wait>(&mut self, wait: &mut W, deadline: Option<Instant>) -> Option<W::Output> {
        let waiter = std::mem::take(&mut self.waiter);
        let mut waiting = Waiting { wait, waiter };
        let cx = &mut Context::from_waker(&self.waker);
        loop {
            // Before the attempt, so that no wake-up after it is slept through.
            let listener = self.event.listen();
            if let Poll::Ready(output) = Pin::new(&mut waiting).poll(cx) {
                self.waiter = std::mem::take(&mut waiting.waiter);
                return Some(output);
            }
            match deadline {
                None => listener.wait(),
                Some(deadline) if listener.wait_deadline(deadline).is_some() => {}
                Some(_) => return waiting.wait.attempt(false),
            }
        }
    }
}

const_thread_local! {
    /// This thread's, unless it is in use: user code that is called while a thread waits may have
    /// to wait too.
    static PARKED: RefCell<Option<Parked>> = RefCell::new(None);
}

/// Blocks the thread until the attempt succeeds, or until the deadline has passed (`None`).
pub(crate) fn block<W: Wait>(wait: &mut W, deadline: Option<Instant>) -> Option<W::Output> {
    if let Some(output) = wait.attempt(false) {
        return Some(output);
    }
    let kept = PARKED.try_with(|parked| parked.borrow_mut().take());
    let mut parked = kept.ok().flatten().unwrap_or_else(Parked::new);
    let output = parked.block(wait, deadline);
    let _ = PARKED.try_with(|kept| kept.replace(Some(parked)));
    output
}
