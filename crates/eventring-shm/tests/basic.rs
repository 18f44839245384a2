//! Publishing and reading in place, in one process: payloads, claims, gaps, several writers.

mod common;

use common::memory;
use eventring::Start;
use eventring_shm::{EventReader, EventRing, Expired, Kind, NextResult, PublishError};
use std::time::Duration;

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
    for len in [1025, 1 << 32, usize::MAX] {
        let error = publisher.reserve(Kind(1), len).unwrap_err();
        assert_eq!(error, PublishError::TooLarge { len, max: 1024 });
    }
}

/// The place is the writer's until the claim is done.
#[test]
fn a_claim_keeps_other_writers_waiting() {
    let ring = memory(8, 4096);
    let (mut one, mut other) = (ring.join().unwrap(), ring.join().unwrap());
    for commits in [false, true] {
        let claim = one.reserve(Kind(1), 0).unwrap();
        assert_eq!(other.try_publish(Kind(2), b""), Err(PublishError::Busy));
        let waited = other.publish_timeout(Kind(2), b"", Duration::ZERO);
        assert_eq!(waited, Err(PublishError::Busy));
        match commits {
            true => assert_eq!(claim.commit(), 1),
            false => drop(claim),
        }
        let seq = if commits { 2 } else { 0 };
        assert_eq!(other.try_publish(Kind(2), b""), Ok(seq));
    }
}

#[test]
fn a_reader_looks_and_goes_elsewhere() {
    let ring = memory(4, 4096);
    let mut publisher = ring.publisher().unwrap();
    let mut reader = EventReader::new(&ring);
    assert!(matches!(reader.peek_descriptor(), NextResult::NotReady));
    for seq in 0..3 {
        publisher.publish(Kind(1), &[seq]).unwrap();
    }
    let is =
        |next: NextResult<'_>, seq| matches!(next, NextResult::Ready(event) if event.seq() == seq);
    assert!(is(reader.peek_descriptor(), 0));
    assert!(is(reader.peek_descriptor(), 0));
    reader.reset();
    assert!(is(reader.next_descriptor(), 2));
    reader.seek(Start::Sequence(1));
    assert!(is(reader.next_descriptor(), 1));
    publisher.close();
    assert!(is(reader.next_descriptor(), 2));
    assert!(matches!(reader.peek_descriptor(), NextResult::Closed));
    assert!(matches!(reader.next_descriptor(), NextResult::Closed));
    assert_eq!(reader.missed(), 0);
}

#[test]
fn copies_by_sequence() {
    let ring = memory(8, 4096);
    let mut publisher = ring.publisher().unwrap();
    assert_eq!(ring.try_copy(0), Ok(None));
    for seq in 0..9u64 {
        let ext = [seq, 0, 0, u64::MAX];
        publisher
            .publish_with(Kind(7), ext, &payload(seq, 1000))
            .unwrap();
    }
    // The one before is lapped; of the other only the payload is gone.
    assert_eq!(ring.try_copy(0), Err(Expired));
    assert_eq!(ring.try_copy(1), Err(Expired));
    let event = ring.try_copy(8).unwrap().unwrap();
    assert_eq!((event.seq, event.kind), (8, Kind(7)));
    assert_eq!((event.ext, event.truncated), ([8, 0, 0, u64::MAX], false));
    assert_eq!(event.payload, payload(8, 1000));
    assert_eq!(ring.try_copy(9), Ok(None));
    assert_eq!(ring.try_copy(u64::MAX), Ok(None));
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
fn several_writers_one_order() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ring");
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
