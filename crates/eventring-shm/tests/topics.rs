//! Topics: cursors, filters, gaps, resets, several nodes.

use eventring_shm::topics::{KIND, NodeId, TopicBus, TopicCursor, TopicError, TopicPoll};
use eventring_shm::{EventRing, Kind};
use futures::StreamExt;

fn bus() -> TopicBus {
    let builder = EventRing::builder().descriptors(8).payload(1 << 14);
    TopicBus::in_memory(builder, NodeId(1)).unwrap()
}

fn payloads(poll: &TopicPoll) -> Vec<&[u8]> {
    poll.events.iter().map(|event| &event.payload[..]).collect()
}

#[test]
fn cursors_are_values() {
    let bus = bus();
    bus.publish("a", b"1").unwrap();
    let mut start = bus.cursor_from_start();
    let mut head = bus.cursor_at_head();
    assert_eq!((start.next_counter(), head.next_counter()), (0, 1));
    let copy = start;
    bus.publish("b", b"2").unwrap();
    assert_eq!(payloads(&bus.poll(&mut start)), [b"1", b"2"]);
    assert_eq!(payloads(&bus.poll(&mut head)), [b"2"]);
    assert!(bus.poll(&mut start).is_empty());
    assert_eq!(copy, TopicCursor::from_counter(0));
}

#[test]
fn one_topic_passes_the_others() {
    let bus = bus();
    let mut cursor = bus.cursor_from_start();
    for (topic, payload) in [("a", b"1"), ("b", b"2"), ("a", b"3")] {
        bus.publish(topic, payload).unwrap();
    }
    let poll = bus.poll_topic(&mut cursor, "b");
    assert_eq!(
        (payloads(&poll), cursor.next_counter()),
        (vec![&b"2"[..]], 3)
    );
}

/// What is of other topics may be gone.
#[test]
fn other_topics_are_not_copied() {
    let bus = bus();
    for topic in ["a", "a", "a", "b", "b", "b"] {
        bus.publish(topic, &[7; 4000]).unwrap();
    }
    let poll = bus.poll_topic(&mut TopicCursor::from_counter(0), "b");
    assert_eq!((poll.events.len(), poll.lagged), (3, 0));
    let poll = bus.poll(&mut TopicCursor::from_counter(0));
    assert_eq!(poll.events.len() as u64 + poll.lagged, 6);
    assert!(poll.lagged >= 2);
}

/// Others may write into the ring, too.
#[test]
fn frames_of_any_bytes() {
    let bus = bus();
    let mut cursor = bus.cursor_from_start();
    let mut raw = bus.event_ring().join().unwrap();
    let frame = b"\x02\0\x03\0\x15\xcd\x5b\x07\0\0\0\0\xffxabc, and more";
    raw.publish_with(KIND, [0, 9, 0, 0], frame).unwrap();
    raw.publish(Kind(3), &frame[..16]).unwrap();
    let poll = bus.poll(&mut cursor);
    assert_eq!((poll.events.len(), poll.malformed, poll.lagged), (1, 1, 0));
    let event = &poll.events[0];
    assert_eq!(
        (event.topic.as_str(), &event.payload[..]),
        ("\u{fffd}x", &b"abc"[..])
    );
    assert_eq!(
        (event.timestamp_ms, event.id.to_string().as_str()),
        (123_456_789, "9-0")
    );
}

#[test]
fn lag_is_counted() {
    let bus = bus();
    let mut cursor = bus.cursor_from_start();
    for number in 0..11u8 {
        bus.publish("a", &[number]).unwrap();
    }
    let mut stream = bus.stream(cursor);
    futures::executor::block_on(stream.next()).unwrap();
    assert_eq!(stream.lagged(), 3);
    let poll = bus.poll(&mut cursor);
    assert_eq!((poll.lagged, poll.events.len()), (3, 8));
    assert_eq!(poll.events[0].id.counter, 3);
}

#[test]
fn frames_that_are_too_large() {
    let bus = bus();
    let max_payload = bus.payload_max() - 3;
    let error = bus.publish("abc", &vec![0; max_payload + 1]).unwrap_err();
    let expected = TopicError::FrameTooLarge {
        topic_len: 3,
        payload_len: max_payload + 1,
        max_payload,
    };
    assert_eq!(error, expected);
    bus.publish("abc", &vec![0; max_payload]).unwrap();
}

#[test]
fn a_reset_tells_who_was_behind() {
    let bus = bus();
    let mut behind = bus.cursor_from_start();
    for number in 0..5u8 {
        bus.publish("a", &[number]).unwrap();
    }
    bus.reset_ring().unwrap();
    assert_eq!(bus.cursor_from_start(), bus.cursor_at_head());
    bus.publish("a", b"new").unwrap();
    let poll = bus.poll(&mut behind);
    assert_eq!((poll.lagged, payloads(&poll)), (5, vec![&b"new"[..]]));
    assert_eq!(poll.events[0].id.counter, 5);
}

#[test]
fn every_node_publishes() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("fleet");
    let nodes: Vec<TopicBus> = (0..3)
        .map(|node| TopicBus::join(&path, NodeId(node)).unwrap())
        .collect();
    let mut cursor = nodes[0].cursor_from_start();
    std::thread::scope(|scope| {
        for bus in &nodes {
            scope.spawn(move || {
                for number in 0..100u8 {
                    bus.publish("count", &[number]).unwrap();
                }
            });
        }
    });
    let poll = nodes[2].poll(&mut cursor);
    assert_eq!((poll.events.len(), poll.lagged), (300, 0));
    for node in 0..3 {
        let of_node = poll
            .events
            .iter()
            .filter(|event| event.id.node == NodeId(node));
        assert!(of_node.map(|event| event.payload[0]).eq(0..100));
    }
}

/// The fleet of one process.
#[test]
fn nodes_in_memory() {
    let one = bus();
    let two = one.another(NodeId(2)).unwrap();
    let ids = [&one, &two, &one.clone()].map(|bus| bus.publish("a", b"").unwrap().to_string());
    assert_eq!(ids, ["1-0", "2-1", "1-2"]);
    let poll = two.poll(&mut two.cursor_from_start());
    assert!(poll.events.iter().map(|event| event.id.to_string()).eq(ids));
}

#[test]
fn streams_wait() {
    let bus = bus();
    let mut stream = bus.stream(bus.cursor_at_head()).topic("b");
    let publishing = std::thread::spawn({
        let bus = bus.clone();
        move || {
            bus.publish("a", b"no").unwrap();
            bus.publish("b", "b\u{fc}".as_bytes()).unwrap();
        }
    });
    let event = futures::executor::block_on(stream.next()).unwrap();
    assert_eq!(
        (event.topic.as_str(), event.id.to_string().as_str()),
        ("b", "1-1")
    );
    publishing.join().unwrap();
}
