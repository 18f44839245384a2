//! Runs the steps of a script on the library.

mod publishing;
mod receiving;

use crate::bus::script::{HandleStep, ReaderStep, Setup, WeakStep};
use crate::bus::{BusSeen, Outcome, Seen};
use crate::support::{Payload, Wakers, clones, take_log};
use eventring::{EventBus, WeakEventBus};
use publishing::Handle;
use receiving::Reading;
use std::rc::Rc;

pub(super) struct Real<T> {
    setup: Setup,
    handles: Vec<Handle<T>>,
    weak: Vec<WeakEventBus<T>>,
    readers: Vec<Reading<T>>,
    wakers: Wakers,
    /// Shared by all values that are counted while they live.
    alive: Rc<()>,
    cloned_before: usize,
}

impl<T: Payload + 'static> Real<T> {
    pub(super) fn new(setup: Setup) -> Self {
        let bus = EventBus::builder()
            .capacity(setup.capacity)
            .history(setup.history)
            .strategy(setup.strategy)
            .first(setup.first)
            .build()
            .unwrap();
        Self {
            setup,
            handles: vec![Handle::new(bus)],
            weak: Vec::new(),
            readers: Vec::new(),
            wakers: Wakers::default(),
            alive: Rc::new(()),
            cloned_before: clones(),
        }
    }

    /// Events are numbered from `number` on.
    pub(super) fn on_handle(&mut self, index: usize, step: HandleStep, number: u64) -> Outcome {
        let handle = &mut self.handles[index];
        let bus = &handle.bus;
        match step {
            HandleStep::Publish(step) => {
                let event = |index: usize| T::new(number + index as u64, &self.alive);
                return handle.publish(step, event, &self.wakers);
            }
            HandleStep::Drained(waker) => return handle.poll_drained(waker, &self.wakers),
            HandleStep::CancelDrained => handle.cancel_drained(),
            HandleStep::Subscribe => self.readers.push(Reading::new(bus.subscribe())),
            HandleStep::SubscribeLossy => self.readers.push(Reading::new(bus.subscribe_lossy())),
            HandleStep::SubscribeCommitting => {
                self.readers.push(Reading::new(bus.subscribe_committing()));
            }
            HandleStep::SubscribeFrom(start) => {
                self.readers
                    .push(Reading::new(bus.subscribe_from(self.setup.start(start))));
            }
            HandleStep::SubscribeLossyFrom(start) => {
                let receiver = bus.subscribe_lossy_from(self.setup.start(start));
                self.readers.push(Reading::new(receiver));
            }
            HandleStep::Close => bus.close(),
            HandleStep::Clone => {
                let clone = EventBus::clone(bus);
                self.handles.push(Handle::new(clone));
            }
            HandleStep::Downgrade => self.weak.push(bus.downgrade()),
            HandleStep::Drop => drop(self.handles.remove(index)),
        }
        Outcome::Done
    }

    pub(super) fn on_weak(&mut self, index: usize, step: WeakStep) -> Outcome {
        match step {
            WeakStep::Clone => self.weak.push(self.weak[index].clone()),
            WeakStep::Drop => drop(self.weak.remove(index)),
            WeakStep::Upgrade => {
                let upgraded = self.weak[index].upgrade();
                let open = upgraded.is_some();
                self.handles.extend(upgraded.map(Handle::new));
                return Outcome::Upgraded(open);
            }
        }
        Outcome::Done
    }

    pub(super) fn on_reader(&mut self, index: usize, step: ReaderStep) -> Outcome {
        let reader = &mut self.readers[index];
        match step {
            ReaderStep::Take(take, fuse) => return reader.take(take, fuse),
            ReaderStep::Poll(way, waker, fuse) => {
                return reader.poll(way, waker, fuse, &self.wakers);
            }
            ReaderStep::Commit(step) => return reader.commit(step, &self.wakers),
            ReaderStep::CancelReceive => reader.cancel(),
            ReaderStep::Clone => {
                let clone = reader.with(|receiver| receiver.clone());
                self.readers.push(Reading::new(clone));
            }
            ReaderStep::Resubscribe => {
                let other = reader.with(|receiver| receiver.resubscribe());
                self.readers.push(Reading::new(other));
            }
            ReaderStep::Drop => drop(self.readers.remove(index)),
        }
        Outcome::Done
    }

    pub(super) fn seen(&self) -> Seen {
        let first = self.handles.first();
        Seen {
            bus: first.map(|handle| self.bus_seen(&handle.bus)),
            readers: self.readers.iter().map(Reading::seen).collect(),
            woken: self.wakers.woken(),
            clones: clones() - self.cloned_before,
        }
    }

    /// All handles must say the same.
    fn bus_seen(&self, bus: &EventBus<T>) -> BusSeen {
        for other in &self.handles {
            assert!(bus.same_bus(&other.bus));
            assert_eq!(other.bus.strategy(), self.setup.strategy);
        }
        assert_eq!(bus.capacity(), self.setup.capacity);
        let stats = bus.stats();
        assert_eq!(bus.receiver_count(), stats.receivers);
        let len = bus.len();
        assert_eq!(bus.is_empty(), len == 0);
        BusSeen {
            published: stats.published,
            next_sequence: stats.next_sequence,
            dropped: stats.dropped,
            missed: stats.missed,
            receivers: stats.receivers,
            len,
            closed: bus.is_closed(),
        }
    }

    /// How many values there are, those that wait to be published included.
    pub(super) fn alive(&self) -> usize {
        Rc::strong_count(&self.alive) - 1
    }

    /// How many values there are once everything is dropped.
    pub(super) fn finish(self) -> usize {
        take_log(); // of the bus only the counts are compared

        let alive = Rc::clone(&self.alive);
        drop(self);
        Rc::strong_count(&alive) - 1
    }
}
