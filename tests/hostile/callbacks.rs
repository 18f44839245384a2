//! Events and closures that call back into their bus while it calls them. Under a watchdog: what
//! could go wrong is a deadlock.

use crate::common::{Hooked, STRATEGIES, overwrite, watched, with_history};
use eventring::{EventBus, Receiver, Start, TryRecvError, WaitStrategy};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

type Bus = EventBus<Hooked>;
type Shared<T> = Arc<Mutex<T>>;

fn numbers(receiver: &mut Receiver<Hooked>) -> Vec<u64> {
    receiver.try_iter().map(|event| event.number).collect()
}

/// An event that publishes another when it is dropped, if there is room.
fn heir(bus: &Bus, number: u64, next: u64) -> Hooked {
    let bus = bus.downgrade();
    Hooked::on_drop(number, move || {
        if let Some(bus) = bus.upgrade() {
            let _ = bus.try_publish(Hooked::tame(next));
        }
    })
}

#[test]
fn a_clone_that_subscribes() {
    watched(|| {
        for strategy in STRATEGIES {
            let bus = Bus::with_strategy(2, strategy);
            let made: Shared<Vec<Receiver<Hooked>>> = Shared::default();
            let mut receivers = [bus.subscribe(), bus.subscribe()];
            let (handle, keep) = (bus.downgrade(), Arc::clone(&made));
            let event = Hooked::on_clone(0, move || {
                let bus = handle.upgrade().unwrap();
                keep.lock().unwrap().push(bus.subscribe());
                keep.lock().unwrap().push(bus.subscribe_lossy());
                assert_eq!((bus.is_empty(), bus.stats().published), (false, 1));
            });
            bus.try_publish(event).unwrap();
            for receiver in &mut receivers {
                assert_eq!(numbers(receiver), [0]);
            }
            bus.try_publish(Hooked::tame(1)).unwrap();
            let mut made = made.lock().unwrap();
            assert_eq!(made.len(), 4);
            for receiver in made.iter_mut().chain(&mut receivers) {
                assert_eq!(numbers(receiver), [1]);
            }
        }
    });
}

/// The publisher that wants the slot waits for the clone with nothing locked.
#[test]
fn a_clone_that_subscribes_while_a_publisher_waits_for_it() {
    watched(|| {
        for receiver_from_the_past in [false, true] {
            let bus: Bus = with_history(1, 1, WaitStrategy::Overwrite);
            let lapping = Arc::new(AtomicBool::new(false));
            let (handle, started) = (bus.downgrade(), Arc::clone(&lapping));
            let event = Hooked::on_clone(0, move || {
                let bus = handle.upgrade().unwrap();
                started.store(true, Ordering::SeqCst);
                while bus.stats().published == 1 {
                    thread::yield_now();
                }
                drop(bus.subscribe());
            });
            let mut receiver = bus.subscribe();
            bus.try_publish(event).unwrap();
            if receiver_from_the_past {
                receiver = bus.subscribe_from(Start::Oldest);
            }
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !lapping.load(Ordering::SeqCst) {
                        thread::yield_now();
                    }
                    bus.try_publish(Hooked::tame(1)).unwrap();
                });
                assert_eq!(receiver.recv_blocking().unwrap().number, 0);
                assert_eq!(receiver.recv_blocking().unwrap().number, 1);
            });
        }
    });
}

#[test]
fn a_clone_that_receives_and_drops_another_receiver() {
    watched(|| {
        for strategy in STRATEGIES {
            let bus = Bus::with_strategy(2, strategy);
            let mut receiver = bus.subscribe();
            let other = Shared::new(Mutex::new(Some(bus.subscribe())));
            let taken = Arc::clone(&other);
            let event = Hooked::on_clone(0, move || {
                if let Some(mut other) = taken.lock().unwrap().take() {
                    assert_eq!(other.try_recv_with(|event| event.number).unwrap(), 0);
                }
            });
            bus.try_publish(event).unwrap();
            assert_eq!(numbers(&mut receiver), [0]);
            assert_eq!(bus.receiver_count(), 1);
            bus.try_publish(Hooked::tame(1)).unwrap();
            assert_eq!(numbers(&mut receiver), [1]);
        }
    });
}

