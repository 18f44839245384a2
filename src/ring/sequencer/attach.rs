//! Attaching receivers, and taking them off: under the registry's lock, the bounds before the tail.

use super::{Sequencer, Wakes};
use crate::ring::Kind;
use crate::ring::cursor::{Cursor, CursorRef, Name, Owner};
use crate::ring::registry::Registry;
use crate::ring::sequence::{CursorWord, NOBODY, oldest};
use crate::strategy::Start;
use crate::sync::{Ordering, release, step};

/// What a new receiver is to be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) kind: Kind,
    pub(crate) start: Start,
    /// Whom it is to stay behind.
    pub(crate) leader: Option<CursorRef>,
    pub(crate) name: Option<Name>,
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
    /// It starts at this end, and values may have been left below, by others or for nobody.
    pub(crate) caught_up: Option<u64>,
    /// Somebody waits for as many receivers as there are now.
    pub(crate) awaited: bool,
}

/// Where a receiver begins, as the tail is.
struct Beginning {
    position: u64,
    /// The first of what it asks for that is still there.
    retained: u64,
    /// What comes from there on is new to it.
    present: u64,
}

impl Beginning {
    fn at(tail: u64) -> Self {
        Self {
            position: tail,
            retained: tail,
            present: tail,
        }
    }
}

impl Sequencer {
    /// Attaches a receiver. One that asks for what is no longer kept gets a cursor above its
    /// position, and finds out at its first receive.
    ///
    /// One that is to stay behind a `leader` finds all kept that this one has not committed: its present
    /// is there.
    pub(crate) fn subscribe(&self, wanted: &Wanted) -> Attached {
        let Wanted { kind, start, .. } = *wanted;
        let mut registry = self.lock();
        let leader = wanted.leader.as_ref().map(|leader| leader.watermark());
        let leader = leader.filter(|word| !word.is_gone());
        // Most start here, for which the rest would come to the same.
        let at_tail = leader.is_none() && matches!(start, Start::Next);
        let place = |tail: u64| match at_tail {
            true => Beginning::at(tail),
            false => self.beginning(kind, start, leader, tail),
        };
        let before = place(self.tail.load().sequence());
        let takes_back = kind != Kind::Lossy && {
            if step("read-from") {
                registry.read_from = None;
            }
            let held = match kind {
                Kind::Committing | Kind::Evictable => before.retained,
                _ => before.position.max(before.present),
            };
            let bearable = held + self.capacity - self.permits.load().out();
            self.bounds.limit.load(Ordering::Relaxed) > bearable && step("subscribe-limit")
        };
        if kind == Kind::Lossy || (kind == Kind::Gating && !matches!(start, Start::Next)) {
            Self::lower(&self.bounds.gate, before.retained, "subscribe-gate");
        }
        let first = self.receivers() == 0;
        let counted = step("count-before-touch").then(|| self.count_receiver(&mut registry, kind));
        if kind == Kind::Committing {
            // Others may come to wait behind it, and will look for CLOSED.
            self.tail.mark_awaited("mark-committing");
        }
        // What takes room back touches the tail, too.
        let taken_back = takes_back.then(|| self.take_back()).flatten();
        let touch = || self.tail.touch("subscribe-touch").sequence();
        let tail = taken_back.unwrap_or_else(touch);
        let owner = counted.unwrap_or_else(|| self.count_receiver(&mut registry, kind));
        if first {
            // After the touch: a claim before it has not seen this. Written under the lock.
            let arrivals = self.arrivals.load(Ordering::Relaxed);
            self.arrivals
                .store(arrivals.wrapping_add(1), Ordering::Relaxed);
        }
        let Beginning {
            position,
            retained,
            present,
        } = place(tail);
        let mut attach = |cursor, sequence| {
            let name = wanted.name.clone();
            registry.cursors(cursor).add(sequence, owner, name)
        };
        let (cursor, kind, anchor) = match kind {
            Kind::Gating if position < present && step("present-anchor") => {
                let anchor = attach(Kind::Gating, present);
                (
                    attach(Kind::Lossy, retained),
                    Kind::Lossy,
                    Some((present, anchor)),
                )
            }
            kind => (attach(kind, retained), kind, None),
        };
        Attached {
            position,
            cursor,
            kind,
            anchor,
            caught_up: registry.caught_up(retained, tail),
            awaited: registry.unawaited.end_with(self.receivers()),
        }
    }

