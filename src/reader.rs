//! A receiver's side of the ring: where it stands, and how it reads (R1 to R4).

mod commit;
mod other;

pub(crate) use commit::Held;

use crate::outcome::{RecvError, TryRecvError};
use crate::ring::{Attached, CursorRef, KEPT, Kind, Ring, Sequencer, Slot, Wanted, unread};
use crate::strategy::Start;
use crate::sync::{Arc, AtomicU64, Ordering::Relaxed, step};
use crate::trace;
use crate::wait::{List, Wait, shard, wake_gathered, wake_last};
use std::cmp::Ordering;
use std::mem::needs_drop;

/// A receiver's share in the ring, and its place there.
#[repr(C)]
pub(crate) struct Reader<E> {
    ring: Arc<Ring<E>>,
    place: Place,
}

/// Where a receiver stands. In this order, so that receiving touches one line of it, or two.
#[repr(C)]
struct Place {
    cursor: CursorRef,
    /// The sequence to read next. The cursor says the same, unless it was taken away from there, or
    /// stays behind until it is told to [commit](Reader::commit).
    position: u64,
    way: Way,
    kind: Kind,
    /// In which it stands, or stood last, of a slot's lists.
    shard: u8,
    /// It may have left values in the ring, for others, since it was last counted at the end.
    left_values: bool,
    /// There is more to do at R4: the past may end, or it releases.
    attends: bool,
    /// It has come past another [`KEPT`] events.
    releases: bool,
    /// It moves out what no other one needs: neither history nor a rewind can want it.
    takes: bool,
    /// What is there below, no other receiver needs. Relaxed: written by the owner, or by who copies it.
    sole_until: AtomicU64,
    /// Where it was when it last had to wait.
    waited: u64,
    /// The cursor says the same, to others: on a line that is just being written.
    missed: u64,
    /// The committing receiver's cursor that it stays behind.
    leader: Option<CursorRef>,
    /// The gating cursor of a gating receiver that still reads the past through a lossy one, and
    /// the sequence where it takes over.
    anchor: Option<Box<(u64, CursorRef)>>,
}

/// How it reads: told apart at once for those that are nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Gating,
    Lossy,
    /// It commits, can be evicted, or stays behind another one.
    Other,
}

impl Way {
    fn of(kind: Kind, leader: Option<&CursorRef>) -> Self {
        match (kind, leader) {
            (Kind::Gating, None) => Self::Gating,
            (Kind::Lossy, None) => Self::Lossy,
            _ => Self::Other,
        }
    }

    /// It goes only by itself, and never goes back.
    fn is_sure(self) -> bool {
        self != Self::Other
    }
}

impl<E> Reader<E> {
    /// Attaches another one at the same position, or at what is committed.
    pub(crate) fn duplicate(&self) -> Attached {
        let Place {
            cursor,
            kind,
            anchor,
            position,
            ..
        } = &self.place;
        if step("copy-needs-it-too") {
            self.place.sole_until.store(0, Relaxed);
        }
        let sequencer = &self.ring.sequencer;
        let position = match kind {
            Kind::Committing => cursor.committed().min(*position),
            _ => *position,
        };
        sequencer.duplicate(position, cursor, *kind, anchor.as_deref())
    }

    #[inline(always)]
    pub(crate) fn new(ring: &Arc<Ring<E>>, attached: Attached, leader: Option<CursorRef>) -> Self {
        let Attached {
            position,
            cursor,
            kind,
            anchor,
            ..
        } = attached;
        Self {
            ring: Arc::clone(ring),
            place: Place {
                attends: anchor.is_some(),
                releases: false,
                shard: 0,
                cursor,
                kind,
                way: Way::of(kind, leader.as_ref()),
                leader,
                anchor: anchor.map(Box::new),
                position,
                waited: position,
                missed: 0,
                sole_until: AtomicU64::new(0),
                left_values: false,
                takes: ring.sequencer.history() == 0
                    && (kind != Kind::Committing || !step("keep-uncommitted")),
            },
        }
    }

    pub(crate) fn leader(&self) -> Option<&CursorRef> {
        self.place.leader.as_ref()
    }

    pub(crate) fn ring(&self) -> &Arc<Ring<E>> {
        &self.ring
    }

    /// It starts at this end, with nothing to read. If it asked for more, it is going to be told that this
    /// is gone, and to count itself again.
    pub(crate) fn caught_up(&self, end: u64) {
        let once = self.place.position == end || !step("counted-once");
        self.ring.catch_up(end, self.place.way.is_sure() && once);
    }

