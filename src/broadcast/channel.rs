//! The algorithm of the channel: one word to claim by, and a lock in each slot.
//!
//! The ring of [`EventBus`](crate::EventBus) is for receivers that read in parallel. This one makes
//! the opposite bargain, that of tokio's channel: one receiver of a value at a time, and an exact
//! count of those who still need it. So it asks for `T: Send` only, a value goes as the last one
//! receives it, and nobody ever looks at all receivers.
//!
//! ```text
//!  tail   [ sequence | receivers | WATCHED | WAITING | CLOSED ]
//!                                  claim × subscribe × leave × wait × close
//!  slot   [ sequence | remaining | LOCKED ]  value                send × receive × leave × clone
//! ```
//!
//! Sequences count values modulo 2^41 (`words.rs`); sequence `s` lives in slot `s % capacity`.
//!
//! # Send
//!
//! * **S1** Claim by compare-and-swap of `tail`: the next sequence, and who needs its value: as many
//!   as there are receivers in that word. None: hand the value back. WAITING comes off.
//! * **S2** Have the slot: its state is that of one lap before, and nobody needs that; or somebody
//!   does, then lock it. A receiver that reads it, and a publisher that is one lap behind, are waited
//!   for.
//! * **S3** Write the value; the old one, if it was needed still, comes out.
//! * **S4** Commit: store the state, with how many need the value.
//! * **S5** WAITING came off at S1: wake all who stand in the list, in their order.
//! * **S6** Drop the old value. Nothing is held.
//!
//! # Receive
//!
//! * **R1** Look at the slot's state. Of the position: lock it by compare-and-swap. Older: empty.
//! * **R2** Newer: lagged. The tail says by how many; go on with the oldest retained value.
//! * **R3** Clone the value.
//! * **R4** One less needs it. The last one takes it out. Unlock by a store; drop what was taken out.
//!   Also if the clone panics.
//!
//! So a send costs one read-modify-write, and so does a receive, however many receivers there are
//! and whoever lags.
//!
//! # Subscribe, leave, clone
//!
//! One receiver more or less in `tail`: the word's sequence at that moment says exactly which values
//! count it. A new one starts there. One that leaves owes what lies between its position and that
//! sequence: it does R4 for each of these values that is still there. The clone of a receiver is
//! counted in `remaining` of each of these. Both wait for what is claimed and not yet committed.
//!
//! # Waiting
//!
//! Stand in the list, then set WAITING in `tail` by a read-modify-write (or find it set). The claim
//! that ends the wait is one of the same word: either it takes WAITING off, and wakes the list once
//! the value is there; or the sequence has moved on already, and the value is about to come: look
//! again until it does. Closing sets CLOSED in the same word, and wakes the list if WAITING was there.
//!
//! Whoever waits for the last receiver to go does the same with WATCHED, in a list of its own; the one
//! that leaves last finds it in the word that it takes itself off.
//!
//! # Invariants
//!
//! * **I1** A slot's value is touched by one at a time: whoever locked it, or the publisher that
//!   claimed the next lap, once nobody needs this one: all who were counted have received it or left.
//! * **I2** `remaining` is how many of the receivers counted by the claim, or cloned from one of
//!   these, have neither received it nor left. The value is there while that is not 0, and only then.
//! * **I3** Whoever waits stands in the list before it relies on WAITING.
//!
//! # Ordering
//!
//! | operation | label | ordering | pairs with | weaker, this breaks |
//! |---|---|---|---|---|
//! | slot load (R1, S2) | `slot-load` | Acquire | the stores | a value is written while it is dropped; lag is counted by an old tail |
//! | slot lock | `lock-acquire` | Acquire | the stores | what a receiver did to the value is not seen by the next one, if a clone made the count what it was |
//! | slot store (S4) | `commit-store` | Release | load, lock | the value is not seen |
//! | slot store (R4) | `unlock-store` | Release | load, lock | that it was read, or taken out, is not seen |
//! | slot store (clone) | `share-store` | Release | load, lock | the same |
//! | `tail` leave | `leave-release` | Release | count | who sees the last receiver gone does not see what it did |
//! | `tail` count | `count-acquire` | Acquire | leave | the same |
//! | `tail` close | `end-release` | Release | end | what was done before closing is not seen at the end |
//! | `tail` end | `end-acquire` | Acquire | close | the same |
//!
//! All else is Relaxed: `tail` is one word, whose modification order settles what meets there, and
//! who stands in the list is known by the list's lock.