    /// Where a receiver begins that does not just start at the tail.
    #[inline(never)]
    fn beginning(
        &self,
        kind: Kind,
        start: Start,
        leader: Option<CursorWord>,
        tail: u64,
    ) -> Beginning {
        let present = leader.map_or(tail, CursorWord::sequence);
        let newest = |tail: u64, events: u64| oldest(tail, events).max(self.first);
        let position = match start {
            Start::Next => present,
            Start::Oldest => newest(tail, self.history).min(present),
            Start::Last(count) => newest(present, count),
            Start::Sequence(sequence) => sequence.min(tail),
        };
        let mut retained = position.max(newest(tail, self.history).min(present));
        if matches!(kind, Kind::Committing | Kind::Evictable) && step("past-to-reserved") {
            // Gates from there on: what is reserved may be claimed at once.
            retained = retained.max(oldest(self.taken_exactly(), self.capacity));
        }
        Beginning {
            position,
            retained,
            present,
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
        let word = original.load();
        if kind == Kind::Evictable && word.is_out() {
            // As its original, it is at its end, and no receiver of this ring any more.
            return Attached {
                position,
                cursor: Cursor::new(word, 0, original.owner, original.name.clone()),
                kind,
                anchor: None,
                caught_up: None,
                awaited: false,
            };
        }
        let owner = self.count_receiver(&mut registry, original.owner.kind);
        let tail = self.tail.load().sequence();
        let cursor = registry.cursors(kind).add_beside(original, owner);
        let anchor =
            anchor.map(|(sequence, anchor)| (*sequence, registry.gating.add_beside(anchor, owner)));
        Attached {
            position,
            cursor,
            kind,
            anchor,
            caught_up: registry.caught_up(position, tail),
            awaited: registry.unawaited.end_with(self.receivers()),
        }
    }

    /// Before the `touch` of an attachment, so that a publisher that claims later counts it.
    ///
    /// Relaxed: the `touch` releases it to those publishers, and their commits to those who read
    /// what they publish. A copy reads what its original may, which counts it by its own hand.
    fn count_receiver(&self, registry: &mut Registry, kind: Kind) -> Owner {
        let receivers = self.receivers.load(Ordering::Relaxed);
        self.receivers.store(receivers + 1, Ordering::Relaxed);
        let id = registry.subscribed;
        registry.subscribed = id.wrapping_add(1);
        Owner { id, kind }
    }

    /// Takes the lossy cursor off by which a gating receiver read the past. The caller owes a
    /// [`wake_gathered`](crate::wait::wake_gathered).
    pub(crate) fn leave_past(&self, past: &Cursor, anchor: &Cursor) {
        let mut registry = self.lock();
        anchor.count_missed(past.missed());
        let wakes = self.remove(&mut registry, past, Kind::Lossy);
        drop(registry);
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
        if kind == Kind::Committing {
            wakes.notify(cursor.leave());
        }
        if let Some(anchor) = anchor {
            wakes.merge(self.remove(registry, anchor, Kind::Gating));
        }
        let receivers = self.receivers.load(Ordering::Relaxed);
        self.receivers
            .store(receivers - 1, release("receivers-shrink"));
        wakes.counted = registry.unawaited.end_with(receivers - 1);
        wakes
    }

    /// Finds out where a receiver that expected to be at `position` stands, and attaches it at the
    /// oldest retained event if it is detached. It misses nothing that its leader never commits, being
    /// gone: it stays there. `None` if that is where it was, or if it was evicted for good.
    pub(crate) fn reattach(
        &self,
        cursor: &Cursor,
        kind: Kind,
        leader: Option<&CursorRef>,
        position: u64,
    ) -> Option<u64> {
        let mut registry = self.lock();
        let word = cursor.load();
        if kind == Kind::Evictable && word.is_out() {
            return None;
        }
        let sequence = if word.is_detached() {
            self.attach_oldest(&mut registry, cursor, false)
        } else {
            word.sequence()
        };
        // Above what a leader has committed nothing is overwritten while it is there.
        let end = leader.map_or(NOBODY, |leader| leader.watermark().sequence());
        let sequence = sequence.min(end);
        let missed = sequence
            .checked_sub(position)
            .filter(|&missed| missed > 0)?;
        registry.missed += missed;
        cursor.count_missed(missed);
        Some(sequence)
    }

    /// Lag: lowers the gate first, then touches the tail, so that every later claim sees it (I2).
    pub(super) fn attach_oldest(
        &self,
        registry: &mut Registry,
        cursor: &Cursor,
        flag: bool,
    ) -> u64 {
        let capacity = self.capacity;
        let before = oldest(self.tail.load().sequence(), capacity);
        Self::lower(&self.bounds.gate, before, "reattach-gate");
        let sequence = oldest(self.tail.touch("reattach-touch").sequence(), capacity);
        let word = CursorWord::at(sequence);
        let word = if flag { word.flagged() } else { word };
        registry.lossy.attach(cursor, word);
        sequence
    }
}