    /// What it is once it has caught up with its start.
    pub(crate) fn kind(&self) -> Kind {
        match self.place.anchor {
            Some(_) => Kind::Gating,
            None => self.place.kind,
        }
    }

    /// What a receiver of the same kind is, that starts at the next event.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            kind: self.kind(),
            start: Start::Next,
            leader: self.place.leader.clone(),
            name: self.place.cursor.name.clone(),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.place.position
    }

    pub(crate) fn missed(&self) -> u64 {
        self.place.missed
    }

    /// R1 and R2: pins the next event. With `listed`, an empty ring keeps the mark by which the
    /// next commit will notify.
    ///
    /// Always inlined: what it returns would go through memory, at a third of a receive.
    #[inline(always)]
    pub(crate) fn pin(&mut self, listed: bool) -> Result<Pinned<'_, E>, TryRecvError> {
        let Self { ring, place } = self;
        let position = place.position;
        let slot = ring.slot(position);
        let stamp = if listed && place.leader.is_none() {
            slot.mark(position, usize::from(place.shard))
        } else {
            slot.stamp()
        };
        match stamp.next().cmp(&(position + 1)) {
            Ordering::Less if place.way == Way::Other => place.come_late(ring, listed)?,
            Ordering::Less => return Err(place.empty(ring)),
            Ordering::Greater => return Err(place.lagged(&ring.sequencer)),
            Ordering::Equal => {}
        }
        let flagged = match place.way {
            Way::Gating => false,
            Way::Other => place.pin_other(ring, listed)?,
            Way::Lossy => match place.cursor.pin(position) {
                Some(flagged) => flagged,
                None => return Err(place.lagged(&ring.sequencer)),
            },
        };
        Ok(Pinned {
            ring,
            place,
            slot,
            next: position,
            flagged,
        })
    }
}

impl Place {
    /// Nothing there to read: is there going to be?
    #[cold]
    fn empty<E>(&mut self, ring: &Ring<E>) -> TryRecvError {
        let sequencer = &ring.sequencer;
        if !self.cursor.is_at(self.position) && step("claimed-for-others") {
            // Claimed, not yet committed, and not for us any more: not to be waited for.
            return self.lagged(sequencer);
        }
        self.end(ring)
    }

    /// Empty: is this the end?
    ///
    /// The tail keeps moving between the publishers' caches: it is looked at only where it decides.
    fn end<E>(&mut self, ring: &Ring<E>) -> TryRecvError {
        let sequencer = &ring.sequencer;
        let left_values = needs_drop::<E>() && self.left_values;
        if !left_values && !sequencer.is_closing() {
            return TryRecvError::Empty;
        }
        let tail = sequencer.tail();
        if tail.sequence() != self.position {
            return TryRecvError::Empty;
        }
        if std::mem::take(&mut self.left_values) && step("release-on-empty") {
            ring.catch_up(self.position, self.way.is_sure());
        }
        if tail.is_closed() {
            TryRecvError::Closed
        } else {
            TryRecvError::Empty
        }
    }

    /// The cursor is not where we left it: moves there.
    #[cold]
    fn lagged(&mut self, sequencer: &Sequencer) -> TryRecvError {
        if let Err(TryRecvError::Closed) = self.follow(false) {
            return TryRecvError::Closed; // what is gone was not for this one
        }
        let leader = self.leader.as_ref();
        let reattached = sequencer.reattach(&self.cursor, self.kind, leader, self.position);
        let Some(position) = reattached else {
            return TryRecvError::Closed;
        };
        let missed = position - self.position;
        self.position = position;
        self.missed += missed;
        // With more slots than the capacity, what it missed may be there still.
        self.left_values |= step("lapped-values");
        self.leave_past(sequencer);
        trace::lagged(missed, position);
        TryRecvError::Lagged(missed)
    }

    /// R4, when somebody waits for that, or there is more to do.
    #[cold]
    fn moved_on<E>(&mut self, ring: &Ring<E>, flagged: bool) {
        self.leave_past(&ring.sequencer);
        if flagged && step("hand-over") {
            match ring.sequencer.hand_over_to_one() {
                Some(alone) => wake_last(alone),
                None => wake_gathered(),
            }
        }
        self.attends = self.anchor.is_some();
        if std::mem::take(&mut self.releases) {
            self.release(ring);
        }
    }

