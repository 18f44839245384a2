//! One race each, run over and over.

use crate::common::{
    Ledger, STRATEGIES, block, overwrite, publish_all, times, watched, with_history,
};
use eventring::{EventBus, Lagged, TryRecvError, WaitStrategy};
use futures::executor::block_on;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tokio_test::task::spawn;

/// Events of a batch in the middle of which something is to happen.
const BATCH: u64 = times(4096);

/// Who subscribes in the middle of a batch that is claimed but not committed waits within it.
/// Checked without waiting: parked before the batch was there, it must have been woken by it.
fn subscribe_within_a_batch(strategy: WaitStrategy, history: usize) {
    const ROUNDS: u64 = times(300);
    watched(move || {
        let (mut parked, mut asleep) = (0, 0);
        for _ in 0..ROUNDS {
            let bus = with_history(BATCH as usize, history, strategy);
            thread::scope(|scope| {
                let publishing = scope.spawn(|| bus.try_publish_many(&mut (0..BATCH).collect()));
                while bus.stats().published == 0 {
                    thread::yield_now();
                }
                let mut events = bus.subscribe_from(eventring::Start::Last(100)).with_lag();
                let mut recv = spawn(events.recv());
                let pending = recv.poll().is_pending();
                publishing.join().unwrap().unwrap();
                parked += pending as usize;
                asleep += (pending && !recv.is_woken()) as usize;
            });
        }
        assert_eq!(asleep, 0, "asleep for ever, of {parked} that had to wait");
    });
}

#[test]
fn a_lossy_receiver_that_starts_within_a_batch_is_woken() {
    subscribe_within_a_batch(WaitStrategy::Overwrite, BATCH as usize);
}

#[test]
fn a_gating_receiver_that_starts_within_a_batch_is_woken() {
    subscribe_within_a_batch(WaitStrategy::Block, BATCH as usize);
}

#[test]
fn a_receiver_that_asks_for_a_past_within_a_batch_is_woken() {
    subscribe_within_a_batch(WaitStrategy::Overwrite, 0);
}

/// Who was lapped goes on with the oldest retained event: in the middle of a batch, if others have
/// claimed more since. The same check.
#[test]
fn a_lapped_receiver_that_goes_on_within_a_batch_is_woken() {
    const ROUNDS: u64 = times(100);
    watched(|| {
        let (mut parked, mut asleep) = (0, 0);
        for _ in 0..ROUNDS {
            let bus = overwrite(BATCH as usize);
            let mut events = bus.subscribe().with_lag();
            publish_all(&bus, 0..BATCH);
            let mut batch = bus.subscribe().with_lag();
            let claimed = |count| {
                while bus.stats().published < count {
                    thread::yield_now();
                }
            };
            thread::scope(|scope| {
                let large = scope.spawn(|| bus.try_publish_many(&mut (0..BATCH).collect()));
                let small = scope.spawn(|| {
                    claimed(2 * BATCH);
                    bus.try_publish_many(&mut (0..100).collect())
                });
                claimed(2 * BATCH + 100);
                // What is claimed, and not yet written over, can still be received.
                while batch.try_recv() == Err(TryRecvError::Empty) {
                    thread::yield_now();
                }
                assert_eq!(events.try_recv(), Ok(Err(Lagged(BATCH + 100))));
                let mut recv = spawn(events.recv());
                let pending = recv.poll().is_pending();
                large.join().unwrap().unwrap();
                small.join().unwrap().unwrap();
                parked += pending as usize;
                asleep += (pending && !recv.is_woken()) as usize;
            });
        }
        assert_eq!(asleep, 0, "asleep for ever, of {parked} that had to wait");
    });
}

/// Lets all go at once when the last one comes, and so on for ever. Spins: the races that follow
/// are over sooner than a sleeper wakes.
struct Start {
    parties: usize,
    arrived: AtomicUsize,
}

impl Start {
    fn of(parties: usize) -> Self {
        let arrived = AtomicUsize::new(0);
        Self { parties, arrived }
    }

    fn wait(&self) {
        let before = self.arrived.fetch_add(1, Ordering::SeqCst);
        let all = (before / self.parties + 1) * self.parties;
        for spins in 0_u64.. {
            if self.arrived.load(Ordering::SeqCst) >= all {
                return;
            }
            match spins % 64 {
                63 => thread::yield_now(),
                _ => std::hint::spin_loop(),
            }
        }
    }
}

/// Lets one start a little later than the others, each time by another bit.
fn spin(times: u64) {
    for _ in 0..times {
        std::hint::spin_loop();
    }
}

/// The last receiver drops just when events are published: whoever comes second has to see that
/// nobody is left to receive them.
fn the_last_receiver_goes_while_others_publish(publishers: usize, batch: u64) {
    const ROUNDS: u64 = times(5000);
    watched(move || {
        let (bus, ledger) = (overwrite(16), Ledger::default());
        let start = Start::of(publishers + 1);
        let left = thread::scope(|scope| {
            for _ in 0..publishers {
                scope.spawn(|| {
                    for number in 0..ROUNDS {
                        let mut events = ledger.events(number..number + batch);
                        start.wait();
                        spin(number % 7 * 16);
                        match batch {
                            1 => _ = bus.try_publish(events.remove(0)).unwrap(),
                            _ => bus.publish_many_blocking(&mut events).unwrap(),
                        }
                        start.wait();
                        start.wait();
                    }
                });
            }
            let mut left = 0;
            for round in 0..ROUNDS {
                let receiver = bus.subscribe();
                start.wait();
                spin(round % 50 * 8);
                drop(receiver);
                start.wait();
                left += (ledger.alive() != 0) as u64;
                start.wait();
            }
            left
        });
        assert_eq!(left, 0, "times of {ROUNDS} that a value was left behind");
    });
}

