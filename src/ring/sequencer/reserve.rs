//! Room for those who have to wait for it, and for those who take it before they know the event.
//!
//! All of this is done under the registry's lock, so that it sees one thing at a time but for the
//! claims without a permit. Those stop at `limit`, which never is above what is not reserved.

use super::{Claim, Refusal, Sequencer, Wakes};
use crate::ring::registry::Registry;
use crate::ring::room::{Place, Wants};
use crate::ring::sequence::oldest;
use crate::sync::{Ordering, step};
use crate::wait::{gather, wake_gathered};
use std::task::{Poll, Waker, ready};

impl Sequencer {
    /// Takes back what may be claimed without a permit, if there is something. The tail then, which stays
    /// where it is until the registry is unlocked.
    ///
    /// The tail's word turns into another one, so that a claim fails that has seen the former limit.
    /// The store is Relaxed: by this limit nothing can be claimed.
    ///
    /// It does not turn back at the same tail: it turns only if the limit was raised since, and who
    /// raises it claims before the registry is unlocked.
    pub(super) fn take_back(&self) -> Option<u64> {
        let tail = self.tail.load().sequence();
        if self.bounds.limit.load(Ordering::Relaxed) <= tail || !step("take-back") {
            return None;
        }
        self.bounds.limit.store(tail, Ordering::Relaxed);
        Some(self.tail.turn().sequence())
    }

    /// Grants somebody room, if there is enough. With `flag`, a refusal leaves the laggard flagged.
    fn grant(&self, registry: &mut Registry, wants: Wants, flag: bool) -> Option<u64> {
        let tail = self.unclaimable();
        self.grant_beyond(tail, registry, wants, flag)
    }

    /// The tail, from which on nothing can be claimed without a permit, until the registry is unlocked.
    fn unclaimable(&self) -> u64 {
        let tail = self.take_back();
        tail.unwrap_or_else(|| self.tail.load().sequence())
    }

    #[inline(always)]
    fn grant_beyond(
        &self,
        tail: u64,
        registry: &mut Registry,
        wants: Wants,
        flag: bool,
    ) -> Option<u64> {
        let (capacity, reserved) = (self.capacity, registry.room.reserved);
        let taken = tail + reserved;
        let floor = oldest(taken + wants.least, capacity);
        let slowest = registry.gating.reached(floor, flag).ok()?;
        let room = slowest.saturating_add(capacity) - taken;
        // With no gating receiver, no more than one that comes can bear.
        let grant = room.min(capacity - reserved).min(wants.most);
        (grant >= wants.least).then(|| {
            registry.room.reserved += grant;
            grant
        })
    }

    /// Grants those who wait what there is, in the order in which they came. If some still wait for
    /// a gating receiver, one that is behind is left flagged (I6).
    pub(super) fn serve(&self, registry: &mut Registry, wakes: &mut Wakes) {
        if !registry.room.is_awaited() {
            return;
        }
        let tail = self.unclaimable();
        while let Some(wants) = registry.room.first_wants() {
            let grant = self.grant_beyond(tail, registry, wants, step("pass-flag-on"));
            let Some(grant) = grant else {
                return;
            };
            let served = registry.room.serve_first(grant);
            if let Some(waker) = served.filter(|_| step("wake-served")) {
                wakes.serve(waker);
            }
        }
    }

    /// Takes room, if there is enough that nobody waits for.
    pub(crate) fn reserve(&self, wants: Wants) -> Result<u64, Refusal> {
        let mut registry = self.lock();
        if self.tail.load().is_closed() {
            return Err(Refusal::Closed);
        }
        if registry.room.is_awaited() {
            return Err(Refusal::Full);
        }
        self.grant(&mut registry, wants, false).ok_or(Refusal::Full)
    }

    /// As [`reserve`](Self::reserve), or stands in the queue. Never [`Refusal::Full`].
    pub(crate) fn poll_reserve(
        &self,
        place: &mut Place,
        waker: &Waker,
        wants: Wants,
    ) -> Poll<Result<u64, Refusal>> {
        self.poll_or_stand(place, waker, wants, |registry, place| {
            self.poll_grant(registry, place, wants)
        })
    }

    /// P2 to P4, slow: claims, or stands in the queue. Never [`Refusal::Full`].
    pub(crate) fn poll_claim(
        &self,
        place: &mut Place,
        waker: &Waker,
        wants: Wants,
    ) -> Poll<Result<Claim, Refusal>> {
        let arrivals = self.arrivals.load(Ordering::Relaxed);
        let claimed = self.poll_or_stand(place, waker, wants, |registry, place| {
            if place.is_taken() {
                let granted = ready!(self.poll_grant(registry, place, wants));
                return Poll::Ready(granted.and_then(|count| self.redeem(registry, count)));
            }
            match self.raise_and_claim(registry, wants.most, step("flag-laggard")) {
                Err(Refusal::Full) => Poll::Pending,
                claimed => Poll::Ready(claimed.map(|(first, count)| (first, count, false))),
            }
        });
        claimed.map_ok(|redeemed| self.redeemed(redeemed, arrivals))
    }

