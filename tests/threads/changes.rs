//! Receivers and handles that come and go while others publish and receive.

use crate::common::{Ledger, Random, STRATEGIES, Tracked, times, watched, with_history};
use crate::seen::Seen;
use crate::ways::{publish, receive, subscribe};
use eventring::{EventBus, Lagged, Receiver, Start, TryRecvError, WaitStrategy};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const EVENTS: u64 = times(3000);

fn for_each_bus(history: fn(usize) -> usize, scene: fn(EventBus<Tracked>, &mut Random)) {
    watched(move || {
        let mut random = Random::new();
        for strategy in STRATEGIES {
            for capacity in [1, 2, 3, 8] {
                println!("{strategy:?}, capacity {capacity}");
                scene(
                    with_history(capacity, history(capacity), strategy),
                    &mut random,
                );
            }
        }
    });
}

#[test]
fn receivers_come_and_go() {
    for_each_bus(|_| 0, come_and_go);
}

#[test]
fn receivers_come_and_go_with_a_history() {
    for_each_bus(|capacity| capacity.div_ceil(2), come_and_go);
}

#[test]
fn receivers_come_and_go_with_a_history_as_large_as_the_ring() {
    for_each_bus(|capacity| capacity, come_and_go);
}

/// Some stay and take account of all; others come, receive a little, are cloned, and go.
fn come_and_go(bus: EventBus<Tracked>, random: &mut Random) {
    let ledger = Ledger::default();
    let history = ledger.clone();
    let lossless = bus.strategy() == WaitStrategy::Block;
    thread::scope(|scope| {
        for index in 0..2 {
            let mut receiver = match index {
                0 => bus.subscribe(),
                _ => bus.subscribe_lossy(),
            };
            let mut random = random.fork();
            let lossless = lossless && !receiver.is_lossy();
            let bus = &bus;
            scope.spawn(move || {
                let mut seen = Seen::new(&receiver, lossless);
                receive(&mut receiver, &mut seen, u64::MAX, &mut random);
                seen.assert_complete(&receiver, bus.stats().published);
            });
        }
        for _ in 0..2 {
            let (bus, mut random) = (&bus, random.fork());
            scope.spawn(move || {
                while !bus.is_closed() {
                    let mut receiver = subscribe(bus, &mut random);
                    let mut seen = Seen::new(&receiver, false);
                    receive(&mut receiver, &mut seen, random.below(6), &mut random);
                    let mut other = match random.below(3) {
                        0 => receiver.resubscribe(),
                        _ => receiver.clone(),
                    };
                    // A gating receiver that is not received from would hold up all.
                    drop(receiver);
                    let mut seen = Seen::new(&other, false);
                    receive(&mut other, &mut seen, random.below(6), &mut random);
                }
            });
        }
        let publishing = [0, 1].map(|publisher| {
            let (bus, ledger, mut random) = (&bus, &ledger, random.fork());
            scope.spawn(move || publish(bus, ledger, publisher, EVENTS / 10, &mut random))
        });
        for publisher in publishing {
            assert_eq!(publisher.join().unwrap().closed, 0);
        }
        bus.close();
    });
    assert_eq!(bus.receiver_count(), 0);
    drop(bus);
    assert_eq!(history.alive(), 0);
}

/// With one publisher an event's number is its sequence: what a receiver gets must be the event of
/// its position.
#[test]
fn positions_are_sequences() {
    for_each_bus(
        |capacity| capacity,
        |bus, random| {
            let ledger = Ledger::default();
            thread::scope(|scope| {
                for _ in 0..3 {
                    let (bus, mut random) = (&bus, random.fork());
                    scope.spawn(move || {
                        while !bus.is_closed() {
                            let mut receiver = subscribe(bus, &mut random);
                            for _ in 0..random.below(20) {
                                let (position, missed) = (receiver.position(), receiver.missed());
                                let received = receiver.try_recv_with(Tracked::number);
                                let next = position + receiver.missed() - missed;
                                let received_one = u64::from(received.is_ok());
                                assert_eq!(receiver.position(), next + received_one);
                                match received {
                                    Ok(number) => assert_eq!(number, next),
                                    Err(TryRecvError::Empty) => thread::yield_now(),
                                    Err(TryRecvError::Closed) => break,
                                }
                            }
                        }
                    });
                }
                for number in 0..EVENTS {
                    let mut event = ledger.event(number);
                    while let Err(full) = bus.try_publish(event) {
                        event = full.into_event();
                        thread::yield_now();
                    }
                }
                bus.close();
            });
        },
    );
}

