//! The protocol on the heap, by threads: without files, so that Miri runs it too (`.ci/shm-miri`), whose
//! loads also see older values than the last one, as far as the fences allow.

use super::{Geometry, Leases, Locked, Look, Memory, Outgoing, Ring, Slot};
use crate::memory::Words;
use std::thread;

const EVENTS: u64 = if cfg!(miri) { 200 } else { 20_000 };

/// Nobody dies here.
struct Alive;

impl Leases for Alive {
    fn is_dead(&self, _slot: Slot) -> bool {
        false
    }
}

fn memory() -> Memory {
    let geometry = Geometry::new(8, 256).unwrap();
    Memory::new(Words::heap(geometry.words()), geometry)
}

/// All of an event follows from its sequence.
fn payload(sequence: u64) -> Vec<u8> {
    let len = sequence * 7 % 65;
    (0..len).map(|at| (sequence * 31 + at) as u8).collect()
}

/// Publishes events until there are so many, one of several writers.
fn write(ring: Ring<'_>, me: Slot) {
    loop {
        if ring.try_lock(me, Some(&Alive)) != Locked::Clean {
            thread::yield_now();
            continue;
        }
        let mut tip = ring.load_tip();
        let sequence = tip.tail;
        if sequence < EVENTS {
            ring.write(
                &mut tip,
                &Outgoing {
                    kind: sequence as u16,
                    time: 5 * sequence,
                    ext: (sequence % 3 != 0).then_some([sequence; 4]),
                    payload: &payload(sequence),
                    truncated: false,
                },
            );
            ring.publish_tip(&tip);
        }
        ring.unlock();
        if sequence >= EVENTS {
            return;
        }
    }
}

/// Reads to the end: what is whole is right, and nothing is missing from the account.
fn read(ring: Ring<'_>) {
    let (mut position, mut received, mut missed) = (0, 0, 0);
    while position < EVENTS {
        let next = match ring.look(position).unwrap() {
            Look::NotReady => {
                thread::yield_now();
                continue;
            }
            Look::Lapped(next) => next,
            Look::Ready(event) => {
                let expected = payload(position);
                assert_eq!(event.kind, position as u16, "torn");
                assert_eq!(event.time, 5 * position, "torn");
                assert_eq!(event.len(), expected.len() as u64, "torn");
                let mut bytes = vec![0; expected.len()];
                if ring.copy_payload(&event, 0, &mut bytes) {
                    assert_eq!(bytes, expected, "torn");
                    received += 1;
                    position += 1;
                    continue;
                }
                ring.expired(position).unwrap()
            }
        };
        assert!(next > position, "a gap of nothing");
        missed += next - position;
        position = next;
    }
    assert_eq!(received + missed, EVENTS);
}

#[test]
fn two_writers_two_readers() {
    let memory = memory();
    let ring = memory.ring();
    thread::scope(|scope| {
        for me in [0, 1] {
            scope.spawn(move || write(ring, me));
            scope.spawn(move || read(ring));
        }
    });
    let tip = ring.load_tip();
    assert_eq!(tip.tail, EVENTS);
    assert_eq!(
        ring.recover().unwrap(),
        tip,
        "nobody died: nothing to recover"
    );
}
