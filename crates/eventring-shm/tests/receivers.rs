//! Receivers in one process: every way to receive, ends, many that wait.

mod common;

use common::memory;
use eventring::{Lagged, Start};
use eventring_shm::{
    Clock, End, EventReader, EventRing, Kind, OnWriterGone, Receiver, TryRecvError,
};
use futures::StreamExt;
use std::time::Duration;

#[test]
fn starts() {
    let ring = memory(4, 4096);
    let mut publisher = ring.publisher().unwrap();
    for seq in 0..6 {
        publisher.publish(Kind(1), &[seq]).unwrap();
    }
    let position = |start| ring.subscribe(start).position();
    assert_eq!(position(Start::Next), 6);
    assert_eq!(position(Start::Oldest), 2);
    assert_eq!(position(Start::Last(2)), 4);
    assert_eq!(position(Start::Sequence(3)), 3);
    assert_eq!(position(Start::Sequence(u64::MAX)), 6);
    assert_eq!(EventReader::new(&ring).position(), 5);
}

#[test]
fn receivers_end_when_the_ring_is_closed_and_go_on_when_it_is_opened_again() {
    let ring = memory(4, 4096);
    let mut receiver = ring.subscribe(Start::Oldest);
    let mut publisher = ring.publisher().unwrap();
    publisher.publish(Kind(1), b"last").unwrap();
    publisher.close();
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"last");
    assert_eq!(receiver.recv_blocking(), None);
    assert_eq!(receiver.end(), Some(End::Closed));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    ring.publisher()
        .unwrap()
        .publish(Kind(1), b"again")
        .unwrap();
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"again");
}

#[test]
fn every_way_to_receive() {
    let ring = memory(16, 4096);
    let mut publisher = ring.publisher().unwrap();
    publisher.set_clock(Clock::Off);
    let mut all: Vec<Receiver> = (0..6).map(|_| ring.subscribe(Start::Oldest)).collect();
    publisher
        .publish_many([(Kind(1), "a"), (Kind(2), "b"), (Kind(1), "c")])
        .unwrap();
    publisher.close();
    let letters = |events: &[eventring_shm::Event]| {
        events
            .iter()
            .map(|event| event.payload[0] as char)
            .collect::<String>()
    };
    let mut batch = Vec::new();
    assert_eq!(all[0].recv_many_blocking(&mut batch, 2), 2);
    assert_eq!(all[0].try_recv_many(&mut batch, 2), Ok(1));
    assert_eq!(
        all[0].try_recv_many(&mut batch, 2),
        Err(TryRecvError::Closed)
    );
    assert_eq!(letters(&batch), "abc");
    let (mut one, two) = (all.remove(1), all.remove(1));
    futures::executor::block_on(async {
        assert_eq!(
            one.recv_many_with(8, |event| assert_eq!(event.time, 0))
                .await,
            3
        );
        assert_eq!(one.recv().await, None);
        assert_eq!(letters(&two.collect::<Vec<_>>().await), "abc");
    });
    let mut filtered = all.remove(1).filter(|event| event.kind == Kind(2));
    assert_eq!(
        filtered.recv_timeout(Duration::from_secs(60)).unwrap().seq,
        1
    );
    assert_eq!(
        filtered.recv_timeout(Duration::from_secs(60)),
        Err(TryRecvError::Closed)
    );
}

/// Of what a filter does not want the payload does not matter, gone or not.
#[test]
fn filters_come_before_copies() {
    let ring = memory(8, 4096);
    let mut publisher = ring.publisher().unwrap();
    for kind in [1, 2, 2, 2, 2] {
        publisher.publish(Kind(kind), &[7; 1000]).unwrap();
    }
    publisher.close();
    let mut all = ring.subscribe(Start::Sequence(0));
    assert_eq!(all.recv_many_blocking(&mut Vec::new(), 8), 4);
    assert_eq!(all.missed(), 1);
    let mut wanted = ring
        .subscribe(Start::Sequence(0))
        .filter(|event| event.kind == Kind(2));
    assert_eq!(wanted.recv_many_blocking(&mut Vec::new(), 8), 4);
    assert_eq!(wanted.missed(), 0);
}

#[test]
fn gaps_in_their_places() {
    let ring = memory(2, 4096);
    let mut stream = ring.subscribe(Start::Oldest).with_lag();
    let mut publisher = ring.publisher().unwrap();
    for seq in 0..5 {
        publisher.publish(Kind(1), &[seq]).unwrap();
    }
    assert_eq!(stream.next_blocking(), Some(Err(Lagged(3))));
    assert_eq!(stream.next_blocking().unwrap().unwrap().seq, 3);
    assert_eq!(stream.get_ref().missed(), 3);
}

#[test]
fn a_receiver_is_told_that_nobody_writes() {
    let ring = memory(4, 4096);
    let mut receiver = ring
        .subscribe(Start::Oldest)
        .on_writer_gone(OnWriterGone::Tell);
    drop(ring.publisher().unwrap());
    assert_eq!(receiver.recv_blocking(), None);
    assert_eq!(receiver.end(), Some(End::WriterGone));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    ring.publisher().unwrap().publish(Kind(1), b"next").unwrap();
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"next");
    assert_eq!(receiver.recv_blocking(), None);

    let mut receiver = ring
        .subscribe(Start::Next)
        .on_writer_gone(OnWriterGone::End);
    assert_eq!(receiver.recv_blocking(), None);
    let _publisher = ring.publisher().unwrap();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn tasks_and_threads_are_woken() {
    let ring = memory(64, 4096);
    let mut publisher = ring.publisher().unwrap();
    std::thread::scope(|scope| {
        for blocking in [true, false, false] {
            let mut receiver = ring.subscribe(Start::Oldest);
            scope.spawn(move || {
                for seq in 0..1000 {
                    let event = match blocking {
                        true => receiver.recv_blocking(),
                        false => futures::executor::block_on(receiver.recv()),
                    };
                    let event = event.unwrap();
                    assert!(event.seq >= seq);
                    if event.seq == 999 {
                        return;
                    }
                }
            });
        }
        for seq in 0..1000u64 {
            publisher.publish(Kind(1), &seq.to_ne_bytes()).unwrap();
            if seq % 8 == 0 {
                std::thread::yield_now();
            }
        }
    });
}

/// A thread sleeps at up to 127 rings; then there is another one. Both end with their last ring.
#[test]
fn more_rings_than_a_thread_sleeps_at() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let rings: Vec<EventRing> = (0..150).map(|_| memory(2, 4096)).collect();
    for round in 0..3 {
        let tasks: Vec<_> = rings
            .iter()
            .map(|ring| {
                let mut receiver = ring.subscribe(Start::Next);
                runtime.spawn(async move { receiver.recv().await.unwrap().seq })
            })
            .collect();
        std::thread::yield_now();
        for ring in &rings {
            ring.publisher()
                .unwrap()
                .publish(Kind(1), b"event")
                .unwrap();
        }
        for task in tasks {
            // They subscribed before; it is only a watchdog.
            let seq = runtime
                .block_on(async { tokio::time::timeout(Duration::from_secs(60), task).await });
            assert_eq!(seq.unwrap().unwrap(), round);
        }
    }
}
