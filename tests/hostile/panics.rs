//! Panics of user code: `clone`, `drop`, closures, wakers. Nothing is poisoned, nobody is stuck.

use crate::common::{
    Hooked, HookedWaker, Wakes, block, drop_newest, overwrite, panic_of, publish_all,
};
use eventring::{EventBus, Receiver, TryPublishError, TryRecvError};
use futures::{FutureExt, StreamExt};
use std::task::Context;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

/// An event whose `clone` panics.
fn unclonable(number: u64) -> Hooked {
    Hooked::on_clone(number, || panic!("clone"))
}

/// An event whose `drop` panics.
fn undroppable(number: u64) -> Hooked {
    Hooked::on_drop(number, || panic!("drop"))
}

fn number(receiver: &mut Receiver<Hooked>) -> Result<u64, TryRecvError> {
    receiver.try_recv().map(|event| event.number)
}

#[test]
fn an_event_whose_clone_panics_counts_as_received() {
    for bus in [overwrite(3), block(3), drop_newest(3)] {
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        bus.try_publish(unclonable(0)).unwrap();
        bus.try_publish(Hooked::tame(1)).unwrap();
        for receiver in &mut receivers {
            assert_eq!(panic_of(|| receiver.try_recv()), "clone");
            assert_eq!(number(receiver), Ok(1));
            assert_eq!((receiver.len(), receiver.missed()), (0, 0));
        }
        for lap in 2..20 {
            bus.try_publish(Hooked::tame(lap)).unwrap();
            for receiver in &mut receivers {
                assert_eq!(number(receiver), Ok(lap));
            }
        }
    }
}

#[test]
fn a_clone_that_panics_in_a_future_leaves_it_usable() {
    let bus = overwrite(2);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    let mut recv = spawn(receivers[0].recv());
    assert_pending!(recv.poll());
    bus.try_publish(unclonable(0)).unwrap();
    assert!(recv.is_woken());
    assert_eq!(panic_of(|| recv.poll().is_ready()), "clone");
    assert_pending!(recv.poll().map(drop));
    bus.try_publish(Hooked::tame(1)).unwrap();
    assert!(recv.is_woken());
    assert_ready_eq!(recv.poll().map(|event| event.unwrap().number), 1);
}

#[test]
fn a_clone_that_panics_in_a_batch_keeps_what_came_before() {
    for bus in [overwrite(4), block(4)] {
        let mut receivers = [bus.subscribe(), bus.subscribe()];
        for event in [Hooked::tame(0), unclonable(1), Hooked::tame(2)] {
            bus.try_publish(event).unwrap();
        }
        for receiver in &mut receivers {
            let mut batch = Vec::new();
            let panic = panic_of(|| receiver.try_recv_many(&mut batch, 9));
            assert_eq!((panic.as_str(), batch.len()), ("clone", 1));
            assert_eq!(number(receiver), Ok(2));
        }
    }
}

#[test]
fn a_clone_that_panics_still_makes_room() {
    let bus = block(1);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    bus.try_publish(unclonable(0)).unwrap();
    let mut publish = spawn(bus.publish(Hooked::tame(1)));
    assert_pending!(publish.poll());
    for receiver in &mut receivers {
        assert!(!publish.is_woken());
        assert_eq!(panic_of(|| receiver.try_recv()), "clone");
    }
    assert!(publish.is_woken());
    assert_ready_eq!(publish.poll(), Ok(1));
}

#[test]
fn a_clone_that_panics_still_drains() {
    let bus = overwrite(1);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    bus.try_publish(unclonable(0)).unwrap();
    let mut drained = spawn(bus.drained());
    assert_pending!(drained.poll());
    for receiver in &mut receivers {
        assert!(!drained.is_woken());
        assert_eq!(panic_of(|| receiver.try_recv()), "clone");
    }
    assert!(drained.is_woken());
}

#[test]
fn a_closure_that_panics_counts_as_received() {
    for receivers in [1, 2] {
        for bus in [overwrite(2), block(2)] {
            let mut receivers: Vec<_> = (0..receivers).map(|_| bus.subscribe()).collect();
            for lap in 0..5 {
                publish_all(&bus, 2 * lap..2 * lap + 2);
                for receiver in &mut receivers {
                    let panic =
                        panic_of(|| receiver.try_recv_with(|_| -> u64 { panic!("closure") }));
                    assert_eq!(panic, "closure");
                    let mut recv = spawn(receiver.recv_with(|_| -> u64 { panic!("closure") }));
                    assert_eq!(panic_of(|| recv.poll()), "closure");
                }
            }
            for receiver in &mut receivers {
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
                assert_eq!((receiver.position(), receiver.missed()), (10, 0));
            }
        }
    }
}

