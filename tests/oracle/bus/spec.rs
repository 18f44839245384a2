//! The specification: what a bus does, one operation after the other. All events that ever were,
//! and positions in them.

mod publishing;
mod receiving;
mod seen;
mod state;
mod watching;

use crate::bus::Outcome;
use crate::bus::script::{HandleStep, Setup, Wanted, WeakStep};
use crate::support::WAKERS;
use eventring::{ReceiverKind, Start, WaitStrategy};
use state::{Draining, Handle, Leader, Mark, Publishing, Reader};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Spec {
    setup: Setup,
    /// Values have to be dropped, so the only receiver gets them themselves.
    counted: bool,
    /// The numbers of all events, in their order.
    log: Vec<u64>,
    closed: bool,
    dropped: u64,
    missed: u64,
    clones: usize,
    pub(super) readers: Vec<Reader>,
    pub(super) handles: Vec<Handle>,
    pub(super) weak_handles: usize,
    pub(super) marks: Vec<Mark>,
    /// How many receivers ever were.
    subscribed: u64,
    /// What those that are gone had committed.
    gone: BTreeMap<u64, u64>,
    /// The sequences whose values are in the ring at the most.
    stored: BTreeSet<u64>,
    /// What somebody has waited for all receivers to reach.
    targets: BTreeSet<u64>,
    /// How many receivers somebody has waited for; none: for all to be gone.
    attended: Vec<Option<usize>>,
    /// How often somebody came to wait for room.
    tickets: u64,
    woken: [usize; WAKERS],
}

fn wake(woken: &mut [usize; WAKERS], parked: &mut Option<usize>) {
    if let Some(waker) = parked.take() {
        woken[waker] += 1;
    }
}

impl Spec {
    /// A bus with one handle.
    pub(super) fn new(setup: Setup, counted: bool) -> Self {
        Self {
            setup,
            counted,
            log: Vec::new(),
            closed: false,
            dropped: 0,
            missed: 0,
            clones: 0,
            readers: Vec::new(),
            handles: vec![Handle::default()],
            weak_handles: 0,
            marks: Vec::new(),
            subscribed: 0,
            gone: BTreeMap::new(),
            stored: BTreeSet::new(),
            targets: BTreeSet::new(),
            attended: Vec::new(),
            tickets: 0,
            woken: [0; WAKERS],
        }
    }

    /// Those that were not evicted.
    fn attached(&self) -> impl Iterator<Item = &Reader> {
        self.readers.iter().filter(|one| one.evicted.is_none())
    }

    fn tail(&self) -> u64 {
        self.setup.first + self.log.len() as u64
    }

    fn newest(&self, events: usize) -> u64 {
        let newest = self.tail().saturating_sub(events as u64);
        newest.max(self.setup.first)
    }

    /// The first sequence that some receiver still gets, or the tail.
    fn slowest(&self) -> u64 {
        let retained = self.newest(self.setup.capacity);
        let nexts = self.attached().map(|reader| reader.wants(retained));
        nexts.min().unwrap_or(self.tail())
    }

    /// How many events can be published before a gating receiver is lapped.
    fn unclaimed(&self) -> usize {
        let hold = self.attached().filter_map(Reader::holds).min();
        hold.map_or(usize::MAX, |hold| {
            (hold + self.setup.capacity as u64 - self.tail()) as usize
        })
    }

    fn publishing(&self) -> impl Iterator<Item = &Publishing> {
        self.handles
            .iter()
            .filter_map(|one| one.publishing.as_ref())
    }

    /// What was granted to those who waited, and is not used yet.
    fn reserved(&self) -> usize {
        self.publishing().filter_map(|one| one.granted).sum()
    }

    /// How many events can be published by who has not waited.
    fn room(&self) -> usize {
        match self.unclaimed() {
            usize::MAX => usize::MAX,
            _ if self.publishing().any(|one| one.granted.is_none()) => 0,
            room => room - self.reserved(),
        }
    }

    /// Grants room to those who wait, in the order in which they came.
    fn serve(&mut self) {
        loop {
            let room = self.unclaimed().min(self.setup.capacity) - self.reserved();
            let handles = self.handles.iter_mut();
            let publishing = handles.filter_map(|handle| handle.publishing.as_mut());
            let waiting = publishing.filter(|one| one.granted.is_none());
            match waiting.min_by_key(|one| one.ticket) {
                Some(first) if room > 0 => {
                    first.granted = Some(room.min(first.events.len()));
                    wake(&mut self.woken, &mut first.parked);
                }
                _ => return,
            }
        }
    }

    /// Closes, for the first time.
    fn close(&mut self) {
        if !std::mem::replace(&mut self.closed, true) {
            self.wake_readers();
            self.wake_publishers();
            self.wake_watchers(|_, _| true);
        }
    }

