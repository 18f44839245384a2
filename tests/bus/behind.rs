//! Receivers that stay behind a committing one.

use crate::common::{backlog, block, no_gaps, panic_of, publish_all};
use eventring::{EventBus, Lagged, Receiver, Start, TryRecvError, WaitStrategy};
use futures::stream::FusedStream;
use futures::{FutureExt, Stream};
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

fn commit(leader: &mut Receiver<u64>, limit: usize) {
    leader.try_recv_batch(limit).unwrap().commit();
}

#[test]
fn only_what_is_committed_is_received() {
    let bus = block(4);
    let mut leader = bus.subscribe_committing();
    let mark = leader.watermark();
    let lossy = bus.receiver().lossy().behind(&mark).build();
    let committing = bus.receiver().committing().behind(&mark).build();
    let mut behind = [bus.subscribe_behind(&mark), lossy, committing];
    publish_all(&bus, 0..4);
    leader.try_recv_many(&mut Vec::new(), 9).unwrap();
    for receiver in &mut behind {
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!((receiver.len(), receiver.size_hint()), (4, (0, None)));
    }
    for upto in 1..=4 {
        leader.commit(upto);
        let [gating, lossy, committing] = &mut behind;
        assert_eq!(backlog(gating), no_gaps([upto - 1]));
        assert_eq!(lossy.size_hint(), (1, None));
        let mut taken = Vec::new();
        assert_eq!(lossy.try_recv_many(&mut taken, 9), Ok(1));
        let held = committing.try_recv_batch(9).unwrap();
        assert_eq!(held.sequences(), upto - 1..upto);
        held.commit();
    }
    assert!(bus.is_empty());
}

#[test]
fn it_starts_where_the_leader_is() {
    let bus = block(4);
    let mut leader = bus.subscribe_committing();
    publish_all(&bus, 0..3);
    commit(&mut leader, 1);
    let mut behind = bus.subscribe_behind(&leader.watermark());
    assert_eq!(behind.position(), 1);
    let mut clone = behind.clone();
    commit(&mut leader, 9);
    assert_eq!(backlog(&mut behind), no_gaps(1..3));
    assert_eq!(backlog(&mut clone), no_gaps(1..3));
    assert_eq!(behind.resubscribe().position(), 3);
    publish_all(&bus, [3]);
    assert_eq!(behind.resubscribe().position(), 3);
    assert_eq!(clone.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn it_starts_in_the_past_too() {
    let builder = EventBus::builder().capacity(4).history(4);
    let bus = builder.strategy(WaitStrategy::Block).build().unwrap();
    let mut leader = bus.subscribe_committing();
    publish_all(&bus, 0..4);
    commit(&mut leader, 2);
    let mark = leader.watermark();
    for (start, position) in [
        (Start::Next, 2),
        (Start::Oldest, 0),
        (Start::Last(1), 1),
        (Start::Sequence(1), 1),
        (Start::Sequence(3), 3),
        (Start::Sequence(9), 4),
    ] {
        let builders = [
            bus.receiver(),
            bus.receiver().lossy(),
            bus.receiver().committing(),
        ];
        for builder in builders {
            let mut receiver = builder.behind(&mark).start(start).build();
            assert_eq!(receiver.position(), position, "{start:?}");
            assert_eq!(backlog(&mut receiver), no_gaps(position..2), "{start:?}");
        }
    }
}

#[test]
fn the_past_of_a_committing_receiver_is_held() {
    let builder = EventBus::builder().capacity(4).history(4);
    let bus = builder.strategy(WaitStrategy::Block).build().unwrap();
    publish_all(&bus, 0..6);
    let start = |start| bus.receiver().committing().start(start).build();
    let mut sink = start(Start::Last(3));
    assert_eq!((sink.position(), sink.committed()), (3, 3));
    assert!(bus.try_publish(6).is_ok());
    assert!(bus.try_publish(7).is_err());
    assert_eq!(sink.try_recv_batch(9).unwrap().sequences(), 3..7);
    drop(sink);
    // What is gone is told.
    let mut sink = start(Start::Sequence(1));
    assert_eq!((sink.position(), sink.committed()), (1, 3));
    assert!(sink.try_recv_batch(0).unwrap().is_empty());
    sink.rewind();
    let mut clone = sink.clone();
    for sink in [&mut sink, &mut clone] {
        assert_eq!(sink.try_recv_batch(1).unwrap().sequences(), 3..4);
        assert_eq!((sink.missed(), sink.position()), (2, 3));
    }
    drop((sink, clone));
    // Room that is reserved is taken from it.
    let permits = bus.reserve_many(2).now_or_never().unwrap().unwrap();
    let mut sink = start(Start::Oldest);
    assert_eq!(sink.try_recv(), Ok(5));
    assert_eq!(sink.committed(), 5);
    assert!(bus.try_publish(99).is_err());
    drop(permits);
}

#[test]
fn it_waits_for_the_leader() {
    let bus = block(4);
    let mut leader = bus.subscribe_committing();
    let mut behind = spawn(bus.subscribe_behind(&leader.watermark()));
    assert_pending!(behind.poll_next());
    publish_all(&bus, 0..2);
    assert!(!behind.is_woken());
    assert_pending!(behind.poll_next());
    commit(&mut leader, 1);
    assert!(behind.is_woken());
    assert_ready_eq!(behind.poll_next(), Some(0));
    assert_pending!(behind.poll_next());
    commit(&mut leader, 1);
    assert!(behind.is_woken());
    assert_ready_eq!(behind.poll_next(), Some(1));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| behind.recv_blocking());
        publish_all(&bus, [2]);
        commit(&mut leader, 1);
        assert_eq!(waiting.join().unwrap(), Some(2));
    });
}

