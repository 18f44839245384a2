//! Subscribing, publishing and leaving at the same time.

use crate::common::{Random, times, watched};
use eventring::Topics;
use std::thread;

/// Whoever has subscribed hears what is published after that, whoever leaves meanwhile.
#[test]
fn a_subscriber_is_in_a_live_topic() {
    watched(|| {
        let topics: Topics<u64, (usize, u64)> = Topics::new(1024);
        let mut random = Random::new();
        thread::scope(|scope| {
            for me in 0..4 {
                let (topics, mut random) = (&topics, random.fork());
                scope.spawn(move || {
                    for number in 0..times(20_000) {
                        let key = random.below(2);
                        let mut topic = topics.subscribe(&key);
                        let published = topics.try_publish(&key, (me, number));
                        assert!(published.unwrap().is_some(), "this one is there");
                        // Who is a whole ring behind has missed it.
                        while topic.missed() == 0 {
                            let heard = topic.recv_blocking();
                            if heard.expect("nobody closes it") == (me, number) {
                                break;
                            }
                        }
                    }
                });
            }
        });
        let stats = topics.stats();
        assert_eq!((stats.topics, stats.receivers), (0, 0));
        assert_eq!(stats.published, 4 * times(20_000));
    });
}

/// With room for one event, publishers wait for whom they find, until that one leaves.
#[test]
fn publishers_outlive_topics() {
    watched(|| {
        let builder = Topics::<u64, u64>::builder().capacity(1);
        let topics = builder
            .strategy(eventring::WaitStrategy::Block)
            .build()
            .unwrap();
        let mut random = Random::new();
        let heard: usize = thread::scope(|scope| {
            for _ in 0..2 {
                let (topics, mut random) = (&topics, random.fork());
                scope.spawn(move || {
                    for number in 0..times(20_000) {
                        topics.publish_blocking(&random.below(2), number).unwrap();
                    }
                });
            }
            let receivers: Vec<_> = (0..2)
                .map(|_| {
                    let (topics, mut random) = (&topics, random.fork());
                    scope.spawn(move || {
                        let visit = |_| {
                            let mut topic = topics.subscribe(&random.below(2));
                            let reads = random.below(4) as usize;
                            topic.try_iter().take(reads).count()
                        };
                        (0..times(20_000)).map(visit).sum::<usize>()
                    })
                })
                .collect();
            receivers
                .into_iter()
                .map(|receiver| receiver.join().unwrap())
                .sum()
        });
        let stats = topics.stats();
        assert_eq!((stats.topics, stats.receivers, stats.missed), (0, 0, 0));
        assert!(heard as u64 <= 2 * stats.published);
    });
}

#[test]
fn closing_ends_everybody() {
    watched(|| {
        for _ in 0..times(1_000) {
            let topics: Topics<u64, u64> = Topics::new(4);
            thread::scope(|scope| {
                for key in 0..2 {
                    let topics = &topics;
                    scope.spawn(move || {
                        let mut topic = topics.subscribe(&key);
                        while topic.recv_blocking().is_some() {}
                    });
                }
                topics.close();
            });
            assert!(topics.is_empty());
        }
    });
}
