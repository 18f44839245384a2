//! Random operations on one thread, each compared with a model that knows only numbers: what is
//! received and missed, who is full, who is woken, what is alive.

use crate::common::{Ledger, Random, STRATEGIES, Tracked, Wakes};
use eventring::{EventBus, Publish, PublishError, Receiver, Start, TryRecvError, WaitStrategy};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio_test::task::{Spawn, spawn};

const STEPS: u64 = 300;
const ROUNDS: u64 = 20;

#[test]
fn one_event() {
    explore(&[(1, 0), (1, 1)]);
}

#[test]
fn a_few_events() {
    explore(&[(2, 0), (2, 1), (3, 0), (3, 3)]);
}

#[test]
fn more_events() {
    explore(&[(5, 2), (7, 0), (8, 8)]);
}

fn explore(sizes: &[(u64, u64)]) {
    let mut random = Random::new();
    for round in 0..ROUNDS {
        for &(capacity, history) in sizes {
            for strategy in STRATEGIES {
                println!("round {round}: {strategy:?}, {capacity} events, history {history}");
                let bus = EventBus::builder()
                    .capacity(capacity as usize)
                    .history(history as usize)
                    .strategy(strategy)
                    .build()
                    .unwrap();
                Model::new(&bus, capacity, history).run(&mut random);
                drop(bus);
            }
        }
    }
}

/// A receiver, and what is known of it.
struct Reading {
    receiver: Receiver<Tracked>,
    gating: bool,
    position: u64,
    missed: u64,
    /// The first sequence that was kept when it subscribed.
    kept: u64,
    /// Where it subscribed: if gating, it cannot be lapped from there on.
    subscribed: u64,
    wakes: Arc<Wakes>,
    waker: Waker,
    /// It waits, and had been woken so often when it began to.
    parked: Option<usize>,
}

struct Model<'a> {
    bus: &'a EventBus<Tracked>,
    capacity: u64,
    history: u64,
    tail: u64,
    dropped: u64,
    ledger: Ledger,
    readings: Vec<Reading>,
    waiting: Vec<(u64, Spawn<Publish<'a, Tracked>>)>,
}

impl Reading {
    /// The sequence that it goes on with.
    fn next(&self, retained: u64) -> u64 {
        self.position.max(self.kept).max(retained)
    }

    fn holds(&self) -> Option<u64> {
        self.gating.then_some(self.position.max(self.subscribed))
    }
}

