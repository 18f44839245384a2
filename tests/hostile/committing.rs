//! Committing receivers: batches that are held for long, forgotten, or lost to a panic.

use crate::common::{Hooked, HookedWaker, Random, Wakes, block, panic_of, publish_all, watched};
use eventring::{EventBus, TryPublishError, WaitStrategy};
use futures::FutureExt;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Context;
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn a_forgotten_batch_is_not_received() {
    watched(|| {
        let bus = block(2);
        let mut sink = bus.subscribe_committing();
        publish_all(&bus, 0..2);
        for _ in 0..3 {
            forget(Box::new(sink.try_recv_batch(9).unwrap()));
            assert_eq!(bus.try_publish(2), Err(TryPublishError::Full(2)));
        }
        sink.try_recv_batch(1).unwrap().commit();
        assert_eq!(bus.try_publish(2), Ok(2));
        let held = sink.try_recv_batch(9).unwrap();
        assert!(held.iter().eq([(1, &1), (2, &2)]));
    });
}

#[test]
fn a_forgotten_recv_batch() {
    watched(|| {
        let bus = block(2);
        let mut sink = bus.subscribe_committing();
        let (wakes, waker) = Wakes::new();
        for lap in 0..5 {
            let mut waits = sink.recv_batch(9);
            assert_pending!(waits.poll_unpin(&mut Context::from_waker(&waker)).map(drop));
            forget(waits);
            publish_all(&bus, [lap]);
            assert_eq!(wakes.count() as u64, lap + 1, "it was never cancelled");
            let held = sink.recv_batch(9).now_or_never().unwrap().unwrap();
            assert!(held.iter().eq([(lap, &lap)]));
            held.commit();
        }
    });
}

#[test]
fn a_batch_in_a_task_that_is_dropped_or_forgotten() {
    watched(|| {
        let bus = block(2);
        let mut sink = bus.subscribe_committing();
        publish_all(&bus, 0..2);
        let mut store = spawn(async {
            let held = sink.recv_batch(9).await.unwrap();
            std::future::pending::<()>().await;
            held.commit();
        });
        assert_pending!(store.poll());
        let mut publish = spawn(bus.publish(2));
        assert_pending!(publish.poll());
        drop(store);
        assert!(!publish.is_woken());
        let held = sink.try_recv_batch(9).unwrap();
        assert_eq!(held.sequences(), 0..2);
        held.commit();
        assert!(assert_ready!(publish.poll()).is_ok());
    });
}

#[test]
fn a_panic_in_the_middle_of_a_batch() {
    watched(|| {
        let bus = block(4);
        let mut sink = bus.subscribe_committing();
        publish_all(&bus, 0..3);
        for broken in 0..3 {
            let panic = panic_of(|| {
                let held = sink.try_recv_batch(9).unwrap();
                for (_, event) in &held {
                    assert!(*event != broken, "broken");
                }
                held.commit();
            });
            assert_eq!(panic, "broken");
            assert_eq!((sink.position(), sink.committed(), bus.len()), (0, 0, 3));
        }
    });
}

#[test]
fn a_clone_that_panics_is_received_again() {
    watched(|| {
        let bus = EventBus::with_strategy(2, WaitStrategy::Block);
        let mut sink = bus.subscribe_committing();
        bus.try_publish(Hooked::on_clone(0, || panic!("clone")))
            .unwrap();
        bus.try_publish(Hooked::tame(1)).unwrap();
        for _ in 0..2 {
            assert_eq!(panic_of(|| sink.try_recv()), "clone");
            assert_eq!(sink.try_recv().unwrap().number, 1);
            sink.rewind();
        }
        let held = sink.try_recv_batch(1).unwrap();
        assert_eq!(
            held.iter().next().unwrap().1.number,
            0,
            "it need not be cloned"
        );
        held.commit();
        assert_eq!(sink.try_recv().unwrap().number, 1);
    });
}

#[test]
fn a_waker_that_panics_in_a_commit() {
    watched(|| {
        let bus = block(1);
        let mut sink = bus.subscribe_committing();
        publish_all(&bus, [0]);
        let waker = HookedWaker::on_wake(|| panic!("waker"));
        let mut publish = bus.publish(1);
        assert_pending!(publish.poll_unpin(&mut Context::from_waker(&waker)));
        assert_eq!(
            panic_of(|| sink.try_recv_batch(9).unwrap().commit()),
            "waker"
        );
        assert_eq!(
            (sink.position(), sink.committed()),
            (1, 1),
            "it is committed"
        );
        assert_eq!(publish.now_or_never(), Some(Ok(1)));
        sink.try_recv_batch(9).unwrap().commit();
        assert!(bus.is_empty());
    });
}

#[test]
fn an_event_whose_drop_panics_when_it_is_released() {
    watched(|| {
        let bus = EventBus::with_strategy(2, WaitStrategy::Block);
        let mut sink = bus.subscribe_committing();
        bus.try_publish(Hooked::on_drop(0, || panic!("drop")))
            .unwrap();
        sink.try_recv_batch(9).unwrap().commit();
        assert_eq!(panic_of(|| sink.try_recv_batch(9).is_ok()), "drop");
        assert!(bus.try_publish(Hooked::tame(1)).is_ok());
        assert_eq!(sink.try_recv_batch(9).unwrap().sequences(), 1..2);
    });
}

/// A sink that panics at random and is restarted with the same receiver: nothing is lost, and
/// nothing is stored twice that was committed.
#[test]
fn a_sink_that_panics_and_is_restarted() {
    watched(|| {
        const EVENTS: u64 = 2_000;
        let bus = block(8);
        let mut sink = bus.subscribe_committing();
        let publisher = thread::spawn(move || {
            (0..EVENTS).for_each(|event| assert_eq!(bus.publish_blocking(event), Ok(event)));
        });
        let mut random = Random::new();
        let mut stored = Vec::new();
        loop {
            // What of a batch was stored when its commit failed is stored anew, as by a transaction.
            stored.truncate(sink.committed() as usize);
            let run = catch_unwind(AssertUnwindSafe(|| {
                while let Some(held) = sink.recv_batch_blocking(1 + random.below(9) as usize) {
                    for (sequence, event) in &held {
                        assert_eq!(sequence, *event);
                        stored.push(*event);
                        if random.below(20) == 0 {
                            std::panic::resume_unwind(Box::new(()));
                        }
                    }
                    held.commit();
                }
            }));
            if run.is_ok() {
                break;
            }
        }
        publisher.join().unwrap();
        assert!(stored.into_iter().eq(0..EVENTS));
    });
}
