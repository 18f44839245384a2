//! Auto traits, `Debug`, and that the futures may be moved to other threads.

use eventring::topics::{
    Change, Changes, Matching, PatternError, TopicPermit, TopicsBuilder, TopicsStats,
};
use eventring::{Receiver, Topic, Topics};
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};

#[test]
fn handles_go_everywhere() {
    fn everywhere<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug>() {}
    everywhere::<Topics<String, String>>();
    everywhere::<Topic<String, String>>();
    everywhere::<TopicPermit<String, String>>();
    everywhere::<TopicsBuilder<String, String>>();
    everywhere::<TopicsStats>();
    everywhere::<Changes<String, String>>();
    everywhere::<Change<String>>();
    everywhere::<PatternError>();
    everywhere::<Matching<String, String>>();
}

#[test]
fn futures_may_move() {
    fn sends<T: Send>(_: T) {}
    let rooms: Topics<String, String> = Topics::new(16);
    sends(rooms.publish("lobby", String::new()));
    sends(rooms.publish_many("lobby", &mut Vec::new()));
    sends(rooms.reserve("lobby"));
    sends(rooms.changes());
    sends(rooms.all());
    sends(rooms.subscribe_matching(">"));
}

#[test]
fn debug() {
    let rooms: Topics<String, String> = Topics::new(16);
    let lobby = rooms.subscribe("lobby");
    assert!(format!("{rooms:?}").starts_with("Topics { stats: TopicsStats { topics: 1,"));
    assert!(format!("{lobby:?}").starts_with("Topic { key: \"lobby\", receiver: Receiver {"));
    let permit = rooms.try_reserve("lobby").unwrap().unwrap();
    assert_eq!(format!("{permit:?}"), "TopicPermit { key: \"lobby\", .. }");
    let builder = Topics::<String, String>::builder();
    assert!(format!("{builder:?}").starts_with("TopicsBuilder { bus: Builder { capacity: 1024,"));
}

/// A topic is wherever a receiver is asked for.
#[test]
fn a_topic_is_a_receiver() {
    fn backlog(receiver: &mut Receiver<u64>) -> Vec<u64> {
        receiver.try_iter().collect()
    }
    let rooms: Topics<u64, u64> = Topics::new(16);
    let mut room = rooms.subscribe(&7);
    rooms.try_publish(&7, 1).unwrap();
    assert_eq!(backlog(&mut room), [1]);
    let mut stream = futures::executor::block_on_stream(room);
    rooms.try_publish(&7, 2).unwrap();
    rooms.close();
    assert_eq!((stream.next(), stream.next()), (Some(2), None));
}