use super::slot::{Locked, Slot};
use super::words::{Sequence, TailWord};
use crate::handles::Handles;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, acquire, arc_in_place, release, step};
use crate::wait::{Notifier, Waking, wake_gathered};
use std::cmp::Ordering as Is;

/// What senders and receivers share. `tail` stands on a line of its own; what is hardly ever touched
/// keeps it from what everybody reads.
#[repr(C)]
pub(super) struct Channel<T> {
    slots: Box<[Slot<T>]>,
    /// CLOSED is in `tail`, or about to be: receivers that find nothing look there only then.
    closing: AtomicBool,
    /// Those who wait for the last receiver to go.
    deserted: Notifier,
    pub(super) senders: Handles,
    pub(super) weak_senders: Handles,
    tail: AtomicU64,
    /// Where [`needed`](Self::needed) found the oldest value that was needed. A guess for the next time.
    oldest: AtomicU64,
    _after: [u64; 6],
    /// Receivers that wait for a value.
    waiting: Notifier,
    waking: Waking,
}

/// What a receiver that waits finds in `tail`.
pub(super) enum Mark {
    /// WAITING is there: the next claim wakes.
    Set,
    /// The value that it waits for is claimed, and about to come.
    Claimed,
    /// It will not come.
    Closed,
}

impl<T> Channel<T> {
    /// A channel with one sender, and so many receivers, which stand at the first value. `None` if it does
    /// not fit into memory.
    pub(super) fn new(capacity: usize, receivers: u64) -> Option<Arc<Self>> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity).ok()?;
        let slot = |slot| Slot::new(Sequence::before_first(slot, capacity as u64));
        slots.extend((0..capacity).map(slot));
        Some(arc_in_place(|| Self {
            slots: slots.into_boxed_slice(),
            closing: AtomicBool::new(false),
            deserted: Notifier::new(),
            senders: Handles::new(1),
            weak_senders: Handles::new(0),
            tail: AtomicU64::new(TailWord::FIRST.0 + receivers * TailWord::RECEIVER),
            oldest: AtomicU64::new(Sequence::FIRST.0),
            _after: [0; 6],
            waiting: Notifier::new(),
            waking: Waking::new(),
        }))
    }

    #[inline]
    fn capacity(&self) -> u64 {
        self.slots.len() as u64
    }

    #[inline]
    fn slot(&self, sequence: Sequence) -> &Slot<T> {
        &self.slots[sequence.slot(self.capacity())]
    }

    /// Relaxed: whoever decides by what is in it does so by a read-modify-write.
    #[inline]
    fn tail(&self) -> TailWord {
        TailWord(self.tail.load(Ordering::Relaxed))
    }

    /// S1 to S6. The number of receivers; the value comes back if there are none.
    #[inline]
    #[allow(unsafe_code)]
    pub(super) fn send(&self, value: T) -> Result<u64, T> {
        let Some(tail) = self.claim() else {
            return Err(value);
        };
        let (sequence, receivers) = (tail.sequence(), tail.receivers());
        let before = sequence.minus(self.capacity());
        // SAFETY: the claim is ours alone, and the slot that of the sequence.
        let old = unsafe {
            self.slot(sequence)
                .publish(before, sequence, value, receivers)
        };
        if tail.is_waiting() && step("send-notify") {
            self.waking.notify(&self.waiting);
        }
        drop(old);
        Ok(receivers)
    }

    /// S1.
    #[inline]
    fn claim(&self) -> Option<TailWord> {
        let mut tail = self.tail();
        loop {
            if tail.receivers() == 0 {
                return None;
            }
            let claimed = tail.claimed().0;
            if !step("claim-word") {
                self.tail.store(claimed, Ordering::Relaxed);
                return Some(tail);
            }
            match self.tail.compare_exchange_weak(
                tail.0,
                claimed,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(tail),
                Err(found) => tail = TailWord(found),
            }
        }
    }

    /// One receiver more. Where it starts.
    ///
    /// # Panics
    ///
    /// If there are 2^20 - 1.
    #[track_caller]
    pub(super) fn subscribe(&self) -> Sequence {
        let mut tail = self.tail();
        loop {
            assert!(
                tail.receivers() < TailWord::MAX_RECEIVERS,
                "a broadcast channel has at most {} receivers",
                TailWord::MAX_RECEIVERS
            );
            let more = tail.0 + TailWord::RECEIVER;
            match self.tail.compare_exchange_weak(
                tail.0,
                more,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return tail.sequence(),
                Err(found) => tail = TailWord(found),
            }
        }
    }

    /// A receiver at the same position as one that is borrowed.
    #[track_caller]
    pub(super) fn duplicate(&self, position: Sequence) {
        let end = self.subscribe();
        for sequence in self.owed(position, end) {
            if let Some(locked) = self.slot(sequence).lock_committed(sequence) {
                if step("share-owed") {
                    locked.share();
                } else {
                    std::mem::forget(locked);
                }
            }
        }
    }

    /// One receiver less, which stood at this position. Wakes those who wait for the last one to go
    /// once what it owed is dropped, also if a drop panics.
    pub(super) fn leave(&self, position: Sequence) {
        let one = TailWord::RECEIVER;
        let tail = TailWord(self.tail.fetch_sub(one, release("leave-release")));
        let mut debt = Debt {
            channel: self,
            owed: self.owed(position, tail.sequence()),
            watched: tail.receivers() == 1 && tail.is_watched(),
        };
        if step("pay-owed") {
            debt.pay();
        }
    }

    /// What a receiver at this position needs of what is retained below `end`.
    fn owed(&self, position: Sequence, end: Sequence) -> impl Iterator<Item = Sequence> + use<T> {
        let owed = end.since(position).min(self.capacity());
        let first = end.minus(owed);
        (0..owed).map(move |value| first.plus(value))
    }

    /// R1: locks the value at the position, and moves past it. Else says how what is in its slot
    /// stands to it.
    #[inline]
    pub(super) fn next(&self, position: &mut Sequence) -> Result<Locked<'_, T>, Is> {
        let locked = self.slot(*position).lock(*position)?;
        *position = position.plus(1);
        Ok(locked)
    }

    /// R2. The tail is at least a lap ahead: the newer state was stored after its claim.
    /// Moves to the oldest retained value, and says how many were missed.
    #[cold]
    pub(super) fn lagged(&self, position: &mut Sequence) -> u64 {
        let oldest = self.tail().sequence().minus(self.capacity());
        let missed = oldest.since(*position);
        *position = oldest;
        missed
    }

    /// Whether nothing will ever come at this position, by somebody who found nothing there.
    #[inline]
    pub(super) fn is_ended(&self, position: Sequence) -> bool {
        self.closing.load(Ordering::Relaxed) && self.has_ended(position)
    }

    /// Acquire pairs with [`close`](Self::close).
    #[cold]
    fn has_ended(&self, position: Sequence) -> bool {
        let tail = TailWord(self.tail.load(acquire("end-acquire")));
        tail.is_closed() && tail.sequence() == position
    }

    /// For somebody in the list who found nothing at this position.
    pub(super) fn mark(&self, position: Sequence) -> Mark {
        let mut tail = TailWord(self.tail.load(acquire("end-acquire")));
        let look = |tail: TailWord| match tail {
            _ if tail.sequence() != position => Some(Mark::Claimed),
            _ if tail.is_closed() => Some(Mark::Closed),
            _ if tail.is_waiting() => Some(Mark::Set),
            _ => None,
        };
        if let Some(mark) = look(tail) {
            return mark;
        }
        if step("wait-word") {
            let acquire = acquire("end-acquire");
            tail = TailWord(self.tail.fetch_or(TailWord::WAITING, acquire));
        } else {
            let waiting = tail.0 | TailWord::WAITING;
            self.tail.store(waiting, Ordering::Relaxed);
        }
        look(tail).unwrap_or(Mark::Set)
    }

    pub(super) fn waiting(&self) -> &Notifier {
        &self.waiting
    }

    pub(super) fn deserted(&self) -> &Notifier {
        &self.deserted
    }

    pub(super) fn give_way(&self) -> bool {
        self.waking.give_way()
    }

    /// No sender is left: receivers get what is there, then the end.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        let closed = release("end-release");
        let tail = TailWord(self.tail.fetch_or(TailWord::CLOSED, closed));
        if tail.is_waiting() && step("end-notify") {
            self.waking.notify(&self.waiting);
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        TailWord(self.tail.load(acquire("end-acquire"))).is_closed()
    }

    /// Acquire pairs with [`leave`](Self::leave).
    pub(super) fn receivers(&self) -> usize {
        TailWord(self.tail.load(acquire("count-acquire"))).receivers() as usize
    }

    /// Whether no receiver is left. With `listed`, the last one to leave wakes those who wait for that.
    pub(super) fn is_deserted(&self, listed: bool) -> bool {
        if listed && step("watch-word") {
            let acquire = acquire("count-acquire");
            let tail = TailWord(self.tail.fetch_or(TailWord::WATCHED, acquire));
            return tail.receivers() == 0;
        }
        self.receivers() == 0
    }

    /// How many values there are from this position on, retained or not.
    pub(super) fn since(&self, position: Sequence) -> usize {
        self.tail().sequence().since(position) as usize
    }

    /// How many retained values somebody still needs. They are the newest ones: so a search finds the
    /// oldest, which goes in growing steps from where it was last, then bisects. Two looks if it has not
    /// moved.
    pub(super) fn needed(&self) -> usize {
        let end = self.tail().sequence();
        let is_needed = |values| {
            let sequence = end.minus(values);
            self.slot(sequence).is_needed(sequence)
        };
        let oldest = self.oldest.load(Ordering::Relaxed);
        let (mut needed, mut most, mut stride) = (0, end.since(Sequence(oldest)), 0);
        if most >= self.capacity() || is_needed(most + 1) {
            most = self.capacity();
        }
        while needed < most {
            let values = match needed {
                0 => most.saturating_sub(stride).max(1),
                _ => (needed + most).div_ceil(2),
            };
            if is_needed(values) {
                needed = values;
            } else {
                most = values - 1;
                stride = 2 * stride + 1;
            }
        }
        let found = end.minus(needed).0;
        if found != oldest {
            self.oldest.store(found, Ordering::Relaxed);
        }
        needed as usize
    }
}

