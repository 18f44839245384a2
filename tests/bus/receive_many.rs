//! Receiving in batches, by value and in place.

use crate::common::{block, overwrite, publish_all, watched};
use eventring::TryRecvError;
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn recv_many_takes_up_to_the_limit() {
    for bus in [overwrite(8), block(8)] {
        let mut receiver = bus.subscribe();
        publish_all(&bus, 0..5);
        let mut batch = vec![100];
        assert_ready_eq!(spawn(receiver.recv_many(&mut batch, 2)).poll(), 2);
        assert_eq!(batch, [100, 0, 1], "appended");
        assert_eq!(receiver.try_recv_many(&mut batch, 1), Ok(1));
        assert_eq!(receiver.try_recv_many(&mut batch, usize::MAX), Ok(2));
        assert_eq!(batch, [100, 0, 1, 2, 3, 4]);
        let none = receiver.try_recv_many(&mut batch, 1);
        assert_eq!(none, Err(TryRecvError::Empty));
        assert_eq!((receiver.position(), batch.len()), (5, 6));
    }
}

#[test]
fn recv_many_of_0_is_nothing() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    let mut batch = Vec::new();
    for lapped in [false, true] {
        assert_ready_eq!(spawn(receiver.recv_many(&mut batch, 0)).poll(), 0);
        assert_eq!(receiver.try_recv_many(&mut batch, 0), Ok(0));
        assert_eq!(receiver.recv_many_blocking(&mut batch, 0), 0);
        assert_eq!((receiver.position(), receiver.missed()), (0, 0));
        if !lapped {
            publish_all(&bus, 0..3);
            bus.close();
        }
    }
}

#[test]
fn recv_many_waits_for_the_first() {
    let bus = overwrite(8);
    let mut receiver = bus.subscribe();
    let mut batch = Vec::new();
    let mut recv = spawn(receiver.recv_many(&mut batch, 4));
    assert_pending!(recv.poll());
    publish_all(&bus, 0..2);
    assert!(recv.is_woken());
    assert_ready_eq!(recv.poll(), 2);
    drop(recv);
    assert_eq!(batch, [0, 1]);
}

#[test]
fn recv_many_goes_on_after_lag_up_to_the_end() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    let mut batch = Vec::new();
    publish_all(&bus, 0..3);
    assert_ready_eq!(spawn(receiver.recv_many(&mut batch, 9)).poll(), 2);
    assert_eq!(receiver.missed(), 1);
    publish_all(&bus, 3..6);
    assert_eq!(receiver.try_recv_many(&mut batch, 9), Ok(2));
    assert_eq!(receiver.missed(), 2);
    publish_all(&bus, 6..9);
    bus.close();
    assert_eq!(receiver.recv_many_blocking(&mut batch, 9), 2);
    assert_eq!(receiver.missed(), 3);
    assert_eq!(receiver.recv_many_blocking(&mut batch, 9), 0);
    assert_ready_eq!(spawn(receiver.recv_many(&mut batch, 9)).poll(), 0);
    let closed = receiver.try_recv_many(&mut batch, 9);
    assert_eq!(closed, Err(TryRecvError::Closed));
    assert_eq!(batch, [1, 2, 4, 5, 7, 8]);
}

#[test]
fn recv_many_takes_a_whole_ring_again_and_again() {
    for capacity in [1, 2, 3, 4] {
        let bus = block(capacity as usize);
        let mut receiver = bus.subscribe();
        let mut batch = Vec::new();
        for lap in 0..5 {
            publish_all(&bus, lap * capacity..(lap + 1) * capacity);
            let taken = receiver.try_recv_many(&mut batch, 100);
            assert_eq!(taken, Ok(capacity as usize));
        }
        assert_eq!(batch, (0..5 * capacity).collect::<Vec<_>>());
    }
}

#[test]
fn recv_many_with_reads_up_to_the_limit() {
    for bus in [overwrite(8), block(8)] {
        let (mut receiver, mut read) = (bus.subscribe(), Vec::new());
        publish_all(&bus, 0..5);
        let mut recv = spawn(receiver.recv_many_with(2, |number| read.push(*number)));
        assert_ready_eq!(recv.poll(), 2);
        drop(recv);
        let each = |number: &u64| read.push(*number);
        assert_eq!(receiver.try_recv_many_with(usize::MAX, each), Ok(3));
        assert_eq!((receiver.position(), read), (5, vec![0, 1, 2, 3, 4]));
        let none = receiver.try_recv_many_with(1, |_| unreachable!());
        assert_eq!(none, Err(TryRecvError::Empty));
    }
}

#[test]
fn recv_many_with_0_is_nothing() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    let read = |_: &u64| unreachable!();
    for lapped in [false, true] {
        assert_ready_eq!(spawn(receiver.recv_many_with(0, read)).poll(), 0);
        assert_eq!(receiver.try_recv_many_with(0, read), Ok(0));
        assert_eq!(receiver.recv_many_with_blocking(0, read), 0);
        assert_eq!((receiver.position(), receiver.missed()), (0, 0));
        if !lapped {
            publish_all(&bus, 0..3);
            bus.close();
        }
    }
}

#[test]
fn recv_many_with_waits_for_the_first_and_goes_on() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    let mut read = Vec::new();
    let mut recv = spawn(receiver.recv_many_with(4, |number: &u64| read.push(*number)));
    assert_pending!(recv.poll());
    publish_all(&bus, 0..3);
    assert!(recv.is_woken());
    assert_ready_eq!(recv.poll(), 2);
    drop(recv);
    assert_eq!((read, receiver.missed()), (vec![1, 2], 1));
}

#[test]
fn recv_many_with_blocking_does_as_recv_many_with() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..3);
    watched(move || {
        let mut read = Vec::new();
        let each = |number: &u64| read.push(*number);
        assert_eq!(receiver.recv_many_with_blocking(9, each), 2);
        assert_eq!((read, receiver.missed()), (vec![1, 2], 1));
        let publisher = bus.clone();
        let publisher = thread::spawn(move || publisher.publish_blocking(3).unwrap());
        assert_eq!(
            receiver.recv_many_with_blocking(9, |number| assert_eq!(*number, 3)),
            1
        );
        publisher.join().unwrap();
        bus.close();
        let closed = receiver.recv_many_with_blocking(9, |_| unreachable!());
        assert_eq!(closed, 0);
    });
}
