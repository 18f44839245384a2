//! Claiming sequences, and the bounds that keep claims off the receivers. Knows no events.

use crate::cursor::{Cursor, CursorRef, Kind, Registry, Standing};
use crate::notifier::Notifier;
use crate::ring::sequence::{CursorWord, NOBODY, TailWord, oldest, room};
use crate::strategy::Start;
use crate::sync::{
    AtomicU64, AtomicUsize, Backoff, Mutex, MutexGuard, Ordering, acquire, lock, release, step,
};
use crossbeam_utils::CachePadded;
use std::ops::Range;

/// The word that publishers claim by.
#[derive(Debug)]
struct Tail(AtomicU64);

impl Tail {
    /// P1. Acquire pairs with [`touch`](Self::touch): who sees a position sees the bounds that were
    /// lowered before it.
    #[inline]
    fn load(&self) -> TailWord {
        TailWord(self.0.load(acquire("tail-load")))
    }

    /// P3. Acquire: who claims after an attachment sees the bound that was lowered before it (I2).
    /// No Release: a claim says nothing but its sequence, and being a read-modify-write it passes
    /// on what the attachments before it released.
    #[inline]
    fn claim(&self, seen: TailWord, count: u64) -> Result<(), TailWord> {
        let claimed = seen.advanced(count);
        if !step("claim-rmw") {
            self.0.store(claimed.0, Ordering::Relaxed);
            return Ok(());
        }
        let (won, lost) = (acquire("claim-won"), acquire("claim-lost"));
        self.0
            .compare_exchange_weak(seen.0, claimed.0, won, lost)
            .map(|_| ())
            .map_err(TailWord)
    }

    /// The attach side of the handshake with [`claim`](Self::claim): a read-modify-write that
    /// changes nothing. Release: whoever claims after it sees the bound that was lowered before it.
    /// Weakened, a plain load.
    fn touch(&self, label: &str) -> TailWord {
        if !step(label) {
            return self.load();
        }
        TailWord(self.0.fetch_add(0, release("tail-touch")))
    }

    /// No claim succeeds after this. Release, for the users: whoever learns of the end sees what
    /// was done before the close.
    fn close(&self) -> TailWord {
        if !step("close-rmw") {
            let seen = self.load();
            self.0
                .store(seen.0 | TailWord::CLOSED, release("tail-close"));
            return seen;
        }
        TailWord(self.0.fetch_or(TailWord::CLOSED, release("tail-close")))
    }
}

/// Read by every publish, written under the registry's lock.
#[derive(Debug)]
struct Bounds {
    capacity: u64,
    history: u64,
    /// Lower bound of all gating cursors.
    hold: AtomicU64,
    /// Lower bound of all attached lossy cursors.
    gate: AtomicU64,
    receivers: AtomicUsize,
    /// How often a receiver has come when there was none.
    arrivals: AtomicUsize,
}

/// Sequences that the caller alone may fill, and has to commit.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// Somebody may come to wait in the middle of it, by re-attaching there.
    pub(crate) lossy: bool,
    /// A flagged cursor was evicted: hand over after the commit.
    pub(crate) hand_over: bool,
    /// How often a first receiver had come before it.
    arrivals: usize,
}

/// Why nothing was claimed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A gating receiver still needs what would be overwritten.
    Full,
    Closed,
}

/// Where a new receiver starts.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) position: u64,
    pub(crate) cursor: CursorRef,
    pub(crate) kind: Kind,
    /// The gating cursor of a receiver that reads the past through a lossy one first, and where
    /// it stands.
    pub(crate) anchor: Option<(u64, CursorRef)>,
    /// Counts the receivers that ever were.
    pub(crate) number: usize,
    /// There was none: what was claimed before is for nobody.
    pub(crate) first: bool,
}

/// Whom to notify once the registry is unlocked.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Wakes {
    space: bool,
    drained: bool,
    deserted: bool,
}

#[derive(Debug)]
pub(crate) struct Sequencer {
    tail: CachePadded<Tail>,
    bounds: CachePadded<Bounds>,
    registry: CachePadded<Mutex<Registry>>,
    /// Publishers that wait for room.
    space: Notifier,
    /// Those who wait for the receivers to catch up.
    drained: Notifier,
    /// Those who wait for the last receiver to go.
    deserted: Notifier,
}

