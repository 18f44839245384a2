//! What one process sees: every way to publish and to read, gaps, ends, files that are not rings.

use eventring::{Lagged, Start};
use eventring_shm::{
    Clock, ContentType, End, EventReader, EventRing, Expired, Kind, NextResult, OnWriterGone,
    OpenError, Origin, PublishError, Receiver, TryRecvError,
};
use futures::StreamExt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

fn memory(descriptors: u64, payload: u64) -> EventRing {
    EventRing::builder()
        .descriptors(descriptors)
        .payload(payload)
        .memfd("test")
        .unwrap()
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ring");
    (home, path)
}

/// A payload that tells its sequence, of any length.
fn payload(seq: u64, len: usize) -> Vec<u8> {
    (0..len).map(|at| (seq as usize * 31 + at) as u8).collect()
}

#[test]
fn payloads_of_every_length_come_back() {
    let ring = memory(64, 4096);
    let mut publisher = ring.publisher().unwrap();
    let mut reader = EventReader::new(&ring);
    reader.seek(Start::Oldest);
    for len in (0..=1024).chain([1, 1023, 33, 32, 31, 1024]) {
        let seq = publisher
            .publish(Kind(len as u16), &payload(7, len))
            .unwrap();
        match reader.next_descriptor() {
            NextResult::Ready(event) => {
                assert_eq!((event.seq(), event.kind()), (seq, Kind(len as u16)));
                assert_eq!(
                    event.payload().to_vec().unwrap(),
                    payload(7, len),
                    "of {len}"
                );
                for (at, until) in [(0, len), (len / 3, len), (len / 2, len / 2), (0, len / 5)] {
                    let mut part = vec![0; until - at];
                    event.payload().copy_range(at, &mut part).unwrap();
                    assert_eq!(part, payload(7, len)[at..until]);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    let too_large = publisher.publish(Kind(0), &[0; 1025]);
    assert_eq!(
        too_large,
        Err(PublishError::TooLarge {
            len: 1025,
            max: 1024
        })
    );
    let seq = publisher
        .publish_or_truncate(Kind(9), &payload(1, 2000))
        .unwrap();
    let event = ring.try_copy(seq).unwrap().unwrap();
    assert_eq!((event.truncated, event.ext[0]), (true, 2000));
    assert_eq!(event.payload, payload(1, 1024));
}

#[test]
fn claims_are_filled_in_pieces() {
    let ring = memory(8, 4096);
    let mut publisher = ring.publisher().unwrap();
    for len in [1usize, 8, 9, 100, 777] {
        drop(publisher.reserve(Kind(1), len).unwrap());
        let mut claim = publisher.reserve(Kind(1), len).unwrap();
        let whole = payload(len as u64, len);
        for (at, byte) in whole.iter().enumerate().rev().step_by(3) {
            claim.write(at, &[*byte]);
        }
        claim.write(0, &whole[..len / 2]);
        claim.write(len / 2, &whole[len / 2..]);
        claim.ext([1, 2, 3, 4]);
        let seq = claim.commit();
        let event = ring.try_copy(seq).unwrap().unwrap();
        assert_eq!((event.payload, event.ext), (whole, [1, 2, 3, 4]));
    }
    assert_eq!(ring.tail(), 5);
}

#[test]
fn a_payload_that_is_gone_is_told_once() {
    let ring = memory(64, 4096);
    let mut publisher = ring.publisher().unwrap();
    let mut reader = EventReader::new(&ring);
    publisher.publish(Kind(1), &[1; 1000]).unwrap();
    let NextResult::Ready(event) = reader.next_descriptor() else {
        panic!()
    };
    for _ in 0..5 {
        publisher.publish(Kind(1), &[2; 1000]).unwrap();
    }
    assert_eq!(event.payload().copy_to(&mut [0; 1000]), Err(Expired));
    assert!(event.payload().is_expired());
    assert_eq!(reader.missed(), 1);
    let mut received = 0;
    loop {
        match reader.next_descriptor() {
            NextResult::Ready(event) if event.payload().to_vec().is_ok() => received += 1,
            NextResult::Ready(_) | NextResult::Gap { .. } => {}
            NextResult::NotReady => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(received + reader.missed(), 6);
}

#[test]
fn gaps_are_exact_and_go_on_at_the_oldest() {
    let ring = memory(4, 4096);
    let mut publisher = ring.publisher().unwrap();
    let mut reader = EventReader::new(&ring);
    for seq in 0..10 {
        publisher.publish(Kind(1), &[seq]).unwrap();
    }
    assert!(matches!(
        reader.peek_descriptor(),
        NextResult::Gap { missed: 6 }
    ));
    assert!(matches!(
        reader.next_descriptor(),
        NextResult::Gap { missed: 6 }
    ));
    assert_eq!((reader.position(), reader.len()), (6, 4));
    let mut receiver = ring.subscribe(Start::Sequence(0)).margin(3);
    assert_eq!(receiver.try_recv().unwrap().seq, 9);
    assert_eq!(receiver.missed(), 9);
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

#[test]
fn files_are_made_recovered_and_replaced() {
    let (_home, path) = home();
    let small = || EventRing::builder().descriptors(4).payload(4096);
    let ring = small().create_or_recover(&path).unwrap();
    assert_eq!(ring.origin(), Origin::Created);
    assert!(small().create(&path).is_err());
    let mut receiver = EventRing::open(&path).unwrap().subscribe(Start::Oldest);
    let mut publisher = ring.publisher().unwrap();
    publisher.publish(Kind(1), b"one").unwrap();
    let other = small().create_or_recover(&path).unwrap();
    assert!(
        matches!(other.publisher(), Err(OpenError::WriterExists { pid }) if pid == std::process::id())
    );
    assert!(matches!(other.join(), Err(OpenError::WriterExists { .. })));
    let bigger = || EventRing::builder().descriptors(8).payload(4096);
    assert!(matches!(
        bigger().create_or_recover(&path),
        Err(OpenError::WriterExists { .. })
    ));
    drop(publisher);

    let recovered = small().create_or_recover(&path).unwrap();
    assert_eq!(recovered.origin(), Origin::Recovered);
    recovered
        .publisher()
        .unwrap()
        .publish(Kind(1), b"two")
        .unwrap();

    let replaced = bigger().create_or_recover(&path).unwrap();
    assert_eq!(replaced.origin(), Origin::Replaced);
    assert!(matches!(recovered.publisher(), Err(OpenError::Replaced)));
    replaced
        .publisher()
        .unwrap()
        .publish(Kind(1), b"three")
        .unwrap();
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"one");
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"two");
    assert_eq!(receiver.recv_blocking(), None);
    assert_eq!(receiver.end(), Some(End::Replaced));
    futures::executor::block_on(receiver.reattach()).unwrap();
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"three");
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        2
    );
}

#[test]
fn a_file_that_is_no_ring_stays() {
    let (_home, path) = home();
    std::fs::write(&path, "somebody's").unwrap();
    assert!(matches!(
        EventRing::builder().create_or_recover(&path),
        Err(OpenError::NotARing)
    ));
    assert!(matches!(
        EventRing::builder().replace(&path),
        Err(OpenError::NotARing)
    ));
    assert_eq!(std::fs::read(&path).unwrap(), b"somebody's");
}

#[test]
fn several_writers_one_order() {
    let (_home, path) = home();
    let ring = EventRing::builder().create_or_recover(&path).unwrap();
    let mut reader = ring.subscribe(Start::Oldest);
    std::thread::scope(|scope| {
        for writer in 0..4u16 {
            let path = &path;
            scope.spawn(move || {
                let ring = EventRing::builder().create_or_recover(path).unwrap();
                let mut publisher = ring.join().unwrap();
                for number in 0..500u64 {
                    publisher
                        .publish(Kind(writer), &number.to_ne_bytes())
                        .unwrap();
                }
            });
        }
    });
    let mut next = [0u64; 4];
    for seq in 0..2000 {
        let event = reader.try_recv().unwrap();
        assert_eq!(event.seq, seq);
        let expected = &mut next[usize::from(event.kind.0)];
        assert_eq!(event.payload, expected.to_ne_bytes());
        *expected += 1;
    }
    let closing = ring.join().unwrap();
    let mut other = ring.join().unwrap();
    closing.close();
    assert_eq!(other.publish(Kind(1), b""), Err(PublishError::Closed));
}

#[test]
fn content_types() {
    let ring = EventRing::builder()
        .content_type(ContentType(7), [1; 32])
        .memfd("t")
        .unwrap();
    ring.check_content_type(ContentType(7), &[1; 32]).unwrap();
    for (content_type, hash) in [(7, [2; 32]), (8, [1; 32])] {
        let error = ring
            .check_content_type(ContentType(content_type), &hash)
            .unwrap_err();
        assert!(matches!(error, OpenError::Content { found: 7, .. }));
    }
}

#[test]
fn sizes_that_no_ring_has() {
    for (descriptors, payload) in [
        (1, 4096),
        (3, 4096),
        (2, 2048),
        (2, 4097),
        (0, 0),
        (1 << 63, 1 << 63),
    ] {
        let builder = EventRing::builder()
            .descriptors(descriptors)
            .payload(payload);
        assert!(matches!(builder.memfd("none"), Err(OpenError::Geometry)));
    }
}

/// What a payload is counts when it is published, not when its length was asked for first.
#[test]
fn a_payload_that_grows() {
    struct Grows(std::cell::Cell<usize>);
    impl AsRef<[u8]> for Grows {
        fn as_ref(&self) -> &[u8] {
            let len = self.0.replace(8192);
            &[7; 8192][..len]
        }
    }
    let ring = memory(64, 4096);
    let mut publisher = ring.join().unwrap();
    let events = [100, 100].map(|len| (Kind(1), Grows(std::cell::Cell::new(len))));
    assert!(matches!(
        publisher.publish_many(events),
        Err(PublishError::TooLarge { len: 8192, .. })
    ));
    assert_eq!(publisher.publish(Kind(1), b"still works"), Ok(0));
}
