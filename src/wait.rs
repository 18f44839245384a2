//! Waiting, written once: try, stand in a list, try again, await.
//!
//! Whoever has to wait (a receiver for an event, a publisher for room, a drain for the receivers)
//! implements [`Wait`]; [`Waiter::poll`] and [`block`] do the rest.

mod notifier;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
mod park;
mod shards;
mod targets;
mod waking;

pub(crate) use notifier::{Notifier, gather, gather_one, wake, wake_gathered, wake_last};
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
pub(crate) use park::{Limit, block, block_on, block_within};
pub(crate) use shards::{SHARDS, Shards, shard};
pub(crate) use targets::Targets;
pub(crate) use waking::Waking;

use crate::sync::step;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, RawWakerVTable, Waker};

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

    /// It is going to stand in a list, and stands in none: it may choose which.
    fn choose_list(&mut self) {}

    /// Where they stand who wait for what has this key.
    fn list(&self, key: u64) -> List<'_>;
}

/// A list of those who wait.
#[derive(Clone, Copy)]
pub(crate) enum List<'a> {
    /// All are notified at once.
    All(&'a Notifier),
    /// Each when what has its key is passed.
    Each(&'a Targets),
}

impl List<'_> {
    #[inline]
    fn add(self, key: u64, waker: Waker) -> u64 {
        match self {
            Self::All(notifier) => notifier.add(waker),
            Self::Each(targets) => targets.add(key, waker),
        }
    }

    /// Its ticket, and the former waker.
    fn exchange(self, key: u64, ticket: u64, waker: Waker) -> (u64, Option<Waker>) {
        match self {
            Self::All(notifier) => notifier.exchange(ticket, waker),
            Self::Each(targets) => (ticket, targets.exchange(key, ticket, waker)),
        }
    }

    #[inline]
    fn remove(self, key: u64, ticket: u64) {
        match self {
            Self::All(notifier) => notifier.remove(ticket),
            Self::Each(targets) => targets.remove(key, ticket),
        }
    }

    #[inline]
    fn is_listed(self, key: u64, ticket: u64) -> bool {
        match self {
            Self::All(notifier) => notifier.is_listed(ticket),
            Self::Each(targets) => targets.is_listed(key, ticket),
        }
    }
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

    fn choose_list(&mut self) {
        (**self).choose_list();
    }

    fn list(&self, key: u64) -> List<'_> {
        (**self).list(key)
    }
}

/// A waiter's place between two polls, if it waits.
#[derive(Debug, Default)]
pub(crate) struct Waiter(Option<Place>);

/// Where it stands, or stood before it was notified.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// What it waits for.
    key: u64,
    ticket: u64,
    /// The waker that it has left there: what [`Waker::will_wake`] compares, which need not be kept
    /// alive for that. While it stands in the list, it is alive there.
    data: usize,
    vtable: &'static RawWakerVTable,
}

impl Place {
    fn is_woken_by(&self, waker: &Waker) -> bool {
        self.data == waker.data() as usize && std::ptr::eq(self.vtable, waker.vtable())
    }
}

impl Waiter {
    /// Tries; stands in the list and tries again; else leaves `cx`'s waker to be woken.
    ///
    /// If it stood in the list with this waker before an attempt that fails, then either it still
    /// does, and will be notified, or it was taken out meanwhile, and is going to be woken.
    ///
    /// Always inlined, as is all between it and who awaits: a call takes a dozen stores, and the
    /// next read-modify-write waits for each of them: a sixth of a receive. Who does not wait yet has
    /// a way of its own, without a call after the attempt, so that its output stays in registers.
    #[inline(always)]
    pub(crate) fn poll<W: Wait>(&mut self, cx: &mut Context<'_>, wait: &mut W) -> Poll<W::Output> {
        if let Some(place) = self.0 {
            return self.poll_again(place, cx.waker(), wait);
        }
        match wait.attempt(!step("list-before-mark")) {
            Some(output) => Poll::Ready(output),
            None => self.stand(cx.waker(), wait),
        }
    }

    #[inline(always)]
    fn poll_again<W: Wait>(
        &mut self,
        place: Place,
        waker: &Waker,
        wait: &mut W,
    ) -> Poll<W::Output> {
        let stands = wait.list(place.key).is_listed(place.key, place.ticket);
        let listed = stands && place.key == wait.key() && place.is_woken_by(waker);
        if let Some(output) = wait.attempt(listed || !step("list-before-mark")) {
            if stands {
                self.leave(wait);
            }
            self.0 = None;
            return Poll::Ready(output);
        }
        if listed {
            return Poll::Pending;
        }
        self.stand(waker, wait)
    }

    /// Stands in the list, and tries again.
    #[inline(never)]
    fn stand<W: Wait>(&mut self, waker: &Waker, wait: &mut W) -> Poll<W::Output> {
        let mut output = None;
        if wait.give_way() {
            output = wait.attempt(false);
        }
        let leaving = Leaving { waiter: self, wait };
        if output.is_none() {
            leaving.waiter.enlist(leaving.wait, waker);
            if step("list-before-mark") {
                output = leaving.wait.attempt(true);
            }
        }
        match output {
            Some(output) => Poll::Ready(output),
            None => {
                std::mem::forget(leaving);
                Poll::Pending
            }
        }
    }

    /// Who comes with another waker keeps the place, as long as the wait is for the same.
    fn enlist<W: Wait>(&mut self, wait: &mut W, waker: &Waker) {
        let key = wait.key();
        if self.0.is_some_and(|place| place.key != key) {
            self.leave(wait);
        }
        if self.0.is_none() || !step("choose-once") {
            wait.choose_list();
        }
        let (list, clone) = (wait.list(key), waker.clone());
        let (ticket, former) = match self.0 {
            Some(place) => list.exchange(key, place.ticket, clone),
            None => (list.add(key, clone), None),
        };
        self.0 = Some(Place {
            key,
            ticket,
            data: waker.data() as usize,
            vtable: waker.vtable(),
        });
        drop(former);
    }

    /// Ends the wait, or gives it up: leaves no waker behind.
    #[inline]
    pub(crate) fn leave<W: Wait>(&mut self, wait: &W) {
        if let Some(place) = self.0.take().filter(|_| step("leave-list")) {
            wait.list(place.key).remove(place.key, place.ticket);
        }
    }
}

/// Dropped, the wait is over: also if user code panics in an attempt.
struct Leaving<'a, W: Wait> {
    waiter: &'a mut Waiter,
    wait: &'a mut W,
}

impl<W: Wait> Drop for Leaving<'_, W> {
    fn drop(&mut self) {
        self.waiter.leave(self.wait);
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

/// A public future that is nothing but another one, and takes part in the budget.
macro_rules! waiting_future {
    ($(#[$doc:meta])* $name:ident<$life:lifetime, $event:ident>($future:ty) -> $output:ty) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless awaited"]
        pub struct $name<$life, $event>($future);

        impl<$life, $event> Future for $name<$life, $event> {
            type Output = $output;

            #[inline(always)]
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                $crate::coop::poll_within(cx, |cx| Pin::new(&mut self.0).poll(cx))
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
