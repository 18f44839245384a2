//! Claiming sequences, and the bounds that keep claims off the receivers. Knows no events.

mod attach;
mod exclusion;
mod handover;
mod permits;
mod reserve;

pub(crate) use attach::{Attached, Wanted};
pub(crate) use exclusion::Past;
pub(crate) use handover::Wakes;

use super::registry::Registry;
use super::sequence::{NOBODY, TailWord, oldest, room};
use crate::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Backoff, Mutex, MutexGuard, OnceLock, Ordering, acq_rel,
    acquire, lock_patiently, release, step,
};
use crate::wait::Notifier;
use permits::Permits;
use std::mem::MaybeUninit;

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
    /// Release: who claims after it with a permit has not looked at what let us claim, and fills what
    /// receivers had read by then; who sees the claim of a permit sees that one is being used. Being a
    /// read-modify-write, it passes on what the attachments before it released.
    #[inline]
    fn claim(&self, seen: TailWord, count: u64) -> Result<(), TailWord> {
        let claimed = seen.advanced(count);
        if !step("claim-rmw") {
            self.0.store(claimed.0, Ordering::Relaxed);
            return Ok(());
        }
        let won = acq_rel("claim-won", "claim-release");
        self.0
            .compare_exchange_weak(seen.0, claimed.0, won, acquire("claim-lost"))
            .map(|_| ())
            .map_err(TailWord)
    }

    /// The attach side of the handshake with [`claim`](Self::claim): a read-modify-write that
    /// changes nothing. Release: whoever claims after it sees the bound that was lowered before it.
    /// Acquire: who comes after a batch's [look](Sequencer::is_overtaken) sees it committed. Weakened, a
    /// plain load.
    fn touch(&self, label: &str) -> TailWord {
        if !step(label) {
            return self.load();
        }
        TailWord(self.0.fetch_add(0, acq_rel("tail-load", "tail-touch")))
    }

    /// A [`touch`](Self::touch) after which the word is another one, so that claims fail that have seen
    /// it before.
    fn turn(&self) -> TailWord {
        if !step("take-back-turn") {
            return self.touch("");
        }
        let ordering = acq_rel("tail-load", "tail-turn");
        TailWord(self.0.fetch_xor(TailWord::TURN, ordering))
    }

    /// Leaves AWAITED for whoever closes, under the registry's lock, if it is not there. What the word was.
    ///
    /// A read-modify-write against that of [`close`](Self::close): one of them sees the other. Relaxed: who
    /// closes takes the lock after us, and who finds CLOSED here loads it again.
    fn mark_awaited(&self, label: &str) -> TailWord {
        let seen = self.load();
        if seen.is_awaited() || !step(label) {
            return seen;
        }
        if !step("awaited-rmw") {
            let awaited = seen.0 | TailWord::AWAITED;
            self.0.store(awaited, Ordering::Relaxed);
            return seen;
        }
        TailWord(self.0.fetch_or(TailWord::AWAITED, Ordering::Relaxed))
    }

    /// No claim succeeds after this. Release, for the users: whoever learns of the end sees what
    /// was done before the close. Acquire, as in [`touch`](Self::touch): what a batch wrote over comes before
    /// the WAITING bits that are taken out next.
    fn close(&self) -> TailWord {
        if !step("close-rmw") {
            let seen = self.load();
            self.0
                .store(seen.0 | TailWord::CLOSED, release("tail-close"));
            return seen;
        }
        let ordering = acq_rel("tail-load", "tail-close");
        TailWord(self.0.fetch_or(TailWord::CLOSED, ordering))
    }
}

/// Read by every publish, written under the registry's lock.
#[derive(Debug)]
struct Bounds {
    /// The first sequence that may not be claimed without a permit: no more than the slowest gating
    /// cursor and the capacity allow, less what is reserved.
    limit: AtomicU64,
    /// Lower bound of all attached lossy cursors.
    gate: AtomicU64,
    /// From here on, up to `read_upto`, all is committed: gating receivers have read it (I8).
    read_from: AtomicU64,
    read_upto: AtomicU64,
}

