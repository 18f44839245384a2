//! Room for those who have to wait for it, and for those who take it before they know the event.
//!
//! Permits are granted under the registry's lock, so that this sees one thing at a time but for claims.
//! Those without a permit stop at `limit`, which never is above what is not reserved; those with one
//! count it until they are in the tail.

use super::permits::PermitsWord;
use super::{Claim, Refusal, Sequencer, Wakes};
use crate::ring::registry::Registry;
use crate::ring::room::{Place, Wants};
use crate::ring::sequence::oldest;
use crate::sync::{Backoff, Ordering, acquire, release, step};
use crate::wait::{gather, wake_gathered};
use std::task::{Poll, Waker, ready};

/// What is claimed, and what may be by those who have permits.
struct Taken {
    permits: PermitsWord,
    tail: u64,
}

impl Sequencer {
    /// Takes back what may be claimed without a permit, if there is something. The tail then, which until
    /// the registry is unlocked moves only by permits that are used.
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

    /// What is taken, until the registry is unlocked: nothing more can be claimed without a permit.
    fn taken(&self) -> Taken {
        let permits = self.permits.load();
        let tail = self.take_back();
        let tail = tail.unwrap_or_else(|| self.tail.load().sequence());
        Taken { permits, tail }
    }

    /// Where that ends, under the registry's lock.
    pub(super) fn taken_exactly(&self) -> u64 {
        let backoff = Backoff::new();
        loop {
            let permits = self.permits.load();
            let tail = self.tail.load().sequence();
            if self.permits.are_still(permits, false) {
                return tail + permits.out();
            }
            backoff.snooze();
        }
    }

    /// Grants somebody room beside what is taken, if there is enough. With `waits`, a refusal leaves the
    /// laggard flagged.
    #[inline]
    fn grant(
        &self,
        taken: &mut Taken,
        registry: &mut Registry,
        wants: Wants,
        waits: bool,
    ) -> Option<u64> {
        let backoff = Backoff::new();
        loop {
            let reserved = taken.permits.out();
            let next = taken.tail + reserved;
            let floor = oldest(next + wants.least, self.capacity);
            if let Ok(slowest) = registry.gating.reached(floor, waits) {
                let room = slowest.saturating_add(self.capacity) - next;
                // With no gating receiver, no more than one that comes can bear.
                let grant = room.min(self.capacity - reserved).min(wants.most);
                if grant >= wants.least {
                    self.permits.grant(grant);
                    taken.permits.grant(grant);
                    return Some(grant);
                }
            }
            if self.is_refused(taken.permits, registry, waits) {
                return None;
            }
            backoff.snooze();
            *taken = self.taken();
        }
    }

    /// Whether it holds that there is not enough room beside so many permits. One that is being used is
    /// counted until after its claim is in the tail: then the two count too much.
    pub(super) fn is_refused(
        &self,
        permits: PermitsWord,
        registry: &Registry,
        waits: bool,
    ) -> bool {
        // With no gating receiver, who waits waits for a permit to be used.
        let awaited = waits && registry.gating.is_empty();
        self.permits.are_still(permits, awaited)
    }

    /// Grants those who wait what there is, in the order in which they came. If some still wait for
    /// a gating receiver, one that is behind is left flagged (I6).
    pub(super) fn serve(&self, registry: &mut Registry, wakes: &mut Wakes) {
        self.permits.unawait();
        if !registry.room.is_awaited() {
            return;
        }
        let mut taken = self.taken();
        while let Some(wants) = registry.room.first_wants() {
            let grant = self.grant(&mut taken, registry, wants, step("pass-flag-on"));
            let Some(served) = grant.and_then(|grant| registry.room.serve_first(grant)) else {
                return;
            };
            let (ticket, waker) = served;
            self.served.store(ticket + 1, release("served-store"));
            if step("wake-served") {
                wakes.serve(waker);
            }
        }
    }

    /// Whether who has this ticket was granted what he waited for.
    ///
    /// Acquire: what the gating receivers read before, which who granted it has seen, lies behind him.
    #[inline]
    fn is_served(&self, ticket: u64) -> bool {
        ticket < self.served.load(acquire("served-load"))
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
        let granted = self.grant(&mut self.taken(), &mut registry, wants, false);
        granted.ok_or(Refusal::Full)
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
        // Who wants just one was granted one.
        let served = |&ticket: &u64| wants.most == 1 && self.is_served(ticket);
        if place.ticket.take_if(|ticket| served(ticket)).is_some() {
            return Poll::Ready(self.claim_reserved(1));
        }
        let arrivals = self.arrivals.load(Ordering::Relaxed);
        let polled = self.poll_or_stand(place, waker, wants, |registry, place| {
            if place.is_taken() {
                let granted = self.poll_grant(registry, place, wants);
                return granted.map_ok(|count| (None, count));
            }
            match self.raise_and_claim(registry, wants.most, step("flag-laggard")) {
                Err(Refusal::Full) => Poll::Pending,
                claimed => Poll::Ready(claimed.map(|(first, count)| (Some(first), count))),
            }
        });
        Poll::Ready(match ready!(polled)? {
            (Some(first), count) => Ok(self.claimed(first, count, arrivals, None)),
            (None, count) => self.claim_reserved(count),
        })
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
                place.former = self.give_up(registry, ticket);
                None
            }
            Some(ticket) if self.is_served(ticket) => Some(registry.room.collect(ticket)),
            Some(_) => None,
            None if closed || registry.room.is_awaited() => None,
            None => self.grant(&mut self.taken(), registry, wants, step("flag-laggard")),
        };
        let answer = match granted {
            Some(count) => Ok(count),
            None if closed => Err(Refusal::Closed),
            None => return Poll::Pending,
        };
        place.ticket = None;
        Poll::Ready(answer)
    }

    /// P3 and P4 with permits, which are used up, also if the ring is closed.
    pub(crate) fn claim_reserved(&self, count: u64) -> Result<Claim, Refusal> {
        let arrivals = self.arrivals.load(Ordering::Relaxed);
        if step("permit-begin") {
            self.permits.begin_use();
        }
        let claimed = self.claim_beyond_limit(count);
        let awaited = self.permits.end_use(count);
        let mut claim = self.claimed(claimed?, count, arrivals, None);
        claim.hand_over |= awaited;
        Ok(claim)
    }

    /// P3, whatever `limit` is.
    fn claim_beyond_limit(&self, count: u64) -> Result<u64, Refusal> {
        let mut seen = self.tail.load();
        while !seen.is_closed() {
            match self.tail.claim(seen, count) {
                Ok(()) => return Ok(seen.sequence()),
                Err(found) => seen = found,
            }
        }
        Err(Refusal::Closed)
    }

    /// Gives back what was reserved.
    pub(crate) fn give_back(&self, count: u64) {
        let registry = self.lock();
        self.permits.give_back(count);
        self.serve_others(registry);
    }

    /// Gives a place in the queue up, or what was granted there.
    fn give_up(&self, registry: &mut Registry, ticket: u64) -> Option<Waker> {
        if self.is_served(ticket) {
            self.permits.give_back(registry.room.collect(ticket));
            return None;
        }
        registry.room.leave(ticket)
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
            self.give_up(&mut registry, ticket)
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
