//! Building a bus, what it says of itself, and the texts of errors.

use crate::common::{STRATEGIES, block, overwrite, panic_of, publish_all};
use eventring::{
    BuildError, EventBus, Lagged, PublishError, RecvTimeoutError, TryPublishError, TryRecvError,
    WaitStrategy,
};
use std::panic::{self, Location};
use std::sync::Mutex;
use std::thread;

#[test]
fn capacity_is_what_was_asked_for() {
    for capacity in [1, 2, 3, 5, 100] {
        for strategy in STRATEGIES {
            let bus = EventBus::<u64>::with_strategy(capacity, strategy);
            assert_eq!(bus.capacity(), capacity);
            assert_eq!(bus.strategy(), strategy);
        }
    }
}

#[test]
fn the_bus_holds_exactly_its_capacity() {
    for capacity in [1, 2, 3, 5] {
        let bus = block(capacity as usize);
        let _receiver = bus.subscribe();
        publish_all(&bus, 0..capacity);
        assert_eq!(bus.len() as u64, capacity);
        let full = bus.try_publish(capacity);
        assert_eq!(full, Err(TryPublishError::Full(capacity)));
    }
}

#[test]
fn defaults() {
    assert_eq!(WaitStrategy::default(), WaitStrategy::Overwrite);
    assert_eq!(
        EventBus::<u64>::new(8).strategy(),
        WaitStrategy::default(),
        "a bus that was asked for nothing else"
    );
    let bus = EventBus::<u64>::builder().build().unwrap();
    assert_eq!((bus.capacity(), bus.strategy()), (1024, Default::default()));
}

#[test]
fn build_errors() {
    let build = |capacity, history| {
        let builder = EventBus::<u64>::builder();
        builder.capacity(capacity).history(history).build().err()
    };
    assert_eq!(build(4, 4), None);
    assert_eq!(build(0, 0), Some(BuildError::ZeroCapacity));
    let (history, capacity) = (5, 4);
    let larger = BuildError::HistoryTooLarge { history, capacity };
    assert_eq!(build(capacity, history), Some(larger));
    for capacity in [usize::MAX, 1 << (usize::BITS - 2)] {
        let too_large = Some(BuildError::CapacityTooLarge(capacity));
        assert_eq!(build(capacity, 0), too_large);
    }
}

#[test]
fn build_errors_say_what_to_do() {
    assert_eq!(
        BuildError::ZeroCapacity.to_string(),
        "capacity is 0: a bus must hold at least 1 event"
    );
    assert_eq!(
        BuildError::CapacityTooLarge(9).to_string(),
        "capacity is 9: memory for that many slots cannot be allocated, ask for fewer"
    );
    let (history, capacity) = (5, 4);
    assert_eq!(
        BuildError::HistoryTooLarge { history, capacity }.to_string(),
        "history is 5, larger than the capacity of 4: ask for less history or more capacity"
    );
}

#[test]
fn errors_read_well() {
    let whole_ring_behind = "a receiver is a whole ring behind";
    let texts = [
        (PublishError::Closed(()).to_string(), "bus closed".into()),
        (
            PublishError::Dropped(()).to_string(),
            format!("event dropped: {whole_ring_behind}"),
        ),
        (TryPublishError::Closed(()).to_string(), "bus closed".into()),
        (
            TryPublishError::Full(()).to_string(),
            format!("bus full: {whole_ring_behind}"),
        ),
        (TryRecvError::Empty.to_string(), "bus empty".into()),
        (TryRecvError::Closed.to_string(), "bus closed".into()),
        (
            RecvTimeoutError::Timeout.to_string(),
            "no event in time".into(),
        ),
        (RecvTimeoutError::Closed.to_string(), "bus closed".into()),
        (Lagged(3).to_string(), "receiver lagged by 3".into()),
    ];
    for (text, expected) in texts {
        assert_eq!(text, expected);
    }
}

#[test]
fn errors_hand_the_event_back() {
    assert_eq!(PublishError::Closed(1).into_event(), 1);
    assert_eq!(PublishError::Dropped(2).into_event(), 2);
    assert_eq!(TryPublishError::Full(3).into_event(), 3);
    assert_eq!(TryPublishError::Closed(4).into_event(), 4);
}

#[test]
fn new_panics_with_the_error() {
    let zero = BuildError::ZeroCapacity.to_string();
    assert_eq!(panic_of(|| EventBus::<u64>::new(0)), zero);
    assert_eq!(panic_of(|| block::<u64>(0)), zero);
    let too_large = BuildError::CapacityTooLarge(usize::MAX).to_string();
    assert_eq!(panic_of(|| overwrite::<u64>(usize::MAX)), too_large);
}

#[test]
fn new_panics_at_its_caller() {
    const NAME: &str = "located";
    static PANICKED_AT: Mutex<Vec<(String, u32)>> = Mutex::new(Vec::new());
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().name() != Some(NAME) {
            return others(panic);
        }
        let at = panic.location().map(|at| (at.file().to_owned(), at.line()));
        PANICKED_AT.lock().unwrap().extend(at);
    }));
    let lines = || {
        let here = Location::caller();
        let _ = panic::catch_unwind(|| EventBus::<u64>::new(0));
        let _ = panic::catch_unwind(|| EventBus::<u64>::with_strategy(0, WaitStrategy::Block));
        [1, 2].map(|below| (here.file().to_owned(), here.line() + below))
    };
    let located = thread::Builder::new().name(NAME.into());
    let expected = located.spawn(lines).unwrap().join().unwrap();
    assert_eq!(*PANICKED_AT.lock().unwrap(), expected);
}

#[test]
fn same_bus() {
    let bus = overwrite::<u64>(1);
    assert!(bus.same_bus(&bus.clone()));
    assert!(bus.same_bus(&bus.downgrade().upgrade().unwrap()));
    assert!(!bus.same_bus(&overwrite(1)));
}

#[test]
fn len_is_that_of_the_slowest_receiver() {
    let bus = overwrite(3);
    publish_all(&bus, [0]);
    assert_eq!((bus.len(), bus.is_empty()), (0, true), "without receivers");
    let mut fast = bus.subscribe();
    let slow = bus.subscribe();
    assert!(bus.is_empty());
    publish_all(&bus, [1, 2]);
    fast.try_recv().unwrap();
    assert_eq!((bus.len(), fast.len(), slow.len()), (2, 1, 2));
    publish_all(&bus, [3, 4]);
    assert_eq!(slow.len(), 4, "counts what it is going to miss");
    assert_eq!((bus.len(), bus.is_empty()), (3, false), "never over");
    drop(slow);
    assert_eq!(bus.len(), 3);
    while fast.try_recv().is_ok() {}
    assert!(bus.is_empty() && fast.is_empty());
}

#[test]
fn receivers_are_counted() {
    let bus = block::<u64>(2);
    assert_eq!(bus.receiver_count(), 0);
    let receiver = bus.subscribe();
    let lossy = bus.subscribe_lossy();
    let copy = receiver.clone();
    let stream = receiver.resubscribe().with_lag();
    assert_eq!((bus.receiver_count(), bus.stats().receivers), (4, 4));
    drop((lossy, copy, stream));
    assert_eq!((bus.receiver_count(), bus.stats().receivers), (1, 1));
}