/// Were the events of a batch dropped while a lossy receiver reads it, this would wait for itself.
#[test]
fn a_drop_that_laps_the_only_receiver_of_a_batch_read_in_place() {
    watched(|| {
        let bus = overwrite::<Hooked>(2);
        let mut receiver = bus.subscribe();
        for number in 0..2 {
            let weak = bus.downgrade();
            let event = Hooked::on_drop(number, move || {
                let bus = weak.upgrade().unwrap();
                bus.try_publish(Hooked::tame(number + 2)).unwrap();
            });
            bus.try_publish(event).unwrap();
        }
        let mut read = Vec::new();
        let each = |event: &Hooked| read.push(event.number);
        assert_eq!(receiver.try_recv_many_with(9, each), Ok(2));
        let none = receiver.try_recv_many_with(9, |_| ());
        assert_eq!(none, Err(TryRecvError::Empty));
        assert_eq!(read, [0, 1]);
        assert_eq!(numbers(&mut receiver), [2, 3], "published by the drops");
    });
}

#[test]
fn a_clone_that_closes() {
    watched(|| {
        for strategy in STRATEGIES {
            let bus = Bus::with_strategy(2, strategy);
            let mut receivers = [bus.subscribe(), bus.subscribe()];
            let handle = Mutex::new(Some(bus.clone()));
            let event = Hooked::on_clone(0, move || drop(handle.lock().unwrap().take()));
            bus.try_publish(event).unwrap();
            drop(bus);
            for receiver in &mut receivers {
                assert_eq!(numbers(receiver), [0]);
                assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Closed));
            }
        }
    });
}

#[test]
fn a_closure_that_subscribes_and_closes() {
    watched(|| {
        for receivers in [1, 2] {
            let bus = overwrite(2);
            let mut receivers: Vec<_> = (0..receivers).map(|_| bus.subscribe()).collect();
            bus.try_publish(0).unwrap();
            let mut late = receivers[0].try_recv_with(|_| bus.subscribe()).unwrap();
            bus.try_publish(1).unwrap();
            receivers[0].try_recv_with(|_| bus.close()).unwrap();
            assert_eq!(late.try_recv(), Ok(1));
            assert_eq!(late.try_recv(), Err(TryRecvError::Closed));
        }
    });
}

#[test]
fn a_drop_that_publishes_when_overwritten() {
    watched(|| {
        for capacity in [1, 2] {
            let bus = overwrite(capacity);
            let mut receivers = [bus.subscribe(), bus.subscribe()];
            bus.try_publish(heir(&bus, 0, 100)).unwrap();
            for number in 1..=capacity as u64 {
                bus.try_publish(Hooked::tame(number)).unwrap();
            }
            for receiver in &mut receivers {
                assert_eq!(numbers(receiver).last(), Some(&100));
            }
            assert_eq!(bus.stats().published, capacity as u64 + 2);
        }
    });
}

#[test]
fn drops_that_publish_when_overwritten_by_a_batch() {
    watched(|| {
        let bus = overwrite(2);
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        for number in 0..2 {
            bus.try_publish(heir(&bus, number, 100 + number)).unwrap();
        }
        let mut batch = (2..4).map(Hooked::tame).collect();
        bus.publish_many_blocking(&mut batch).unwrap();
        for receiver in &mut receivers {
            let mut received = numbers(receiver);
            received.sort();
            assert_eq!(received, [100, 101]);
        }
        assert!(batch.is_empty());
    });
}