    /// Those who wait for no other receiver have received all there was.
    fn wake_readers(&mut self) {
        for reader in self.readers.iter_mut().filter(|one| one.leader.is_none()) {
            wake(&mut self.woken, &mut reader.parked);
        }
    }

    fn wake_publishers(&mut self) {
        let handles = self.handles.iter_mut();
        for publishing in handles.filter_map(|handle| handle.publishing.as_mut()) {
            wake(&mut self.woken, &mut publishing.parked);
        }
    }

    /// The receivers have moved: wakes those who waited for that.
    fn settle(&mut self) {
        if !self.closed {
            self.serve();
        }
        let slowest = self.slowest();
        let reached = self
            .targets
            .first()
            .is_some_and(|&target| target <= slowest);
        self.targets.retain(|&target| target > slowest);
        if reached {
            self.wake_drains();
        }
        self.wake_reached();
    }

    fn is_drained(&self, target: u64) -> bool {
        self.slowest() >= target
    }

    /// Whether all receivers have reached the target. If not, somebody waits for that.
    fn drain(&mut self, target: u64) -> bool {
        let drained = self.is_drained(target);
        if !drained {
            self.targets.insert(target);
        }
        drained
    }

    /// The kind that receivers of this bus are if nothing else is said.
    fn kind(&self) -> ReceiverKind {
        match self.setup.strategy {
            WaitStrategy::Overwrite => ReceiverKind::Lossy,
            WaitStrategy::Block | WaitStrategy::DropNewest => ReceiverKind::Gating,
        }
    }

    fn subscribe(
        &mut self,
        kind: ReceiverKind,
        start: Start,
        leader: Option<u64>,
        name: Option<&'static str>,
    ) {
        let (tail, first) = (self.tail(), self.setup.first);
        let led = leader.map(|id| self.watermark(id)).filter(|one| !one.gone);
        let present = led.map_or(tail, |one| one.committed);
        let mut kept = self.newest(self.setup.history).min(present);
        let position = match start {
            Start::Next => present,
            Start::Oldest => kept,
            Start::Last(events) => present.saturating_sub(events).max(first),
            Start::Sequence(sequence) => sequence.min(tail),
        };
        let committing = kind == ReceiverKind::Committing;
        let evictable = kind == ReceiverKind::Evictable;
        if committing || evictable {
            // It holds what it starts with, but for room that is reserved.
            let claimed = tail + self.reserved() as u64;
            kept = kept.max(claimed.saturating_sub(self.setup.capacity as u64));
        }
        self.readers.push(Reader {
            id: self.subscribed,
            name,
            leader,
            gating: kind != ReceiverKind::Lossy,
            committing,
            evictable,
            position,
            kept,
            subscribed: match kind {
                ReceiverKind::Committing => position,
                ReceiverKind::Evictable => position.max(kept),
                _ => present,
            },
            committed: position.max(kept),
            end: Some(position.max(kept)),
            ..Reader::default()
        });
        self.subscribed += 1;
        self.release_at_end();
        self.counted();
    }

    fn build(&mut self, wanted: Wanted) -> Option<()> {
        let kind = wanted.kind.unwrap_or(self.kind());
        let gates = [ReceiverKind::Committing, ReceiverKind::Evictable].contains(&kind);
        if gates && self.kind() == ReceiverKind::Lossy {
            return None;
        }
        let marks = &self.marks;
        let behind = wanted.behind.filter(|_| !marks.is_empty());
        let leader = behind.map(|choice| marks[usize::from(choice) % marks.len()].of);
        self.subscribe(kind, self.setup.start(wanted.start), leader, wanted.name);
        Some(())
    }

    /// The first sequence that a receiver does not get as long as nothing happens.
    fn horizon(&self, reader: &Reader) -> u64 {
        let leader = reader.leader.map(|id| self.watermark(id));
        leader.map_or(self.tail(), |one| one.committed)
    }

    /// The one that it stays behind will never commit what is next.
    fn leader_ends(&self, reader: &Reader, next: u64) -> bool {
        let leader = reader.leader.map(|id| self.watermark(id));
        leader.is_some_and(|one: Leader| one.gone && one.committed <= next)
    }

    /// A receiver of its own at the same position.
    fn duplicate(&mut self, index: usize) {
        self.readers[index].sole_until = 0;
        let original = self.readers[index].clone();
        if original.evicted.is_some() {
            self.readers.push(Reader {
                missed: 0,
                ended: false,
                ..original
            });
            return;
        }
        let position = match original.committing {
            true => original.committed.min(original.position),
            false => original.position,
        };
        self.readers.push(Reader {
            missed: 0,
            left_values: false,
            parked: None,
            ended: false,
            position,
            id: self.subscribed,
            end: Some(position),
            ..original
        });
        self.subscribed += 1;
        self.release_at_end();
        self.counted();
    }