/// Sequences that the caller alone may fill, and has to commit.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) first: u64,
    pub(crate) count: u64,
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

/// Those who wait for receivers, and note in the registry that they do.
#[derive(Debug, Default)]
struct Lists {
    /// For all, or for one that commits, to catch up.
    drained: Notifier,
    /// For their number to be another one.
    counted: Notifier,
}

/// In this order: what is written where receivers come and go; the word that publishers write, on a line of
/// its own, with what is written for those who wait for room; the bounds that they read; what everybody
/// reads.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Sequencer {
    receivers: AtomicUsize,
    registry: Mutex<Registry>,
    /// Made for the first one who stands in one.
    lists: OnceLock<Box<Lists>>,
    _before_tail: [MaybeUninit<u64>; 7],
    tail: Tail,
    permits: Permits,
    /// Who waits for room and has a ticket below this has been granted it. Written under the registry's
    /// lock.
    served: AtomicU64,
    _behind_tail: [MaybeUninit<u64>; 13],
    bounds: Bounds,
    /// How often a receiver has come when there was none: each claim looks there.
    arrivals: AtomicUsize,
    _behind_bounds: [MaybeUninit<u64>; 12],
    capacity: u64,
    history: u64,
    /// The sequence of the first event.
    first: u64,
    /// CLOSED is in `tail`, or about to be.
    closing: AtomicBool,
}

impl Sequencer {
    #[inline]
    pub(crate) fn new(capacity: u64, history: u64, first: u64) -> Self {
        Self {
            receivers: AtomicUsize::new(0),
            registry: Mutex::new(Registry::new(first)),
            lists: OnceLock::new(),
            _before_tail: [MaybeUninit::uninit(); 7],
            tail: Tail(AtomicU64::new(TailWord::at(first).0)),
            permits: Permits::new(),
            served: AtomicU64::new(0),
            _behind_tail: [MaybeUninit::uninit(); 13],
            bounds: Bounds {
                limit: AtomicU64::new(NOBODY),
                gate: AtomicU64::new(NOBODY),
                read_from: AtomicU64::new(first),
                read_upto: AtomicU64::new(first),
            },
            arrivals: AtomicUsize::new(0),
            _behind_bounds: [MaybeUninit::uninit(); 12],
            capacity,
            history,
            first,
            closing: AtomicBool::new(false),
        }
    }

    #[inline]
    pub(crate) fn tail(&self) -> TailWord {
        self.tail.load()
    }

