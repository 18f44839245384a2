//! When values are dropped, and how often they are cloned: every value once, none too late.

use crate::common::{Ledger, STRATEGIES, Tracked, block, drop_newest, overwrite, with_history};
use eventring::{EventBus, Receiver, Start, TryRecvError, WaitStrategy};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

fn number(receiver: &mut Receiver<Tracked>) -> Result<u64, TryRecvError> {
    receiver.try_recv().map(|event| event.number())
}

fn publish(bus: &EventBus<Tracked>, ledger: &Ledger, numbers: std::ops::Range<u64>) {
    for number in numbers {
        bus.try_publish(ledger.event(number)).unwrap();
    }
}

#[test]
fn an_only_receiver_gets_values_moved() {
    for strategy in STRATEGIES {
        let (ledger, bus) = (Ledger::default(), EventBus::with_strategy(3, strategy));
        let mut receiver = bus.subscribe();
        publish(&bus, &ledger, 0..3);
        assert_eq!(number(&mut receiver), Ok(0));
        assert_eq!(ledger.alive(), 2, "dropped once received");
        let mut batch = Vec::new();
        receiver.try_recv_many(&mut batch, 9).unwrap();
        assert_eq!((ledger.alive(), batch.len()), (2, 2));
        drop(batch);
        publish(&bus, &ledger, 3..4);
        receiver.try_recv_with(|event| event.number()).unwrap();
        assert_eq!((ledger.alive(), ledger.clones()), (0, 0));
    }
}

#[test]
fn a_batch_read_in_place_stays_until_the_bus_is_found_empty() {
    for strategy in STRATEGIES {
        let (ledger, bus) = (Ledger::default(), EventBus::with_strategy(3, strategy));
        let mut receiver = bus.subscribe();
        publish(&bus, &ledger, 0..3);
        assert_eq!(receiver.try_recv_many_with(9, |_| ()), Ok(3));
        assert_eq!(ledger.alive(), 3);
        let none = receiver.try_recv_many_with(9, |_| ());
        assert_eq!(none, Err(TryRecvError::Empty));
        assert_eq!((ledger.alive(), ledger.clones()), (0, 0));
    }
}

#[test]
fn several_receivers_clone_each_value_once() {
    for strategy in STRATEGIES {
        let (ledger, bus) = (Ledger::default(), EventBus::with_strategy(3, strategy));
        let mut receivers = [bus.subscribe(), bus.subscribe(), bus.subscribe()];
        publish(&bus, &ledger, 0..3);
        for receiver in &mut receivers {
            for expected in 0..3 {
                assert_eq!(number(receiver), Ok(expected));
            }
        }
        assert_eq!(ledger.clones(), 9);
    }
}

#[test]
fn reading_by_reference_clones_nothing() {
    let (ledger, bus) = (Ledger::default(), overwrite(4));
    let mut one = bus.subscribe();
    let mut other = spawn(bus.subscribe().filter_map_ref(|_: &Tracked| None::<()>));
    publish(&bus, &ledger, 0..3);
    one.try_recv_with(|event| event.number()).unwrap();
    assert_eq!(one.try_recv_many_with(9, |_| ()), Ok(2));
    assert_pending!(other.poll_next());
    assert_eq!(ledger.clones(), 0);
}

#[test]
fn who_is_left_alone_gets_values_moved() {
    let (ledger, bus) = (Ledger::default(), overwrite(4));
    let mut receiver = bus.subscribe();
    let copy = receiver.clone();
    publish(&bus, &ledger, 0..2);
    assert_eq!((number(&mut receiver), ledger.clones()), (Ok(0), 1));
    drop(copy);
    assert_eq!(ledger.alive(), 1, "the one that all have left to receive");
    assert_eq!((number(&mut receiver), ledger.clones()), (Ok(1), 1));
    assert_eq!(ledger.alive(), 0);
}

#[test]
fn values_go_when_the_last_receiver_goes() {
    for strategy in STRATEGIES {
        for capacity in [3, 4] {
            let (ledger, bus) = (
                Ledger::default(),
                EventBus::with_strategy(capacity, strategy),
            );
            let (one, other) = (bus.subscribe(), bus.subscribe_lossy());
            publish(&bus, &ledger, 0..3);
            drop(one);
            assert_eq!(ledger.alive(), 3);
            drop(other);
            assert_eq!(ledger.alive(), 0);
            publish(&bus, &ledger, 3..9);
            assert_eq!(ledger.alive(), 0, "to nobody: gone at once");
            let mut events = ledger.events(9..20);
            bus.publish_many_blocking(&mut events).unwrap();
            assert_eq!(ledger.alive(), 0, "a batch to nobody too");
        }
    }
}

#[test]
fn values_go_once_all_have_read_them() {
    for bus in [block(4), overwrite(4), drop_newest(4)] {
        let ledger = Ledger::default();
        let (mut one, mut other) = (bus.subscribe(), bus.subscribe_lossy());
        for lap in 0..5 {
            publish(&bus, &ledger, lap * 3..lap * 3 + 3);
            while one.try_recv().is_ok() {}
            assert_eq!(ledger.alive(), 3, "the other one needs them");
            while other.try_recv().is_ok() {}
            assert_eq!(ledger.alive(), 0);
        }
    }
}

#[test]
fn values_go_with_the_laggard() {
    for bus in [block(4), overwrite(4)] {
        let ledger = Ledger::default();
        let (mut fast, slow) = (bus.subscribe(), bus.subscribe());
        let other = bus.subscribe();
        publish(&bus, &ledger, 0..4);
        for _ in 0..3 {
            fast.try_recv().unwrap();
        }
        drop(slow);
        assert_eq!(ledger.alive(), 4);
        drop(other);
        assert_eq!(ledger.alive(), 1);
    }
}

