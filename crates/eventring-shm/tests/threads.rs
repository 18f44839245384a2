//! Writers and readers of one mapping at once, as threads, as fast as they can: every payload whole,
//! every loss told. (For ThreadSanitizer, which sees no other processes: `.ci/shm-sanitize`.)

use eventring::Start;
use eventring_shm::{EventReader, EventRing, Kind, NextResult, Publisher};

const EVENTS: u64 = 20_000;

/// A payload each of whose bytes follows from its number.
fn payload(number: u64) -> Vec<u8> {
    let len = 16 + (number % 700) as usize;
    (0..len)
        .map(|at| number.wrapping_mul(31).wrapping_add(at as u64) as u8)
        .collect()
}

fn publish(mut publisher: Publisher, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let ext = [number, 0, 0, 0];
        publisher
            .publish_with(Kind(1), ext, &payload(number))
            .unwrap();
    }
}

/// Reads until the ring is closed, and checks the account.
fn read_in_place(ring: &EventRing) {
    let mut reader = EventReader::new(ring);
    reader.seek(Start::Sequence(0));
    let mut received = 0;
    loop {
        match reader.next_descriptor() {
            NextResult::Ready(event) => {
                if let Ok(bytes) = event.payload().to_vec() {
                    assert_eq!(bytes, payload(event.head().ext[0]));
                    received += 1;
                }
            }
            NextResult::Gap { .. } => {}
            NextResult::NotReady => std::thread::yield_now(),
            NextResult::Closed => break,
            NextResult::Corrupt(corrupt) => panic!("{corrupt}"),
        }
    }
    assert_eq!(received + reader.missed(), ring.tail());
}

fn receive(ring: &EventRing) {
    let mut receiver = ring.subscribe(Start::Sequence(0));
    let mut received = 0;
    let read = |event: eventring_shm::EventRef<'_>| {
        assert_eq!(event.payload, payload(event.ext[0]));
    };
    while receiver.recv_with_blocking(read).is_some() {
        received += 1;
    }
    assert_eq!(received + receiver.missed(), ring.tail());
}

fn ring() -> EventRing {
    EventRing::builder()
        .descriptors(16)
        .payload(8192)
        .memfd("threads")
        .unwrap()
}

#[test]
fn one_writer() {
    let ring = ring();
    let publisher = ring.publisher().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| read_in_place(&ring));
        scope.spawn(|| receive(&ring));
        let end = scope.spawn(|| publish(publisher, 0..EVENTS)).join();
        // Closed even if it panicked: the readers would wait for ever.
        ring.publisher().unwrap().close();
        end.unwrap();
    });
    assert_eq!(ring.tail(), EVENTS);
}

#[test]
fn several_writers() {
    let ring = ring();
    std::thread::scope(|scope| {
        scope.spawn(|| read_in_place(&ring));
        scope.spawn(|| receive(&ring));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let publisher = ring.join().unwrap();
                scope.spawn(move || {
                    publish(publisher, writer * EVENTS..writer * EVENTS + EVENTS / 4)
                })
            })
            .collect();
        // As above.
        let ends: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        ring.join().unwrap().close();
        ends.into_iter().for_each(|end| end.unwrap());
    });
    assert_eq!(ring.tail(), 3 * (EVENTS / 4));
}
