//! Publishers and receivers that stay from the beginning to the end.

use crate::common::{Ledger, Random, times, watched};
use crate::seen::{Published, Seen};
use crate::ways::{publish, receive};
use eventring::{EventBus, WaitStrategy};
use std::thread;

const EVENTS: u64 = times(150);
const CAPACITIES: [usize; 5] = [1, 2, 3, 8, 64];

/// Every number of publishers and receivers, of both kinds, on each capacity.
fn accounts(strategy: WaitStrategy) {
    watched(move || {
        let mut random = Random::new();
        for capacity in CAPACITIES {
            for publishers in 1..=4 {
                for receivers in 1..=6 {
                    let lossy = random.below(receivers + 1);
                    let scene =
                        format!("{publishers} publishers, {receivers} receivers, {lossy} lossy");
                    println!("capacity {capacity}, {scene}");
                    let bus = EventBus::with_strategy(capacity, strategy);
                    run(&bus, publishers, (receivers, lossy), &mut random);
                }
            }
        }
    });
}

fn run(
    bus: &EventBus<crate::common::Tracked>,
    publishers: u64,
    (receivers, lossy): (u64, u64),
    random: &mut Random,
) {
    let ledger = Ledger::default();
    let strategy = bus.strategy();
    let (published, missed) = thread::scope(|scope| {
        let receiving: Vec<_> = (0..receivers)
            .map(|index| {
                let mut receiver = match index < lossy {
                    true => bus.subscribe_lossy(),
                    false => bus.subscribe(),
                };
                // What was handed back is missing in a publisher's row, not in the account.
                let lossless = strategy == WaitStrategy::Block && !receiver.is_lossy();
                let mut random = random.fork();
                scope.spawn(move || {
                    let mut seen = Seen::new(&receiver, lossless);
                    receive(&mut receiver, &mut seen, u64::MAX, &mut random);
                    (receiver, seen)
                })
            })
            .collect();
        let publishing: Vec<_> = (0..publishers)
            .map(|publisher| {
                let (ledger, mut random) = (&ledger, random.fork());
                scope.spawn(move || publish(bus, ledger, publisher, EVENTS, &mut random))
            })
            .collect();
        let mut published = Published::default();
        for publisher in publishing {
            let Published {
                accepted,
                dropped,
                closed,
            } = publisher.join().unwrap();
            assert_eq!((accepted + dropped, closed), (EVENTS, 0));
            published.accepted += accepted;
            published.dropped += dropped;
        }
        bus.close();
        let mut missed = 0;
        let receivers: Vec<_> = receiving.into_iter().map(|r| r.join().unwrap()).collect();
        for (receiver, seen) in &receivers {
            seen.assert_complete(receiver, published.accepted);
            assert!(receiver.is_lossy() || receiver.missed() == 0);
            missed += receiver.missed();
        }
        assert!(bus.is_empty());
        (published, missed)
    });
    let stats = bus.stats();
    assert_eq!(
        (stats.published, stats.dropped, stats.missed),
        (published.accepted, published.dropped, missed)
    );
    assert!(strategy == WaitStrategy::DropNewest || stats.dropped == 0);
    assert_eq!(ledger.alive(), 0, "all receivers are gone");
}

#[test]
fn block() {
    accounts(WaitStrategy::Block);
}

#[test]
fn overwrite() {
    accounts(WaitStrategy::Overwrite);
}

#[test]
fn drop_newest() {
    accounts(WaitStrategy::DropNewest);
}
