//! How topics come and go.

use eventring::{Start, Topic, Topics, TryPublishError, TryRecvError};

type Rooms = Topics<String, u64>;

fn rooms() -> Rooms {
    Topics::new(16)
}

/// Whoever publishes is heard by this receiver.
fn assert_live(rooms: &Rooms, room: &mut Topic<String, u64>, number: u64) {
    let key = room.key().clone();
    assert!(rooms.try_publish(&key, number).unwrap().is_some());
    assert_eq!(room.try_recv(), Ok(number));
}

#[test]
fn the_last_one_to_be_dropped_removes_the_topic() {
    let rooms = rooms();
    let first = rooms.subscribe("lobby");
    let clone = first.clone();
    let again = clone.resubscribe();
    let lossy = rooms.subscribe_lossy("lobby");
    let mut views = vec![rooms.subscribe("lobby").map_receiver(|_| ())];
    views.push(rooms.subscribe("lobby").with_lag().map_receiver(|_| ()));
    views.push(
        rooms
            .subscribe("lobby")
            .with_sequence()
            .map_receiver(|_| ()),
    );
    views.push(first.filter_map_ref(|_| Some(())).map_receiver(|_| ()));
    drop((clone, again, lossy));
    while let Some(view) = views.pop() {
        assert_eq!((view.key().as_str(), rooms.len()), ("lobby", 1));
        drop(view);
    }
    assert!(rooms.is_empty() && rooms.keys().is_empty() && rooms.get("lobby").is_none());
}

#[test]
fn who_comes_finds_the_topic_that_is_there_or_a_new_one() {
    let rooms = rooms();
    let mut first = rooms.subscribe("lobby");
    assert_live(&rooms, &mut first, 0);
    let old = rooms.get("lobby").unwrap();
    let mut second = rooms.subscribe("lobby");
    drop(first);
    assert_live(&rooms, &mut second, 1);
    assert!(rooms.get("lobby").unwrap().same_bus(&old));
    drop(second);
    assert!(old.is_closed());
    let mut third = rooms.subscribe("lobby");
    assert_eq!(
        (third.position(), third.try_recv()),
        (0, Err(TryRecvError::Empty))
    );
    assert_live(&rooms, &mut third, 2);
    assert!(!rooms.get("lobby").unwrap().same_bus(&old));
}

#[test]
fn topics_do_not_meet() {
    let rooms = rooms();
    let mut topics: Vec<_> = (0..100)
        .map(|room| rooms.subscribe(&room.to_string()))
        .collect();
    let mut keys = rooms.keys();
    keys.sort_by_key(|key| key.parse::<u64>().unwrap());
    assert!(keys.iter().eq(topics.iter().map(Topic::key)));
    for (number, key) in (0..).zip(&keys) {
        assert_eq!(rooms.try_publish(key, number), Ok(Some(0)));
    }
    for (number, topic) in (0..).zip(&mut topics) {
        assert_eq!(topic.try_iter().collect::<Vec<_>>(), [number]);
    }
    while let Some(topic) = topics.pop() {
        drop(topic);
        assert_eq!(rooms.len(), topics.len());
    }
}

/// What has grown for a crowd shrinks; who is left is found.
#[test]
fn a_crowd_that_leaves() {
    let numbers: Topics<u32, u64> = Topics::new(1);
    let mut topics: Vec<_> = (0..10_000).map(|key| numbers.subscribe(&key)).collect();
    topics.retain(|topic| topic.key() % 1000 == 7);
    assert_eq!(numbers.len(), 10);
    for topic in &mut topics {
        assert_eq!(numbers.try_publish(topic.key(), 1), Ok(Some(0)));
        assert_eq!(topic.try_recv(), Ok(1));
    }
    assert_eq!(numbers.try_publish(&8, 1), Ok(None));
    assert_eq!(numbers.stats().opened, 10_000);
}

