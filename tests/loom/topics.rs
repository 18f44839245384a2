//! Topics that come and go.

use super::*;
use eventring::topics::Change;
use eventring::{PublishError, Topic, Topics};
use futures_core::Stream;
use loom::future::block_on;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::{Duration, Instant};

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

/// An hour: nothing of it passes here.
fn lingering() -> Topics<u32, u64> {
    let builder = Topics::<u32, u64>::builder().capacity(1).history(1);
    builder.linger(HOUR).build().unwrap()
}

const HOUR: Duration = Duration::from_secs(3600);

fn sweep_all(topics: &Topics<u32, u64>) {
    topics.sweep_at(Instant::now() + 2 * HOUR);
}

/// Catches: a topic that is swept although somebody has just come.
///
/// Kills: `revive-idle`.
#[test]
fn subscribe_while_an_idle_topic_is_swept() {
    bounded(3, || {
        let topics = lingering();
        drop(topics.subscribe(&1));
        let sweeping = {
            let topics = topics.clone();
            thread::spawn(move || sweep_all(&topics))
        };
        let mut newcomer = topics.subscribe(&1);
        assert_eq!(topics.try_publish(&1, 7), Ok(Some(0)));
        assert_eq!(newcomer.try_recv(), Ok(7));
        sweeping.join().unwrap();
        assert_eq!(topics.try_publish(&1, 8), Ok(Some(1)));
        assert_eq!(newcomer.try_recv(), Ok(8));
        drop(newcomer);
        assert_eq!(topics.len(), 1);
        sweep_all(&topics);
        assert_eq!((topics.len(), topics.stats().published), (0, 2));
    });
}

/// Catches: one who comes while the last one goes, and finds a topic that is idle, or without its history.
///
/// Kills: `last-under-lock`.
#[test]
fn subscribe_while_a_topic_becomes_idle() {
    bounded(3, || {
        let topics = lingering();
        let last = topics.subscribe(&1);
        assert_eq!(topics.try_publish(&1, 7), Ok(Some(0)));
        let dropping = thread::spawn(move || drop(last));
        let mut newcomer = topics.subscribe_from(&1, Start::Oldest);
        dropping.join().unwrap();
        sweep_all(&topics);
        assert_eq!(topics.try_publish(&1, 8), Ok(Some(1)));
        assert_eq!((newcomer.try_recv(), newcomer.missed()), (Ok(8), 1));
    });
}

/// Catches: an event that is refused because the topic was just swept.
///
/// Kills: `publish-anew`.
#[test]
fn publish_while_an_idle_topic_is_swept() {
    bounded(3, || {
        let topics = lingering();
        drop(topics.subscribe(&1));
        let sweeping = {
            let topics = topics.clone();
            thread::spawn(move || sweep_all(&topics))
        };
        let published = topics.try_publish(&1, 7);
        assert!(matches!(published, Ok(None | Some(0))), "{published:?}");
        sweeping.join().unwrap();
        assert_eq!(topics.try_publish(&1, 8), Ok(None));
    });
}

fn audited() -> Topics<u32, u64> {
    let builder = Topics::<u32, u64>::builder().capacity(1);
    builder.all_capacity(1).build().unwrap()
}

/// Catches: an event that somebody receives, and that is not in the tap, or not before; one that is in the tap twice.
///
/// Kills: `tap-seat`.
#[test]
fn publish_to_all_while_the_last_receiver_drops() {
    bounded(2, || {
        let topics = audited();
        let last = topics.subscribe(&1);
        let mut audit = topics.all();
        let publishing = {
            let topics = topics.clone();
            thread::spawn(move || topics.try_publish(&1, 7))
        };
        let received = leave(last);
        if !received.is_empty() {
            assert_eq!(audit.try_recv(), Ok((1, 7)));
        }
        let published = publishing.join().unwrap();
        assert!(matches!(published, Ok(None | Some(0))), "{published:?}");
        if received.is_empty() {
            assert_eq!(audit.try_recv(), Ok((1, 7)));
        }
        assert_eq!(audit.try_recv(), Err(TryRecvError::Empty));
    });
}

/// Catches: who receives all of topics that are just closed, and never ends; an event that is published, and
/// not in it.
///
/// Kills: `tap-closed`.
#[test]
fn close_while_the_tap_is_taken() {
    bounded(3, || {
        let topics = audited();
        let closing = {
            let topics = topics.clone();
            thread::spawn(move || topics.close())
        };
        let mut audit = topics.all();
        let published = topics.try_publish(&1, 7);
        let mut received = Vec::new();
        while let Some(event) = audit.recv_blocking() {
            received.push(event);
        }
        closing.join().unwrap();
        match published {
            Ok(None) => assert_eq!(received, [(1, 7)]),
            Err(refused) => assert_eq!(refused.into_event(), 7),
            other => panic!("{other:?}"),
        }
    });
}

/// Catches: a topic that comes while the stream of changes begins, and is told twice or not at all; one that is
/// told, and whose end is not; a stream that nobody wakes.
///
/// Kills: `wake-changes`, `seen-shards`.
#[test]
fn changes_while_a_topic_comes_and_goes() {
    bounded(3, || {
        let topics = topics();
        let changing = {
            let topics = topics.clone();
            thread::spawn(move || {
                drop(topics.subscribe(&1));
                topics.close();
            })
        };
        let mut changes = topics.changes();
        let told = block_on(async {
            let mut told = Vec::new();
            while let Some(change) = poll_fn(|cx| Pin::new(&mut changes).poll_next(cx)).await {
                told.push(change);
            }
            told
        });
        changing.join().unwrap();
        let both = [Change::Opened(1), Change::Vacated(1)];
        assert!(told.is_empty() || told == both, "{told:?}");
    });
}