#[test]
fn a_closure_that_panics_in_a_batch_leaves_the_rest_of_it() {
    for receivers in [1, 2] {
        for bus in [overwrite(4), block(4)] {
            let mut receivers: Vec<_> = (0..receivers).map(|_| bus.subscribe()).collect();
            for lap in 0..5 {
                publish_all(&bus, 4 * lap..4 * lap + 4);
                for receiver in &mut receivers {
                    let mut read = Vec::new();
                    let panic = panic_of(|| {
                        receiver.try_recv_many_with(9, |number| match number % 4 {
                            1 => panic!("closure"),
                            _ => read.push(*number),
                        })
                    });
                    assert_eq!((panic.as_str(), read), ("closure", vec![4 * lap]));
                    assert_eq!(receiver.position(), 4 * lap + 2);
                    let mut rest = spawn(receiver.recv_many_with(9, |_| ()));
                    assert_ready_eq!(rest.poll(), 2);
                }
            }
        }
    }
}

#[test]
fn a_filter_that_panics_leaves_the_stream_usable() {
    let bus = overwrite(4);
    let filter = |number: &u64| {
        if *number == 1 {
            panic!("filter")
        } else {
            Some(*number)
        }
    };
    let mut stream = bus.subscribe().filter_map_ref(filter);
    publish_all(&bus, 0..3);
    assert_eq!(stream.next().now_or_never(), Some(Some(0)));
    assert_eq!(panic_of(|| stream.next().now_or_never()), "filter");
    assert_eq!(stream.next().now_or_never(), Some(Some(2)));
}

#[test]
fn a_value_whose_drop_panics_is_overwritten_all_the_same() {
    let bus = overwrite(1);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    bus.try_publish(undroppable(0)).unwrap();
    assert_eq!(panic_of(|| bus.try_publish(Hooked::tame(1))), "drop");
    assert_eq!(bus.stats().published, 2);
    for receiver in &mut receivers {
        assert_eq!((number(receiver), receiver.missed()), (Ok(1), 1));
    }
    assert_eq!(bus.publish_blocking(Hooked::tame(2)), Ok(2));
}

#[test]
fn values_whose_drop_panics_do_not_break_a_batch() {
    let bus = overwrite(4);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    for event in [
        Hooked::tame(0),
        undroppable(1),
        Hooked::tame(2),
        Hooked::tame(3),
    ] {
        bus.try_publish(event).unwrap();
    }
    let mut events: Vec<_> = (4..10).map(Hooked::tame).collect();
    let panic = panic_of(|| bus.publish_many_blocking(&mut events));
    assert_eq!(panic, "drop");
    let rest: Vec<_> = events.iter().map(|event| event.number).collect();
    assert_eq!(rest, [8, 9], "what was not claimed yet");
    bus.publish_many_blocking(&mut events).unwrap();
    for receiver in &mut receivers {
        for expected in 6..10 {
            assert_eq!(number(receiver), Ok(expected));
            assert_eq!(receiver.missed(), 6);
        }
    }
}

#[test]
fn a_drop_that_panics_on_release_leaves_the_receiver_usable() {
    let bus = overwrite(4);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    bus.try_publish(undroppable(0)).unwrap();
    let [one, other] = &mut receivers;
    assert_eq!((number(one), number(other)), (Ok(0), Ok(0)));
    assert_eq!(number(one), Err(TryRecvError::Empty));
    assert_eq!(panic_of(|| number(other)), "drop");
    assert_eq!(number(one), Err(TryRecvError::Empty));
    assert_eq!(number(other), Err(TryRecvError::Empty));
    bus.try_publish(Hooked::tame(1)).unwrap();
    assert_eq!((number(one), number(other)), (Ok(1), Ok(1)));
}

#[test]
fn a_drop_that_panics_in_the_last_receivers_drop_leaves_the_bus_usable() {
    let bus = block(2);
    let receiver = bus.subscribe();
    bus.try_publish(undroppable(0)).unwrap();
    assert_eq!(panic_of(|| drop(receiver)), "drop");
    assert_eq!(bus.receiver_count(), 0);
    let mut receiver = bus.subscribe();
    for lap in 1..9 {
        bus.try_publish(Hooked::tame(lap)).unwrap();
        assert_eq!(number(&mut receiver), Ok(lap));
    }
}

#[test]
fn a_drop_that_panics_with_nobody_there_leaves_the_bus_usable() {
    let bus = overwrite(2);
    assert_eq!(panic_of(|| bus.try_publish(undroppable(0))), "drop");
    assert_eq!(bus.try_publish(Hooked::tame(1)), Ok(1));
}