#[test]
fn it_ends_with_what_a_leader_that_went_has_committed() {
    let bus = block(4);
    let mut leader = bus.subscribe_committing();
    let mark = leader.watermark();
    let mut behind = spawn(bus.subscribe_behind(&mark));
    publish_all(&bus, 0..3);
    assert_pending!(behind.poll_next());
    commit(&mut leader, 2);
    drop(leader);
    assert!(behind.is_woken());
    assert_ready_eq!(behind.poll_next(), Some(0));
    assert_ready_eq!(behind.poll_next(), Some(1));
    assert_ready_eq!(behind.poll_next(), None);
    assert!(behind.is_terminated());
    assert_eq!(
        bus.subscribe_behind(&mark).recv().now_or_never(),
        Some(None)
    );
}

#[test]
fn what_the_leader_never_committed_is_not_missed() {
    let bus = block(2);
    let leader = bus.subscribe_committing();
    let mut behind = bus.receiver().lossy().behind(&leader.watermark()).build();
    drop(leader);
    publish_all(&bus, 0..5);
    assert_eq!(behind.try_recv(), Err(TryRecvError::Closed));
    assert_eq!((behind.missed(), bus.stats().missed), (0, 0));
}

#[test]
fn a_gap_ends_with_what_the_leader_has_committed() {
    let bus = block(4);
    let mut leader = bus.subscribe_committing();
    let mut behind = bus.receiver().lossy().behind(&leader.watermark()).build();
    publish_all(&bus, 0..4);
    commit(&mut leader, 3);
    assert_eq!(behind.try_recv(), Ok(0));
    drop(leader);
    publish_all(&bus, 4..20);
    let mut told = behind.with_lag();
    assert_eq!(told.try_recv(), Ok(Err(Lagged(2))));
    assert_eq!(told.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(bus.stats().missed, 2);
    assert_eq!((told.get_ref().missed(), told.get_ref().position()), (2, 3));
}

#[test]
fn it_ends_with_the_bus() {
    let bus = block(4);
    let mut leader = bus.subscribe_committing();
    let mut behind = spawn(bus.subscribe_behind(&leader.watermark()));
    let mut idle = spawn(bus.subscribe_behind(&leader.watermark()));
    publish_all(&bus, [0]);
    assert_pending!(behind.poll_next());
    bus.close();
    assert!(behind.is_woken());
    assert_pending!(behind.poll_next());
    assert_pending!(idle.poll_next());
    commit(&mut leader, 1);
    for behind in [&mut behind, &mut idle] {
        assert!(behind.is_woken());
        assert_ready_eq!(behind.poll_next(), Some(0));
        assert_ready_eq!(behind.poll_next(), None);
    }
}

#[test]
fn an_idle_one_is_told_that_the_bus_is_closed() {
    let bus = block::<u64>(4);
    let leader = bus.subscribe_committing();
    let mut behind = spawn(bus.subscribe_behind(&leader.watermark()));
    assert_pending!(behind.poll_next());
    bus.close();
    assert!(behind.is_woken());
    assert_ready_eq!(behind.poll_next(), None);
}

#[test]
fn a_chain_of_them() {
    let bus = block(4);
    let mut first = bus.subscribe_committing();
    let mut second = bus
        .receiver()
        .committing()
        .behind(&first.watermark())
        .build();
    let mut last = bus.subscribe_behind(&second.watermark());
    publish_all(&bus, 0..2);
    assert!(second.try_recv_batch(9).is_err());
    commit(&mut first, 2);
    commit(&mut second, 1);
    assert_eq!(backlog(&mut last), no_gaps([0]));
    drop(first);
    commit(&mut second, 1);
    assert_eq!(second.try_recv_batch(9).err(), Some(TryRecvError::Closed));
    assert_eq!(last.try_recv(), Ok(1));
    assert_eq!(last.try_recv(), Err(TryRecvError::Empty));
    drop(second);
    assert_eq!(last.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_watermark_of_another_bus() {
    let (bus, other) = (block::<u64>(4), block(4));
    let leader = bus.subscribe_committing();
    let panic = panic_of(|| other.subscribe_behind(&leader.watermark()));
    assert_eq!(panic, "the watermark is of another bus");
}

#[test]
fn a_follower_is_woken_when_the_last_handle_goes() {
    let bus = EventBus::<u64>::with_strategy(4, WaitStrategy::Block);
    let leader = bus.subscribe_committing();
    let mut follower = bus.subscribe_behind(&leader.watermark());
    let mut next = spawn(follower.recv());
    assert_pending!(next.poll());
    drop(bus);
    assert!(next.is_woken());
    assert_ready_eq!(next.poll(), None);
}