    /// Tries under the lock, and waits if it has to.
    fn poll_or_stand<R>(
        &self,
        place: &mut Place,
        waker: &Waker,
        wants: Wants,
        attempt: impl Fn(&mut Registry, &mut Place) -> Poll<R>,
    ) -> Poll<R> {
        // User code: not under the lock. Who stands there already mostly comes because it was served.
        let mut clone = (!place.is_taken()).then(|| waker.clone());
        loop {
            let mut registry = self.lock();
            let mut polled = attempt(&mut registry, place);
            if polled.is_pending() {
                let marked = self.tail.mark_awaited("mark-awaited");
                if marked.is_closed() && step("closed-unawaited") {
                    polled = attempt(&mut registry, place);
                }
            }
            let stands = |ticket| registry.room.stands(ticket, waker);
            let waits = polled.is_pending() && !place.ticket.is_some_and(stands);
            let settled = !waits || clone.is_some();
            if waits {
                let stand = |waker| registry.room.stand(wants, place, waker);
                clone = clone.and_then(stand);
            }
            drop(registry);
            if settled {
                drop((clone, place.former.take()));
                return polled;
            }
            clone = Some(waker.clone());
        }
    }

    #[inline]
    fn poll_grant(
        &self,
        registry: &mut Registry,
        place: &mut Place,
        wants: Wants,
    ) -> Poll<Result<u64, Refusal>> {
        // Under the lock, which whoever closes takes after it, to wake those who wait.
        let closed = self.tail.load().is_closed() && step("closed-while-waiting");
        let granted = match place.ticket {
            Some(ticket) if closed => {
                place.former = registry.room.leave(ticket);
                None
            }
            Some(ticket) => registry.room.collect(ticket),
            None if closed || registry.room.is_awaited() => None,
            None => self.grant(registry, wants, step("flag-laggard")),
        };
        let answer = match granted {
            Some(count) => Ok(count),
            None if closed => Err(Refusal::Closed),
            None => return Poll::Pending,
        };
        place.ticket = None;
        Poll::Ready(answer)
    }

    /// Claims what was reserved, which makes it no longer reserved. Not if the ring is closed.
    pub(crate) fn claim_reserved(&self, count: u64) -> Result<Claim, Refusal> {
        let arrivals = self.arrivals.load(Ordering::Relaxed);
        let redeemed = self.redeem(&mut self.lock(), count);
        redeemed.map(|redeemed| self.redeemed(redeemed, arrivals))
    }

    /// P3 with permits. Where, how many, and whether somebody waits for one to be used, rather than
    /// for a receiver.
    fn redeem(&self, registry: &mut Registry, count: u64) -> Result<(u64, u64, bool), Refusal> {
        registry.room.reserved -= count;
        let awaited = registry.gating.is_empty() && registry.room.is_awaited();
        let mut seen = self.tail.load();
        while !seen.is_closed() {
            match self.tail.claim(seen, count) {
                Ok(()) => return Ok((seen.sequence(), count, awaited)),
                Err(found) => seen = found,
            }
        }
        Err(Refusal::Closed)
    }

    /// P4 after it.
    fn redeemed(&self, (first, count, awaited): (u64, u64, bool), arrivals: usize) -> Claim {
        let mut claim = self.claimed(first, count, arrivals, None);
        claim.hand_over |= awaited;
        claim
    }

    /// Gives back what was reserved.
    pub(crate) fn give_back(&self, count: u64) {
        let mut registry = self.lock();
        registry.room.reserved -= count;
        self.serve_others(registry);
    }

    /// Gives a place in the queue up, and what was granted there.
    #[inline]
    pub(crate) fn leave(&self, place: &mut Place) {
        if let Some(ticket) = place.ticket.take() {
            self.leave_queue(ticket);
        }
    }

    #[cold]
    fn leave_queue(&self, ticket: u64) {
        let mut registry = self.lock();
        let waker = if step("leave-queue") {
            registry.room.leave(ticket)
        } else {
            None
        };
        self.serve_others(registry);
        drop(waker);
    }

    fn serve_others(&self, mut registry: crate::sync::MutexGuard<'_, Registry>) {
        let mut wakes = Wakes::default();
        if step("pass-turn-on") {
            self.serve(&mut registry, &mut wakes);
        }
        drop(registry);
        self.gather(wakes);
        wake_gathered();
    }

    /// Once the ring is closed: notifies those who wait for room, or behind a committing receiver. The
    /// caller owes a [`wake_gathered`].
    pub(crate) fn dismiss_waiting(&self) {
        let mut registry = self.lock();
        let served = registry.room.dismiss();
        let watched = step("close-watched").then(|| registry.committing());
        drop(registry);
        gather(served);
        watched
            .iter()
            .flatten()
            .for_each(|one| one.watchers().gather());
    }
}