impl Sequencer {
    pub(crate) fn new(capacity: u64, history: u64) -> Self {
        Self {
            tail: CachePadded::new(Tail(AtomicU64::new(0))),
            bounds: CachePadded::new(Bounds {
                capacity,
                history,
                hold: AtomicU64::new(NOBODY),
                gate: AtomicU64::new(NOBODY),
                receivers: AtomicUsize::new(0),
                arrivals: AtomicUsize::new(0),
            }),
            registry: CachePadded::new(Mutex::new(Registry::default())),
            space: Notifier::new(),
            drained: Notifier::new(),
            deserted: Notifier::new(),
        }
    }

    #[inline]
    pub(crate) fn tail(&self) -> TailWord {
        self.tail.load()
    }

    #[inline]
    pub(crate) fn capacity(&self) -> u64 {
        self.bounds.capacity
    }

    #[inline]
    pub(crate) fn history(&self) -> u64 {
        self.bounds.history
    }

    /// Acquire pairs with the Release in [`unsubscribe`](Self::unsubscribe): who sees a receiver
    /// gone sees all that it read as read.
    #[inline]
    pub(crate) fn receivers(&self) -> usize {
        self.bounds.receivers.load(acquire("receivers-load"))
    }

    /// Whether all receivers there are may have come after this claim, if there are any: none are
    /// left, or there were none at some time since.
    ///
    /// Relaxed: asked after the commit, which acquires what was done before the slot was touched.
    #[inline]
    pub(crate) fn may_be_for_nobody(&self, claim: &Claim) -> bool {
        let arrivals = self.bounds.arrivals.load(Ordering::Relaxed);
        self.receivers() == 0 || (arrivals != claim.arrivals && step("count-arrivals"))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Registry> {
        lock(&self.registry)
    }

    pub(crate) fn space(&self) -> &Notifier {
        &self.space
    }

    pub(crate) fn drained(&self) -> &Notifier {
        &self.drained
    }

    pub(crate) fn deserted(&self) -> &Notifier {
        &self.deserted
    }

    /// P1 to P4: claims up to `want` sequences, at least one. With `flag`, a refusal leaves the
    /// laggard flagged, and whoever takes the flag off notifies `space` when there is room.
    #[inline]
    pub(crate) fn claim(&self, want: u64, flag: bool) -> Result<Claim, Refusal> {
        let want = want.min(self.bounds.capacity);
        // Before the claim, so that an arrival after it is not counted in. Relaxed: an older count
        // only makes us look for nothing.
        let arrivals = self.bounds.arrivals.load(Ordering::Relaxed);
        let early = (!step("gate-after-claim")).then(|| self.gate());
        let mut seen = self.tail.load(); // P1
        let (first, count) = loop {
            if seen.is_closed() && step("closed-refuses") {
                return Err(Refusal::Closed);
            }
            let first = seen.sequence();
            let mut count = self.room(first).min(want); // P2
            if count < want {
                self.raise_hold(first, flag)?;
                count = self.room(first).min(want);
            }
            if count == 0 {
                // A newcomer has lowered the bound again, below what it will be in the end.
                seen = self.tail.load();
                continue;
            }
            match self.tail.claim(seen, count) {
                Ok(()) => break (first, count), // P3
                Err(found) => seen = found,
            }
        };
        // P4, after the claim: a receiver that attached before it is bounded by what we see here.
        let gate = early.unwrap_or_else(|| self.gate());
        let mut claim = Claim {
            first,
            count,
            lossy: gate != NOBODY,
            hand_over: false,
            arrivals,
        };
        let floor = oldest(first + count, self.bounds.capacity);
        if floor > gate && step("evict-lapped") {
            claim.hand_over = self.evict(floor);
        }
        Ok(claim)
    }

    /// P4. Acquire as for `hold`.
    #[inline]
    fn gate(&self) -> u64 {
        self.bounds.gate.load(acquire("gate-load"))
    }

    /// P2: how many sequences from `first` on may be claimed, as far as the bound tells. Acquire
    /// pairs with `raise_hold`: what the gating receivers read before lies behind us.
    #[inline]
    fn room(&self, first: u64) -> u64 {
        if !step("check-hold") {
            return self.bounds.capacity;
        }
        let hold = self.bounds.hold.load(acquire("hold-load"));
        room(first, hold, self.bounds.capacity)
    }

    /// P2, slow: raises `hold` as far as the cursors allow, or finds who is in the way of `first`.
    ///
    /// Release pairs with P2 of another publisher, which relies on what we saw of the cursors.
    #[cold]
    fn raise_hold(&self, first: u64, flag: bool) -> Result<(), Refusal> {
        let mut registry = self.lock();
        let floor = oldest(first + 1, self.bounds.capacity);
        let hold = registry
            .gating
            .reached(floor, flag && step("flag-laggard"))
            .ok_or(Refusal::Full)?;
        self.bounds.hold.store(hold, release("hold-raise"));
        Ok(())
    }

    /// P4, slow: takes every lossy cursor below `floor` off, and raises `gate`. One that is
    /// busy is waited for, unlocked: its owner may be subscribing. Tells whether a flag came off.
    #[cold]
    fn evict(&self, floor: u64) -> bool {
        let backoff = Backoff::new();
        let mut flag_came_off = false;
        loop {
            let registry = self.lock();
            if let Some(gate) = registry.lossy.evict(floor, &mut flag_came_off) {
                self.bounds.gate.store(gate, release("gate-raise"));
                return flag_came_off;
            }
            drop(registry);
            backoff.snooze();
        }
    }

    /// Lowers a bound, under the registry's lock. What follows must be a
    /// [`touch`](Tail::touch), which shows it to every later claim (I2).
    fn lower(bound: &AtomicU64, to: u64, label: &str) {
        if bound.load(Ordering::Relaxed) > to && step(label) {
            bound.store(to, release("bound-lower"));
        }
    }

    /// Attaches a receiver. One that asks for what is no longer kept gets a cursor above its
    /// position, and finds out at its first receive.
    pub(crate) fn subscribe(&self, kind: Kind, start: Start) -> Attached {
        let mut registry = self.lock();
        let before = self.tail.load().sequence();
        let position = |tail: u64| match start {
            Start::Next => tail,
            Start::Oldest => oldest(tail, self.bounds.history),
            Start::Last(count) => oldest(tail, count),
            Start::Sequence(sequence) => sequence.min(tail),
        };
        let retained = |tail: u64| position(tail).max(oldest(tail, self.bounds.history));
        if kind == Kind::Gating {
            Self::lower(&self.bounds.hold, before, "subscribe-hold");
        }
        if kind == Kind::Lossy || !matches!(start, Start::Next) {
            Self::lower(&self.bounds.gate, retained(before), "subscribe-gate");
        }
        let first = self.receivers() == 0;
        let counted = step("count-before-touch").then(|| self.count_receiver(&mut registry));
        let tail = self.tail.touch("subscribe-touch").sequence();
        let number = counted.unwrap_or_else(|| self.count_receiver(&mut registry));
        if first {
            // After the touch: a claim before it has not seen this.
            self.bounds.arrivals.fetch_add(1, Ordering::Relaxed);
        }
        let (position, retained) = (position(tail), retained(tail));
        let mut attach = |kind, sequence| {
            let cursor = Cursor::new(CursorWord::at(sequence));
            registry.cursors(kind).push(cursor.clone());
            cursor
        };
        let (cursor, kind, anchor) = match kind {
            Kind::Gating if position < tail && step("present-anchor") => {
                let anchor = attach(Kind::Gating, tail);
                (
                    attach(Kind::Lossy, retained),
                    Kind::Lossy,
                    Some((tail, anchor)),
                )
            }
            kind => (attach(kind, retained), kind, None),
        };
        Attached {
            position,
            cursor,
            kind,
            anchor,
            number,
            first,
        }
    }

    /// Attaches a copy of a receiver, which its owner lends and so is not reading. The bounds hold
    /// for the copy already: they bound the original.
    pub(crate) fn duplicate(
        &self,
        position: u64,
        original: &Cursor,
        kind: Kind,
        anchor: Option<&(u64, CursorRef)>,
    ) -> Attached {
        let mut registry = self.lock();
        let number = self.count_receiver(&mut registry);
        let cursor = original.duplicate();
        registry.cursors(kind).push(cursor.clone());
        let anchor = anchor.map(|(sequence, anchor)| {
            let anchor = anchor.duplicate();
            registry.gating.push(anchor.clone());
            (*sequence, anchor)
        });
        Attached {
            position,
            cursor,
            kind,
            anchor,
            number,
            first: false,
        }
    }

    /// Before the `touch` of an attachment, so that a publisher that claims later counts it.
    ///
    /// Relaxed: the `touch` releases it to those publishers, and their commits to those who read
    /// what they publish. A copy reads what its original may, which counts it by its own hand.
    fn count_receiver(&self, registry: &mut Registry) -> usize {
        let receivers = self.bounds.receivers.load(Ordering::Relaxed);
        self.bounds
            .receivers
            .store(receivers + 1, Ordering::Relaxed);
        let number = registry.subscribed;
        registry.subscribed = number.wrapping_add(1);
        number
    }

    /// Takes the lossy cursor off by which a gating receiver read the past. The caller owes a
    /// [`wake_gathered`](crate::notifier::wake_gathered).
    pub(crate) fn leave_past(&self, past: &Cursor) {
        let wakes = self.remove(&mut self.lock(), past, Kind::Lossy);
        self.gather(wakes);
    }

    /// Takes a cursor off the registry. If it carried a flag, or was the last of its kind, the
    /// bounds are set anew.
    fn remove(&self, registry: &mut Registry, cursor: &Cursor, kind: Kind) -> Wakes {
        registry.cursors(kind).remove(cursor);
        if registry.lossy.is_empty() {
            self.bounds.gate.store(NOBODY, release("gate-clear"));
        }
        let word = cursor.load();
        if !word.is_detached() && word.is_flagged() && step("removed-flag") {
            self.settle(registry)
        } else {
            Wakes::default()
        }
    }

    /// Takes a receiver off: its cursors, and its share in the count.
    pub(crate) fn unsubscribe(
        &self,
        registry: &mut Registry,
        cursor: &Cursor,
        kind: Kind,
        anchor: Option<&CursorRef>,
    ) -> Wakes {
        let mut wakes = self.remove(registry, cursor, kind);
        if let Some(anchor) = anchor {
            wakes.merge(self.remove(registry, anchor, Kind::Gating));
        }
        let receivers = self.bounds.receivers.load(Ordering::Relaxed);
        self.bounds
            .receivers
            .store(receivers - 1, release("receivers-shrink"));
        wakes.deserted = receivers == 1;
        wakes
    }

    /// Finds out where a receiver that expected to be at `position` stands, and attaches it at the
    /// oldest retained event if it is detached.
    pub(crate) fn reattach(&self, cursor: &Cursor, position: u64) -> u64 {
        let mut registry = self.lock();
        let word = cursor.load();
        let sequence = if word.is_detached() {
            self.attach_oldest(cursor, false)
        } else {
            word.sequence()
        };
        registry.missed += sequence - position;
        sequence
    }

    /// Lag: lowers the gate first, then touches the tail, so that every later claim sees it (I2).
    /// Under the registry's lock.
    fn attach_oldest(&self, cursor: &Cursor, flag: bool) -> u64 {
        let capacity = self.bounds.capacity;
        let before = oldest(self.tail.load().sequence(), capacity);
        Self::lower(&self.bounds.gate, before, "reattach-gate");
        let sequence = oldest(self.tail.touch("reattach-touch").sequence(), capacity);
        let word = CursorWord::at(sequence);
        cursor.attach(if flag { word.flagged() } else { word });
        sequence
    }

    /// A flag came off a cursor: somebody waits, and may have waited for it. The caller owes a
    /// [`wake_gathered`](crate::notifier::wake_gathered).
    #[cold]
    pub(crate) fn hand_over(&self) {
        let wakes = self.settle(&mut self.lock());
        self.gather(wakes);
    }

    /// Passes a flag on, or wakes those for whom it was set (I6): compares with the present tail,
    /// since somebody else may have taken part of the room.
    fn settle(&self, registry: &mut Registry) -> Wakes {
        let mut wakes = Wakes::default();
        let floor = if step("present-tail") {
            oldest(self.tail.load().sequence() + 1, self.bounds.capacity)
        } else {
            self.bounds.hold.load(Ordering::Relaxed) + 1
        };
        if let Some(hold) = registry.gating.reached(floor, step("pass-flag-on")) {
            self.bounds.hold.store(hold, release("hold-settle"));
            wakes.space = true;
        }
        while let Some(&target) = registry.drains.first() {
            match self.find_behind(registry, target) {
                Some(Standing::Busy) => {
                    // Its owner would write over a flag: let those who wait look themselves.
                    wakes.drained = true;
                    break;
                }
                Some(_) => break,
                None => {
                    registry.drains.remove(&target);
                    wakes.drained = true;
                }
            }
        }
        wakes
    }

    /// A receiver that has neither received nor missed all below `target`, flagged unless busy.
    fn find_behind(&self, registry: &mut Registry, target: u64) -> Option<Standing> {
        if registry.gating.reached(target, true).is_none() {
            return Some(Standing::Behind);
        }
        loop {
            match registry.lossy.flag_lossy(target)? {
                (Standing::Detached, cursor) if step("attach-detached") => {
                    // It owns what is retained, and cannot be flagged until attached there. If
                    // that reaches the target, the next round passes it by.
                    let cursor = cursor.clone();
                    self.attach_oldest(&cursor, true);
                }
                (standing, _) => return Some(standing),
            }
        }
    }

    /// Whether every receiver has received or missed all below `target`. With `listed`, the target
    /// is remembered if not, for [`settle`](Self::settle) to notify.
    pub(crate) fn is_drained(&self, target: u64, listed: bool) -> bool {
        let backoff = Backoff::new();
        loop {
            let mut registry = self.lock();
            match self.find_behind(&mut registry, target) {
                None => return true,
                Some(Standing::Busy) => {
                    drop(registry);
                    backoff.snooze();
                }
                Some(_) => {
                    if listed && step("note-drain") {
                        registry.drains.insert(target);
                    }
                    return false;
                }
            }
        }
    }

    /// The caller owes a [`wake_gathered`](crate::notifier::wake_gathered).
    pub(crate) fn gather(&self, wakes: Wakes) {
        if wakes.space && step("wake-space") {
            self.space.gather();
        }
        if wakes.drained && step("wake-drained") {
            self.drained.gather();
        }
        if wakes.deserted && step("wake-deserted") {
            self.deserted.gather();
        }
    }

    /// No claim succeeds after this. Where receivers may be waiting, if it was open.
    pub(crate) fn close(&self) -> Option<u64> {
        let before = self.tail.close();
        (!before.is_closed()).then(|| before.sequence())
    }

    /// Shuts publishers out of what all have received and nobody released yet, for as long as the
    /// registry is locked, and says which sequences that is. `ring` is the number of slots.
    ///
    /// Lowering `gate` before the `touch` makes every later claim that comes near wait for the
    /// lock in [`evict`](Self::evict); what was claimed before is left alone.
    pub(crate) fn exclude(&self, registry: &mut Registry, ring: u64) -> Option<Exclusion> {
        let from = registry.released;
        // With no receivers the `touch` below must not be left out: a publisher whose claim comes
        // before it has its slot touched as well, and sees at its commit that nobody is left.
        let mut read = NOBODY;
        if self.receivers() > 0 {
            let gating = registry.gating.reached(from + 1, false)?;
            read = gating.min(registry.lossy.reached(from + 1, false)?);
            if oldest(self.tail.load().sequence(), self.bounds.history) <= from {
                return None;
            }
        }
        let gate = self.bounds.gate.load(Ordering::Relaxed);
        Self::lower(&self.bounds.gate, from, "exclude-gate");
        let tail = self.tail.touch("exclude-touch").sequence();
        Some(Exclusion {
            range: from.max(oldest(tail, ring))..oldest(tail, self.bounds.history).min(read),
            gate,
        })
    }

    /// Lets publishers in again, all below `released` being released.
    pub(crate) fn readmit(&self, registry: &mut Registry, exclusion: &Exclusion, released: u64) {
        registry.released = released;
        self.bounds
            .gate
            .store(exclusion.gate, release("gate-readmit"));
    }

    /// How many of the retained events the slowest receiver still has to receive.
    pub(crate) fn unread(&self) -> u64 {
        let registry = self.lock();
        let tail = self.tail.load().sequence();
        let retained = oldest(tail, self.bounds.capacity);
        let cursors = registry.gating.iter().chain(registry.lossy.iter());
        let slowest = cursors
            .map(|cursor| cursor.load())
            .map(|word| {
                if word.is_detached() {
                    retained
                } else {
                    word.sequence()
                }
            })
            .fold(tail, u64::min);
        tail - slowest.max(retained)
    }

    pub(crate) fn missed(&self) -> u64 {
        self.lock().missed
    }
}

impl Wakes {
    pub(crate) fn merge(&mut self, other: Self) {
        self.space |= other.space;
        self.drained |= other.drained;
        self.deserted |= other.deserted;
    }
}

/// Sequences that only the holder of the registry's lock may touch.
#[derive(Debug)]
pub(crate) struct Exclusion {
    pub(crate) range: Range<u64>,
    /// The gate as it was.
    gate: u64,
}
