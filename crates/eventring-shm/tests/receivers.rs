//! Receivers in one process: every way to receive, ends, and who is woken by whom.

use eventring::{Lagged, Start};
use eventring_shm::{
    Clock, End, EventReader, EventRing, Kind, OnWriterGone, Publisher, Receiver, TryRecvError,
};
use futures::StreamExt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

fn memory(descriptors: u64, payload: u64) -> EventRing {
    EventRing::builder()
        .descriptors(descriptors)
        .payload(payload)
        .memfd("test")
        .unwrap()
}

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

/// What the bell says: whether somebody wants to be woken, and how often it rang.
fn bell(ring: &EventRing) -> (bool, u32) {
    let (_, bell) = ring.fds();
    let bell = File::from(bell.unwrap().try_clone_to_owned().unwrap());
    let mut word = [0; 4];
    bell.read_exact_at(&mut word, 0).unwrap();
    let word = u32::from_ne_bytes(word);
    (word % 2 == 1, word / 2)
}

#[test]
fn who_rests_costs_its_writer_nothing() {
    let ring = memory(64, 4096);
    let mut publisher = ring.publisher().unwrap();
    // A writer rings when it comes.
    let (_, rang) = bell(&ring);
    let rest = Duration::from_secs(3600);
    let mut receiver = ring.subscribe(Start::Next).wake_interval(rest);

    let mut first = tokio_test::task::spawn(receiver.recv());
    assert!(first.poll().is_pending());
    assert_eq!(bell(&ring), (true, rang));
    publisher.publish(Kind(1), b"wakes").unwrap();
    assert_eq!(bell(&ring), (false, rang + 1));
    assert!(first.poll().is_ready());
    drop(first);

    let mut second = tokio_test::task::spawn(receiver.recv());
    assert!(second.poll().is_pending());
    assert_eq!(bell(&ring), (false, rang + 1));
    publisher.publish(Kind(1), b"does not").unwrap();
    assert_eq!(bell(&ring), (false, rang + 1));
    assert!(second.poll().is_ready());
}

/// A bell for each event would be a system call for each: one for all, whatever it ends with.
#[test]
fn several_events_ring_once() {
    let ring = memory(4, 4096);
    let mut publisher = ring.publisher().unwrap();
    let receiver = || tokio_test::task::spawn(ring.subscribe(Start::Next));
    let (_, rang) = bell(&ring);

    let mut corked = receiver();
    assert!(corked.poll_next().is_pending());
    let mut outer = publisher.cork();
    outer.publish(Kind(1), b"").unwrap();
    outer.cork().publish(Kind(1), b"").unwrap();
    outer.publish_many([(Kind(1), "")]).unwrap();
    assert_eq!(bell(&ring), (true, rang));
    drop(outer);
    assert_eq!(bell(&ring), (false, rang + 1));

    let mut batches = receiver();
    assert!(batches.poll_next().is_pending());
    publisher.publish_many([(Kind(1), ""); 7]).unwrap();
    assert_eq!(bell(&ring), (false, rang + 2));

    let mut too_large = receiver();
    assert!(too_large.poll_next().is_pending());
    let events = [0, 0, 0, 0, 0, 4096].map(|len| (Kind(1), vec![0; len]));
    assert!(publisher.publish_many(events).is_err());
    assert_eq!(bell(&ring), (false, rang + 3));

    let mut panics = receiver();
    assert!(panics.poll_next().is_pending());
    let events = (0..).map(|number| {
        assert!(number < 5, "no more");
        (Kind(1), "")
    });
    let publishes = AssertUnwindSafe(|| publisher.publish_many(events));
    assert!(catch_unwind(publishes).is_err());
    assert_eq!(bell(&ring), (false, rang + 4));
    assert!(panics.poll_next().is_ready());
}

/// What comes after a task has looked, and before it stands in the list, is seen by another look.
#[test]
fn who_lies_down_looks_again() {
    /// A waker that publishes when nobody has it any more.
    struct Last(Mutex<Publisher>);
    impl Wake for Last {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Last {
        fn drop(&mut self) {
            self.0
                .get_mut()
                .unwrap()
                .publish(Kind(1), b"just now")
                .unwrap();
        }
    }
    let ring = memory(64, 4096);
    let mut publisher = ring.publisher().unwrap();
    let rest = Duration::from_secs(3600);
    let mut receiver = ring.subscribe(Start::Next).wake_interval(rest);
    let mut first = tokio_test::task::spawn(receiver.recv());
    assert!(first.poll().is_pending());
    publisher.publish(Kind(1), b"wakes").unwrap();
    while !first.is_woken() {
        std::thread::yield_now();
    }
    assert!(first.poll().is_ready());
    drop(first);

    // It rests: nobody wakes it. The list has the only one of this waker, until there is another.
    let last = Waker::from(Arc::new(Last(Mutex::new(publisher))));
    assert!(
        receiver
            .poll_recv(&mut Context::from_waker(&last))
            .is_pending()
    );
    drop(last);
    let polled = receiver.poll_recv(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Some(event)) if event.payload == b"just now"));
}

/// What comes while it rests is received when it has rested, though nobody wakes it.
#[test]
fn who_has_rested_looks() {
    for blocks in [false, true] {
        let ring = memory(64, 4096);
        let mut publisher = ring.publisher().unwrap();
        let rest = Duration::from_millis(1);
        let mut receiver = ring.subscribe(Start::Next).wake_interval(rest);
        let (received, next) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..50u64 {
                    publisher.publish(Kind(1), &number.to_ne_bytes()).unwrap();
                    // Against hangs: the receiver gets the end then.
                    if next.recv_timeout(Duration::from_secs(60)).is_err() {
                        return publisher.close();
                    }
                }
            });
            for seq in 0..50 {
                let event = match blocks {
                    true => receiver.recv_blocking(),
                    false => futures::executor::block_on(receiver.recv()),
                };
                assert_eq!(event.expect("it is not left asleep").seq, seq);
                received.send(()).unwrap();
            }
        });
    }
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
