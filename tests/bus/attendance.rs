//! `receivers_at_least` and `deserted`: how many receivers there are to be.

use crate::common::{STRATEGIES, backlog, block, no_gaps, overwrite, publish_all, with_history};
use eventring::{EventBus, Start, WaitStrategy};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn none_are_there_from_the_beginning() {
    for strategy in STRATEGIES {
        let bus = EventBus::<u64>::with_strategy(2, strategy);
        assert_ready!(spawn(bus.receivers_at_least(0)).poll());
        assert_ready!(spawn(bus.deserted()).poll());
        assert_pending!(spawn(bus.receivers_at_least(1)).poll());
    }
}

#[test]
fn all_kinds_and_clones_count() {
    let bus = with_history(4, 4, WaitStrategy::Block);
    publish_all(&bus, 0..2);
    let mut waiting = spawn(bus.receivers_at_least(5));
    assert_pending!(waiting.poll());
    let gating = bus.subscribe_from(Start::Oldest);
    let lossy = bus.subscribe_lossy();
    let committing = bus.subscribe_committing();
    let clone = committing.clone();
    assert!(!waiting.is_woken());
    let last = bus.subscribe_behind(&committing.watermark());
    assert!(waiting.is_woken());
    assert_ready!(waiting.poll());
    drop((gating, lossy, committing, clone, last));
}

#[test]
fn a_clone_wakes() {
    let bus = overwrite::<u64>(2);
    let receiver = bus.subscribe();
    let mut waiting = spawn(bus.receivers_at_least(2));
    assert_pending!(waiting.poll());
    let _clone = receiver.clone();
    assert!(waiting.is_woken());
    assert_ready!(waiting.poll());
}

#[test]
fn who_is_counted_gets_what_is_published_then() {
    let bus = block(4);
    bus.try_publish(0).unwrap();
    let mut waiting = spawn(bus.receivers_at_least(2));
    assert_pending!(waiting.poll());
    let mut receivers = [(); 2].map(|()| bus.subscribe());
    assert_ready!(waiting.poll());
    publish_all(&bus, 1..3);
    for receiver in &mut receivers {
        assert_eq!(backlog(receiver), no_gaps(1..3));
    }
}

#[test]
fn one_that_went_meanwhile_does_not_count() {
    let bus = overwrite::<u64>(2);
    let mut waiting = spawn(bus.receivers_at_least(1));
    assert_pending!(waiting.poll());
    drop(bus.subscribe());
    assert!(waiting.is_woken());
    assert_pending!(waiting.poll());
    let _stays = bus.subscribe();
    assert!(waiting.is_woken());
    assert_ready!(waiting.poll());
}

#[test]
fn several_wait_for_several_numbers() {
    let bus = overwrite::<u64>(2);
    let mut waiting = [3, 1, 2].map(|count| spawn(bus.receivers_at_least(count)));
    let mut receivers = Vec::new();
    for count in 1..=3 {
        for one in &mut waiting {
            assert_pending!(one.poll());
        }
        receivers.push(bus.subscribe());
        let place = [1, 2, 0][count - 1];
        assert!(waiting[place].is_woken(), "{count}");
        assert_ready!(waiting[place].poll());
        waiting[place] = spawn(bus.receivers_at_least(usize::MAX));
    }
    let mut deserted = spawn(bus.deserted());
    assert_pending!(deserted.poll());
    while let Some(receiver) = receivers.pop() {
        assert!(!deserted.is_woken());
        drop(receiver);
    }
    assert!(deserted.is_woken());
    assert_ready!(deserted.poll());
}

#[test]
fn who_gave_up_hinders_nobody() {
    let bus = overwrite::<u64>(2);
    let mut cancelled = spawn(bus.receivers_at_least(1));
    assert_pending!(cancelled.poll());
    let mut waiting = spawn(bus.receivers_at_least(2));
    assert_pending!(waiting.poll());
    drop(cancelled);
    let _receivers = [(); 2].map(|()| {
        assert_pending!(waiting.poll());
        bus.subscribe()
    });
    assert!(waiting.is_woken());
    assert_ready!(waiting.poll());
}

#[test]
fn closing_ends_no_waiting() {
    let bus = with_history(2, 2, WaitStrategy::Overwrite);
    bus.try_publish(0).unwrap();
    let mut waiting = spawn(bus.receivers_at_least(1));
    assert_pending!(waiting.poll());
    bus.close();
    assert_pending!(waiting.poll());
    let mut late = bus.subscribe_from(Start::Oldest);
    assert_ready!(waiting.poll());
    assert_eq!(late.try_recv(), Ok(0));
}
