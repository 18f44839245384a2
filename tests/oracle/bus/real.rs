//! Runs the steps of a script on the library.

mod publishing;
mod receiving;
mod watching;

use crate::bus::script::{HandleStep, MarkStep, ReaderStep, Setup, WeakStep};
use crate::bus::{BusSeen, InfoSeen, Outcome, Seen};
use crate::support::{Payload, Wakers, clones, take_log};
use eventring::{EventBus, ReceiverInfo, ReceiverKind, WeakEventBus};
use publishing::Handle;
use receiving::Reading;
use std::rc::Rc;
use watching::Mark;

pub(super) struct Real<T> {
    setup: Setup,
    handles: Vec<Handle<T>>,
    weak: Vec<WeakEventBus<T>>,
    readers: Vec<Reading<T>>,
    marks: Vec<Mark<T>>,
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
            marks: Vec::new(),
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
            HandleStep::Attended(wanted, waker) => {
                return handle.poll_attended(wanted, waker, &self.wakers);
            }
            HandleStep::CancelAttended => handle.cancel_attended(),
            HandleStep::Build(wanted) => {
                let mut builder = bus.receiver().start(self.setup.start(wanted.start));
                builder = match wanted.kind {
                    Some(ReceiverKind::Lossy) => builder.lossy(),
                    Some(ReceiverKind::Committing) => builder.committing(),
                    Some(ReceiverKind::Evictable) => builder.evictable(),
                    _ => builder,
                };
                if let Some(choice) = wanted.behind.filter(|_| !self.marks.is_empty()) {
                    builder =
                        builder.behind(&self.marks[usize::from(choice) % self.marks.len()].mark);
                }
                if let Some(name) = wanted.name {
                    builder = builder.name(name);
                }
                self.readers.push(Reading::new(builder.build()));
            }
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

    pub(super) fn evict(&self, handle: usize, id: u64) -> bool {
        self.handles[handle].bus.evict(id)
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

    pub(super) fn take_watermark(&mut self, reader: usize) {
        let mark = self.readers[reader].with(|receiver| receiver.watermark());
        self.marks.push(Mark::new(mark));
    }

    pub(super) fn on_mark(&mut self, index: usize, step: MarkStep) -> Outcome {
        match step {
            MarkStep::Clone => {
                let clone = self.marks[index].duplicate();
                self.marks.push(clone);
            }
            MarkStep::Drop => drop(self.marks.remove(index)),
            step => return self.marks[index].wait(step, &self.wakers),
        }
        Outcome::Done
    }

    /// Those whom the bus says that publishers wait for.
    pub(super) fn awaited(&self) -> Vec<u64> {
        let bus = &self.handles[0].bus;
        let awaited = bus.receivers().into_iter().filter(|one| one.awaited);
        awaited.map(|one| one.id).collect()
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
            marks: self.marks.iter().map(|one| one.mark.get()).collect(),
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
        let receivers: Vec<_> = bus.receivers().into_iter().map(info_seen).collect();
        assert_eq!(bus.receiver_count(), stats.receivers);
        assert_eq!(receivers.len(), stats.receivers);
        let len = bus.len();
        assert_eq!(bus.is_empty(), len == 0);
        BusSeen {
            published: stats.published,
            next_sequence: stats.next_sequence,
            dropped: stats.dropped,
            missed: stats.missed,
            waiting: stats.waiting,
            receivers,
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

fn info_seen(info: ReceiverInfo) -> InfoSeen {
    InfoSeen {
        id: info.id,
        name: info.name.map(|name| name.to_string()),
        kind: info.kind,
        position: info.position,
        behind: info.behind,
        missed: info.missed,
    }
}
