//! Receivers that are evicted.

use crate::common::{backlog, block, no_gaps, panic_of, publish_all};
use eventring::{EventBus, Receiver, ReceiverKind, Start, TryRecvError, WaitStrategy};
use futures::stream::FusedStream;
use futures::{FutureExt, Stream};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

fn evictable(bus: &EventBus<u64>) -> (Receiver<u64>, u64) {
    let receiver = bus.receiver().evictable().build();
    (receiver, bus.receivers().last().unwrap().id)
}

#[test]
fn it_gates_until_it_is_evicted() {
    let bus = block(2);
    let (mut receiver, id) = evictable(&bus);
    assert_eq!(bus.receivers()[0].kind, ReceiverKind::Evictable);
    publish_all(&bus, 0..2);
    assert!(bus.try_publish(2).is_err());
    assert_eq!(receiver.try_recv(), Ok(0));
    publish_all(&bus, [2]);
    assert_eq!(
        (receiver.is_lossy(), receiver.size_hint()),
        (false, (0, None))
    );

    assert!(bus.evict(id));
    publish_all(&bus, 3..9);
    assert_eq!((receiver.evicted(), receiver.missed()), (Some(1), 0));
    assert_eq!((receiver.len(), receiver.size_hint()), (0, (0, Some(0))));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(receiver.try_recv_with(|_| ()), Err(TryRecvError::Closed));
    assert!(!receiver.is_closed(), "the bus is open");
    assert!(bus.receivers().is_empty() && bus.is_empty());
    assert!(!bus.evict(id), "it was before");
    assert_eq!(bus.stats().missed, 0);
}

#[test]
fn others_are_not_evicted() {
    let bus = block::<u64>(2);
    let _receivers = [
        bus.subscribe(),
        bus.subscribe_lossy(),
        bus.subscribe_committing(),
    ];
    for one in bus.receivers() {
        assert!(!bus.evict(one.id));
    }
    assert!(!bus.evict(3) && !bus.evict(u64::MAX));
    assert_eq!(bus.receiver_count(), 3);
    let overwriting = EventBus::<u64>::with_strategy(2, WaitStrategy::Overwrite);
    let text = panic_of(|| drop(overwriting.receiver().evictable()));
    assert!(text.contains("no receiver holds publishers back"), "{text}");
}

#[test]
fn who_waits_for_it_goes_on() {
    let bus = block(1);
    let (_receiver, id) = evictable(&bus);
    publish_all(&bus, [0]);
    let mut publish = spawn(bus.publish(1));
    let mut drained = spawn(bus.drained());
    let mut deserted = spawn(bus.deserted());
    assert_pending!(publish.poll());
    assert_pending!(drained.poll());
    assert_pending!(deserted.poll());
    bus.evict(id);
    assert!(publish.is_woken() && drained.is_woken() && deserted.is_woken());
    assert_ready_eq!(publish.poll(), Ok(1));
    assert_ready!(drained.poll());
    assert_ready!(deserted.poll());
}

#[test]
fn it_is_told_while_it_waits() {
    let bus = block(2);
    let (mut receiver, id) = evictable(&bus);
    let mut recv = spawn(receiver.recv());
    assert_pending!(recv.poll());
    bus.evict(id);
    assert!(recv.is_woken());
    assert_ready_eq!(recv.poll(), None);
    drop(recv);
    assert_eq!(
        receiver.clone().with_lag().recv().now_or_never(),
        Some(None)
    );
    assert!(receiver.poll_recv(&mut noop()).is_ready() && receiver.is_terminated());
}

fn noop() -> std::task::Context<'static> {
    std::task::Context::from_waker(std::task::Waker::noop())
}

/// Also by who is reading: then it is evicted once that is done, and nobody waits for it.
/// Its neighbours in a crowd share its list, rather than every fourth one.
#[test]
fn each_of_a_crowd_is_told_while_it_waits() {
    let bus = block(2);
    let (mut receivers, ids): (Vec<_>, Vec<_>) = (0..200).map(|_| evictable(&bus)).unzip();
    for (receiver, id) in receivers.iter_mut().zip(ids) {
        let mut waiting = spawn(receiver.recv());
        assert_pending!(waiting.poll());
        assert!(bus.evict(id));
        assert!(waiting.is_woken(), "{id}");
        assert_ready_eq!(waiting.poll(), None);
    }
}

#[test]
fn it_may_be_reading() {
    let bus = block(2);
    let (mut receiver, id) = evictable(&bus);
    publish_all(&bus, 0..2);
    let mut publish = spawn(bus.publish(2));
    assert_pending!(publish.poll());
    let read = receiver.try_recv_with(|&event| {
        assert!(bus.evict(id));
        assert!(!bus.evict(id), "it is, or will be");
        assert!(!publish.is_woken(), "what it reads is its own");
        event
    });
    assert_eq!(read, Ok(0));
    assert!(publish.is_woken());
    assert_eq!(receiver.evicted(), Some(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert_ready_eq!(publish.poll(), Ok(2));
}

/// A panic in the closure is the end of the read, too.
#[test]
fn it_may_be_reading_and_panic() {
    let bus = block(2);
    let (mut receiver, id) = evictable(&bus);
    publish_all(&bus, 0..2);
    let text = panic_of(|| {
        receiver.try_recv_with(|_| {
            bus.evict(id);
            panic!("in the middle")
        })
    });
    assert_eq!(text, "in the middle");
    assert_eq!((receiver.evicted(), bus.receiver_count()), (Some(1), 0));
}

#[test]
fn clones_are_evicted_one_by_one_and_afterwards_are_at_their_end() {
    let bus = block(4);
    let (receiver, id) = evictable(&bus);
    let mut clone = receiver.clone();
    publish_all(&bus, 0..2);
    bus.evict(id);
    assert_eq!(bus.receiver_count(), 1);
    assert_eq!(backlog(&mut clone), no_gaps(0..2));
    let late = receiver.clone();
    assert_eq!(late.evicted(), Some(0));
    drop((receiver, late));
    assert_eq!(bus.receiver_count(), 1);
    let named = bus.receiver().name("viewer").evictable().build();
    bus.evict(bus.receivers()[1].id);
    let anew = named.resubscribe();
    assert_eq!((anew.evicted(), anew.position()), (None, 2));
    assert_eq!(bus.receivers()[1].name.as_deref(), Some("viewer"));
}

/// It holds what it starts with, and is told what was gone already.
#[test]
fn it_starts_in_the_past() {
    let builder = EventBus::builder().capacity(4).history(2);
    let bus = builder.strategy(WaitStrategy::Block).build().unwrap();
    publish_all(&bus, 0..5);
    let mut receiver = bus.receiver().evictable().start(Start::Last(3)).build();
    publish_all(&bus, 5..7);
    assert!(bus.try_publish(7).is_err());
    assert_eq!((receiver.try_recv(), receiver.missed()), (Ok(3), 1));
}
