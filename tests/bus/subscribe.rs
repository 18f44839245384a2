//! Where receivers start: `subscribe`, `subscribe_lossy`, both from the past, `clone`,
//! `resubscribe`.

use crate::common::{
    STRATEGIES, backlog, block, drop_newest, no_gaps, overwrite, publish_all, with_history,
};
use eventring::{Lagged, Start, TryPublishError, TryRecvError, WaitStrategy};

/// Capacity 8, history 4, events 0 to 9 published.
fn storied(strategy: WaitStrategy) -> eventring::EventBus<u64> {
    let bus = with_history(8, 4, strategy);
    publish_all(&bus, 0..10);
    bus
}

#[test]
fn next_gets_what_comes() {
    for strategy in STRATEGIES {
        let bus = storied(strategy);
        let mut receivers = [
            bus.subscribe(),
            bus.subscribe_lossy(),
            bus.subscribe_from(Start::Next),
            bus.subscribe_from(Start::Last(0)),
            bus.subscribe_from(Start::Sequence(10)),
            bus.subscribe_from(Start::Sequence(11)),
            bus.subscribe_from(Start::Sequence(u64::MAX)),
        ];
        publish_all(&bus, 10..12);
        for receiver in &mut receivers {
            assert_eq!(receiver.position(), 10);
            assert_eq!(backlog(receiver), no_gaps(10..12));
            assert_eq!(receiver.missed(), 0);
        }
    }
}

#[test]
fn the_past_is_read_as_far_as_it_is_kept() {
    for strategy in STRATEGIES {
        let bus = storied(strategy);
        let starts = [
            (Start::Oldest, no_gaps(6..10)),
            (Start::Last(1), no_gaps(9..10)),
            (Start::Last(4), no_gaps(6..10)),
            (Start::Sequence(6), no_gaps(6..10)),
            (Start::Sequence(9), no_gaps(9..10)),
        ];
        for (start, expected) in starts {
            let mut receiver = bus.subscribe_from(start);
            assert_eq!(receiver.len(), expected.len(), "{start:?}");
            assert_eq!(backlog(&mut receiver), expected, "{start:?}");
            assert_eq!((receiver.position(), receiver.missed()), (10, 0));
        }
        assert_eq!(bus.stats().missed, 0);
    }
}

#[test]
fn what_is_no_longer_kept_is_lag() {
    for strategy in STRATEGIES {
        let bus = storied(strategy);
        let starts = [
            (Start::Last(5), 1),
            (Start::Last(10), 6),
            (Start::Last(u64::MAX), 6),
            (Start::Sequence(0), 6),
            (Start::Sequence(5), 1),
        ];
        let mut missed = 0;
        for (start, lag) in starts {
            let mut receiver = bus.subscribe_from(start);
            let mut expected = vec![Err(Lagged(lag))];
            expected.extend((6..10).map(Ok));
            assert_eq!(receiver.position(), 6 - lag);
            assert_eq!(backlog(&mut receiver), expected, "{start:?}");
            assert_eq!(receiver.missed(), lag);
            missed += lag;
        }
        assert_eq!(bus.stats().missed, missed);
    }
}

#[test]
fn without_history_there_is_no_past() {
    for strategy in STRATEGIES {
        for (start, lag) in [
            (Start::Oldest, None),
            (Start::Last(2), Some(2)),
            (Start::Sequence(1), Some(4)),
        ] {
            let bus = with_history(8, 0, strategy);
            let _keeps_them_in_the_ring = bus.subscribe();
            publish_all(&bus, 0..5);
            let mut receiver = bus.subscribe_from(start);
            publish_all(&bus, [5]);
            let mut expected = Vec::from_iter(lag.map(|lag| Err(Lagged(lag))));
            expected.push(Ok(5));
            assert_eq!(backlog(&mut receiver), expected, "{start:?}");
        }
    }
}

#[test]
fn a_past_shorter_than_the_history_is_read_from_the_beginning() {
    for strategy in STRATEGIES {
        let bus = with_history(8, 4, strategy);
        let mut empty = bus.subscribe_from(Start::Oldest);
        assert_eq!(backlog(&mut empty), []);
        publish_all(&bus, 0..2);
        for start in [Start::Oldest, Start::Last(9), Start::Sequence(0)] {
            let mut receiver = bus.subscribe_from(start);
            assert_eq!(backlog(&mut receiver), no_gaps(0..2), "{start:?}");
        }
    }
}

#[test]
fn a_history_as_large_as_the_ring() {
    for strategy in STRATEGIES {
        for capacity in [1, 2, 3] {
            let bus = with_history(capacity as usize, capacity as usize, strategy);
            publish_all(&bus, 0..7);
            let mut receiver = bus.subscribe_from(Start::Oldest);
            assert_eq!(backlog(&mut receiver), no_gaps(7 - capacity..7));
            publish_all(&bus, 7..8);
            assert_eq!(backlog(&mut receiver), no_gaps(7..8));
        }
    }
}