    #[inline]
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    #[inline]
    pub(crate) fn history(&self) -> u64 {
        self.history
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Acquire pairs with the Release in [`unsubscribe`](Self::unsubscribe): who sees a receiver
    /// gone sees all that it read as read.
    #[inline]
    pub(crate) fn receivers(&self) -> usize {
        self.receivers.load(acquire("receivers-load"))
    }

    /// Whether all receivers there are may have come after this claim, if there are any: none are
    /// left, or there were none at some time since.
    ///
    /// Relaxed: asked after the commit, which acquires what was done before the slot was touched.
    #[inline]
    pub(crate) fn may_be_for_nobody(&self, claim: &Claim) -> bool {
        let arrivals = self.arrivals.load(Ordering::Relaxed);
        self.receivers() == 0 || (arrivals != claim.arrivals && step("count-arrivals"))
    }

    /// Whether others have claimed so much, before all of this batch was committed, that somebody who came,
    /// or was lapped, since may wait in the middle of it, or where that is a lap later.
    ///
    /// A read-modify-write against that of an attachment: either it is seen here that the tail is that far,
    /// or who attaches there sees the batch committed.
    pub(crate) fn is_overtaken(&self, batch: &Claim) -> bool {
        self.tail.touch("batch-touch").sequence() > batch.first + self.capacity
    }

    /// P5 for a batch, at once: whether gating receivers have read all that is so many slots before it (I8).
    ///
    /// Acquire pairs with `note_read`: what they read, and who wrote it, lies behind us. And if what we see is
    /// a receiver that came after the batch was claimed, we see that it started there.
    #[inline]
    pub(crate) fn is_lap_before_read(&self, batch: &Claim, slots: u64) -> bool {
        let upto = self.bounds.read_upto.load(acquire("read-upto-load"));
        let from = self.bounds.read_from.load(Ordering::Relaxed);
        batch.first >= from + slots && batch.first + batch.count - slots <= upto
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Registry> {
        lock_patiently(&self.registry)
    }

    pub(crate) fn drained(&self) -> &Notifier {
        &self.lists.get_or_init(Box::default).drained
    }

    pub(crate) fn counted(&self) -> &Notifier {
        &self.lists.get_or_init(Box::default).counted
    }

    /// P1 to P4: claims up to `want` sequences, at least one, if there is room that is not reserved.
    #[inline]
    pub(crate) fn claim(&self, want: u64) -> Result<Claim, Refusal> {
        match self.claim_within(want) {
            Some(claimed) => claimed,
            None => self.claim_beyond(want),
        }
    }

    /// P1 to P4, fast: `None` if the bound does not tell that there is so much room.
    #[inline]
    pub(crate) fn claim_within(&self, want: u64) -> Option<Result<Claim, Refusal>> {
        let want = want.min(self.capacity);
        // Before the claim, so that an arrival after it is not counted in. Relaxed: an older count
        // only makes us look for nothing.
        let arrivals = self.arrivals.load(Ordering::Relaxed);
        let early = (!step("gate-after-claim")).then(|| self.gate());
        let mut seen = self.tail.load(); // P1
        let first = loop {
            if seen.is_closed() && step("closed-refuses") {
                return Some(Err(Refusal::Closed));
            }
            let first = seen.sequence();
            if self.room(first) < want {
                return None; // P2
            }
            match self.tail.claim(seen, want) {
                Ok(()) => break first, // P3
                Err(found) => seen = found,
            }
        };
        Some(Ok(self.claimed(first, want, arrivals, early)))
    }

    /// P2 to P4, slow.
    #[cold]
    fn claim_beyond(&self, want: u64) -> Result<Claim, Refusal> {
        let arrivals = self.arrivals.load(Ordering::Relaxed);
        let mut registry = self.lock();
        if !step("claim-what-was-raised") {
            self.raise(&mut registry, false)?;
            drop(registry);
            return self.claim(want);
        }
        let claimed = self.raise_and_claim(&mut registry, want, false);
        drop(registry);
        let (first, count) = claimed?;
        Ok(self.claimed(first, count, arrivals, None))
    }

    /// P4, after the claim: a receiver that attached before it is bounded by what we see here.
    #[inline]
    fn claimed(&self, first: u64, count: u64, arrivals: usize, early: Option<u64>) -> Claim {
        let gate = early.unwrap_or_else(|| self.gate());
        let mut claim = Claim {
            first,
            count,
            hand_over: false,
            arrivals,
        };
        let floor = oldest(first + count, self.capacity);
        if floor > gate && step("evict-lapped") {
            claim.hand_over = self.evict(floor);
        }
        claim
    }

    /// P4. Acquire as for `limit`.
    #[inline]
    fn gate(&self) -> u64 {
        self.bounds.gate.load(acquire("gate-load"))
    }

    /// P2: how many sequences from `first` on may be claimed, as far as the bound tells. Acquire
    /// pairs with `claim_anew`: what the gating receivers read before lies behind us.
    #[inline]
    fn room(&self, first: u64) -> u64 {
        if !step("check-limit") {
            return self.capacity;
        }
        room(first, self.bounds.limit.load(acquire("limit-load")))
    }

    /// P2 and P3, slow: before the registry is unlocked, since otherwise the room could be
    /// [taken back](Self::take_back) at the same tail. With `flag`, a refusal leaves the laggard
    /// flagged.
    fn raise_and_claim(
        &self,
        registry: &mut Registry,
        want: u64,
        flag: bool,
    ) -> Result<(u64, u64), Refusal> {
        loop {
            let (seen, room) = self.raise(registry, flag)?;
            let count = room.min(want).min(self.capacity);
            if self.tail.claim(seen, count).is_ok() {
                return Ok((seen.sequence(), count));
            }
        }
    }

    /// P2, slow: raises `limit` as far as the gating cursors allow. The tail, and the room there.
    ///
    /// Release pairs with P2 of another publisher, which relies on what we saw of the cursors.
    fn raise(&self, registry: &mut Registry, flag: bool) -> Result<(TailWord, u64), Refusal> {
        let (capacity, backoff) = (self.capacity, Backoff::new());
        loop {
            let permits = self.permits.load();
            let seen = self.tail.load();
            if seen.is_closed() && step("closed-refuses") {
                return Err(Refusal::Closed);
            }
            if registry.room.is_awaited() && !registry.gating.is_empty() && step("queue-first") {
                return Err(Refusal::Full);
            }
            let floor = oldest(seen.sequence() + permits.out() + 1, capacity);
            if let Ok(slowest) = registry.gating.reached(floor, flag) {
                if slowest != NOBODY || !step("read-by-nobody") {
                    self.note_read(registry, seen, slowest);
                }
                let limit = slowest.saturating_add(capacity) - permits.out();
                self.bounds.limit.store(limit, release("limit-raise"));
                return Ok((seen, room(seen.sequence(), limit)));
            }
            if self.is_refused(permits, registry, flag) {
                return Err(Refusal::Full);
            }
            backoff.snooze();
        }
    }

    /// The slowest gating receiver stands here: who is above where all of them started has read what lies
    /// between (I8). Release: the batch that relies on that sees what we saw of the cursors.
    fn note_read(&self, registry: &mut Registry, tail: TailWord, upto: u64) {
        let from = registry.read_from.get_or_insert(tail.sequence());
        self.bounds.read_from.store(*from, Ordering::Relaxed);
        let raised = release("read-upto-raise");
        self.bounds.read_upto.store(upto, raised);
    }

    /// P4, slow: takes every lossy cursor below `floor` off, and raises `gate`. One that is
    /// busy is waited for, unlocked: its owner may be subscribing. Tells whether a flag came off.
    #[cold]
    fn evict(&self, floor: u64) -> bool {
        let backoff = Backoff::new();
        let mut flag_came_off = false;
        loop {
            let mut registry = self.lock();
            if let Some(gate) = registry.lossy.evict(floor, &mut flag_came_off) {
                self.bounds.gate.store(gate, release("gate-raise"));
                return flag_came_off;
            }
            drop(registry);
            // Each look takes the cursor's cache line from its owner. Who is left alone for the time
            // of some events gets ahead, and claims have room again.
            (0..5).for_each(|_| backoff.snooze());
        }
    }

    /// Lowers a bound, under the registry's lock. What follows must be a
    /// [`touch`](Tail::touch), which shows it to every later claim (I2).
    fn lower(bound: &AtomicU64, to: u64, label: &str) {
        if bound.load(Ordering::Relaxed) > to && step(label) {
            bound.store(to, release("bound-lower"));
        }
    }

    /// No claim succeeds after this. What the tail was, if it was open: receivers may be waiting there.
    ///
    /// `closing` comes first, so that who has seen CLOSED sees it too. Relaxed: CLOSED releases it.
    #[inline]
    pub(crate) fn close(&self) -> Option<TailWord> {
        let first = step("closing-first");
        if first {
            self.closing.store(true, Ordering::Relaxed);
        }
        let before = self.tail.close();
        if !first {
            self.closing.store(true, Ordering::Relaxed);
        }
        (!before.is_closed()).then_some(before)
    }

    /// Whether CLOSED may be in the tail: tells receivers when to look there.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// How many of the retained events the slowest receiver still has to receive.
    pub(crate) fn unread(&self) -> u64 {
        let mut registry = self.lock();
        let tail = self.tail.load().sequence();
        let retained = oldest(tail, self.capacity);
        if registry.lossy.has_detached() {
            return tail - retained;
        }
        let slowest = registry.gating.slowest().min(registry.lossy.slowest());
        tail - slowest.clamp(retained, tail)
    }

    pub(crate) fn missed_and_waiting(&self) -> (u64, usize) {
        let registry = self.lock();
        (registry.missed, registry.room.waiting())
    }
}