#[test]
fn a_parked_receiver_releases_too() {
    let (ledger, bus) = (Ledger::default(), overwrite(4));
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    publish(&bus, &ledger, 0..2);
    for receiver in &mut receivers {
        let mut batch = Vec::new();
        assert_ready!(spawn(receiver.recv_many(&mut batch, 9)).poll());
        assert!(spawn(receiver.recv()).poll().is_pending());
    }
    assert_eq!(ledger.alive(), 0);
}

#[test]
fn nothing_is_released_under_a_lapped_receiver() {
    let (ledger, bus) = (Ledger::default(), overwrite(2));
    let (mut fast, mut lapped) = (bus.subscribe(), bus.subscribe());
    publish(&bus, &ledger, 0..5);
    while fast.try_recv().is_ok() {}
    assert_eq!((number(&mut lapped), lapped.missed()), (Ok(3), 3));
    assert_eq!(number(&mut lapped), Ok(4));
    assert_eq!(number(&mut lapped), Err(TryRecvError::Empty));
    assert_eq!(ledger.alive(), 0);
}

#[test]
fn overwriting_drops_the_old_value() {
    for capacity in [1, 2, 4] {
        let (ledger, bus) = (Ledger::default(), overwrite(capacity));
        let _receivers = [bus.subscribe(), bus.subscribe()];
        publish(&bus, &ledger, 0..10);
        assert_eq!(ledger.alive(), capacity as isize);
        let mut events = ledger.events(10..30);
        bus.publish_many_blocking(&mut events).unwrap();
        assert_eq!(ledger.alive(), capacity as isize, "a batch too");
    }
}

#[test]
fn a_history_keeps_as_many_as_it_says() {
    for strategy in STRATEGIES {
        let (ledger, bus) = (Ledger::default(), with_history(8, 2, strategy));
        let mut receivers = [bus.subscribe(), bus.subscribe_lossy()];
        publish(&bus, &ledger, 0..5);
        for receiver in &mut receivers {
            while receiver.try_recv().is_ok() {}
        }
        assert_eq!(ledger.alive(), 2);
        drop(receivers);
        assert_eq!(ledger.alive(), 2);
        let mut late = bus.subscribe_from(Start::Oldest);
        assert_eq!((number(&mut late), number(&mut late)), (Ok(3), Ok(4)));
        assert_eq!(ledger.alive(), 2, "not moved out");
        drop((late, bus));
        assert_eq!(ledger.alive(), 0);
    }
}

#[test]
fn a_history_survives_its_readers() {
    let (ledger, bus) = (Ledger::default(), with_history(4, 4, WaitStrategy::Block));
    publish(&bus, &ledger, 0..4);
    for _ in 0..3 {
        let mut receiver = bus.subscribe_from(Start::Last(2));
        assert_eq!(
            (number(&mut receiver), number(&mut receiver)),
            (Ok(2), Ok(3))
        );
        assert_eq!(number(&mut receiver), Err(TryRecvError::Empty));
    }
    assert_eq!(ledger.alive(), 4);
}

#[test]
fn unread_values_stay_as_long_as_their_receiver() {
    let (ledger, bus) = (Ledger::default(), block(4));
    let mut receiver = bus.subscribe();
    let weak = bus.downgrade();
    publish(&bus, &ledger, 0..4);
    drop(bus);
    assert_eq!((number(&mut receiver), ledger.alive()), (Ok(0), 3));
    drop(receiver);
    assert_eq!(ledger.alive(), 0);
    drop(weak);
}

#[test]
fn a_cancelled_publish_drops_its_event() {
    let (ledger, bus) = (Ledger::default(), block(1));
    let _receiver = bus.subscribe();
    publish(&bus, &ledger, 0..1);
    let mut publish = spawn(bus.publish(ledger.event(1)));
    assert!(publish.poll().is_pending());
    assert_eq!(ledger.alive(), 2);
    drop(publish);
    assert_eq!(ledger.alive(), 1);
    drop(bus.publish(ledger.event(2)));
    assert_eq!(ledger.alive(), 1);
}

#[test]
fn what_is_handed_back_is_alive() {
    let (ledger, bus) = (Ledger::default(), drop_newest(1));
    let _receiver = bus.subscribe();
    let mut events = ledger.events(0..3);
    assert!(bus.publish_many_blocking(&mut events).is_err());
    assert_eq!((events.len(), ledger.alive()), (2, 3));
    let dropped = bus.publish_blocking(ledger.event(3)).unwrap_err();
    assert_eq!(ledger.alive(), 4);
    assert_eq!(dropped.into_event().number(), 3);
    assert_eq!(ledger.alive(), 3);
}

#[test]
fn a_batch_keeps_accounts_over_many_laps() {
    for strategy in STRATEGIES {
        for capacity in [1, 2, 3, 4] {
            let (ledger, bus) = (
                Ledger::default(),
                EventBus::with_strategy(capacity, strategy),
            );
            let mut receivers = [bus.subscribe(), bus.subscribe_lossy()];
            let mut events = ledger.events(0..40);
            while !events.is_empty() {
                bus.try_publish_many(&mut events).unwrap();
                let in_ring = ledger.alive() - events.len() as isize;
                assert!(in_ring <= capacity.next_power_of_two() as isize);
                for receiver in &mut receivers {
                    while !matches!(receiver.try_recv(), Err(TryRecvError::Empty)) {}
                }
                assert_eq!(ledger.alive(), events.len() as isize);
            }
            for receiver in &receivers {
                assert_eq!(receiver.position(), 40);
            }
        }
    }
}