/// What a receiver that left owes. Dropped, it pays the rest, and wakes.
struct Debt<'a, T, I: Iterator<Item = Sequence>> {
    channel: &'a Channel<T>,
    owed: I,
    /// Somebody waits for it, the last one, to be gone.
    watched: bool,
}

impl<T, I: Iterator<Item = Sequence>> Debt<'_, T, I> {
    fn pay(&mut self) {
        for sequence in self.owed.by_ref() {
            drop(self.channel.slot(sequence).lock_committed(sequence));
        }
    }
}

impl<T, I: Iterator<Item = Sequence>> Drop for Debt<'_, T, I> {
    fn drop(&mut self) {
        if step("pay-owed") {
            self.pay();
        }
        if self.watched && step("last-notify") {
            self.channel.deserted.gather();
            wake_gathered();
        }
    }
}

#[cfg(all(test, not(eventring_loom)))]
mod tests {
    use super::*;

    /// A guess may be anything: it is as old as the last answer, and sequences wrap.
    #[test]
    fn how_many_are_needed_does_not_depend_on_the_guess() {
        let channel = Channel::new(8, 1).expect("memory");
        let mut position = Sequence::FIRST;
        for sent in 0..40_u64 {
            channel.send(sent).expect("a receiver");
            if sent % 5 == 4 && matches!(channel.next(&mut position), Err(Is::Greater)) {
                channel.lagged(&mut position);
            }
            let needed = channel.since(position).min(8);
            for guess in 0..60 {
                let guess = Sequence::FIRST.minus(10).plus(guess);
                channel.oldest.store(guess.0, Ordering::Relaxed);
                assert_eq!(channel.needed(), needed, "{sent} sent, from {guess:?}");
            }
        }
    }
}