/// Gating receivers that start in the past miss nothing from where they subscribed.
#[test]
fn the_present_of_a_late_subscriber_is_lossless() {
    watched(|| {
        let mut random = Random::new();
        for capacity in [1, 2, 3, 8] {
            let bus = with_history(capacity, capacity, WaitStrategy::Block);
            let ledger = Ledger::default();
            thread::scope(|scope| {
                for _ in 0..2 {
                    let (bus, mut random) = (&bus, random.fork());
                    scope.spawn(move || {
                        while !bus.is_closed() {
                            let mut events = subscribe_to_the_past(bus, &mut random).with_lag();
                            // All that was published before is its past.
                            let present = bus.stats().published;
                            for _ in 0..random.below(30) {
                                let position = events.get_ref().position();
                                match events.recv_blocking() {
                                    Some(Ok(event)) => assert_eq!(event.number(), position),
                                    Some(Err(Lagged(missed))) => {
                                        let next = events.get_ref().position();
                                        assert!(missed > 0 && next == position + missed);
                                        assert!(next <= present);
                                    }
                                    None => break,
                                }
                            }
                        }
                    });
                }
                for number in 0..EVENTS {
                    bus.publish_blocking(ledger.event(number)).unwrap();
                }
                bus.close();
            });
        }
    });
}

fn subscribe_to_the_past(bus: &EventBus<Tracked>, random: &mut Random) -> Receiver<Tracked> {
    bus.subscribe_from(match random.below(2) {
        0 => Start::Oldest,
        _ => Start::Last(random.below(12)),
    })
}

/// Whoever is the last to go, publisher or receiver: no value stays behind in an open bus.
#[test]
fn nothing_stays_behind_when_the_last_receiver_goes() {
    watched(|| {
        for round in 0..times(600) as usize {
            let bus = EventBus::with_strategy(4, STRATEGIES[round % 3]);
            let ledger = Ledger::default();
            thread::scope(|scope| {
                let receivers = [bus.subscribe(), bus.subscribe_lossy()];
                for (index, mut receiver) in receivers.into_iter().enumerate() {
                    scope.spawn(move || {
                        for _ in 0..index + round % 4 {
                            let _ = receiver.try_recv();
                        }
                    });
                }
                for number in 0..6 {
                    let _ = bus.try_publish(ledger.event(number));
                }
                let _ = bus.try_publish_many(&mut ledger.events(6..9));
            });
            assert_eq!(ledger.alive(), 0);
        }
    });
}

#[test]
fn the_last_handle_closes_whoever_drops_it() {
    watched(|| {
        for round in 0..times(300) as usize {
            let bus = EventBus::<u64>::with_strategy(2, STRATEGIES[round % 3]);
            let mut receiver = bus.subscribe();
            let weak = bus.downgrade();
            let published = AtomicU64::new(0);
            thread::scope(|scope| {
                let handles = [bus.clone(), bus];
                for handle in handles {
                    let (weak, published) = (&weak, &published);
                    scope.spawn(move || {
                        drop(handle);
                        // Upgraded or not, as long as somebody has a handle it must be open.
                        if let Some(again) = weak.upgrade() {
                            assert!(!again.is_closed());
                            again.try_publish(1).unwrap();
                            published.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                }
                while receiver.recv_blocking().is_some() {}
            });
            assert_eq!(receiver.position(), published.into_inner());
            assert!(weak.upgrade().is_none());
        }
    });
}

#[test]
fn closing_while_all_are_busy() {
    watched(|| {
        let mut random = Random::new();
        for round in 0..times(100) as usize {
            let bus = EventBus::with_strategy(1 + round % 4, STRATEGIES[round % 3]);
            let ledger = Ledger::default();
            let accepted = thread::scope(|scope| {
                for _ in 0..2 {
                    let (mut receiver, mut random) = (bus.subscribe(), random.fork());
                    let bus = &bus;
                    scope.spawn(move || {
                        let mut seen = Seen::new(&receiver, false);
                        receive(&mut receiver, &mut seen, 20, &mut random);
                        bus.close();
                        receive(&mut receiver, &mut seen, u64::MAX, &mut random);
                        seen.assert_complete(&receiver, bus.stats().published);
                    });
                }
                let publishing = [0, 1].map(|publisher| {
                    let (bus, ledger, mut random) = (&bus, &ledger, random.fork());
                    scope.spawn(move || {
                        publish(bus, ledger, publisher, u64::from(u32::MAX), &mut random)
                    })
                });
                publishing.map(|publisher| publisher.join().unwrap().accepted)
            });
            assert_eq!(bus.stats().published, accepted.iter().sum::<u64>());
            assert_eq!(ledger.alive(), 0);
        }
    });
}