#[test]
fn the_last_receiver_goes_while_one_publishes() {
    the_last_receiver_goes_while_others_publish(1, 1);
}

#[test]
fn the_last_receiver_goes_while_one_publishes_batches() {
    the_last_receiver_goes_while_others_publish(1, 3);
}

#[test]
fn the_last_receiver_goes_while_two_publish() {
    the_last_receiver_goes_while_others_publish(2, 1);
}

#[test]
fn the_last_receiver_goes_while_two_publish_batches() {
    the_last_receiver_goes_while_others_publish(2, 3);
}

/// Both sides park again and again: a lost wake-up is a hang.
#[test]
fn ping_pong() {
    const ROUNDS: u64 = times(2000);
    watched(|| {
        for asynchronous in [false, true] {
            let (there, back) = (block(1), overwrite(1));
            let (mut pings, mut pongs) = (there.subscribe(), back.subscribe());
            let echo = thread::spawn(move || {
                while let Some(number) = match asynchronous {
                    true => block_on(pings.recv()),
                    false => pings.recv_blocking(),
                } {
                    back.publish_blocking(number).unwrap();
                }
            });
            for number in 0..ROUNDS {
                there.publish_blocking(number).unwrap();
                let pong = match asynchronous {
                    true => block_on(pongs.recv()),
                    false => pongs.recv_blocking(),
                };
                assert_eq!(pong, Some(number));
            }
            drop(there);
            echo.join().unwrap();
        }
    });
}

/// More publishers than there is room for, all asleep in turn, one of them only trying.
#[test]
fn sleeping_publishers_are_all_woken() {
    const EVENTS: u64 = times(300);
    watched(|| {
        for receivers in [1, 3] {
            for capacity in [1, 2] {
                let bus = block(capacity);
                let receivers: Vec<_> = (0..receivers).map(|_| bus.subscribe()).collect();
                thread::scope(|scope| {
                    for publisher in 0..5 {
                        let bus = bus.clone();
                        scope.spawn(move || {
                            for number in 0..EVENTS {
                                match publisher {
                                    0 => {
                                        while bus.try_publish(number).is_err() {
                                            thread::yield_now();
                                        }
                                    }
                                    1 | 2 => _ = block_on(bus.publish(number)).unwrap(),
                                    _ => _ = bus.publish_blocking(number).unwrap(),
                                }
                            }
                        });
                    }
                    drop(bus);
                    for mut receiver in receivers {
                        scope.spawn(move || {
                            let mut received = 0;
                            while receiver.recv_blocking().is_some() {
                                received += 1;
                            }
                            assert_eq!(received, 5 * EVENTS);
                        });
                    }
                });
            }
        }
    });
}

/// A publisher waits for a receiver that goes away just then.
#[test]
fn a_laggard_that_goes_wakes_who_waits_for_it() {
    watched(|| {
        for round in 0..times(500) as usize {
            let bus = block(1);
            let receiver = bus.subscribe();
            bus.try_publish(0).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| drop(receiver));
                match round % 2 {
                    0 => assert_eq!(bus.publish_blocking(1), Ok(1)),
                    _ => assert_eq!(block_on(bus.publish(1)), Ok(1)),
                }
            });
        }
    });
}

#[test]
fn drained_means_drained() {
    watched(|| {
        for strategy in STRATEGIES {
            for capacity in [1, 2, 3] {
                let bus = EventBus::with_strategy(capacity, strategy);
                thread::scope(|scope| {
                    for index in 0..4 {
                        let mut receiver = match index % 2 {
                            0 => bus.subscribe(),
                            _ => bus.subscribe_lossy(),
                        };
                        scope.spawn(move || while receiver.recv_blocking().is_some() {});
                    }
                    for round in 0..times(200) {
                        for number in 0..round % 5 {
                            let _ = bus.publish_blocking(number);
                        }
                        block_on(bus.drained());
                        assert!(bus.is_empty());
                    }
                    bus.close();
                });
            }
        }
    });
}

/// Somebody waits for a drain while others go on publishing past it, and lap the receivers.
#[test]
fn a_drain_is_woken_whatever_else_goes_on() {
    watched(|| {
        for strategy in STRATEGIES {
            let bus = EventBus::with_strategy(2, strategy);
            thread::scope(|scope| {
                for index in 0..3 {
                    let mut receiver = match index % 2 {
                        0 => bus.subscribe(),
                        _ => bus.subscribe_lossy(),
                    };
                    scope.spawn(move || while receiver.recv_blocking().is_some() {});
                }
                let publisher = scope.spawn(|| {
                    for number in 0..times(3000) {
                        let _ = bus.publish_blocking(number);
                    }
                });
                while !publisher.is_finished() {
                    block_on(bus.drained());
                }
                bus.close();
            });
        }
    });
}

/// A waiting receiver and the commit, the close and its own cancellation meet.
#[test]
fn who_waits_hears_of_the_event_or_of_the_end() {
    watched(|| {
        for round in 0..times(500) as usize {
            let bus = overwrite(1 + round % 2);
            let mut receivers: Vec<_> = (0..3).map(|_| bus.subscribe()).collect();
            let start = Start::of(receivers.len() + 1);
            thread::scope(|scope| {
                for receiver in &mut receivers {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        if round % 3 == 0 {
                            let _ = spawn(receiver.recv()).poll();
                        }
                        while block_on(receiver.recv()).is_some() {}
                        assert_eq!(receiver.position(), 1);
                    });
                }
                start.wait();
                bus.try_publish(0).unwrap();
                bus.close();
            });
        }
    });
}