#[test]
fn a_waker_that_panics_keeps_nobody_asleep() {
    for panicking in [0, 4, 8] {
        let bus = overwrite(4);
        let mut receivers: Vec<_> = (0..9).map(|_| bus.subscribe()).collect();
        let bomb = HookedWaker::on_wake(|| panic!("wake"));
        let (wakes, waker) = Wakes::new();
        for (index, receiver) in receivers.iter_mut().enumerate() {
            let waker = if index == panicking { &bomb } else { &waker };
            assert_pending!(receiver.poll_recv(&mut Context::from_waker(waker)));
        }
        assert_eq!(panic_of(|| bus.try_publish(0)), "wake");
        assert_eq!(wakes.count(), 8);
        for round in 1..4 {
            for receiver in &mut receivers {
                assert_eq!(receiver.try_recv(), Ok(round - 1));
                assert_pending!(receiver.poll_recv(&mut Context::from_waker(&waker)));
            }
            publish_all(&bus, [round]);
            assert_eq!(wakes.count() as u64, 8 + 9 * round, "all, ever after");
        }
    }
}

#[test]
fn of_several_wakers_that_panic_the_first_is_heard() {
    let bus = overwrite(4);
    let mut receivers: Vec<_> = (0..4).map(|_| bus.subscribe()).collect();
    let bombs = ["one", "two", "three"].map(|text| HookedWaker::on_wake(move || panic!("{text}")));
    let (wakes, waker) = Wakes::new();
    for (receiver, waker) in receivers.iter_mut().zip(bombs.iter().chain([&waker])) {
        assert_pending!(receiver.poll_recv(&mut Context::from_waker(waker)));
    }
    assert_eq!(panic_of(|| bus.try_publish(0)), "one");
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_waker_that_panics_on_close_keeps_nobody_asleep() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    let idle = &mut bus.subscribe();
    publish_all(&bus, [0]);
    idle.try_recv().unwrap();
    let bomb = HookedWaker::on_wake(|| panic!("wake"));
    assert_pending!(idle.poll_recv(&mut Context::from_waker(&bomb)));
    let mut publish = spawn(bus.publish(1));
    assert_pending!(publish.poll());
    assert_eq!(panic_of(|| bus.close()), "wake");
    assert!(bus.is_closed() && publish.is_woken());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_publishers_waker_that_panics_in_a_receive_or_a_drop() {
    for dropping in [false, true] {
        let bus = block(1);
        let mut receiver = bus.subscribe();
        publish_all(&bus, [0]);
        let bomb = HookedWaker::on_wake(|| panic!("wake"));
        let mut publish = bus.publish(1);
        assert_pending!(publish.poll_unpin(&mut Context::from_waker(&bomb)));
        let mut other = spawn(bus.publish(2));
        assert_pending!(other.poll());
        if dropping {
            assert_eq!(panic_of(|| drop(receiver)), "wake");
            assert_eq!(bus.receiver_count(), 0);
        } else {
            assert_eq!(panic_of(|| receiver.try_recv()), "wake");
            assert_eq!(receiver.position(), 1, "it counts as received");
        }
        drop(publish);
        assert!(other.is_woken());
        assert_ready_eq!(other.poll(), Ok(1));
    }
}

#[test]
fn a_panic_while_panicking_does_not_abort() {
    // The clone panics, and on its way out the receiver wakes a publisher whose waker panics.
    let bus = block(1);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    bus.try_publish(unclonable(0)).unwrap();
    let mut publish = bus.publish(Hooked::tame(1));
    let bomb = HookedWaker::on_wake(|| panic!("wake"));
    assert!(
        publish
            .poll_unpin(&mut Context::from_waker(&bomb))
            .is_pending()
    );
    for receiver in &mut receivers {
        assert_eq!(panic_of(|| receiver.try_recv()), "clone");
    }
    drop(publish);
    assert_eq!(bus.try_publish(Hooked::tame(2)), Ok(1));
}

#[test]
fn a_receiver_thread_that_panics_lets_the_others_go_on() {
    let bus: EventBus<u64> = block(1);
    let mut receiver = bus.subscribe();
    let doomed = bus.subscribe();
    publish_all(&bus, [0]);
    let thread = std::thread::spawn(move || {
        let _doomed = doomed;
        panic!("unwinds a receiver");
    });
    assert!(thread.join().is_err());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(bus.try_publish(1), Ok(1));
    assert_eq!(bus.try_publish(2), Err(TryPublishError::Full(2)));
    bus.close();
    assert_eq!(receiver.recv_blocking(), Some(1));
    assert_eq!(receiver.recv_blocking(), None);
}

#[test]
fn a_publish_that_is_polled_after_its_end_claims_nothing() {
    for bus in [overwrite(3), block(3), drop_newest(3)] {
        let mut receiver = bus.subscribe();
        let mut publish = spawn(bus.publish(0));
        assert_ready_eq!(publish.poll(), Ok(0));
        let message = panic_of(|| publish.poll());
        assert_eq!(message, "polled after completion");
        drop(publish);
        publish_all(&bus, [1]);
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [0, 1]);
    }
}
