//! Receivers that say themselves what is done.

use crate::common::{
    Ledger, backlog, block, drop_newest, no_gaps, overwrite, panic_of, publish_all,
};
use eventring::{EventBus, Receiver, TryPublishError, TryRecvError, WaitStrategy};
use futures::stream::FusedStream;
use futures::{FutureExt, StreamExt};
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

fn is_full(bus: &EventBus<u64>) -> bool {
    bus.try_publish(99).is_err()
}

fn batch(sink: &mut Receiver<u64>, limit: usize) -> Vec<(u64, u64)> {
    let batch = sink.try_recv_batch(limit).unwrap();
    batch
        .iter()
        .map(|(sequence, event)| (sequence, *event))
        .collect()
}

#[test]
fn only_what_is_committed_makes_room() {
    for bus in [block(2), drop_newest(2)] {
        let mut sink = bus.subscribe_committing();
        publish_all(&bus, 0..2);
        assert_eq!(backlog(&mut sink), no_gaps(0..2));
        assert!(is_full(&bus));
        assert_eq!((sink.position(), sink.committed(), sink.len()), (2, 0, 0));
        sink.commit(1);
        assert_eq!(bus.try_publish(2), Ok(2));
        assert!(is_full(&bus));
        sink.commit(0);
        assert_eq!(sink.committed(), 1, "what is committed stays so");
        sink.commit_all();
        assert_eq!((sink.committed(), bus.len()), (2, 1));
    }
}

#[test]
fn every_way_to_receive_can_be_rewound() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    publish_all(&bus, 0..3);
    for _ in 0..2 {
        assert_eq!(sink.try_recv(), Ok(0));
        assert_eq!(sink.recv_blocking(), Some(1));
        assert_eq!(sink.next().now_or_never(), Some(Some(2)));
        assert_eq!(sink.try_recv(), Err(TryRecvError::Empty));
        sink.rewind();
    }
    let mut taken = Vec::new();
    assert_eq!(sink.try_recv_many(&mut taken, 9), Ok(3));
    sink.rewind();
    assert_eq!(
        sink.try_recv_many_with(9, |event| taken.push(*event)),
        Ok(3)
    );
    assert_eq!(taken, [0, 1, 2, 0, 1, 2]);
    assert!(sink.missed() == 0 && !sink.is_lossy());
    sink.commit(1);
    sink.rewind();
    let mut numbered = sink.with_sequence();
    assert_eq!(numbered.try_recv(), Ok((1, 1)));
}

#[test]
fn after_the_end_it_is_rewound_too() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    publish_all(&bus, 0..2);
    bus.close();
    for _ in 0..2 {
        assert_eq!(sink.next().now_or_never(), Some(Some(0)));
        assert_eq!(sink.next().now_or_never(), Some(Some(1)));
        assert_eq!(sink.next().now_or_never(), Some(None));
        assert!(sink.is_terminated());
        sink.rewind();
        assert!(!sink.is_terminated());
    }
    sink.try_recv_batch(9).unwrap().commit();
    assert!(sink.recv_batch(9).now_or_never().unwrap().is_none());
    sink.rewind();
    assert!(
        sink.is_terminated(),
        "there is nothing to be received again"
    );
    assert_eq!(sink.try_recv_batch(9).err(), Some(TryRecvError::Closed));
    assert!(sink.recv_batch_blocking(9).is_none());
}

#[test]
fn a_batch_is_received_when_it_is_committed() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    assert_eq!(sink.try_recv_batch(9).err(), Some(TryRecvError::Empty));
    publish_all(&bus, 0..4);
    for _ in 0..2 {
        assert_eq!(batch(&mut sink, 2), [(0, 0), (1, 1)]);
        assert_eq!((sink.position(), sink.committed()), (0, 0), "dropped");
    }
    let held = sink.try_recv_batch(3).unwrap();
    assert_eq!(
        (held.len(), held.sequences(), held.is_empty()),
        (3, 0..3, false)
    );
    assert_eq!(format!("{held:?}"), "{0: 0, 1: 1, 2: 2}");
    let mut events = held.iter();
    assert_eq!((events.next_back(), events.len()), (Some((2, &2)), 2));
    assert_eq!(events.clone().count(), 2);
    held.commit();
    assert_eq!((sink.position(), sink.committed()), (3, 3));
    assert_eq!(batch(&mut sink, 9), [(3, 3)]);
    // What was received before is committed with it.
    assert_eq!(sink.try_recv(), Ok(3));
    assert!(sink.try_recv_batch(0).unwrap().is_empty());
    assert_eq!(sink.committed(), 3);
    sink.recv_batch(0).now_or_never().unwrap().unwrap().commit();
    assert_eq!((sink.committed(), bus.len()), (4, 0));
}

