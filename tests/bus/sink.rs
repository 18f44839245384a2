//! A bus as a sink, streams published by it, receivers as iterators.

use crate::common::{Wakes, backlog, block, drop_newest, no_gaps, overwrite, publish_all, watched};
use eventring::PublishError;
use futures::{FutureExt, SinkExt, Stream, StreamExt, future, stream};
use std::pin::{Pin, pin};
use std::task::Context;
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn forwarding_waits_for_room() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    let mut forward = spawn(stream::iter(0..3).map(Ok).forward(bus.sink()));
    for number in 0..2 {
        assert_pending!(forward.poll());
        assert_eq!(receiver.try_recv(), Ok(number));
        assert!(forward.is_woken());
    }
    assert_ready_eq!(forward.poll(), Ok(()));
    assert_eq!(receiver.try_recv(), Ok(2));
    drop(forward);
    assert!(!bus.is_closed(), "closing the sink does not close the bus");
}

#[test]
fn a_sink_hands_back_what_is_not_published_and_goes_on() {
    let bus = drop_newest(1);
    let (mut receiver, mut sink) = (bus.subscribe(), bus.sink());
    assert_eq!(sink.send(0).now_or_never(), Some(Ok(())));
    let dropped = sink.send(1).now_or_never();
    assert_eq!(dropped, Some(Err(PublishError::Dropped(1))));
    assert_eq!((receiver.try_recv(), bus.stats().dropped), (Ok(0), 1));
    assert_eq!(sink.send(2).now_or_never(), Some(Ok(())));
    bus.close();
    let late = sink.send(3).now_or_never();
    assert_eq!(late, Some(Err(PublishError::Closed(3))));
    assert_eq!(backlog(&mut receiver), no_gaps(2..3));
}

#[test]
fn a_sink_that_waits_learns_that_the_bus_is_closed() {
    let bus = block(1);
    let (_receiver, mut sink) = (bus.subscribe(), bus.sink());
    assert_eq!(sink.feed(0).now_or_never(), Some(Ok(())));
    assert_eq!(sink.feed(1).now_or_never(), Some(Ok(())), "one is kept");
    let mut flush = spawn(sink.flush());
    assert_pending!(flush.poll());
    bus.close();
    assert!(flush.is_woken());
    assert_ready_eq!(flush.poll(), Err(PublishError::Closed(1)));
}

#[test]
fn a_sink_leaves_no_waker_behind() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    for takes in [true, false] {
        let (wakes, waker) = Wakes::new();
        let mut sink = bus.sink();
        assert_eq!(sink.feed(1).now_or_never(), Some(Ok(())));
        let polled = sink.poll_flush_unpin(&mut Context::from_waker(&waker));
        assert_pending!(polled);
        if takes {
            assert_eq!(sink.take_unpublished(), Some(1));
        } else {
            drop(sink);
        }
        receiver.try_recv().unwrap();
        publish_all(&bus, [0]);
        assert_eq!(wakes.count(), 0);
    }
    assert_eq!(bus.stats().published, 3);
}

#[test]
#[should_panic(expected = "`start_send` without `poll_ready`")]
fn a_sink_that_keeps_an_event_takes_no_other() {
    let bus = block(1);
    let (_receiver, mut sink) = (bus.subscribe(), bus.sink());
    for number in 0..3 {
        let _ = sink.start_send_unpin(number);
    }
}

#[test]
fn a_stream_is_published_up_to_its_end() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    let mut pump = spawn(bus.publish_all(stream::iter(0..5)));
    assert_pending!(pump.poll());
    assert_eq!(backlog(&mut receiver), no_gaps(0..2));
    assert!(pump.is_woken());
    assert_pending!(pump.poll());
    assert_eq!(backlog(&mut receiver), no_gaps(2..4));
    assert_ready_eq!(pump.poll(), Ok(5));
    assert_eq!(backlog(&mut receiver), no_gaps(4..5));
}

#[test]
fn a_stream_that_was_cut_goes_on_with_the_rest() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    let mut numbers = stream::iter(0..4);
    let mut pump = bus.publish_all(&mut numbers);
    assert_eq!((&mut pump).now_or_never(), None);
    assert_eq!(Pin::new(&mut pump).take_unpublished(), Some(1));
    assert_eq!(Pin::new(&mut pump).take_unpublished(), None);
    drop(pump);
    assert_eq!(receiver.try_recv(), Ok(0));
    bus.close();
    let closed = bus.publish_all(&mut numbers).now_or_never();
    assert_eq!(closed, Some(Err(PublishError::Closed(2))));
    assert_eq!(numbers.next().now_or_never(), Some(Some(3)));
}

#[test]
fn a_pump_waits_for_its_stream_and_keeps_the_bus_open() {
    let (from, to) = (overwrite(2), overwrite(2));
    let mut receiver = to.subscribe();
    let mut pump = pin!(to.publish_all(from.subscribe()));
    drop(to);
    assert_eq!(pump.as_mut().now_or_never(), None);
    publish_all(&from, [7]);
    assert_eq!(pump.as_mut().now_or_never(), None);
    assert_eq!(receiver.try_recv(), Ok(7));
    drop(from);
    assert_eq!(pump.now_or_never(), Some(Ok(1)));
}

#[test]
fn iterators_end_where_receiving_does() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..3);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(receiver.try_iter().next(), None);
    watched(move || {
        let counting = thread::spawn(move || receiver.blocking_iter().sum::<u64>());
        publish_all(&bus, [3]);
        bus.close();
        assert_eq!(counting.join().unwrap(), 3);
    });
}

#[test]
fn hints_are_bounds_of_what_comes() {
    for bus in [block(4), overwrite(4)] {
        let mut receiver = bus.subscribe();
        assert_eq!(receiver.size_hint(), (0, None));
        publish_all(&bus, 0..3);
        assert_eq!(receiver.size_hint(), (3, None));
        receiver.try_recv().unwrap();
        bus.close();
        assert_eq!(receiver.size_hint(), (2, Some(2)));
        assert_eq!(receiver.try_iter().size_hint(), (2, Some(2)));
        let filtered = receiver.clone().filter_map_ref(|number| Some(*number));
        assert_eq!(filtered.size_hint(), (0, Some(2)));
        assert_eq!(receiver.with_lag().size_hint(), (2, Some(2)));
    }
    let bus = overwrite(2);
    let lapped = bus.subscribe();
    publish_all(&bus, 0..7);
    bus.close();
    assert_eq!(
        lapped.size_hint(),
        (2, Some(7)),
        "what was missed is not known yet"
    );
    assert_eq!(
        lapped
            .filter(|_| future::ready(true))
            .count()
            .now_or_never(),
        Some(2)
    );
}