#[test]
fn past_and_present_are_one_stream() {
    for strategy in STRATEGIES {
        let bus = storied(strategy);
        let mut receiver = bus.subscribe_from(Start::Oldest);
        publish_all(&bus, 10..12);
        assert_eq!(receiver.try_recv(), Ok(6));
        publish_all(&bus, 12..13);
        assert_eq!(backlog(&mut receiver), no_gaps(7..13));
        publish_all(&bus, 13..20);
        assert_eq!(backlog(&mut receiver), no_gaps(13..20));
    }
}

#[test]
fn the_past_outlives_the_close() {
    let bus = storied(WaitStrategy::Block);
    bus.close();
    let mut receiver = bus.subscribe_from(Start::Last(2));
    assert_eq!(backlog(&mut receiver), no_gaps(8..10));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_gating_receiver_in_the_past_is_one_gating_receiver() {
    let bus = storied(WaitStrategy::Block);
    let receiver = bus.subscribe_from(Start::Oldest);
    assert!(!receiver.is_lossy());
    assert_eq!(bus.receiver_count(), 1);
    drop(receiver);
    assert_eq!(bus.receiver_count(), 0);
    publish_all(&bus, 10..30);
}

/// It may be lapped until it has caught up with where it subscribed, and not from there on.
#[test]
fn a_gating_receiver_lapped_in_the_past_misses_nothing_of_the_present() {
    for strategy in [WaitStrategy::Block, WaitStrategy::DropNewest] {
        let bus = with_history(4, 4, strategy);
        publish_all(&bus, 0..4);
        let mut receiver = bus.subscribe_from(Start::Oldest);
        publish_all(&bus, 4..7);
        assert_eq!((receiver.try_recv(), receiver.missed()), (Ok(3), 3));
        publish_all(&bus, 7..8);
        assert_eq!(bus.try_publish(8), Err(TryPublishError::Full(8)));
        assert_eq!(backlog(&mut receiver), no_gaps(4..8));
        assert_eq!((receiver.missed(), bus.stats().missed), (3, 3));
    }
}

#[test]
fn a_gating_receiver_may_be_lapped_over_all_of_its_past() {
    for capacity in [1, 2, 3] {
        let bus = with_history(capacity as usize, capacity as usize, WaitStrategy::Block);
        publish_all(&bus, 0..capacity);
        let mut receiver = bus.subscribe_from(Start::Oldest);
        publish_all(&bus, capacity..2 * capacity);
        let full = bus.try_publish(99);
        assert_eq!(full, Err(TryPublishError::Full(99)), "held from then on");
        let mut expected = vec![Err(Lagged(capacity))];
        expected.extend((capacity..2 * capacity).map(Ok));
        assert_eq!(backlog(&mut receiver), expected);
    }
}

#[test]
fn a_gating_receiver_in_the_past_lags_twice() {
    let bus = with_history(4, 4, WaitStrategy::Block);
    publish_all(&bus, 0..4);
    let mut events = bus.subscribe_from(Start::Oldest).with_lag();
    publish_all(&bus, [4]);
    assert_eq!(events.try_recv(), Ok(Err(Lagged(1))));
    publish_all(&bus, [5]);
    assert_eq!(events.try_recv(), Ok(Err(Lagged(1))));
    let mut receiver = events.into_inner();
    assert_eq!(backlog(&mut receiver), no_gaps(2..6));
    assert_eq!(receiver.missed(), 2);
}

#[test]
fn a_batch_received_ends_where_the_past_does() {
    let bus = storied(WaitStrategy::Block);
    let mut receiver = bus.subscribe_from(Start::Last(2));
    publish_all(&bus, 10..12);
    let mut batch = Vec::new();
    while receiver.try_recv_many(&mut batch, 100).is_ok() {}
    assert_eq!(batch, [8, 9, 10, 11]);
    publish_all(&bus, 12..20);
    assert_eq!(bus.try_publish(20), Err(TryPublishError::Full(20)));
}

/// On a Block bus too: beside a gating receiver, which alone holds publishers back.
#[test]
fn a_lossy_receiver_in_the_past_holds_nobody_back() {
    for strategy in STRATEGIES {
        let bus = with_history(4, 4, strategy);
        let mut gating = bus.subscribe();
        publish_all(&bus, 0..4);
        let mut lossy = bus.subscribe_lossy_from(Start::Oldest);
        assert!(lossy.is_lossy() && lossy.resubscribe().is_lossy());
        assert_eq!(lossy.try_recv(), Ok(0));
        assert_eq!(backlog(&mut gating), no_gaps(0..4));
        publish_all(&bus, 4..8);
        if !gating.is_lossy() {
            assert_eq!(bus.try_publish(8), Err(TryPublishError::Full(8)));
        }
        assert_eq!(backlog(&mut gating), no_gaps(4..8));
        publish_all(&bus, 8..10);
        let mut expected = vec![Err(Lagged(5))];
        expected.extend((6..10).map(Ok));
        assert_eq!(backlog(&mut lossy), expected, "lapped in past and present");
        assert_eq!(lossy.missed(), 5);
        assert_eq!(bus.stats().missed, 5);
    }
}

#[test]
fn a_lossy_receiver_starts_where_a_gating_one_would() {
    for strategy in STRATEGIES {
        let bus = storied(strategy);
        let starts = [
            (Start::Next, 10, None),
            (Start::Oldest, 6, None),
            (Start::Last(1), 9, None),
            (Start::Last(5), 6, Some(1)),
            (Start::Sequence(0), 6, Some(6)),
            (Start::Sequence(6), 6, None),
            (Start::Sequence(11), 10, None),
        ];
        for (start, first, lag) in starts {
            let mut receiver = bus.subscribe_lossy_from(start);
            let mut expected = Vec::from_iter(lag.map(|lag| Err(Lagged(lag))));
            assert_eq!(receiver.position(), first - lag.unwrap_or(0), "{start:?}");
            expected.extend((first..10).map(Ok));
            assert_eq!(backlog(&mut receiver), expected, "{start:?}");
        }
    }
}

#[test]
fn a_clone_stands_at_the_same_position() {
    for strategy in STRATEGIES {
        let bus = with_history(8, 0, strategy);
        let mut receiver = bus.subscribe();
        publish_all(&bus, 0..3);
        receiver.try_recv().unwrap();
        let mut copy = receiver.clone();
        assert_eq!((copy.position(), copy.is_lossy()), (1, receiver.is_lossy()));
        assert_eq!(backlog(&mut copy), no_gaps(1..3));
        assert_eq!(backlog(&mut receiver), no_gaps(1..3));
    }
}

#[test]
fn a_clone_of_a_gating_receiver_gates_too() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut copy = receiver.clone();
    receiver.try_recv().unwrap();
    assert_eq!(bus.try_publish(1), Err(TryPublishError::Full(1)));
    assert_eq!(copy.try_recv(), Ok(0));
    publish_all(&bus, [1]);
}

