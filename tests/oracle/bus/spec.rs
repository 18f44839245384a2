//! The specification: what a bus does, one operation after the other. All events that ever were,
//! and positions in them.

mod publishing;
mod receiving;
mod seen;
mod state;

use crate::bus::Outcome;
use crate::bus::script::{HandleStep, Setup, WeakStep};
use crate::support::WAKERS;
use eventring::{Start, WaitStrategy};
use state::{Draining, Handle, Publishing, Reader};
use std::collections::BTreeSet;

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
    /// The sequences whose values are in the ring at the most.
    stored: BTreeSet<u64>,
    /// What somebody has waited for all receivers to reach.
    targets: BTreeSet<u64>,
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
            stored: BTreeSet::new(),
            targets: BTreeSet::new(),
            tickets: 0,
            woken: [0; WAKERS],
        }
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
        let nexts = self.readers.iter().map(|reader| reader.wants(retained));
        nexts.min().unwrap_or(self.tail())
    }

    /// How many events can be published before a gating receiver is lapped.
    fn unclaimed(&self) -> usize {
        let hold = self.readers.iter().filter_map(Reader::holds).min();
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
        }
    }

    /// Those who wait have received all there was.
    fn wake_readers(&mut self) {
        for reader in &mut self.readers {
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
        // Drains listen in one list, so that all of them look again when one target is reached.
        while let Some(target) = self.targets.pop_first() {
            if !self.is_drained(target) {
                self.targets.insert(target);
                return;
            }
            let handles = self.handles.iter_mut();
            for draining in handles.filter_map(|handle| handle.draining.as_mut()) {
                wake(&mut self.woken, &mut draining.parked);
            }
        }
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

    fn subscribe(&mut self, gating: bool, start: Start) {
        let (tail, kept) = (self.tail(), self.newest(self.setup.history));
        self.readers.push(Reader {
            gating,
            position: match start {
                Start::Next => tail,
                Start::Oldest => kept,
                Start::Last(events) => tail.saturating_sub(events).max(self.setup.first),
                Start::Sequence(sequence) => sequence.min(tail),
            },
            kept,
            subscribed: tail,
            committed: tail,
            ..Reader::default()
        });
    }

    fn subscribe_committing(&mut self) {
        self.subscribe(true, Start::Next);
        self.readers.last_mut().expect("just came").committing = true;
    }

    /// A receiver of its own at the same position.
    fn duplicate(&mut self, index: usize) {
        let original = self.readers[index].clone();
        self.readers.push(Reader {
            missed: 0,
            left_values: false,
            parked: None,
            ended: false,
            position: match original.committing {
                true => original.committed,
                false => original.position,
            },
            ..original
        });
    }

    fn unsubscribe(&mut self, index: usize) {
        self.readers.remove(index);
        self.release();
        self.settle();
    }

    /// Takes out of the ring what all have received, unless one was lapped and does not know yet.
    fn release(&mut self) {
        let retained = self.newest(self.setup.capacity);
        if self.readers.iter().all(|reader| reader.next(0) >= retained) {
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
        let gating = self.setup.strategy != WaitStrategy::Overwrite;
        match step {
            HandleStep::Publish(step) => return self.on_publish(index, step, number),
            HandleStep::Drained(waker) => return Some(self.poll_drained(index, waker)),
            HandleStep::CancelDrained => {
                self.handles[index].draining.take()?;
            }
            HandleStep::Subscribe => self.subscribe(gating, Start::Next),
            HandleStep::SubscribeLossy => self.subscribe(false, Start::Next),
            HandleStep::SubscribeCommitting => {
                if !gating {
                    return None;
                }
                self.subscribe_committing();
            }
            HandleStep::SubscribeFrom(start) => self.subscribe(gating, self.setup.start(start)),
            HandleStep::SubscribeLossyFrom(start) => self.subscribe(false, self.setup.start(start)),
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