    /// Releases what all have received: each receiver does so whenever it has come past another
    /// [`KEPT`] events, the slowest one, too, which leaves no more behind.
    ///
    /// A value that is dropped while a panic unwinds must not panic: that one leaves it to others.
    #[cold]
    fn release<E>(&mut self, ring: &Ring<E>) {
        if step("release-on-the-way") && self.left_values && !std::thread::panicking() {
            let sole_until = ring.release_for(&self.cursor, self.kind);
            self.sole_until.store(sole_until, Relaxed);
        }
    }

    /// A gating receiver that has read the past goes on with its gating cursor.
    #[inline]
    fn leave_past(&mut self, sequencer: &Sequencer) {
        if let Some(anchor) = self.anchor.take_if(|anchor| anchor.0 <= self.position) {
            let (_, anchor) = *anchor;
            let past = std::mem::replace(&mut self.cursor, anchor);
            self.kind = Kind::Gating;
            self.way = Way::of(self.kind, self.leader.as_ref());
            if step("leave-past") {
                sequencer.leave_past(&past, &self.cursor);
            }
            wake_gathered();
        }
    }
}

impl<E> Drop for Reader<E> {
    fn drop(&mut self) {
        // Alone, it takes everything along; values go in their order.
        let shared = Arc::strong_count(&self.ring) > 1;
        if !needs_drop::<E>() && (!shared || !step("unsubscribe-shared")) {
            return;
        }
        let Place {
            cursor,
            kind,
            anchor,
            ..
        } = &self.place;
        let anchor = anchor.as_ref().map(|anchor| &anchor.1);
        self.ring.unsubscribe(cursor, *kind, anchor);
    }
}

/// A receiver between R2 and R4: no publisher touches what it reads. Dropping it moves the
/// receiver past the events that were read, also if a user's `clone` or closure panicked.
pub(crate) struct Pinned<'a, E> {
    ring: &'a Ring<E>,
    place: &'a mut Place,
    /// The first sequence that was not read yet, and its slot. The slot is kept, since after a
    /// read-modify-write the compiler would find the way to it anew.
    next: u64,
    slot: &'a Slot<E>,
    flagged: bool,
}