    fn unsubscribe(&mut self, index: usize) {
        let reader = self.readers.remove(index);
        if reader.evicted.is_some() {
            return;
        }
        if reader.committing {
            self.gone.insert(reader.id, reader.committed);
        }
        self.release();
        self.settle();
        self.counted();
    }

    /// Whether that receiver could be evicted. It is woken, and so are those who share its list: of all that
    /// came to wait on this thread.
    pub(super) fn evict(&mut self, index: usize) -> bool {
        let reader = &mut self.readers[index];
        if !reader.evictable || reader.evicted.is_some() {
            return false;
        }
        let at = reader.next(0);
        reader.evicted = Some(at);
        self.release();
        self.settle();
        self.counted();
        self.wake_watchers(|_, _| true);
        let slots = self.setup.capacity.next_power_of_two() as u64;
        let list = |sequence: u64| sequence % slots % 2;
        if list(at) == list(self.tail()) {
            let readers = self.readers.iter_mut().filter(|one| one.leader.is_none());
            for reader in readers {
                wake(&mut self.woken, &mut reader.parked);
            }
        }
        true
    }

    /// Releases once all have come to the end: found nothing more there, or started there.
    fn release_at_end(&mut self) {
        let tail = Some(self.tail());
        if self.attached().all(|reader| reader.end == tail) {
            self.release();
        }
    }

    /// Takes out of the ring what all have received, unless one was lapped and does not know yet.
    fn release(&mut self) {
        let retained = self.newest(self.setup.capacity);
        if self.attached().all(|reader| reader.next(0) >= retained) {
            let read = self.slowest().min(self.newest(self.setup.history));
            self.stored = self.stored.split_off(&read);
        }
    }

    /// What a step has to come to. `None`: it would block, or there is nothing to be cancelled.
    /// Events are numbered from `number` on.
    pub(super) fn on_handle(
        &mut self,
        index: usize,
        step: HandleStep,
        number: u64,
    ) -> Option<Outcome> {
        let (kind, lossy) = (self.kind(), ReceiverKind::Lossy);
        match step {
            HandleStep::Publish(step) => return self.on_publish(index, step, number),
            HandleStep::Drained(waker) => return Some(self.poll_drained(index, waker)),
            HandleStep::CancelDrained => {
                self.handles[index].draining.take()?;
            }
            HandleStep::Attended(wanted, waker) => {
                return Some(self.poll_attended(index, wanted, waker));
            }
            HandleStep::CancelAttended => {
                self.handles[index].attending.take()?;
            }
            HandleStep::Subscribe => self.subscribe(kind, Start::Next, None, None),
            HandleStep::SubscribeLossy => self.subscribe(lossy, Start::Next, None, None),
            HandleStep::SubscribeCommitting => self.build(Wanted {
                kind: Some(ReceiverKind::Committing),
                start: Start::Next,
                behind: None,
                name: None,
            })?,
            HandleStep::SubscribeFrom(start) => {
                self.subscribe(kind, self.setup.start(start), None, None);
            }
            HandleStep::SubscribeLossyFrom(start) => {
                self.subscribe(lossy, self.setup.start(start), None, None);
            }
            HandleStep::Build(wanted) => self.build(wanted)?,
            HandleStep::Close => self.close(),
            HandleStep::Clone => self.handles.push(Handle::default()),
            HandleStep::Downgrade => self.weak_handles += 1,
            HandleStep::Drop => {
                self.handles.remove(index);
                if self.handles.is_empty() {
                    self.close();
                }
                self.settle();
            }
        }
        Some(Outcome::Done)
    }

    pub(super) fn on_weak(&mut self, step: WeakStep) -> Outcome {
        match step {
            WeakStep::Clone => self.weak_handles += 1,
            WeakStep::Drop => self.weak_handles -= 1,
            WeakStep::Upgrade => {
                let open = !self.handles.is_empty();
                self.handles.extend(open.then(Handle::default));
                return Outcome::Upgraded(open);
            }
        }
        Outcome::Done
    }

    fn poll_drained(&mut self, index: usize, waker: usize) -> Outcome {
        let draining = self.handles[index].draining.take();
        let target = draining.map_or(self.tail(), |draining| draining.target);
        if self.drain(target) {
            return Outcome::Done;
        }
        self.handles[index].draining = Some(Draining {
            target,
            parked: Some(waker),
        });
        Outcome::Pending
    }
}
