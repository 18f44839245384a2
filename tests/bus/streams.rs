//! Receivers as streams: lag filtered and counted, lag in its place, filtering by reference.

use crate::common::{STRATEGIES, backlog, no_gaps, overwrite, publish_all};
use eventring::{EventBus, Lagged};
use futures::stream::FusedStream;
use futures::{FutureExt, StreamExt};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

/// Not `Clone`.
struct Single(u64);

#[test]
fn a_stream_ends_after_the_backlog() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(4, strategy);
        let stream = bus.subscribe();
        publish_all(&bus, 0..4);
        drop(bus);
        let received = stream.collect::<Vec<_>>().now_or_never();
        assert_eq!(received, Some(vec![0, 1, 2, 3]));
    }
}

#[test]
fn a_stream_waits_for_events_and_the_end() {
    let bus = overwrite(2);
    let mut stream = spawn(bus.subscribe());
    assert_pending!(stream.poll_next());
    publish_all(&bus, [0]);
    assert!(stream.is_woken());
    assert_ready_eq!(stream.poll_next(), Some(0));
    assert_pending!(stream.poll_next());
    bus.close();
    assert!(stream.is_woken());
    assert_ready_eq!(stream.poll_next(), None);
}

#[test]
fn a_stream_filters_lag_out_but_counts_it() {
    let bus = overwrite(2);
    let mut stream = spawn(bus.subscribe());
    publish_all(&bus, 0..5);
    assert_ready_eq!(stream.poll_next(), Some(3));
    publish_all(&bus, 5..8);
    assert_ready_eq!(stream.poll_next(), Some(6));
    assert_ready_eq!(stream.poll_next(), Some(7));
    assert_pending!(stream.poll_next());
    assert_eq!((stream.missed(), bus.stats().missed), (5, 5));
}

#[test]
fn with_lag_tells_of_gaps_in_their_place() {
    let bus = overwrite(2);
    let mut stream = spawn(bus.subscribe().with_lag());
    publish_all(&bus, 0..2);
    assert_ready_eq!(stream.poll_next(), Some(Ok(0)));
    publish_all(&bus, 2..5);
    assert_ready_eq!(stream.poll_next(), Some(Err(Lagged(2))));
    assert_ready_eq!(stream.poll_next(), Some(Ok(3)));
    assert_ready_eq!(stream.poll_next(), Some(Ok(4)));
    assert_pending!(stream.poll_next());
    bus.close();
    assert_ready_eq!(stream.poll_next(), None);
    assert_eq!(stream.get_ref().missed(), 2);
}

#[test]
fn filter_map_ref_needs_no_clone() {
    let bus = overwrite(8);
    let even = |event: &Single| (event.0 % 2 == 0).then_some(event.0 * 10);
    let streams = [bus.subscribe(), bus.subscribe()].map(|r| r.filter_map_ref(even));
    for number in 0..6 {
        bus.try_publish(Single(number)).unwrap();
    }
    bus.close();
    for stream in streams {
        let items = stream.collect::<Vec<_>>().now_or_never();
        assert_eq!(items, Some(vec![0, 20, 40]));
    }
}

#[test]
fn filter_map_ref_waits_past_what_it_filters_out() {
    let bus = overwrite(2);
    let odd = |number: &u64| (number % 2 == 1).then_some(*number);
    let mut stream = spawn(bus.subscribe().filter_map_ref(odd));
    assert_pending!(stream.poll_next());
    publish_all(&bus, [0]);
    assert!(stream.is_woken());
    assert_pending!(stream.poll_next());
    publish_all(&bus, [1]);
    assert!(stream.is_woken());
    assert_ready_eq!(stream.poll_next(), Some(1));
    publish_all(&bus, 2..6);
    assert_ready_eq!(stream.poll_next(), Some(5));
    assert_eq!(stream.get_ref().missed(), 2);
}

#[test]
fn streams_know_that_they_have_ended() {
    let bus = overwrite(2);
    let mut plain = spawn(bus.subscribe());
    let mut with_lag = spawn(bus.subscribe().with_lag());
    let mut filtered = spawn(bus.subscribe().filter_map_ref(|number: &u64| Some(*number)));
    publish_all(&bus, [0]);
    bus.close();
    assert_ready_eq!(plain.poll_next(), Some(0));
    assert_ready_eq!(with_lag.poll_next(), Some(Ok(0)));
    assert_ready_eq!(filtered.poll_next(), Some(0));
    assert!(!plain.is_terminated() && !with_lag.is_terminated() && !filtered.is_terminated());
    for _ in 0..2 {
        assert_ready_eq!(plain.poll_next(), None);
        assert_ready_eq!(with_lag.poll_next(), None);
        assert_ready_eq!(filtered.poll_next(), None);
        assert!(plain.is_terminated() && with_lag.is_terminated() && filtered.is_terminated());
    }
}

#[test]
fn streams_can_be_taken_apart() {
    let bus = overwrite(4);
    let mut with_lag = bus.subscribe().with_lag();
    publish_all(&bus, 0..4);
    assert_eq!(with_lag.get_mut().try_recv(), Ok(0));
    assert_eq!(with_lag.next().now_or_never(), Some(Some(Ok(1))));
    let mut filtered = with_lag
        .into_inner()
        .filter_map_ref(|number| Some(number * 2));
    assert_eq!(filtered.next().now_or_never(), Some(Some(4)));
    assert_eq!(filtered.get_ref().position(), 3);
    assert_eq!(filtered.get_mut().len(), 1);
    assert_eq!(backlog(&mut filtered.into_inner()), no_gaps([3]));
}

#[test]
fn a_stream_may_be_received_from_in_between() {
    let bus = overwrite(4);
    let mut stream = spawn(bus.subscribe());
    assert_pending!(stream.poll_next());
    publish_all(&bus, 0..2);
    assert_eq!(stream.try_recv(), Ok(0));
    assert_ready_eq!(stream.poll_next(), Some(1));
    assert_pending!(stream.poll_next());
    publish_all(&bus, [2]);
    assert!(stream.is_woken());
}
