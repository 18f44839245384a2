//! A reader and its waiting: what a receiver is made of.

use crate::coop::Budget;
use crate::outcome::{RecvError, TryRecvError};
use crate::reader::{Pinned, Reader, Receive};
use crate::ring::{Attached, CursorRef, Kind, Ring, Wanted};
use crate::sync::{Arc, step};
use crate::wait::Waiter;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use crate::wait::{Limit, block_within};
use std::mem::needs_drop;
use std::task::{Context, Poll, ready};

/// In this order, as what a reader reads comes first in it.
#[repr(C)]
pub(crate) struct Subscription<E> {
    reader: Reader<E>,
    waiter: Waiter,
    budget: Budget,
    /// It has reported that the bus is closed and drained.
    ended: bool,
}

impl<E> Subscription<E> {
    /// Always inlined, as what it calls is: what owes nothing is built where it stays, not copied there.
    #[inline(always)]
    pub(crate) fn new(ring: &Arc<Ring<E>>, wanted: Wanted) -> Self {
        let attached = ring.sequencer.subscribe(&wanted);
        let Wanted { leader, name, .. } = wanted;
        drop(name);
        if attached.awaited || (needs_drop::<E>() && attached.caught_up.is_some()) {
            return Self::arrived(ring, attached, leader);
        }
        Self::attached(ring, attached, leader)
    }

    /// One that owes something to others, having come.
    #[inline(never)]
    fn arrived(ring: &Arc<Ring<E>>, attached: Attached, leader: Option<CursorRef>) -> Self {
        let (awaited, caught_up) = (attached.awaited, attached.caught_up);
        let subscription = Self::attached(ring, attached, leader);
        if awaited {
            ring.sequencer.tell_attended();
        }
        if let Some(end) = caught_up.filter(|_| step("caught-up-newcomer")) {
            subscription.reader.caught_up(end);
        }
        subscription
    }

    #[inline(always)]
    fn attached(ring: &Arc<Ring<E>>, attached: Attached, leader: Option<CursorRef>) -> Self {
        Self {
            reader: Reader::new(ring, attached, leader),
            waiter: Waiter::default(),
            budget: Budget::new(),
            ended: false,
        }
    }

    pub(crate) fn reader(&self) -> &Reader<E> {
        &self.reader
    }

    pub(crate) fn reader_mut(&mut self) -> &mut Reader<E> {
        &mut self.reader
    }

    /// Goes back to what is not committed.
    pub(crate) fn rewind(&mut self) {
        if self.reader.rewind() {
            self.ended = false;
        }
    }

    pub(crate) fn ring(&self) -> &Arc<Ring<E>> {
        self.reader.ring()
    }

    /// How many events are there to be received or missed.
    pub(crate) fn len(&self) -> usize {
        if self.reader.evicted().is_some() {
            return 0;
        }
        let tail = self.ring().sequencer.tail().sequence();
        (tail - self.reader.position()) as usize
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.ring().sequencer.tail().is_closed()
    }

    /// Whether the end was reached: the bus is closed, everything in it was received, and this
    /// receiver has said so.
    pub(crate) fn is_terminated(&self) -> bool {
        self.ended
    }

    /// How many events are still to be received, as `Stream::size_hint` has it. What is lapped meanwhile
    /// is replaced by what is newer.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        if self.reader.evicted().is_some() {
            return (0, Some(0));
        }
        let sequencer = &self.ring().sequencer;
        let tail = sequencer.tail();
        let unread = tail.sequence() - self.reader.position();
        let sure = tail.sequence().min(self.reader.horizon());
        let sure = sure.saturating_sub(self.reader.position());
        let least = match self.reader.kind() {
            Kind::Evictable => 0,
            _ => sure.min(sequencer.capacity()),
        };
        (least as usize, tail.is_closed().then_some(unread as usize))
    }

    #[inline]
    pub(crate) fn try_receive(&mut self) -> Result<Pinned<'_, E>, TryRecvError> {
        self.reader.pin(false)
    }

    /// Polls for the next event or gap.
    #[inline(always)]
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        receive: impl FnMut(Pinned<'_, E>) -> R,
    ) -> Poll<Result<R, RecvError>> {
        let Self {
            reader,
            waiter,
            budget,
            ended,
        } = self;
        let unit = ready!(budget.poll_unit(cx));
        let received = waiter.poll(cx, &mut Receive { reader, receive });
        budget.settle(unit, received.is_ready());
        if matches!(received, Poll::Ready(Err(RecvError::Closed))) {
            *ended = true;
        }
        received
    }

    /// Polls for the next event, past any gap. `None`: the end.
    #[inline(always)]
    pub(crate) fn poll_event<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut receive: impl FnMut(Pinned<'_, E>) -> R,
    ) -> Poll<Option<R>> {
        loop {
            match ready!(self.poll(cx, &mut receive)) {
                Ok(received) => return Poll::Ready(Some(received)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Poll::Ready(None),
            }
        }
    }

    /// Polls for the next event by value, past any gap: put right where it is handed out, since a
    /// large one would be copied by each call in between.
    #[inline(always)]
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<E>>
    where
        E: Clone,
    {
        let mut event = None;
        let receive = |pinned: Pinned<'_, E>| event = Some(pinned.recv());
        self.poll_event(cx, receive).map(|_| event)
    }

    /// Blocks the thread for the next event or gap. `None`: not within the limit.
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub(crate) fn block<R>(
        &mut self,
        limit: &mut Limit,
        receive: impl FnMut(Pinned<'_, E>) -> R,
    ) -> Option<Result<R, RecvError>> {
        let reader = &mut self.reader;
        block_within(&mut Receive { reader, receive }, limit)
    }

    /// Gives up a wait.
    pub(crate) fn cancel(&mut self) {
        let Self { reader, waiter, .. } = self;
        let receive = |_: Pinned<'_, E>| ();
        waiter.leave(&Receive { reader, receive });
    }
}

impl<E> Drop for Subscription<E> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<E> Clone for Subscription<E> {
    fn clone(&self) -> Self {
        let (attached, leader) = (self.reader.duplicate(), self.reader.leader().cloned());
        Self::arrived(self.ring(), attached, leader)
    }
}

/// A subscription that is lent to a future. If that goes while it waits, so does its waker, and
/// its place in the slot's list.
pub(crate) struct Loan<'a, E> {
    subscription: &'a mut Subscription<E>,
    waiting: bool,
}

impl<'a, E> Loan<'a, E> {
    pub(crate) fn of(subscription: &'a mut Subscription<E>) -> Self {
        Self {
            subscription,
            waiting: false,
        }
    }

    #[inline(always)]
    pub(crate) fn poll<R>(
        &mut self,
        poll: impl FnOnce(&mut Subscription<E>) -> Poll<R>,
    ) -> Poll<R> {
        let received = poll(self.subscription);
        self.waiting = received.is_pending();
        received
    }
}

impl<E> Drop for Loan<'_, E> {
    #[inline]
    fn drop(&mut self) {
        if self.waiting {
            self.subscription.cancel();
        }
    }
}