impl<E> Pinned<'_, E> {
    /// The next event's.
    #[inline]
    pub(crate) fn sequence(&self) -> u64 {
        self.next
    }

    /// R3 by value: the next event, cloned, or moved out if nobody else can want it.
    #[inline]
    pub(crate) fn recv(mut self) -> E
    where
        E: Clone,
    {
        self.recv_from(self.slot, self.next)
    }

    /// R3 by value for up to `limit` events, at least one, appended to the buffer. How many.
    pub(crate) fn recv_many(self, buffer: &mut Vec<E>, limit: usize) -> usize
    where
        E: Clone,
    {
        self.for_each(limit, |pinned, slot, sequence| {
            buffer.push(pinned.recv_from(slot, sequence));
        })
    }

    /// R3 in place for up to `limit` events, at least one. How many.
    ///
    /// Nothing is moved out: it could not be dropped before R4. Inlined, so that what the closure keeps may
    /// be in registers.
    #[inline(always)]
    pub(crate) fn read_many(self, limit: usize, mut read: impl FnMut(&E)) -> usize {
        self.for_each(limit, |pinned, slot, sequence| {
            pinned.look(slot, sequence, &mut read);
        })
    }

    /// R3 for up to `limit` events, at least one. How many.
    #[inline(always)]
    fn for_each(
        mut self,
        limit: usize,
        mut receive: impl FnMut(&mut Self, &Slot<E>, u64),
    ) -> usize {
        // `self.next` is kept in memory, for a panic in `E::clone`: written here, but not read.
        let (slots, first) = (self.ring.slots(), self.next);
        let end = self.end_of_batch(limit);
        let (mut slot, mut next) = (self.slot, first);
        loop {
            receive(&mut self, slot, next);
            next += 1;
            slot = &slots[next as usize & (slots.len() - 1)];
            if next == end || !slot.has(next) {
                return (next - first) as usize;
            }
        }
    }

    /// Where a batch of at most so many events ends: no later than the past of a gating receiver
    /// does, which goes on by another cursor.
    fn end_of_batch(&self, limit: usize) -> u64 {
        let end = self.next.saturating_add(limit as u64);
        match self.place.anchor {
            Some(ref anchor) if step("batch-to-anchor") => end.min(anchor.0),
            _ if self.place.way == Way::Other => end.min(self.place.horizon()),
            _ => end,
        }
    }

    #[inline]
    fn recv_from(&mut self, slot: &Slot<E>, sequence: u64) -> E
    where
        E: Clone,
    {
        match self.take(slot, sequence) {
            Some(event) => event,
            None => self.look(slot, sequence, E::clone),
        }
    }

    /// R3 in place.
    #[inline]
    pub(crate) fn read<R>(self, read: impl FnOnce(&E) -> R) -> R {
        // What nobody else needs is dropped after R4.
        let (retired, mut pinned);
        pinned = self;
        retired = pinned.take(pinned.slot, pinned.next);
        match &retired {
            Some(event) => read(event),
            None => pinned.look(pinned.slot, pinned.next, read),
        }
    }

    #[allow(unsafe_code)]
    #[inline]
    fn look<R>(&mut self, slot: &Slot<E>, sequence: u64, read: impl FnOnce(&E) -> R) -> R {
        self.next = sequence + 1;
        if needs_drop::<E>() {
            self.place.left_values = true;
            if self.next % KEPT == 0 {
                (self.place.attends, self.place.releases) = (true, true);
            }
        }
        // SAFETY: the stamp showed the value (R1), and until R4 no publisher overwrites it: of a
        // gating receiver `limit` is a bound, as of an evictable one that is pinned; a lossy one is
        // pinned (I2, I3). It is not released before R4 either, nor moved out by anybody else: who does
        // that is alone, or has seen us past it.
        unsafe { slot.read(read) }
    }

    /// Moves the event out if no other receiver needs it and there is no history.
    ///
    /// The count is read after the stamp: a receiver that attached before the event was claimed is
    /// counted, and one that attaches later starts behind it. Nor is there one below `sole_until`.
    #[allow(unsafe_code)]
    #[inline]
    fn take(&mut self, slot: &Slot<E>, sequence: u64) -> Option<E> {
        let sequencer = &self.ring.sequencer;
        let alone = needs_drop::<E>()
            && self.place.takes
            && (sequence < self.place.sole_until.load(Relaxed)
                || sequencer.receivers() == 1
                || !step("only-receiver"));
        if !alone {
            return None;
        }
        self.next = sequence + 1;
        // SAFETY: as in `look`; and nobody else reads what only this one needs.
        let event = unsafe { slot.take() };
        Some(unread(event))
    }
}

impl<E> Drop for Pinned<'_, E> {
    /// R4.
    #[inline]
    fn drop(&mut self) {
        let Self { ring, place, .. } = self;
        place.position = self.next;
        let flagged = match place.way {
            Way::Gating => place.cursor.advance(self.next).is_flagged(),
            Way::Other => place.unpin_other(ring, self.next, self.flagged),
            Way::Lossy => {
                place.cursor.unpin(self.next);
                self.flagged && step("keep-flag")
            }
        };
        if flagged || place.attends {
            place.moved_on(ring, flagged);
        }
    }
}

/// Waiting to receive, in whatever way `receive` reads.
pub(crate) struct Receive<'a, E, F> {
    pub(crate) reader: &'a mut Reader<E>,
    pub(crate) receive: F,
}

impl<E, R, F: FnMut(Pinned<'_, E>) -> R> Wait for Receive<'_, E, F> {
    type Output = Result<R, RecvError>;

    fn key(&self) -> u64 {
        self.reader.place.position
    }

    #[inline(always)]
    fn attempt(&mut self, listed: bool) -> Option<Self::Output> {
        match self.reader.pin(listed) {
            Ok(pinned) => Some(Ok((self.receive)(pinned))),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
            Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
        }
    }

    fn give_way(&mut self) -> bool {
        let Reader { ring, place } = &mut *self.reader;
        let waited = std::mem::replace(&mut place.waited, place.position);
        // A run of events was worth a wake-up of its own.
        place.position - waited <= 1 && ring.give_way()
    }

    fn choose_list(&mut self) {
        self.reader.place.shard = shard();
    }

    fn list(&self, key: u64) -> List<'_> {
        let Reader { ring, place } = &self.reader;
        match &place.leader {
            Some(leader) => List::Each(leader.watchers()),
            None => List::All(ring.waiting_for(key, usize::from(place.shard))),
        }
    }
}
