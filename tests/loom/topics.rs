//! Topics that come and go.

use super::*;
use eventring::{PublishError, Topic, Topics};

fn topics() -> Topics<u32, u64> {
    Topics::new(1)
}

/// Leaves, and says what was there to be received.
fn leave(mut topic: Topic<u32, u64>) -> Vec<u64> {
    let received = topic.try_iter().collect();
    drop(topic);
    received
}

/// Catches: a topic that is removed although somebody has just come, or one for which somebody is
/// counted after it was removed: what is published then reaches nobody.
///
/// Kills: `join-under-lock`, `last-under-lock`.
#[test]
fn subscribe_while_the_last_receiver_drops() {
    bounded(3, || {
        let topics = topics();
        let last = topics.subscribe(&1);
        let dropping = thread::spawn(move || drop(last));
        let mut newcomer = topics.subscribe(&1);
        assert_eq!(topics.try_publish(&1, 7), Ok(Some(0)));
        assert_eq!(newcomer.try_recv(), Ok(7));
        dropping.join().unwrap();
        assert_eq!(topics.try_publish(&1, 8), Ok(Some(1)));
        assert_eq!(newcomer.try_recv(), Ok(8));
        drop(newcomer);
        assert_eq!((topics.len(), topics.stats().published), (0, 2));
    });
}

/// Catches: two that come to a topic of which each makes one of its own; two that go of which neither removes
/// it.
///
/// Kills: `last-under-lock`.
#[test]
fn two_come_and_go() {
    bounded(3, || {
        let topics = topics();
        let other = {
            let topics = topics.clone();
            thread::spawn(move || topics.subscribe(&1))
        };
        let one = topics.subscribe(&1);
        let other = other.join().unwrap();
        assert_eq!((topics.len(), topics.stats().receivers), (1, 2));
        let dropping = thread::spawn(move || drop(other));
        drop(one);
        dropping.join().unwrap();
        assert_eq!((topics.len(), topics.stats().opened), (0, 1));
    });
}

/// Catches: an event that is refused because the topic that was found is gone; one that is received though it was
/// published to nobody, or twice.
///
/// Kills: `publish-anew`.
#[test]
fn publish_while_receivers_come_and_go() {
    bounded(3, || {
        let topics = topics();
        let last = topics.subscribe(&1);
        let changing = {
            let topics = topics.clone();
            thread::spawn(move || {
                let mut received = leave(last);
                let newcomer = topics.subscribe(&1);
                received.extend(leave(newcomer));
                received
            })
        };
        let published = topics.try_publish(&1, 7);
        let received = changing.join().unwrap();
        match published {
            Ok(Some(0)) => assert!(received.is_empty() || received == [7]),
            Ok(None) => assert!(received.is_empty()),
            other => panic!("{other:?}"),
        }
        assert_eq!(topics.len(), 0);
    });
}

/// Catches: a publisher that waits for the room of a topic that is gone.
#[test]
fn publish_blocking_while_the_last_receiver_drops() {
    bounded(3, || {
        let builder = Topics::<u32, u64>::builder().capacity(1);
        let topics = builder.strategy(WaitStrategy::Block).build().unwrap();
        let last = topics.subscribe(&1);
        assert_eq!(topics.try_publish(&1, 7), Ok(Some(0)));
        let dropping = thread::spawn(move || drop(last));
        let published = topics.publish_blocking(&1, 8);
        assert!(matches!(published, Ok(None | Some(1))), "{published:?}");
        dropping.join().unwrap();
        assert_eq!(topics.publish_blocking(&1, 9), Ok(None));
    });
}

/// Catches: a handle of a topic that is gone which goes on as if it was one.
///
/// Kills: `close-gone`.
#[test]
fn what_is_gone_ends() {
    bounded(3, || {
        let topics = topics();
        let last = topics.subscribe(&1);
        let bus = topics.get(&1).unwrap();
        let mut beside = bus.subscribe();
        let dropping = thread::spawn(move || drop(last));
        assert_eq!(beside.recv_blocking(), None);
        dropping.join().unwrap();
        assert_eq!(bus.publish_blocking(7), Err(PublishError::Closed(7)));
    });
}

/// Catches: a topic that is opened while the topics are closed, and never ends.
///
/// Kills: `close-shards`.
#[test]
fn close_while_a_topic_is_opened() {
    bounded(3, || {
        let topics = topics();
        let closing = {
            let topics = topics.clone();
            thread::spawn(move || topics.close())
        };
        let mut topic = topics.subscribe(&1);
        assert_eq!(topic.recv_blocking(), None);
        drop(topic);
        closing.join().unwrap();
        assert_eq!(topics.try_publish(&1, 7).unwrap_err().into_event(), 7);
        assert_eq!(topics.len(), 0);
    });
}

/// Catches: the last handle of the topics that does not close them.
///
/// Kills: `last-handle`.
#[test]
fn the_last_handles_drop() {
    bounded(3, || {
        let topics = topics();
        let mut topic = topics.subscribe(&1);
        let other = topics.clone();
        let dropping = thread::spawn(move || drop(other));
        drop(topics);
        assert_eq!(topic.recv_blocking(), None);
        dropping.join().unwrap();
    });
}