#[test]
fn a_clone_of_a_lapped_receiver_is_lapped_too() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..5);
    let mut untold = receiver.clone();
    let lapped = [Err(Lagged(3)), Ok(3), Ok(4)];
    assert_eq!(backlog(&mut receiver), lapped);
    assert_eq!(untold.position(), 0);
    assert_eq!(backlog(&mut untold), lapped);
    let told = receiver.clone();
    assert_eq!(
        (receiver.missed(), untold.missed(), told.missed()),
        (3, 3, 0)
    );
    assert_eq!(bus.stats().missed, 6);
}

#[test]
fn a_clone_in_the_past_reads_it_too() {
    let bus = with_history(4, 4, WaitStrategy::Block);
    publish_all(&bus, 0..4);
    let mut receiver = bus.subscribe_from(Start::Oldest);
    receiver.try_recv().unwrap();
    let mut copy = receiver.clone();
    publish_all(&bus, 4..8);
    drop(receiver);
    assert_eq!(bus.try_publish(8), Err(TryPublishError::Full(8)));
    let mut expected = vec![Err(Lagged(3))];
    expected.extend((4..8).map(Ok));
    assert_eq!(backlog(&mut copy), expected);
    assert!(!copy.is_lossy());
}

#[test]
fn a_clone_beyond_the_history_lags_as_the_original() {
    let bus = storied(WaitStrategy::DropNewest);
    let mut receiver = bus.subscribe_from(Start::Sequence(1));
    let mut copy = receiver.clone();
    assert_eq!((receiver.try_recv(), copy.try_recv()), (Ok(6), Ok(6)));
    assert_eq!((receiver.missed(), copy.missed()), (5, 5));
}

#[test]
fn resubscribing_starts_at_the_tail_as_the_same_kind() {
    for bus in [block(4), drop_newest(4), overwrite(4)] {
        let receiver = bus.subscribe();
        let lossy = bus.subscribe_lossy();
        publish_all(&bus, 0..3);
        let (mut again, mut lossy_again) = (receiver.resubscribe(), lossy.resubscribe());
        assert_eq!((again.position(), lossy_again.position()), (3, 3));
        assert_eq!(again.is_lossy(), receiver.is_lossy());
        assert!(lossy_again.is_lossy());
        publish_all(&bus, [3]);
        assert_eq!(backlog(&mut again), no_gaps([3]));
        assert_eq!(backlog(&mut lossy_again), no_gaps([3]));
    }
}

#[test]
fn resubscribing_from_the_past_gives_a_gating_receiver() {
    let bus = storied(WaitStrategy::Block);
    let receiver = bus.subscribe_from(Start::Oldest);
    assert!(!receiver.resubscribe().is_lossy());
}

#[test]
fn subscribing_to_a_closed_bus_ends_at_once() {
    for strategy in STRATEGIES {
        let bus = with_history::<u64>(2, 0, strategy);
        let first = bus.subscribe();
        publish_all(&bus, [0]);
        bus.close();
        for mut receiver in [bus.subscribe(), bus.subscribe_lossy(), first.resubscribe()] {
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        }
    }
}