#[test]
fn history_is_for_who_comes_while_the_topic_is_in_use() {
    let rooms = Rooms::builder().capacity(8).history(2).build().unwrap();
    let first = rooms.subscribe("lobby");
    for number in 0..5 {
        rooms.try_publish("lobby", number).unwrap();
    }
    let mut late = rooms.subscribe_from("lobby", Start::Oldest);
    assert_eq!(late.try_iter().collect::<Vec<_>>(), [3, 4]);
    let mut later = rooms.subscribe_lossy_from("lobby", Start::Last(1));
    assert_eq!(later.try_iter().collect::<Vec<_>>(), [4]);
    drop((first, late, later));
    assert_eq!(rooms.len(), 0);
    assert!(rooms.subscribe_from("lobby", Start::Oldest).is_empty());
}

#[test]
fn several_receivers_in_one_topic() {
    let rooms = rooms();
    let make = |bus: &eventring::EventBus<u64>| [bus.subscribe(), bus.subscribe()];
    let mut both = rooms.subscribe_with("lobby", make);
    assert_eq!(rooms.stats().receivers, 2);
    assert_eq!(rooms.try_publish("lobby", 7), Ok(Some(0)));
    for receiver in both.iter_mut() {
        assert_eq!(receiver.try_recv(), Ok(7));
    }
    drop(both);
    assert_eq!(rooms.len(), 0);
}

#[test]
fn a_bus_that_somebody_closes_ends_its_topic_until_its_receivers_are_gone() {
    let rooms = rooms();
    let mut closed = rooms.subscribe("lobby");
    let mut other = rooms.subscribe("kitchen");
    rooms.get("lobby").unwrap().close();
    assert_eq!(
        rooms.try_publish("lobby", 1),
        Err(TryPublishError::Closed(1))
    );
    assert_eq!(
        rooms.subscribe("lobby").try_recv(),
        Err(TryRecvError::Closed)
    );
    assert_eq!(closed.try_recv(), Err(TryRecvError::Closed));
    assert_live(&rooms, &mut other, 2);
    drop(closed);
    assert_live(&rooms, &mut rooms.subscribe("lobby"), 3);
}

#[test]
fn closing_ends_all_topics_for_ever() {
    for by_drop in [false, true] {
        let rooms = rooms();
        let mut topics = ["lobby", "kitchen"].map(|room| rooms.subscribe(room));
        rooms.try_publish("lobby", 1).unwrap();
        let other = rooms.clone();
        drop(rooms);
        assert_live(&other, &mut topics[1], 2);
        let rooms = if by_drop {
            drop(other);
            None
        } else {
            other.close();
            other.close();
            Some(other)
        };
        assert_eq!(topics[0].try_recv(), Ok(1));
        for topic in &mut topics {
            assert_eq!(topic.try_recv(), Err(TryRecvError::Closed));
        }
        let Some(rooms) = rooms else { continue };
        for room in ["lobby", "garden"] {
            assert_eq!(rooms.try_publish(room, 1), Err(TryPublishError::Closed(1)));
            assert!(rooms.try_reserve(room).is_err());
            assert_eq!(rooms.subscribe(room).try_recv(), Err(TryRecvError::Closed));
        }
        assert_eq!(rooms.len(), 2);
        drop(topics);
        assert_eq!(rooms.len(), 0);
        assert_eq!(
            rooms.subscribe("lobby").try_recv(),
            Err(TryRecvError::Closed)
        );
    }
}

#[test]
fn what_is_gone_stays_counted() {
    let rooms = Rooms::builder().capacity(1).build().unwrap();
    for _ in 0..3 {
        let mut lossy = rooms.subscribe("lobby");
        for number in 0..3 {
            rooms.try_publish("lobby", number).unwrap();
        }
        assert_eq!(lossy.try_recv(), Ok(2));
    }
    let _kitchen = rooms.subscribe("kitchen");
    rooms.try_publish("kitchen", 0).unwrap();
    let stats = rooms.stats();
    assert_eq!((stats.topics, stats.receivers, stats.opened), (1, 1, 4));
    assert_eq!((stats.published, stats.missed, stats.dropped), (10, 6, 0));
}