impl<'a> Model<'a> {
    fn new(bus: &'a EventBus<Tracked>, capacity: u64, history: u64) -> Self {
        Self {
            bus,
            capacity,
            history,
            tail: 0,
            dropped: 0,
            ledger: Ledger::default(),
            readings: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn run(mut self, random: &mut Random) {
        for _ in 0..STEPS {
            match random.below(16) {
                0..3 => self.publish_one(),
                3..5 => self.publish_batch(random.below(2 * self.capacity + 2)),
                5 => self.poll_waiting(random),
                6..13 if !self.readings.is_empty() => {
                    let index = random.below(self.readings.len() as u64) as usize;
                    match random.below(16) {
                        0..6 => self.receive(index, random.below(3)),
                        6..9 => self.receive_batch(index, 1 + random.below(self.capacity + 2)),
                        9..13 => self.park(index),
                        13 => self.copy(index),
                        14 => drop(self.readings.swap_remove(index)),
                        _ => self.resubscribe(index),
                    }
                }
                13 if self.readings.len() < 5 => self.subscribe(random),
                14 if self.readings.len() < 5 => self.subscribe_lossy(),
                15 => self.drain(),
                _ => {}
            }
            self.check();
        }
        self.finish();
    }

    fn retained(&self) -> u64 {
        self.tail.saturating_sub(self.capacity)
    }

    fn room(&self) -> u64 {
        let hold = self.readings.iter().filter_map(Reading::holds).min();
        hold.map_or(u64::MAX, |hold| hold + self.capacity - self.tail)
    }

    fn check(&self) {
        let stats = self.bus.stats();
        let missed: u64 = self.readings.iter().map(|reading| reading.missed).sum();
        assert_eq!((stats.published, stats.dropped), (self.tail, self.dropped));
        assert!(stats.missed >= missed);
        assert_eq!(stats.receivers, self.readings.len());
        let retained = self.retained();
        let slowest = self.readings.iter().map(|reading| reading.next(retained));
        let unread = self.tail - slowest.min().unwrap_or(self.tail);
        assert_eq!(self.bus.len() as u64, unread);
        for Reading {
            receiver,
            position,
            missed,
            gating,
            ..
        } in &self.readings
        {
            assert_eq!(
                (receiver.position(), receiver.missed()),
                (*position, *missed)
            );
            assert_eq!(receiver.len() as u64, self.tail - position);
            assert_eq!(receiver.is_lossy(), !gating);
        }
        if self.room() > 0 {
            let asleep = self
                .waiting
                .iter()
                .filter(|(_, publish)| !publish.is_woken());
            assert_eq!(asleep.count(), 0, "asleep, and there is room");
        }
        let alive = self.ledger.alive() - self.waiting.len() as isize;
        assert!(alive >= unread as isize, "{alive} alive, {unread} unread");
        assert!(alive <= self.capacity.next_power_of_two() as isize);
    }

    fn published(&mut self, events: u64) {
        self.tail += events;
        for reading in &mut self.readings {
            if let Some(before) = reading.parked.take_if(|_| events > 0) {
                assert!(reading.wakes.count() > before, "not woken");
            }
        }
    }

    fn publish_one(&mut self) {
        let room = self.room();
        let number = self.tail;
        let mut publish = spawn(self.bus.publish(self.ledger.event(number)));
        match publish.poll() {
            Poll::Ready(Ok(sequence)) => {
                assert!(room > 0);
                assert_eq!(sequence, number);
                self.published(1);
            }
            Poll::Ready(Err(PublishError::Dropped(event))) => {
                assert_eq!((room, self.bus.strategy()), (0, WaitStrategy::DropNewest));
                assert_eq!(event.number(), number);
                self.dropped += 1;
            }
            Poll::Pending => {
                assert_eq!((room, self.bus.strategy()), (0, WaitStrategy::Block));
                if self.waiting.len() < 3 {
                    self.waiting.push((number, publish));
                }
            }
            Poll::Ready(Err(error)) => panic!("{error}"),
        }
    }

    fn publish_batch(&mut self, events: u64) {
        let room = self.room().min(events);
        let mut batch = self.ledger.events(self.tail..self.tail + events);
        match self.bus.try_publish_many(&mut batch) {
            Ok(published) => assert_eq!(published as u64, room),
            Err(error) => assert_eq!((room, error.to_string().as_str()), (0, FULL)),
        }
        assert_eq!(batch.len() as u64, events - room);
        let rest = batch.iter().map(Tracked::number);
        assert!(rest.eq(self.tail + room..self.tail + events));
        self.published(room);
    }

    /// The numbers of events that waited are not those of the model: they are published anew.
    fn poll_waiting(&mut self, random: &mut Random) {
        if self.waiting.is_empty() {
            return;
        }
        let index = random.below(self.waiting.len() as u64) as usize;
        let room = self.room();
        let (number, publish) = &mut self.waiting[index];
        if *number != self.tail || random.below(8) == 0 {
            drop(self.waiting.swap_remove(index));
        } else if let Poll::Ready(done) = publish.poll() {
            assert!(room > 0);
            assert_eq!(done.unwrap(), self.tail);
            drop(self.waiting.swap_remove(index));
            self.published(1);
        } else {
            assert_eq!(room, 0);
        }
    }

    /// What the next receive has to say, other than an event.
    fn trouble(&mut self, index: usize) -> Option<TryRecvError> {
        let retained = self.retained();
        let reading = &mut self.readings[index];
        reading.parked = None;
        let lag = reading.next(retained) - reading.position;
        if lag > 0 {
            reading.position += lag;
            reading.missed += lag;
            Some(TryRecvError::Lagged(lag))
        } else {
            (reading.position == self.tail).then_some(TryRecvError::Empty)
        }
    }

    fn receive(&mut self, index: usize, how: u64) {
        let trouble = self.trouble(index);
        let reading = &mut self.readings[index];
        let mut cx = Context::from_waker(Waker::noop());
        let received = match how {
            0 => reading.receiver.try_recv_with(Tracked::number),
            1 => reading.receiver.try_recv().map(|event| event.number()),
            _ => match reading.receiver.poll_recv(&mut cx) {
                Poll::Ready(received) => received.map(|event| event.number()).map_err(Into::into),
                Poll::Pending => Err(TryRecvError::Empty),
            },
        };
        assert_eq!(received, trouble.map_or(Ok(reading.position), Err));
        reading.position += received.is_ok() as u64;
    }

    fn receive_batch(&mut self, index: usize, limit: u64) {
        let trouble = self.trouble(index);
        let reading = &mut self.readings[index];
        let from = reading.position;
        let past = reading.gating && from < reading.subscribed;
        let end = if past { reading.subscribed } else { self.tail };
        let expected = limit.min(end.saturating_sub(from));
        let mut batch = Vec::new();
        let received = reading.receiver.try_recv_many(&mut batch, limit as usize);
        assert_eq!(received, trouble.map_or(Ok(expected as usize), Err));
        let received = received.unwrap_or(0) as u64;
        assert!(batch.iter().map(Tracked::number).eq(from..from + received));
        reading.position += received;
    }

    /// Waits with its own waker, unless there is something to receive.
    fn park(&mut self, index: usize) {
        let parked = self.readings[index].parked;
        let trouble = self.trouble(index);
        let reading = &mut self.readings[index];
        let polled = reading
            .receiver
            .poll_recv(&mut Context::from_waker(&reading.waker));
        match polled {
            Poll::Pending => {
                assert_eq!(trouble, Some(TryRecvError::Empty));
                reading.parked = parked.or(Some(reading.wakes.count()));
            }
            Poll::Ready(received) => {
                let received = received.map(|event| event.number()).map_err(Into::into);
                assert_eq!(received, trouble.map_or(Ok(reading.position), Err));
                reading.position += received.is_ok() as u64;
            }
        }
    }

    fn add(&mut self, receiver: Receiver<Tracked>, gating: bool, position: u64) {
        let (wakes, waker) = Wakes::new();
        self.readings.push(Reading {
            receiver,
            gating,
            position,
            missed: 0,
            kept: self.tail.saturating_sub(self.history),
            subscribed: self.tail,
            wakes,
            waker,
            parked: None,
        });
    }

    fn subscribe(&mut self, random: &mut Random) {
        let number = random.below(self.tail + 2);
        let (start, position) = match random.below(4) {
            0 => (Start::Next, self.tail),
            1 => (Start::Oldest, self.tail.saturating_sub(self.history)),
            2 => (Start::Last(number), self.tail.saturating_sub(number)),
            _ => (Start::Sequence(number), number.min(self.tail)),
        };
        let gating = self.bus.strategy() != WaitStrategy::Overwrite;
        self.add(self.bus.subscribe_from(start), gating, position);
    }

    fn subscribe_lossy(&mut self) {
        self.add(self.bus.subscribe_lossy(), false, self.tail);
    }

    fn resubscribe(&mut self, index: usize) {
        let reading = &self.readings[index];
        self.add(reading.receiver.resubscribe(), reading.gating, self.tail);
    }

    fn copy(&mut self, index: usize) {
        let Reading {
            receiver,
            gating,
            position,
            kept,
            subscribed,
            ..
        } = &self.readings[index];
        let (kept, subscribed) = (*kept, *subscribed);
        self.add(receiver.clone(), *gating, *position);
        let copy = self.readings.last_mut().unwrap();
        (copy.kept, copy.subscribed) = (kept, subscribed);
    }

    fn drain(&mut self) {
        let retained = self.retained();
        let mut nexts = self.readings.iter().map(|reading| reading.next(retained));
        let drained = nexts.all(|next| next == self.tail);
        assert_eq!(spawn(self.bus.drained()).poll().is_ready(), drained);
    }

    fn finish(mut self) {
        self.bus.close();
        for (_, mut publish) in self.waiting.drain(..) {
            assert!(publish.is_woken() && publish.poll().is_ready());
        }
        for index in 0..self.readings.len() {
            while self.readings[index].position < self.tail {
                self.receive(index, 1);
            }
            let reading = &mut self.readings[index];
            let end = reading.receiver.try_recv().err();
            assert_eq!(end, Some(TryRecvError::Closed));
        }
        assert!(spawn(self.bus.drained()).poll().is_ready());
        self.readings.clear();
        let kept = self.tail.min(self.history) as isize;
        assert_eq!(self.ledger.alive(), kept);
    }
}

const FULL: &str = "bus full: a receiver is a whole ring behind";
