//! Topics that stay for a while. Time is what the tests say it is.

use eventring::{PublishError, Start, Topics, TryRecvError};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);

fn rooms(linger: Duration) -> Topics<String, u64> {
    let builder = Topics::builder().capacity(8).history(4);
    builder.linger(linger).build().unwrap()
}

#[test]
fn who_comes_in_time_finds_the_topic_and_its_history() {
    let rooms = rooms(HOUR);
    let first = rooms.subscribe("lobby");
    let bus = rooms.get("lobby").unwrap();
    assert_eq!(rooms.try_publish("lobby", 1), Ok(Some(0)));
    drop(first);
    assert_eq!(rooms.try_publish("lobby", 2), Ok(Some(1)));
    rooms.sweep();
    let mut late = rooms.subscribe_from("lobby", Start::Oldest);
    assert_eq!(late.try_iter().collect::<Vec<_>>(), [1, 2]);
    assert!(rooms.get("lobby").unwrap().same_bus(&bus));
    // It does not linger while somebody is there.
    rooms.sweep_at(Instant::now() + 2 * HOUR);
    assert_eq!(rooms.try_publish("lobby", 3), Ok(Some(2)));
    assert_eq!(late.try_recv(), Ok(3));
    drop(late);
    rooms.sweep_at(Instant::now() + 2 * HOUR);
    assert!(rooms.is_empty() && bus.is_closed());
    assert_eq!((rooms.stats().opened, rooms.stats().published), (1, 3));
}

/// Each time counts anew.
#[test]
fn those_whose_time_is_not_up_stay() {
    let rooms = rooms(2 * HOUR);
    let begun = Instant::now();
    for room in 0..100 {
        drop(rooms.subscribe(&room.to_string()));
    }
    rooms.sweep_at(begun + HOUR);
    assert_eq!(rooms.len(), 100);
    rooms.sweep_at(begun + 3 * HOUR);
    assert_eq!(rooms.len(), 0);
    drop(rooms.subscribe("lobby"));
    rooms.sweep_at(begun);
    assert_eq!(rooms.len(), 1);
}

/// Whether it was swept before or not.
#[test]
fn who_comes_too_late_finds_another_topic() {
    let rooms = rooms(Duration::from_millis(1));
    drop(rooms.subscribe("lobby"));
    rooms.try_publish("lobby", 1).unwrap();
    let left = Instant::now();
    while left.elapsed() <= Duration::from_millis(1) {}
    let mut late = rooms.subscribe_from("lobby", Start::Oldest);
    assert_eq!(late.try_recv(), Err(TryRecvError::Empty));
    assert_eq!((rooms.len(), rooms.stats().opened), (1, 2));
}

#[test]
fn those_whose_time_is_up_go_as_others_come_and_go() {
    let rooms = rooms(Duration::from_nanos(1));
    for room in 0..10_000 {
        drop(rooms.subscribe(&room.to_string()));
    }
    // Two go for each one that comes, but for the last of each shard.
    assert!(rooms.len() < 5_000, "{} have stayed", rooms.len());
}

#[test]
fn a_bus_that_somebody_closed_does_not_linger() {
    let rooms = rooms(HOUR);
    for closed_before in [true, false] {
        let first = rooms.subscribe("lobby");
        let bus = rooms.get("lobby").unwrap();
        if closed_before {
            bus.close();
            drop(first);
            assert!(rooms.is_empty());
        } else {
            drop(first);
            bus.close();
            assert_eq!(rooms.len(), 1);
        }
        let mut next = rooms.subscribe("lobby");
        assert!(!rooms.get("lobby").unwrap().same_bus(&bus));
        assert_eq!(rooms.try_publish("lobby", 1), Ok(Some(0)));
        assert_eq!(next.try_recv(), Ok(1));
        drop(next);
        rooms.get("lobby").unwrap().close();
        assert_eq!(rooms.try_publish("lobby", 2), Ok(None));
        assert!(rooms.is_empty());
    }
}

#[test]
fn closing_leaves_nothing_idle() {
    let rooms = rooms(HOUR);
    let stays = rooms.subscribe("kitchen");
    drop(rooms.subscribe("lobby"));
    rooms.close();
    assert_eq!(rooms.keys(), ["kitchen"]);
    assert_eq!(
        rooms.publish_blocking("lobby", 1),
        Err(PublishError::Closed(1))
    );
    drop(stays);
    assert!(rooms.is_empty());
}