#[test]
fn a_drop_that_publishes_when_released() {
    watched(|| {
        for strategy in STRATEGIES {
            for capacity in [1, 2] {
                let bus = Bus::with_strategy(capacity, strategy);
                let mut receivers = [bus.subscribe(), bus.subscribe()];
                bus.try_publish(heir(&bus, 0, 100)).unwrap();
                for receiver in &mut receivers {
                    assert_eq!(receiver.try_recv().unwrap().number, 0);
                }
                // The second one to look finds the ring empty, and then no longer.
                let mut received = receivers.each_mut().map(numbers);
                received[0].extend(numbers(&mut receivers[0]));
                received[1].extend(numbers(&mut receivers[1]));
                assert_eq!(received, [[100], [100]]);
            }
        }
    });
}

#[test]
fn a_drop_that_publishes_wakes_the_receiver_that_released_it() {
    watched(|| {
        let bus = overwrite(1);
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        bus.try_publish(heir(&bus, 0, 100)).unwrap();
        for receiver in &mut receivers {
            assert_eq!(receiver.try_recv().unwrap().number, 0);
        }
        let [first, last] = &mut receivers;
        assert_eq!(first.try_recv().unwrap_err(), TryRecvError::Empty);
        for receiver in [last, first] {
            assert_eq!(receiver.recv_blocking().unwrap().number, 100);
        }
    });
}

#[test]
fn a_drop_that_publishes_when_the_last_receiver_goes() {
    watched(|| {
        for strategy in STRATEGIES {
            for capacity in [1, 2] {
                let bus = Bus::with_strategy(capacity, strategy);
                let receiver = bus.subscribe();
                bus.try_publish(heir(&bus, 0, 100)).unwrap();
                drop(receiver);
                assert_eq!(bus.stats().published, 2);
                bus.try_publish(heir(&bus, 1, 101)).unwrap();
                assert_eq!(bus.stats().published, 4);
            }
        }
    });
}

#[test]
fn a_drop_that_publishes_when_its_only_receiver_has_read_it() {
    watched(|| {
        for strategy in STRATEGIES {
            let bus = Bus::with_strategy(1, strategy);
            let mut receiver = bus.subscribe();
            bus.try_publish(heir(&bus, 0, 100)).unwrap();
            assert_eq!(receiver.try_recv_with(|event| event.number).unwrap(), 0);
            assert_eq!(numbers(&mut receiver), [100]);
            bus.try_publish(heir(&bus, 1, 101)).unwrap();
            assert_eq!(receiver.try_recv().unwrap().number, 1);
            assert_eq!(numbers(&mut receiver), [101]);
        }
    });
}

#[test]
fn a_drop_that_subscribes_and_closes() {
    watched(|| {
        for strategy in STRATEGIES {
            let bus = Bus::with_strategy(1, strategy);
            let mut receivers = [bus.subscribe(), bus.subscribe()];
            let handle = bus.clone();
            let event = Hooked::on_drop(0, move || {
                let mut late = handle.subscribe();
                handle.close();
                assert_eq!(late.try_recv().err(), Some(TryRecvError::Closed));
            });
            bus.try_publish(event).unwrap();
            for receiver in &mut receivers {
                assert_eq!(receiver.try_recv().unwrap().number, 0);
            }
            assert!(
                receivers
                    .iter_mut()
                    .all(|receiver| receiver.try_recv().is_err())
            );
            assert!(bus.is_closed());
        }
    });
}

#[test]
fn an_event_that_owns_its_bus() {
    watched(|| {
        let bus = overwrite(2);
        let mut receiver = bus.subscribe();
        let (owned, weak) = (Mutex::new(Some(bus.clone())), bus.downgrade());
        let event = Hooked::on_drop(0, move || drop(owned.lock().unwrap().take()));
        bus.try_publish(event).unwrap();
        drop(bus);
        assert!(weak.upgrade().is_some(), "it holds itself open");
        assert_eq!(numbers(&mut receiver), [0]);
        assert!(weak.upgrade().is_none());
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Closed));
    });
}