#[test]
fn a_batch_is_kept_over_an_await() {
    let bus = block(2);
    let mut sink = bus.subscribe_committing();
    publish_all(&bus, 0..2);
    let mut publish = spawn(bus.publish(2));
    let mut stored = Vec::new();
    let mut store = spawn(async {
        let batch = sink.recv_batch(9).await.unwrap();
        for (_, event) in &batch {
            tokio::task::yield_now().await;
            stored.push(*event);
        }
        batch.commit();
    });
    assert_pending!(store.poll());
    assert_pending!(publish.poll());
    assert_pending!(store.poll());
    assert!(!publish.is_woken());
    assert_ready!(store.poll());
    assert!(publish.is_woken());
    assert_ready_eq!(publish.poll(), Ok(2));
    drop(store);
    assert_eq!(stored, [0, 1]);
}

#[test]
fn a_batch_is_waited_for() {
    let bus = block(2);
    let mut sink = bus.subscribe_committing();
    {
        let mut waits = spawn(sink.recv_batch(9));
        assert_pending!(waits.poll());
        publish_all(&bus, 0..2);
        assert!(waits.is_woken());
        assert_ready!(waits.poll()).unwrap().commit();
    }
    let mut waits = spawn(sink.recv_batch(9));
    assert_pending!(waits.poll());
    drop(waits);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sink.recv_batch_blocking(9).unwrap().len());
        publish_all(&bus, [2]);
        assert_eq!(waiting.join().unwrap(), 1);
    });
}

#[test]
fn drained_when_committed() {
    let bus = block(4);
    let mut sink = bus.subscribe_committing();
    let mut other = bus.subscribe();
    publish_all(&bus, 0..3);
    let mut drained = spawn(bus.drained());
    assert_pending!(drained.poll());
    backlog(&mut other);
    backlog(&mut sink);
    assert!(!drained.is_woken());
    sink.commit(2);
    assert_pending!(drained.poll());
    sink.commit_all();
    assert!(drained.is_woken());
    assert_ready!(drained.poll());
}

#[test]
fn what_is_not_committed_is_kept_for_it_alone() {
    let ledger = Ledger::default();
    let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    let mut sink = bus.subscribe_committing();
    bus.publish_many_blocking(&mut ledger.events(0..3)).unwrap();
    assert_eq!(sink.try_iter().count(), 3);
    assert_eq!(ledger.alive(), 3, "nothing is moved out");
    sink.commit(2);
    assert!(sink.try_recv().is_err());
    assert_eq!(ledger.alive(), 1, "released");
    let mut other = bus.subscribe();
    assert!(other.try_recv().is_err());
    drop(other);
    assert_eq!(ledger.alive(), 1);
    let mut clone = sink.clone();
    assert_eq!((clone.position(), clone.committed()), (2, 2));
    drop(sink);
    assert_eq!(clone.try_recv().map(|event| event.number()), Ok(2));
    drop(clone);
    assert_eq!(ledger.alive(), 0, "it has given up what it did not commit");
}

#[test]
fn a_receiver_of_the_same_kind() {
    let bus = block(2);
    let sink = bus.subscribe_committing();
    publish_all(&bus, [0]);
    let mut later = sink.resubscribe();
    publish_all(&bus, [1]);
    drop(sink);
    assert_eq!(backlog(&mut later), no_gaps([1]));
    publish_all(&bus, [2]);
    assert_eq!(bus.try_publish(3), Err(TryPublishError::Full(3)));
    later.rewind();
    assert_eq!(backlog(&mut later), no_gaps(1..3));
}

#[test]
fn who_does_not_commit_says_so() {
    let bus = block(4);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..2);
    receiver.try_recv().unwrap();
    assert_eq!(receiver.committed(), 1);
    let says = "the receiver does not commit: see EventBus::subscribe_committing";
    assert_eq!(panic_of(|| receiver.clone().commit_all()), says);
    assert_eq!(panic_of(|| receiver.clone().rewind()), says);
    assert_eq!(
        panic_of(|| receiver.clone().try_recv_batch(1).is_ok()),
        says
    );
    let mut sink = bus.subscribe_committing();
    assert_eq!(
        panic_of(|| sink.commit(3)),
        "3 is not received: the position is 2"
    );
    assert_eq!(
        panic_of(|| overwrite::<u64>(4).subscribe_committing()),
        "on a bus that overwrites what is not received no receiver holds publishers back"
    );
}
