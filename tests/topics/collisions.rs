//! Keys that have the same hash.

use crate::common::Random;
use eventring::{Topic, Topics};
use std::hash::{BuildHasher, Hasher};

/// Hashes numbers to what is left of them after division by this.
#[derive(Clone, Copy)]
struct Colliding(u64);

struct Remainder(u64, u64);

impl BuildHasher for Colliding {
    type Hasher = Remainder;

    fn build_hasher(&self) -> Remainder {
        Remainder(self.0, 0)
    }
}

impl Hasher for Remainder {
    fn write_u64(&mut self, number: u64) {
        self.1 = number % self.0;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn finish(&self) -> u64 {
        self.1
    }
}

#[test]
fn keys_of_one_hash_are_told_apart() {
    let mut random = Random::new();
    for hashes in [1, 3] {
        let builder = Topics::<u64, u64>::builder().capacity(1);
        let topics = builder.hasher(Colliding(hashes)).build().unwrap();
        let mut receivers: Vec<Topic<u64, u64>> = Vec::new();
        for step in 0..2_000 {
            let key = random.below(20);
            match receivers.iter().position(|topic| *topic.key() == key) {
                Some(place) => drop(receivers.swap_remove(place)),
                None => receivers.push(topics.subscribe(&key)),
            }
            let mut keys = topics.keys();
            keys.sort_unstable();
            let mut expected: Vec<_> = receivers.iter().map(|topic| *topic.key()).collect();
            expected.sort_unstable();
            assert_eq!((keys, topics.len()), (expected, receivers.len()));
            let key = random.below(20);
            let receiver = receivers.iter_mut().find(|topic| *topic.key() == key);
            let published = topics.try_publish(&key, step).unwrap();
            assert_eq!(published.is_some(), receiver.is_some());
            if let Some(receiver) = receiver {
                assert_eq!(receiver.try_recv(), Ok(step));
            }
            assert!(receivers.iter_mut().all(|topic| topic.try_recv().is_err()));
        }
    }
}
